/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-tts-socket.h"

#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-service-socket.h"
#include "cord-tts-words.h"

#define MAX_TRIES 2
#define MAX_MESSAGE (4 * 1024 * 1024) /* bytes */
#define EMPTY_MS 1000 /* that audio may come behind the message that says that there is no more */

struct _CordTtsSocket {
  CordTtsBase *element; /* not owned */
  CordWorker *worker;
  gchar *name;
  gchar *element_name;
  CordTtsSocketTimes times;
  guint byte_rate; /* bytes a second */
  gboolean one_context;
  gboolean ends_by_characters;
  const CordTtsDialect *dialect;
  gpointer data;
  CordServiceSocket *service;
  gboolean up_told;

  gchar *context;        /* its name; also of the only one of a connection */
  gboolean context_open; /* the service knows it */
  gboolean closing;      /* and that it has no more text */
  guint context_turn;
  guint n_contexts;
  GstClockTime context_length; /* of its audio so far */
  guint mark;                  /* of the last piece of it that has ended */

  guint piece; /* 0: none */
  guint turn;
  CordTtsWords *words;
  GstClockTime length; /* of its audio so far */
  GstClockTime begin;  /* where in its audio the service began to speak, the last time */
  GstClockTime base;   /* where in the context that was */
  gboolean end_told;   /* before the audio */
  guint tries;
  CordTimer *timer;
};

static void
tell(CordTtsSocket *self, CordServiceState state, gboolean permanent, const GError *error)
{
  if (state == CORD_SERVICE_UP && self->up_told)
    return;
  if (state != CORD_SERVICE_LOST)
    self->up_told = state == CORD_SERVICE_UP;
  cord_element_post(GST_ELEMENT(self->element),
                    cord_structure_new_service(self->element_name, state, permanent,
                                               error ? error->message : NULL));
}

/* Takes the message. */
static gboolean
send(CordTtsSocket *self, gchar *message)
{
  g_autofree gchar *text = message;

  return cord_service_socket_send(self->service, text);
}

/* The context */

/* The next turn has a connection of its own. */
static void
renew(CordTtsSocket *self)
{
  self->context_open = FALSE;
  cord_service_socket_renew(self->service);
}

static void
leave_context(CordTtsSocket *self, gboolean cancel)
{
  if (!self->context_open)
    return;
  if (cancel && !self->one_context)
    send(self, self->dialect->cancel(self->context, self->data));
  else if (!cancel && !self->closing)
    send(self, self->dialect->close(self->context, self->data));
  if (self->one_context)
    renew(self);
  self->context_open = FALSE;
}

static gboolean
open_context(CordTtsSocket *self)
{
  if (self->context_open && self->context_turn == self->turn && !self->closing)
    return TRUE;
  leave_context(self, FALSE);
  /* what is said on the next connection is said when there is one */
  if (!cord_service_socket_is_up(self->service))
    return FALSE;
  g_free(self->context);
  self->context = g_strdup_printf("t%u-%u", self->turn, ++self->n_contexts);
  self->context_turn = self->turn;
  self->context_length = 0;
  self->mark = 0;
  self->closing = FALSE;
  self->context_open =
      self->dialect->open == NULL || send(self, self->dialect->open(self->context, self->data));
  return self->context_open;
}

/* The piece */

static void
forget_piece(CordTtsSocket *self)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  self->piece = 0;
}

/* Takes the error. */
static void
finish(CordTtsSocket *self, GError *error)
{
  guint piece = self->piece;

  forget_piece(self);
  if (piece == 0)
    g_clear_error(&error);
  else
    cord_tts_base_piece_done(self->element, piece, error);
}

/* It came to nothing: somebody else may do better. Takes the error. */
static void
lose_piece(CordTtsSocket *self, GError *error)
{
  if (self->piece != 0 && self->length == 0)
    tell(self, CORD_SERVICE_LOST, FALSE, error);
  finish(self, error);
}

static void
on_timer(gpointer data)
{
  CordTtsSocket *self = data;

  self->timer = NULL;
  if (self->length > 0 && self->end_told) {
    finish(self, NULL);
    return;
  }
  if (self->length > 0) {
    /* what came is what there is: the rest would come too late to be one sentence */
    leave_context(self, TRUE);
    finish(self, g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                             "%s fell silent in the middle of a sentence", self->name));
    return;
  }
  if (self->tries < MAX_TRIES) {
    /* the connection may be dead without a word */
    self->timer = cord_worker_add_timer(self->worker, self->times.first_byte_ms * GST_MSECOND,
                                        on_timer, self);
    self->tries++;
    self->context_open = FALSE;
    cord_service_socket_lose(self->service,
                             g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                                         "%s has given no audio for a text", self->name));
    return;
  }
  leave_context(self, TRUE);
  lose_piece(self, g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT, "%s has given no audio for a text",
                               self->name));
}

static void
set_timer(CordTtsSocket *self, guint ms)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  self->timer = cord_worker_add_timer(self->worker, ms * GST_MSECOND, on_timer, self);
}

static void
send_piece(CordTtsSocket *self)
{
  g_autofree gchar *text = g_strconcat(cord_tts_words_get_rest(self->words), " ", NULL);

  if (!cord_service_socket_is_up(self->service) || !open_context(self))
    return;
  self->end_told = FALSE;
  self->begin = self->length;
  self->base = self->context_length;
  if (send(self, self->dialect->say(self->context, text, self->data)) && self->dialect->flush)
    send(self, self->dialect->flush(self->context, self->data));
}

/* What the service says */

static void
take_audio(CordTtsSocket *self, const CordTtsNews *news)
{
  GstClockTime duration = gst_util_uint64_scale(news->size, GST_SECOND, self->byte_rate);

  self->length += duration;
  self->context_length += duration;
  set_timer(self, self->end_told ? MIN(EMPTY_MS, self->times.idle_ms) : self->times.idle_ms);
  cord_tts_base_take_audio(self->element, self->piece, news->audio, news->size);
}

static void
take_words(CordTtsSocket *self, const CordTtsNews *news, GstClockTime before)
{
  const CordTtsWord *words;
  guint n_words;

  if (news->text)
    cord_tts_words_add_characters(self->words, news->text, news->text_ends, before);
  for (guint i = 0; i < news->n_words; i++) {
    /* a context that has expired begins anew */
    if (news->word_ends[i] <= self->base)
      self->base = 0;
    cord_tts_words_add_word(self->words, news->words[i],
                            self->begin + news->word_ends[i] - self->base);
  }
  words = cord_tts_words_get(self->words, &n_words);
  cord_tts_base_take_words(self->element, self->piece, words, n_words);
}

/* Where nothing tells the end of a piece the end of its context does. */
static void
close_to_see_the_end(CordTtsSocket *self)
{
  if (self->closing)
    return;
  self->closing = TRUE;
  send(self, self->dialect->close(self->context, self->data));
}

static void
take_end(CordTtsSocket *self, const CordTtsNews *news)
{
  gboolean last = news->context_end;
  gboolean again = news->piece_end && news->mark > 0 && news->mark <= self->mark;

  if (news->piece_end && !again)
    self->mark = news->mark;
  last |= news->piece_end && !again;
  last |= self->length > 0 && cord_tts_words_are_all(self->words) &&
          (self->ends_by_characters || (self->end_told && news->size > 0));
  if (!last)
    return;
  if (self->length == 0) {
    /* that of the piece before, perhaps; its context then begins anew with this one */
    if (news->context_end) {
      self->base = self->context_length = 0;
      self->mark = 0;
    }
    self->end_told |= news->piece_end;
    set_timer(self, MIN(EMPTY_MS, self->times.first_byte_ms));
    return;
  }
  if (news->context_end && self->one_context)
    renew(self);
  else if (news->context_end)
    self->context_open = FALSE;
  finish(self, NULL);
}

/**
 * cord_tts_socket_take: (skip)
 * @self: a socket, from inside of its dialect's `message`
 * @news: what the message says
 *
 * What is not about the context that is spoken in now is dropped.
 */
void
cord_tts_socket_take(CordTtsSocket *self, const CordTtsNews *news)
{
  const guint piece = self->piece;
  const GstClockTime before = self->length;

  if (piece == 0 || !self->context_open ||
      (!self->one_context && g_strcmp0(news->context, self->context) != 0))
    return;
  if (news->size > 0)
    take_audio(self, news);
  /* what is told may have cancelled it */
  if (self->piece == piece && (news->text || news->n_words > 0))
    take_words(self, news, before);
  if (self->piece == piece && self->ends_by_characters && news->size > 0 && !news->text)
    close_to_see_the_end(self);
  if (self->piece == piece)
    take_end(self, news);
}

/**
 * cord_tts_socket_take_error: (skip)
 * @self: a socket, from inside of its dialect's `message`
 * @context: (nullable): whose it is; %NULL: the connection's
 * @trouble: what it is about
 * @error: (transfer full): why
 */
void
cord_tts_socket_take_error(CordTtsSocket *self, const gchar *context, CordTtsTrouble trouble,
                           GError *error)
{
  g_autofree gchar *said = error->message;

  error->message = cord_service_socket_hide_secrets(self->service, said);
  if (trouble == CORD_TTS_TROUBLE_SERVICE) {
    self->context_open = FALSE;
    cord_service_socket_fail(self->service, error);
  } else if (trouble == CORD_TTS_TROUBLE_CONNECTION || !context) {
    self->context_open = FALSE;
    cord_service_socket_lose(self->service, error);
  } else if (self->piece && self->context_open && g_strcmp0(context, self->context) == 0) {
    self->context_open = FALSE;
    lose_piece(self, error);
  } else {
    g_error_free(error);
  }
}

/* The connection */

static void
on_connected(gpointer data)
{
  CordTtsSocket *self = data;

  self->context_open = FALSE;
  tell(self, CORD_SERVICE_UP, FALSE, NULL);
  if (self->piece == 0)
    return;
  if (cord_tts_words_resume(self->words, self->length))
    send_piece(self);
  else
    finish(self, NULL);
}

static void
on_message(const gchar *text, gsize length, gpointer data)
{
  CordTtsSocket *self = data;

  self->dialect->message(self, text, length, self->data);
}

static void
on_lost(const GError *error, gpointer data)
{
  CordTtsSocket *self = data;

  self->context_open = FALSE;
  tell(self, CORD_SERVICE_DOWN, FALSE, error);
}

static void
on_failed(const GError *error, gboolean permanent, gpointer data)
{
  CordTtsSocket *self = data;

  self->context_open = FALSE;
  tell(self, CORD_SERVICE_FAILED, permanent, error);
  finish(self, g_error_copy(error));
}

static void
on_keep_alive(gpointer data)
{
  CordTtsSocket *self = data;

  if (self->dialect->keep_alive)
    send(self, self->dialect->keep_alive(self->data));
}

static const CordServiceSocketFuncs service_funcs = {
  on_connected, on_message, on_lost, on_failed, on_keep_alive,
};

/**
 * cord_tts_socket_new: (skip)
 * @element: whose voice it is, in its `start`
 * @settings: whom to talk to
 * @dialect: how; must outlive the socket
 * @data: for @dialect
 *
 * Returns: (transfer full): a voice that is silent, and being connected
 */
CordTtsSocket *
cord_tts_socket_new(CordTtsBase *element, const CordTtsSocketSettings *settings,
                    const CordTtsDialect *dialect, gpointer data)
{
  CordTtsSocket *self = g_new0(CordTtsSocket, 1);
  CordServiceSocketSettings service = {
    .name = settings->name,
    .url = settings->url,
    .headers = settings->headers,
    .connect_ms = settings->times.connect_ms,
    .give_up_ms = settings->times.give_up_ms,
    .keep_alive_ms = settings->keep_alive_ms,
    .max_message = MAX_MESSAGE,
  };

  self->element = element;
  self->worker = g_object_ref(cord_tts_base_get_worker(element));
  self->name = g_strdup(settings->name);
  self->element_name = g_strdup(settings->element);
  self->times = settings->times;
  self->byte_rate = settings->rate * (settings->mulaw ? 1 : 2);
  self->one_context = settings->one_context;
  self->ends_by_characters = settings->ends_by_characters;
  self->dialect = dialect;
  self->data = data;
  self->words = cord_tts_words_new();
  self->service = cord_service_socket_new(self->worker, &service, &service_funcs, self);
  return self;
}

/**
 * cord_tts_socket_free: (skip)
 * @self: (transfer full): a voice
 */
void
cord_tts_socket_free(CordTtsSocket *self)
{
  forget_piece(self);
  if (self->dialect->goodbye && cord_service_socket_is_up(self->service)) {
    g_autofree gchar *message = self->dialect->goodbye(self->data);

    if (message)
      cord_service_socket_send(self->service, message);
  }
  cord_service_socket_free(self->service);
  cord_tts_words_free(self->words);
  g_object_unref(self->worker);
  g_free(self->context);
  g_free(self->element_name);
  g_free(self->name);
  g_free(self);
}

/**
 * cord_tts_socket_speak: (skip)
 * @self: a voice that is silent
 * @piece: the piece's number, not 0
 * @turn: the turn's
 * @text: what to say
 */
void
cord_tts_socket_speak(CordTtsSocket *self, guint piece, guint turn, const gchar *text)
{
  self->piece = piece;
  self->turn = turn;
  self->length = 0;
  self->tries = 1;
  cord_tts_words_begin(self->words, text);
  set_timer(self, self->times.first_byte_ms);
  send_piece(self);
}

/**
 * cord_tts_socket_cancel: (skip)
 * @self: a voice
 *
 * What is on its way is of no use any more.
 */
void
cord_tts_socket_cancel(CordTtsSocket *self)
{
  forget_piece(self);
  leave_context(self, TRUE);
}

/**
 * cord_tts_socket_turn_done: (skip)
 * @self: a voice that is silent
 *
 * The turn has no more pieces.
 */
void
cord_tts_socket_turn_done(CordTtsSocket *self)
{
  leave_context(self, FALSE);
}
