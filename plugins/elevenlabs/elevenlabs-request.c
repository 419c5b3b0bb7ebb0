/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elevenlabs-request.h"

#include <string.h>

#include "cord-json.h"

#define SOCKET_IDLE 180 /* s, the longest that the service allows */

void
elevenlabs_settings_clear(ElevenlabsSettings *self)
{
  g_clear_pointer(&self->base_url, g_free);
  g_clear_pointer(&self->api_key, g_free);
  g_clear_pointer(&self->voice_id, g_free);
  g_clear_pointer(&self->model_id, g_free);
  g_clear_pointer(&self->language_code, g_free);
}

static gchar *
output_format(const ElevenlabsSettings *settings)
{
  return settings->mulaw ? g_strdup("ulaw_8000") : g_strdup_printf("pcm_%u", settings->rate);
}

static void
add_parameter(GString *url, const gchar *name, const gchar *value)
{
  g_string_append_c(url, strchr(url->str, '?') ? '&' : '?');
  g_string_append_printf(url, "%s=", name);
  g_string_append_uri_escaped(url, value, NULL, FALSE);
}

/* The base without its last slashes; of a WebSocket with its scheme. */
static GString *
begin_url(const ElevenlabsSettings *settings, gboolean socket, const gchar *what)
{
  GString *url = g_string_new(settings->base_url);
  g_autofree gchar *format = output_format(settings);

  while (url->len > 0 && url->str[url->len - 1] == '/')
    g_string_truncate(url, url->len - 1);
  if (socket && g_str_has_prefix(url->str, "http")) {
    g_string_erase(url, 0, strlen("http"));
    g_string_prepend(url, "ws");
  }
  g_string_append(url, "/v1/text-to-speech/");
  g_string_append_uri_escaped(url, settings->voice_id, NULL, FALSE);
  g_string_append_printf(url, "/%s", what);
  add_parameter(url, "output_format", format);
  return url;
}

/**
 * elevenlabs_http_url:
 * @settings: how to speak
 *
 * Returns: (transfer full): where to POST a text
 */
gchar *
elevenlabs_http_url(const ElevenlabsSettings *settings)
{
  GString *url = begin_url(settings, FALSE, "stream");

  if (settings->optimize_latency >= 0)
    g_string_append_printf(url, "&optimize_streaming_latency=%d", settings->optimize_latency);
  return g_string_free(url, FALSE);
}

/**
 * elevenlabs_socket_url:
 * @settings: how to speak
 * @multi: whether the socket takes several contexts
 *
 * Returns: (transfer full): the WebSocket's address
 */
gchar *
elevenlabs_socket_url(const ElevenlabsSettings *settings, gboolean multi)
{
  GString *url = begin_url(settings, TRUE, multi ? "multi-stream-input" : "stream-input");

  add_parameter(url, "model_id", settings->model_id);
  if (settings->language_code)
    add_parameter(url, "language_code", settings->language_code);
  g_string_append_printf(url, "&inactivity_timeout=%d&sync_alignment=true", SOCKET_IDLE);
  return g_string_free(url, FALSE);
}

static void
append_number(GString *json, const gchar *name, gdouble value)
{
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd(digits, sizeof digits, "%.3g", value);
  g_string_append_printf(json, "%s\"%s\":%s", json->str[json->len - 1] == '{' ? "" : ",", name,
                         digits);
}

static void
append_string(GString *json, const gchar *name, const gchar *value)
{
  g_string_append_printf(json, "%s\"%s\":", json->str[json->len - 1] == '{' ? "" : ",", name);
  cord_json_append_string(json, value);
}

static void
append_voice(GString *json, const ElevenlabsSettings *settings)
{
  g_string_append(json, ",\"voice_settings\":{");
  append_number(json, "stability", settings->stability);
  append_number(json, "similarity_boost", settings->similarity_boost);
  append_number(json, "style", settings->style);
  g_string_append_printf(json, ",\"use_speaker_boost\":%s",
                         settings->use_speaker_boost ? "true" : "false");
  append_number(json, "speed", settings->speed);
  g_string_append_c(json, '}');
}

/**
 * elevenlabs_http_body:
 * @settings: how to speak
 * @text: what to say
 * @previous_text: (nullable): what was said before it, for the melody
 *
 * Returns: (transfer full): the body of a request
 */
gchar *
elevenlabs_http_body(const ElevenlabsSettings *settings, const gchar *text,
                     const gchar *previous_text)
{
  GString *json = g_string_new("{");

  append_string(json, "text", text);
  append_string(json, "model_id", settings->model_id);
  append_voice(json, settings);
  if (settings->language_code)
    append_string(json, "language_code", settings->language_code);
  if (previous_text)
    append_string(json, "previous_text", previous_text);
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}

/**
 * elevenlabs_open_context:
 * @settings: how to speak
 * @context: (nullable): a name for it; %NULL for a socket with one context
 *
 * Returns: (transfer full): the first message of a context
 */
gchar *
elevenlabs_open_context(const ElevenlabsSettings *settings, const gchar *context)
{
  GString *json = g_string_new("{");

  append_string(json, "text", " ");
  append_voice(json, settings);
  /* our pieces are whole clauses: nothing is to be waited for */
  g_string_append(json, ",\"generation_config\":{\"chunk_length_schedule\":[50,120,160,250]}");
  if (context)
    append_string(json, "context_id", context);
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}

/**
 * elevenlabs_send_text:
 * @text: what to say
 * @context: (nullable): in which context
 * @flush: whether nothing more is waited for before it is spoken
 *
 * Returns: (transfer full): the message
 */
gchar *
elevenlabs_send_text(const gchar *text, const gchar *context, gboolean flush)
{
  GString *json = g_string_new("{");

  append_string(json, "text", text);
  if (context)
    append_string(json, "context_id", context);
  if (flush)
    g_string_append(json, ",\"flush\":true");
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}

/**
 * elevenlabs_close_context:
 * @context: (nullable): which context; %NULL for a socket with one
 *
 * Returns: (transfer full): the message that ends it
 */
gchar *
elevenlabs_close_context(const gchar *context)
{
  GString *json = g_string_new("{");

  if (!context)
    return g_string_free(json, TRUE), g_strdup("{\"text\":\"\"}");
  append_string(json, "context_id", context);
  g_string_append(json, ",\"close_context\":true}");
  return g_string_free(json, FALSE);
}
