/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-registry-private.h"

static void
record_call(CordCallRegistry *self, const CordAdmission *admission,
            const CordIncomingCall *incoming)
{
  g_autoptr(CordCallRecord) record = cord_call_record_new();

  record->id = g_strdup(admission->call_id);
  record->agent_id = g_strdup(admission->agent->id);
  record->direction = g_strdup(admission->direction);
  record->caller_number = g_strdup(incoming->from);
  record->twilio_call_sid = g_strdup(incoming->call_sid);
  record->status = g_strdup("ringing");
  record->duration_seconds = -1;
  record->started_at = cord_store_now();
  cord_journal_call_created(self->kit.journal, record);
}

typedef struct {
  gchar *token;
  gchar *language; /* in which a refusal is spoken */
} Admit;

static void
free_admit(gpointer data)
{
  Admit *admit = data;

  g_free(admit->token);
  g_free(admit->language);
  g_free(admit);
}

/* The carrier never came for its stream: its token has lapsed. */
typedef struct {
  CordCallRegistry *registry;
  CordAdmission *admission;
} Ticket;

/* Nobody comes for the stream any more. */
void
cord_call_registry_give_up(CordCallRegistry *self, CordAdmission *admission)
{
  CordCallEntry *entry = cord_call_table_find(self->table, admission->call_id);

  if (entry && !entry->streaming && !entry->ended) {
    cord_journal_call_ended(self->kit.journal, admission->call_id, "failed", "no-stream", 0);
    cord_call_table_end(self->table, entry, "failed", "no-stream", 0);
  }
  cord_call_registry_dismiss(self, admission, NULL);
}

static void
token_lapsed(gpointer data)
{
  Ticket *ticket = data;
  CordCallRegistry *self = ticket->registry;

  cord_call_registry_give_up(self, ticket->admission);
  cord_admission_unref(ticket->admission);
  g_free(ticket);
}

static gchar *
mint(CordCallRegistry *self, CordAdmission *admission)
{
  Ticket *ticket = g_new0(Ticket, 1);

  ticket->registry = self;
  ticket->admission = cord_admission_ref(admission);
  return cord_stream_tokens_mint(self->tokens, admission->call_sid, ticket, token_lapsed);
}

/**
 * cord_call_registry_check_room:
 * @self: the registry
 * @error: return location for an error: %CORD_ERROR_QUOTA, or why no call can be taken at all
 *
 * Returns: whether one more call could be taken now
 */
gboolean
cord_call_registry_check_room(CordCallRegistry *self, GError **error)
{
  if (self->draining) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_QUOTA,
                        "the server is shutting down and takes no more calls");
    return FALSE;
  }
  if (self->kit.pipelines == NULL) {
    g_propagate_error(error, g_error_copy(self->pipelines_error));
    return FALSE;
  }
  if (self->max_calls > 0 && cord_call_registry_get_count(self) >= self->max_calls) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_QUOTA, "all %u lines are busy", self->max_calls);
    return FALSE;
  }
  if (self->max_lateness_us == 0 || cord_worker_pool_has_room(self->workers, self->max_lateness_us))
    return TRUE;
  g_set_error_literal(error, CORD_ERROR, CORD_ERROR_QUOTA,
                      "the media threads run late; taking one more call would harm the others");
  return FALSE;
}

/* A call that its agent cannot take: it is written down, and the caller is told. */
static void
refuse(CordCallRegistry *self, CordCallEntry *entry, const GError *error)
{
  const CordAdmission *admission = entry->admission;

  g_log_structured("calls", G_LOG_LEVEL_WARNING, "CALL_ID", admission->call_id, "CALL_SID",
                   admission->call_sid, "MESSAGE", "agent \"%s\" cannot take calls: %s",
                   admission->agent->name, error->message);
  entry->refused = TRUE;
  cord_journal_call_ended(self->kit.journal, admission->call_id, "failed", "agent-not-usable", 0);
  cord_call_table_end(self->table, entry, "failed", "agent-not-usable", 0);
}

/* The carrier asks again when an answer was slow; it is the same call. */
static CordCallEntry *
enter(CordCallRegistry *self, const CordIncomingCall *incoming, CordAgent *agent)
{
  CordCallEntry *entry =
      incoming->call_sid ? cord_call_table_find(self->table, incoming->call_sid) : NULL;
  g_autofree gchar *id = NULL;
  g_autoptr(CordAdmission) admission = NULL;
  g_autoptr(GError) error = NULL;

  if (entry)
    return entry;
  id = incoming->call_id ? g_strdup(incoming->call_id) : cord_store_new_id();
  admission = cord_admission_new(id, incoming->call_sid ? incoming->call_sid : id, incoming->from,
                                 incoming->to, agent);
  if (incoming->direction)
    admission->direction = g_intern_string(incoming->direction);
  entry = cord_call_table_add(self->table, admission);
  if (incoming->call_id == NULL)
    record_call(self, admission, incoming);
  if (!cord_call_registry_prepare(self, admission, &error))
    refuse(self, entry, error);
  return entry;
}

static CordAgent *
choose_agent(CordCallRegistry *self, const CordIncomingCall *incoming, GError **error)
{
  CordAgent *agent = cord_directory_find_agent(self->directory, incoming->agent_id);

  return agent ? agent : cord_directory_choose_agent(self->directory, incoming->to, error);
}

static void
decide(GTask *task, const CordIncomingCall *incoming)
{
  CordCallRegistry *self = g_task_get_source_object(task);
  Admit *admit = g_task_get_task_data(task);
  GError *error = NULL;
  g_autoptr(CordAgent) agent = NULL;
  CordCallEntry *entry;

  if (!cord_call_registry_check_room(self, &error) ||
      !(agent = choose_agent(self, incoming, &error))) {
    g_task_return_error(task, error);
    return;
  }
  entry = enter(self, incoming, agent);
  if (entry->refused) {
    admit->language = g_strdup(entry->admission->agent->language);
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_FAILED, "agent \"%s\" cannot take calls",
                            entry->admission->agent->name);
    return;
  }
  if (entry->ended || cord_admission_is_claimed(entry->admission)) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                            "call %s has had its stream; this is a request of the past",
                            incoming->call_sid);
    return;
  }
  admit->token = mint(self, entry->admission);
  g_task_return_pointer(task, g_strdup(entry->admission->call_id), g_free);
}

/**
 * cord_call_registry_admit_browser:
 * @self: the registry
 * @agent_id: (nullable): who is to speak; %NULL for the first active agent
 * @error: return location for an error: as cord_call_registry_admit_finish() has them, and
 *   %CORD_ERROR_NOT_FOUND when there is no active agent @agent_id
 *
 * Lets a caller in who is in a browser, at whose socket he is already. The call gets a record like
 * any other; it has no carrier and no token.
 *
 * Returns: (transfer none) (nullable): the call's admission
 */
CordAdmission *
cord_call_registry_admit_browser(CordCallRegistry *self, const gchar *agent_id, GError **error)
{
  const CordIncomingCall incoming = { .direction = "browser" };
  g_autoptr(CordAgent) agent = NULL;
  CordCallEntry *entry;

  if (!cord_call_registry_check_room(self, error))
    return NULL;
  agent = agent_id ? cord_directory_find_agent(self->directory, agent_id)
                   : cord_directory_choose_agent(self->directory, NULL, error);
  if (agent == NULL) {
    if (agent_id)
      g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no such agent");
    return NULL;
  }
  entry = enter(self, &incoming, agent);
  if (!entry->refused)
    return entry->admission;
  g_set_error(error, CORD_ERROR, CORD_ERROR_FAILED, "agent \"%s\" cannot take calls", agent->name);
  return NULL;
}

/**
 * cord_call_registry_admit_async:
 * @self: the registry
 * @incoming: what the webhook said
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is decided
 * @user_data: for @callback
 *
 * Lets a call in, or does not: chooses the agent (the number's, else the
 * first active one), writes the call's record,
 * gets the agent ready and mints the token for its stream.
 */
void
cord_call_registry_admit_async(CordCallRegistry *self, const CordIncomingCall *incoming,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(self, cancellable, callback, user_data);

  g_task_set_task_data(task, g_new0(Admit, 1), free_admit);
  decide(task, incoming);
}

/**
 * cord_call_registry_admit_finish:
 * @self: the registry
 * @result: what the callback got
 * @token: (out) (transfer full): the token for the stream
 * @language: (out) (transfer full) (nullable): the agent's, when it is the agent that cannot take
 *   the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the call's id, or %NULL
 */
gchar *
cord_call_registry_admit_finish(CordCallRegistry *self, GAsyncResult *result, gchar **token,
                                gchar **language, GError **error)
{
  Admit *admit = g_task_get_task_data(G_TASK(result));
  gchar *id = g_task_propagate_pointer(G_TASK(result), error);

  if (id)
    *token = g_steal_pointer(&admit->token);
  *language = g_steal_pointer(&admit->language);
  return id;
}

/* A call has one stream, however often its webhook was answered. */
CordAdmission *
cord_call_registry_claim(CordCallRegistry *self, CordCall *call, const gchar *token,
                         const gchar *call_sid, GError **error)
{
  g_autoptr(CordAdmission) admission = NULL;
  gpointer ticket = NULL;

  if (token == NULL || call_sid == NULL) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                        "it brings no token; only a stream that our own TwiML asked for is taken");
    return NULL;
  }
  if (!cord_stream_tokens_take(self->tokens, token, call_sid, &ticket, error))
    return NULL;
  admission = g_steal_pointer(&((Ticket *)ticket)->admission);
  g_free(ticket);
  if (cord_admission_claim(admission)) {
    cord_call_registry_dismiss(self, admission, call);
    return g_steal_pointer(&admission);
  }
  g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "the call has its stream");
  return NULL;
}
