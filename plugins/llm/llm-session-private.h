/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-text-cutter.h"
#include "llm-exchange.h"
#include "llm-health.h"
#include "llm-session.h"

G_BEGIN_DECLS

/* Inside of LlmSession: the conversation (llm-session.c), the reply under way (llm-reply.c)
 * and whoever is asked for it (llm-attempts.c). */

/* What was said in a turn, until it is known what was heard of it. */
typedef struct {
  guint turn;
  GString *text;
  gboolean interrupted;
} Spoken;

/* A token of a provider that answers at once and is to take its time. */
typedef struct {
  gchar *text; /* NULL: a tool call or the end */
  gchar *id, *name, *arguments;
  gchar *reason;
} Token;

/* A model that was asked for the answer. */
typedef struct {
  LlmSession *session;
  guint candidate;
  LlmExchange *exchange;
  CordTimer *deadline; /* until more of the answer comes */
  GString *opaque;     /* what the provider wants back; the session's once this one has won */
  gboolean progress;   /* the event that is read brings something */
  gboolean complete;   /* the answer has its end */
} LlmAttempt;

struct _LlmSession {
  CordWorker *worker;
  CordLlmProvider *provider; /* who generates */
  LlmConfig config;
  LlmSessionFuncs funcs;
  gpointer data;

  CordLlmConversation *conversation;
  CordTextCutter *cutter;
  GQueue spoken; /* Spoken, oldest first */

  /* the answer under way; turn is NULL when there is none */
  CordTurn *turn;
  guint generation;         /* of callbacks that may come too late */
  LlmCandidate *candidates; /* the preferred one first */
  LlmHealth *health[LLM_MAX_CANDIDATES];
  guint n_candidates;
  GQueue running;      /* LlmAttempt */
  LlmAttempt *winner;  /* whose answer it is */
  LlmAttempt *parsing; /* whose event is read */
  guint32 tried;       /* candidates, for this answer */
  guint again;         /* the candidate of the next attempt */
  CordTimer *hedge;    /* until another is asked besides */
  guint attempts;
  guint rounds;
  guint call_ids;      /* of calls that came without an id */
  gboolean spoke;      /* the reply under way has words */
  gboolean said;       /* some of this turn was given out */
  guint n_final;       /* results that nothing needs to be said of */
  GPtrArray *calls;    /* CordLlmToolCall, by index */
  gchar *opaque;       /* what the provider wants back with them */
  GHashTable *results; /* id -> JSON, NULL when no tool runs */
  CordTimer *timer;    /* back-off, a tool's deadline or the next token */
  GQueue tokens;       /* Token */
  gint64 input_tokens, output_tokens;
};

G_GNUC_INTERNAL void llm_token_free(gpointer data);
G_GNUC_INTERNAL void llm_session_push_pieces(LlmSession *self);
G_GNUC_INTERNAL void llm_session_finish(LlmSession *self);
G_GNUC_INTERNAL void llm_session_give_up(LlmSession *self, const GError *error);
G_GNUC_INTERNAL void llm_session_tools_done(LlmSession *self);
G_GNUC_INTERNAL void llm_session_ask(LlmSession *self);
G_GNUC_INTERNAL void llm_session_reply_complete(LlmSession *self);
G_GNUC_INTERNAL void llm_session_request(LlmSession *self);
G_GNUC_INTERNAL void llm_session_generate(LlmSession *self, CordLlmProvider *provider);
G_GNUC_INTERNAL void llm_session_claim(LlmSession *self);
G_GNUC_INTERNAL void llm_session_drop_reply(LlmSession *self);
G_GNUC_INTERNAL void llm_session_stop_attempts(LlmSession *self);
G_GNUC_INTERNAL extern const CordLlmSink llm_session_sink;

G_END_DECLS
