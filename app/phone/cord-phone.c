/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone.h"

#include <string.h>

#include "cord-error.h"
#include "cord-g711.h"
#include "cord-http.h"
#include "cord-phone-form.h"
#include "cord-phone-message.h"
#include "cord-phone-queue.h"
#include "cord-websocket-client.h"

/*
 * A telephone behind Twilio, for those who have neither: it posts the webhook, reads the TwiML,
 * opens the stream, and then speaks and listens in real time. A thousand of them run in one
 * process.
 */

#define CATCH_UP 5                /* frames sent at most in one tick after a stall */
#define TIMEOUT (15 * GST_SECOND) /* Twilio's own for a webhook */
#define MAX_TWIML 65536           /* bytes; Twilio's own limit */

struct _CordPhone {
  CordWorker *worker;
  CordPhoneHandlers handlers;
  gpointer data;
  gchar *url, *from, *to, *auth_token, *account_sid, *call_sid, *stream_sid;

  CordHttpExchange *webhook;
  GByteArray *twiml;
  GCancellable *connecting;
  gchar *stream_url;
  GHashTable *parameters;
  CordWebsocket *websocket;
  CordTick *tick;
  CordPhoneMessage message;
  CordPhoneQueue *queue;
  GQueue speech; /* GBytes */
  gsize spoken;  /* of the first of them, bytes */
  GstClockTime started;
  guint64 frames;
  guint sequence;
  gboolean ended;
};

static void
end(CordPhone *self, const GError *error)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  g_clear_pointer(&self->tick, cord_tick_remove);
  g_clear_pointer(&self->webhook, cord_http_cancel);
  g_cancellable_cancel(self->connecting);
  if (self->websocket)
    cord_websocket_set_handlers(self->websocket, NULL, NULL);
  self->handlers.ended(self, error, self->data);
}

static void
fail(CordPhone *self, CordError code, const gchar *message)
{
  g_autoptr(GError) error = g_error_new_literal(CORD_ERROR, code, message);

  end(self, error);
}

static void
send_message(CordPhone *self, GString *text)
{
  g_autoptr(GError) error = NULL;

  if (!self->ended && self->websocket &&
      !cord_websocket_send_text(self->websocket, text->str, (gssize)text->len, &error))
    end(self, error);
  g_string_truncate(text, 0);
}

static void
on_mark(const gchar *name, gpointer data)
{
  CordPhone *self = data;
  g_autoptr(GString) text = g_string_new(NULL);

  cord_phone_message_mark(text, ++self->sequence, self->stream_sid, name);
  send_message(self, text);
}

/* The stream */

/* 20 ms of what the caller says, silence where he says nothing. */
static void
take_speech(CordPhone *self, guint8 *frame)
{
  gsize filled = 0;

  while (filled < CORD_PHONE_FRAME && !g_queue_is_empty(&self->speech)) {
    gsize size;
    const guint8 *bytes = g_bytes_get_data(g_queue_peek_head(&self->speech), &size);
    gsize n = MIN(size - self->spoken, CORD_PHONE_FRAME - filled);

    memcpy(frame + filled, bytes + self->spoken, n);
    filled += n;
    self->spoken += n;
    if (self->spoken == size) {
      g_bytes_unref(g_queue_pop_head(&self->speech));
      self->spoken = 0;
    }
  }
  memset(frame + filled, CORD_G711_SILENCE, CORD_PHONE_FRAME - filled);
}

static void
pass_frame(CordPhone *self)
{
  guint8 sent[CORD_PHONE_FRAME], heard[CORD_PHONE_FRAME];
  g_autoptr(GString) text = g_string_sized_new(400);
  gsize heard_length;

  take_speech(self, sent);
  self->frames++;
  cord_phone_message_media(text, ++self->sequence, self->stream_sid, (guint)self->frames,
                           (guint)(self->frames * 20), sent, sizeof sent);
  send_message(self, text);
  if (self->ended)
    return;
  heard_length = cord_phone_queue_play(self->queue, heard, sizeof heard);
  if (!self->ended && self->handlers.frame)
    self->handlers.frame(self, sent, heard, heard_length, self->data);
}

static void
on_tick(GstClockTime now, gpointer data)
{
  CordPhone *self = data;
  guint64 due = (now - self->started) / CORD_TICK_NS;

  for (guint i = 0; i < CATCH_UP && self->frames < due && !self->ended; i++)
    pass_frame(self);
}

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  CordPhone *self = user_data;
  g_autoptr(GError) error = NULL;
  gsize cleared;

  if (!cord_phone_message_parse(&self->message, (const gchar *)data, length, &error)) {
    g_warning("the agent's message is ignored: %s", error->message);
    return;
  }
  switch (self->message.type) {
  case CORD_PHONE_MESSAGE_MEDIA:
    cord_phone_queue_push(self->queue, self->message.audio->data, self->message.audio->len);
    break;
  case CORD_PHONE_MESSAGE_MARK:
    cord_phone_queue_mark(self->queue, self->message.mark);
    break;
  case CORD_PHONE_MESSAGE_CLEAR:
    cleared = cord_phone_queue_clear(self->queue);
    if (self->handlers.cleared)
      self->handlers.cleared(self, cleared, self->data);
    break;
  }
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  CordPhone *self = user_data;
  g_autofree gchar *message = NULL;

  /* the server may close: then the call goes on after <Connect>, where there is nothing more */
  if (code == CORD_WEBSOCKET_CLOSE_NORMAL || code == CORD_WEBSOCKET_CLOSE_NO_STATUS ||
      code == CORD_WEBSOCKET_CLOSE_GOING_AWAY) {
    end(self, NULL);
    return;
  }
  message = g_strdup_printf("the stream was closed with %u%s%s", code, reason || error ? ": " : "",
                            reason  ? reason
                            : error ? error->message
                                    : "");
  fail(self, CORD_ERROR_CLOSED, message);
}

static const CordWebsocketHandlers stream_handlers = { .message = on_message, .closed = on_closed };

static void
start_stream(CordPhone *self)
{
  g_autoptr(GString) text = g_string_new(NULL);

  cord_websocket_set_handlers(self->websocket, &stream_handlers, self);
  cord_websocket_start(self->websocket);
  cord_phone_message_connected(text);
  send_message(self, text);
  cord_phone_message_start(text, self->account_sid, self->call_sid, self->stream_sid,
                           self->parameters);
  self->sequence = 1;
  send_message(self, text);
  if (self->ended)
    return;
  self->started = cord_worker_get_time(self->worker);
  self->tick = cord_worker_add_tick(self->worker, on_tick, self);
  if (self->handlers.started)
    self->handlers.started(self, self->data);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  CordPhone *self = data;
  g_autoptr(GError) error = NULL;
  CordWebsocket *websocket = cord_websocket_connect_finish(result, &error);

  /* a phone that was put down is gone */
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (websocket == NULL) {
    end(self, error);
    return;
  }
  self->websocket = websocket;
  start_stream(self);
}

static void
open_stream(CordPhone *self, const CordTwimlVerb *verb)
{
  g_autofree gchar *signature =
      self->auth_token ? cord_phone_sign_url(verb->stream_url, self->auth_token) : NULL;
  const gchar *headers[] = { "x-twilio-signature", signature, NULL };
  CordWebsocketRequest request = { .url = verb->stream_url, .timeout = TIMEOUT };

  if (signature)
    request.headers = headers;
  self->parameters = g_hash_table_ref(verb->parameters);
  cord_websocket_connect_async(self->worker, &request, self->connecting, on_connected, self);
}

/* The webhook */

static void
follow_twiml(CordPhone *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) verbs =
      cord_twiml_parse((const gchar *)self->twiml->data, self->twiml->len, &error);

  if (verbs == NULL) {
    end(self, error);
    return;
  }
  for (guint i = 0; i < verbs->len; i++) {
    const CordTwimlVerb *verb = verbs->pdata[i];

    if (verb->stream_url) {
      open_stream(self, verb);
      return;
    }
    if (self->handlers.verb)
      self->handlers.verb(self, verb, self->data);
    if (g_str_equal(verb->name, "Reject") || g_str_equal(verb->name, "Hangup"))
      break;
  }
  fail(self, CORD_ERROR_CLOSED, "the TwiML connects the call to no stream");
}

static void
on_webhook_chunk(CordHttpExchange *exchange, const guint8 *data, gsize length, gpointer user_data)
{
  g_byte_array_append(((CordPhone *)user_data)->twiml, data, (guint)length);
}

static void
on_webhook_finished(CordHttpExchange *exchange, const GError *error, gpointer user_data)
{
  CordPhone *self = user_data;

  self->webhook = NULL;
  if (error) {
    g_autoptr(GError) prefixed = g_error_copy(error);

    g_prefix_error(&prefixed, "the webhook %s: ", self->url);
    end(self, prefixed);
    return;
  }
  follow_twiml(self);
}

static const CordHttpHandlers webhook_handlers = {
  .chunk = on_webhook_chunk,
  .finished = on_webhook_finished,
};

/**
 * cord_phone_new:
 * @worker: where it lives; all its functions are called there
 * @call: whom to call
 * @handlers: whom to tell
 * @data: for @handlers
 *
 * Returns: (transfer full): a phone that has not dialled
 */
CordPhone *
cord_phone_new(CordWorker *worker, const CordPhoneCall *call, const CordPhoneHandlers *handlers,
               gpointer data)
{
  CordPhone *self = g_new0(CordPhone, 1);

  self->worker = g_object_ref(worker);
  self->handlers = *handlers;
  self->data = data;
  self->url = g_strdup(call->url);
  self->from = g_strdup(call->from);
  self->to = g_strdup(call->to);
  self->auth_token = g_strdup(call->auth_token);
  self->account_sid = call->account_sid ? g_strdup(call->account_sid) : cord_phone_new_sid("AC");
  self->call_sid = cord_phone_new_sid("CA");
  self->stream_sid = cord_phone_new_sid("MZ");
  self->connecting = g_cancellable_new();
  self->twiml = g_byte_array_new();
  self->queue = cord_phone_queue_new(on_mark, self);
  cord_phone_message_init(&self->message);
  g_queue_init(&self->speech);
  return self;
}

/**
 * cord_phone_free:
 * @self: (transfer full): a phone whose call has ended or has not begun
 */
void
cord_phone_free(CordPhone *self)
{
  self->ended = TRUE;
  g_clear_pointer(&self->tick, cord_tick_remove);
  g_clear_pointer(&self->webhook, cord_http_cancel);
  g_cancellable_cancel(self->connecting);
  if (self->websocket)
    cord_websocket_set_handlers(self->websocket, NULL, NULL);
  g_clear_object(&self->websocket);
  g_object_unref(self->connecting);
  g_clear_pointer(&self->parameters, g_hash_table_unref);
  g_queue_clear_full(&self->speech, (GDestroyNotify)g_bytes_unref);
  cord_phone_queue_free(self->queue);
  cord_phone_message_clear(&self->message);
  g_byte_array_unref(self->twiml);
  g_free(self->url);
  g_free(self->from);
  g_free(self->to);
  g_free(self->auth_token);
  g_free(self->account_sid);
  g_free(self->call_sid);
  g_free(self->stream_sid);
  g_object_unref(self->worker);
  g_free(self);
}

/**
 * cord_phone_dial:
 * @self: a phone
 *
 * Calls: posts the webhook, as Twilio does when a phone rings.
 */
void
cord_phone_dial(CordPhone *self)
{
  g_autoptr(CordPhoneForm) form = cord_phone_form_new();
  g_autofree gchar *body = NULL;
  g_autofree gchar *signature = NULL;
  g_autoptr(GBytes) bytes = NULL;
  const gchar *headers[] = { "X-Twilio-Signature", NULL, NULL };
  CordHttpRequest request = {
    .method = "POST",
    .url = self->url,
    .content_type = "application/x-www-form-urlencoded",
    .connect_timeout = TIMEOUT,
    .first_byte_timeout = TIMEOUT,
    .idle_timeout = TIMEOUT,
    .max_body = MAX_TWIML,
  };

  cord_phone_form_add(form, "CallSid", self->call_sid);
  cord_phone_form_add(form, "AccountSid", self->account_sid);
  cord_phone_form_add(form, "From", self->from);
  cord_phone_form_add(form, "Caller", self->from);
  cord_phone_form_add(form, "To", self->to);
  cord_phone_form_add(form, "Called", self->to);
  cord_phone_form_add(form, "CallStatus", "ringing");
  cord_phone_form_add(form, "Direction", "inbound");
  cord_phone_form_add(form, "ApiVersion", "2010-04-01");
  body = cord_phone_form_encode(form);
  if (self->auth_token) {
    signature = cord_phone_form_sign(form, self->url, self->auth_token);
    headers[1] = signature;
    request.headers = headers;
  }
  bytes = g_bytes_new(body, strlen(body));
  request.body = bytes;
  self->webhook = cord_http_start(self->worker, &request, &webhook_handlers, self);
}

/**
 * cord_phone_speak:
 * @self: a phone
 * @mulaw: what the caller says next, after what he is saying
 */
void
cord_phone_speak(CordPhone *self, GBytes *mulaw)
{
  if (g_bytes_get_size(mulaw) > 0)
    g_queue_push_tail(&self->speech, g_bytes_ref(mulaw));
}

/**
 * cord_phone_is_speaking:
 * @self: a phone
 *
 * Returns: whether the caller has more to say
 */
gboolean
cord_phone_is_speaking(CordPhone *self)
{
  return !g_queue_is_empty(&self->speech);
}

/**
 * cord_phone_press:
 * @self: a phone
 * @digit: a key
 *
 * Returns: whether there is such a key
 */
gboolean
cord_phone_press(CordPhone *self, gchar digit)
{
  g_autoptr(GString) text = g_string_new(NULL);

  if (digit == '\0' || !strchr("0123456789*#ABCD", digit))
    return FALSE;
  cord_phone_message_dtmf(text, ++self->sequence, self->stream_sid, digit);
  send_message(self, text);
  return TRUE;
}

/**
 * cord_phone_hang_up:
 * @self: a phone
 *
 * The caller hangs up.
 */
void
cord_phone_hang_up(CordPhone *self)
{
  g_autoptr(GString) text = g_string_new(NULL);

  if (self->websocket && !self->ended) {
    cord_phone_message_stop(text, ++self->sequence, self->account_sid, self->call_sid,
                            self->stream_sid);
    send_message(self, text);
    cord_websocket_close(self->websocket, CORD_WEBSOCKET_CLOSE_NORMAL, NULL);
  }
  end(self, NULL);
}

/**
 * cord_phone_get_call_sid:
 * @self: a phone
 *
 * Returns: (transfer none): the call's name
 */
const gchar *
cord_phone_get_call_sid(CordPhone *self)
{
  return self->call_sid;
}

/**
 * cord_phone_get_queued:
 * @self: a phone
 *
 * Returns: how much of the agent's audio waits to be played, bytes
 */
gsize
cord_phone_get_queued(CordPhone *self)
{
  return cord_phone_queue_get_length(self->queue);
}

/**
 * cord_phone_get_pending_marks:
 * @self: a phone
 *
 * Returns: how many marks were not echoed yet
 */
guint
cord_phone_get_pending_marks(CordPhone *self)
{
  return cord_phone_queue_count_marks(self->queue);
}
