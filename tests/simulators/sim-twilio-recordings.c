/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "sim-twilio.h"

#define RATE 8000 /* bytes a second of mu-law */
#define WAV_HEADER 58
#define WAV_MULAW 7
#define RECORDINGS SIM_TWILIO_API "*/Recordings"
#define OF_CALL SIM_TWILIO_API "*/Calls/*/Recordings"

/* Recordings: what the other side has heard, as long as it was recorded. */

SimTwilioRecording *
sim_twilio_recording_new(SimTwilio *twilio, const gchar *account_sid, const gchar *call_sid,
                         const gchar *source, gint channels)
{
  SimTwilioRecording *self = g_new0(SimTwilioRecording, 1);

  self->sid = cord_phone_new_sid("RE");
  self->account_sid = g_strdup(account_sid);
  self->call_sid = g_strdup(call_sid);
  self->source = source;
  self->channels = channels;
  self->status = "in-progress";
  self->created = sim_twilio_now();
  self->audio = g_byte_array_new();
  g_ptr_array_add(twilio->recordings, self);
  return self;
}

void
sim_twilio_recording_free(SimTwilioRecording *self)
{
  g_free(self->sid);
  g_free(self->account_sid);
  g_free(self->call_sid);
  g_free(self->created);
  g_clear_pointer(&self->order, cord_form_free);
  g_byte_array_unref(self->audio);
  g_free(self);
}

void
sim_twilio_recording_end(SimTwilioRecording *self)
{
  self->status = "completed";
  self->duration = (gint)((self->audio->len + RATE / 2) / RATE);
}

/* A call's recordings are told of in other words than the account's. */
static JsonObject *
describe(SimTwilioRecording *self, gboolean of_call)
{
  JsonObject *object = json_object_new();
  g_autofree gchar *duration = g_strdup_printf("%d", self->duration);
  g_autofree gchar *uri =
      g_strdup_printf(SIM_TWILIO_API "%s/Recordings/%s.json", self->account_sid, self->sid);
  g_autofree gchar *media = g_strdup_printf(
      "https://api.twilio.com" SIM_TWILIO_API "%s/Recordings/%s", self->account_sid, self->sid);

  json_object_set_string_member(object, "sid", self->sid);
  json_object_set_string_member(object, "account_sid", self->account_sid);
  json_object_set_string_member(object, "call_sid", self->call_sid);
  json_object_set_null_member(object, "conference_sid");
  json_object_set_string_member(object, "status", self->status);
  json_object_set_string_member(object, "source", self->source);
  json_object_set_int_member(object, "channels", self->channels);
  json_object_set_string_member(object, "duration", duration);
  json_object_set_string_member(object, "date_created", self->created);
  json_object_set_string_member(object, "date_updated", self->created);
  json_object_set_string_member(object, "start_time", self->created);
  json_object_set_null_member(object, "price");
  json_object_set_string_member(object, "price_unit", "USD");
  json_object_set_null_member(object, "error_code");
  json_object_set_null_member(object, "encryption_details");
  json_object_set_string_member(object, "api_version", "2010-04-01");
  json_object_set_string_member(object, "uri", uri);
  if (of_call)
    json_object_set_string_member(object, "track", "both");
  else
    json_object_set_string_member(object, "media_url", media);
  return object;
}

static void
answer_recording(SimExchange *exchange, guint status, SimTwilioRecording *self, gboolean of_call)
{
  g_autoptr(JsonObject) object = describe(self, of_call);

  sim_twilio_answer(exchange, status, object);
}

static SimTwilioRecording *
find_recording(SimTwilio *twilio, const gchar *sid)
{
  for (guint i = 0; i < twilio->recordings->len; i++) {
    SimTwilioRecording *each = twilio->recordings->pdata[i];

    if (g_str_equal(each->sid, sid))
      return each;
  }
  return NULL;
}

/* Of one call, or all; the newest first */
static void
answer_list(SimExchange *exchange, SimTwilio *twilio, const gchar *call, const gchar *path)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
  gboolean of_call = strstr(path, "/Calls/") != NULL;

  for (guint i = twilio->recordings->len; i > 0; i--) {
    SimTwilioRecording *each = twilio->recordings->pdata[i - 1];

    if (!call || g_str_equal(call, each->call_sid))
      g_ptr_array_add(items, describe(each, of_call));
  }
  sim_twilio_answer_list(exchange, "recordings", path, items);
}

static void
list_all(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);

  if (twilio)
    answer_list(exchange, twilio, sim_exchange_get_query(exchange, "CallSid"),
                sim_exchange_get_uri(exchange));
}

static void
list_of_call(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);

  if (twilio)
    answer_list(exchange, twilio, sim_exchange_get_part(exchange, 1),
                sim_exchange_get_uri(exchange));
}

/* WAV with mu-law in it, as it came */
static void
answer_audio(SimExchange *exchange, SimTwilioRecording *self)
{
  g_autoptr(GByteArray) wav = g_byte_array_sized_new(WAV_HEADER + self->audio->len);
  guint32 length = self->audio->len;
  const struct __attribute__((packed)) {
    gchar riff[4];
    guint32 size;
    gchar wave[8];
    guint32 format_size;
    guint16 format, channels;
    guint32 rate, byte_rate;
    guint16 align, bits, extra;
    gchar fact[4];
    guint32 fact_size, samples;
    gchar data[4];
    guint32 data_size;
  } header = {
    "RIFF",
    GUINT32_TO_LE(WAV_HEADER - 8 + length),
    "WAVEfmt ",
    GUINT32_TO_LE(18),
    GUINT16_TO_LE(WAV_MULAW),
    GUINT16_TO_LE(1),
    GUINT32_TO_LE(RATE),
    GUINT32_TO_LE(RATE),
    GUINT16_TO_LE(1),
    GUINT16_TO_LE(8),
    0,
    "fact",
    GUINT32_TO_LE(4),
    GUINT32_TO_LE(length),
    "data",
    GUINT32_TO_LE(length),
  };

  G_STATIC_ASSERT(sizeof header == WAV_HEADER);
  g_byte_array_append(wav, (const guint8 *)&header, sizeof header);
  g_byte_array_append(wav, self->audio->data, self->audio->len);
  sim_exchange_answer(exchange, 200, "audio/x-wav", wav->data, wav->len);
}

static void
fetch_recording(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  g_autofree gchar *sid = sim_twilio_dup_sid(exchange, 1);
  gboolean audio = g_str_has_suffix(sid, ".wav");
  SimTwilioRecording *recording;

  if (!twilio)
    return;
  if (audio)
    sid[strlen(sid) - strlen(".wav")] = '\0';
  recording = find_recording(twilio, sid);
  if (!recording)
    sim_twilio_refuse_unknown(exchange);
  else if (audio)
    answer_audio(exchange, recording);
  else
    answer_recording(exchange, 200, recording, FALSE);
}

static SimTwilioCall *
find_call(SimTwilio *twilio, SimExchange *exchange)
{
  SimTwilioCall *call = sim_twilio_find_call(twilio, sim_exchange_get_part(exchange, 1));

  if (!call)
    sim_twilio_refuse_unknown(exchange);
  return call;
}

static void
create_of_call(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  SimTwilioCall *call = twilio ? find_call(twilio, exchange) : NULL;
  g_autoptr(CordForm) form = call ? sim_twilio_read_form(exchange) : NULL;

  if (!form)
    return;
  if (g_str_equal(sim_twilio_call_get_status(call), "in-progress"))
    answer_recording(exchange, 201,
                     sim_twilio_call_record(call, "StartCallRecordingAPI", g_steal_pointer(&form)),
                     TRUE);
  else
    sim_twilio_refuse(exchange, 400, 21220, "Requested resource is not eligible for recording");
}

/* in-progress, paused or stopped; a stopped one is completed */
static void
update_of_call(SimExchange *exchange)
{
  static const gchar *const statuses[] = { "in-progress", "paused", "stopped" };
  SimTwilio *twilio = sim_twilio_enter(exchange);
  SimTwilioCall *call = twilio ? find_call(twilio, exchange) : NULL;
  g_autoptr(CordForm) form = call ? sim_twilio_read_form(exchange) : NULL;
  g_autofree gchar *sid = sim_twilio_dup_sid(exchange, 2);
  SimTwilioRecording *recording;
  const gchar *wanted = NULL;

  if (!form)
    return;
  recording = g_str_equal(sid, "Twilio.CURRENT") ? sim_twilio_call_get_recording(call)
                                                 : find_recording(twilio, sid);
  for (guint i = 0; i < G_N_ELEMENTS(statuses); i++)
    if (g_strcmp0(cord_form_get(form, "Status"), statuses[i]) == 0)
      wanted = statuses[i];
  if (!recording) {
    sim_twilio_refuse_unknown(exchange);
  } else if (!wanted || g_str_equal(recording->status, "completed")) {
    sim_twilio_refuse(exchange, 400, 21220, "Invalid Status for a recording");
  } else {
    if (g_str_equal(wanted, "stopped"))
      sim_twilio_call_stop_recording(call);
    else
      recording->status = wanted;
    answer_recording(exchange, 200, recording, TRUE);
  }
}

void
sim_twilio_recordings_add(SimServer *server)
{
  static const SimRoute routes[] = {
    { .provider = "twilio", .method = "GET", .path = RECORDINGS ".json", .request = list_all },
    { .provider = "twilio", .method = "GET", .path = RECORDINGS "/*", .request = fetch_recording },
    { .provider = "twilio", .method = "GET", .path = OF_CALL ".json", .request = list_of_call },
    { .provider = "twilio", .method = "POST", .path = OF_CALL ".json", .request = create_of_call },
    { .provider = "twilio", .method = "POST", .path = OF_CALL "/*", .request = update_of_call },
  };

  for (guint i = 0; i < G_N_ELEMENTS(routes); i++)
    sim_server_add(server, &routes[i]);
}
