/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cartesia-socket.h"

#include <string.h>

#include "cartesia-message.h"
#include "cord-error.h"
#include "cord-service-socket.h"

GST_DEBUG_CATEGORY_EXTERN(cartesiatts_debug);
#define GST_CAT_DEFAULT cartesiatts_debug

#define MAX_TRIES 2
#define MAX_MESSAGE (4 * 1024 * 1024) /* bytes */
#define KEEP_ALIVE 120000             /* ms; the service closes after five minutes of silence */

/* A turn has one context, in which its pieces follow each other; a flush behind each tells when it
 * has been spoken. */
struct _CartesiaSocket {
  CordWorker *worker;
  const CartesiaSettings *settings;
  CartesiaTimes times;
  const CartesiaFuncs *funcs;
  gpointer data;
  CordServiceSocket *service;

  gchar *context;
  gboolean context_open;
  guint context_turn;
  guint n_contexts;
  GstClockTime context_length; /* of its audio so far */

  guint piece; /* 0: none */
  guint turn;
  gchar *text;
  gsize from;          /* where in the text the service was last asked to begin */
  gsize matched;       /* how far in the text its words were found */
  GstClockTime base;   /* where in the context the piece begins */
  GstClockTime length; /* of its audio before that */
  GArray *words;       /* CordTtsWord */
  gboolean any_audio;
  guint tries;
  CordTimer *timer;
};

/* The piece */

static void
forget_piece(CartesiaSocket *self)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  g_clear_pointer(&self->text, g_free);
  self->piece = 0;
}

/* Takes the error. */
static void
finish(CartesiaSocket *self, GError *error)
{
  guint piece = self->piece;

  forget_piece(self);
  if (piece == 0)
    g_clear_error(&error);
  else
    self->funcs->done(piece, error, self->data);
}

static void
leave_context(CartesiaSocket *self, gboolean cancel)
{
  g_autofree gchar *message = NULL;

  if (self->context_open) {
    message = cancel ? cartesia_cancel(self->context)
                     : cartesia_say(self->settings, self->context, "", FALSE, FALSE);
    cord_service_socket_send(self->service, message);
  }
  self->context_open = FALSE;
}

static void
on_timer(gpointer data)
{
  CartesiaSocket *self = data;
  g_autoptr(GError) error = NULL;

  self->timer = NULL;
  if (self->any_audio) {
    leave_context(self, TRUE);
    finish(self, g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                             "Cartesia fell silent in the middle of a sentence"));
    return;
  }
  error = g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT, "Cartesia has given no audio within %u ms",
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
  leave_context(self, TRUE);
  self->funcs->state(CORD_SERVICE_LOST, FALSE, error, self->data);
  finish(self, g_steal_pointer(&error));
}

static void
set_timer(CartesiaSocket *self, guint ms)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  self->timer = cord_worker_add_timer(self->worker, ms * GST_MSECOND, on_timer, self);
}

static void
open_context(CartesiaSocket *self)
{
  if (self->context_open && self->context_turn == self->turn)
    return;
  leave_context(self, FALSE);
  g_free(self->context);
  self->context = g_strdup_printf("t%u-%u", self->turn, ++self->n_contexts);
  self->context_turn = self->turn;
  self->context_length = 0;
  self->context_open = TRUE;
}

static void
send_piece(CartesiaSocket *self)
{
  g_autofree gchar *text = g_strconcat(self->text + self->from, " ", NULL);
  g_autofree gchar *say = NULL, *flush = NULL;

  self->matched = self->from;
  if (!cord_service_socket_is_up(self->service))
    return;
  open_context(self);
  self->base = self->context_length;
  say = cartesia_say(self->settings, self->context, text, TRUE, FALSE);
  flush = cartesia_say(self->settings, self->context, "", TRUE, TRUE);
  if (cord_service_socket_send(self->service, say))
    cord_service_socket_send(self->service, flush);
}

/* The service's words are those of the text, perhaps without its punctuation. */
static void
add_words(CartesiaSocket *self, const CartesiaMessage *message)
{
  for (guint i = 0; i < message->n_words; i++) {
    const gchar *found = strstr(self->text + self->matched, message->words[i]);
    CordTtsWord word;

    /* a context that has expired begins anew */
    if (message->ends[i] < self->base)
      self->base = 0;
    if (!found || *message->words[i] == '\0')
      continue;
    word.text_end = (gsize)(found - self->text) + strlen(message->words[i]);
    /* its punctuation belongs to it */
    while (self->text[word.text_end] && self->text[word.text_end] != ' ')
      word.text_end++;
    word.audio_end = self->length + message->ends[i] - self->base;
    self->matched = word.text_end;
    g_array_append_val(self->words, word);
  }
  self->funcs->words(self->piece, (const CordTtsWord *)self->words->data, self->words->len,
                     self->data);
}

static void
take_audio(CartesiaSocket *self, const CartesiaMessage *message)
{
  const CartesiaSettings *settings = self->settings;

  if (message->size == 0)
    return;
  self->any_audio = TRUE;
  self->context_length += gst_util_uint64_scale(
      message->size, GST_SECOND, (guint64)settings->rate * (settings->mulaw ? 1 : 2));
  set_timer(self, self->times.idle_ms);
  self->funcs->audio(self->piece, message->audio, message->size, self->data);
}

/* 4xx but a rate limit will be the same on another connection. */
static gboolean
is_permanent(guint status)
{
  return status == 401 || status == 402 || status == 403 || status == 404;
}

static void
take_error(CartesiaSocket *self, const CartesiaMessage *message)
{
  GError *error = g_error_new(
      CORD_ERROR, is_permanent(message->status) ? CORD_ERROR_NOT_AUTHORIZED : CORD_ERROR_NETWORK,
      "Cartesia: %s", message->description);

  self->context_open = FALSE;
  if (is_permanent(message->status)) {
    cord_service_socket_fail(self->service, error);
  } else if (message->status == 400 && message->context) {
    /* of this text alone */
    if (self->piece && g_strcmp0(message->context, self->context) == 0)
      finish(self, error);
    else
      g_error_free(error);
  } else {
    cord_service_socket_lose(self->service, error);
  }
}

static void
take_message(CartesiaSocket *self, const CartesiaMessage *message)
{
  switch (message->kind) {
  case CARTESIA_CHUNK:
    take_audio(self, message);
    break;
  case CARTESIA_TIMESTAMPS:
    add_words(self, message);
    break;
  case CARTESIA_DONE:
    self->context_open = FALSE;
    if (self->any_audio)
      finish(self, NULL);
    break;
  case CARTESIA_FLUSH_DONE:
    /* one that comes before the audio is waited for by the timer */
    if (self->any_audio)
      finish(self, NULL);
    break;
  case CARTESIA_ERROR:
  case CARTESIA_OTHER:
    break;
  }
}

/* The service */

static void
on_message(const gchar *text, gsize length, gpointer data)
{
  CartesiaSocket *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CartesiaMessage) message = cartesia_message_parse(text, length, &error);

  if (!message)
    GST_WARNING("a message that cannot be read: %s", error->message);
  else if (message->kind == CARTESIA_ERROR)
    take_error(self, message);
  else if (self->piece == 0 || !self->context_open ||
           g_strcmp0(message->context, self->context) != 0)
    GST_LOG("audio that nobody waits for any more");
  else
    take_message(self, message);
}

/* Goes on behind the last whole word that was heard; without times nobody knows where that is. */
static gboolean
resume(CartesiaSocket *self)
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
  self->length += self->context_length - self->base;
  return self->text[self->from] != '\0';
}

static void
on_connected(gpointer data)
{
  CartesiaSocket *self = data;

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
  CartesiaSocket *self = data;

  self->context_open = FALSE;
  self->funcs->state(CORD_SERVICE_DOWN, FALSE, error, self->data);
}

static void
on_failed(const GError *error, gboolean permanent, gpointer data)
{
  CartesiaSocket *self = data;

  self->context_open = FALSE;
  self->funcs->state(CORD_SERVICE_FAILED, permanent, error, self->data);
  finish(self, g_error_copy(error));
}

/* A cancellation of nothing does nothing but keep the connection. */
static void
on_keep_alive(gpointer data)
{
  CartesiaSocket *self = data;
  g_autofree gchar *message = cartesia_cancel("keep-alive");

  cord_service_socket_send(self->service, message);
}

static const CordServiceSocketFuncs service_funcs = {
  on_connected, on_message, on_lost, on_failed, on_keep_alive,
};

CartesiaSocket *
cartesia_socket_new(CordWorker *worker, const CartesiaSettings *settings,
                    const CartesiaTimes *times, const CartesiaFuncs *funcs, gpointer data)
{
  CartesiaSocket *self = g_new0(CartesiaSocket, 1);
  g_autofree gchar *url = cartesia_socket_url(settings);
  g_autofree gchar *authorization =
      settings->api_key ? g_strconcat("Bearer ", settings->api_key, NULL) : NULL;
  const gchar *headers[] = { "Cartesia-Version", settings->version,
                             authorization ? "Authorization" : NULL, authorization, NULL };
  CordServiceSocketSettings service = {
    .name = "Cartesia",
    .url = url,
    .headers = headers,
    .connect_ms = times->connect_ms,
    .give_up_ms = times->give_up_ms,
    .keep_alive_ms = KEEP_ALIVE,
    .max_message = MAX_MESSAGE,
  };

  self->worker = g_object_ref(worker);
  self->settings = settings;
  self->times = *times;
  self->funcs = funcs;
  self->data = data;
  self->words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));
  self->service = cord_service_socket_new(worker, &service, &service_funcs, self);
  return self;
}

void
cartesia_socket_free(CartesiaSocket *self)
{
  forget_piece(self);
  cord_service_socket_free(self->service);
  g_array_unref(self->words);
  g_free(self->context);
  g_object_unref(self->worker);
  g_free(self);
}

void
cartesia_socket_speak(CartesiaSocket *self, guint piece, guint turn, const gchar *text)
{
  self->piece = piece;
  self->turn = turn;
  self->text = g_strdup(text);
  self->from = self->matched = 0;
  self->length = 0;
  self->any_audio = FALSE;
  self->tries = 1;
  g_array_set_size(self->words, 0);
  set_timer(self, self->times.first_byte_ms);
  send_piece(self);
}

/* What is on its way is of no use any more. */
void
cartesia_socket_cancel(CartesiaSocket *self)
{
  forget_piece(self);
  leave_context(self, TRUE);
}

void
cartesia_socket_turn_done(CartesiaSocket *self)
{
  leave_context(self, FALSE);
}
