/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-tts-http.h"

#include <string.h>

#include "cord-error.h"
#include "cord-http-error.h"
#include "cord-http.h"

#define MAX_TRIES 3
#define FIRST_WAIT 250 /* ms before the second try; before the third twice as long */
#define MAX_WAIT (5 * GST_SECOND)
#define MAX_PROBLEM 4096 /* bytes of a refusal that are read */

struct _CordTtsHttp {
  CordWorker *worker;
  CordTtsHttpSettings settings;
  const CordTtsHttpFuncs *funcs;
  gpointer data;

  guint piece; /* 0: none */
  guint turn;
  gchar *text;
  gchar *previous; /* what the turn has said before */
  CordHttpExchange *exchange;
  CordTimer *timer; /* until the next try */
  guint tries;
  gboolean any_audio;
  GString *problem; /* the answer is no audio */
  GStrv secrets;    /* that it may not repeat */
};

static void start(CordTtsHttp *self);

static void
forget_piece(CordTtsHttp *self)
{
  g_clear_pointer(&self->exchange, cord_http_cancel);
  g_clear_pointer(&self->timer, cord_timer_remove);
  g_clear_pointer(&self->text, g_free);
  if (self->problem)
    g_string_free(g_steal_pointer(&self->problem), TRUE);
  self->piece = 0;
}

static void
finish(CordTtsHttp *self, GError *error)
{
  guint piece = self->piece;
  g_autofree gchar *said = g_steal_pointer(&self->text);
  g_autofree gchar *before = g_steal_pointer(&self->previous);

  self->previous = before ? g_strconcat(before, " ", said, NULL) : g_steal_pointer(&said);
  forget_piece(self);
  self->funcs->done(piece, error, self->data);
}

/* No audio begins so, and goes on so. */
static gboolean
is_json(const guint8 *data, gsize size)
{
  if (size == 0 || *data != '{')
    return FALSE;
  for (gsize i = 1; i < MIN(size, 32); i++) {
    if (data[i] > 0x7e || (data[i] < ' ' && !g_ascii_isspace(data[i])))
      return FALSE;
  }
  return TRUE;
}

static void
on_headers(CordHttpExchange *exchange, guint status, gpointer data)
{
  CordTtsHttp *self = data;
  const gchar *type = cord_http_get_header(exchange, "Content-Type");

  /* an error may come with a status that means success */
  if (status / 100 == 2 && type && strstr(type, "json"))
    self->problem = g_string_new(NULL);
}

static void
on_chunk(CordHttpExchange *exchange, const guint8 *audio, gsize size, gpointer data)
{
  CordTtsHttp *self = data;

  if (!self->any_audio && !self->problem && is_json(audio, size))
    self->problem = g_string_new(NULL);
  if (self->problem) {
    g_string_append_len(self->problem, (const gchar *)audio,
                        (gssize)MIN(size, MAX_PROBLEM - self->problem->len));
    return;
  }
  self->any_audio = TRUE;
  self->funcs->audio(self->piece, audio, size, self->data);
}

static void
on_next_try(gpointer data)
{
  CordTtsHttp *self = data;

  self->timer = NULL;
  start(self);
}

/* Whether no other text will be spoken either; one text may be too long, or of a kind that is
 * refused. */
static gboolean
is_final(CordHttpExchange *exchange, const GError *error)
{
  return g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED) ||
         g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_FOUND) ||
         (g_error_matches(error, CORD_ERROR, CORD_ERROR_INVALID) &&
          cord_http_get_status(exchange) == 0) ||
         cord_http_is_out_of_credit(exchange);
}

/* Takes the error. */
static void
give_up(CordTtsHttp *self, GError *error, gboolean final)
{
  self->funcs->state(final ? CORD_SERVICE_FAILED : CORD_SERVICE_LOST, final, error, self->data);
  finish(self, error);
}

static void
on_finished(CordHttpExchange *exchange, const GError *error, gpointer data)
{
  CordTtsHttp *self = data;
  GstClockTime wait = cord_http_get_retry_after(exchange);
  g_autoptr(GError) why = error ? g_error_copy(error) : NULL;
  g_autofree gchar *said = self->problem ? self->funcs->read_problem(self->problem->str) : NULL;
  g_autofree gchar *hidden =
      said ? cord_http_hide_secrets(said, (const gchar *const *)self->secrets) : NULL;
  gboolean again = !error || cord_http_may_ask_again(exchange);
  gboolean final = error && is_final(exchange, error);

  self->exchange = NULL;
  if (!why && self->problem)
    why = g_error_new(CORD_ERROR, CORD_ERROR_NETWORK, "%s: %s", self->settings.name,
                      hidden ? hidden : "the answer is no audio");
  else if (!why && !self->any_audio)
    why = g_error_new(CORD_ERROR, CORD_ERROR_NETWORK, "%s gave no audio", self->settings.name);
  if (!why) {
    self->funcs->state(CORD_SERVICE_UP, FALSE, NULL, self->data);
    finish(self, NULL);
  } else if (self->any_audio) {
    finish(self, g_steal_pointer(&why));
  } else if (final || !again || self->tries >= MAX_TRIES || wait > MAX_WAIT) {
    give_up(self, g_steal_pointer(&why), final);
  } else {
    GstClockTime own = (GstClockTime)(FIRST_WAIT << (self->tries - 1)) * GST_MSECOND;

    self->timer = cord_worker_add_timer(self->worker, MAX(wait, own), on_next_try, self);
  }
}

static void
start(CordTtsHttp *self)
{
  static const CordHttpHandlers handlers = { on_headers, on_chunk, NULL, on_finished };
  g_autofree gchar *url = NULL, *text = NULL;
  g_auto(GStrv) headers = NULL;
  g_autoptr(GBytes) body = NULL;
  g_autoptr(GUri) uri = NULL;
  CordHttpRequest request = {
    .connect_timeout = self->settings.connect_ms * GST_MSECOND,
    .first_byte_timeout = self->settings.first_byte_ms * GST_MSECOND,
    .idle_timeout = self->settings.idle_ms * GST_MSECOND,
  };

  self->funcs->make_request(self->text, self->previous, &url, &headers, &text, self->data);
  body = g_bytes_new(text, strlen(text));
  uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
  g_strfreev(self->secrets);
  self->secrets = uri ? cord_http_collect_secrets(uri, (const gchar *const *)headers) : NULL;
  request.url = url;
  request.headers = (const gchar *const *)headers;
  request.body = body;
  self->tries++;
  if (self->problem)
    g_string_free(g_steal_pointer(&self->problem), TRUE);
  self->exchange = cord_http_start(self->worker, &request, &handlers, self);
}

/**
 * cord_tts_http_new: (skip)
 * @worker: where it lives
 * @settings: how patient to be; copied, its name is borrowed
 * @funcs: how to ask and whom to tell; must outlive it
 * @data: for @funcs
 *
 * Returns: (transfer full): a voice that is silent
 */
CordTtsHttp *
cord_tts_http_new(CordWorker *worker, const CordTtsHttpSettings *settings,
                  const CordTtsHttpFuncs *funcs, gpointer data)
{
  CordTtsHttp *self = g_new0(CordTtsHttp, 1);

  self->worker = g_object_ref(worker);
  self->settings = *settings;
  self->funcs = funcs;
  self->data = data;
  return self;
}

/**
 * cord_tts_http_free: (skip)
 * @self: (transfer full): a voice
 */
void
cord_tts_http_free(CordTtsHttp *self)
{
  forget_piece(self);
  g_free(self->previous);
  g_strfreev(self->secrets);
  g_object_unref(self->worker);
  g_free(self);
}

/**
 * cord_tts_http_speak: (skip)
 * @self: a voice that is silent
 * @piece: the piece's number, not 0
 * @turn: the turn's
 * @text: what to say
 */
void
cord_tts_http_speak(CordTtsHttp *self, guint piece, guint turn, const gchar *text)
{
  if (turn != self->turn)
    g_clear_pointer(&self->previous, g_free);
  self->turn = turn;
  self->piece = piece;
  self->text = g_strdup(text);
  self->tries = 0;
  self->any_audio = FALSE;
  start(self);
}

/**
 * cord_tts_http_cancel: (skip)
 * @self: a voice
 *
 * What is on its way is of no use any more.
 */
void
cord_tts_http_cancel(CordTtsHttp *self)
{
  forget_piece(self);
  g_clear_pointer(&self->previous, g_free);
}
