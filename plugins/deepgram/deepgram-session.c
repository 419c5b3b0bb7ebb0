/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deepgram-session.h"

#include "cord-error.h"
#include "cord-service-link.h"
#include "cord-websocket-client.h"
#include "deepgram-track.h"

GST_DEBUG_CATEGORY_EXTERN(deepgramstt_debug);
#define GST_CAT_DEFAULT deepgramstt_debug

#define KEEP_AUDIO 15000          /* ms that are sent again after an outage */
#define FLUX_SILENCE 80           /* ms; Flux knows no KeepAlive */
#define FIRST_SILENCE 20          /* ms: without any audio no KeepAlive counts */
#define MAX_MESSAGE (1024 * 1024) /* bytes */
#define MAX_QUEUED (256 * 1024)   /* bytes: half a minute of mu-law */
#define WRITE_STALL (5 * GST_SECOND)
#define PAYMENT_REQUIRED 402 /* HTTP */

struct _DeepgramSession {
  CordWorker *worker;
  DeepgramSettings settings;
  const DeepgramSessionFuncs *funcs;
  gpointer data;

  CordServiceLink *link;
  DeepgramTrack *track;
  GCancellable *dialling;
  CordWebsocket *websocket;
  gboolean failed;
  gboolean finishing; /* CloseStream was sent */
  gboolean permanent; /* what it failed of */

  guint answer_ms;  /* how soon audio ought to be answered, 0: nobody knows */
  CordTimer *stall; /* runs from the first audio after the last answer */
};

void
deepgram_settings_clear(DeepgramSettings *self)
{
  g_clear_pointer(&self->url, g_free);
  g_clear_pointer(&self->api_key, g_free);
}

static void
hang_up(DeepgramSession *self)
{
  g_clear_pointer(&self->stall, cord_timer_remove);
  if (self->websocket == NULL)
    return;
  cord_websocket_set_handlers(self->websocket, NULL, NULL);
  cord_websocket_close(self->websocket, 1000, NULL);
  g_clear_object(&self->websocket);
}

/* The connection is no good any more; takes the error. */
static void
lose(DeepgramSession *self, GError *error)
{
  hang_up(self);
  if (!self->finishing) {
    cord_service_link_down(self->link, error);
    return;
  }
  g_error_free(error);
  self->funcs->closed(self->data);
}

/* An error in the service's words, which may repeat what we have sent. */
static GError *
quote(DeepgramSession *self, CordError code, const gchar *said)
{
  g_autoptr(GString) text = g_string_new(said);

  if (self->settings.api_key && *self->settings.api_key)
    g_string_replace(text, self->settings.api_key, "(...)", 0);
  return g_error_new(CORD_ERROR, code, "Deepgram: %s", text->str);
}

/* Stalls */

static void
on_stall(gpointer data)
{
  DeepgramSession *self = data;

  self->stall = NULL;
  lose(self, g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                         "Deepgram takes audio and has said nothing for %u ms", self->answer_ms));
}

static void
await_answer(DeepgramSession *self)
{
  if (self->stall == NULL && self->answer_ms > 0)
    self->stall =
        cord_worker_add_timer(self->worker, self->answer_ms * GST_MSECOND, on_stall, self);
}

static void
take_answer(DeepgramSession *self)
{
  g_clear_pointer(&self->stall, cord_timer_remove);
}

/* Sending */

static gboolean
send_text(DeepgramSession *self, const gchar *text)
{
  g_autoptr(GError) error = NULL;

  if (self->websocket && cord_websocket_send_text(self->websocket, text, -1, &error))
    return TRUE;
  if (self->websocket)
    lose(self, g_steal_pointer(&error));
  return FALSE;
}

static gboolean
on_track_audio(gconstpointer bytes, gsize size, gpointer data)
{
  DeepgramSession *self = data;
  g_autoptr(GError) error = NULL;

  if (cord_websocket_send_binary(self->websocket, bytes, size, &error)) {
    cord_service_link_used(self->link);
    await_answer(self);
    return TRUE;
  }
  lose(self, g_steal_pointer(&error));
  return FALSE;
}

static gboolean
on_track_mark(guint utterance, gpointer data)
{
  DeepgramSession *self = data;

  if (!send_text(self, "{\"type\":\"Finalize\"}"))
    return FALSE;
  self->funcs->finalized(utterance, self->data);
  return TRUE;
}

static void
send_track(DeepgramSession *self)
{
  static const DeepgramTrackFuncs funcs = { on_track_audio, on_track_mark };
  g_autoptr(CordWebsocket) websocket = NULL;

  if (self->websocket == NULL || self->finishing)
    return;
  websocket = g_object_ref(self->websocket);
  cord_websocket_cork(websocket);
  deepgram_track_send(self->track, &funcs, self);
  cord_websocket_uncork(websocket);
}

/* The connection */

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  DeepgramSession *self = user_data;
  g_autoptr(DeepgramMessage) message = NULL;
  g_autoptr(GError) error = NULL;

  take_answer(self);
  if (type != CORD_WEBSOCKET_TEXT)
    return;
  message = deepgram_message_parse((const gchar *)data, length, &error);
  if (message == NULL) {
    GST_WARNING("a message that cannot be read: %s", error->message);
    return;
  }
  if (message->kind == DEEPGRAM_ERROR)
    lose(self, quote(self, CORD_ERROR_NETWORK, message->description));
  else if (message->kind == DEEPGRAM_METADATA && self->finishing)
    self->funcs->closed(self->data); /* nothing follows it */
  else
    self->funcs->message(message, self->data);
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  DeepgramSession *self = user_data;
  g_autofree gchar *said = NULL;

  take_answer(self);
  g_clear_object(&self->websocket);
  if (self->finishing) {
    self->funcs->closed(self->data);
    return;
  }
  if (error == NULL)
    said = g_strdup_printf("the connection was closed (%u%s%s)", code, reason && *reason ? " " : "",
                           reason ? reason : "");
  cord_service_link_down(self->link,
                         error ? g_error_copy(error) : quote(self, CORD_ERROR_CLOSED, said));
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  static const CordWebsocketHandlers handlers = { .message = on_message, .closed = on_closed };
  DeepgramSession *self = data;
  g_autoptr(GError) error = NULL;
  CordWebsocket *websocket = cord_websocket_connect_finish(result, &error);

  /* after a cancellation there may be no session */
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object(&self->dialling);
  if (websocket == NULL) {
    self->permanent = cord_websocket_connect_get_status(result) == PAYMENT_REQUIRED;
    if (self->permanent)
      cord_service_link_fail(self->link, g_steal_pointer(&error));
    else
      cord_service_link_down_for(self->link, g_steal_pointer(&error),
                                 cord_websocket_connect_get_retry_after(result));
    return;
  }
  self->websocket = websocket;
  cord_websocket_set_handlers(websocket, &handlers, self);
  cord_websocket_set_max_message(websocket, MAX_MESSAGE);
  cord_websocket_set_max_queued(websocket, MAX_QUEUED);
  cord_websocket_set_stall_timeout(websocket, WRITE_STALL);
  cord_websocket_start(websocket);
  cord_service_link_up(self->link);
}

/* The link */

static void
link_connect(gpointer data)
{
  DeepgramSession *self = data;
  g_autofree gchar *authorization =
      self->settings.api_key ? g_strdup_printf("Token %s", self->settings.api_key) : NULL;
  const gchar *headers[] = { authorization ? "Authorization" : NULL, authorization, NULL };
  CordWebsocketRequest request = {
    .url = self->settings.url,
    .headers = headers,
    .timeout = self->settings.connect_ms * GST_MSECOND,
  };

  self->dialling = g_cancellable_new();
  cord_websocket_connect_async(self->worker, &request, self->dialling, on_connected, self);
}

static void
link_disconnect(gpointer data)
{
  DeepgramSession *self = data;

  if (self->dialling) {
    g_cancellable_cancel(self->dialling);
    g_clear_object(&self->dialling);
  }
  hang_up(self);
}

static void
link_up(gpointer data)
{
  DeepgramSession *self = data;

  deepgram_track_rewind(self->track);
  take_answer(self);
  self->funcs->connected(self->data);
  send_track(self);
  self->funcs->state(CORD_SERVICE_UP, FALSE, NULL, self->data);
}

static void
link_down(const GError *error, gpointer data)
{
  DeepgramSession *self = data;

  self->funcs->state(CORD_SERVICE_DOWN, FALSE, error, self->data);
}

static void
link_failed(const GError *error, gpointer data)
{
  DeepgramSession *self = data;

  self->failed = TRUE;
  self->funcs->state(CORD_SERVICE_FAILED,
                     self->permanent ||
                         g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED) ||
                         g_error_matches(error, CORD_ERROR, CORD_ERROR_INVALID) ||
                         g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_FOUND),
                     error, self->data);
}

static void
link_keep_alive(gpointer data)
{
  DeepgramSession *self = data;

  if (self->finishing)
    return;
  if (self->settings.flux) {
    deepgram_track_add_silence(self->track, FLUX_SILENCE);
    send_track(self);
    return;
  }
  if (!deepgram_track_was_sent(self->track)) {
    deepgram_track_add_silence(self->track, MAX(FIRST_SILENCE, self->settings.chunk_ms));
    send_track(self);
  }
  send_text(self, "{\"type\":\"KeepAlive\"}");
}

static const CordServiceLinkHandlers link_handlers = {
  link_connect, link_disconnect, link_up, link_down, link_failed, link_keep_alive,
};

/**
 * deepgram_session_new:
 * @worker: where it lives
 * @settings: whom to talk to, and how; taken, and left empty
 * @funcs: whom to tell; not from inside this call
 * @data: for @funcs
 *
 * Returns: (transfer full): a session that is being connected
 */
DeepgramSession *
deepgram_session_new(CordWorker *worker, DeepgramSettings *settings,
                     const DeepgramSessionFuncs *funcs, gpointer data)
{
  DeepgramSession *self = g_new0(DeepgramSession, 1);
  CordServiceLinkTimes times = {
    .connect_ms = settings->connect_ms,
    .give_up_ms = settings->give_up_ms,
    .keep_alive_ms = settings->keep_alive_ms,
  };

  self->worker = g_object_ref(worker);
  self->settings = *settings;
  *settings = (DeepgramSettings){ NULL };
  self->funcs = funcs;
  self->data = data;
  self->track = deepgram_track_new(&self->settings.format, self->settings.chunk_ms, KEEP_AUDIO);
  self->link = cord_service_link_new(worker, &times, &link_handlers, self);
  cord_service_link_start(self->link);
  return self;
}

/**
 * deepgram_session_free:
 * @self: (transfer full): a session
 *
 * Says good-bye to the service and does not wait for its answer.
 */
void
deepgram_session_free(DeepgramSession *self)
{
  if (self->websocket && !self->finishing)
    cord_websocket_send_text(self->websocket, "{\"type\":\"CloseStream\"}", -1, NULL);
  g_clear_pointer(&self->stall, cord_timer_remove);
  hang_up(self);
  cord_service_link_free(self->link);
  deepgram_track_free(self->track);
  deepgram_settings_clear(&self->settings);
  g_object_unref(self->worker);
  g_free(self);
}

/**
 * deepgram_session_send_audio:
 * @self: a session
 * @audio: what was spoken next, its running time as PTS
 */
void
deepgram_session_send_audio(DeepgramSession *self, GstBuffer *audio)
{
  if (self->failed)
    return;
  deepgram_track_add(self->track, audio);
  send_track(self);
}

/**
 * deepgram_session_finalize:
 * @self: a session
 * @utterance: a number for `finalized`
 *
 * Asks for the final result of all audio so far.
 */
void
deepgram_session_finalize(DeepgramSession *self, guint utterance)
{
  deepgram_track_add_mark(self->track, utterance);
  send_track(self);
}

/**
 * deepgram_session_forget:
 * @self: a session
 * @utterance: one that has its result, or needs none
 */
void
deepgram_session_forget(DeepgramSession *self, guint utterance)
{
  deepgram_track_drop_mark(self->track, utterance);
}

/**
 * deepgram_session_finish:
 * @self: a session
 *
 * There is no more audio: what the service has still to say is said, then `closed` is told.
 */
void
deepgram_session_finish(DeepgramSession *self)
{
  if (self->finishing)
    return;
  /* what is less than a message goes too */
  deepgram_track_add_silence(self->track, self->settings.chunk_ms);
  send_track(self);
  self->finishing = self->websocket && send_text(self, "{\"type\":\"CloseStream\"}");
}

/**
 * deepgram_session_expect:
 * @self: a session
 * @within_ms: how soon the service ought to say something when it gets audio, 0 if it need not
 */
void
deepgram_session_expect(DeepgramSession *self, guint within_ms)
{
  if (self->answer_ms == within_ms)
    return;
  self->answer_ms = within_ms;
  take_answer(self);
}

/**
 * deepgram_session_settle:
 * @self: a session
 * @time: of the service
 *
 * What was said until then is known, and will not be sent again.
 */
void
deepgram_session_settle(DeepgramSession *self, GstClockTime time)
{
  deepgram_track_settle(self->track, time);
}

/**
 * deepgram_session_trim:
 * @self: a session
 * @keep_ms: of audio
 *
 * Nobody speaks: of what was sent so far no more than that is of interest.
 */
void
deepgram_session_trim(DeepgramSession *self, guint keep_ms)
{
  deepgram_track_trim(self->track, keep_ms);
}

/**
 * deepgram_session_to_running:
 * @self: a session
 * @time: of the service
 *
 * Returns: when that was spoken, running time
 */
GstClockTime
deepgram_session_to_running(DeepgramSession *self, GstClockTime time)
{
  return deepgram_track_to_running(self->track, time);
}

/**
 * deepgram_session_get_position:
 * @self: a session
 *
 * Returns: the running time at which its audio ends
 */
GstClockTime
deepgram_session_get_position(DeepgramSession *self)
{
  return deepgram_track_get_position(self->track);
}
