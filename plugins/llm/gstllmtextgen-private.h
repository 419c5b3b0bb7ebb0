/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-inbox.h"
#include "llm-candidates.h"

G_BEGIN_DECLS

/* Inside of llmtextgen: the element (gstllmtextgen.c), what streams through it
 * (gstllmtextgen-stream.c) and the results of tools (gstllmtextgen-tools.c). */

#define GST_TYPE_LLM_TEXTGEN (gst_llm_textgen_get_type())
G_DECLARE_FINAL_TYPE(GstLlmTextgen, gst_llm_textgen, GST, LLM_TEXTGEN, GstElement)

struct _GstLlmTextgen {
  GstElement parent_instance;
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;

  /* properties; object lock */
  gchar *context, *provider, *model, *api_key, *url, *system_prompt, *greeting;
  gchar *script, *script_location, *language, *fallback_text, *fallback_models, *tools, *history;
  gchar *script_read; /* of script_location, before the start */
  gdouble temperature;
  guint max_tokens, max_history_turns;
  guint tool_timeout_ms, request_timeout_ms, first_token_timeout_ms, hedge_ms;
  gboolean append_newline, preconnect, json_mode;

  /* from READY on */
  CordLlmProvider *thinker;
  LlmCandidates candidates;
  LlmConfig config; /* its strings are copies of its own */
  JsonNode *tools_node, *history_node;

  /* worker only */
  LlmSession *session;
  GstSegment segment;
  gboolean greeted;
  gboolean need_caps, need_segment;
  guint own_turns; /* where nobody upstream counts them */
  gint64 continues_turn, continues;
  gint64 told_input, told_output; /* tokens */
  GstClockTime position;
  GstEvent *eos;
};

G_GNUC_INTERNAL extern const LlmSessionFuncs gst_llm_textgen_session_funcs;

G_GNUC_INTERNAL void gst_llm_textgen_install_signals(GstLlmTextgenClass *klass);

G_GNUC_INTERNAL GstFlowReturn gst_llm_textgen_on_object(GstMiniObject *object, gpointer data);
G_GNUC_INTERNAL GstFlowReturn gst_llm_textgen_sink_chain(GstPad *pad, GstObject *parent,
                                                         GstBuffer *buffer);
G_GNUC_INTERNAL gboolean gst_llm_textgen_sink_event(GstPad *pad, GstObject *parent,
                                                    GstEvent *event);
G_GNUC_INTERNAL gboolean gst_llm_textgen_src_event(GstPad *pad, GstObject *parent, GstEvent *event);

G_END_DECLS
