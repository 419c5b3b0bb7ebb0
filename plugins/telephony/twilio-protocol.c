/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-protocol.h"

#include <string.h>

#include "twilio-base64.h"
#include "twilio-dialect.h"
#include "twilio-start.h"

/*
 * The carrier's half of the protocol: what each message does to the session, and which mistakes end
 * the stream. What is not JSON ends it (1007), as does audio in another format (1003) and a stream
 * that never starts (1008). Everything else is counted, reported once a kind and ignored.
 */

#define MAX_MESSAGE 65536 /* bytes */
#define MAX_HOST 255      /* bytes */

/* What there is to know of a stream. */
typedef struct {
  const TwilioDialect *dialect;
  MediaStart *start;
  TwilioFormatter *formatter;
  gint64 sequence;
} Stream;

static void
handle_start(MediaSession *self, const TwilioMessage *message)
{
  Stream *stream = media_session_get_stream(self);
  g_autoptr(GError) error = NULL;
  guint n_ignored;

  if (media_session_get_state(self) == MEDIA_SESSION_STREAMING) {
    media_session_report(self, MEDIA_PROBLEM_SECOND_START,
                         "The carrier started the stream twice; the second start is ignored");
    return;
  }
  stream->start = twilio_start_new(message, &n_ignored, &error);
  if (!stream->start) {
    media_session_stop(self, 1003, "error", error);
    return;
  }
  if (n_ignored > 0)
    media_session_report(self, MEDIA_PROBLEM_PARAMETER,
                         "%u custom parameters of the stream are ignored", n_ignored);
  stream->formatter = twilio_formatter_new(stream->dialect, stream->start->stream_sid);
  stream->sequence = message->sequence;
  media_session_start(self, stream->start);
}

static void
handle_media(MediaSession *self, const TwilioMessage *message)
{
  guint8 audio[TWILIO_BASE64_DECODED_MAX(MAX_MESSAGE)];
  const gchar *reason = NULL;
  gssize length;

  if (message->track.text && twilio_text_equal(&message->track, "outbound"))
    return;
  if (!message->payload.text) {
    media_session_report(self, MEDIA_PROBLEM_PAYLOAD, "A media message has no payload");
    return;
  }
  length = twilio_message_decode_payload(message, audio, sizeof audio, &reason);
  if (length < 0)
    media_session_report(self, MEDIA_PROBLEM_PAYLOAD, "A media payload is not base64: %s", reason);
  else if (length == 0)
    media_session_report(self, MEDIA_PROBLEM_EMPTY_PAYLOAD, "A media payload is empty");
  else
    media_session_tell_media(self, message->timestamp_ms, audio, (gsize)length);
}

static void
handle_dtmf(MediaSession *self, const TwilioMessage *message)
{
  gchar digit[8] = "";

  if (message->digit.text)
    twilio_text_copy(&message->digit, digit, sizeof digit);
  if (digit[0] == 0 || digit[1] != 0 || !strchr("0123456789*#ABCDabcd", digit[0]))
    media_session_report(self, MEDIA_PROBLEM_DIGIT, "\"%s\" is not a key of a telephone", digit);
  else
    media_session_tell_dtmf(self, g_ascii_toupper(digit[0]));
}

static void
handle_mark(MediaSession *self, const TwilioMessage *message)
{
  gchar name[MEDIA_MAX_MARK_NAME + 8] = "?";

  if (!message->mark.text) {
    media_session_report(self, MEDIA_PROBLEM_UNKNOWN_MARK, "A mark without a name came back");
    return;
  }
  /* none of ours is longer; what is left of another is enough to tell of it */
  twilio_text_copy(&message->mark, name, sizeof name);
  media_session_tell_mark(self, name);
}

/* Whether the message belongs to the stream that is running. */
static gboolean
check_stream(MediaSession *self, const TwilioMessage *message)
{
  Stream *stream = media_session_get_stream(self);

  if (media_session_get_state(self) != MEDIA_SESSION_STREAMING) {
    media_session_report(self, MEDIA_PROBLEM_BEFORE_START,
                         "The carrier sent \"%.*s\" before it started the stream",
                         (gint)MIN(message->name.length, 40), message->name.text);
    return FALSE;
  }
  if (message->stream_sid.text &&
      !twilio_text_equal(&message->stream_sid, stream->start->stream_sid)) {
    media_session_report(self, MEDIA_PROBLEM_WRONG_STREAM,
                         "The carrier sent a message of stream \"%.*s\" instead of \"%s\"",
                         (gint)MIN(message->stream_sid.length, 64), message->stream_sid.text,
                         stream->start->stream_sid);
    return FALSE;
  }
  /* what follows start is number 2 in practice and 3 in the documentation */
  if (message->sequence >= 0) {
    if (message->sequence != stream->sequence + 1 && stream->sequence > 1)
      media_session_report(self, MEDIA_PROBLEM_SEQUENCE,
                           "Message %" G_GINT64_FORMAT " follows message %" G_GINT64_FORMAT,
                           message->sequence, stream->sequence);
    stream->sequence = message->sequence;
  }
  return TRUE;
}

static void
handle_message(MediaSession *self, const TwilioMessage *message)
{
  switch (message->event) {
  case TWILIO_EVENT_CONNECTED:
    break;
  case TWILIO_EVENT_START:
    handle_start(self, message);
    break;
  case TWILIO_EVENT_MEDIA:
    if (check_stream(self, message))
      handle_media(self, message);
    break;
  case TWILIO_EVENT_MARK:
    if (check_stream(self, message))
      handle_mark(self, message);
    break;
  case TWILIO_EVENT_DTMF:
    if (check_stream(self, message))
      handle_dtmf(self, message);
    break;
  case TWILIO_EVENT_STOP:
    if (check_stream(self, message))
      media_session_stop(self, 1000, "stop", NULL);
    break;
  case TWILIO_EVENT_UNKNOWN:
  default:
    media_session_report(self, MEDIA_PROBLEM_UNKNOWN_EVENT, "The event \"%.*s\" is unknown",
                         (gint)MIN(message->name.length, 40),
                         message->name.text ? message->name.text : "");
    break;
  }
}

static void
twilio_message(MediaSession *self, CordWebsocketMessageType type, const guint8 *data, gsize length)
{
  Stream *stream = media_session_get_stream(self);
  TwilioMessage message;
  TwilioParseError error;

  if (type != CORD_WEBSOCKET_TEXT) {
    media_session_report(self, MEDIA_PROBLEM_BINARY, "The carrier sent a binary message");
    return;
  }
  if (twilio_message_parse(stream->dialect, (const gchar *)data, length, &message, &error))
    handle_message(self, &message);
  else
    media_session_fail(self, 1007, CORD_ERROR_PROTOCOL,
                       "The carrier's message is not JSON: %s at byte %zu", error.reason,
                       error.offset);
}

static void
twilio_begin(MediaSession *self)
{
  Stream *stream = g_new0(Stream, 1);

  stream->dialect = &twilio_dialect;
  media_session_set_stream(self, stream);
}

static void
twilio_end(MediaSession *self)
{
  Stream *stream = media_session_get_stream(self);

  g_clear_pointer(&stream->formatter, twilio_formatter_free);
  g_clear_pointer(&stream->start, media_start_free);
  g_free(stream);
}

/* ---- writing ---- */

static gboolean
twilio_send_media(MediaSession *self, const guint8 *audio, gsize length)
{
  Stream *stream = media_session_get_stream(self);
  const gchar *text = twilio_formatter_media(stream->formatter, audio, length, &length);

  return media_session_send(self, CORD_WEBSOCKET_TEXT, text, length);
}

static gboolean
twilio_send_mark(MediaSession *self, const gchar *name)
{
  Stream *stream = media_session_get_stream(self);
  gsize length;
  const gchar *text = twilio_formatter_mark(stream->formatter, name, &length);

  return media_session_send(self, CORD_WEBSOCKET_TEXT, text, length);
}

static gboolean
twilio_send_clear(MediaSession *self)
{
  Stream *stream = media_session_get_stream(self);
  gsize length;
  const gchar *text = twilio_formatter_clear(stream->formatter, &length);

  return media_session_send(self, CORD_WEBSOCKET_TEXT, text, length);
}

static gboolean
host_is_plain(const gchar *host)
{
  if (!host || !*host || strlen(host) > MAX_HOST)
    return FALSE;
  for (const gchar *p = host; *p; p++)
    if (!g_ascii_isalnum(*p) && !strchr(".-:[]", *p))
      return FALSE;
  return TRUE;
}

/* The carrier's webhook is answered with TwiML that connects the call. */
static gchar *
twilio_answer(const gchar *host, const gchar *forwarded_proto, const gchar *path,
              const gchar **type)
{
  g_autofree gchar *escaped = NULL;
  gboolean secure;

  *type = "text/xml";
  if (!host_is_plain(host))
    return NULL;
  secure = forwarded_proto && g_ascii_strncasecmp(forwarded_proto, "https", 5) == 0;
  escaped = g_markup_escape_text(path, -1);
  return g_strdup_printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>"
                         "<Stream url=\"%s://%s%s\"/></Connect></Response>",
                         secure ? "wss" : "ws", host, escaped);
}

/* Below about -48 dB there is nobody speaking. */
static gboolean
is_quiet(const guint8 *audio, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if ((audio[i] & 0x7f) < 0x70)
      return FALSE;
  return TRUE;
}

static const MediaFormat format = {
  .caps = TWILIO_CAPS,
  .frame_bytes = 160,
  .sample_bytes = 1,
  .ns_per_byte = 125000,
  .silence = 0xff, /* mu-law +0 */
  .is_quiet = is_quiet,
};

const MediaProtocol twilio_protocol = {
  .peer = "carrier",
  .source = "twiliosrc",
  .sink = "twiliosink",
  .last_word = "stop",
  .gone = "closed",
  .path = "/stream",
  .silence_after_ms = 750,
  .max_message = MAX_MESSAGE,
  .problems = (1u << MEDIA_PROBLEM_FLOOD) - 1,
  .format = &format,
  .begin = twilio_begin,
  .end = twilio_end,
  .message = twilio_message,
  .send_media = twilio_send_media,
  .send_mark = twilio_send_mark,
  .send_clear = twilio_send_clear,
  .answer = twilio_answer,
};
