/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-store-rows.h"
#include "cord-store.h"

#define SQL_LIST_AGENTS "SELECT " CORD_AGENT_COLUMNS " FROM agents ORDER BY created_at, id"
#define SQL_GET_AGENT "SELECT " CORD_AGENT_COLUMNS " FROM agents WHERE id = $1"
#define SQL_GET_ACTIVE_AGENT                                                                       \
  "SELECT " CORD_AGENT_COLUMNS " FROM agents WHERE is_active = TRUE ORDER BY created_at, id "      \
  "LIMIT 1"
#define SQL_DELETE_AGENT "DELETE FROM agents WHERE id = $1 RETURNING id"

#define SQL_SELECT_CALLS                                                                           \
  "SELECT " CORD_CALL_COLUMNS " FROM calls c LEFT JOIN agents a ON a.id = c.agent_id "
#define SQL_LIST_CALLS SQL_SELECT_CALLS "ORDER BY c.started_at DESC, c.id LIMIT $1"
#define SQL_GET_CALL SQL_SELECT_CALLS "WHERE c.id = $1"
#define SQL_GET_CALL_BY_SID SQL_SELECT_CALLS "WHERE c.twilio_call_sid = $1"
#define SQL_DELETE_CALL "DELETE FROM calls WHERE id = $1 RETURNING id"
#define SQL_GET_TRANSCRIPT                                                                         \
  "SELECT " CORD_ENTRY_COLUMNS " FROM transcript_entries WHERE call_id = $1 ORDER BY seq"
#define SQL_GET_FUNCTION_CALLS                                                                     \
  "SELECT " CORD_FUNCTION_CALL_COLUMNS " FROM function_call_logs WHERE call_id = $1 ORDER BY seq"
#define PING_MS 2000
#define SQL_PING "SELECT 1"

/* How a statement of one parameter is run and its rows are read. */
typedef struct {
  const gchar *sql;
  const gchar *what; /* for "No such agent" */
  CordRowReader read;
  GDestroyNotify free;
} Question;

static const Question list_agents = { SQL_LIST_AGENTS, NULL, cord_agent_read,
                                      (GDestroyNotify)cord_agent_unref };
static const Question get_agent = { SQL_GET_AGENT, "agent", cord_agent_read,
                                    (GDestroyNotify)cord_agent_unref };
static const Question get_active_agent = { SQL_GET_ACTIVE_AGENT, "active agent", cord_agent_read,
                                           (GDestroyNotify)cord_agent_unref };
static const Question put_agent = { NULL, "agent", cord_agent_read,
                                    (GDestroyNotify)cord_agent_unref };
static const Question delete_agent = { SQL_DELETE_AGENT, "agent", NULL, NULL };
static const Question list_calls = { SQL_LIST_CALLS, NULL, cord_call_record_read,
                                     (GDestroyNotify)cord_call_record_unref };
static const Question get_call = { SQL_GET_CALL, "call", cord_call_record_read,
                                   (GDestroyNotify)cord_call_record_unref };
static const Question get_call_by_sid = { SQL_GET_CALL_BY_SID, "call", cord_call_record_read,
                                          (GDestroyNotify)cord_call_record_unref };
static const Question delete_call = { SQL_DELETE_CALL, "call", NULL, NULL };
static const Question get_transcript = { SQL_GET_TRANSCRIPT, NULL, cord_transcript_entry_read,
                                         (GDestroyNotify)cord_transcript_entry_unref };
static const Question get_function_calls = { SQL_GET_FUNCTION_CALLS, NULL, cord_function_call_read,
                                             (GDestroyNotify)cord_function_call_unref };
static const Question ping = { SQL_PING, "answer", NULL, NULL };

typedef struct {
  const Question *question;
  gchar *text;
  CordAgent *agent;
} Asked;

static void
free_asked(gpointer data)
{
  Asked *asked = data;

  g_clear_pointer(&asked->agent, cord_agent_unref);
  g_free(asked->text);
  g_free(asked);
}

static GPtrArray *
read_all(const Question *question, const CordRows *rows)
{
  GPtrArray *list = g_ptr_array_new_with_free_func(question->free);

  for (guint i = 0; i < cord_rows_length(rows); i++)
    g_ptr_array_add(list, question->read(rows, i));
  return list;
}

/* On a thread of the store */
static gpointer
answer(CordDatabase *database, gpointer data, GError **error)
{
  Asked *asked = data;
  const Question *question = asked->question;
  g_autoptr(CordRows) rows = NULL;

  if (asked->agent)
    rows = cord_agent_write(database, asked->agent, error);
  else
    rows = cord_database_query(database, question->sql, (const gchar *const *)&asked->text,
                               asked->text ? 1 : 0, error);
  if (!rows)
    return NULL;
  if (!question->what)
    return read_all(question, rows);
  if (cord_rows_length(rows) == 0) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND, "No such %s", question->what);
    return NULL;
  }
  return question->read ? question->read(rows, 0) : GINT_TO_POINTER(TRUE);
}

static void
ask(CordStore *self, const Question *question, const gchar *text, CordAgent *agent,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Asked *asked = g_new0(Asked, 1);
  GDestroyNotify free_result = question->what ? question->free : (GDestroyNotify)g_ptr_array_unref;

  asked->question = question;
  asked->text = g_strdup(text);
  asked->agent = agent ? cord_agent_ref(agent) : NULL;
  cord_store_do_async(self, answer, FALSE, asked, free_asked, free_result, cancellable, callback,
                      user_data);
}

void
cord_store_list_agents_async(CordStore *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &list_agents, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_list_agents_finish:
 *
 * Returns: (transfer container) (element-type CordAgent): all agents, the oldest first
 */
GPtrArray *
cord_store_list_agents_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

void
cord_store_get_agent_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_agent, id, NULL, cancellable, callback, user_data);
}

CordAgent *
cord_store_get_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

void
cord_store_get_active_agent_async(CordStore *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_active_agent, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_get_active_agent_finish:
 *
 * Returns: (transfer full): the oldest agent that may take calls
 */
CordAgent *
cord_store_get_active_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

/**
 * cord_store_put_agent_async:
 * @self: a store
 * @agent: what to write
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is written
 * @user_data: for @callback
 *
 * Writes an agent: a new one, or over the one of the same id.
 */
void
cord_store_put_agent_async(CordStore *self, CordAgent *agent, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &put_agent, NULL, agent, cancellable, callback, user_data);
}

/**
 * cord_store_put_agent_finish:
 *
 * Returns: (transfer full): the agent as it now stands in the store
 */
CordAgent *
cord_store_put_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

void
cord_store_delete_agent_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &delete_agent, id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_delete_agent_finish:
 *
 * Returns: whether the agent is gone; its calls stay, without an agent
 */
gboolean
cord_store_delete_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error) != NULL;
}

void
cord_store_list_calls_async(CordStore *self, guint limit, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree gchar *text = g_strdup_printf("%u", limit);

  ask(self, &list_calls, text, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_list_calls_finish:
 *
 * Returns: (transfer container) (element-type CordCallRecord): the last calls, the newest first
 */
GPtrArray *
cord_store_list_calls_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

void
cord_store_get_call_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_call, id, NULL, cancellable, callback, user_data);
}

CordCallRecord *
cord_store_get_call_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

void
cord_store_get_call_by_sid_async(CordStore *self, const gchar *twilio_call_sid,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  ask(self, &get_call_by_sid, twilio_call_sid, NULL, cancellable, callback, user_data);
}

CordCallRecord *
cord_store_get_call_by_sid_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

void
cord_store_delete_call_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &delete_call, id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_delete_call_finish:
 *
 * Returns: whether the call is gone, with its transcript and its log of tools
 */
gboolean
cord_store_delete_call_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error) != NULL;
}

void
cord_store_get_transcript_async(CordStore *self, const gchar *call_id, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_transcript, call_id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_get_transcript_finish:
 *
 * Returns: (transfer container) (element-type CordTranscriptEntry): the lines in their order, none
 *   when there is no such call
 */
GPtrArray *
cord_store_get_transcript_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

void
cord_store_get_function_calls_async(CordStore *self, const gchar *call_id,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  ask(self, &get_function_calls, call_id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_get_function_calls_finish:
 *
 * Returns: (transfer container) (element-type CordFunctionCall): the runs in their order
 */
GPtrArray *
cord_store_get_function_calls_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(self, result, error);
}

/* A question that is answered in time, whatever the database does. */
typedef struct {
  GTask *task;
  GSource *timer;
  guint n_owed; /* answer and timer */
} Ping;

static void
settle_ping(Ping *self)
{
  if (--self->n_owed > 0)
    return;
  g_source_unref(self->timer);
  g_object_unref(self->task);
  g_free(self);
}

static void
on_ping(GObject *source, GAsyncResult *result, gpointer data)
{
  Ping *self = data;
  GError *error = NULL;
  gboolean answered = cord_store_do_finish(CORD_STORE(source), result, &error) != NULL;

  if (g_source_is_destroyed(self->timer)) {
    g_clear_error(&error);
  } else {
    g_source_destroy(self->timer);
    if (answered)
      g_task_return_boolean(self->task, TRUE);
    else
      g_task_return_error(self->task, error);
    settle_ping(self);
  }
  settle_ping(self);
}

static gboolean
on_ping_late(gpointer data)
{
  Ping *self = data;

  g_source_destroy(self->timer);
  g_task_return_new_error(self->task, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE,
                          "The database does not answer");
  settle_ping(self);
  return G_SOURCE_REMOVE;
}

void
cord_store_ping_async(CordStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  Ping *state = g_new0(Ping, 1);

  state->task = g_task_new(self, cancellable, callback, user_data);
  state->timer = g_timeout_source_new(PING_MS);
  state->n_owed = 2;
  g_source_set_callback(state->timer, on_ping_late, state, NULL);
  g_source_attach(state->timer, g_task_get_context(state->task));
  ask(self, &ping, NULL, NULL, cancellable, on_ping, state);
}

gboolean
cord_store_ping_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean(G_TASK(result), error);
}
