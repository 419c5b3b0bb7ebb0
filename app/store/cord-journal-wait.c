/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-journal-private.h"

/* Waiting and being waited for; all with the lock held */

void
cord_journal_complete_waiters(CordJournal *self)
{
  for (guint i = self->waiters->len; i > 0; i--) {
    CordJournalWaiter *waiter = &g_array_index(self->waiters, CordJournalWaiter, i - 1);

    if (waiter->seq > (waiter->in_store ? self->applied : self->durable))
      continue;
    g_task_return_boolean(waiter->task, TRUE);
    g_object_unref(waiter->task);
    g_array_remove_index(self->waiters, i - 1);
  }
}

void
cord_journal_fail_waiters(CordJournal *self)
{
  for (guint i = 0; i < self->waiters->len; i++) {
    CordJournalWaiter *waiter = &g_array_index(self->waiters, CordJournalWaiter, i);

    g_task_return_new_error(waiter->task, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE,
                            "The journal was closed");
    g_object_unref(waiter->task);
  }
  g_array_set_size(self->waiters, 0);
}

static void
wait_async(CordJournal *self, gboolean in_store, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer user_data)
{
  CordJournalWaiter waiter = { g_task_new(self, cancellable, callback, user_data), 0, in_store };

  g_mutex_lock(&self->lock);
  waiter.seq = self->last;
  g_array_append_val(self->waiters, waiter);
  cord_journal_complete_waiters(self);
  if (self->closing && self->writer_ended)
    cord_journal_fail_waiters(self);
  g_mutex_unlock(&self->lock);
}

/**
 * cord_journal_sync_async:
 * @self: a journal
 * @cancellable: (nullable): a cancellable
 * @callback: called when all records appended so far are on disk
 * @user_data: for @callback
 */
void
cord_journal_sync_async(CordJournal *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  wait_async(self, FALSE, cancellable, callback, user_data);
}

gboolean
cord_journal_sync_finish(CordJournal *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

  return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * cord_journal_drain_async:
 * @self: a journal
 * @cancellable: (nullable): a cancellable
 * @callback: called when all records appended so far are in the store
 * @user_data: for @callback
 */
void
cord_journal_drain_async(CordJournal *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  wait_async(self, TRUE, cancellable, callback, user_data);
}

gboolean
cord_journal_drain_finish(CordJournal *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

  return g_task_propagate_boolean(G_TASK(result), error);
}

static guint64
get_locked(CordJournal *self, const guint64 *value)
{
  guint64 copy;

  g_mutex_lock(&self->lock);
  copy = *value;
  g_mutex_unlock(&self->lock);
  return copy;
}

/**
 * cord_journal_get_durable:
 * @self: a journal
 *
 * Returns: the number of the newest record on disk
 */
guint64
cord_journal_get_durable(CordJournal *self)
{
  return get_locked(self, &self->durable);
}

/**
 * cord_journal_get_applied:
 * @self: a journal
 *
 * Returns: the number of the newest record in the store
 */
guint64
cord_journal_get_applied(CordJournal *self)
{
  return get_locked(self, &self->applied);
}

/**
 * cord_journal_dup_trouble:
 * @self: a journal
 *
 * Returns: (transfer full) (nullable): why the store does not take records now, %NULL when it does
 */
gchar *
cord_journal_dup_trouble(CordJournal *self)
{
  gchar *copy;

  g_mutex_lock(&self->lock);
  copy = g_strdup(self->trouble);
  g_mutex_unlock(&self->lock);
  return copy;
}

/**
 * cord_journal_get_pending:
 * @self: a journal
 *
 * Returns: how many records wait for the disk
 */
guint64
cord_journal_get_pending(CordJournal *self)
{
  guint64 pending;

  g_mutex_lock(&self->lock);
  pending = self->last - self->durable;
  g_mutex_unlock(&self->lock);
  return pending;
}

/**
 * cord_journal_get_server_id:
 * @self: a journal
 *
 * Returns: (transfer none): the UUID that this state directory has among the servers of a database
 */
const gchar *
cord_journal_get_server_id(CordJournal *self)
{
  return cord_journal_log_get_server_id(self->log);
}

/**
 * cord_journal_catch_up:
 * @self: a journal
 * @timeout_ms: how long to wait for disk and store
 *
 * Waits until the store has all that was appended so far. For the start of a server: who asks it
 * then is told how the calls of the last one ended. Blocks.
 *
 * Returns: whether it was in time; if not, the journal goes on trying
 */
gboolean
cord_journal_catch_up(CordJournal *self, guint timeout_ms)
{
  gint64 until = g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
  guint64 wanted;
  gboolean caught_up;

  g_mutex_lock(&self->lock);
  wanted = self->last;
  while (self->applied < wanted && !self->applier_ended &&
         g_cond_wait_until(&self->ended, &self->lock, until))
    ;
  caught_up = self->applied >= wanted;
  g_mutex_unlock(&self->lock);
  return caught_up;
}
