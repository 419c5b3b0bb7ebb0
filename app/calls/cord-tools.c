/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-tools.h"

#include "cord-json.h"

#define END_CALL "end_call"

/**
 * cord_tools_describe:
 * @agent: an agent
 *
 * Returns: (nullable): the tools that it may call, as OpenAI has them; %NULL: none
 */
const gchar *
cord_tools_describe(const CordAgent *agent)
{
  static const gchar end_call[] =
      "[{\"type\":\"function\",\"function\":{\"name\":\"" END_CALL "\",\"description\":\"Ends the "
      "telephone call once you have said goodbye.\",\"parameters\":{\"type\":\"object\","
      "\"properties\":{\"reason\":{\"type\":\"string\",\"description\":\"Why the call ends\"}}}}}]";

  return g_strv_contains((const gchar *const *)agent->tools_enabled, END_CALL) ? end_call : NULL;
}

/**
 * cord_tools_run:
 * @name: (nullable): which tool; a model may have made it up
 * @result: (out) (transfer full): what the model is told, JSON
 *
 * To end the conversation is up to the caller.
 *
 * Returns: whether there is such a tool; it is the one that ends the conversation
 */
gboolean
cord_tools_run(const gchar *name, gchar **result)
{
  g_autoptr(JsonObject) object = json_object_new();
  gboolean known = g_strcmp0(name, END_CALL) == 0;

  if (known) {
    json_object_set_boolean_member(object, "ok", TRUE);
  } else {
    g_autofree gchar *error = g_strdup_printf("there is no tool \"%s\"", name ? name : "");

    json_object_set_string_member(object, "error", error);
  }
  *result = cord_json_print_object(object);
  return known;
}

/**
 * cord_tools_get_signal:
 * @known: what cord_tools_run() returned
 *
 * Returns: by which signal the result goes to the element that thinks: nothing needs to be said of
 *   a conversation's end
 */
const gchar *
cord_tools_get_signal(gboolean known)
{
  return known ? "submit-final-tool-result" : "submit-tool-result";
}
