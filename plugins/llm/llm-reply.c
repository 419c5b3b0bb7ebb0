/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "llm-session-private.h"

#define MAX_TOOL_ROUNDS 5
#define MAX_ATTEMPTS 3               /* of a request that failed before its first token */
#define BACK_OFF (250 * GST_MSECOND) /* before the second one; doubled for the third */
#define MAX_BACK_OFF (2 * GST_SECOND)

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
  ((LlmSession *)data)->complete = TRUE;
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

static const CordLlmSink direct_sink = { take_text, take_tool_call, take_finish, take_usage,
                                         take_opaque };

static void
reply_complete(LlmSession *self)
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
    reply_complete(self);
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

  if (!klass->generate(self->provider, self->conversation, delay ? &queue_sink : &direct_sink, self,
                       &error)) {
    if (generation == self->generation)
      llm_session_give_up(self, error);
  } else if (delay) {
    self->timer = cord_worker_add_timer(self->worker, delay, on_token, self);
  } else if (generation == self->generation) {
    reply_complete(self);
  }
}

/* A provider behind HTTP */

static void
on_back_off(gpointer data)
{
  LlmSession *self = data;

  self->timer = NULL;
  llm_session_ask(self);
}

static gboolean
may_try_again(LlmSession *self, const GError *error)
{
  gboolean passing = error->domain == CORD_ERROR &&
                     (error->code == CORD_ERROR_NETWORK || error->code == CORD_ERROR_TIMEOUT ||
                      error->code == CORD_ERROR_CLOSED);

  return passing && self->attempts < MAX_ATTEMPTS && self->calls->len == 0 &&
         cord_turn_get_stamp(self->turn, CORD_TURN_STAMP_LLM_FIRST_TOKEN) == GST_CLOCK_TIME_NONE;
}

static void
on_exchange_event(const gchar *event, const gchar *text, gpointer data)
{
  LlmSession *self = data;
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(self->provider);
  guint generation = self->generation;
  g_autoptr(GError) error = NULL;

  if (klass->parse_event(self->provider, event, text, &direct_sink, self, &error) ||
      generation != self->generation)
    return;
  g_clear_pointer(&self->exchange, llm_exchange_cancel);
  llm_session_give_up(self, error);
}

static void
on_exchange_done(const GError *error, GstClockTime retry_after, gpointer data)
{
  LlmSession *self = data;

  self->exchange = NULL;
  if (error == NULL && !self->complete && self->calls->len == 0) {
    g_autoptr(GError) early = g_error_new_literal(CORD_ERROR, CORD_ERROR_CLOSED,
                                                  "the model's reply ended before its end");

    on_exchange_done(early, 0, self);
  } else if (error == NULL) {
    reply_complete(self);
  } else if (may_try_again(self, error)) {
    GstClockTime wait = BACK_OFF << (self->attempts - 1);

    if (retry_after > 0)
      wait = retry_after;
    if (wait > MAX_BACK_OFF) {
      llm_session_give_up(self, error);
      return;
    }
    self->timer = cord_worker_add_timer(self->worker, wait, on_back_off, self);
  } else {
    llm_session_give_up(self, error);
  }
}

static const LlmExchangeFuncs exchange_funcs = { on_exchange_event, on_exchange_done };

static void
request(LlmSession *self)
{
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(self->provider);
  CordLlmRequest http = { NULL };
  g_autoptr(GError) error = NULL;

  self->attempts++;
  self->complete = FALSE;
  if (klass->create_request(self->provider, self->conversation, &self->config.settings, &http,
                            &error))
    self->exchange = llm_exchange_start(self->worker, &http, self->config.first_token_timeout,
                                        self->config.request_timeout, &exchange_funcs, self);
  else
    llm_session_give_up(self, error);
  cord_llm_request_clear(&http);
}

void
llm_session_ask(LlmSession *self)
{
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_REQUEST, cord_worker_get_time(self->worker));
  if (CORD_LLM_PROVIDER_GET_CLASS(self->provider)->generate)
    generate(self);
  else
    request(self);
}
