/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-twilio-call-private.h"

/*
 * What a carrier does with a call that was placed: it is initiated, rings, is answered or not, and
 * ends; each is told to those who have asked. The script of a call, with its defaults:
 *   "outcome": "answered", or "busy", "no-answer", "failed"
 *   "initiated_ms": 10, "ringing_ms": 20, "answer_ms": 200: when, from the creation
 *   "reply_ms": 0: how late the answer to the creation is; callbacks may overtake it
 *   "talk_ms": -1: when the other side hangs up, from the answer
 *   "says": what it says, as tones; "keys": what it presses
 *   "answered_by": "human", "machine_ms": 100: what the detection of machines finds, and when
 *   "order": ["ringing", "initiated", "initiated", …]: in which order the callbacks are posted; one
 *     that is named twice comes twice, one that is not named is lost
 */

/* What is known of it */

const gchar *
sim_twilio_call_get_sid(SimTwilioCall *self)
{
  return self->sid;
}

const gchar *
sim_twilio_call_get_status(SimTwilioCall *self)
{
  return self->status;
}

const gchar *
sim_twilio_call_get(SimTwilioCall *self, const gchar *field)
{
  return cord_form_get(self->form, field);
}

gint64
sim_twilio_call_peek(SimTwilioCall *self, const gchar *name, gint64 fallback)
{
  return self->script ? cord_json_peek_int(self->script, name, fallback) : fallback;
}

gboolean
sim_twilio_call_is_over(SimTwilioCall *self)
{
  return self->over;
}

static const gchar *
peek_string(SimTwilioCall *self, const gchar *name, const gchar *fallback)
{
  return self->script ? cord_json_peek_string(self->script, name, fallback) : fallback;
}

static JsonObject *
describe_subresources(const gchar *base)
{
  static const gchar *const names[][2] = {
    { "events", "Events" },
    { "notifications", "Notifications" },
    { "payments", "Payments" },
    { "recordings", "Recordings" },
    { "siprec", "Siprec" },
    { "streams", "Streams" },
    { "transcriptions", "Transcriptions" },
    { "user_defined_message_subscriptions", "UserDefinedMessageSubscriptions" },
    { "user_defined_messages", "UserDefinedMessages" },
  };
  JsonObject *object = json_object_new();

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree gchar *uri = g_strdup_printf("%s/%s.json", base, names[i][1]);

    json_object_set_string_member(object, names[i][0], uri);
  }
  return object;
}

/* Returns: (transfer full): the resource */
JsonObject *
sim_twilio_call_describe(SimTwilioCall *self)
{
  static const gchar *const nulls[] = { "parent_call_sid", "phone_number_sid",
                                        "price",           "forwarded_from",
                                        "group_sid",       "caller_name",
                                        "trunk_sid",       NULL };
  JsonObject *object = json_object_new();
  g_autofree gchar *base =
      g_strconcat(SIM_TWILIO_API, self->account_sid, "/Calls/", self->sid, NULL);
  g_autofree gchar *uri = g_strconcat(base, ".json", NULL);
  g_autofree gchar *duration = g_strdup_printf("%d", self->duration);
  const gchar *from = cord_form_get(self->form, "From"), *to = cord_form_get(self->form, "To");

  json_object_set_string_member(object, "sid", self->sid);
  json_object_set_string_member(object, "account_sid", self->account_sid);
  json_object_set_string_member(object, "status", self->status);
  json_object_set_string_member(object, "direction", "outbound-api");
  json_object_set_string_member(object, "from", from);
  json_object_set_string_member(object, "from_formatted", from);
  json_object_set_string_member(object, "to", to);
  json_object_set_string_member(object, "to_formatted", to);
  json_object_set_string_member(object, "date_created", self->created);
  json_object_set_string_member(object, "date_updated", self->ended ? self->ended : self->created);
  cord_json_set_string(object, "start_time", self->started);
  cord_json_set_string(object, "end_time", self->ended);
  cord_json_set_string(object, "duration", self->over ? duration : NULL);
  cord_json_set_string(object, "answered_by", self->answered_by);
  for (guint i = 0; nulls[i]; i++)
    json_object_set_null_member(object, nulls[i]);
  json_object_set_string_member(object, "price_unit", "USD");
  json_object_set_string_member(object, "queue_time", "0");
  json_object_set_string_member(object, "api_version", "2010-04-01");
  json_object_set_string_member(object, "uri", uri);
  json_object_set_object_member(object, "subresource_uris", describe_subresources(base));
  return object;
}

/* @order: (transfer full) (nullable): how it is wanted; NULL: as the call was */
SimTwilioRecording *
sim_twilio_call_record(SimTwilioCall *self, const gchar *source, CordForm *order)
{
  g_autoptr(CordForm) taken = order;
  const gchar *channels = cord_form_get(order ? order : self->form, "RecordingChannels");

  if (self->recording && !g_str_equal(self->recording->status, "completed"))
    return self->recording;
  self->recording = sim_twilio_recording_new(self->twilio, self->account_sid, self->sid, source,
                                             g_strcmp0(channels, "dual") == 0 ? 2 : 1);
  self->recording->order = g_steal_pointer(&taken);
  sim_twilio_call_tell_recording(self);
  return self->recording;
}

SimTwilioRecording *
sim_twilio_call_get_recording(SimTwilioCall *self)
{
  return self->recording;
}

void
sim_twilio_call_stop_recording(SimTwilioCall *self)
{
  if (!self->recording || g_str_equal(self->recording->status, "completed"))
    return;
  sim_twilio_recording_end(self->recording);
  sim_twilio_call_tell_recording(self);
}

/* The phone that has answered */

static void
on_sweep(gpointer data)
{
  SimTwilioCall *self = data;

  self->sweep = NULL;
  for (guint i = 0; i < self->put_down->len; i++)
    g_ptr_array_remove(self->phones, self->put_down->pdata[i]);
  g_ptr_array_set_size(self->put_down, 0);
}

static void
finish(SimTwilioCall *self, const gchar *status)
{
  GstClockTime now = cord_worker_get_time(sim_server_get_worker(self->twilio->server));

  if (self->over)
    return;
  self->over = TRUE;
  self->status = status;
  self->ended = sim_twilio_now();
  if (self->answered > 0)
    self->duration = (gint)((now - self->answered + GST_SECOND / 2) / GST_SECOND);
  g_clear_pointer(&self->step, cord_timer_remove);
  g_clear_pointer(&self->detection, cord_timer_remove);
  sim_twilio_call_stop_recording(self);
  sim_twilio_call_tell(self, SIM_TWILIO_COMPLETED);
}

/* The phone's functions are still running: it is freed afterwards. */
static void
on_phone_ended(CordPhone *phone, const GError *error, gpointer data)
{
  SimTwilioCall *self = data;

  if (error)
    sim_server_note(self->twilio->server, "twilio", self->index, "phone", error->message);
  g_ptr_array_add(self->put_down, phone);
  if (!self->sweep)
    self->sweep =
        cord_worker_add_timer(sim_server_get_worker(self->twilio->server), 0, on_sweep, self);
  if (self->phone != phone)
    return;
  self->phone = NULL;
  finish(self, "completed");
}

static void
on_phone_started(CordPhone *phone, gpointer data)
{
  SimTwilioCall *self = data;
  const gchar *says = peek_string(self, "says", NULL);
  const gchar *keys = peek_string(self, "keys", "");

  if (says) {
    GByteArray *audio = sim_render(says, 8000, TRUE);
    g_autoptr(GBytes) bytes = g_byte_array_free_to_bytes(audio);

    cord_phone_speak(phone, bytes);
  }
  for (; *keys; keys++)
    cord_phone_press(phone, *keys);
}

static void
on_phone_verb(CordPhone *phone, const CordTwimlVerb *verb, gpointer data)
{
  SimTwilioCall *self = data;
  g_autofree gchar *text = g_strdup_printf("%s %s", verb->name, verb->text->str);

  sim_server_note(self->twilio->server, "twilio", self->index, "verb", text);
}

static void
on_phone_frame(CordPhone *phone, const guint8 *sent, const guint8 *heard, gsize heard_length,
               gpointer data)
{
  SimTwilioCall *self = data;

  if (self->recording && g_str_equal(self->recording->status, "in-progress"))
    g_byte_array_append(self->recording->audio, heard, (guint)heard_length);
}

static const CordPhoneHandlers phone_handlers = { .verb = on_phone_verb,
                                                  .started = on_phone_started,
                                                  .frame = on_phone_frame,
                                                  .ended = on_phone_ended };

static void
connect(SimTwilioCall *self, const gchar *url, const gchar *twiml)
{
  const gchar *fields[] = { "AnsweredBy", self->answered_by, NULL };
  CordPhoneCall call = {
    .url = url,
    .twiml = url ? NULL : twiml,
    .from = sim_twilio_call_get(self, "From"),
    .to = sim_twilio_call_get(self, "To"),
    .auth_token = self->auth_token,
    .account_sid = self->account_sid,
    .call_sid = self->sid,
    .outbound = TRUE,
    .fields = self->answered_by ? fields : NULL,
  };

  if (!url && !twiml) {
    finish(self, "completed");
    return;
  }
  self->phone =
      cord_phone_new(sim_server_get_worker(self->twilio->server), &call, &phone_handlers, self);
  g_ptr_array_add(self->phones, self->phone);
  cord_phone_dial(self->phone);
}

/* Who has answered */

static gboolean
detects_later(SimTwilioCall *self)
{
  return g_strcmp0(sim_twilio_call_get(self, "AsyncAmd"), "true") == 0;
}

static void
on_detected(gpointer data)
{
  SimTwilioCall *self = data;
  const gchar *url = sim_twilio_call_get(self, "AsyncAmdStatusCallback");

  self->detection = NULL;
  self->answered_by = peek_string(self, "answered_by", "human");
  if (!detects_later(self)) {
    connect(self, sim_twilio_call_get(self, "Url"), sim_twilio_call_get(self, "Twiml"));
  } else if (url) {
    sim_twilio_call_tell_machine(self, url);
  }
}

static void
on_talked(gpointer data)
{
  SimTwilioCall *self = data;

  self->step = NULL;
  sim_twilio_call_hang_up(self);
}

static void
answer(SimTwilioCall *self)
{
  CordWorker *worker = sim_server_get_worker(self->twilio->server);
  gint64 talk = sim_twilio_call_peek(self, "talk_ms", -1);
  gboolean detect = sim_twilio_call_get(self, "MachineDetection") != NULL;

  self->status = "in-progress";
  self->answered = cord_worker_get_time(worker);
  self->started = sim_twilio_now();
  sim_twilio_call_tell(self, SIM_TWILIO_ANSWERED);
  if (talk >= 0)
    self->step = cord_worker_add_timer(worker, (GstClockTime)talk * GST_MSECOND, on_talked, self);
  if (detect)
    self->detection = cord_worker_add_timer(
        worker, (GstClockTime)sim_twilio_call_peek(self, "machine_ms", 100) * GST_MSECOND,
        on_detected, self);
  if (g_strcmp0(sim_twilio_call_get(self, "Record"), "true") == 0)
    sim_twilio_call_record(self, "OutboundAPI", NULL);
  if (!detect || detects_later(self))
    connect(self, sim_twilio_call_get(self, "Url"), sim_twilio_call_get(self, "Twiml"));
}

/* Its life */

static void
on_step(gpointer data)
{
  SimTwilioCall *self = data;
  const gchar *outcome = peek_string(self, "outcome", "answered");
  SimTwilioEvent event = self->next;

  self->step = NULL;
  self->next++;
  if (event == SIM_TWILIO_ANSWERED) {
    if (g_str_equal(outcome, "answered"))
      answer(self);
    else
      finish(self, outcome);
    return;
  }
  if (event == SIM_TWILIO_RINGING)
    self->status = "ringing";
  sim_twilio_call_tell(self, event);
  /* a number that is not there never rings */
  if (event == SIM_TWILIO_INITIATED && g_str_equal(outcome, "failed"))
    self->next = SIM_TWILIO_ANSWERED;
  sim_twilio_call_start(self);
}

/* Lets the next thing happen to it, in its time. */
void
sim_twilio_call_start(SimTwilioCall *self)
{
  static const struct {
    const gchar *name;
    gint ms;
  } times[] = { { "initiated_ms", 10 }, { "ringing_ms", 20 }, { "answer_ms", 200 } };
  CordWorker *worker = sim_server_get_worker(self->twilio->server);
  GstClockTime since = cord_worker_get_time(worker) - self->born;
  GstClockTime at =
      (GstClockTime)sim_twilio_call_peek(self, times[self->next].name, times[self->next].ms) *
      GST_MSECOND;

  self->step = cord_worker_add_timer(worker, at > since ? at - since : 0, on_step, self);
}

/* By the one side or the other; before it is answered the call is canceled. */
void
sim_twilio_call_hang_up(SimTwilioCall *self)
{
  CordPhone *phone = g_steal_pointer(&self->phone);

  if (self->over)
    return;
  finish(self, self->answered > 0 ? "completed" : "canceled");
  if (phone)
    cord_phone_hang_up(phone);
}

/* The stream ends, and other TwiML is followed. */
void
sim_twilio_call_redirect(SimTwilioCall *self, const gchar *url, const gchar *twiml)
{
  CordPhone *phone = g_steal_pointer(&self->phone);

  if (phone)
    cord_phone_hang_up(phone);
  connect(self, url, twiml);
}

SimTwilioCall *
sim_twilio_call_new(SimTwilio *twilio, gint index, const gchar *account_sid,
                    const gchar *auth_token, CordForm *form, JsonObject *script)
{
  SimTwilioCall *self = g_new0(SimTwilioCall, 1);

  self->twilio = twilio;
  self->index = index;
  self->script = script ? json_object_ref(script) : NULL;
  self->form = form;
  self->sid = cord_phone_new_sid("CA");
  self->account_sid = g_strdup(account_sid);
  self->auth_token = g_strdup(auth_token);
  self->created = sim_twilio_now();
  self->status = "queued";
  self->born = cord_worker_get_time(sim_server_get_worker(twilio->server));
  self->forms = g_ptr_array_new_with_free_func((GDestroyNotify)cord_phone_form_free);
  self->phones = g_ptr_array_new_with_free_func((GDestroyNotify)cord_phone_free);
  self->put_down = g_ptr_array_new();
  g_queue_init(&self->posts);
  return self;
}

void
sim_twilio_call_free(SimTwilioCall *self)
{
  g_clear_pointer(&self->step, cord_timer_remove);
  g_clear_pointer(&self->detection, cord_timer_remove);
  g_clear_pointer(&self->sweep, cord_timer_remove);
  g_ptr_array_unref(self->put_down);
  g_ptr_array_unref(self->phones);
  sim_twilio_call_clear_posts(self);
  g_ptr_array_unref(self->forms);
  g_clear_pointer(&self->script, json_object_unref);
  cord_form_free(self->form);
  g_free(self->sid);
  g_free(self->account_sid);
  g_free(self->auth_token);
  g_free(self->created);
  g_free(self->started);
  g_free(self->ended);
  g_free(self);
}
