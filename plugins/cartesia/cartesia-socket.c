/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cartesia-socket.h"

#include "cartesia-message.h"
#include "cord-error.h"

GST_DEBUG_CATEGORY_EXTERN(cartesiatts_debug);
#define GST_CAT_DEFAULT cartesiatts_debug

#define KEEP_ALIVE 120000 /* ms; the service closes after five minutes of silence */

/* A flush behind each piece tells when it has been spoken. */

static gchar *
say(const gchar *context, const gchar *text, gpointer data)
{
  return cartesia_say(data, context, text, TRUE, FALSE);
}

static gchar *
flush(const gchar *context, gpointer data)
{
  return cartesia_say(data, context, "", TRUE, TRUE);
}

static gchar *
close_context(const gchar *context, gpointer data)
{
  return cartesia_say(data, context, "", FALSE, FALSE);
}

static gchar *
cancel(const gchar *context, gpointer data)
{
  return cartesia_cancel(context);
}

/* A cancellation of nothing does nothing but keep the connection. */
static gchar *
keep_alive(gpointer data)
{
  return cartesia_cancel("keep-alive");
}

/* What the service says */

/* 4xx but a rate limit will be the same on another connection. */
static CordTtsTrouble
trouble_of(guint status)
{
  if (status == 401 || status == 402 || status == 403 || status == 404)
    return CORD_TTS_TROUBLE_SERVICE;
  return status == 400 ? CORD_TTS_TROUBLE_TEXT : CORD_TTS_TROUBLE_CONNECTION;
}

static void
on_message(CordTtsSocket *socket, const gchar *text, gsize length, gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CartesiaMessage) message = cartesia_message_parse(text, length, &error);
  CordTtsTrouble trouble;
  CordTtsNews news;

  if (!message) {
    GST_WARNING("a message that cannot be read: %s", error->message);
    return;
  }
  if (message->kind == CARTESIA_ERROR) {
    trouble = trouble_of(message->status);
    cord_tts_socket_take_error(socket, message->context, trouble,
                               g_error_new(CORD_ERROR,
                                           trouble == CORD_TTS_TROUBLE_SERVICE
                                               ? CORD_ERROR_NOT_AUTHORIZED
                                               : CORD_ERROR_NETWORK,
                                           "Cartesia: %s", message->description));
    return;
  }
  news = (CordTtsNews){
    .context = message->context,
    .audio = message->audio,
    .size = message->size,
    .words = (const gchar *const *)message->words,
    .word_ends = message->ends,
    .n_words = message->n_words,
    .piece_end = message->kind == CARTESIA_FLUSH_DONE,
    .mark = message->flush,
    .context_end = message->kind == CARTESIA_DONE,
  };
  cord_tts_socket_take(socket, &news);
}

static const CordTtsDialect dialect = {
  .say = say,
  .flush = flush,
  .close = close_context,
  .cancel = cancel,
  .keep_alive = keep_alive,
  .message = on_message,
};

CordTtsSocket *
cartesia_socket_new(CordTtsBase *element, const CartesiaSettings *settings,
                    const CordTtsSocketTimes *times)
{
  g_autofree gchar *url = cartesia_socket_url(settings);
  g_autofree gchar *authorization =
      settings->api_key ? g_strconcat("Bearer ", settings->api_key, NULL) : NULL;
  const gchar *headers[] = { "Cartesia-Version", settings->version,
                             authorization ? "Authorization" : NULL, authorization, NULL };
  const CordTtsSocketSettings socket = {
    .name = "Cartesia",
    .element = "cartesiatts",
    .url = url,
    .headers = headers,
    .times = *times,
    .keep_alive_ms = KEEP_ALIVE,
    .rate = settings->rate,
    .mulaw = settings->mulaw,
  };

  return cord_tts_socket_new(element, &socket, &dialect, (gpointer)settings);
}
