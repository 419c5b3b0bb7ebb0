/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "llm-session-private.h"

#define MAX_TOOL_ROUNDS 5

/* Tools */

static CordLlmToolCall *
ensure_call(LlmSession *self, guint index)
{
  while (self->calls->len <= index)
    g_ptr_array_add(self->calls, cord_llm_tool_call_new(NULL, NULL, ""));
  return self->calls->pdata[index];
}

void
llm_session_tools_done(LlmSession *self)
{
  guint turn = cord_turn_get_number(self->turn);

  g_clear_pointer(&self->timer, cord_timer_remove);
  for (guint i = 0; i < self->calls->len; i++) {
    const CordLlmToolCall *call = self->calls->pdata[i];
    const gchar *result = g_hash_table_lookup(self->results, call->id);

    cord_llm_conversation_add_tool_result(
        self->conversation, turn, call->id,
        result ? result : "{\"error\":\"the tool did not answer in time\"}");
  }
  g_clear_pointer(&self->results, g_hash_table_unref);
  g_ptr_array_unref(self->calls);
  self->calls = g_ptr_array_new_with_free_func((GDestroyNotify)cord_llm_tool_call_free);
  self->attempts = 0;
  llm_session_ask(self);
}

static void
on_tool_deadline(gpointer data)
{
  LlmSession *self = data;

  self->timer = NULL;
  llm_session_tools_done(self);
}

static void
run_tools(LlmSession *self)
{
  guint generation = self->generation;
  g_autoptr(GPtrArray) calls = g_ptr_array_ref(self->calls);
  guint turn = cord_turn_get_number(self->turn);

  if (++self->rounds > MAX_TOOL_ROUNDS) {
    g_autoptr(GError) error =
        g_error_new(CORD_ERROR, CORD_ERROR_PROTOCOL, "the model called tools %d times in one turn",
                    MAX_TOOL_ROUNDS);

    llm_session_give_up(self, error);
    return;
  }
  self->results = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->timer =
      cord_worker_add_timer(self->worker, self->config.tool_timeout, on_tool_deadline, self);
  cord_llm_conversation_add_tool_calls(self->conversation, turn, calls, self->opaque);
  g_clear_pointer(&self->opaque, g_free);
  for (guint i = 0; i < calls->len && generation == self->generation; i++) {
    CordLlmToolCall *call = calls->pdata[i];

    /* a tool without arguments is called without any */
    if (*call->arguments == '\0') {
      g_free(call->arguments);
      call->arguments = g_strdup("{}");
    }
    if (call->id == NULL)
      call->id = g_strdup_printf("call-%u-%u", self->rounds, i);
    self->funcs.tool_call(turn, call->id, call->name ? call->name : "", call->arguments,
                          self->data);
  }
}

/* The reply */

static void
take_text(const gchar *text, gpointer data)
{
  LlmSession *self = data;

  if (self->turn == NULL)
    return;
  llm_session_claim(self);
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_FIRST_TOKEN, cord_worker_get_time(self->worker));
  cord_text_cutter_feed(self->cutter, text);
  llm_session_push_pieces(self);
}

static void
take_tool_call(guint index, const gchar *id, const gchar *name, const gchar *arguments,
               gpointer data)
{
  LlmSession *self = data;
  CordLlmToolCall *call;
  gchar *joined;

  if (self->turn == NULL)
    return;
  llm_session_claim(self);
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_FIRST_TOKEN, cord_worker_get_time(self->worker));
  call = ensure_call(self, index);
  if (id && call->id == NULL)
    call->id = g_strdup(id);
  if (name && call->name == NULL)
    call->name = g_strdup(name);
  joined = g_strconcat(call->arguments, arguments, NULL);
  g_free(call->arguments);
  call->arguments = joined;
}

static void
take_finish(const gchar *reason, gpointer data)
{
  LlmSession *self = data;

  llm_session_claim(self);
  self->complete = TRUE;
}

static void
take_usage(gint64 input, gint64 output, gpointer data)
{
  LlmSession *self = data;

  self->input_tokens += input;
  self->output_tokens += output;
}

static void
take_opaque(gint index, const gchar *text, gpointer data)
{
  LlmSession *self = data;
  gchar **opaque = index < 0 ? &self->opaque : &ensure_call(self, (guint)index)->opaque;
  gchar *joined = g_strconcat(*opaque ? *opaque : "", text, NULL);

  g_free(*opaque);
  *opaque = joined;
}

const CordLlmSink llm_session_sink = { take_text, take_tool_call, take_finish, take_usage,
                                       take_opaque };

void
llm_session_reply_complete(LlmSession *self)
{
  if (self->calls->len > 0) {
    cord_text_cutter_finish(self->cutter);
    llm_session_push_pieces(self);
    cord_text_cutter_reset(self->cutter);
    if (self->turn)
      run_tools(self);
  } else {
    llm_session_finish(self);
  }
}

/* A provider that answers at once, with a delay per token to imitate one that does not */

static void
queue_text(const gchar *text, gpointer data)
{
  Token *token = g_new0(Token, 1);

  token->text = g_strdup(text);
  g_queue_push_tail(&((LlmSession *)data)->tokens, token);
}

static void
queue_tool_call(guint index, const gchar *id, const gchar *name, const gchar *arguments,
                gpointer data)
{
  Token *token = g_new0(Token, 1);

  token->id = g_strdup(id);
  token->name = g_strdup(name);
  token->arguments = g_strdup(arguments);
  g_queue_push_tail(&((LlmSession *)data)->tokens, token);
}

static void
queue_finish(const gchar *reason, gpointer data)
{
}

static const CordLlmSink queue_sink = { queue_text, queue_tool_call, queue_finish, take_usage,
                                        take_opaque };

static void
on_token(gpointer data)
{
  LlmSession *self = data;
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(self->provider);
  Token *token = g_queue_pop_head(&self->tokens);
  guint generation = self->generation;

  self->timer = NULL;
  if (token == NULL) {
    llm_session_reply_complete(self);
    return;
  }
  if (token->text)
    take_text(token->text, self);
  else
    take_tool_call(self->calls->len, token->id, token->name, token->arguments, self);
  llm_token_free(token);
  if (generation == self->generation)
    self->timer =
        cord_worker_add_timer(self->worker, klass->get_token_delay(self->provider), on_token, self);
}

static void
generate(LlmSession *self)
{
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(self->provider);
  GstClockTime delay = klass->get_token_delay ? klass->get_token_delay(self->provider) : 0;
  guint generation = self->generation;
  g_autoptr(GError) error = NULL;

  if (!klass->generate(self->provider, self->conversation, delay ? &queue_sink : &llm_session_sink,
                       self, &error)) {
    if (generation == self->generation)
      llm_session_give_up(self, error);
  } else if (delay) {
    self->timer = cord_worker_add_timer(self->worker, delay, on_token, self);
  } else if (generation == self->generation) {
    llm_session_reply_complete(self);
  }
}

void
llm_session_ask(LlmSession *self)
{
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_REQUEST, cord_worker_get_time(self->worker));
  if (CORD_LLM_PROVIDER_GET_CLASS(self->provider)->generate)
    generate(self);
  else
    llm_session_request(self);
}
