/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openai-realtime-request.h"

#include <string.h>

#include "cord-json.h"

/* What is sent to the Realtime API. */

#define SHORTEST_IDLE 5000 /* ms that the service takes */

void
realtime_settings_clear(RealtimeSettings *self)
{
  g_clear_pointer(&self->base_url, g_free);
  g_clear_pointer(&self->api_key, g_free);
  g_clear_pointer(&self->model, g_free);
  g_clear_pointer(&self->voice, g_free);
  g_clear_pointer(&self->instructions, g_free);
  g_clear_pointer(&self->greeting, g_free);
  g_clear_pointer(&self->language, g_free);
  g_clear_pointer(&self->transcription_model, g_free);
  g_clear_pointer(&self->tools, g_free);
}

gchar *
realtime_url(const RealtimeSettings *settings)
{
  GString *url = g_string_new(settings->base_url);

  while (url->len > 0 && url->str[url->len - 1] == '/')
    g_string_truncate(url, url->len - 1);
  if (g_str_has_prefix(url->str, "http")) {
    g_string_erase(url, 0, strlen("http"));
    g_string_prepend(url, "ws");
  }
  g_string_append(url, "/realtime?model=");
  g_string_append_uri_escaped(url, settings->model, NULL, FALSE);
  return g_string_free(url, FALSE);
}

static gchar *
quote(const gchar *text)
{
  GString *quoted = g_string_new(NULL);

  cord_json_append_string(quoted, text);
  return g_string_free(quoted, FALSE);
}

static gchar *
turn_detection(const RealtimeSettings *settings)
{
  static const gchar *const eagerness[] = { "auto", "low", "medium", "high" };
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree gchar *idle = NULL;

  if (settings->detection == REALTIME_SEMANTIC_VAD)
    return g_strdup_printf("{\"type\":\"semantic_vad\",\"eagerness\":\"%s\",\"create_response\":"
                           "true,\"interrupt_response\":true}",
                           eagerness[settings->eagerness]);
  if (settings->idle_ms > 0)
    idle = g_strdup_printf(",\"idle_timeout_ms\":%u", MAX(settings->idle_ms, SHORTEST_IDLE));
  return g_strdup_printf(
      "{\"type\":\"server_vad\",\"threshold\":%s,\"prefix_padding_ms\":%u,\"silence_duration_ms\":"
      "%u%s,\"create_response\":true,\"interrupt_response\":true}",
      g_ascii_formatd(digits, sizeof digits, "%.3g", settings->threshold), settings->prefix_ms,
      settings->silence_ms, idle ? idle : "");
}

/* What is not said stays as the service thinks best. */
static gchar *
noise_reduction(const RealtimeSettings *settings)
{
  static const gchar *const types[] = { NULL, "near_field", "far_field" };

  return types[settings->noise]
             ? g_strdup_printf(",\"%snoise_reduction\":{\"type\":\"%s\"}",
                               settings->beta ? "input_audio_" : "", types[settings->noise])
             : g_strdup("");
}

static gchar *
speed(const RealtimeSettings *settings)
{
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (settings->speed == 1)
    return g_strdup("");
  return g_strdup_printf(",\"speed\":%s",
                         g_ascii_formatd(digits, sizeof digits, "%.3g", settings->speed));
}

static gchar *
transcription(const RealtimeSettings *settings)
{
  g_autofree gchar *model = quote(settings->transcription_model);

  return settings->language && *settings->language
             ? g_strdup_printf("{\"model\":%s,\"language\":\"%.*s\"}", model,
                               (int)strcspn(settings->language, "-_\""), settings->language)
             : g_strdup_printf("{\"model\":%s}", model);
}

/* Chat completions put a function into a wrapper, the Realtime API does not. */
static void
append_tools(GString *json, const gchar *tools)
{
  g_autoptr(JsonNode) node = tools && *tools ? cord_json_parse(tools, -1, 0, 0, NULL) : NULL;
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

  g_string_append(json, ",\"tools\":[");
  for (guint i = 0; array && i < json_array_get_length(array); i++) {
    JsonNode *element = json_array_get_element(array, i);
    JsonObject *function = JSON_NODE_HOLDS_OBJECT(element)
                               ? cord_json_peek_object(json_node_get_object(element), "function")
                               : NULL;
    g_autofree gchar *text = NULL;

    if (!function)
      continue;
    text = cord_json_print_object(function);
    g_string_append_printf(json, "%s{\"type\":\"function\",%s",
                           json->str[json->len - 1] == '[' ? "" : ",", text + 1);
  }
  g_string_append(json, "],\"tool_choice\":\"auto\"");
}

static void
append_audio(GString *json, const RealtimeSettings *settings)
{
  static const gchar *const mulaw[] = { "{\"type\":\"audio/pcm\",\"rate\":24000}",
                                        "{\"type\":\"audio/pcmu\"}" };
  static const gchar *const beta[] = { "pcm16", "g711_ulaw" };
  g_autofree gchar *detection = turn_detection(settings);
  g_autofree gchar *heard = transcription(settings);
  g_autofree gchar *voice = quote(settings->voice);
  g_autofree gchar *noise = noise_reduction(settings);
  g_autofree gchar *pace = speed(settings);

  if (settings->beta)
    g_string_append_printf(json,
                           "\"modalities\":[\"text\",\"audio\"],\"input_audio_format\":\"%s\","
                           "\"output_audio_format\":\"%s\",\"input_audio_transcription\":%s%s,"
                           "\"turn_detection\":%s,\"voice\":%s%s",
                           beta[settings->mulaw_in], beta[settings->mulaw_out], heard, noise,
                           detection, voice, pace);
  else
    g_string_append_printf(json,
                           "\"type\":\"realtime\",\"output_modalities\":[\"audio\"],\"audio\":{"
                           "\"input\":{\"format\":%s,\"transcription\":%s%s,\"turn_detection\":%s},"
                           "\"output\":{\"format\":%s,\"voice\":%s%s}}",
                           mulaw[settings->mulaw_in], heard, noise, detection,
                           mulaw[settings->mulaw_out], voice, pace);
}

gchar *
realtime_session_update(const RealtimeSettings *settings)
{
  GString *json = g_string_new("{\"type\":\"session.update\",\"session\":{");
  g_autofree gchar *instructions = quote(settings->instructions ? settings->instructions : "");

  append_audio(json, settings);
  g_string_append_printf(json, ",\"instructions\":%s", instructions);
  if (settings->max_tokens > 0)
    g_string_append_printf(json, ",\"%s\":%u",
                           settings->beta ? "max_response_output_tokens" : "max_output_tokens",
                           settings->max_tokens);
  append_tools(json, settings->tools);
  g_string_append(json, "}}");
  return g_string_free(json, FALSE);
}

gchar *
realtime_append(const guint8 *audio, gsize size)
{
  g_autofree gchar *encoded = g_base64_encode(audio, size);

  return g_strdup_printf("{\"type\":\"input_audio_buffer.append\",\"audio\":\"%s\"}", encoded);
}

/* The model is asked to say it: it has no voice for texts of ours. */
gchar *
realtime_greet(const RealtimeSettings *settings)
{
  g_autofree gchar *say = g_strconcat(
      "Greet the caller. Say exactly this and nothing else: ", settings->greeting, NULL);
  g_autofree gchar *quoted = quote(say);

  return g_strdup_printf("{\"type\":\"response.create\",\"response\":{\"instructions\":%s}}",
                         quoted);
}

gchar *
realtime_truncate(const gchar *item, guint64 ms)
{
  g_autofree gchar *quoted = quote(item);

  return g_strdup_printf("{\"type\":\"conversation.item.truncate\",\"item_id\":%s,"
                         "\"content_index\":0,\"audio_end_ms\":%" G_GUINT64_FORMAT "}",
                         quoted, ms);
}

/* What was said before the connection broke; what an assistant said is called differently in the
 * two dialects. */
gchar *
realtime_item(const RealtimeSettings *settings, const gchar *role, const gchar *text)
{
  gboolean user = g_str_equal(role, "user");
  g_autofree gchar *quoted = quote(text);

  return g_strdup_printf("{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"message\","
                         "\"role\":\"%s\",\"content\":[{\"type\":\"%s\",\"text\":%s}]}}",
                         role,
                         user             ? "input_text"
                         : settings->beta ? "text"
                                          : "output_text",
                         quoted);
}

gchar *
realtime_respond(void)
{
  return g_strdup("{\"type\":\"response.create\"}");
}

gchar *
realtime_cancel(void)
{
  return g_strdup("{\"type\":\"response.cancel\"}");
}

gchar *
realtime_function_call(const RealtimeCall *call)
{
  g_autofree gchar *id = quote(call->id);
  g_autofree gchar *name = quote(call->name);
  g_autofree gchar *arguments = quote(call->arguments);

  return g_strdup_printf("{\"type\":\"conversation.item.create\",\"item\":{\"type\":"
                         "\"function_call\",\"call_id\":%s,\"name\":%s,\"arguments\":%s}}",
                         id, name, arguments);
}

gchar *
realtime_function_result(const gchar *call_id, const gchar *output)
{
  g_autofree gchar *id = quote(call_id);
  g_autofree gchar *quoted = quote(output);

  return g_strdup_printf("{\"type\":\"conversation.item.create\",\"item\":{\"type\":"
                         "\"function_call_output\",\"call_id\":%s,\"output\":%s}}",
                         id, quoted);
}
