/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cartesia-request.h"

#include <string.h>

#include "cord-json.h"

void
cartesia_settings_clear(CartesiaSettings *self)
{
  g_clear_pointer(&self->base_url, g_free);
  g_clear_pointer(&self->api_key, g_free);
  g_clear_pointer(&self->version, g_free);
  g_clear_pointer(&self->voice_id, g_free);
  g_clear_pointer(&self->model_id, g_free);
  g_clear_pointer(&self->language_code, g_free);
  g_clear_pointer(&self->emotion, g_free);
}

/**
 * cartesia_socket_url:
 * @settings: how to speak
 *
 * Returns: (transfer full): the WebSocket's address
 */
gchar *
cartesia_socket_url(const CartesiaSettings *settings)
{
  GString *url = g_string_new(settings->base_url);

  while (url->len > 0 && url->str[url->len - 1] == '/')
    g_string_truncate(url, url->len - 1);
  if (g_str_has_prefix(url->str, "http")) {
    g_string_erase(url, 0, strlen("http"));
    g_string_prepend(url, "ws");
  }
  g_string_append(url, "/tts/websocket");
  return g_string_free(url, FALSE);
}

static void
append_string(GString *json, const gchar *name, const gchar *value)
{
  g_string_append_printf(json, "%s\"%s\":", json->str[json->len - 1] == '{' ? "" : ",", name);
  cord_json_append_string(json, value);
}

static void
append_number(GString *json, const gchar *name, gdouble value)
{
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd(digits, sizeof digits, "%.3g", value);
  g_string_append_printf(json, "%s\"%s\":%s", json->str[json->len - 1] == '{' ? "" : ",", name,
                         digits);
}

static gboolean
is_plain(const CartesiaSettings *settings)
{
  return settings->speed == 1 && settings->volume == 1 && settings->emotion == NULL;
}

/* Versions since 2026-08-14 take the voice's id, older ones an object. */
static void
append_voice(GString *json, const CartesiaSettings *settings)
{
  if (strcmp(settings->version, "2026-08-14") >= 0) {
    append_string(json, "voice", settings->voice_id);
    return;
  }
  g_string_append(json, ",\"voice\":{\"mode\":\"id\"");
  append_string(json, "id", settings->voice_id);
  g_string_append_c(json, '}');
}

/**
 * cartesia_say:
 * @settings: how to speak; the same for all texts of a context
 * @context: in which context
 * @text: what to say
 * @more: whether more text of the context follows
 * @flush: whether to be told when all text so far has been spoken
 *
 * Returns: (transfer full): the message
 */
gchar *
cartesia_say(const CartesiaSettings *settings, const gchar *context, const gchar *text,
             gboolean more, gboolean flush)
{
  GString *json = g_string_new("{");

  append_string(json, "context_id", context);
  append_string(json, "model_id", settings->model_id);
  append_voice(json, settings);
  append_string(json, "transcript", text);
  g_string_append_printf(json, ",\"continue\":%s", more ? "true" : "false");
  if (flush)
    g_string_append(json, ",\"flush\":true");
  append_string(json, "language", settings->language_code);
  g_string_append_printf(json,
                         ",\"output_format\":{\"container\":\"raw\",\"encoding\":\"%s\","
                         "\"sample_rate\":%u},\"add_timestamps\":true,\"max_buffer_delay_ms\":0",
                         settings->mulaw ? "pcm_mulaw" : "pcm_s16le", settings->rate);
  if (!is_plain(settings)) {
    g_string_append(json, ",\"generation_config\":{");
    append_number(json, "speed", settings->speed);
    append_number(json, "volume", settings->volume);
    if (settings->emotion)
      append_string(json, "emotion", settings->emotion);
    g_string_append_c(json, '}');
  }
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}

/**
 * cartesia_cancel:
 * @context: which context
 *
 * Returns: (transfer full): the message that ends it unspoken
 */
gchar *
cartesia_cancel(const gchar *context)
{
  GString *json = g_string_new("{");

  append_string(json, "context_id", context);
  g_string_append(json, ",\"cancel\":true}");
  return g_string_free(json, FALSE);
}
