/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-modules.h"
#include "sim-realtime.h"

/*
 * OpenAI's Realtime, GA and (with the header OpenAI-Beta) beta. Script: {"openai": {"utterances":
 * ["…"], "tags": {"TAG": ["…"]}, "replies": […], "transcription_ms": 0, "transcription":
 * "failed"}}: what the caller says, what is answered (as by the chat), how long after the end of
 * the speech it is written down, and that it is not.
 */

#define SHORTEST 100         /* ms that can be committed */
#define SILENCE 500          /* ms, of server_vad */
#define PREFIX 300           /* ms */
#define COMPLETE_SILENCE 300 /* ms, of semantic_vad when the sentence is at its end */

static void
free_session(gpointer data)
{
  SimRealtime *self = data;

  g_clear_pointer(&self->answer, sim_realtime_answer_free);
  g_ptr_array_unref(self->items);
  json_object_unref(self->session);
  sim_ear_clear(&self->ear);
  g_free(self->conversation);
  g_free(self->input_item);
  g_free(self);
}

/* What is said */

void
sim_realtime_tell(SimRealtime *self, const gchar *type, const gchar *members)
{
  g_autofree gchar *id = sim_id(self->server, "event_");
  g_autofree gchar *text = g_strdup_printf("{\"type\":\"%s\",\"event_id\":\"%s\"%s%s}", type, id,
                                           members ? "," : "", members ? members : "");

  sim_socket_send_text(self->socket, text, -1);
}

static gchar *
quote_or_null(const gchar *text)
{
  return text ? sim_quote(text) : g_strdup("null");
}

/* Most of what a client does wrong leaves the session as it is. */
void
sim_realtime_refuse(SimRealtime *self, JsonObject *message, const gchar *code, const gchar *param,
                    const gchar *text)
{
  g_autofree gchar *quoted = sim_quote(text);
  g_autofree gchar *what = quote_or_null(code);
  g_autofree gchar *where = quote_or_null(param);
  g_autofree gchar *id =
      quote_or_null(message ? cord_json_peek_string(message, "event_id", NULL) : NULL);
  g_autofree gchar *members =
      g_strdup_printf("\"error\":{\"type\":\"invalid_request_error\",\"code\":%s,\"message\":%s,"
                      "\"param\":%s,\"event_id\":%s}",
                      what, quoted, where, id);

  sim_realtime_tell(self, "error", members);
}

/* What is written down of the caller */

static void
write_down(SimSocket *socket, gpointer data)
{
  SimRealtime *self = sim_socket_get_data(socket);
  JsonObject *script = sim_server_get_script(self->server, sim_socket_get_provider(socket));
  const SimItem *item = data;
  g_autofree gchar *text = sim_quote(item->text);
  g_autofree gchar *members = NULL, *whole = NULL;

  if (script && g_str_equal(cord_json_peek_string(script, "transcription", ""), "failed")) {
    members = g_strdup_printf("\"item_id\":\"%s\",\"content_index\":0,\"error\":{\"type\":"
                              "\"transcription_error\",\"code\":\"audio_unintelligible\","
                              "\"message\":\"The audio could not be transcribed.\",\"param\":null}",
                              item->id);
    sim_realtime_tell(self, "conversation.item.input_audio_transcription.failed", members);
    return;
  }
  members = g_strdup_printf("\"item_id\":\"%s\",\"content_index\":0,\"delta\":%s", item->id, text);
  sim_realtime_tell(self, "conversation.item.input_audio_transcription.delta", members);
  whole = g_strdup_printf("\"item_id\":\"%s\",\"content_index\":0,\"transcript\":%s,\"usage\":{"
                          "\"type\":\"duration\",\"seconds\":%u}",
                          item->id, text, item->ms / 1000 + 1);
  sim_realtime_tell(self, "conversation.item.input_audio_transcription.completed", whole);
}

static void
schedule_transcription(SimRealtime *self, const SimItem *item)
{
  JsonObject *script = sim_server_get_script(self->server, sim_socket_get_provider(self->socket));
  SimItem *copy;

  if (!sim_realtime_setting_object(self, "audio.input.transcription", "input_audio_transcription"))
    return;
  copy = g_new0(SimItem, 1);
  copy->id = g_strdup(item->id);
  copy->text = g_strdup(item->text);
  copy->ms = item->ms;
  sim_socket_schedule(
      self->socket,
      script ? (GstClockTime)cord_json_peek_int(script, "transcription_ms", 0) * GST_MSECOND : 0,
      write_down, copy, sim_realtime_item_free);
}

/* Turns */

static JsonObject *
detection(SimRealtime *self)
{
  return sim_realtime_setting_object(self, "audio.input.turn_detection", "turn_detection");
}

static void
commit(SimRealtime *self)
{
  const SimItem *last = self->items->len > 0 ? self->items->pdata[self->items->len - 1] : NULL;
  g_autofree gchar *previous = last ? sim_quote(last->id) : g_strdup("null");
  guint count = sim_ear_count(&self->ear, TRUE);
  g_autofree gchar *text = sim_ear_text(&self->ear, count);
  SimItem *item = sim_realtime_add_item(self, self->input_item, "message", "user", text);
  g_autofree gchar *members =
      g_strdup_printf("\"previous_item_id\":%s,\"item_id\":\"%s\"", previous, item->id);

  item->audio = TRUE;
  item->ms = self->buffered;
  sim_ear_end(&self->ear);
  self->buffered = 0;
  g_clear_pointer(&self->input_item, g_free);
  sim_realtime_tell(self, "input_audio_buffer.committed", members);
  sim_realtime_tell_item(self, item, FALSE);
  sim_realtime_tell_item(self, item, TRUE);
  schedule_transcription(self, item);
}

static void
start_speech(SimRealtime *self, JsonObject *turns)
{
  guint prefix = (guint)cord_json_peek_int(turns, "prefix_padding_ms", PREFIX);
  g_autofree gchar *members = NULL;

  self->input_item = sim_id(self->server, "item_");
  members = g_strdup_printf("\"audio_start_ms\":%u,\"item_id\":\"%s\"",
                            self->ear.start - MIN(prefix, self->ear.start), self->input_item);
  sim_realtime_tell(self, "input_audio_buffer.speech_started", members);
  if (cord_json_peek_boolean(turns, "interrupt_response", TRUE))
    sim_realtime_cancel(self, "turn_detected");
}

static void
stop_speech(SimRealtime *self, JsonObject *turns)
{
  g_autofree gchar *members =
      g_strdup_printf("\"audio_end_ms\":%u,\"item_id\":\"%s\"", self->ear.now, self->input_item);

  sim_realtime_tell(self, "input_audio_buffer.speech_stopped", members);
  commit(self);
  if (cord_json_peek_boolean(turns, "create_response", TRUE) && !self->answer)
    sim_realtime_respond(self, NULL);
}

/* How long the caller is silent before it is the agent's turn; a sentence that is not at its end is
 * waited for. */
static guint
silence_of(SimRealtime *self, JsonObject *turns)
{
  static const struct {
    const gchar *name;
    guint ms;
  } eagerness[] = { { "low", 8000 }, { "high", 2000 } };
  const gchar *eager = cord_json_peek_string(turns, "eagerness", "auto");
  const gchar *last = self->ear.words ? self->ear.words[g_strv_length(self->ear.words) - 1] : "";

  if (!g_str_equal(cord_json_peek_string(turns, "type", ""), "semantic_vad"))
    return (guint)cord_json_peek_int(turns, "silence_duration_ms", SILENCE);
  if (!g_str_has_suffix(last, ",") && !g_str_has_suffix(last, "…") && !g_str_equal(last, "and"))
    return COMPLETE_SILENCE;
  for (guint i = 0; i < G_N_ELEMENTS(eagerness); i++)
    if (g_str_equal(eager, eagerness[i].name))
      return eagerness[i].ms;
  return 4000;
}

static void
time_out(SimRealtime *self)
{
  SimItem *item = sim_realtime_add_item(self, NULL, "message", "user", "");
  g_autofree gchar *members =
      g_strdup_printf("\"audio_start_ms\":%u,\"audio_end_ms\":%u,\"item_id\":\"%s\"",
                      self->ear.now - self->quiet, self->ear.now, item->id);

  item->audio = TRUE;
  self->quiet = 0;
  sim_realtime_tell(self, "input_audio_buffer.timeout_triggered", members);
  sim_realtime_tell_item(self, item, FALSE);
  sim_realtime_respond(self, NULL);
}

static void
on_frame(gpointer data)
{
  SimRealtime *self = data;
  JsonObject *turns = detection(self);
  gint64 idle = turns ? cord_json_peek_int(turns, "idle_timeout_ms", 0) : 0;

  self->buffered += SIM_EAR_FRAME;
  self->quiet = self->ear.speaking || self->answer ? 0 : self->quiet + SIM_EAR_FRAME;
  if (!turns)
    return;
  if (self->ear.speaking && !self->input_item)
    start_speech(self, turns);
  if (self->ear.speaking && self->ear.now - self->ear.loud >= silence_of(self, turns))
    stop_speech(self, turns);
  else if (idle > 0 && self->quiet >= idle && self->answers > 0)
    time_out(self);
}

/* What comes in */

static void
on_append(SimRealtime *self, JsonObject *message)
{
  const gchar *encoded = cord_json_peek_string(message, "audio", NULL);
  g_autofree guint8 *audio = NULL;
  gsize size = 0;

  if (encoded)
    audio = g_base64_decode(encoded, &size);
  if (!encoded || (size == 0 && *encoded)) {
    sim_realtime_refuse(self, message, "invalid_value", "audio",
                        "Invalid 'audio'. Expected base64-encoded audio bytes.");
    return;
  }
  sim_ear_feed(&self->ear, audio, size, on_frame, self);
}

static void
on_commit(SimRealtime *self, JsonObject *message)
{
  g_autofree gchar *text = NULL;

  if (self->buffered >= SHORTEST) {
    commit(self);
    return;
  }
  text = g_strdup_printf("Error committing input audio buffer: buffer too small. Expected at least "
                         "100ms of audio, but buffer only has %u.00ms of audio.",
                         self->buffered);
  sim_realtime_refuse(self, message, "input_audio_buffer_commit_empty", NULL, text);
}

static void
on_clear(SimRealtime *self, JsonObject *message)
{
  sim_ear_end(&self->ear);
  self->buffered = 0;
  g_clear_pointer(&self->input_item, g_free);
  sim_realtime_tell(self, "input_audio_buffer.cleared", NULL);
}

static void
on_cancel(SimRealtime *self, JsonObject *message)
{
  const gchar *id = cord_json_peek_string(message, "response_id", NULL);

  if (self->answer && (!id || g_str_equal(id, self->answer->id)))
    sim_realtime_cancel(self, "client_cancelled");
  else
    sim_realtime_refuse(self, message, "response_cancel_not_active", NULL,
                        "Cancellation failed: no active response found");
}

static const struct {
  const gchar *type;
  void (*handle)(SimRealtime *self, JsonObject *message);
} handlers[] = {
  { "session.update", sim_realtime_update_session },
  { "input_audio_buffer.append", on_append },
  { "input_audio_buffer.commit", on_commit },
  { "input_audio_buffer.clear", on_clear },
  { "conversation.item.create", sim_realtime_create_item },
  { "conversation.item.delete", sim_realtime_delete_item },
  { "conversation.item.retrieve", sim_realtime_retrieve_item },
  { "conversation.item.truncate", sim_realtime_truncate_item },
  { "response.create", sim_realtime_respond },
  { "response.cancel", on_cancel },
};

static void
on_text(SimSocket *socket, const gchar *text, gsize length)
{
  SimRealtime *self = sim_socket_get_data(socket);
  g_autoptr(JsonObject) message = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *type = message ? cord_json_peek_string(message, "type", "") : NULL;

  for (guint i = 0; type && i < G_N_ELEMENTS(handlers); i++) {
    if (g_str_equal(handlers[i].type, type)) {
      handlers[i].handle(self, message);
      return;
    }
  }
  if (type)
    sim_realtime_refuse(self, message, "invalid_value", "type", "Invalid value: 'type'.");
  else
    sim_realtime_refuse(self, NULL, "invalid_json", NULL,
                        "We could not parse the JSON body of your message.");
}

static void
on_opened(SimSocket *socket)
{
  SimRealtime *self = g_new0(SimRealtime, 1);
  const gchar *beta = sim_socket_get_header(socket, "OpenAI-Beta");

  self->socket = socket;
  self->server = sim_socket_get_server(socket);
  self->beta = beta && strstr(beta, "realtime=v1");
  self->conversation = sim_id(self->server, "conv_");
  self->items = g_ptr_array_new_with_free_func(sim_realtime_item_free);
  sim_ear_init(&self->ear, socket);
  self->session = sim_realtime_first_session(self);
  sim_realtime_read_session(self);
  sim_socket_set_data(socket, self, free_session);
  sim_realtime_tell_session(self, "session.created");
}

static void
refuse(SimExchange *exchange, guint status, const gchar *code, const gchar *message)
{
  g_autofree gchar *text =
      g_strdup_printf("{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\","
                      "\"param\":null,\"code\":\"%s\"}}",
                      message, code);

  sim_exchange_answer(exchange, status, "application/json", text, -1);
}

/* A browser, which cannot set headers, offers its key as a protocol. */
static gboolean
admit(SimExchange *exchange)
{
  const gchar *key = sim_exchange_get_header(exchange, "authorization");
  const gchar *protocol = sim_exchange_get_header(exchange, "sec-websocket-protocol");
  const gchar *model = sim_exchange_get_query(exchange, "model");
  gboolean offered = protocol && strstr(protocol, "openai-insecure-api-key.");

  if ((!offered && (!key || !g_str_has_prefix(key, "Bearer "))) || (key && strstr(key, "wrong"))) {
    refuse(exchange, 401, "invalid_api_key", "Incorrect API key provided");
    return FALSE;
  }
  if (!model || !strstr(model, "realtime")) {
    refuse(exchange, model ? 404 : 400, "model_not_found",
           "The model does not exist or you do not have access to it.");
    return FALSE;
  }
  return TRUE;
}

void
sim_openai_realtime_add(SimServer *server)
{
  static const SimRoute route = {
    .provider = "openai",
    .path = "/v1/realtime",
    .opened = on_opened,
    .text = on_text,
    .admit = admit,
  };

  sim_server_add(server, &route);
}
