/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elevenlabs-socket.h"

#include "cord-error.h"
#include "elevenlabs-message.h"

GST_DEBUG_CATEGORY_EXTERN(elevenlabstts_debug);
#define GST_CAT_DEFAULT elevenlabstts_debug

/* The service marks the end of a context but not of a piece: that is where all its characters have
 * come. */

/* multi-stream-input: a context has a name */

static gchar *
open_named(const gchar *context, gpointer data)
{
  return elevenlabs_open_context(data, context);
}

static gchar *
say_in_named(const gchar *context, const gchar *text, gpointer data)
{
  return elevenlabs_send_text(text, context, TRUE);
}

static gchar *
close_named(const gchar *context, gpointer data)
{
  return elevenlabs_close_context(context);
}

static gchar *
close_socket(gpointer data)
{
  return g_strdup("{\"close_socket\":true}");
}

/* stream-input: it is the socket */

static gchar *
open_only(const gchar *context, gpointer data)
{
  return elevenlabs_open_context(data, NULL);
}

static gchar *
say_in_only(const gchar *context, const gchar *text, gpointer data)
{
  return elevenlabs_send_text(text, NULL, TRUE);
}

static gchar *
close_only(const gchar *context, gpointer data)
{
  return elevenlabs_close_context(NULL);
}

/* What it says */

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
take_error(CordTtsSocket *socket, const ElevenlabsMessage *message)
{
  gboolean permanent = is_permanent(message->error);

  cord_tts_socket_take_error(
      socket, NULL, permanent ? CORD_TTS_TROUBLE_SERVICE : CORD_TTS_TROUBLE_CONNECTION,
      g_error_new(CORD_ERROR, permanent ? CORD_ERROR_NOT_AUTHORIZED : CORD_ERROR_NETWORK,
                  "ElevenLabs: %s%s%s", message->error, message->description ? ": " : "",
                  message->description ? message->description : ""));
}

static void
on_message(CordTtsSocket *socket, const gchar *text, gsize length, gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ElevenlabsMessage) message = elevenlabs_message_parse(text, length, &error);
  CordTtsNews news;

  if (!message) {
    GST_WARNING("a message that cannot be read: %s", error->message);
    return;
  }
  if (message->error) {
    take_error(socket, message);
    return;
  }
  news = (CordTtsNews){
    .context = message->context,
    .audio = message->audio,
    .size = message->size,
    .text = message->text,
    .text_ends = message->ends,
    .piece_end = message->flush_done,
    .context_end = message->final,
  };
  cord_tts_socket_take(socket, &news);
}

static const CordTtsDialect multi_dialect = {
  .open = open_named,
  .say = say_in_named,
  .close = close_named,
  .cancel = close_named,
  .goodbye = close_socket,
  .message = on_message,
};

static const CordTtsDialect single_dialect = {
  .open = open_only,
  .say = say_in_only,
  .close = close_only,
  .cancel = close_only,
  .message = on_message,
};

CordTtsSocket *
elevenlabs_socket_new(CordTtsBase *element, const ElevenlabsSettings *settings,
                      const CordTtsSocketTimes *times, gboolean multi)
{
  g_autofree gchar *url = elevenlabs_socket_url(settings, multi);
  const gchar *headers[] = { settings->api_key ? "xi-api-key" : NULL, settings->api_key, NULL };
  const CordTtsSocketSettings socket = {
    .name = "ElevenLabs",
    .element = "elevenlabstts",
    .url = url,
    .headers = headers,
    .times = *times,
    .rate = settings->rate,
    .mulaw = settings->mulaw,
    .one_context = !multi,
    .ends_by_characters = TRUE,
  };

  return cord_tts_socket_new(element, &socket, multi ? &multi_dialect : &single_dialect,
                             (gpointer)settings);
}
