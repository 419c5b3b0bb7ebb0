/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "llm-json.h"
#include "llm-session-private.h"

#define MAX_TOOL_ROUNDS 5
#define MAX_CALLS 64              /* in one reply */
#define MAX_ARGUMENTS (64 * 1024) /* bytes; what is longer is cut, and thereby no JSON */
#define MAX_OPAQUE (256 * 1024)   /* bytes */

static gboolean
is_space(const gchar *text)
{
  while (g_ascii_isspace(*text))
    text++;
  return *text == '\0';
}

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
  gboolean done = self->said && self->n_final == self->calls->len;

  g_clear_pointer(&self->timer, cord_timer_remove);
  for (guint i = 0; i < self->calls->len; i++) {
    const CordLlmToolCall *call = self->calls->pdata[i];
    const gchar *result = g_hash_table_lookup(self->results, call->id);

    cord_llm_conversation_add_tool_result(
        self->conversation, turn, call->id,
        result ? result : "{\"error\":\"the tool did not answer in time\"}");
  }
  g_clear_pointer(&self->results, g_hash_table_unref);
  llm_session_drop_reply(self);
  if (done)
    llm_session_finish(self);
  else
    llm_session_ask(self);
}

static void
on_tool_deadline(gpointer data)
{
  LlmSession *self = data;

  self->timer = NULL;
  llm_session_tools_done(self);
}

static gboolean
is_known(GPtrArray *calls, guint before, const gchar *id)
{
  for (guint i = 0; i < before; i++) {
    if (g_strcmp0(((CordLlmToolCall *)calls->pdata[i])->id, id) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_object(const gchar *text)
{
  g_autoptr(JsonObject) object = cord_json_parse_object(text, -1, NULL);

  return object != NULL;
}

/* What the model has asked for, as the tools and its provider want it. What is no JSON is answered
 * here: the model may do better, and no provider takes it back. */
static void
complete_calls(LlmSession *self)
{
  for (guint i = self->calls->len; i > 0; i--) {
    if (((CordLlmToolCall *)self->calls->pdata[i - 1])->name == NULL)
      g_ptr_array_remove_index(self->calls, i - 1);
  }
  for (guint i = 0; i < self->calls->len; i++) {
    CordLlmToolCall *call = self->calls->pdata[i];

    if (call->id == NULL || *call->id == '\0' || is_known(self->calls, i, call->id)) {
      g_free(call->id);
      call->id = g_strdup_printf(LLM_OWN_ID "%u", ++self->call_ids);
    }
    if (is_object(call->arguments))
      continue;
    /* a tool without arguments is called without any */
    if (*call->arguments)
      g_hash_table_replace(self->results, g_strdup(call->id),
                           g_strdup("{\"error\":\"the arguments are no JSON object\"}"));
    g_free(call->arguments);
    call->arguments = g_strdup("{}");
  }
}

static void
run_tools(LlmSession *self)
{
  guint generation = self->generation;
  g_autoptr(GPtrArray) calls = g_ptr_array_ref(self->calls);
  g_autoptr(GHashTable) results = NULL;
  guint turn = cord_turn_get_number(self->turn);

  if (++self->rounds > MAX_TOOL_ROUNDS) {
    g_autoptr(GError) error =
        g_error_new(CORD_ERROR, CORD_ERROR_PROTOCOL, "the model called tools %d times in one turn",
                    MAX_TOOL_ROUNDS);

    llm_session_give_up(self, error);
    return;
  }
  self->n_final = 0;
  results = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->results = g_hash_table_ref(results);
  self->timer =
      cord_worker_add_timer(self->worker, self->config.tool_timeout, on_tool_deadline, self);
  complete_calls(self);
  cord_llm_conversation_add_tool_calls(self->conversation, turn, calls, self->opaque);
  g_clear_pointer(&self->opaque, g_free);
  for (guint i = 0; i < calls->len && generation == self->generation; i++) {
    const CordLlmToolCall *call = calls->pdata[i];

    if (!g_hash_table_contains(results, call->id))
      self->funcs.tool_call(turn, call->id, call->name, call->arguments, self->data);
  }
  if (generation == self->generation && self->results == results &&
      g_hash_table_size(results) == calls->len)
    llm_session_tools_done(self);
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
  self->spoke = self->spoke || !is_space(text);
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

  if (self->turn == NULL || index >= MAX_CALLS)
    return;
  llm_session_claim(self);
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_FIRST_TOKEN, cord_worker_get_time(self->worker));
  call = ensure_call(self, index);
  if (id && call->id == NULL)
    call->id = g_strdup(id);
  if (name && *name && call->name == NULL)
    call->name = g_strdup(name);
  if (strlen(call->arguments) + strlen(arguments) > MAX_ARGUMENTS)
    return;
  joined = g_strconcat(call->arguments, arguments, NULL);
  g_free(call->arguments);
  call->arguments = joined;
}

static void
take_finish(const gchar *reason, gpointer data)
{
  LlmSession *self = data;

  if (self->parsing)
    self->parsing->complete = self->parsing->progress = TRUE;
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
  CordLlmToolCall *call;
  gchar *joined;

  if (self->turn == NULL || index >= MAX_CALLS)
    return;
  if (self->parsing)
    self->parsing->progress = TRUE;
  if (index < 0) {
    if (self->parsing && self->parsing->opaque->len + strlen(text) <= MAX_OPAQUE)
      g_string_append(self->parsing->opaque, text);
    return;
  }
  call = ensure_call(self, (guint)index);
  if (call->opaque && strlen(call->opaque) + strlen(text) > MAX_OPAQUE)
    return;
  joined = g_strconcat(call->opaque ? call->opaque : "", text, NULL);
  g_free(call->opaque);
  call->opaque = joined;
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

/* Asks a provider that answers without a network. */
void
llm_session_generate(LlmSession *self, CordLlmProvider *provider)
{
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(provider);
  GstClockTime delay = klass->get_token_delay ? klass->get_token_delay(provider) : 0;
  guint generation = self->generation;
  g_autoptr(GError) error = NULL;

  self->provider = provider;
  if (!klass->generate(provider, self->conversation, delay ? &queue_sink : &llm_session_sink, self,
                       &error)) {
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
  llm_session_request(self);
}
