/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "twilio-base64.h"
#include "twilio-session-private.h"

#define GST_CAT_DEFAULT twilio_session_debug

/*
 * The carrier's half of the protocol: what each message does to the session, and which mistakes end
 * the stream. What is not JSON ends it (1007), as does audio in another format (1003) and a stream
 * that never starts (1008). Everything else is counted, reported once a kind and ignored.
 */

static void
handle_start(TwilioSession *self, const TwilioMessage *message)
{
  g_autoptr(GError) error = NULL;
  guint n_ignored;

  if (self->state == TWILIO_SESSION_STREAMING) {
    twilio_session_report(self, TWILIO_PROBLEM_SECOND_START,
                          "The carrier started the stream twice; the second start is ignored");
    return;
  }
  self->start = twilio_start_new(message, &n_ignored, &error);
  if (!self->start) {
    twilio_session_stop(self, 1003, "error", error);
    return;
  }
  if (n_ignored > 0)
    twilio_session_report(self, TWILIO_PROBLEM_PARAMETER,
                          "%u custom parameters of the stream are ignored", n_ignored);
  twilio_session_cancel_start_timer(self);
  self->formatter = twilio_formatter_new(self->dialect, self->start->stream_sid);
  self->sequence = message->sequence;
  self->state = TWILIO_SESSION_STREAMING;
  GST_INFO("%s: stream %s of call %s", self->name, self->start->stream_sid, self->start->call_sid);
  if (self->source && !self->source->started(self->start, self->source_data)) {
    twilio_session_stop(self, 1008, "refused", NULL);
    return;
  }
  if (self->state == TWILIO_SESSION_STREAMING && self->sink)
    self->sink->started(self->sink_data);
}

static void
handle_media(TwilioSession *self, const TwilioMessage *message)
{
  guint8 audio[TWILIO_BASE64_DECODED_MAX(TWILIO_MAX_MESSAGE)];
  const gchar *reason = NULL;
  gssize length;

  if (message->track.text && twilio_text_equal(&message->track, "outbound"))
    return;
  if (!message->payload.text) {
    twilio_session_report(self, TWILIO_PROBLEM_PAYLOAD, "A media message has no payload");
    return;
  }
  length = twilio_message_decode_payload(message, audio, sizeof audio, &reason);
  if (length < 0)
    twilio_session_report(self, TWILIO_PROBLEM_PAYLOAD, "A media payload is not base64: %s",
                          reason);
  else if (length == 0)
    twilio_session_report(self, TWILIO_PROBLEM_EMPTY_PAYLOAD, "A media payload is empty");
  else if (self->source)
    self->source->media(message->timestamp_ms, audio, length, self->source_data);
}

static void
handle_dtmf(TwilioSession *self, const TwilioMessage *message)
{
  gchar digit[8] = "";

  if (message->digit.text)
    twilio_text_copy(&message->digit, digit, sizeof digit);
  if (digit[0] == 0 || digit[1] != 0 || !strchr("0123456789*#ABCDabcd", digit[0]))
    twilio_session_report(self, TWILIO_PROBLEM_DIGIT, "\"%s\" is not a key of a telephone", digit);
  else if (self->source)
    self->source->dtmf(g_ascii_toupper(digit[0]), self->source_data);
}

static void
handle_mark(TwilioSession *self, const TwilioMessage *message)
{
  if (!message->mark.text)
    twilio_session_report(self, TWILIO_PROBLEM_UNKNOWN_MARK, "A mark without a name came back");
  else if (self->sink)
    self->sink->mark(&message->mark, self->sink_data);
}

/* Whether the message belongs to the stream that is running. */
static gboolean
check_stream(TwilioSession *self, const TwilioMessage *message)
{
  if (self->state != TWILIO_SESSION_STREAMING) {
    twilio_session_report(self, TWILIO_PROBLEM_BEFORE_START,
                          "The carrier sent \"%.*s\" before it started the stream",
                          (gint)MIN(message->name.length, 40), message->name.text);
    return FALSE;
  }
  if (message->stream_sid.text &&
      !twilio_text_equal(&message->stream_sid, self->start->stream_sid)) {
    twilio_session_report(self, TWILIO_PROBLEM_WRONG_STREAM,
                          "The carrier sent a message of stream \"%.*s\" instead of \"%s\"",
                          (gint)MIN(message->stream_sid.length, 64), message->stream_sid.text,
                          self->start->stream_sid);
    return FALSE;
  }
  /* what follows start is number 2 in practice and 3 in the documentation */
  if (message->sequence >= 0) {
    if (message->sequence != self->sequence + 1 && self->sequence > 1)
      twilio_session_report(self, TWILIO_PROBLEM_SEQUENCE,
                            "Message %" G_GINT64_FORMAT " follows message %" G_GINT64_FORMAT,
                            message->sequence, self->sequence);
    self->sequence = message->sequence;
  }
  return TRUE;
}

static void
handle_message(TwilioSession *self, const TwilioMessage *message)
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
      twilio_session_stop(self, 1000, "stop", NULL);
    break;
  case TWILIO_EVENT_UNKNOWN:
  default:
    twilio_session_report(self, TWILIO_PROBLEM_UNKNOWN_EVENT, "The event \"%.*s\" is unknown",
                          (gint)MIN(message->name.length, 40),
                          message->name.text ? message->name.text : "");
    break;
  }
}

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  TwilioSession *self = user_data;
  TwilioMessage message;
  TwilioParseError error;

  self->messages++;
  self->bytes_received += length;
  if (type != CORD_WEBSOCKET_TEXT) {
    twilio_session_report(self, TWILIO_PROBLEM_BINARY, "The carrier sent a binary message");
    return;
  }
  if (twilio_message_parse(self->dialect, (const gchar *)data, length, &message, &error))
    handle_message(self, &message);
  else
    twilio_session_fail(self, 1007, CORD_ERROR_PROTOCOL,
                        "The carrier's message is not JSON: %s at byte %zu", error.reason,
                        error.offset);
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  TwilioSession *self = user_data;
  g_autoptr(GError) sentence = NULL;

  sentence = g_error_new(CORD_ERROR, error ? error->code : CORD_ERROR_CLOSED,
                         "The carrier's connection ended without \"stop\" (%u%s%s)", code,
                         error || (reason && *reason) ? ", " : "",
                         error    ? error->message
                         : reason ? reason
                                  : "");
  /* what the peer did wrong is an error; that it went is not */
  if (g_error_matches(error, CORD_ERROR, CORD_ERROR_PROTOCOL) ||
      g_error_matches(error, CORD_ERROR, CORD_ERROR_TOO_LARGE))
    twilio_session_stop(self, 0, "error", sentence);
  else
    twilio_session_stop(self, 0, "closed", sentence);
}

const CordWebsocketHandlers twilio_session_handlers = {
  .message = on_message,
  .closed = on_closed,
};
