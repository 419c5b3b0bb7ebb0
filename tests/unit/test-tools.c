/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <string.h>

#include "cord-json.h"
#include "cord-tools.h"

/* The tools that every conversation has, and those that models make up. */

static JsonObject *
run(const gchar *name, gboolean known)
{
  g_autofree gchar *text = NULL;
  g_autoptr(GError) error = NULL;
  JsonObject *object;

  g_assert_cmpint(cord_tools_run(name, &text), ==, known);
  object = cord_json_parse_object(text, -1, &error);
  g_assert_no_error(error);
  return object;
}

static void
test_known(void)
{
  g_autoptr(JsonObject) result = run("end_call", TRUE);

  g_assert_true(cord_json_peek_boolean(result, "ok", FALSE));
}

/* Whatever it is called, what the model is told of it is JSON. */
static void
test_made_up(void)
{
  static const gchar *const names[] = { "", "pay", "a\"b", "a\\", "\n", "\",\"ok\":true,\"x\":\"" };

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autoptr(JsonObject) result = run(names[i], FALSE);

    g_assert_false(json_object_has_member(result, "ok"));
    g_assert_nonnull(strstr(cord_json_peek_string(result, "error", ""), names[i]));
  }
  json_object_unref(run(NULL, FALSE));
}

/* Of the end nothing more needs to be said; of a tool that there is not, something does. */
static void
test_signals(void)
{
  g_assert_cmpstr(cord_tools_get_signal(TRUE), ==, "submit-final-tool-result");
  g_assert_cmpstr(cord_tools_get_signal(FALSE), ==, "submit-tool-result");
}

static void
test_described(void)
{
  gchar *enabled[] = { (gchar *)"end_call", NULL };
  gchar *none[] = { NULL };
  CordAgent agent = { .tools_enabled = enabled };
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(GError) error = NULL;

  node = cord_json_parse(cord_tools_describe(&agent), -1, 0, 0, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(json_array_get_length(json_node_get_array(node)), ==, 1);
  agent.tools_enabled = none;
  g_assert_null(cord_tools_describe(&agent));
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tools/the conversation can be ended", test_known);
  g_test_add_func("/tools/one that was made up is an error, in JSON", test_made_up);
  g_test_add_func("/tools/the end is final, an error is not", test_signals);
  g_test_add_func("/tools/a model is told of what its agent may do", test_described);
  return g_test_run();
}
