/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stt-rig.h"

#include <string.h>
#include <sys/socket.h>

#include "rig-notes.h"
#include "ws-peer.h"

#define FRAME_TIME (20 * GST_MSECOND)
#define BYTES_A_SECOND 8000.0

static GstBusSyncReply
on_posted(GstBus *bus, GstMessage *message, gpointer data)
{
  SttRig *self = data;

  rig_notes_message(self->posted, self->said, message);
  gst_message_unref(message);
  return GST_BUS_DROP;
}

static gboolean
answer_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  const GstStructure *structure =
      GST_QUERY_TYPE(query) == GST_QUERY_CUSTOM ? gst_query_get_structure(query) : NULL;

  return (structure && gst_structure_has_name(structure, CORD_QUERY_VOICE_ACTIVITY)) ||
         gst_pad_query_default(pad, parent, query);
}

/* There is a voice detector upstream: the test. */
void
stt_rig_detect_voice(SttRig *self)
{
  gst_pad_set_query_function(self->harness->srcpad, answer_query);
}

/* The service's end, and a place for the rest. */
void
stt_rig_begin(SttRig *self)
{
  *self = (SttRig){ .worker = cord_worker_new_manual() };
  self->posted = g_string_new(NULL);
  self->said = g_string_new(NULL);
  self->texts = g_string_new(NULL);
  self->pushed = g_string_new(NULL);
  self->raw = g_byte_array_new();
  self->audio = g_byte_array_new();
  http_peer_init(&self->peer, self->worker);
}

/* PORT in @properties is @port. @base: the property "base-url" is set to that port and this path;
 * %NULL: not at all */
void
stt_rig_plug(SttRig *self, const gchar *factory, const gchar *base, const gchar *properties,
             guint port)
{
  g_autoptr(GString) launch = g_string_new(NULL);
  g_autofree gchar *number = g_strdup_printf("%u", port);
  GstContext *context;

  g_string_printf(launch, "%s name=stt %s", factory, properties);
  g_string_replace(launch, "PORT", number, 0);
  self->element = gst_parse_launch(launch->str, NULL);
  g_assert_nonnull(self->element);
  gst_object_ref_sink(self->element);
  if (base) {
    g_autofree gchar *url = g_strdup_printf("http://127.0.0.1:%u%s", port, base);

    g_object_set(self->element, "base-url", url, "api-key", STT_RIG_KEY, NULL);
  }
  context = cord_worker_to_gst_context(self->worker);
  gst_element_set_context(self->element, context);
  gst_context_unref(context);
  self->bus = gst_bus_new();
  gst_bus_set_sync_handler(self->bus, on_posted, self, NULL);
  gst_element_set_bus(self->element, self->bus);
  self->harness = gst_harness_new_with_element(self->element, "sink", "src");
  gst_harness_play(self->harness);
  gst_harness_set_src_caps_str(self->harness, "audio/x-mulaw,rate=8000,channels=1");
}

void
stt_rig_init(SttRig *self, const gchar *factory, const gchar *base, const gchar *properties)
{
  stt_rig_begin(self);
  stt_rig_plug(self, factory, base, properties, self->peer.port);
}

void
stt_rig_clear(SttRig *self)
{
  g_assert_null(strstr(self->said->str, STT_RIG_KEY));
  gst_harness_teardown(self->harness);
  gst_object_unref(self->element);
  gst_bus_set_sync_handler(self->bus, NULL, NULL, NULL);
  gst_object_unref(self->bus);
  http_peer_clear(&self->peer);
  cord_worker_iterate(self->worker);
  cord_worker_advance(self->worker, 4 * GST_SECOND); /* closing handshakes */
  g_string_free(self->posted, TRUE);
  g_string_free(self->said, TRUE);
  g_string_free(self->texts, TRUE);
  g_string_free(self->pushed, TRUE);
  g_byte_array_unref(self->raw);
  g_byte_array_unref(self->audio);
  g_free(self->head);
  g_assert_finalize_object(self->worker);
}

/* The caller */

static void
push_speech(SttRig *self, const gchar *name)
{
  gst_harness_push_event(self->harness,
                         cord_event_new(cord_structure_new_speech(name, self->position)));
}

void
stt_rig_start_speech(SttRig *self)
{
  push_speech(self, CORD_EVENT_SPEECH_STARTED);
}

void
stt_rig_stop_speech(SttRig *self)
{
  push_speech(self, CORD_EVENT_SPEECH_STOPPED);
}

/* Frames of one value; time passes as they do. */
void
stt_rig_push(SttRig *self, guint8 value, guint frames)
{
  for (guint i = 0; i < frames; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, STT_RIG_FRAME, NULL);

    gst_buffer_memset(buffer, 0, value, STT_RIG_FRAME);
    GST_BUFFER_PTS(buffer) = self->position;
    GST_BUFFER_DURATION(buffer) = FRAME_TIME;
    self->position += FRAME_TIME;
    for (guint n = 0; n < STT_RIG_FRAME; n++)
      g_string_append_c(self->pushed, (gchar)value);
    g_assert_cmpint(gst_harness_push(self->harness, buffer), ==, GST_FLOW_OK);
    cord_worker_advance(self->worker, FRAME_TIME);
  }
}

/* The words from number @first to number @last */
void
stt_rig_say(SttRig *self, guint first, guint last)
{
  for (guint word = first; word <= last; word++) {
    stt_rig_push(self, (guint8)word, 10);
    stt_rig_push(self, STT_RIG_SILENCE, 5);
  }
}

/* The service */

static void
take_call(SttRig *self)
{
  http_peer_accept(&self->peer);
  g_free(self->head);
  self->head = http_peer_read_head(&self->peer);
  g_byte_array_set_size(self->raw, 0);
  g_byte_array_set_size(self->audio, 0);
  g_string_truncate(self->texts, 0);
  self->settled = 0;
}

/* Takes a connection and makes it a WebSocket. */
void
stt_rig_upgrade(SttRig *self)
{
  take_call(self);
  http_peer_upgrade(&self->peer, self->head);
}

/* Lets the worker work until that was posted; it is then forgotten. */
void
stt_rig_wait(SttRig *self, const gchar *posted)
{
  rig_notes_wait(self->worker, self->posted, posted);
}

void
stt_rig_accept(SttRig *self)
{
  stt_rig_upgrade(self);
  stt_rig_wait(self, "up;");
}

void
stt_rig_refuse(SttRig *self, const gchar *answer)
{
  take_call(self);
  http_peer_write(&self->peer, answer);
  http_peer_hang_up(&self->peer);
}

static void
take_frame(SttRig *self, guint8 opcode, const gchar *payload, gsize length)
{
  g_autofree gchar *text = g_strndup(payload, length);
  const gchar *type = strstr(text, "\"type\":\"");

  if (opcode == 2) {
    g_assert_cmpuint(length, >, 0);
    g_byte_array_append(self->audio, (const guint8 *)payload, (guint)length);
  } else if (opcode == 1) {
    g_assert_nonnull(type);
    type += strlen("\"type\":\"");
    g_string_append_len(self->texts, type, (gssize)strcspn(type, "\""));
    g_string_append_c(self->texts, ';');
  } else if (opcode == 8) {
    g_string_append(self->texts, "close;");
  }
}

/* Takes the frames off the head of what came; all of them are masked. */
static void
take_frames(SttRig *self)
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
stt_rig_listen(SttRig *self)
{
  guint8 buffer[16384];
  gssize n;

  cord_worker_iterate(self->worker);
  if (self->peer.fd < 0)
    return;
  while ((n = recv(self->peer.fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    g_byte_array_append(self->raw, buffer, (guint)n);
  take_frames(self);
  if (n == 0 && !g_str_has_suffix(self->texts->str, "gone;"))
    g_string_append(self->texts, "gone;");
}

void
stt_rig_send(SttRig *self, guint8 first, const void *payload, gsize length)
{
  g_autoptr(GBytes) frame = ws_peer_make(first, FALSE, payload, length);

  ws_peer_send_bytes(self->peer.fd, frame);
  cord_worker_iterate(self->worker);
}

void
stt_rig_tell(SttRig *self, const gchar *json)
{
  stt_rig_send(self, WS_FIN | 1, json, strlen(json));
}

static void
append_word(GString *words, guint number, gsize start, gsize end)
{
  gchar from[G_ASCII_DTOSTR_BUF_SIZE], until[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd(from, sizeof from, "%.3f", start / BYTES_A_SECOND);
  g_ascii_formatd(until, sizeof until, "%.3f", end / BYTES_A_SECOND);
  g_string_append_printf(words,
                         "%s{\"word\":\"w%u\",\"start\":%s,\"end\":%s,\"confidence\":0.9,"
                         "\"punctuated_word\":\"W%u\"}",
                         words->len > 0 ? "," : "", number, from, until, number);
}

/* What is understood of the audio since the last final result, as Deepgram's Results. @flags: more
 * members, like `"is_final":true`. Returns the words, and settles them if they are final. */
gchar *
stt_rig_understand(SttRig *self, const gchar *flags)
{
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GString) words = g_string_new(NULL);
  g_autofree gchar *json = NULL;
  gchar start[G_ASCII_DTOSTR_BUF_SIZE], duration[G_ASCII_DTOSTR_BUF_SIZE];

  stt_rig_listen(self);
  for (gsize at = self->settled, end; at < self->audio->len; at = end) {
    guint8 value = self->audio->data[at];

    for (end = at; end < self->audio->len && self->audio->data[end] == value;)
      end++;
    if (value == STT_RIG_SILENCE)
      continue;
    g_string_append_printf(text, "%sw%u", text->len > 0 ? " " : "", value);
    append_word(words, value, at, end);
  }
  g_ascii_formatd(start, sizeof start, "%.3f", self->settled / BYTES_A_SECOND);
  g_ascii_formatd(duration, sizeof duration, "%.3f",
                  (self->audio->len - self->settled) / BYTES_A_SECOND);
  json =
      g_strdup_printf("{\"type\":\"Results\",\"channel_index\":[0,1],\"start\":%s,"
                      "\"duration\":%s,%s%s\"channel\":{\"alternatives\":[{\"transcript\":\"%s\","
                      "\"confidence\":0.95,\"words\":[%s]}]}}",
                      start, duration, flags, *flags ? "," : "", text->str, words->str);
  stt_rig_tell(self, json);
  if (strstr(flags, "\"is_final\":true"))
    self->settled = self->audio->len;
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/* What came of it */

/* The text of the next utterance, or NULL */
gchar *
stt_rig_take_text(SttRig *self)
{
  g_autoptr(GstBuffer) buffer = gst_harness_try_pull(self->harness);
  gchar *text;
  gsize size;

  if (buffer == NULL)
    return NULL;
  size = gst_buffer_get_size(buffer);
  text = g_malloc0(size + 1);
  gst_buffer_extract(buffer, 0, text, size);
  return text;
}

void
stt_rig_assert_text(SttRig *self, const gchar *text)
{
  g_autofree gchar *said = stt_rig_take_text(self);

  g_assert_cmpstr(said, ==, text);
}

static void
describe(GString *text, const GstStructure *structure)
{
  CordTranscript *transcript = cord_structure_get_transcript(structure);

  if (gst_structure_has_name(structure, CORD_EVENT_SPEECH_STARTED))
    g_string_append(text, "+;");
  else if (gst_structure_has_name(structure, CORD_EVENT_SPEECH_STOPPED))
    g_string_append(text, "-;");
  else if (transcript)
    g_string_append_printf(text, "%s'%s';", cord_transcript_get_final(transcript) ? "=" : "",
                           cord_transcript_get_text(transcript));
}

/* The events since the last time: + and - for speech, 'text' for an interim transcript, ='' for an
 * utterance that ended without words. */
gchar *
stt_rig_take_events(SttRig *self)
{
  GString *text = g_string_new(NULL);
  GstEvent *event;

  while ((event = gst_harness_try_pull_event(self->harness))) {
    const GstStructure *structure = gst_event_get_structure(event);

    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
      g_string_append(text, "eos;");
    else if (structure && GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM)
      describe(text, structure);
    gst_event_unref(event);
  }
  return g_string_free(text, FALSE);
}
