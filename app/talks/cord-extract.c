/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-extract.h"

#include <string.h>

#include "cord-errand.h"
#include "cord-extraction.h"

#define IN "giostreamsrc name=in blocksize=1048576 ! capsfilter caps=text/x-raw,format=utf8"
#define OUT "appsink name=out"
#define MAX_ANSWER (64 * 1024) /* bytes */

/* The agent's model, but for this one question: nothing of the agent's own manner. */
static GstElement *
make_model(const CordExtractOrder *order, GError **error)
{
  GstElement *llm = cord_pipelines_make(order->pipelines, order->agent, CORD_SERVICE_LLM, error);

  if (llm)
    g_object_set(llm, "system-prompt", cord_extraction_get_prompt(), "json-mode", TRUE,
                 "temperature", 0.0, "max-tokens", 0, "tools", NULL, "greeting", NULL, "history",
                 NULL, "fallback-text", "", "hedge", 0, NULL);
  return llm;
}

static GstElement *
parse(const gchar *description, GError **error)
{
  return gst_parse_bin_from_description_full(description, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS,
                                             error);
}

static GstElement *
build(const CordExtractOrder *order, GError **error)
{
  GstElement *llm = make_model(order, error);
  GstElement *in = llm ? parse(IN, error) : NULL;
  GstElement *out = in ? parse(OUT, error) : NULL;
  g_autoptr(GstContext) context = cord_worker_to_gst_context(order->worker);
  GstElement *pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));

  for (guint i = 0; i < 3; i++) {
    GstElement *part = i == 0 ? in : i == 1 ? llm : out;

    if (part)
      gst_bin_add(GST_BIN(pipeline), part);
  }
  if (out == NULL) {
    gst_object_unref(pipeline);
    return NULL;
  }
  gst_element_link_many(in, llm, out, NULL);
  gst_element_set_context(pipeline, context);
  return pipeline;
}

/**
 * cord_extract:
 * @order: what is asked, and whom
 * @cancellable: (nullable): ends it early
 * @error: return location for an error: those of cord_errand_run() and cord_extraction_parse()
 *
 * Asks. Blocks; any thread that may.
 *
 * Returns: (transfer full): what was found out, or %NULL
 */
JsonObject *
cord_extract(const CordExtractOrder *order, GCancellable *cancellable, GError **error)
{
  g_autoptr(GBytes) input = g_bytes_new(order->transcript, strlen(order->transcript));
  const CordErrandOrder errand = { input, order->timeout_ms, MAX_ANSWER, NULL, NULL, NULL };
  g_autoptr(GstElement) pipeline = build(order, error);
  g_autoptr(CordErrandResult) result =
      pipeline ? cord_errand_run(pipeline, &errand, cancellable, error) : NULL;

  if (result == NULL)
    return NULL;
  if (result->bytes->len == 0 && result->complaint) {
    g_propagate_error(error, g_steal_pointer(&result->complaint));
    return NULL;
  }
  return cord_extraction_parse((const gchar *)result->bytes->data, result->bytes->len, error);
}
