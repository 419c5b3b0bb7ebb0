/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>

#include "cordboard.h"

G_BEGIN_DECLS

/* llmtextgen on a manual worker, a caller, and a service whose answers are written down before:
 * each request gets the next one. Time is virtual, and passes when nothing else does. */

#define LLM_RIG_KEY "sk-never-to-be-seen"

/* What follows an answer's last byte. */
typedef enum {
  LLM_RIG_COMPLETE, /* it is whole */
  LLM_RIG_CLOSE,
  LLM_RIG_RESET,
  LLM_RIG_STALL,   /* nothing, ever */
  LLM_RIG_CHATTER, /* comments, for ever */
} LlmRigEnding;

typedef struct {
  CordWorker *worker;
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GString *said;    /* what came out: [piece][piece]; then . for the end of a turn */
  GString *posted;  /* "tool NAME ARGUMENTS;warning;FROM>TO;" */
  GString *seen;    /* everything that was posted or logged */
  gchar *last_tool; /* id of the last call */

  int listener;
  guint port;
  GPtrArray *peers; /* the service's connections */
  GQueue answers;
  const gchar *models; /* the status with which the list of models is answered */
  GPtrArray *requests; /* what was asked: request line, headers and body */
  GArray *times;       /* GstClockTime, of the requests */
} LlmRig;

void llm_rig_init(LlmRig *self);
void llm_rig_start(LlmRig *self, const gchar *properties, gboolean preconnect);
void llm_rig_clear(LlmRig *self);

/* The service. @body is cut where it is: the ending comes there. @size of the pieces, 0: all. */
void llm_rig_stream(LlmRig *self, const gchar *body, LlmRigEnding ending, gsize size);
void llm_rig_answer(LlmRig *self, const gchar *head, const gchar *body);
void llm_rig_raw(LlmRig *self, const gchar *bytes, LlmRigEnding ending);
guint llm_rig_count_open(LlmRig *self);

/* The caller */
void llm_rig_say(LlmRig *self, guint turn, const gchar *text);
void llm_rig_step(LlmRig *self);
void llm_rig_pass(LlmRig *self, GstClockTime time);
void llm_rig_await_end(LlmRig *self);
void llm_rig_await_request(LlmRig *self, guint n);
void llm_rig_await_tool(LlmRig *self);
void llm_rig_submit(LlmRig *self, const gchar *result);
gchar *llm_rig_take_said(LlmRig *self);

G_END_DECLS
