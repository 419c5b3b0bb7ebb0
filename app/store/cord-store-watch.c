/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-store-watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cord-main-post.h"

#define CHANNEL "cordboard"
#define FIRST_DELAY 100 /* ms, before a second try */
#define LAST_DELAY 5000

/* What the thread has; it may be in the middle of a try when the watch goes. */
typedef struct {
  CordDatabase *database; /* the thread's alone */
  GMainContext *context;
  GWeakRef watch;
  int wake;      /* readable when it shall stop */
  gint stopping; /* atomic */
} Listening;

struct _CordStoreWatch {
  GObject parent_instance;
  Listening *listening;
};

typedef struct {
  Listening *listening;
  GStrv words;
} Change;

enum { SIGNAL_CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(CordStoreWatch, cord_store_watch, G_TYPE_OBJECT)

static void
clear_listening(gpointer data)
{
  Listening *self = data;

  g_object_unref(self->database);
  g_main_context_unref(self->context);
  g_weak_ref_clear(&self->watch);
  close(self->wake);
}

static void
free_change(gpointer data)
{
  Change *change = data;

  g_atomic_rc_box_release_full(change->listening, clear_listening);
  g_strfreev(change->words);
  g_free(change);
}

/* In the context of whoever made the watch. */
static gboolean
emit(gpointer data)
{
  Change *change = data;
  g_autoptr(CordStoreWatch) self = g_weak_ref_get(&change->listening->watch);
  guint n = g_strv_length(change->words);

  if (self)
    g_signal_emit(self, signals[SIGNAL_CHANGED], 0, n > 0 ? change->words[0] : NULL,
                  n > 1 ? change->words[1] : NULL, n > 2 ? change->words[2] : NULL,
                  n > 3 ? change->words[3] : NULL);
  return G_SOURCE_REMOVE;
}

/* An empty payload: anything may have changed. */
static void
tell(Listening *self, const gchar *payload)
{
  Change *change = g_new0(Change, 1);

  change->listening = g_atomic_rc_box_acquire(self);
  change->words = g_strsplit(payload, " ", 4);
  cord_main_post(self->context, emit, change, free_change);
}

/* The thread */

/* Until the connection is lost or the watch has gone; TRUE when it was there. */
static gboolean
listen_once(Listening *self, GError **error)
{
  g_autoptr(GPtrArray) payloads = g_ptr_array_new_with_free_func(g_free);

  if (!cord_database_listen(self->database, CHANNEL, error))
    return FALSE;
  /* what was written before is not told by the server */
  tell(self, "");
  while (!g_atomic_int_get(&self->stopping) &&
         cord_database_wait(self->database, self->wake, payloads, error)) {
    for (guint i = 0; i < payloads->len; i++)
      tell(self, payloads->pdata[i]);
    g_ptr_array_set_size(payloads, 0);
  }
  return TRUE;
}

static gpointer
listening_thread(gpointer data)
{
  Listening *self = data;
  int delay = FIRST_DELAY;

  while (!g_atomic_int_get(&self->stopping)) {
    g_autoptr(GError) error = NULL;
    struct pollfd poll_fd = { self->wake, POLLIN, 0 };

    if (listen_once(self, &error))
      delay = FIRST_DELAY;
    if (error)
      g_debug("Changes of others are not heard: %s", error->message);
    if (!g_atomic_int_get(&self->stopping))
      poll(&poll_fd, 1, delay);
    delay = MIN(delay * 2, LAST_DELAY);
  }
  g_atomic_rc_box_release_full(self, clear_listening);
  return NULL;
}

/* The watch */

static void
cord_store_watch_finalize(GObject *object)
{
  CordStoreWatch *self = CORD_STORE_WATCH(object);

  if (self->listening) {
    g_atomic_int_set(&self->listening->stopping, TRUE);
    eventfd_write(self->listening->wake, 1);
    g_atomic_rc_box_release_full(self->listening, clear_listening);
  }
  G_OBJECT_CLASS(cord_store_watch_parent_class)->finalize(object);
}

static void
cord_store_watch_class_init(CordStoreWatchClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_store_watch_finalize;

  /**
   * CordStoreWatch::changed:
   * @self: a watch
   * @table: (nullable): what was written to; %NULL: anything may have been, because nothing was
   *   heard for a while
   * @id: (nullable): the row, of calls and transcript_entries
   * @server_id: (nullable): the server that runs the call
   * @how: (nullable): "insert" or "update"; of a call "extracted" when that is what is new
   *
   * Somebody has written, this server not excepted. In the context in which the watch was made.
   */
  signals[SIGNAL_CHANGED] =
      g_signal_new("changed", CORD_TYPE_STORE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                   G_TYPE_NONE, 4, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
}

static void
cord_store_watch_init(CordStoreWatch *self)
{
}

/**
 * cord_store_watch_new:
 * @store: a store that is shared, as cord_store_is_shared() says
 * @error: return location for an error
 *
 * Begins to listen; whether it can already be reached is found out later.
 *
 * Returns: (transfer full): the watch
 */
CordStoreWatch *
cord_store_watch_new(CordStore *store, GError **error)
{
  g_autoptr(CordDatabase) database = cord_store_connect(store, error);
  g_autoptr(CordStoreWatch) self = NULL;
  Listening *listening;

  if (!database)
    return NULL;
  self = g_object_new(CORD_TYPE_STORE_WATCH, NULL);
  listening = g_atomic_rc_box_new0(Listening);
  listening->database = g_steal_pointer(&database);
  listening->context = g_main_context_ref_thread_default();
  listening->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_weak_ref_init(&listening->watch, self);
  self->listening = listening;
  g_thread_unref(g_thread_new("store-watch", listening_thread, g_atomic_rc_box_acquire(listening)));
  return g_steal_pointer(&self);
}
