/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-session.h"

#include <string.h>

#include "cord-error.h"
#include "cord-http.h"
#include "cord-json.h"
#include "llm-json.h"
#include "llm-session-private.h"

static void
free_spoken(gpointer data)
{
  g_string_free(((Spoken *)data)->text, TRUE);
  g_free(data);
}

void
llm_token_free(gpointer data)
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

/* No model takes a history in which a tool that was called has not answered. */
static void
answer_for_tools(LlmSession *self)
{
  for (guint i = 0; i < self->calls->len; i++) {
    const CordLlmToolCall *call = self->calls->pdata[i];
    const gchar *result = g_hash_table_lookup(self->results, call->id);

    cord_llm_conversation_add_tool_result(
        self->conversation, cord_turn_get_number(self->turn), call->id,
        result ? result : "{\"error\":\"the caller has interrupted\"}");
  }
}

/* Forgets what came of a reply. */
void
llm_session_drop_reply(LlmSession *self)
{
  /* the history may hold the old ones */
  g_ptr_array_unref(self->calls);
  self->calls = g_ptr_array_new_with_free_func((GDestroyNotify)cord_llm_tool_call_free);
  g_clear_pointer(&self->opaque, g_free);
  g_queue_clear_full(&self->tokens, llm_token_free);
  cord_text_cutter_reset(self->cutter);
  self->spoke = FALSE;
}

/* Ends what is under way, whatever it is. */
static void
stop(LlmSession *self)
{
  self->generation++;
  if (self->results && self->turn)
    answer_for_tools(self);
  llm_session_stop_attempts(self);
  g_clear_pointer(&self->timer, cord_timer_remove);
  g_clear_pointer(&self->results, g_hash_table_unref);
  g_clear_pointer(&self->turn, cord_turn_unref);
  llm_session_drop_reply(self);
  self->attempts = self->rounds = self->n_final = 0;
  self->said = FALSE;
}

static void
push_piece(LlmSession *self, const gchar *text, GBytes *clip)
{
  g_autoptr(CordTurn) turn = cord_turn_ref(self->turn);
  Spoken *spoken = ensure_spoken(self, cord_turn_get_number(turn));

  if (spoken->text->len > 0)
    g_string_append_c(spoken->text, ' ');
  g_string_append(spoken->text, text);
  cord_llm_conversation_set_assistant(self->conversation, spoken->turn, spoken->text->str);
  cord_turn_stamp(turn, CORD_TURN_STAMP_LLM_FIRST_PIECE, now(self));
  self->said = TRUE;
  self->funcs.piece(turn, text, clip, self->data);
}

void
llm_session_push_pieces(LlmSession *self)
{
  guint generation = self->generation;

  while (generation == self->generation) {
    g_autofree gchar *piece = cord_text_cutter_pop(self->cutter);

    if (piece == NULL)
      return;
    push_piece(self, piece, NULL);
  }
}

void
llm_session_finish(LlmSession *self)
{
  g_autoptr(CordTurn) turn = NULL;
  g_autofree gchar *text = NULL;
  guint generation = self->generation;
  Spoken *spoken;

  cord_text_cutter_finish(self->cutter);
  llm_session_push_pieces(self);
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
void
llm_session_give_up(LlmSession *self, const GError *error)
{
  guint generation = self->generation;

  self->funcs.problem(error, self->data);
  if (generation != self->generation)
    return;
  /* behind half a sentence of an answer an apology would be nonsense */
  if (self->config.fallback_text && *self->config.fallback_text && !self->spoke)
    cord_text_cutter_feed(self->cutter, self->config.fallback_text);
  llm_session_finish(self);
}

/**
 * llm_session_new:
 * @worker: where it lives
 * @candidates: (array length=n_candidates): who answers, the preferred one first
 * @n_candidates: how many, at least one
 * @config: how; what it points to outlives the session
 * @funcs: whom to tell
 * @data: for @funcs
 *
 * Returns: (transfer full): a session in which nothing was said
 */
LlmSession *
llm_session_new(CordWorker *worker, const LlmCandidate *candidates, guint n_candidates,
                const LlmConfig *config, const LlmSessionFuncs *funcs, gpointer data)
{
  LlmSession *self = g_new0(LlmSession, 1);

  self->worker = g_object_ref(worker);
  self->n_candidates = MIN(n_candidates, LLM_MAX_CANDIDATES);
  self->candidates = g_memdup2(candidates, self->n_candidates * sizeof *candidates);
  for (guint i = 0; i < self->n_candidates; i++) {
    g_object_ref(self->candidates[i].provider);
    self->health[i] = llm_health_get(worker, &self->candidates[i]);
  }
  self->provider = self->candidates[0].provider;
  self->config = *config;
  self->funcs = *funcs;
  self->data = data;
  self->conversation = cord_llm_conversation_new();
  cord_llm_conversation_set_max_turns(self->conversation, config->max_turns);
  self->cutter = cord_text_cutter_new();
  cord_text_cutter_set_verbatim(self->cutter, config->verbatim);
  self->calls = g_ptr_array_new_with_free_func((GDestroyNotify)cord_llm_tool_call_free);
  g_queue_init(&self->spoken);
  g_queue_init(&self->tokens);
  g_queue_init(&self->running);
  return self;
}

/**
 * llm_session_recall:
 * @self: a session in which nothing was said
 * @messages: what was said before it, objects with role and content
 *
 * Gives it a past. Messages of other roles are none of its business.
 *
 * Returns: how many turns that were
 */
guint
llm_session_recall(LlmSession *self, JsonArray *messages)
{
  guint turn = 0;

  for (guint i = 0; i < json_array_get_length(messages); i++) {
    JsonNode *node = json_array_get_element(messages, i);
    JsonObject *message = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    const gchar *role = message ? cord_json_peek_string(message, "role", NULL) : NULL;
    const gchar *text = message ? cord_json_peek_string(message, "content", NULL) : NULL;

    if (text == NULL)
      continue;
    if (g_strcmp0(role, "user") == 0)
      cord_llm_conversation_add_user(self->conversation, ++turn, text);
    else if (g_strcmp0(role, "assistant") == 0)
      cord_llm_conversation_set_assistant(self->conversation, turn, text);
  }
  return turn;
}

/**
 * llm_session_prepare:
 * @self: a session
 *
 * Opens the connections that the first answer will need.
 */
void
llm_session_prepare(LlmSession *self)
{
  guint n = self->config.hedge > 0 ? MIN(2, self->n_candidates) : 1;

  for (guint i = 0; i < n; i++) {
    const LlmCandidate *candidate = &self->candidates[i];
    g_autofree gchar *base = NULL;

    if (CORD_LLM_PROVIDER_GET_CLASS(candidate->provider)->create_request &&
        llm_json_check_key(candidate->provider, &candidate->settings, &base, NULL))
      cord_http_prepare(self->worker, base);
  }
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
  for (guint i = 0; i < self->n_candidates; i++) {
    g_object_unref(self->candidates[i].provider);
    llm_health_unref(self->health[i]);
  }
  g_free(self->candidates);
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
  llm_session_finish(self);
}

static void
take_turn(LlmSession *self, CordTurn *turn, const gchar *said, gint64 continues)
{
  if (continues >= 0)
    cord_llm_conversation_remove_turn(self->conversation, (guint)continues);
  if (*said)
    cord_llm_conversation_add_user(self->conversation, cord_turn_get_number(turn), said);
  begin(self, turn);
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
  take_turn(self, turn, said, continues);
  llm_session_ask(self);
}

/**
 * llm_session_reply:
 * @self: a session
 * @turn: the turn it belongs to
 * @said: what the caller said; empty when the agent speaks of its own accord
 * @continues: the unanswered turn that it takes up again, or -1
 * @text: the answer
 * @clip: (nullable): its sound, mu-law at 8 kHz
 *
 * Answers without a model; an answer that is under way is given up.
 */
void
llm_session_reply(LlmSession *self, CordTurn *turn, const gchar *said, gint64 continues,
                  const gchar *text, GBytes *clip)
{
  guint generation;

  take_turn(self, turn, said, continues);
  generation = self->generation;
  if (clip)
    push_piece(self, text, clip);
  else
    cord_text_cutter_feed(self->cutter, text);
  if (generation == self->generation)
    llm_session_finish(self);
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
 * @final: whether nothing needs to be said of it
 *
 * A tool has answered; when all have, the model goes on, or is done if it has said something and
 * all of them were final. A result that comes too late is dropped.
 */
void
llm_session_tool_result(LlmSession *self, const gchar *id, const gchar *result, gboolean final)
{
  if (self->results == NULL || g_hash_table_contains(self->results, id))
    return;
  for (guint i = 0; i < self->calls->len; i++) {
    if (g_strcmp0(((CordLlmToolCall *)self->calls->pdata[i])->id, id) != 0)
      continue;
    g_hash_table_insert(self->results, g_strdup(id), g_strdup(result));
    self->n_final += final ? 1 : 0;
  }
  if (g_hash_table_size(self->results) == self->calls->len)
    llm_session_tools_done(self);
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
