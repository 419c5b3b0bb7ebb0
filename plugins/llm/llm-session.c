/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-session.h"

#include <string.h>

#include "cord-error.h"
#include "cord-text-cutter.h"
#include "llm-exchange.h"

#define MAX_TOOL_ROUNDS 5
#define MAX_ATTEMPTS 3               /* of a request that failed before its first token */
#define BACK_OFF (250 * GST_MSECOND) /* before the second one; doubled for the third */
#define MAX_BACK_OFF (2 * GST_SECOND)

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

struct _LlmSession {
  CordWorker *worker;
  CordLlmProvider *provider;
  LlmConfig config;
  LlmSessionFuncs funcs;
  gpointer data;

  CordLlmConversation *conversation;
  CordTextCutter *cutter;
  GQueue spoken; /* Spoken, oldest first */

  /* the answer under way; turn is NULL when there is none */
  CordTurn *turn;
  guint generation; /* of callbacks that may come too late */
  LlmExchange *exchange;
  guint attempts;
  guint rounds;
  GPtrArray *calls;    /* CordLlmToolCall, by index */
  GHashTable *results; /* id -> JSON, NULL when no tool runs */
  CordTimer *timer;    /* back-off, a tool's deadline or the next token */
  GQueue tokens;       /* Token */
  gboolean complete;
  gint64 input_tokens, output_tokens;
};

static void ask(LlmSession *self);

static void
free_spoken(gpointer data)
{
  g_string_free(((Spoken *)data)->text, TRUE);
  g_free(data);
}

static void
free_token(gpointer data)
{
  Token *token = data;

  g_free(token->text);
  g_free(token->id);
  g_free(token->name);
  g_free(token->arguments);
  g_free(token->reason);
  g_free(token);
}

static Spoken *
find_spoken(LlmSession *self, guint turn)
{
  for (GList *l = self->spoken.head; l; l = l->next) {
    if (((Spoken *)l->data)->turn == turn)
      return l->data;
  }
  return NULL;
}

static Spoken *
ensure_spoken(LlmSession *self, guint turn)
{
  Spoken *spoken = find_spoken(self, turn);

  if (spoken)
    return spoken;
  spoken = g_new0(Spoken, 1);
  spoken->turn = turn;
  spoken->text = g_string_new(NULL);
  g_queue_push_tail(&self->spoken, spoken);
  /* without a sink that tells what is played, nothing would ever leave */
  if (g_queue_get_length(&self->spoken) > 8)
    free_spoken(g_queue_pop_head(&self->spoken));
  return spoken;
}

static GstClockTime
now(LlmSession *self)
{
  return cord_worker_get_time(self->worker);
}

/* Ends what is under way, whatever it is. */
static void
stop(LlmSession *self)
{
  self->generation++;
  g_clear_pointer(&self->exchange, llm_exchange_cancel);
  g_clear_pointer(&self->timer, cord_timer_remove);
  g_clear_pointer(&self->results, g_hash_table_unref);
  g_clear_pointer(&self->turn, cord_turn_unref);
  g_ptr_array_set_size(self->calls, 0);
  g_queue_clear_full(&self->tokens, free_token);
  cord_text_cutter_reset(self->cutter);
  self->attempts = self->rounds = 0;
  self->complete = FALSE;
}

static void
push_pieces(LlmSession *self)
{
  guint generation = self->generation;

  while (generation == self->generation) {
    g_autofree gchar *piece = cord_text_cutter_pop(self->cutter);
    g_autoptr(CordTurn) turn = NULL;
    Spoken *spoken;

    if (piece == NULL)
      return;
    turn = cord_turn_ref(self->turn);
    spoken = ensure_spoken(self, cord_turn_get_number(turn));
    if (spoken->text->len > 0)
      g_string_append_c(spoken->text, ' ');
    g_string_append(spoken->text, piece);
    cord_llm_conversation_set_assistant(self->conversation, spoken->turn, spoken->text->str);
    cord_turn_stamp(turn, CORD_TURN_STAMP_LLM_FIRST_PIECE, now(self));
    self->funcs.piece(turn, piece, self->data);
  }
}

static void
finish(LlmSession *self)
{
  g_autoptr(CordTurn) turn = NULL;
  g_autofree gchar *text = NULL;
  guint generation = self->generation;
  Spoken *spoken;

  cord_text_cutter_finish(self->cutter);
  push_pieces(self);
  if (generation != self->generation)
    return;
  turn = cord_turn_ref(self->turn);
  spoken = find_spoken(self, cord_turn_get_number(turn));
  text = g_strdup(spoken ? spoken->text->str : "");
  stop(self);
  self->funcs.finished(turn, text, self->data);
  self->funcs.idle(self->data);
}

/* No answer is to be had: say so, rather than nothing. */
static void
give_up(LlmSession *self, const GError *error)
{
  guint generation = self->generation;

  self->funcs.problem(error, self->data);
  if (generation != self->generation)
    return;
  if (self->config.fallback_text && *self->config.fallback_text)
    cord_text_cutter_feed(self->cutter, self->config.fallback_text);
  finish(self);
}

/* Tools */

static CordLlmToolCall *
ensure_call(LlmSession *self, guint index)
{
  while (self->calls->len <= index)
    g_ptr_array_add(self->calls, cord_llm_tool_call_new(NULL, NULL, ""));
  return self->calls->pdata[index];
}

static void
tools_done(LlmSession *self)
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
  ask(self);
}

static void
on_tool_deadline(gpointer data)
{
  LlmSession *self = data;

  self->timer = NULL;
  tools_done(self);
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

    give_up(self, error);
    return;
  }
  self->results = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->timer =
      cord_worker_add_timer(self->worker, self->config.tool_timeout, on_tool_deadline, self);
  cord_llm_conversation_add_tool_calls(self->conversation, turn, calls);
  for (guint i = 0; i < calls->len && generation == self->generation; i++) {
    CordLlmToolCall *call = calls->pdata[i];

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
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_FIRST_TOKEN, now(self));
  cord_text_cutter_feed(self->cutter, text);
  push_pieces(self);
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
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_FIRST_TOKEN, now(self));
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

static const CordLlmSink direct_sink = { take_text, take_tool_call, take_finish, take_usage };

static void
reply_complete(LlmSession *self)
{
  if (self->calls->len > 0) {
    cord_text_cutter_finish(self->cutter);
    push_pieces(self);
    cord_text_cutter_reset(self->cutter);
    if (self->turn)
      run_tools(self);
  } else {
    finish(self);
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

static const CordLlmSink queue_sink = { queue_text, queue_tool_call, queue_finish, take_usage };

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
  free_token(token);
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
      give_up(self, error);
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
  ask(self);
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
  give_up(self, error);
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
      give_up(self, error);
      return;
    }
    self->timer = cord_worker_add_timer(self->worker, wait, on_back_off, self);
  } else {
    give_up(self, error);
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
    give_up(self, error);
  cord_llm_request_clear(&http);
}

static void
ask(LlmSession *self)
{
  cord_turn_stamp(self->turn, CORD_TURN_STAMP_LLM_REQUEST, now(self));
  if (CORD_LLM_PROVIDER_GET_CLASS(self->provider)->generate)
    generate(self);
  else
    request(self);
}

/**
 * llm_session_new:
 * @worker: where it lives
 * @provider: (transfer none): who answers
 * @config: how; what it points to outlives the session
 * @funcs: whom to tell
 * @data: for @funcs
 *
 * Returns: (transfer full): a session in which nothing was said
 */
LlmSession *
llm_session_new(CordWorker *worker, CordLlmProvider *provider, const LlmConfig *config,
                const LlmSessionFuncs *funcs, gpointer data)
{
  LlmSession *self = g_new0(LlmSession, 1);

  self->worker = g_object_ref(worker);
  self->provider = g_object_ref(provider);
  self->config = *config;
  self->funcs = *funcs;
  self->data = data;
  self->conversation = cord_llm_conversation_new();
  cord_llm_conversation_set_max_turns(self->conversation, config->max_turns);
  self->cutter = cord_text_cutter_new();
  self->calls = g_ptr_array_new_with_free_func((GDestroyNotify)cord_llm_tool_call_free);
  g_queue_init(&self->spoken);
  g_queue_init(&self->tokens);
  return self;
}

/**
 * llm_session_free:
 * @self: (transfer full): a session, on its worker
 */
void
llm_session_free(LlmSession *self)
{
  stop(self);
  g_queue_clear_full(&self->spoken, free_spoken);
  g_ptr_array_unref(self->calls);
  cord_text_cutter_free(self->cutter);
  cord_llm_conversation_free(self->conversation);
  g_object_unref(self->provider);
  g_object_unref(self->worker);
  g_free(self);
}

static void
begin(LlmSession *self, CordTurn *turn)
{
  stop(self);
  self->turn = cord_turn_ref(turn);
  self->funcs.started(turn, self->data);
}

/**
 * llm_session_say:
 * @self: a session
 * @turn: the turn it belongs to
 * @text: a text of the agent's own, such as a greeting
 *
 * Says @text, as if it were an answer.
 */
void
llm_session_say(LlmSession *self, CordTurn *turn, const gchar *text)
{
  begin(self, turn);
  cord_text_cutter_feed(self->cutter, text);
  finish(self);
}

/**
 * llm_session_answer:
 * @self: a session
 * @turn: the caller's turn
 * @said: what he said
 * @continues: the unanswered turn that it takes up again, or -1
 *
 * Begins an answer; one that is under way is given up.
 */
void
llm_session_answer(LlmSession *self, CordTurn *turn, const gchar *said, gint64 continues)
{
  if (continues >= 0)
    cord_llm_conversation_remove_turn(self->conversation, (guint)continues);
  cord_llm_conversation_add_user(self->conversation, cord_turn_get_number(turn), said);
  begin(self, turn);
  ask(self);
}

/**
 * llm_session_interrupt:
 * @self: a session
 *
 * The caller took the floor: nothing more is said of what was under way.
 */
void
llm_session_interrupt(LlmSession *self)
{
  if (self->turn)
    ensure_spoken(self, cord_turn_get_number(self->turn));
  stop(self);
  for (GList *l = self->spoken.head; l; l = l->next)
    ((Spoken *)l->data)->interrupted = TRUE;
}

static void
settle(LlmSession *self, Spoken *spoken, gsize bytes, gboolean interrupted)
{
  g_autofree gchar *full = g_strdup(spoken->text->str);
  g_autofree gchar *heard = NULL;
  guint turn = spoken->turn;

  g_queue_remove(&self->spoken, spoken);
  free_spoken(spoken);
  heard = interrupted ? cord_llm_conversation_cut_assistant(self->conversation, turn, bytes)
                      : g_strdup(full);
  self->funcs.heard(turn, heard, full, interrupted, self->data);
}

/**
 * llm_session_settle:
 * @self: a session
 *
 * The flush is through: of a turn that was cut and of which the sink has said nothing, nothing was
 * heard.
 */
void
llm_session_settle(LlmSession *self)
{
  for (GList *l = self->spoken.head, *next; l; l = next) {
    next = l->next;
    if (((Spoken *)l->data)->interrupted)
      settle(self, l->data, 0, TRUE);
  }
}

/**
 * llm_session_playout:
 * @self: a session
 * @playout: how far the playing of a turn has come
 */
void
llm_session_playout(LlmSession *self, const CordPlayout *playout)
{
  Spoken *spoken = find_spoken(self, playout->turn);

  if (spoken == NULL || playout->state == CORD_PLAYOUT_PLAYING)
    return;
  settle(self, spoken, playout->text_bytes < 0 ? 0 : (gsize)playout->text_bytes,
         playout->state == CORD_PLAYOUT_INTERRUPTED);
}

/**
 * llm_session_tool_result:
 * @self: a session
 * @id: which call
 * @result: JSON
 *
 * A tool has answered; when all have, the model goes on. A result that comes too late is dropped.
 */
void
llm_session_tool_result(LlmSession *self, const gchar *id, const gchar *result)
{
  if (self->results == NULL)
    return;
  for (guint i = 0; i < self->calls->len; i++) {
    if (g_strcmp0(((CordLlmToolCall *)self->calls->pdata[i])->id, id) == 0)
      g_hash_table_replace(self->results, g_strdup(id), g_strdup(result));
  }
  if (g_hash_table_size(self->results) == self->calls->len)
    tools_done(self);
}

/**
 * llm_session_is_busy:
 * @self: a session
 *
 * Returns: whether an answer is under way
 */
gboolean
llm_session_is_busy(LlmSession *self)
{
  return self->turn != NULL;
}

/**
 * llm_session_get_usage:
 * @self: a session
 * @input: (out): tokens that were read
 * @output: (out): tokens that were written
 */
void
llm_session_get_usage(LlmSession *self, gint64 *input, gint64 *output)
{
  *input = self->input_tokens;
  *output = self->output_tokens;
}
