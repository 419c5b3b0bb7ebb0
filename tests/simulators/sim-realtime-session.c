/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-realtime.h"

/* How a session of OpenAI's Realtime is set up, and what it does not take. */

#define PCM_RATE 24000
#define MULAW_RATE 8000

#define DETECTION                                                                                  \
  "{\"type\":\"server_vad\",\"threshold\":0.5,\"prefix_padding_ms\":300,\"silence_duration_ms\":"  \
  "500,\"idle_timeout_ms\":null,\"create_response\":true,\"interrupt_response\":true}"

static const gchar *const ga_members[] = {
  "type",    "output_modalities", "model",     "instructions", "audio",
  "include", "tracing",           "tools",     "tool_choice",  "max_output_tokens",
  "prompt",  "truncation",        "reasoning", NULL,
};
static const gchar *const beta_members[] = {
  "model",
  "modalities",
  "instructions",
  "voice",
  "speed",
  "input_audio_format",
  "output_audio_format",
  "input_audio_transcription",
  "input_audio_noise_reduction",
  "turn_detection",
  "tools",
  "tool_choice",
  "temperature",
  "tracing",
  "max_response_output_tokens",
  NULL,
};
static const gchar *const voices[] = { "alloy",   "ash",   "ballad", "coral", "echo", "sage",
                                       "shimmer", "verse", "marin",  "cedar", NULL };
static const gchar *const formats[] = { "audio/pcm", "audio/pcmu", "pcm16", "g711_ulaw", NULL };

JsonNode *
sim_realtime_setting(SimRealtime *self, const gchar *ga, const gchar *beta)
{
  g_auto(GStrv) parts = g_strsplit(self->beta ? beta : ga, ".", -1);
  JsonObject *object = self->session;

  for (guint i = 0; object && parts[i + 1]; i++)
    object = cord_json_peek_object(object, parts[i]);
  return object ? json_object_get_member(object, parts[g_strv_length(parts) - 1]) : NULL;
}

JsonObject *
sim_realtime_setting_object(SimRealtime *self, const gchar *ga, const gchar *beta)
{
  JsonNode *node = sim_realtime_setting(self, ga, beta);

  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* A name, or {"type": NAME} */
static const gchar *
format_of(JsonNode *node)
{
  if (node && JSON_NODE_HOLDS_OBJECT(node))
    return cord_json_peek_string(json_node_get_object(node), "type", "");
  return node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : "";
}

gboolean
sim_realtime_is_mulaw(SimRealtime *self, gboolean input)
{
  const gchar *format =
      format_of(input ? sim_realtime_setting(self, "audio.input.format", "input_audio_format")
                      : sim_realtime_setting(self, "audio.output.format", "output_audio_format"));

  return g_strcmp0(format, "audio/pcmu") == 0 || g_strcmp0(format, "g711_ulaw") == 0;
}

void
sim_realtime_tell_session(SimRealtime *self, const gchar *type)
{
  g_autofree gchar *session = cord_json_print_object(self->session);
  g_autofree gchar *members = g_strconcat("\"session\":", session, NULL);

  sim_realtime_tell(self, type, members);
}

JsonObject *
sim_realtime_first_session(SimRealtime *self)
{
  const gchar *model = sim_socket_get_query(self->socket, "model");
  g_autofree gchar *name = sim_quote(model ? model : "gpt-realtime");
  g_autofree gchar *id = sim_id(self->server, "sess_");
  g_autofree gchar *text =
      self->beta
          ? g_strdup_printf(
                "{\"object\":\"realtime.session\",\"id\":\"%s\",\"model\":%s,\"modalities\":["
                "\"audio\",\"text\"],\"instructions\":\"\",\"voice\":\"alloy\","
                "\"input_audio_format\":\"pcm16\",\"output_audio_format\":\"pcm16\","
                "\"input_audio_transcription\":null,\"turn_detection\":" DETECTION ",\"tools\":[],"
                "\"tool_choice\":\"auto\",\"temperature\":0.8,\"max_response_output_tokens\":"
                "\"inf\"}",
                id, name)
          : g_strdup_printf(
                "{\"type\":\"realtime\",\"object\":\"realtime.session\",\"id\":\"%s\",\"model\":%s,"
                "\"output_modalities\":[\"audio\"],\"instructions\":\"\",\"tools\":[],"
                "\"tool_choice\":\"auto\",\"max_output_tokens\":\"inf\",\"tracing\":null,"
                "\"truncation\":\"auto\",\"prompt\":null,\"expires_at\":1800000000,\"audio\":{"
                "\"input\":{\"format\":{\"type\":\"audio/pcm\",\"rate\":24000},\"transcription\":"
                "null,\"noise_reduction\":null,\"turn_detection\":" DETECTION "},\"output\":{"
                "\"format\":{\"type\":\"audio/pcm\",\"rate\":24000},\"voice\":\"alloy\",\"speed\":"
                "1.0}},\"include\":null}",
                id, name);

  return cord_json_parse_object(text, -1, NULL);
}

/* Of what has parts of its own only the parts that are named change. */
static void
merge(JsonObject *into, JsonObject *from)
{
  static const gchar *const nested[] = { "audio", "input", "output", NULL };
  g_autoptr(GList) names = json_object_get_members(from);

  for (GList *link = names; link; link = link->next) {
    JsonObject *old = cord_json_peek_object(into, link->data);
    JsonObject *new = cord_json_peek_object(from, link->data);

    if (g_strv_contains(nested, link->data) && old && new)
      merge(old, new);
    else
      json_object_set_member(into, link->data,
                             json_node_copy(json_object_get_member(from, link->data)));
  }
}

static gboolean
refuse_parameter(SimRealtime *self, JsonObject *message, const gchar *code, const gchar *what,
                 const gchar *name)
{
  g_autofree gchar *param = g_strconcat("session.", name, NULL);
  g_autofree gchar *text = g_strdup_printf("%s: '%s'.", what, param);

  sim_realtime_refuse(self, message, code, param, text);
  return FALSE;
}

static gboolean
check_tools(SimRealtime *self, JsonObject *message, JsonObject *session)
{
  JsonArray *tools = cord_json_peek_array(session, "tools");

  for (guint i = 0; tools && i < json_array_get_length(tools); i++) {
    JsonObject *tool = json_array_get_object_element(tools, i);
    g_autofree gchar *name = g_strdup_printf("tools[%u].name", i);

    if (!cord_json_peek_string(tool, "name", NULL))
      return refuse_parameter(self, message, "missing_required_parameter",
                              "Missing required parameter", name);
  }
  return TRUE;
}

static gboolean
check_audio(SimRealtime *self, JsonObject *message, JsonObject *session)
{
  JsonObject *audio = cord_json_peek_object(session, "audio");
  JsonObject *input = audio ? cord_json_peek_object(audio, "input") : NULL;
  JsonObject *output = audio ? cord_json_peek_object(audio, "output") : NULL;
  JsonNode *in = self->beta ? json_object_get_member(session, "input_audio_format")
                 : input    ? json_object_get_member(input, "format")
                            : NULL;
  JsonNode *out = self->beta ? json_object_get_member(session, "output_audio_format")
                  : output   ? json_object_get_member(output, "format")
                             : NULL;
  JsonObject *voiced = self->beta ? session : output;
  const gchar *voice = voiced ? cord_json_peek_string(voiced, "voice", NULL) : NULL;
  JsonNode *now = sim_realtime_setting(self, "audio.output.voice", "voice");

  if ((in && !g_strv_contains(formats, format_of(in))) ||
      (out && !g_strv_contains(formats, format_of(out))))
    return refuse_parameter(self, message, "invalid_value", "Invalid value (here: PCM or mu-law)",
                            self->beta ? "input_audio_format" : "audio.input.format.type");
  if (voice && !g_strv_contains(voices, voice))
    return refuse_parameter(self, message, "invalid_value", "Invalid value",
                            self->beta ? "voice" : "audio.output.voice");
  if (voice && self->voiced && g_strcmp0(voice, json_node_get_string(now)) != 0) {
    sim_realtime_refuse(self, message, "cannot_update_voice", "session.voice",
                        "Cannot update a conversation's voice if assistant audio is present.");
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_session(SimRealtime *self, JsonObject *message, JsonObject *session)
{
  const gchar *const *members = self->beta ? beta_members : ga_members;
  g_autoptr(GList) names = json_object_get_members(session);

  if (!self->beta && !cord_json_peek_string(session, "type", NULL))
    return refuse_parameter(self, message, "missing_required_parameter",
                            "Missing required parameter", "type");
  for (GList *link = names; link; link = link->next)
    if (!g_strv_contains(members, link->data))
      return refuse_parameter(self, message, "unknown_parameter", "Unknown parameter", link->data);
  return check_tools(self, message, session) && check_audio(self, message, session);
}

void
sim_realtime_read_session(SimRealtime *self)
{
  self->ear.mulaw = sim_realtime_is_mulaw(self, TRUE);
  self->ear.rate = self->ear.mulaw ? MULAW_RATE : PCM_RATE;
}

void
sim_realtime_update_session(SimRealtime *self, JsonObject *message)
{
  JsonObject *session = cord_json_peek_object(message, "session");

  if (!session) {
    sim_realtime_refuse(self, message, "missing_required_parameter", "session",
                        "Missing required parameter: 'session'.");
    return;
  }
  if (!check_session(self, message, session))
    return;
  merge(self->session, session);
  sim_realtime_read_session(self);
  sim_realtime_tell_session(self, "session.updated");
}
