/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstllmtextgen-private.h"

/* What tools have come to: from whichever thread runs them to the worker. */

typedef struct {
  GstLlmTextgen *self;
  gchar *id;
  gchar *json;
  gboolean final;
} ToolResult;

static void
run_tool_result(gpointer data)
{
  ToolResult *result = data;

  if (result->self->session)
    llm_session_tool_result(result->self->session, result->id, result->json, result->final);
}

static void
free_tool_result(gpointer data)
{
  ToolResult *result = data;

  gst_object_unref(result->self);
  g_free(result->id);
  g_free(result->json);
  g_free(result);
}

static void
submit(GstLlmTextgen *self, const gchar *id, const gchar *json, gboolean final)
{
  ToolResult *result;

  if (self->worker == NULL || id == NULL)
    return;
  result = g_new0(ToolResult, 1);
  *result =
      (ToolResult){ gst_object_ref(self), g_strdup(id), g_strdup(json ? json : "null"), final };
  cord_worker_post(self->worker, run_tool_result, result, free_tool_result);
}

static void
submit_tool_result(GstLlmTextgen *self, const gchar *id, const gchar *json)
{
  submit(self, id, json, FALSE);
}

static void
submit_final_tool_result(GstLlmTextgen *self, const gchar *id, const gchar *json)
{
  submit(self, id, json, TRUE);
}

void
gst_llm_textgen_install_signals(GstLlmTextgenClass *klass)
{
  /**
   * GstLlmTextgen::submit-tool-result:
   * @self: the element
   * @id: the "id" of a cordboard/tool-call message
   * @result: JSON
   *
   * Gives the model the result of a tool. Any thread.
   */
  g_signal_new_class_handler("submit-tool-result", G_TYPE_FROM_CLASS(klass),
                             G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(submit_tool_result),
                             NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
  /**
   * GstLlmTextgen::submit-final-tool-result:
   * @self: the element
   * @id: the "id" of a cordboard/tool-call message
   * @result: JSON
   *
   * The same for a tool of whose result nothing needs to be said, such as one that ends the call: a
   * model that has said something in this turn is not asked again. Any thread.
   */
  g_signal_new_class_handler("submit-final-tool-result", G_TYPE_FROM_CLASS(klass),
                             G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
                             G_CALLBACK(submit_final_tool_result), NULL, NULL, NULL, G_TYPE_NONE, 2,
                             G_TYPE_STRING, G_TYPE_STRING);
}
