/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-table.h"

#define LINGER_S 30 /* how long an ended call's story can still be asked for */

typedef struct {
  CordCallEntry entry;
  CordCallTable *table;
  guint linger;
} Row;

struct _CordCallTable {
  GHashTable *by_sid; /* Row, owned */
  GHashTable *by_id;  /* Row */
  guint subscriptions;
  GList *watchers; /* Watcher */
};

typedef struct {
  guint id;
  CordCallFeedFunc func;
  gpointer data;
} Watcher;

/**
 * cord_call_table_tell:
 * @self: a table
 * @call_id: a call, that need not be in it
 * @name: the event's name
 * @json: the event
 *
 * Tells those who watch all calls.
 */
void
cord_call_table_tell(CordCallTable *self, const gchar *call_id, const gchar *name,
                     const gchar *json)
{
  for (GList *link = self->watchers, *next; link; link = next) {
    Watcher *watcher = link->data;

    next = link->next;
    watcher->func(call_id, name, json, watcher->data);
  }
}

static void
free_row(gpointer data)
{
  Row *row = data;

  g_clear_handle_id(&row->linger, g_source_remove);
  cord_call_feed_free(row->entry.feed);
  cord_admission_unref(row->entry.admission);
  g_free(row);
}

static gboolean
forget(gpointer data)
{
  Row *row = data;
  CordCallTable *self = row->table;

  row->linger = 0;
  g_hash_table_remove(self->by_id, row->entry.admission->call_id);
  g_hash_table_remove(self->by_sid, row->entry.admission->call_sid);
  return G_SOURCE_REMOVE;
}

static void
set_ended(CordCallEntry *entry)
{
  if (entry->ended)
    return;
  entry->ended = TRUE;
  ((Row *)entry)->linger = g_timeout_add_seconds(LINGER_S, forget, entry);
}

/**
 * cord_call_table_new:
 *
 * Returns: (transfer full): an empty table
 */
CordCallTable *
cord_call_table_new(void)
{
  CordCallTable *self = g_new0(CordCallTable, 1);

  self->by_sid = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_row);
  self->by_id = g_hash_table_new(g_str_hash, g_str_equal);
  return self;
}

/**
 * cord_call_table_free:
 * @self: (transfer full): a table
 */
void
cord_call_table_free(CordCallTable *self)
{
  g_hash_table_unref(self->by_id);
  g_hash_table_unref(self->by_sid);
  g_list_free_full(self->watchers, g_free);
  g_free(self);
}

/**
 * cord_call_table_add:
 * @self: a table
 * @admission: (transfer none): a call that is not in it
 *
 * Returns: (transfer none): its entry
 */
CordCallEntry *
cord_call_table_add(CordCallTable *self, CordAdmission *admission)
{
  Row *row = g_new0(Row, 1);

  row->table = self;
  row->entry.admission = cord_admission_ref(admission);
  row->entry.feed = cord_call_feed_new(admission->call_id);
  row->entry.carrier_sequence = -1;
  g_hash_table_replace(self->by_sid, admission->call_sid, row);
  g_hash_table_replace(self->by_id, admission->call_id, row);
  cord_call_table_tell(self, admission->call_id, "call-admitted", "{}");
  return &row->entry;
}

/**
 * cord_call_table_find:
 * @self: a table
 * @id_or_sid: our id of a call, or the carrier's
 *
 * Returns: (transfer none) (nullable): its entry
 */
CordCallEntry *
cord_call_table_find(CordCallTable *self, const gchar *id_or_sid)
{
  Row *row = g_hash_table_lookup(self->by_id, id_or_sid);

  if (row == NULL)
    row = g_hash_table_lookup(self->by_sid, id_or_sid);
  return row ? &row->entry : NULL;
}

/**
 * cord_call_table_add_event:
 * @self: a table
 * @entry: one of its entries
 * @name: the event's name; "call-ended" is the last
 * @json: the event
 *
 * Adds to the story of a call that streams.
 */
void
cord_call_table_add_event(CordCallTable *self, CordCallEntry *entry, const gchar *name,
                          const gchar *json)
{
  entry->streaming = TRUE;
  if (g_str_equal(name, CORD_CALL_LEVELS)) {
    cord_call_feed_tell(entry->feed, name, json);
    return;
  }
  cord_call_feed_add(entry->feed, name, json);
  cord_call_table_tell(self, entry->admission->call_id, name, json);
  if (g_str_equal(name, "call-ended"))
    set_ended(entry);
}

/**
 * cord_call_table_end:
 * @self: a table
 * @entry: one of its entries, whose stream has never come
 * @status: "completed" or "failed"
 * @reason: why
 * @duration_seconds: how long it was
 *
 * Ends a call of which no stream tells.
 */
void
cord_call_table_end(CordCallTable *self, CordCallEntry *entry, const gchar *status,
                    const gchar *reason, gint duration_seconds)
{
  g_autofree gchar *json = g_strdup_printf("{\"status\":\"%s\",\"reason\":\"%s\",\"duration\":%d}",
                                           status, reason, duration_seconds);

  cord_call_feed_add(entry->feed, "call-ended", json);
  cord_call_table_tell(self, entry->admission->call_id, "call-ended", json);
  set_ended(entry);
}

/**
 * cord_call_table_foreach:
 * @self: a table
 * @func: called with each #CordCallEntry
 * @data: for @func
 */
void
cord_call_table_foreach(CordCallTable *self, GFunc func, gpointer data)
{
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init(&iter, self->by_id);
  while (g_hash_table_iter_next(&iter, NULL, &row))
    func(&((Row *)row)->entry, data);
}

/**
 * cord_call_table_subscribe:
 * @self: a table
 * @id_or_sid: our id of a call, or the carrier's
 * @func: what to call
 * @data: for @func
 * @notify: (nullable): frees @data
 *
 * Returns: the subscription's number, or 0 when there is no such call
 */
guint
cord_call_table_subscribe(CordCallTable *self, const gchar *id_or_sid, CordCallFeedFunc func,
                          gpointer data, GDestroyNotify notify)
{
  CordCallEntry *entry = cord_call_table_find(self, id_or_sid);

  if (entry == NULL)
    return 0;
  self->subscriptions++;
  cord_call_feed_subscribe(entry->feed, self->subscriptions, func, data, notify);
  return self->subscriptions;
}

/**
 * cord_call_table_unsubscribe:
 * @self: a table
 * @subscription: a number that cord_call_table_subscribe() gave; one that is gone does no harm
 *
 * Returns: (nullable): the entry that was followed
 */
CordCallEntry *
cord_call_table_unsubscribe(CordCallTable *self, guint subscription)
{
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init(&iter, self->by_id);
  while (g_hash_table_iter_next(&iter, NULL, &row)) {
    if (cord_call_feed_unsubscribe(((Row *)row)->entry.feed, subscription))
      return row;
  }
  return NULL;
}

/**
 * cord_call_table_watch:
 * @self: a table
 * @func: told of all that happens in all calls from now on; it may leave
 * @data: for @func
 *
 * Returns: the watch's number
 */
guint
cord_call_table_watch(CordCallTable *self, CordCallFeedFunc func, gpointer data)
{
  Watcher *watcher = g_new0(Watcher, 1);

  *watcher = (Watcher){ ++self->subscriptions, func, data };
  self->watchers = g_list_prepend(self->watchers, watcher);
  return watcher->id;
}

/**
 * cord_call_table_unwatch:
 * @self: a table
 * @watch: a number that cord_call_table_watch() gave
 */
void
cord_call_table_unwatch(CordCallTable *self, guint watch)
{
  for (GList *link = self->watchers; link; link = link->next) {
    if (((Watcher *)link->data)->id == watch) {
      g_free(link->data);
      self->watchers = g_list_delete_link(self->watchers, link);
      return;
    }
  }
}
