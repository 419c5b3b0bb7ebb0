/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-service-socket.h"
#include "elevenlabs-message.h"
#include "elevenlabs-voice.h"

GST_DEBUG_CATEGORY_EXTERN(elevenlabstts_debug);
#define GST_CAT_DEFAULT elevenlabstts_debug

#define MAX_TRIES 2
#define MAX_MESSAGE (4 * 1024 * 1024) /* bytes */

/* Of the piece that is spoken. A turn has one context, in which its pieces follow each other; the
 * service marks the end of a context but not of a piece: that is where all its characters have
 * come. */
struct _ElevenlabsSocket {
  CordWorker *worker;
  const ElevenlabsSettings *settings;
  ElevenlabsTimes times;
  gboolean multi;
  const ElevenlabsFuncs *funcs;
  gpointer data;
  CordServiceSocket *service;

  gchar *context;        /* its name; also of the one context of a socket a turn */
  gboolean context_open; /* the service knows it */
  guint context_turn;
  guint n_contexts;

  guint piece; /* 0: none */
  guint turn;
  gchar *text;
  gsize from;          /* where in the text the service was last asked to begin */
  gsize said;          /* bytes of it that have come since */
  GstClockTime length; /* of the audio that has come */
  GArray *words;       /* CordTtsWord */
  gboolean any_audio;
  guint tries;
  CordTimer *timer;
};

static void send_piece(ElevenlabsSocket *self);

/* The piece */

static void
forget_piece(ElevenlabsSocket *self)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  g_clear_pointer(&self->text, g_free);
  self->piece = 0;
}

/* Takes the error. */
static void
finish(ElevenlabsSocket *self, GError *error)
{
  guint piece = self->piece;

  forget_piece(self);
  if (piece == 0)
    g_clear_error(&error);
  else
    self->funcs->done(piece, error, self->data);
}

static void
leave_context(ElevenlabsSocket *self)
{
  g_autofree gchar *message = NULL;

  if (self->context_open && self->multi) {
    message = elevenlabs_close_context(self->context);
    cord_service_socket_send(self->service, message);
  }
  self->context_open = FALSE;
}

static void
on_timer(gpointer data)
{
  ElevenlabsSocket *self = data;
  g_autoptr(GError) error = NULL;

  self->timer = NULL;
  if (self->any_audio) {
    /* what came is what there is: the rest would come too late to be one sentence */
    leave_context(self);
    finish(self, g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                             "ElevenLabs fell silent in the middle of a sentence"));
    return;
  }
  error = g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT, "ElevenLabs has given no audio within %u ms",
                      self->times.first_byte_ms);
  if (self->tries < MAX_TRIES) {
    /* the connection may be dead without a word */
    self->timer = cord_worker_add_timer(self->worker, self->times.first_byte_ms * GST_MSECOND,
                                        on_timer, self);
    self->tries++;
    self->context_open = FALSE;
    cord_service_socket_lose(self->service, g_steal_pointer(&error));
    return;
  }
  leave_context(self);
  self->funcs->state(CORD_SERVICE_LOST, FALSE, error, self->data);
  finish(self, g_steal_pointer(&error));
}

static void
set_timer(ElevenlabsSocket *self, guint ms)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  self->timer = cord_worker_add_timer(self->worker, ms * GST_MSECOND, on_timer, self);
}

static gboolean
open_context(ElevenlabsSocket *self)
{
  g_autofree gchar *message = NULL;

  if (self->context_open && self->context_turn == self->turn)
    return TRUE;
  leave_context(self);
  g_free(self->context);
  self->context = g_strdup_printf("t%u-%u", self->turn, ++self->n_contexts);
  self->context_turn = self->turn;
  message = elevenlabs_open_context(self->settings, self->multi ? self->context : NULL);
  self->context_open = cord_service_socket_send(self->service, message);
  return self->context_open;
}

static void
send_piece(ElevenlabsSocket *self)
{
  g_autofree gchar *text = g_strconcat(self->text + self->from, " ", NULL);
  g_autofree gchar *message = NULL;

  self->said = 0;
  if (!cord_service_socket_is_up(self->service) || !open_context(self))
    return;
  message = elevenlabs_send_text(text, self->multi ? self->context : NULL, TRUE);
  cord_service_socket_send(self->service, message);
}

/* Words end where a space follows, and at the end. */
static void
add_words(ElevenlabsSocket *self, const ElevenlabsMessage *message, GstClockTime offset)
{
  const gchar *rest = self->text + self->from;
  gsize length = strlen(rest);
  gsize skip = 0;

  while (self->said == 0 && message->text[skip] == ' ')
    skip++;
  for (gsize i = skip; message->text[i] && self->said < length; i++) {
    gboolean last;

    self->said++;
    last = self->said == length || rest[self->said] == ' ';
    if (last) {
      CordTtsWord word = { self->from + self->said, offset + message->ends[i] };

      g_array_append_val(self->words, word);
    }
  }
  self->funcs->words(self->piece, (const CordTtsWord *)self->words->data, self->words->len,
                     self->data);
}

static GstClockTime
duration_of(const ElevenlabsSettings *settings, gsize size)
{
  return gst_util_uint64_scale(size, GST_SECOND,
                               (guint64)settings->rate * (settings->mulaw ? 1 : 2));
}

static void
take_message(ElevenlabsSocket *self, const ElevenlabsMessage *message)
{
  GstClockTime offset = self->length;
  guint piece = self->piece;

  if (message->size > 0) {
    self->any_audio = TRUE;
    self->length += duration_of(self->settings, message->size);
    set_timer(self, self->times.idle_ms);
    self->funcs->audio(piece, message->audio, message->size, self->data);
  }
  /* what is told may have cancelled it */
  if (self->piece == piece && message->text)
    add_words(self, message, offset);
  if (self->piece != piece)
    return;
  if (message->final)
    self->context_open = FALSE;
  if (self->any_audio &&
      (message->final || message->flush_done || self->said >= strlen(self->text + self->from)))
    finish(self, NULL);
}

/* Errors that another connection would not change. */
static gboolean
is_permanent(const gchar *name)
{
  static const gchar *const names[] = { "invalid_api_key",   "quota_exceeded",
                                        "voice_not_found",   "needs_authorization",
                                        "model_not_found",   "detected_unusual_activity",
                                        "only_for_creator+", NULL };

  return g_strv_contains(names, name);
}

static void
take_error(ElevenlabsSocket *self, const ElevenlabsMessage *message)
{
  GError *error = g_error_new(
      CORD_ERROR, is_permanent(message->error) ? CORD_ERROR_NOT_AUTHORIZED : CORD_ERROR_NETWORK,
      "ElevenLabs: %s%s%s", message->error, message->description ? ": " : "",
      message->description ? message->description : "");

  self->context_open = FALSE;
  if (is_permanent(message->error))
    cord_service_socket_fail(self->service, error);
  else
    cord_service_socket_lose(self->service, error);
}

/* The service */

static void
on_message(const gchar *text, gsize length, gpointer data)
{
  ElevenlabsSocket *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(ElevenlabsMessage) message = elevenlabs_message_parse(text, length, &error);

  if (!message)
    GST_WARNING("a message that cannot be read: %s", error->message);
  else if (message->error)
    take_error(self, message);
  else if (self->piece == 0 || !self->context_open ||
           (self->multi && g_strcmp0(message->context, self->context) != 0))
    GST_LOG("audio that nobody waits for any more");
  else
    take_message(self, message);
}

/* Goes on behind the last whole word that was heard; without alignment nobody knows where that is.
 */
static gboolean
resume(ElevenlabsSocket *self)
{
  const CordTtsWord *last;

  if (!self->any_audio)
    return TRUE;
  if (self->words->len == 0)
    return FALSE;
  last = &g_array_index(self->words, CordTtsWord, self->words->len - 1);
  self->from = last->text_end;
  while (self->text[self->from] == ' ')
    self->from++;
  return self->text[self->from] != '\0';
}

static void
on_connected(gpointer data)
{
  ElevenlabsSocket *self = data;

  self->context_open = FALSE;
  self->funcs->state(CORD_SERVICE_UP, FALSE, NULL, self->data);
  if (self->piece == 0)
    return;
  if (resume(self))
    send_piece(self);
  else
    finish(self, NULL);
}

static void
on_lost(const GError *error, gpointer data)
{
  ElevenlabsSocket *self = data;

  self->context_open = FALSE;
  self->funcs->state(CORD_SERVICE_DOWN, FALSE, error, self->data);
}

static void
on_failed(const GError *error, gboolean permanent, gpointer data)
{
  ElevenlabsSocket *self = data;

  self->context_open = FALSE;
  self->funcs->state(CORD_SERVICE_FAILED, permanent, error, self->data);
  finish(self, g_error_copy(error));
}

static const CordServiceSocketFuncs service_funcs = {
  on_connected, on_message, on_lost, on_failed, NULL,
};

ElevenlabsSocket *
elevenlabs_socket_new(CordWorker *worker, const ElevenlabsSettings *settings,
                      const ElevenlabsTimes *times, gboolean multi, const ElevenlabsFuncs *funcs,
                      gpointer data)
{
  ElevenlabsSocket *self = g_new0(ElevenlabsSocket, 1);
  g_autofree gchar *url = elevenlabs_socket_url(settings, multi);
  const gchar *headers[] = { settings->api_key ? "xi-api-key" : NULL, settings->api_key, NULL };
  CordServiceSocketSettings service = {
    .name = "ElevenLabs",
    .url = url,
    .headers = headers,
    .connect_ms = times->connect_ms,
    .give_up_ms = times->give_up_ms,
    .max_message = MAX_MESSAGE,
  };

  self->worker = g_object_ref(worker);
  self->settings = settings;
  self->times = *times;
  self->multi = multi;
  self->funcs = funcs;
  self->data = data;
  self->words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));
  self->service = cord_service_socket_new(worker, &service, &service_funcs, self);
  return self;
}

void
elevenlabs_socket_free(ElevenlabsSocket *self)
{
  forget_piece(self);
  if (self->multi && cord_service_socket_is_up(self->service))
    cord_service_socket_send(self->service, "{\"close_socket\":true}");
  cord_service_socket_free(self->service);
  g_array_unref(self->words);
  g_free(self->context);
  g_object_unref(self->worker);
  g_free(self);
}

void
elevenlabs_socket_speak(ElevenlabsSocket *self, guint piece, guint turn, const gchar *text)
{
  self->piece = piece;
  self->turn = turn;
  self->text = g_strdup(text);
  self->from = self->said = 0;
  self->length = 0;
  self->any_audio = FALSE;
  self->tries = 1;
  g_array_set_size(self->words, 0);
  set_timer(self, self->times.first_byte_ms);
  send_piece(self);
}

/* What is on its way is of no use any more. */
void
elevenlabs_socket_cancel(ElevenlabsSocket *self)
{
  forget_piece(self);
  if (self->context_open && !self->multi)
    cord_service_socket_lose(
        self->service, g_error_new(CORD_ERROR, CORD_ERROR_CLOSED, "the turn was interrupted"));
  leave_context(self);
}

void
elevenlabs_socket_turn_done(ElevenlabsSocket *self)
{
  g_autofree gchar *message = NULL;

  if (self->context_open && !self->multi) {
    message = elevenlabs_close_context(NULL);
    cord_service_socket_send(self->service, message);
  }
  leave_context(self);
}
