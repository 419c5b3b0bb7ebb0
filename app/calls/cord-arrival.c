/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-arrival.h"

#include "cord-call-registry-private.h"
#include "cord-error.h"
#include "cord-main-post.h"

struct _CordArrival {
  CordCallRegistry *registry;
  CordWorker *worker;
  CordAdmission *admission; /* NULL: the stream's token will tell */
  gboolean taken;
};

/* The call that a stream names by its path, if one may still come for it. */
static CordAdmission *
find_admission(CordCallRegistry *registry, const gchar *call_id, GError **error)
{
  CordCallEntry *entry = cord_call_table_find(registry->table, call_id);

  if (entry == NULL || !g_str_equal(entry->admission->call_id, call_id))
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                        "there is no call of that name");
  else if (entry->ended)
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "the call is over");
  else if (!cord_admission_expect(entry->admission))
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "the call has its stream");
  else
    return cord_admission_ref(entry->admission);
  return NULL;
}

/**
 * cord_call_registry_expect_stream:
 * @self: the registry
 * @call_id: (nullable): the call that the stream says it is for; %NULL when only its token will
 * tell
 * @error: return location for an error
 *
 * Announces a stream whose handshake begins, so that nobody leaves before it has come or gone.
 * Fails with %CORD_ERROR_NOT_AUTHORIZED when no stream may come for @call_id. Main thread.
 *
 * Returns: (transfer full): the arrival, or %NULL
 */
CordArrival *
cord_call_registry_expect_stream(CordCallRegistry *self, const gchar *call_id, GError **error)
{
  CordAdmission *admission = call_id ? find_admission(self, call_id, error) : NULL;
  CordArrival *arrival;

  if (call_id && admission == NULL)
    return NULL;
  arrival = g_new0(CordArrival, 1);
  arrival->registry = g_object_ref(self);
  arrival->admission = admission;
  if (admission)
    arrival->worker = cord_call_registry_dup_prepared_worker(self, admission);
  if (arrival->worker == NULL)
    arrival->worker = g_object_ref(cord_worker_pool_pick(self->workers));
  cord_call_registry_count_coming(self, 1);
  return arrival;
}

/**
 * cord_arrival_get_worker:
 * @self: an arrival
 *
 * Returns: (transfer none): the media thread that the stream is to be handed to
 */
CordWorker *
cord_arrival_get_worker(CordArrival *self)
{
  return self->worker;
}

/**
 * cord_arrival_take:
 * @self: an arrival
 * @websocket: (transfer none): the carrier's WebSocket, which was not started
 *
 * Makes a call of the stream. On the arrival's worker.
 */
void
cord_arrival_take(CordArrival *self, CordWebsocket *websocket)
{
  self->taken = TRUE;
  cord_call_registry_take_stream(self->registry, self->admission, websocket, self->worker);
}

typedef struct {
  CordCallRegistry *registry;
  CordAdmission *admission;
} Lost;

static gboolean
give_up(gpointer data)
{
  Lost *lost = data;

  cord_call_registry_give_up(lost->registry, lost->admission);
  return G_SOURCE_REMOVE;
}

static void
free_lost(gpointer data)
{
  Lost *lost = data;

  cord_admission_unref(lost->admission);
  g_object_unref(lost->registry);
  g_free(lost);
}

/* A browser comes once: its call is over with its socket. */
static void
give_up_soon(CordArrival *self)
{
  Lost *lost = g_new0(Lost, 1);

  *lost = (Lost){ g_object_ref(self->registry), cord_admission_ref(self->admission) };
  cord_main_post(NULL, give_up, lost, free_lost);
}

/**
 * cord_arrival_free:
 * @self: (transfer full): an arrival
 *
 * Tells that the stream was taken, or that nothing came of it. Any thread.
 */
void
cord_arrival_free(CordArrival *self)
{
  if (self->admission && !self->taken) {
    cord_admission_give_up(self->admission);
    if (cord_admission_is_browser(self->admission))
      give_up_soon(self);
  }
  g_clear_pointer(&self->admission, cord_admission_unref);
  cord_call_registry_count_coming(self->registry, -1);
  g_object_unref(self->worker);
  g_object_unref(self->registry);
  g_free(self);
}
