/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-journal.h"

#include "cord-journal-log.h"
#include "cord-journal-private.h"

#define MAX_PENDING (64 * 1024 * 1024) /* bytes waiting for a disk that does not take them */
#define MAX_BATCH 256                  /* records applied in one transaction */
#define FIRST_DELAY (50 * G_TIME_SPAN_MILLISECOND) /* before a second try */
#define LAST_DELAY (5 * G_TIME_SPAN_SECOND)        /* between the tries of a long outage */

typedef struct {
  guint64 seq;
  gchar *json;
} Pending;

typedef struct {
  GTask *task;
  guint64 seq;
  gboolean in_store;
} Waiter;

struct _CordJournal {
  GObject parent_instance;
  CordStore *store;
  CordJournalLog *log;
  GThread *writer;
  GThread *applier;

  GMutex lock; /* leaf; guards all below */
  GCond wake;  /* the threads wait on it */
  GCond ended; /* who waits for the applying thread */
  GArray *pending;
  gsize pending_bytes;
  GArray *waiters;
  guint64 last;    /* the newest record */
  guint64 durable; /* the newest on disk */
  guint64 applied; /* the newest in the store */
  gboolean closing;
  gboolean writer_ended;
  gboolean applier_ended;
  gboolean stopping; /* no more tries */
};

G_DEFINE_FINAL_TYPE(CordJournal, cord_journal, G_TYPE_OBJECT)

/* Waiting and being waited for; all with the lock held */

static void
complete_waiters(CordJournal *self)
{
  for (guint i = self->waiters->len; i > 0; i--) {
    Waiter *waiter = &g_array_index(self->waiters, Waiter, i - 1);

    if (waiter->seq > (waiter->in_store ? self->applied : self->durable))
      continue;
    g_task_return_boolean(waiter->task, TRUE);
    g_object_unref(waiter->task);
    g_array_remove_index(self->waiters, i - 1);
  }
}

static void
fail_waiters(CordJournal *self)
{
  for (guint i = 0; i < self->waiters->len; i++) {
    Waiter *waiter = &g_array_index(self->waiters, Waiter, i);

    g_task_return_new_error(waiter->task, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE,
                            "The journal was closed");
    g_object_unref(waiter->task);
  }
  g_array_set_size(self->waiters, 0);
}

/* Sleeps before the next try; FALSE when there shall be none. */
static gboolean
back_off(CordJournal *self, gint64 *delay)
{
  gint64 until = g_get_monotonic_time() + *delay;

  *delay = MIN(*delay * 2, LAST_DELAY);
  while (!self->stopping && g_cond_wait_until(&self->wake, &self->lock, until))
    ;
  return !self->stopping;
}

/* A long outage is told once, and its end. */
static void
tell_outage(gboolean *told, const gchar *what, const GError *error)
{
  if (!*told)
    g_message("%s; will try again until it works: %s", what, error->message);
  *told = TRUE;
}

/* The writing thread */

static GArray *
take_pending(CordJournal *self)
{
  GArray *taken;

  while (self->pending->len == 0 && !self->closing)
    g_cond_wait(&self->wake, &self->lock);
  if (self->pending->len == 0)
    return NULL;
  taken = self->pending;
  self->pending = g_array_new(FALSE, FALSE, sizeof(Pending));
  return taken;
}

/* Unlocked; FALSE when told to stop. */
static gboolean
write_lines(CordJournal *self, GString *lines, guint64 first_seq)
{
  gint64 delay = FIRST_DELAY;
  gboolean told = FALSE;
  gboolean again = TRUE;

  while (again) {
    g_autoptr(GError) error = NULL;

    if (cord_journal_log_append(self->log, lines->str, lines->len, first_seq, &error)) {
      if (told)
        g_message("The journal is written again");
      return TRUE;
    }
    tell_outage(&told, "The journal cannot be written", error);
    g_mutex_lock(&self->lock);
    again = back_off(self, &delay);
    g_mutex_unlock(&self->lock);
  }
  return FALSE;
}

static gboolean
write_pending(CordJournal *self, GArray *taken)
{
  g_autoptr(GString) lines = g_string_new(NULL);
  guint64 first = g_array_index(taken, Pending, 0).seq;
  guint64 last = g_array_index(taken, Pending, taken->len - 1).seq;
  gsize bytes = 0;
  gboolean ok;

  for (guint i = 0; i < taken->len; i++) {
    Pending *pending = &g_array_index(taken, Pending, i);

    cord_journal_record_format(lines, pending->seq, pending->json);
    bytes += strlen(pending->json);
    g_free(pending->json);
  }
  ok = write_lines(self, lines, first);
  g_mutex_lock(&self->lock);
  self->pending_bytes -= bytes;
  if (ok)
    self->durable = last;
  complete_waiters(self);
  g_cond_broadcast(&self->wake);
  g_mutex_unlock(&self->lock);
  return ok;
}

static gpointer
writer_thread(gpointer data)
{
  CordJournal *self = data;
  gboolean going = TRUE;

  while (going) {
    g_autoptr(GArray) taken = NULL;

    g_mutex_lock(&self->lock);
    taken = take_pending(self);
    g_mutex_unlock(&self->lock);
    going = taken && write_pending(self, taken);
  }
  g_mutex_lock(&self->lock);
  self->writer_ended = TRUE;
  g_cond_broadcast(&self->wake);
  g_mutex_unlock(&self->lock);
  return NULL;
}

/* The applying thread */

typedef struct {
  const gchar *server_id;
  GPtrArray *records;
  guint begin;
  guint end;
  gboolean skip; /* only move the position */
} Batch;

/* On the store's thread, in a transaction: records and position change together, so that each
 * record is applied once whatever dies when. */
static gboolean
apply_batch(CordDatabase *database, gpointer data, GError **error)
{
  Batch *batch = data;
  CordJournalRecord *last = batch->records->pdata[batch->end - 1];
  guint64 position;

  if (!cord_journal_get_position(database, batch->server_id, &position, error))
    return FALSE;
  if (last->seq <= position)
    return TRUE;
  for (guint i = batch->begin; i < batch->end && !batch->skip; i++) {
    CordJournalRecord *record = batch->records->pdata[i];

    if (record->seq > position &&
        !cord_journal_record_apply(database, batch->server_id, record, error))
      return FALSE;
  }
  return cord_journal_set_position(database, batch->server_id, last->seq, error);
}

/* Unlocked; FALSE when told to stop. A record that breaks a rule of the schema is put aside: it
 * would block all that follow for ever. */
static gboolean
apply_range(CordJournal *self, GPtrArray *records, guint begin, guint end)
{
  Batch batch = { cord_journal_log_get_server_id(self->log), records, begin, end, FALSE };
  gint64 delay = FIRST_DELAY;
  gboolean told = FALSE;
  gboolean again = TRUE;

  while (again) {
    g_autoptr(GError) error = NULL;

    if (cord_store_run(self->store, apply_batch, &batch, &error)) {
      if (told)
        g_message("The store takes the journal's records again");
      return TRUE;
    }
    if (g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_CONSTRAINT)) {
      if (end - begin > 1) {
        guint middle = begin + (end - begin) / 2;

        return apply_range(self, records, begin, middle) && apply_range(self, records, middle, end);
      }
      g_message("A record of the journal was put aside in rejected.log: %s", error->message);
      cord_journal_log_reject(self->log, records->pdata[begin]);
      batch.skip = TRUE;
      continue;
    }
    tell_outage(&told, "The store does not take the journal's records", error);
    g_mutex_lock(&self->lock);
    again = back_off(self, &delay);
    g_mutex_unlock(&self->lock);
  }
  return FALSE;
}

/* Waits for records on disk; the newest of them, or 0 at the end. */
static guint64
wait_durable(CordJournal *self)
{
  guint64 up_to = 0;

  g_mutex_lock(&self->lock);
  while (!self->stopping && self->applied >= self->durable && !self->writer_ended)
    g_cond_wait(&self->wake, &self->lock);
  if (!self->stopping && self->applied < self->durable)
    up_to = self->durable;
  g_mutex_unlock(&self->lock);
  return up_to;
}

static gboolean
apply_some(CordJournal *self, guint64 up_to, gint64 *delay)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) records = cord_journal_log_read(self->log, up_to, MAX_BATCH, &error);
  gboolean going = TRUE;

  if (!records)
    g_message("%s", error->message);
  else if (records->len > 0)
    going = apply_range(self, records, 0, records->len);
  g_mutex_lock(&self->lock);
  if (!records) {
    going = back_off(self, delay);
  } else if (going) {
    *delay = FIRST_DELAY;
    self->applied =
        records->len > 0 ? ((CordJournalRecord *)records->pdata[records->len - 1])->seq : up_to;
    up_to = self->applied;
    complete_waiters(self);
    g_cond_broadcast(&self->ended);
  }
  g_mutex_unlock(&self->lock);
  if (records && going)
    cord_journal_log_forget(self->log, up_to);
  return going;
}

static gpointer
applier_thread(gpointer data)
{
  CordJournal *self = data;
  gint64 delay = FIRST_DELAY;
  guint64 up_to;

  while ((up_to = wait_durable(self)) > 0 && apply_some(self, up_to, &delay))
    ;
  g_mutex_lock(&self->lock);
  self->applier_ended = TRUE;
  g_cond_broadcast(&self->ended);
  g_mutex_unlock(&self->lock);
  return NULL;
}

/* Appending */

/**
 * cord_journal_append:
 * @self: a journal
 * @type: what happened
 * @fields: (transfer full): the columns
 *
 * Returns: the record's number, 0 when the journal is closed or its memory is full
 */
guint64
cord_journal_append(CordJournal *self, const gchar *type, JsonObject *fields)
{
  g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
  Pending pending = { 0 };
  gsize size;

  json_object_set_string_member(fields, "type", type);
  json_node_take_object(node, fields);
  pending.json = json_to_string(node, FALSE);
  size = strlen(pending.json);
  g_mutex_lock(&self->lock);
  if (!self->closing && size <= CORD_JOURNAL_MAX_RECORD &&
      self->pending_bytes + size <= MAX_PENDING) {
    pending.seq = ++self->last;
    self->pending_bytes += size;
    g_array_append_val(self->pending, pending);
    g_cond_broadcast(&self->wake);
  }
  g_mutex_unlock(&self->lock);
  if (pending.seq == 0) {
    g_message("The journal cannot take a record of %" G_GSIZE_FORMAT " bytes", size);
    g_free(pending.json);
  }
  return pending.seq;
}

/* Waiting */

static void
wait_async(CordJournal *self, gboolean in_store, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer user_data)
{
  Waiter waiter = { g_task_new(self, cancellable, callback, user_data), 0, in_store };

  g_mutex_lock(&self->lock);
  waiter.seq = self->last;
  g_array_append_val(self->waiters, waiter);
  complete_waiters(self);
  if (self->closing && self->writer_ended)
    fail_waiters(self);
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

/**
 * cord_journal_close:
 * @self: a journal
 * @timeout_ms: how long to wait for disk and store
 *
 * Takes no more records, writes those it has, and stops. What the store did not take in time is
 * replayed by the next process. To be called before the last reference is dropped.
 */
void
cord_journal_close(CordJournal *self, guint timeout_ms)
{
  gint64 until = g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock(&self->lock);
  self->closing = TRUE;
  g_cond_broadcast(&self->wake);
  while (self->applier && !self->applier_ended &&
         g_cond_wait_until(&self->ended, &self->lock, until))
    ;
  self->stopping = TRUE;
  g_cond_broadcast(&self->wake);
  g_mutex_unlock(&self->lock);
  g_clear_pointer(&self->writer, g_thread_join);
  g_clear_pointer(&self->applier, g_thread_join);
  g_mutex_lock(&self->lock);
  fail_waiters(self);
  g_mutex_unlock(&self->lock);
}

static void
cord_journal_finalize(GObject *object)
{
  CordJournal *self = CORD_JOURNAL(object);

  cord_journal_close(self, 0);
  for (guint i = 0; i < self->pending->len; i++)
    g_free(g_array_index(self->pending, Pending, i).json);
  g_array_unref(self->pending);
  g_array_unref(self->waiters);
  g_clear_pointer(&self->log, cord_journal_log_free);
  g_clear_object(&self->store);
  g_mutex_clear(&self->lock);
  g_cond_clear(&self->wake);
  g_cond_clear(&self->ended);
  G_OBJECT_CLASS(cord_journal_parent_class)->finalize(object);
}

static void
cord_journal_class_init(CordJournalClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_journal_finalize;
}

static void
cord_journal_init(CordJournal *self)
{
  g_mutex_init(&self->lock);
  g_cond_init(&self->wake);
  g_cond_init(&self->ended);
  self->pending = g_array_new(FALSE, FALSE, sizeof(Pending));
  self->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
}

/* On the store's thread: where the store has come, in case the segments were lost. */
typedef struct {
  const gchar *server_id;
  guint64 seq;
} Position;

static gboolean
load_position(CordDatabase *database, gpointer data, GError **error)
{
  Position *position = data;

  return cord_journal_get_position(database, position->server_id, &position->seq, error);
}

/**
 * cord_journal_open:
 * @directory: where the journal is, made when it is missing
 * @store: the store behind it
 * @error: return location for an error
 *
 * Returns: (transfer full): the journal, %NULL when another process has it
 */
CordJournal *
cord_journal_open(const gchar *directory, CordStore *store, GError **error)
{
  g_autoptr(CordJournal) self = NULL;
  CordJournalLog *log = cord_journal_log_open(directory, error);
  Position position = { 0 };

  if (!log)
    return NULL;
  self = g_object_new(CORD_TYPE_JOURNAL, NULL);
  self->log = log;
  self->store = g_object_ref(store);
  position.server_id = cord_journal_log_get_server_id(log);
  cord_store_run(store, load_position, &position, NULL);
  self->durable = cord_journal_log_get_last(log);
  self->last = MAX(self->durable, position.seq);
  cord_journal_append(self, CORD_JOURNAL_SERVER_STARTED, json_object_new());
  self->writer = g_thread_new("journal-write", writer_thread, self);
  self->applier = g_thread_new("journal-apply", applier_thread, self);
  return g_steal_pointer(&self);
}
