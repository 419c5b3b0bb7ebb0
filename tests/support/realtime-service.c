/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service of a RealtimeRig: what it is sent, and what it says. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "cord-json.h"
#include "realtime-rig.h"
#include "ws-peer.h"

/* The connection */

static void
take_call(RealtimeRig *self)
{
  http_peer_accept(&self->peer);
  g_free(self->head);
  self->head = http_peer_read_head(&self->peer);
  g_byte_array_set_size(self->raw, 0);
  g_byte_array_set_size(self->caller, 0);
  self->got_ms = 0;
}

void
realtime_rig_upgrade(RealtimeRig *self)
{
  take_call(self);
  http_peer_upgrade(&self->peer, self->head);
}

void
realtime_rig_refuse(RealtimeRig *self, const gchar *answer)
{
  take_call(self);
  http_peer_write(&self->peer, answer);
  http_peer_hang_up(&self->peer);
}

gboolean
realtime_rig_somebody_comes(RealtimeRig *self)
{
  struct pollfd poll_fd = { .fd = self->peer.listener, .events = POLLIN };

  cord_worker_iterate(self->worker);
  return poll(&poll_fd, 1, 0) > 0;
}

/* What it is sent */

static void
note_audio(RealtimeRig *self)
{
  if (self->got_ms > 0)
    g_string_append_printf(self->got, "audio %u; ", self->got_ms);
  self->got_ms = 0;
}

static void
take_audio(RealtimeRig *self, JsonObject *message)
{
  gsize size;
  g_autofree guchar *audio = g_base64_decode(cord_json_peek_string(message, "audio", ""), &size);

  g_byte_array_append(self->caller, audio, (guint)size);
  self->got_ms += (guint)(size / (self->mulaw ? 8 : 48));
}

static const gchar *
first_text(JsonObject *item)
{
  JsonArray *content = cord_json_peek_array(item, "content");

  return content ? cord_json_peek_string(json_array_get_object_element(content, 0), "text", "")
                 : "";
}

static void
note_item(RealtimeRig *self, JsonObject *item)
{
  const gchar *type = cord_json_peek_string(item, "type", "");
  const gchar *id = cord_json_peek_string(item, "call_id", "");

  if (g_str_equal(type, "function_call_output"))
    g_string_append_printf(self->got, "result %s '%s'; ", id,
                           cord_json_peek_string(item, "output", ""));
  else if (g_str_equal(type, "function_call"))
    g_string_append_printf(self->got, "call %s %s(%s); ", id,
                           cord_json_peek_string(item, "name", ""),
                           cord_json_peek_string(item, "arguments", ""));
  else
    g_string_append_printf(self->got, "%s '%s'; ", cord_json_peek_string(item, "role", ""),
                           first_text(item));
}

static void
note_response(RealtimeRig *self, JsonObject *options)
{
  if (options)
    g_string_append_printf(self->got, "respond '%s'; ",
                           cord_json_peek_string(options, "instructions", ""));
  else
    g_string_append(self->got, "respond; ");
}

static void
take_text(RealtimeRig *self, const gchar *text, gsize length)
{
  g_autoptr(JsonObject) message = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *type;

  g_assert_nonnull(message);
  type = cord_json_peek_string(message, "type", "");
  if (g_str_equal(type, "input_audio_buffer.append")) {
    take_audio(self, message);
    return;
  }
  note_audio(self);
  if (g_str_equal(type, "session.update")) {
    g_free(self->session);
    self->session = g_strndup(text, length);
    g_string_append(self->got, "session; ");
  } else if (g_str_equal(type, "conversation.item.create")) {
    note_item(self, cord_json_peek_object(message, "item"));
  } else if (g_str_equal(type, "response.create")) {
    note_response(self, cord_json_peek_object(message, "response"));
  } else if (g_str_equal(type, "conversation.item.truncate")) {
    g_assert_cmpint(cord_json_peek_int(message, "content_index", -1), ==, 0);
    g_string_append_printf(self->got, "cut %s at %d; ",
                           cord_json_peek_string(message, "item_id", ""),
                           (gint)cord_json_peek_int(message, "audio_end_ms", -1));
  } else {
    g_string_append_printf(self->got, "%s; ", type);
  }
}

/* Takes the frames off the head of what came; all of them are masked. */
static void
take_frames(RealtimeRig *self)
{
  while (self->raw->len >= 6) {
    guint8 *frame = self->raw->data;
    gsize length = frame[1] & 0x7f;
    gsize header = 2;

    g_assert_true(frame[1] & 0x80);
    if (length == 126) {
      length = (gsize)(frame[2] << 8 | frame[3]);
      header = 4;
    } else if (length == 127) {
      length = (gsize)(frame[6] << 24 | frame[7] << 16 | frame[8] << 8 | frame[9]);
      header = 10;
    }
    if (self->raw->len < header + 4 + length)
      return;
    for (gsize i = 0; i < length; i++)
      frame[header + 4 + i] ^= frame[header + i % 4];
    if ((frame[0] & 0x0f) == 1)
      take_text(self, (const gchar *)frame + header + 4, length);
    g_byte_array_remove_range(self->raw, 0, (guint)(header + 4 + length));
  }
}

static void
listen_to_client(RealtimeRig *self)
{
  guint8 buffer[16384];
  gssize n;

  if (self->peer.fd < 0)
    return;
  cord_worker_iterate(self->worker);
  while ((n = recv(self->peer.fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
    g_byte_array_append(self->raw, buffer, (guint)n);
    cord_worker_iterate(self->worker);
  }
  take_frames(self);
}

void
realtime_rig_assert_got(RealtimeRig *self, const gchar *expected)
{
  listen_to_client(self);
  note_audio(self);
  g_assert_cmpstr(self->got->str, ==, expected);
  g_string_truncate(self->got, 0);
}

/* All that there was */
void
realtime_rig_forget(RealtimeRig *self)
{
  listen_to_client(self);
  self->got_ms = 0;
  g_string_truncate(self->got, 0);
  g_string_truncate(self->came, 0);
  g_string_truncate(self->posted, 0);
  g_byte_array_set_size(self->audio, 0);
}

/* What it says */

void
realtime_rig_send(RealtimeRig *self, guint8 first, const void *payload, gsize length)
{
  g_autoptr(GBytes) frame = ws_peer_make(first, FALSE, payload, length);

  ws_peer_send_bytes(self->peer.fd, frame);
  cord_worker_iterate(self->worker);
}

void
realtime_rig_tell(RealtimeRig *self, const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list arguments;

  va_start(arguments, format);
  text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  realtime_rig_send(self, WS_FIN | 1, text, strlen(text));
}

static void
await_update(RealtimeRig *self)
{
  g_clear_pointer(&self->session, g_free);
  while (!self->session) {
    g_main_context_iteration(cord_worker_get_main_context(self->worker), FALSE);
    listen_to_client(self);
  }
}

void
realtime_rig_accept(RealtimeRig *self)
{
  realtime_rig_upgrade(self);
  realtime_rig_tell(self, "{\"type\":\"session.created\",\"event_id\":\"event_1\",\"session\":{}}");
  await_update(self);
  g_string_truncate(self->got, 0);
  realtime_rig_tell(self, "{\"type\":\"session.updated\",\"event_id\":\"event_2\",\"session\":{}}");
  realtime_rig_wait(self, "up; ");
}

void
realtime_rig_start_speech(RealtimeRig *self, const gchar *item)
{
  realtime_rig_tell(self,
                    "{\"type\":\"input_audio_buffer.speech_started\",\"event_id\":\"e\","
                    "\"audio_start_ms\":0,\"item_id\":\"%s\"}",
                    item);
}

void
realtime_rig_stop_speech(RealtimeRig *self, const gchar *item, guint ms)
{
  realtime_rig_tell(self,
                    "{\"type\":\"input_audio_buffer.speech_stopped\",\"event_id\":\"e\","
                    "\"audio_end_ms\":%u,\"item_id\":\"%s\"}",
                    ms, item);
  realtime_rig_tell(self,
                    "{\"type\":\"input_audio_buffer.committed\",\"event_id\":\"e\","
                    "\"previous_item_id\":null,\"item_id\":\"%s\"}",
                    item);
}

void
realtime_rig_write_down(RealtimeRig *self, const gchar *item, const gchar *text)
{
  realtime_rig_tell(self,
                    "{\"type\":\"conversation.item.input_audio_transcription.completed\","
                    "\"event_id\":\"e\",\"item_id\":\"%s\",\"content_index\":0,\"transcript\":"
                    "\"%s\",\"usage\":{\"type\":\"duration\",\"seconds\":1}}",
                    item, text);
}

void
realtime_rig_respond(RealtimeRig *self, const gchar *response)
{
  realtime_rig_tell(self,
                    "{\"type\":\"response.created\",\"event_id\":\"e\",\"response\":{\"id\":\"%s\","
                    "\"status\":\"in_progress\",\"output\":[]}}",
                    response);
}

/* Samples of the value 1, 2, … one after the other */
void
realtime_rig_speak(RealtimeRig *self, const gchar *response, const gchar *item, const gchar *text,
                   guint ms)
{
  gsize size = (gsize)ms * (self->mulaw ? 8 : 48);
  g_autofree guint8 *audio = g_malloc(size);
  g_autofree gchar *encoded = NULL;

  memset(audio, 1, size);
  encoded = g_base64_encode(audio, size);
  realtime_rig_tell(self,
                    "{\"type\":\"response.output_audio_transcript.delta\",\"event_id\":\"e\","
                    "\"response_id\":\"%s\",\"item_id\":\"%s\",\"output_index\":0,"
                    "\"content_index\":0,\"delta\":\"%s\"}",
                    response, item, text);
  realtime_rig_tell(self,
                    "{\"type\":\"response.output_audio.delta\",\"event_id\":\"e\",\"response_id\":"
                    "\"%s\",\"item_id\":\"%s\",\"output_index\":0,\"content_index\":0,\"delta\":"
                    "\"%s\"}",
                    response, item, encoded);
}

void
realtime_rig_call(RealtimeRig *self, const gchar *response, const gchar *id, const gchar *name)
{
  realtime_rig_tell(self,
                    "{\"type\":\"response.function_call_arguments.done\",\"event_id\":\"e\","
                    "\"response_id\":\"%s\",\"item_id\":\"item_%s\",\"output_index\":1,"
                    "\"call_id\":\"%s\",\"name\":\"%s\",\"arguments\":\"{}\"}",
                    response, id, id, name);
}

void
realtime_rig_finish(RealtimeRig *self, const gchar *response, const gchar *status)
{
  realtime_rig_tell(self,
                    "{\"type\":\"response.done\",\"event_id\":\"e\",\"response\":{\"id\":\"%s\","
                    "\"status\":\"%s\",\"status_details\":null,\"output\":[],\"usage\":{"
                    "\"total_tokens\":30,\"input_tokens\":20,\"output_tokens\":10}}}",
                    response, status);
}
