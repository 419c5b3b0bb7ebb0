/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-worker-pool.h"

struct _CordWorkerPool {
  GPtrArray *workers;
  gint *load; /* calls on each, atomic */
};

/**
 * cord_worker_pool_new:
 * @workers: how many, 0 for one a core
 *
 * Starts media threads, called "media-0" and so on.
 *
 * Returns: (transfer full): the pool
 */
CordWorkerPool *
cord_worker_pool_new(guint workers)
{
  CordWorkerPool *self = g_new0(CordWorkerPool, 1);
  guint count = workers ? workers : g_get_num_processors();

  self->workers = g_ptr_array_new_with_free_func(g_object_unref);
  self->load = g_new0(gint, count);
  for (guint i = 0; i < count; i++) {
    g_autofree gchar *name = g_strdup_printf("media-%u", i);

    g_ptr_array_add(self->workers, cord_worker_acquire(name));
  }
  return self;
}

/**
 * cord_worker_pool_free:
 * @self: (transfer full): a pool
 */
void
cord_worker_pool_free(CordWorkerPool *self)
{
  g_ptr_array_unref(self->workers);
  g_free(self->load);
  g_free(self);
}

/**
 * cord_worker_pool_pick:
 * @self: a pool
 *
 * Returns: (transfer none): the media thread with the fewest calls
 */
CordWorker *
cord_worker_pool_pick(CordWorkerPool *self)
{
  guint best = 0;

  for (guint i = 1; i < self->workers->len; i++) {
    if (g_atomic_int_get(&self->load[i]) < g_atomic_int_get(&self->load[best]))
      best = i;
  }
  return self->workers->pdata[best];
}

/**
 * cord_worker_pool_add_load:
 * @self: a pool
 * @worker: one of its threads, or another, which changes nothing
 * @calls: how many came (or, negative, went)
 */
void
cord_worker_pool_add_load(CordWorkerPool *self, CordWorker *worker, gint calls)
{
  guint index;

  if (g_ptr_array_find(self->workers, worker, &index))
    g_atomic_int_add(&self->load[index], calls);
}

/**
 * cord_worker_pool_get_lateness:
 * @self: a pool
 *
 * Returns: how late the ticks of the latest thread are, us
 */
guint
cord_worker_pool_get_lateness(CordWorkerPool *self)
{
  guint latest = 0;

  for (guint i = 0; i < self->workers->len; i++)
    latest = MAX(latest, cord_worker_get_lateness_us(self->workers->pdata[i]));
  return latest;
}

/**
 * cord_worker_pool_has_room:
 * @self: a pool
 * @max_lateness_us: the lateness of its ticks with which a thread may still take a call
 *
 * Returns: whether any thread may
 */
gboolean
cord_worker_pool_has_room(CordWorkerPool *self, guint max_lateness_us)
{
  for (guint i = 0; i < self->workers->len; i++) {
    if (cord_worker_get_lateness_us(self->workers->pdata[i]) < max_lateness_us)
      return TRUE;
  }
  return FALSE;
}
