/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-directory.h"

#include <string.h>

#include "cord-error.h"
#include "cord-store-rows.h"

#define REFRESH_SECONDS 5 /* for what other servers and programs write */

#define SQL_AGENTS "SELECT " CORD_AGENT_COLUMNS " FROM agents ORDER BY created_at, id"
#define SQL_NUMBERS                                                                                \
  "SELECT id, number, agent_id, account_sid, credentials, is_active FROM phone_numbers"

/* What was read at once. */
typedef struct {
  GPtrArray *agents;   /* CordAgent, the oldest first */
  GHashTable *numbers; /* number -> CordNumber */
} Content;

struct _CordDirectory {
  GObject parent_instance;
  CordStore *store;
  CordVault *vault;
  Content *content;
  guint timer;
  guint generation;
  gboolean asking;
  gboolean again;  /* something was written since we asked */
  GArray *waiters; /* Waiter */
};

typedef struct {
  GSourceFunc done;
  gpointer data;
} Waiter;

G_DEFINE_FINAL_TYPE(CordDirectory, cord_directory, G_TYPE_OBJECT)

static void
free_number(gpointer data)
{
  CordNumber *self = data;

  g_free(self->id);
  g_free(self->number);
  g_free(self->agent_id);
  g_free(self->account_sid);
  g_free(self->auth_token);
  g_free(self);
}

static void
free_content(gpointer data)
{
  Content *content = data;

  g_ptr_array_unref(content->agents);
  g_hash_table_unref(content->numbers);
  g_free(content);
}

/* On a thread of the store */

static CordNumber *
read_number(CordVault *vault, const CordRows *rows, guint row)
{
  CordNumber *self = g_new0(CordNumber, 1);
  const gchar *sealed = cord_rows_get(rows, row, 4);
  g_autoptr(GError) error = NULL;

  self->id = g_strdup(cord_rows_get(rows, row, 0));
  self->number = g_strdup(cord_rows_get(rows, row, 1));
  self->agent_id = g_strdup(cord_rows_get(rows, row, 2));
  self->account_sid = g_strdup(cord_rows_get(rows, row, 3));
  self->is_active = cord_rows_get_boolean(rows, row, 5);
  if (sealed && vault)
    self->auth_token = cord_vault_unseal(vault, CORD_VAULT_NUMBER, sealed, &error);
  if (error)
    g_message("the credentials of %s cannot be read: %s", self->number, error->message);
  return self;
}

static gpointer
read_content(CordDatabase *database, gpointer data, GError **error)
{
  CordDirectory *self = data;
  g_autoptr(CordRows) agents = cord_database_query(database, SQL_AGENTS, CORD_NO_PARAMS, error);
  g_autoptr(CordRows) numbers =
      agents ? cord_database_query(database, SQL_NUMBERS, CORD_NO_PARAMS, error) : NULL;
  Content *content;

  if (!numbers)
    return NULL;
  content = g_new0(Content, 1);
  content->agents = g_ptr_array_new_with_free_func((GDestroyNotify)cord_agent_unref);
  content->numbers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_number);
  for (guint i = 0; i < cord_rows_length(agents); i++)
    g_ptr_array_add(content->agents, cord_agent_read(agents, i));
  for (guint i = 0; i < cord_rows_length(numbers); i++) {
    CordNumber *number = read_number(self->vault, numbers, i);

    g_hash_table_insert(content->numbers, number->number, number);
  }
  return content;
}

static gboolean
read_now(CordDatabase *database, gpointer data, GError **error)
{
  CordDirectory *self = data;

  self->content = read_content(database, self, error);
  return self->content != NULL;
}

/* On the main thread */

static void
on_content(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(CordDirectory) self = data;
  Content *content = cord_store_do_finish(CORD_STORE(source), result, NULL);

  self->asking = FALSE;
  /* while the store does not answer, what is known stays true */
  if (content) {
    g_clear_pointer(&self->content, free_content);
    self->content = content;
    self->generation++;
  }
  if (self->again) {
    self->again = FALSE;
    cord_directory_refresh(self, NULL, NULL);
  } else {
    g_autoptr(GArray) waiters = g_steal_pointer(&self->waiters);

    self->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    for (guint i = 0; i < waiters->len; i++) {
      Waiter *waiter = &g_array_index(waiters, Waiter, i);

      waiter->done(waiter->data);
    }
  }
}

/**
 * cord_directory_refresh:
 * @self: a directory
 * @done: (nullable): called when it was tried
 * @data: for @done
 *
 * Reads the store again, because something was written.
 */
void
cord_directory_refresh(CordDirectory *self, GSourceFunc done, gpointer data)
{
  Waiter waiter = { done, data };

  if (done)
    g_array_append_val(self->waiters, waiter);
  if (self->asking) {
    self->again = TRUE;
    return;
  }
  self->asking = TRUE;
  cord_store_do_async(self->store, read_content, FALSE, g_object_ref(self), g_object_unref,
                      free_content, NULL, on_content, g_object_ref(self));
}

static gboolean
on_timer(gpointer data)
{
  CordDirectory *self = data;

  if (!self->asking)
    cord_directory_refresh(self, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

/**
 * cord_directory_find_number:
 * @self: a directory
 * @number: (nullable): E.164
 *
 * Returns: (transfer none) (nullable): the number, valid until the main loop runs again
 */
const CordNumber *
cord_directory_find_number(CordDirectory *self, const gchar *number)
{
  return number ? g_hash_table_lookup(self->content->numbers, number) : NULL;
}

/**
 * cord_directory_find_number_of:
 * @self: a directory
 * @agent_id: an agent
 *
 * Returns: (transfer none) (nullable): a number that the agent answers, the first in their order
 */
const gchar *
cord_directory_find_number_of(CordDirectory *self, const gchar *agent_id)
{
  const gchar *first = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init(&iter, self->content->numbers);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const CordNumber *number = value;

    if (number->is_active && g_strcmp0(number->agent_id, agent_id) == 0 &&
        (first == NULL || strcmp(number->number, first) < 0))
      first = number->number;
  }
  return first;
}

/**
 * cord_directory_find_agent:
 * @self: a directory
 * @agent_id: which
 *
 * Returns: (transfer full) (nullable): the agent, active or not
 */
CordAgent *
cord_directory_find_agent(CordDirectory *self, const gchar *agent_id)
{
  for (guint i = 0; agent_id && i < self->content->agents->len; i++) {
    CordAgent *agent = self->content->agents->pdata[i];

    if (g_str_equal(agent->id, agent_id))
      return cord_agent_ref(agent);
  }
  return NULL;
}

/**
 * cord_directory_choose_agent:
 * @self: a directory
 * @called_number: (nullable): the number that was called
 * @error: return location for an error
 *
 * Returns: (transfer full): who answers: the number's agent, else the oldest that is active
 */
CordAgent *
cord_directory_choose_agent(CordDirectory *self, const gchar *called_number, GError **error)
{
  const CordNumber *number = cord_directory_find_number(self, called_number);
  g_autoptr(CordAgent) own = number ? cord_directory_find_agent(self, number->agent_id) : NULL;

  if (number && !number->is_active) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "the number %s is switched off",
                called_number);
    return NULL;
  }
  if (own && own->is_active)
    return g_steal_pointer(&own);
  for (guint i = 0; i < self->content->agents->len; i++) {
    CordAgent *agent = self->content->agents->pdata[i];

    if (agent->is_active)
      return cord_agent_ref(agent);
  }
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no active agent");
  return NULL;
}

/**
 * cord_directory_get_generation:
 * @self: a directory
 *
 * Returns: how often it was read; another number may mean another content
 */
guint
cord_directory_get_generation(CordDirectory *self)
{
  return self->generation;
}

static void
cord_directory_dispose(GObject *object)
{
  CordDirectory *self = CORD_DIRECTORY(object);

  g_clear_handle_id(&self->timer, g_source_remove);
  G_OBJECT_CLASS(cord_directory_parent_class)->dispose(object);
}

static void
cord_directory_finalize(GObject *object)
{
  CordDirectory *self = CORD_DIRECTORY(object);

  g_clear_pointer(&self->content, free_content);
  g_clear_object(&self->store);
  g_array_unref(self->waiters);
  G_OBJECT_CLASS(cord_directory_parent_class)->finalize(object);
}

static void
cord_directory_class_init(CordDirectoryClass *klass)
{
  G_OBJECT_CLASS(klass)->dispose = cord_directory_dispose;
  G_OBJECT_CLASS(klass)->finalize = cord_directory_finalize;
}

static void
cord_directory_init(CordDirectory *self)
{
  self->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
}

/**
 * cord_directory_new:
 * @store: what it follows
 * @vault: (nullable): opens the numbers' credentials; must outlive the directory
 * @error: return location for an error
 *
 * Reads the store and waits for it.
 *
 * Returns: (transfer full): the directory
 */
CordDirectory *
cord_directory_new(CordStore *store, CordVault *vault, GError **error)
{
  g_autoptr(CordDirectory) self = g_object_new(CORD_TYPE_DIRECTORY, NULL);

  self->store = g_object_ref(store);
  self->vault = vault;
  if (!cord_store_run(store, read_now, self, error))
    return NULL;
  /* the timer does not keep the directory */
  self->timer = g_timeout_add_seconds(REFRESH_SECONDS, on_timer, self);
  return g_steal_pointer(&self);
}
