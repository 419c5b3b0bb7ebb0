/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-events.h"
#include "cord-llm-provider.h"
#include "cord-worker.h"

G_BEGIN_DECLS

/* The agent's side of a conversation: history, the answer under way, what was heard of the others.
 * It lives on a worker and knows nothing of pads. */

/**
 * LlmSessionFuncs:
 * @started: the answer of a turn begins
 * @piece: a piece of it that can be spoken, or its sound was recorded: @clip, mu-law at 8 kHz
 * @finished: it is complete; its whole text
 * @heard: what the caller heard of a turn, once a turn
 * @tool_call: the model wants a tool run; llm_session_tool_result() is expected
 * @problem: something went wrong, and the conversation goes on
 * @failover: a model has failed, and another is asked in its place
 * @idle: no answer is under way any more
 */
typedef struct {
  void (*started)(CordTurn *turn, gpointer data);
  void (*piece)(CordTurn *turn, const gchar *text, GBytes *clip, gpointer data);
  void (*finished)(CordTurn *turn, const gchar *text, gpointer data);
  void (*heard)(guint turn, const gchar *text, const gchar *full_text, gboolean interrupted,
                gpointer data);
  void (*tool_call)(guint turn, const gchar *id, const gchar *name, const gchar *arguments,
                    gpointer data);
  void (*problem)(const GError *error, gpointer data);
  void (*failover)(const gchar *from, const gchar *to, const gchar *reason, gpointer data);
  void (*idle)(gpointer data);
} LlmSessionFuncs;

/**
 * LlmCandidate:
 * @provider: who answers
 * @settings: for the requests; what it points to outlives the session
 *
 * A model that may be asked.
 */
typedef struct {
  CordLlmProvider *provider;
  CordLlmSettings settings;
} LlmCandidate;

#define LLM_MAX_CANDIDATES 8

/**
 * LlmConfig:
 * @fallback_text: (nullable): said when no answer is to be had
 * @tool_timeout: how long a tool may take, ns
 * @request_timeout: how long an answer may take, ns
 * @first_token_timeout: how long its first token may take, ns
 * @hedge: after how long without a token another model is asked besides, ns; 0: never
 * @max_turns: of the history that is kept, 0: all
 * @verbatim: answers are not spoken: each is one piece, as the model wrote it
 */
typedef struct {
  const gchar *fallback_text;
  GstClockTime tool_timeout;
  GstClockTime request_timeout;
  GstClockTime first_token_timeout;
  GstClockTime hedge;
  guint max_turns;
  gboolean verbatim;
} LlmConfig;

typedef struct _LlmSession LlmSession;

LlmSession *llm_session_new(CordWorker *worker, const LlmCandidate *candidates, guint n_candidates,
                            const LlmConfig *config, const LlmSessionFuncs *funcs, gpointer data);
guint llm_session_recall(LlmSession *self, JsonArray *messages);
void llm_session_prepare(LlmSession *self);
void llm_session_free(LlmSession *self);

void llm_session_say(LlmSession *self, CordTurn *turn, const gchar *text);
void llm_session_answer(LlmSession *self, CordTurn *turn, const gchar *said, gint64 continues);
void llm_session_reply(LlmSession *self, CordTurn *turn, const gchar *said, gint64 continues,
                       const gchar *text, GBytes *clip);
void llm_session_interrupt(LlmSession *self);
void llm_session_settle(LlmSession *self);
void llm_session_playout(LlmSession *self, const CordPlayout *playout);
void llm_session_tool_result(LlmSession *self, const gchar *id, const gchar *result,
                             gboolean final);
gboolean llm_session_is_busy(LlmSession *self);
void llm_session_get_usage(LlmSession *self, gint64 *input, gint64 *output);

G_END_DECLS
