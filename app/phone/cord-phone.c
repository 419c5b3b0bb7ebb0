/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone.h"

#include <string.h>

#include "cord-error.h"
#include "cord-phone-message.h"
#include "cord-phone-post.h"
#include "cord-phone-queue.h"
#include "cord-phone-speech.h"
#include "cord-phone-wire.h"
#include "cord-websocket-client.h"

/* A telephone behind Twilio, for those who have neither: it posts the webhook, reads the TwiML,
 * opens the stream, and then speaks and listens in real time. A thousand run in one process. */

#define CATCH_UP 5 /* frames sent at most in one go after a stall */
#define HANDSHAKE_TIMEOUT (15 * GST_SECOND)
#define MAX_REDIRECTS 10 /* Twilio's own */

struct _CordPhone {
  CordWorker *worker;
  CordPhoneHandlers handlers;
  gpointer data;
  gchar *url, *from, *to, *auth_token, *account_sid, *call_sid, *stream_sid;

  gchar *status_url, *twiml;
  gboolean outbound, browser;
  GStrv fields; /* names and values by turns, or NULL */
  CordPhonePost *webhook;
  GPtrArray *verbs; /* CordTwimlVerb */
  guint next_verb;
  guint redirects;
  GError *error; /* how it ended, while the status callback is on its way */
  GCancellable *connecting;
  GHashTable *parameters;
  CordWebsocket *websocket;
  CordTimer *next_frame;
  GstClockTime phase;
  CordPhoneMessage message;
  CordPhoneWire *wire;
  CordPhoneWireNames names;
  gchar *api_key;
  CordPhoneQueue *queue;
  CordPhoneSpeech speech;
  GstClockTime started;
  guint64 frames;
  gboolean warned;     /* of a message that makes no sense; Twilio does it once as well */
  gboolean hanging_up; /* the caller has, the stream is being closed */
  gboolean ended;
};

static void
finish(CordPhone *self)
{
  self->handlers.ended(self, self->error, self->data);
}

static void
on_status(GBytes *answer, const GError *error, gpointer data)
{
  CordPhone *self = data;

  self->webhook = NULL;
  if (error && self->error == NULL)
    self->error = g_error_copy(error);
  finish(self);
}

static CordPhoneForm *
new_form(CordPhone *self, const gchar *status)
{
  CordPhoneForm *form = cord_phone_form_new();

  cord_phone_form_add(form, "CallSid", self->call_sid);
  cord_phone_form_add(form, "AccountSid", self->account_sid);
  cord_phone_form_add(form, "From", self->from);
  cord_phone_form_add(form, "Caller", self->from);
  cord_phone_form_add(form, "To", self->to);
  cord_phone_form_add(form, "Called", self->to);
  cord_phone_form_add(form, "CallStatus", status);
  cord_phone_form_add(form, "Direction", self->outbound ? "outbound-api" : "inbound");
  cord_phone_form_add(form, "ApiVersion", "2010-04-01");
  for (guint i = 0; self->fields && self->fields[i] && self->fields[i + 1]; i += 2)
    cord_phone_form_add(form, self->fields[i], self->fields[i + 1]);
  return form;
}

/* What Twilio posts when a call is over. */
static void
post_status(CordPhone *self)
{
  g_autoptr(CordPhoneForm) form = new_form(self, "completed");
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree gchar *timestamp = g_date_time_format(now, "%a, %d %b %Y %H:%M:%S +0000");
  guint64 seconds = self->frames / 50;
  g_autofree gchar *duration = g_strdup_printf("%" G_GUINT64_FORMAT, seconds);
  g_autofree gchar *minutes = g_strdup_printf("%" G_GUINT64_FORMAT, seconds / 60 + 1);

  cord_phone_form_add(form, "CallDuration", duration);
  cord_phone_form_add(form, "Duration", minutes);
  cord_phone_form_add(form, "Timestamp", timestamp);
  cord_phone_form_add(form, "CallbackSource", "call-progress-events");
  cord_phone_form_add(form, "SequenceNumber", "0");
  self->webhook =
      cord_phone_post(self->worker, self->status_url, form, self->auth_token, on_status, self);
}

static void
release(CordPhone *self)
{
  g_clear_pointer(&self->next_frame, cord_timer_remove);
  g_clear_pointer(&self->webhook, cord_phone_post_cancel);
  g_cancellable_cancel(self->connecting);
  if (self->websocket)
    cord_websocket_set_handlers(self->websocket, NULL, NULL);
}

static void
end(CordPhone *self, const GError *error)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  self->error = error ? g_error_copy(error) : NULL;
  release(self);
  if (self->status_url && self->started > 0)
    post_status(self);
  else
    finish(self);
}

static void
fail(CordPhone *self, CordError code, const gchar *message)
{
  g_autoptr(GError) error = g_error_new_literal(CORD_ERROR, code, message);

  end(self, error);
}

static gboolean
can_send(CordPhone *self)
{
  return !self->ended && !self->hanging_up && self->websocket;
}

static void
on_mark(const gchar *name, gpointer data)
{
  CordPhone *self = data;
  g_autoptr(GError) error = NULL;

  if (can_send(self) && !cord_phone_wire_echo(self->wire, name, &error))
    end(self, error);
}

/* The stream */

static void
pass_frame(CordPhone *self)
{
  guint8 sent[CORD_PHONE_FRAME], heard[CORD_PHONE_FRAME];
  g_autoptr(GError) error = NULL;
  gsize heard_length;

  cord_phone_speech_take(&self->speech, sent, sizeof sent);
  self->frames++;
  if (can_send(self) && !cord_phone_wire_speak(self->wire, sent, sizeof sent, &error))
    end(self, error);
  if (self->ended)
    return;
  heard_length = cord_phone_queue_play(self->queue, heard, sizeof heard);
  if (!self->ended && self->handlers.frame)
    self->handlers.frame(self, sent, heard, heard_length, self->data);
}

static void
on_next_frame(gpointer data)
{
  CordPhone *self = data;
  GstClockTime since = cord_worker_get_time(self->worker) - self->started;

  /* not the worker's tick: carriers' streams are not in step with each other */
  self->next_frame =
      cord_worker_add_timer(self->worker, CORD_TICK_NS - since % CORD_TICK_NS, on_next_frame, self);
  for (guint i = 0; i < CATCH_UP && self->frames < since / CORD_TICK_NS && !self->ended; i++)
    pass_frame(self);
}

static void
warn(CordPhone *self, const gchar *what)
{
  if (!self->warned)
    g_message("A message of the server is ignored: %s", what);
  self->warned = TRUE;
}

static void
handle_message(CordPhone *self)
{
  CordPhoneMessage *message = &self->message;
  gsize cleared;

  switch (message->type) {
  case CORD_PHONE_MESSAGE_MEDIA:
    if (!cord_phone_queue_push(self->queue, message->audio->data, message->audio->len))
      warn(self, "ten minutes of audio are waiting already");
    else if (self->handlers.arrived)
      self->handlers.arrived(self, message->audio->data, message->audio->len, self->data);
    break;
  case CORD_PHONE_MESSAGE_MARK:
    cord_phone_queue_mark(self->queue, message->mark);
    break;
  case CORD_PHONE_MESSAGE_CLEAR:
    cleared = cord_phone_queue_clear(self->queue);
    if (self->handlers.cleared)
      self->handlers.cleared(self, cleared, self->data);
    break;
  case CORD_PHONE_MESSAGE_TOLD:
    if (self->handlers.told)
      self->handlers.told(self, message->told, self->data);
    break;
  }
}

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  CordPhone *self = user_data;
  g_autoptr(GError) error = NULL;

  if (self->hanging_up && !self->browser)
    return;
  if (cord_phone_wire_read(self->wire, type, data, length, &self->message, &error))
    handle_message(self);
  else
    warn(self, error->message);
}

static void go_on(CordPhone *self);

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  CordPhone *self = user_data;
  const gchar *why = reason ? reason : error ? error->message : "";
  g_autofree gchar *message = NULL;

  if (self->hanging_up) {
    end(self, NULL);
    return;
  }
  if (code == CORD_WEBSOCKET_CLOSE_NORMAL || code == CORD_WEBSOCKET_CLOSE_NO_STATUS ||
      code == CORD_WEBSOCKET_CLOSE_GOING_AWAY) {
    g_clear_pointer(&self->next_frame, cord_timer_remove);
    go_on(self);
    return;
  }
  message = g_strdup_printf("the stream was closed with %u%s%s", code, *why ? ": " : "", why);
  fail(self, CORD_ERROR_CLOSED, message);
}

static const CordWebsocketHandlers stream_handlers = { .message = on_message, .closed = on_closed };

static void
start_stream(CordPhone *self)
{
  GstClockTime wait = CORD_TICK_NS;
  g_autoptr(GError) error = NULL;

  cord_websocket_set_handlers(self->websocket, &stream_handlers, self);
  cord_websocket_start(self->websocket);
  self->names =
      (CordPhoneWireNames){ self->account_sid, self->call_sid, self->stream_sid, self->parameters };
  if (!cord_phone_wire_begin(self->wire, self->websocket, &self->names, &error))
    end(self, error);
  if (self->ended)
    return;
  self->started = cord_worker_get_time(self->worker);
  if (self->phase > 0)
    wait += (CORD_TICK_NS + self->phase - self->started % CORD_TICK_NS) % CORD_TICK_NS;
  self->started += wait - CORD_TICK_NS;
  self->next_frame = cord_worker_add_timer(self->worker, wait, on_next_frame, self);
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
open_stream(CordPhone *self, const gchar *url, GHashTable *parameters)
{
  g_autofree gchar *signature =
      self->auth_token ? cord_phone_sign_url(url, self->auth_token) : NULL;
  const gchar *headers[] = { self->api_key ? "Authorization" : "x-twilio-signature",
                             self->api_key ? self->api_key : signature, NULL };
  CordWebsocketRequest request = { .url = url, .timeout = HANDSHAKE_TIMEOUT };

  if (headers[1])
    request.headers = headers;
  self->parameters = parameters ? g_hash_table_ref(parameters) : NULL;
  cord_websocket_connect_async(self->worker, &request, self->connecting, on_connected, self);
}

/* The webhook and what it answers */

static void post_webhook(CordPhone *self, const gchar *url);

static void
redirect(CordPhone *self, const CordTwimlVerb *verb)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *url =
      g_uri_resolve_relative(self->url, verb->text->str, G_URI_FLAGS_ENCODED, &error);

  if (url == NULL)
    end(self, error);
  else if (++self->redirects > MAX_REDIRECTS)
    fail(self, CORD_ERROR_PROTOCOL, "the TwiML redirects for ever");
  else
    post_webhook(self, url);
}

/* Follows the TwiML from where it has come to, until something takes time. */
static void
go_on(CordPhone *self)
{
  while (self->verbs && self->next_verb < self->verbs->len) {
    const CordTwimlVerb *verb = self->verbs->pdata[self->next_verb++];

    if (g_str_equal(verb->name, "Connect") && verb->stream_url && self->websocket == NULL) {
      open_stream(self, verb->stream_url, verb->parameters);
      return;
    }
    if (self->handlers.verb)
      self->handlers.verb(self, verb, self->data);
    if (g_str_equal(verb->name, "Redirect")) {
      redirect(self, verb);
      return;
    }
    if (g_str_equal(verb->name, "Reject") || g_str_equal(verb->name, "Hangup"))
      break;
  }
  if (self->started > 0)
    end(self, NULL);
  else
    fail(self, CORD_ERROR_CLOSED, "the TwiML connects the call to no stream");
}

static void
follow(CordPhone *self, const gchar *twiml, gsize length)
{
  g_autoptr(GError) error = NULL;

  g_clear_pointer(&self->verbs, g_ptr_array_unref);
  self->next_verb = 0;
  self->verbs = cord_twiml_parse(twiml, length, &error);
  if (self->verbs)
    go_on(self);
  else
    end(self, error);
}

static void
on_twiml(GBytes *answer, const GError *error, gpointer data)
{
  CordPhone *self = data;
  gsize length;
  const gchar *text = g_bytes_get_data(answer, &length);

  self->webhook = NULL;
  if (error)
    end(self, error);
  else
    follow(self, text, length);
}

static void
post_webhook(CordPhone *self, const gchar *url)
{
  g_autoptr(CordPhoneForm) form =
      new_form(self, self->started > 0 || self->outbound ? "in-progress" : "ringing");

  self->webhook = cord_phone_post(self->worker, url, form, self->auth_token, on_twiml, self);
}

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
  self->status_url = g_strdup(call->status_url);
  self->from = g_strdup(call->from);
  self->to = g_strdup(call->to);
  self->auth_token = g_strdup(call->auth_token);
  self->account_sid = call->account_sid ? g_strdup(call->account_sid) : cord_phone_new_sid("AC");
  self->twiml = g_strdup(call->twiml);
  self->outbound = call->outbound;
  self->fields = g_strdupv((GStrv)call->fields);
  self->phase = call->phase % CORD_TICK_NS;
  self->call_sid = call->call_sid ? g_strdup(call->call_sid) : cord_phone_new_sid("CA");
  self->stream_sid = cord_phone_new_sid("MZ");
  self->connecting = g_cancellable_new();
  self->browser = call->browser;
  self->wire = cord_phone_wire_new(
      call->browser ? CORD_PHONE_WIRE_BROWSER : CORD_PHONE_WIRE_CARRIER, call->jitter_ms);
  self->api_key = call->api_key ? g_strconcat("Bearer ", call->api_key, NULL) : NULL;
  self->queue = cord_phone_queue_new(on_mark, self);
  cord_phone_message_init(&self->message);
  cord_phone_speech_init(&self->speech);
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
  release(self);
  g_clear_object(&self->websocket);
  g_object_unref(self->connecting);
  g_clear_pointer(&self->parameters, g_hash_table_unref);
  cord_phone_speech_clear(&self->speech);
  cord_phone_queue_free(self->queue);
  cord_phone_message_clear(&self->message);
  cord_phone_wire_free(self->wire);
  g_clear_pointer(&self->verbs, g_ptr_array_unref);
  g_clear_error(&self->error);
  g_free(self->api_key);
  g_free(self->url);
  g_free(self->status_url);
  g_free(self->twiml);
  g_strfreev(self->fields);
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
 * Calls: posts the webhook, as Twilio does when a phone rings, or opens the stream at once when the
 * URL is that of a stream.
 */
void
cord_phone_dial(CordPhone *self)
{
  if (self->twiml)
    follow(self, self->twiml, strlen(self->twiml));
  else if (g_str_has_prefix(self->url, "ws://") || g_str_has_prefix(self->url, "wss://"))
    open_stream(self, self->url, NULL);
  else
    post_webhook(self, self->url);
}

/**
 * cord_phone_speak:
 * @self: a phone
 * @mulaw: what the caller says next, after what he is saying
 */
void
cord_phone_speak(CordPhone *self, GBytes *mulaw)
{
  cord_phone_speech_add(&self->speech, mulaw);
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
  return !cord_phone_speech_is_empty(&self->speech);
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
  g_autoptr(GError) error = NULL;

  if (digit == '\0' || !strchr("0123456789*#ABCD", digit))
    return FALSE;
  if (can_send(self) && !cord_phone_wire_press(self->wire, digit, &error))
    end(self, error);
  return TRUE;
}

/**
 * cord_phone_hang_up:
 * @self: a phone
 *
 * The caller hangs up. The call has ended when the stream is closed.
 */
void
cord_phone_hang_up(CordPhone *self)
{
  g_autoptr(GError) error = NULL;

  if (self->ended || self->hanging_up)
    return;
  if (self->websocket == NULL || !cord_websocket_is_open(self->websocket)) {
    end(self, NULL);
    return;
  }
  g_clear_pointer(&self->next_frame, cord_timer_remove);
  if (!cord_phone_wire_end(self->wire, &error))
    end(self, error);
  self->hanging_up = TRUE;
  /* a page waits to be told that it is over */
  if (!self->ended && !self->browser)
    cord_websocket_close(self->websocket, CORD_WEBSOCKET_CLOSE_NORMAL, NULL);
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
