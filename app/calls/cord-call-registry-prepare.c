/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-registry-private.h"

/* Calls whose phone still rings: their agents stand ready, so that the first word of the caller
 * finds all connections open. */

typedef struct {
  CordCall *call;
  GstElement *rest;
} Preparation;

static void
prepare(gpointer data)
{
  Preparation *preparation = data;

  cord_call_prepare(preparation->call, preparation->rest);
}

static void
free_preparation(gpointer data)
{
  Preparation *preparation = data;

  g_object_unref(preparation->call);
  gst_object_unref(preparation->rest);
  g_free(preparation);
}

/* Whether there was room for one more. */
static gboolean
keep(CordCallRegistry *self, CordAdmission *admission, CordCall *call)
{
  gboolean room;

  g_mutex_lock(&self->lock);
  room = g_hash_table_size(self->prepared) < self->max_prepared;
  if (room)
    g_hash_table_insert(self->prepared, admission->call_id, g_object_ref(call));
  g_mutex_unlock(&self->lock);
  return room;
}

/* Builds the agent, which tells whether it can be built, and gets it ready. Many phones that ring
 * at once find their agents ready when they come, the rest have theirs built then. */
gboolean
cord_call_registry_prepare(CordCallRegistry *self, CordAdmission *admission, GError **error)
{
  CordWorker *worker = cord_worker_pool_pick(self->workers);
  g_autoptr(CordCall) call =
      cord_call_new(&self->kit, worker, admission, &cord_call_registry_owner, self);
  GstElement *rest =
      cord_pipelines_build(self->kit.pipelines, admission->agent,
                           cord_admission_is_browser(admission) ? CORD_LEG_BROWSER : CORD_LEG_PHONE,
                           cord_call_get_session(call), TRUE, error);
  Preparation *preparation;

  if (rest == NULL)
    return FALSE;
  gst_object_ref_sink(rest);
  if (!keep(self, admission, call)) {
    gst_object_unref(rest);
    return TRUE;
  }
  cord_worker_pool_add_load(self->workers, worker, 1);
  preparation = g_new0(Preparation, 1);
  *preparation = (Preparation){ g_object_ref(call), rest };
  cord_worker_post(worker, prepare, preparation, free_preparation);
  return TRUE;
}

CordCall *
cord_call_registry_take_prepared(CordCallRegistry *self, CordAdmission *admission,
                                 CordWorker *worker)
{
  CordCall *call;

  g_mutex_lock(&self->lock);
  call = g_hash_table_lookup(self->prepared, admission->call_id);
  if (call && cord_call_get_worker(call) == worker)
    g_hash_table_steal(self->prepared, admission->call_id);
  else
    call = NULL;
  g_mutex_unlock(&self->lock);
  return call;
}

CordWorker *
cord_call_registry_dup_prepared_worker(CordCallRegistry *self, CordAdmission *admission)
{
  CordWorker *worker = NULL;
  CordCall *call;

  g_mutex_lock(&self->lock);
  call = g_hash_table_lookup(self->prepared, admission->call_id);
  if (call)
    worker = g_object_ref(cord_call_get_worker(call));
  g_mutex_unlock(&self->lock);
  return worker;
}

/* The stream will not come, or has come by another door. The call leaves the table when it ends. */
void
cord_call_registry_dismiss(CordCallRegistry *self, CordAdmission *admission, CordCall *unless)
{
  g_autoptr(CordCall) call = NULL;

  g_mutex_lock(&self->lock);
  call = g_hash_table_lookup(self->prepared, admission->call_id);
  if (call)
    g_object_ref(call);
  g_mutex_unlock(&self->lock);
  if (call && call != unless)
    cord_call_registry_order_hang_up(call, "no-stream");
}
