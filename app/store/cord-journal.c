/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-journal.h"

#include "cord-journal-private.h"

#define MAX_PENDING (64 * 1024 * 1024) /* bytes waiting for a disk that does not take them */
#define MAX_BATCH 256                  /* records applied in one transaction */
#define FIRST_DELAY (50 * G_TIME_SPAN_MILLISECOND) /* before a second try */
#define LAST_DELAY (5 * G_TIME_SPAN_SECOND)        /* between the tries of a long outage */
#define MAX_REFUSALS 5 /* of one record; what was in its way may have gone */

G_DEFINE_FINAL_TYPE(CordJournal, cord_journal, G_TYPE_OBJECT)

typedef struct {
  guint64 seq;
  gchar *json;
} Pending;

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
  cord_journal_complete_waiters(self);
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

static void
set_trouble(CordJournal *self, const GError *error)
{
  g_mutex_lock(&self->lock);
  g_free(self->trouble);
  self->trouble = error ? g_strdup(error->message) : NULL;
  g_mutex_unlock(&self->lock);
}

/* Unlocked; FALSE when told to stop. A record that breaks a rule of the schema is put aside: it
 * would block all that follow for ever. */
static gboolean
apply_range(CordJournal *self, GPtrArray *records, guint begin, guint end)
{
  Batch batch = { cord_journal_log_get_server_id(self->log), records, begin, end, FALSE };
  gint64 delay = FIRST_DELAY;
  guint n_refusals = 0;
  gboolean told = FALSE;
  gboolean again = TRUE;

  while (again) {
    g_autoptr(GError) error = NULL;

    if (cord_store_run(self->store, apply_batch, &batch, &error)) {
      set_trouble(self, NULL);
      if (told)
        g_message("The store takes the journal's records again");
      return TRUE;
    }
    if (g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_CONSTRAINT)) {
      if (end - begin > 1) {
        guint middle = begin + (end - begin) / 2;

        return apply_range(self, records, begin, middle) && apply_range(self, records, middle, end);
      }
      /* another server may have deleted its agent while it was written */
      if (++n_refusals >= MAX_REFUSALS) {
        g_message("A record of the journal was put aside in rejected.log: %s", error->message);
        cord_journal_log_reject(self->log, records->pdata[begin]);
        batch.skip = TRUE;
      }
      continue;
    }
    set_trouble(self, error);
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
    cord_journal_complete_waiters(self);
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

/* Closing */

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
  cord_journal_fail_waiters(self);
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
  g_free(self->trouble);
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
  self->waiters = g_array_new(FALSE, FALSE, sizeof(CordJournalWaiter));
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
  g_autofree gchar *now = cord_store_now();
  JsonObject *started;
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
  started = json_object_new();
  json_object_set_string_member(started, "timestamp", now);
  cord_journal_append(self, CORD_JOURNAL_SERVER_STARTED, started);
  self->writer = g_thread_new("journal-write", writer_thread, self);
  self->applier = g_thread_new("journal-apply", applier_thread, self);
  return g_steal_pointer(&self);
}
