/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-dialogue.h"

#include "cord-error.h"
#include "cord-json.h"
#include "cord-resource.h"

#define MAX_HISTORY 1000 /* lines that are kept; what the model is told of is a setting */

struct _CordDialogue {
  GObject parent_instance;
  CordDialogueKit kit;
  gchar *id;
  gchar *etag;
  CordAgent *plain; /* as it is in the directory */
  CordAgent *agent; /* in the persona's manner */
  const CordPersona *persona;
  JsonArray *history;
  guint turns;
  gboolean ended;
  gchar *last_key; /* of the last turn */
};

G_DEFINE_FINAL_TYPE(CordDialogue, cord_dialogue, G_TYPE_OBJECT)

static void
add_line(JsonArray *history, const gchar *role, const gchar *text)
{
  JsonObject *line = json_object_new();
  g_autofree gchar *now = cord_store_now();

  json_object_set_string_member(line, "role", role);
  json_object_set_string_member(line, "content", text);
  json_object_set_string_member(line, "timestamp", now);
  json_array_add_object_element(history, line);
  if (json_array_get_length(history) > MAX_HISTORY)
    json_array_remove_element(history, 0);
}

static void
dress(CordDialogue *self)
{
  g_clear_pointer(&self->agent, cord_agent_unref);
  self->agent = cord_persona_dress(self->persona, self->plain, NULL, self->kit.config);
}

static CordAgent *
find_agent(const CordDialogueKit *kit, const gchar *agent_id, GError **error)
{
  CordAgent *agent = agent_id ? cord_directory_find_agent(kit->directory, agent_id) : NULL;

  if (agent || agent_id == NULL)
    return agent ? agent : cord_directory_choose_agent(kit->directory, NULL, error);
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no agent %s", agent_id);
  return NULL;
}

/* Takes what the store says of the conversation. */
static gboolean
take_row(CordDialogue *self, const gchar *json, GError **error)
{
  g_autoptr(JsonObject) row = cord_json_parse_object(json, -1, error);
  JsonArray *history;
  JsonObject *state;

  if (row == NULL)
    return FALSE;
  self->plain = find_agent(&self->kit, cord_json_peek_string(row, "agent_id", NULL), error);
  if (self->plain == NULL)
    return FALSE;
  history = cord_json_peek_array(row, "history");
  state = cord_json_peek_object(row, "state");
  self->id = g_strdup(cord_json_peek_string(row, "id", NULL));
  self->etag = cord_resource_etag(json);
  self->persona = cord_persona_find(cord_json_peek_string(row, "persona", NULL));
  self->history = history ? json_array_ref(history) : json_array_new();
  self->turns = state ? (guint)cord_json_peek_int(state, "turns", 0) : 0;
  self->ended = state && cord_json_peek_boolean(state, "ended", FALSE);
  self->last_key = g_strdup(state ? cord_json_peek_string(state, "key", NULL) : NULL);
  dress(self);
  return TRUE;
}

static void
on_row(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  g_autoptr(CordDialogue) self = g_object_new(CORD_TYPE_DIALOGUE, NULL);
  g_autofree gchar *json = NULL;
  GError *error = NULL;

  self->kit = *(const CordDialogueKit *)g_task_get_task_data(task);
  json = cord_resource_row_finish(CORD_STORE(source), result, &error);
  if (json && take_row(self, json, &error))
    g_task_return_pointer(task, g_steal_pointer(&self), g_object_unref);
  else
    g_task_return_error(task, error);
}

static GTask *
new_task(const CordDialogueKit *kit, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new(NULL, NULL, callback, user_data);

  g_task_set_task_data(task, g_memdup2(kit, sizeof *kit), g_free);
  return task;
}

static void
set_text(JsonObject *object, const gchar *name, const gchar *text)
{
  if (text)
    json_object_set_string_member(object, name, text);
}

static JsonObject *
make_state(guint turns, gboolean ended, const gchar *key)
{
  JsonObject *state = json_object_new();

  json_object_set_int_member(state, "turns", turns);
  json_object_set_boolean_member(state, "ended", ended);
  set_text(state, "key", key);
  return state;
}

/**
 * cord_dialogue_start_async:
 * @kit: what it needs
 * @agent_id: (nullable): who answers; %NULL for the first active agent
 * @persona: (nullable): in which manner, see cord_persona_find()
 * @customer_id: (nullable): who asks
 * @idempotency_key: (nullable): what was begun with it before is what is returned
 * @callback: called when the conversation is in the store; see cord_dialogue_open_finish()
 * @user_data: for @callback
 *
 * Begins a conversation with what the agent says first.
 */
void
cord_dialogue_start_async(const CordDialogueKit *kit, const gchar *agent_id, const gchar *persona,
                          const gchar *customer_id, const gchar *idempotency_key,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(GTask) task = new_task(kit, callback, user_data);
  g_autoptr(JsonObject) values = json_object_new();
  JsonArray *history = json_array_new();
  GError *error = NULL;
  g_autoptr(CordAgent) agent = find_agent(kit, agent_id, &error);
  const gchar *greeting = agent ? cord_agent_get_string(agent, "greeting", NULL) : NULL;

  if (greeting)
    add_line(history, "assistant", greeting);
  json_object_set_array_member(values, "history", history);
  json_object_set_object_member(values, "state", make_state(0, FALSE, NULL));
  set_text(values, "agent_id", agent ? agent->id : NULL);
  set_text(values, "persona", persona);
  set_text(values, "customer_id", customer_id);
  if (agent == NULL)
    g_task_return_error(task, error);
  else
    cord_resource_create_async(&cord_resource_sessions, kit->store, values, idempotency_key, NULL,
                               on_row, g_steal_pointer(&task));
}

/**
 * cord_dialogue_open_async:
 * @kit: what it needs
 * @id: of a conversation that was begun
 * @callback: called when it is there
 * @user_data: for @callback
 */
void
cord_dialogue_open_async(const CordDialogueKit *kit, const gchar *id, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  cord_resource_get_async(&cord_resource_sessions, kit->store, id, NULL, on_row,
                          new_task(kit, callback, user_data));
}

/**
 * cord_dialogue_open_finish:
 * @result: what the callback of cord_dialogue_open_async() or cord_dialogue_start_async() got
 * @error: return location for an error
 *
 * Returns: (transfer full): the conversation, or %NULL
 */
CordDialogue *
cord_dialogue_open_finish(GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

/* Saying something */

typedef struct {
  gchar *text;
  gchar *key;
  CordAnswer *answer;
} Turn;

static void
free_turn(gpointer data)
{
  Turn *turn = data;

  g_free(turn->text);
  g_free(turn->key);
  g_clear_pointer(&turn->answer, cord_answer_free);
  g_free(turn);
}

static void
on_saved(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  CordDialogue *self = g_task_get_source_object(task);
  Turn *turn = g_task_get_task_data(task);
  GError *error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(CORD_STORE(source), result, &error);

  if (json == NULL) {
    g_task_return_error(task, error);
    return;
  }
  g_free(self->etag);
  self->etag = cord_resource_etag(json);
  g_task_return_pointer(task, g_steal_pointer(&turn->answer), (GDestroyNotify)cord_answer_free);
}

/* What was said counts once both sides of it are in the store. */
static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  CordDialogue *self = g_task_get_source_object(task);
  Turn *turn = g_task_get_task_data(task);
  g_autoptr(JsonObject) values = json_object_new();
  GError *error = NULL;

  turn->answer = cord_talks_answer_finish(CORD_TALKS(source), result, &error);
  if (turn->answer == NULL) {
    g_task_return_error(task, error);
    return;
  }
  add_line(self->history, "user", turn->text);
  if (*turn->answer->text)
    add_line(self->history, "assistant", turn->answer->text);
  self->turns++;
  self->ended = turn->answer->ended;
  g_free(self->last_key);
  self->last_key = g_strdup(turn->key);
  json_object_set_array_member(values, "history", json_array_ref(self->history));
  json_object_set_object_member(values, "state", make_state(self->turns, self->ended, turn->key));
  cord_resource_update_async(&cord_resource_sessions, self->kit.store, self->id, values, self->etag,
                             NULL, on_saved, g_steal_pointer(&task));
}

static gchar *
print_history(CordDialogue *self)
{
  g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), self->history);

  return cord_json_print(node);
}

/* What was answered last, for a client that did not hear it. */
static CordAnswer *
repeat(CordDialogue *self)
{
  guint n = json_array_get_length(self->history);
  JsonObject *line = n > 0 ? json_array_get_object_element(self->history, n - 1) : NULL;
  CordAnswer *answer = g_new0(CordAnswer, 1);
  gboolean answered =
      line && g_strcmp0(cord_json_peek_string(line, "role", NULL), "assistant") == 0;

  answer->text = g_strdup(answered ? cord_json_peek_string(line, "content", "") : "");
  answer->ended = self->ended;
  return answer;
}

/**
 * cord_dialogue_say_async:
 * @self: a conversation
 * @text: what is said to the agent
 * @idempotency_key: (nullable): when the last turn had it, that turn's answer is given again
 * @piece: (nullable): hears the answer piece by piece
 * @piece_data: for @piece
 * @cancellable: (nullable): a cancellable
 * @callback: called when the answer is there and in the store
 * @user_data: for @callback
 */
void
cord_dialogue_say_async(CordDialogue *self, const gchar *text, const gchar *idempotency_key,
                        CordAnswerPieceFunc piece, gpointer piece_data, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(self, cancellable, callback, user_data);
  g_autofree gchar *history = print_history(self);
  Turn *turn = g_new0(Turn, 1);

  turn->text = g_strdup(text);
  turn->key = g_strdup(idempotency_key);
  g_task_set_task_data(task, turn, free_turn);
  if (idempotency_key && g_strcmp0(idempotency_key, self->last_key) == 0) {
    g_task_return_pointer(task, repeat(self), (GDestroyNotify)cord_answer_free);
    return;
  }
  if (self->ended) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_CLOSED,
                            "the agent has ended this conversation; start another");
    return;
  }
  cord_talks_answer_async(self->kit.talks, self->agent, history, text, piece, piece_data,
                          cancellable, on_answer, g_steal_pointer(&task));
}

/**
 * cord_dialogue_say_finish:
 * @self: a conversation
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: (transfer full): the answer, or %NULL
 */
CordAnswer *
cord_dialogue_say_finish(CordDialogue *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * cord_dialogue_set_persona:
 * @self: a conversation
 * @persona: the manner of what is said from now on
 */
void
cord_dialogue_set_persona(CordDialogue *self, const CordPersona *persona)
{
  self->persona = persona;
  dress(self);
}

/**
 * cord_dialogue_get_id:
 * @self: a conversation
 *
 * Returns: its UUID
 */
const gchar *
cord_dialogue_get_id(CordDialogue *self)
{
  return self->id;
}

/**
 * cord_dialogue_get_agent:
 * @self: a conversation
 *
 * Returns: (transfer none): who answers, in the persona's manner
 */
CordAgent *
cord_dialogue_get_agent(CordDialogue *self)
{
  return self->agent;
}

/**
 * cord_dialogue_get_persona:
 * @self: a conversation
 *
 * Returns: (transfer none) (nullable): the manner
 */
const CordPersona *
cord_dialogue_get_persona(CordDialogue *self)
{
  return self->persona;
}

/**
 * cord_dialogue_get_greeting:
 * @self: a conversation
 *
 * Returns: (nullable): what the agent says first
 */
const gchar *
cord_dialogue_get_greeting(CordDialogue *self)
{
  return cord_agent_get_string(self->agent, "greeting", NULL);
}

/**
 * cord_dialogue_get_turns:
 * @self: a conversation
 *
 * Returns: how many turns it has had
 */
guint
cord_dialogue_get_turns(CordDialogue *self)
{
  return self->turns;
}

static void
cord_dialogue_finalize(GObject *object)
{
  CordDialogue *self = CORD_DIALOGUE(object);

  g_clear_pointer(&self->plain, cord_agent_unref);
  g_clear_pointer(&self->agent, cord_agent_unref);
  g_clear_pointer(&self->history, json_array_unref);
  g_free(self->id);
  g_free(self->etag);
  g_free(self->last_key);
  G_OBJECT_CLASS(cord_dialogue_parent_class)->finalize(object);
}

static void
cord_dialogue_class_init(CordDialogueClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_dialogue_finalize;
}

static void
cord_dialogue_init(CordDialogue *self)
{
}
