/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service of a TtsRig: what it is sent, and what it says. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "cord-json.h"
#include "rig-notes.h"
#include "tts-rig.h"
#include "ws-peer.h"

static const guint bytes_a_ms[N_TTS_RIG_FORMATS] = { 8, 32, 48, 8 };

/* The connection */

static void
forget_context(TtsRig *self)
{
  g_clear_pointer(&self->context, g_free);
  g_string_truncate(self->asked, 0);
  self->spoken = 0;
  self->context_ms = 0;
  self->flushes = 0;
}

static void
take_call(TtsRig *self)
{
  http_peer_accept(&self->peer);
  g_free(self->head);
  self->head = http_peer_read_head(&self->peer);
  g_byte_array_set_size(self->raw, 0);
  forget_context(self);
}

void
tts_rig_upgrade(TtsRig *self)
{
  take_call(self);
  http_peer_upgrade(&self->peer, self->head);
}

/* Lets the worker work until that was posted; it is then forgotten. */
void
tts_rig_wait(TtsRig *self, const gchar *posted)
{
  rig_notes_wait(self->worker, self->posted, posted);
}

void
tts_rig_accept(TtsRig *self)
{
  tts_rig_upgrade(self);
  tts_rig_wait(self, "up;");
}

void
tts_rig_refuse(TtsRig *self, const gchar *answer)
{
  take_call(self);
  http_peer_write(&self->peer, answer);
  http_peer_hang_up(&self->peer);
}

gboolean
tts_rig_somebody_comes(TtsRig *self)
{
  struct pollfd poll_fd = { .fd = self->peer.listener, .events = POLLIN };

  cord_worker_iterate(self->worker);
  return poll(&poll_fd, 1, 0) > 0;
}

/* What it is sent */

static void
ask(TtsRig *self, const gchar *context, const gchar *text)
{
  if (g_strcmp0(self->context, context) != 0)
    forget_context(self);
  if (self->context == NULL)
    self->context = g_strdup(context);
  g_string_append(self->asked, text);
}

static void
note_elevenlabs(TtsRig *self, JsonObject *message)
{
  const gchar *context = cord_json_peek_string(message, "context_id", NULL);
  const gchar *text = cord_json_peek_string(message, "text", NULL);
  const gchar *in = context ? context : "it";

  g_assert_cmpint(context != NULL, ==,
                  self->dialect == TTS_RIG_ELEVENLABS_MULTI &&
                      !json_object_has_member(message, "close_socket"));
  if (json_object_has_member(message, "voice_settings")) {
    g_assert_cmpstr(text, ==, " ");
    forget_context(self);
    self->context = g_strdup(context);
    g_string_append_printf(self->got, "open %s; ", in);
  } else if (cord_json_peek_boolean(message, "close_socket", FALSE)) {
    g_string_append(self->got, "close socket; ");
  } else if (cord_json_peek_boolean(message, "close_context", FALSE) || (text && !*text)) {
    g_string_append_printf(self->got, "close %s; ", in);
  } else {
    ask(self, context, text);
    g_string_append_printf(self->got, "say '%s' in %s%s; ", text, in,
                           cord_json_peek_boolean(message, "flush", FALSE) ? "" : ", no flush");
  }
}

static void
note_cartesia(TtsRig *self, JsonObject *message)
{
  const gchar *context = cord_json_peek_string(message, "context_id", NULL);
  const gchar *text = cord_json_peek_string(message, "transcript", NULL);

  g_assert_nonnull(context);
  if (cord_json_peek_boolean(message, "cancel", FALSE)) {
    g_string_append_printf(self->got, "cancel %s; ", context);
  } else if (cord_json_peek_boolean(message, "flush", FALSE)) {
    g_assert_cmpstr(text, ==, "");
    g_string_append_printf(self->got, "flush %s; ", context);
  } else if (!cord_json_peek_boolean(message, "continue", FALSE)) {
    g_assert_cmpstr(text, ==, "");
    g_string_append_printf(self->got, "close %s; ", context);
  } else {
    ask(self, context, text);
    g_string_append_printf(self->got, "say '%s' in %s; ", text, context);
  }
}

static void
take_frame(TtsRig *self, guint8 opcode, const gchar *payload, gsize length)
{
  g_autoptr(JsonObject) message = NULL;

  if (opcode == 8) {
    g_string_append(self->got, "goodbye; ");
    return;
  }
  g_assert_cmpuint(opcode, ==, 1);
  message = cord_json_parse_object(payload, (gssize)length, NULL);
  g_assert_nonnull(message);
  if (self->dialect == TTS_RIG_CARTESIA)
    note_cartesia(self, message);
  else
    note_elevenlabs(self, message);
}

/* Takes the frames off the head of what came; all of them are masked. */
static void
take_frames(TtsRig *self)
{
  while (self->raw->len >= 6) {
    guint8 *frame = self->raw->data;
    gsize length = frame[1] & 0x7f;
    gsize header = 2;

    g_assert_true(frame[1] & 0x80);
    if (length == 126) {
      length = (gsize)(frame[2] << 8 | frame[3]);
      header = 4;
    }
    if (self->raw->len < header + 4 + length)
      return;
    for (gsize i = 0; i < length; i++)
      frame[header + 4 + i] ^= frame[header + i % 4];
    take_frame(self, frame[0] & 0x0f, (const gchar *)frame + header + 4, length);
    g_byte_array_remove_range(self->raw, 0, (guint)(header + 4 + length));
  }
}

/* Reads what has come. */
void
tts_rig_listen(TtsRig *self)
{
  guint8 buffer[16384];
  gssize n;

  cord_worker_iterate(self->worker);
  if (self->peer.fd < 0)
    return;
  while ((n = recv(self->peer.fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    g_byte_array_append(self->raw, buffer, (guint)n);
  take_frames(self);
  if (n == 0 && !g_str_has_suffix(self->got->str, "gone; "))
    g_string_append(self->got, "gone; ");
}

void
tts_rig_assert_got(TtsRig *self, const gchar *expected)
{
  tts_rig_listen(self);
  g_assert_cmpstr(self->got->str, ==, expected);
  g_string_truncate(self->got, 0);
}

/* What it says */

void
tts_rig_send(TtsRig *self, guint8 first, const void *payload, gsize length)
{
  g_autoptr(GBytes) frame = ws_peer_make(first, FALSE, payload, length);

  ws_peer_send_bytes(self->peer.fd, frame);
  cord_worker_iterate(self->worker);
}

void
tts_rig_tell(TtsRig *self, const gchar *json)
{
  tts_rig_send(self, WS_FIN | 1, json, strlen(json));
}

gchar *
tts_rig_make_audio(TtsRig *self, guint value, guint ms)
{
  gsize size = (gsize)ms * bytes_a_ms[self->format];
  g_autofree guint8 *audio = g_malloc(size);

  memset(audio, (gint)value, size);
  return g_base64_encode(audio, size);
}

static void
speak_elevenlabs(TtsRig *self, const gchar *word, gsize length, const gchar *audio)
{
  g_autoptr(GString) json = g_string_new(NULL);
  g_autoptr(GString) starts = g_string_new(NULL);
  g_autoptr(GString) durations = g_string_new(NULL);
  g_autoptr(GString) chars = g_string_new(NULL);
  guint ms = TTS_RIG_WORD_MS / (guint)length;

  for (gsize i = 0; i < length; i++) {
    const gchar *comma = i > 0 ? "," : "";

    g_string_append_printf(chars, "%s\"%c\"", comma, word[i]);
    g_string_append_printf(starts, "%s%u", comma, (guint)i * ms);
    g_string_append_printf(durations, "%s%u", comma, ms);
  }
  g_string_append_printf(json,
                         "{\"audio\":\"%s\",\"isFinal\":null,\"alignment\":{\"chars\":[%s],"
                         "\"charStartTimesMs\":[%s],\"charDurationsMs\":[%s]},"
                         "\"normalizedAlignment\":null",
                         audio, chars->str, starts->str, durations->str);
  if (self->context)
    g_string_append_printf(json, ",\"contextId\":\"%s\"", self->context);
  g_string_append_c(json, '}');
  tts_rig_tell(self, json->str);
}

static void
speak_cartesia(TtsRig *self, const gchar *word, gsize length, const gchar *audio)
{
  guint end = self->context_ms + TTS_RIG_WORD_MS;
  g_autofree gchar *chunk =
      g_strdup_printf("{\"type\":\"chunk\",\"context_id\":\"%s\",\"data\":\"%s\",\"done\":false,"
                      "\"status_code\":206,\"step_time\":12.5}",
                      self->context, audio);
  g_autofree gchar *times = g_strdup_printf(
      "{\"type\":\"timestamps\",\"context_id\":\"%s\",\"done\":false,\"status_code\":206,"
      "\"word_timestamps\":{\"words\":[\"%.*s\"],\"start\":[%u.%03u],\"end\":[%u.%03u]}}",
      self->context, (gint)strcspn(word, " "), word, self->context_ms / 1000,
      self->context_ms % 1000, end / 1000, end % 1000);

  tts_rig_tell(self, times);
  tts_rig_tell(self, chunk);
  self->context_ms = end;
}

static void
speak_word(TtsRig *self)
{
  const gchar *word = self->asked->str + self->spoken;
  gsize length = strcspn(word, " ");
  g_autofree gchar *audio = NULL;

  g_assert_cmpuint(length, >, 1);
  length += word[length] == ' ';
  audio = tts_rig_make_audio(self, (guint)g_ascii_strtoull(word + 1, NULL, 10), TTS_RIG_WORD_MS);
  self->spoken += length;
  if (self->dialect == TTS_RIG_CARTESIA)
    speak_cartesia(self, word, length, audio);
  else
    speak_elevenlabs(self, word, length, audio);
}

void
tts_rig_speak(TtsRig *self, guint n_words)
{
  tts_rig_listen(self);
  for (guint i = 0; i < n_words; i++)
    speak_word(self);
}

/* Where a service tells it */
void
tts_rig_end_piece(TtsRig *self)
{
  g_autofree gchar *json = NULL;

  if (self->dialect != TTS_RIG_CARTESIA)
    return;
  json = g_strdup_printf("{\"type\":\"flush_done\",\"context_id\":\"%s\",\"flush_id\":%u,"
                         "\"flush_done\":true,\"done\":false,\"status_code\":206}",
                         self->context, ++self->flushes);
  tts_rig_tell(self, json);
}

void
tts_rig_end_context(TtsRig *self)
{
  g_autoptr(GString) json = g_string_new(NULL);

  if (self->dialect == TTS_RIG_CARTESIA)
    g_string_printf(json,
                    "{\"type\":\"done\",\"context_id\":\"%s\",\"done\":true,\"status_code\":200}",
                    self->context);
  else if (self->context)
    g_string_printf(json, "{\"audio\":null,\"isFinal\":true,\"contextId\":\"%s\"}", self->context);
  else
    g_string_assign(json, "{\"audio\":null,\"isFinal\":true}");
  tts_rig_tell(self, json->str);
}

/* HTTP */

/* The request that follows, on a new connection or on the same. */
void
tts_rig_take_request(TtsRig *self)
{
  const gchar *length;

  if (self->peer.fd < 0 || tts_rig_somebody_comes(self))
    http_peer_accept(&self->peer);
  g_free(self->head);
  g_free(self->body);
  self->head = http_peer_read_head(&self->peer);
  length = strstr(self->head, "Content-Length: ");
  self->body =
      http_peer_read(&self->peer, length ? (gsize)g_ascii_strtoull(length + 16, NULL, 10) : 0);
}

void
tts_rig_answer(TtsRig *self, const gchar *status, const gchar *type, const gchar *body)
{
  g_autofree gchar *text =
      g_strdup_printf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                      type, strlen(body), body);

  http_peer_write(&self->peer, text);
}

void
tts_rig_begin_answer(TtsRig *self, const gchar *type)
{
  g_autofree gchar *text = g_strdup_printf(
      "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", type);

  http_peer_write(&self->peer, text);
}

static void
write_bytes(TtsRig *self, const void *data, gsize size)
{
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);

  ws_peer_send_bytes(self->peer.fd, bytes);
}

/* One chunk */
void
tts_rig_write(TtsRig *self, const void *data, gsize size)
{
  g_autofree gchar *head = g_strdup_printf("%zx\r\n", size);

  write_bytes(self, head, strlen(head));
  write_bytes(self, data, size);
  write_bytes(self, "\r\n", 2);
  cord_worker_iterate(self->worker);
}

void
tts_rig_write_words(TtsRig *self, guint first, guint last)
{
  gsize size = (gsize)TTS_RIG_WORD_MS * bytes_a_ms[self->format];
  g_autofree guint8 *audio = g_malloc(size);

  for (guint word = first; word <= last; word++) {
    memset(audio, (gint)word, size);
    tts_rig_write(self, audio, size);
  }
}

void
tts_rig_end_answer(TtsRig *self)
{
  http_peer_write(&self->peer, "0\r\n\r\n");
}
