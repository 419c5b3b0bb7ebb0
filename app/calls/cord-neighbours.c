/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-neighbours.h"

#include "cord-json.h"

#define MAX_WAITING 10000 /* changes not yet looked up; who watches is told of less then */

#define SQL_CALL "SELECT id, status, end_reason, duration_seconds FROM calls WHERE id = $1"
#define SQL_EXTRACTED "SELECT id, extracted FROM calls WHERE id = $1 AND extracted IS NOT NULL"
#define SQL_LINE "SELECT call_id, role, content FROM transcript_entries WHERE id = $1"

typedef struct {
  guint id;
  CordCallFeedFunc func;
  gpointer data;
} Watcher;

/* What another server has written. */
typedef enum {
  A_CALL,
  A_NEW_CALL,
  AN_EXTRACTION,
  A_LINE,
  N_KINDS,
} Kind;

typedef struct {
  Kind kind;
  gchar *id;
} Change;

typedef struct {
  gchar *call_id;
  const gchar *name;
  gchar *json;
} Event;

struct _CordNeighbours {
  CordStore *store;
  CordStoreWatch *changes;
  gulong handler;
  gchar *server_id;
  GCancellable *cancellable;
  GQueue *waiting; /* Change; looked up one by one, so that they are told in their order */
  gboolean asking;
  GList *watchers;
  guint n_watches;
};

static void
free_change(gpointer data)
{
  Change *change = data;

  g_free(change->id);
  g_free(change);
}

static void
free_event(gpointer data)
{
  Event *event = data;

  g_free(event->call_id);
  g_free(event->json);
  g_free(event);
}

/* On a thread of the store */

static Event *
take_event(const gchar *call_id, const gchar *name, JsonObject *fields)
{
  Event *event = g_new0(Event, 1);

  event->call_id = g_strdup(call_id);
  event->name = name;
  event->json = cord_json_print_object(fields);
  json_object_unref(fields);
  return event;
}

/* As the server that has the call tells it: the names and members are those of its own events. */
static Event *
describe_line(const CordRows *rows, Kind kind)
{
  gboolean user = g_strcmp0(cord_rows_get(rows, 0, 1), "user") == 0;
  JsonObject *fields = json_object_new();

  json_object_set_string_member(fields, "text", cord_rows_get(rows, 0, 2));
  return take_event(cord_rows_get(rows, 0, 0), user ? "turn-ended" : "heard", fields);
}

static Event *
describe_extraction(const CordRows *rows, Kind kind)
{
  Event *event = g_new0(Event, 1);

  event->call_id = g_strdup(cord_rows_get(rows, 0, 0));
  event->name = "extraction";
  event->json = g_strdup(cord_rows_get(rows, 0, 1));
  return event;
}

static Event *
describe_call(const CordRows *rows, Kind kind)
{
  const gchar *status = cord_rows_get(rows, 0, 1);
  const gchar *reason = cord_rows_get(rows, 0, 2);
  gboolean ended = g_str_equal(status, "completed") || g_str_equal(status, "failed");
  JsonObject *fields = json_object_new();

  json_object_set_string_member(fields, "status", status);
  if (ended) {
    json_object_set_string_member(fields, "reason", reason ? reason : "");
    json_object_set_int_member(fields, "duration", cord_rows_get_int(rows, 0, 3, 0));
  }
  return take_event(cord_rows_get(rows, 0, 0),
                    ended                ? "call-ended"
                    : kind == A_NEW_CALL ? "call-admitted"
                                         : "call-status",
                    fields);
}

static const struct {
  const gchar *sql;
  Event *(*describe)(const CordRows *rows, Kind kind);
} kinds[N_KINDS] = {
  [A_CALL] = { SQL_CALL, describe_call },
  [A_NEW_CALL] = { SQL_CALL, describe_call },
  [AN_EXTRACTION] = { SQL_EXTRACTED, describe_extraction },
  [A_LINE] = { SQL_LINE, describe_line },
};

static gpointer
look_up(CordDatabase *database, gpointer data, GError **error)
{
  const Change *change = data;
  g_autoptr(CordRows) rows =
      cord_database_query(database, kinds[change->kind].sql, CORD_PARAMS(change->id), error);

  if (!rows)
    return NULL;
  if (cord_rows_length(rows) > 0)
    return kinds[change->kind].describe(rows, change->kind);
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND, "it was deleted");
  return NULL;
}

/* On the main thread */

static void
tell(CordNeighbours *self, const Event *event)
{
  for (GList *link = self->watchers, *next; link; link = next) {
    Watcher *watcher = link->data;

    next = link->next;
    watcher->func(event->call_id, event->name, event->json, watcher->data);
  }
}

static void ask_next(CordNeighbours *self);

static void
on_looked_up(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  Event *event = cord_store_do_finish(CORD_STORE(source), result, &error);
  CordNeighbours *self = data;

  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (event)
    tell(self, event);
  g_clear_pointer(&event, free_event);
  self->asking = FALSE;
  ask_next(self);
}

static void
ask_next(CordNeighbours *self)
{
  Change *change = self->asking ? NULL : g_queue_pop_head(self->waiting);

  if (!change)
    return;
  self->asking = TRUE;
  cord_store_do_async(self->store, look_up, FALSE, change, free_change, free_event,
                      self->cancellable, on_looked_up, self);
}

static void
on_changed(CordStoreWatch *changes, const gchar *table, const gchar *id, const gchar *server_id,
           const gchar *how, gpointer data)
{
  CordNeighbours *self = data;
  gboolean is_line = g_strcmp0(table, "transcript_entries") == 0;
  Change *change;

  if (!self->watchers || !id || g_strcmp0(server_id, self->server_id) == 0 ||
      (!is_line && g_strcmp0(table, "calls") != 0) ||
      g_queue_get_length(self->waiting) >= MAX_WAITING)
    return;
  change = g_new0(Change, 1);
  change->kind = is_line                            ? A_LINE
                 : g_strcmp0(how, "insert") == 0    ? A_NEW_CALL
                 : g_strcmp0(how, "extracted") == 0 ? AN_EXTRACTION
                                                    : A_CALL;
  change->id = g_strdup(id);
  g_queue_push_tail(self->waiting, change);
  ask_next(self);
}

/**
 * cord_neighbours_watch:
 * @self: the neighbours
 * @func: told of all that happens in their calls from now on; it may leave
 * @data: for @func
 *
 * Returns: the watch's number
 */
guint
cord_neighbours_watch(CordNeighbours *self, CordCallFeedFunc func, gpointer data)
{
  Watcher *watcher = g_new0(Watcher, 1);

  watcher->id = ++self->n_watches;
  watcher->func = func;
  watcher->data = data;
  self->watchers = g_list_append(self->watchers, watcher);
  return watcher->id;
}

/**
 * cord_neighbours_unwatch:
 * @self: the neighbours
 * @watch: a number that cord_neighbours_watch() gave
 */
void
cord_neighbours_unwatch(CordNeighbours *self, guint watch)
{
  for (GList *link = self->watchers; link; link = link->next) {
    if (((Watcher *)link->data)->id != watch)
      continue;
    g_free(link->data);
    self->watchers = g_list_delete_link(self->watchers, link);
    return;
  }
}

/**
 * cord_neighbours_new:
 * @store: the database that they have as well
 * @changes: tells what is written to it
 * @server_id: this server, whose own calls are not told
 *
 * Returns: (transfer full): the neighbours
 */
CordNeighbours *
cord_neighbours_new(CordStore *store, CordStoreWatch *changes, const gchar *server_id)
{
  CordNeighbours *self = g_new0(CordNeighbours, 1);

  self->store = g_object_ref(store);
  self->changes = g_object_ref(changes);
  self->server_id = g_strdup(server_id);
  self->cancellable = g_cancellable_new();
  self->waiting = g_queue_new();
  self->handler = g_signal_connect(changes, "changed", G_CALLBACK(on_changed), self);
  return self;
}

/**
 * cord_neighbours_free:
 * @self: (transfer full): the neighbours
 */
void
cord_neighbours_free(CordNeighbours *self)
{
  g_cancellable_cancel(self->cancellable);
  g_signal_handler_disconnect(self->changes, self->handler);
  g_list_free_full(self->watchers, g_free);
  g_queue_free_full(self->waiting, free_change);
  g_object_unref(self->cancellable);
  g_object_unref(self->changes);
  g_object_unref(self->store);
  g_free(self->server_id);
  g_free(self);
}
