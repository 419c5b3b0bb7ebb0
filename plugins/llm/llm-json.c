/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-json.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"

#define MAX_TOKENS (1 << 30) /* what is more was not counted */

/**
 * llm_json_add_string:
 * @builder: in an object
 * @name: a member
 * @value: (nullable): its value
 */
void
llm_json_add_string(JsonBuilder *builder, const gchar *name, const gchar *value)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_string_value(builder, value ? value : "");
}

/**
 * llm_json_parse_arguments:
 * @arguments: (nullable): what a model wrote
 *
 * Returns: (transfer full): an object; an empty one in place of what is none
 */
JsonNode *
llm_json_parse_arguments(const gchar *arguments)
{
  JsonNode *node = arguments && *arguments ? cord_json_parse(arguments, -1, 0, 0, NULL) : NULL;

  if (node && JSON_NODE_HOLDS_OBJECT(node))
    return node;
  g_clear_pointer(&node, json_node_unref);
  node = json_node_new(JSON_NODE_OBJECT);
  json_node_take_object(node, json_object_new());
  return node;
}

/**
 * llm_json_tool_function:
 * @tools: tools as OpenAI writes them
 * @index: which
 *
 * Returns: (transfer none) (nullable): its "function"
 */
JsonObject *
llm_json_tool_function(JsonArray *tools, guint index)
{
  JsonNode *node = json_array_get_element(tools, index);

  return JSON_NODE_HOLDS_OBJECT(node)
             ? cord_json_peek_object(json_node_get_object(node), "function")
             : NULL;
}

/**
 * llm_json_parse_event:
 * @text: of an event of a reply
 * @error: return location for %CORD_ERROR_PROTOCOL
 *
 * Returns: (transfer full): the object, or %NULL
 */
JsonObject *
llm_json_parse_event(const gchar *text, GError **error)
{
  g_autoptr(GError) inner = NULL;
  JsonObject *object = cord_json_parse_object(text, -1, &inner);

  if (object == NULL)
    g_set_error(error, CORD_ERROR, CORD_ERROR_PROTOCOL, "the model's reply: %s", inner->message);
  return object;
}

/**
 * llm_json_check_key:
 * @provider: who is asked
 * @settings: how
 * @base_url: (out) (transfer full): where, without a slash at the end
 * @error: return location for an error
 *
 * Returns: whether there is a key, or a server of one's own that may need none
 */
gboolean
llm_json_check_key(CordLlmProvider *provider, const CordLlmSettings *settings, gchar **base_url,
                   GError **error)
{
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(provider);
  gboolean own = settings->url && *settings->url;
  const gchar *url = own ? settings->url : klass->default_url;
  gsize length = strlen(url);

  /* a server of one's own may have none */
  if (!own && !g_str_has_prefix(url, "http://127.") &&
      (settings->api_key == NULL || *settings->api_key == '\0')) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                "there is no key for %s: set the property api-key or the environment's %s", url,
                klass->key_variable);
    return FALSE;
  }
  while (length > 0 && url[length - 1] == '/')
    length--;
  *base_url = g_strndup(url, length);
  return TRUE;
}

/**
 * llm_usage_report:
 * @self: what was counted of this reply so far
 * @input: tokens that were read, as the reply has it now
 * @output: tokens that were written
 * @sink: whom to tell
 * @data: for @sink
 *
 * Some count once, some in every event from the beginning: what is told is what is new.
 */
void
llm_usage_report(LlmUsage *self, gint64 input, gint64 output, const CordLlmSink *sink,
                 gpointer data)
{
  gint64 more_input = CLAMP(input, self->input, MAX_TOKENS) - self->input;
  gint64 more_output = CLAMP(output, self->output, MAX_TOKENS) - self->output;

  self->input += more_input;
  self->output += more_output;
  if (more_input > 0 || more_output > 0)
    sink->usage(more_input, more_output, data);
}
