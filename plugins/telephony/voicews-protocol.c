/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "voicews-protocol.h"

#include <string.h>

#include "voicews-message.h"
#include "voicews-page.h"

/*
 * The browser's half of the protocol. The stream starts with the connection. What is not JSON ends
 * it (1007); everything else is counted, reported once a kind and ignored. A page that has said
 * nothing of it is sent neither marks nor clear: what it has played is then told by the clock.
 */

#define MAX_MESSAGE (256 * 1024) /* bytes: six seconds of audio in base64 */
#define QUIET 130                /* of 32767: about -48 dB */
#define CLEAR "{\"type\":\"clear\"}"
#define PONG "{\"type\":\"pong\"}"
#define RESOURCE "/org/cordboard/telephony/voicews-page.html"

/* What there is to know of a stream. */
typedef struct {
  GstClockTime started;
  gboolean takes_clear;
  gboolean takes_marks;
} Stream;

/* ---- reading ---- */

static void
voicews_begin(MediaSession *self)
{
  Stream *stream = g_new0(Stream, 1);
  g_autofree gchar *id = g_uuid_string_random();
  g_autoptr(GstStructure) parameters = gst_structure_new_empty("parameters");
  const MediaStart start = { .stream_sid = id, .parameters = parameters };

  stream->started = media_session_get_time(self);
  media_session_set_stream(self, stream);
  media_session_start(self, &start);
}

static void
voicews_end(MediaSession *self)
{
  g_free(media_session_get_stream(self));
}

static void
take_audio(MediaSession *self, const guint8 *audio, gsize length)
{
  if (length % 2 != 0)
    media_session_report(self, MEDIA_PROBLEM_PAYLOAD,
                         "The browser sent half a sample: its audio must be 16-bit PCM");
  length -= length % 2;
  if (length == 0)
    media_session_report(self, MEDIA_PROBLEM_EMPTY_PAYLOAD, "The browser sent no audio");
  else
    media_session_tell_media(self, -1, audio, length);
}

static void
take_message(MediaSession *self, const VoicewsMessage *message)
{
  Stream *stream = media_session_get_stream(self);

  switch (message->type) {
  case VOICEWS_START:
    stream->takes_clear = message->takes_clear;
    stream->takes_marks = message->takes_marks;
    break;
  case VOICEWS_AUDIO:
    take_audio(self, message->audio, message->length);
    break;
  case VOICEWS_MARK:
    media_session_tell_mark(self, message->name);
    break;
  case VOICEWS_PING:
    voicews_send_text(self, PONG);
    break;
  case VOICEWS_END:
    media_session_stop(self, 1000, voicews_protocol.gone, NULL);
    break;
  case VOICEWS_UNKNOWN:
  default:
    media_session_report(self, MEDIA_PROBLEM_UNKNOWN_EVENT, "The type \"%s\" is unknown",
                         message->name);
    break;
  }
}

static void
voicews_message(MediaSession *self, CordWebsocketMessageType type, const guint8 *data, gsize length)
{
  g_autoptr(VoicewsMessage) message = NULL;
  g_autoptr(GError) error = NULL;

  if (type == CORD_WEBSOCKET_BINARY) {
    take_audio(self, data, length);
    return;
  }
  message = voicews_message_new((const gchar *)data, length, &error);
  if (message)
    take_message(self, message);
  else if (g_error_matches(error, CORD_ERROR, CORD_ERROR_INVALID))
    media_session_report(self, MEDIA_PROBLEM_PAYLOAD, "A message of the browser: %s",
                         error->message);
  else
    media_session_fail(self, 1007, CORD_ERROR_PROTOCOL, "The browser's message cannot be read: %s",
                       error->message);
}

/* ---- writing ---- */

/**
 * voicews_send_text:
 * @session: a session
 * @text: a message; lost if no stream is running
 */
void
voicews_send_text(MediaSession *session, const gchar *text)
{
  if (media_session_get_state(session) == MEDIA_SESSION_STREAMING)
    media_session_send(session, CORD_WEBSOCKET_TEXT, text, strlen(text));
}

/**
 * voicews_send_started:
 * @session: a session that has begun
 * @agent: (nullable): who speaks
 */
void
voicews_send_started(MediaSession *session, const gchar *agent)
{
  g_autofree gchar *text = voicews_format_started(agent);

  voicews_send_text(session, text);
}

static gboolean
voicews_send_media(MediaSession *self, const guint8 *audio, gsize length)
{
  return media_session_send(self, CORD_WEBSOCKET_BINARY, audio, length);
}

static gboolean
voicews_echoes(MediaSession *self)
{
  Stream *stream = media_session_get_stream(self);

  return stream && stream->takes_marks;
}

static gboolean
voicews_send_mark(MediaSession *self, const gchar *name)
{
  g_autofree gchar *text = NULL;

  if (!voicews_echoes(self))
    return TRUE;
  text = voicews_format_mark(name);
  return media_session_send(self, CORD_WEBSOCKET_TEXT, text, strlen(text));
}

static gboolean
voicews_send_clear(MediaSession *self)
{
  Stream *stream = media_session_get_stream(self);

  return !stream->takes_clear ||
         media_session_send(self, CORD_WEBSOCKET_TEXT, CLEAR, strlen(CLEAR));
}

static void
voicews_say_goodbye(MediaSession *self, const gchar *reason)
{
  Stream *stream = media_session_get_stream(self);
  GstClockTime duration = media_session_get_time(self) - stream->started;
  g_autofree gchar *text = voicews_format_ended(reason, (gdouble)duration / GST_SECOND);

  media_session_send(self, CORD_WEBSOCKET_TEXT, text, strlen(text));
}

/* Who opens the door in a browser gets a page that speaks through it. */
static gchar *
voicews_answer(const gchar *host, const gchar *forwarded_proto, const gchar *path,
               const gchar **type)
{
  g_autoptr(GBytes) page = g_resource_lookup_data(voicews_page_get_resource(), RESOURCE, 0, NULL);
  g_autoptr(GString) text = NULL;
  g_autofree gchar *escaped = g_strescape(path, NULL);

  *type = "text/html";
  if (!page)
    return NULL;
  text = g_string_new_len(g_bytes_get_data(page, NULL), (gssize)g_bytes_get_size(page));
  g_string_replace(text, "/ws/voice-browser", escaped, 0);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean
is_quiet(const guint8 *audio, gsize length)
{
  for (gsize i = 0; i + 1 < length; i += 2) {
    gint16 sample = (gint16)(audio[i] | audio[i + 1] << 8);

    if (sample > QUIET || sample < -QUIET)
      return FALSE;
  }
  return TRUE;
}

static const MediaFormat format = {
  .caps = VOICEWS_CAPS,
  .frame_bytes = 640,
  .sample_bytes = 2,
  .ns_per_byte = 31250,
  .silence = 0,
  .is_quiet = is_quiet,
};

const MediaProtocol voicews_protocol = {
  .peer = "browser",
  .source = "voicewssrc",
  .sink = "voicewssink",
  .last_word = "end",
  .gone = "browser_disconnect",
  .may_go = TRUE,
  .untimed = TRUE,
  .path = "/ws/voice-browser",
  .silence_after_ms = 500,
  .max_message = MAX_MESSAGE,
  .problems = 1u << MEDIA_PROBLEM_UNKNOWN_EVENT | 1u << MEDIA_PROBLEM_PAYLOAD |
              1u << MEDIA_PROBLEM_EMPTY_PAYLOAD | 1u << MEDIA_PROBLEM_UNKNOWN_MARK |
              1u << MEDIA_PROBLEM_DUPLICATE_MARK | 1u << MEDIA_PROBLEM_LOST_MARK |
              1u << MEDIA_PROBLEM_FLOOD,
  .format = &format,
  .begin = voicews_begin,
  .end = voicews_end,
  .message = voicews_message,
  .send_media = voicews_send_media,
  .send_mark = voicews_send_mark,
  .send_clear = voicews_send_clear,
  .says_goodbye = voicews_say_goodbye,
  .echoes = voicews_echoes,
  .answer = voicews_answer,
};
