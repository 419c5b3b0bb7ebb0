/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-census.h"

struct _CordCensus {
  gatomicrefcount ref_count;
  guint max_connections;
  guint max_per_address;
  gsize max_bodies;

  GMutex lock;           /* leaf; guards what follows */
  GHashTable *addresses; /* text -> number of connections */
  guint count;
  gsize bodies; /* bytes */
};

/**
 * cord_census_new:
 * @max_connections: at once
 * @max_per_address: at once from one address that is not this machine's
 * @max_bodies: of all requests that are coming or being answered, bytes
 *
 * Returns: (transfer full): a census of nobody
 */
CordCensus *
cord_census_new(guint max_connections, guint max_per_address, gsize max_bodies)
{
  CordCensus *self = g_new0(CordCensus, 1);

  g_atomic_ref_count_init(&self->ref_count);
  self->max_connections = max_connections;
  self->max_per_address = max_per_address;
  self->max_bodies = max_bodies;
  g_mutex_init(&self->lock);
  self->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

/**
 * cord_census_ref:
 * @self: a census
 *
 * Returns: (transfer full): @self
 */
CordCensus *
cord_census_ref(CordCensus *self)
{
  g_atomic_ref_count_inc(&self->ref_count);
  return self;
}

/**
 * cord_census_unref:
 * @self: (transfer full): a census
 */
void
cord_census_unref(CordCensus *self)
{
  if (!g_atomic_ref_count_dec(&self->ref_count))
    return;
  g_hash_table_unref(self->addresses);
  g_mutex_clear(&self->lock);
  g_free(self);
}

/**
 * cord_census_enter:
 * @self: a census
 * @address: whose connection it is
 * @local: whether that is this machine, where a proxy may stand for everybody
 *
 * Returns: whether there is room; then to be followed by cord_census_leave()
 */
gboolean
cord_census_enter(CordCensus *self, const gchar *address, gboolean local)
{
  gboolean room;
  guint there;

  g_mutex_lock(&self->lock);
  there = GPOINTER_TO_UINT(g_hash_table_lookup(self->addresses, address));
  room = self->count < self->max_connections && (local || there < self->max_per_address);
  if (room) {
    self->count++;
    g_hash_table_insert(self->addresses, g_strdup(address), GUINT_TO_POINTER(there + 1));
  }
  g_mutex_unlock(&self->lock);
  return room;
}

/**
 * cord_census_leave:
 * @self: a census
 * @address: what was given to cord_census_enter()
 */
void
cord_census_leave(CordCensus *self, const gchar *address)
{
  guint there;

  g_mutex_lock(&self->lock);
  self->count--;
  there = GPOINTER_TO_UINT(g_hash_table_lookup(self->addresses, address));
  if (there > 1)
    g_hash_table_insert(self->addresses, g_strdup(address), GUINT_TO_POINTER(there - 1));
  else
    g_hash_table_remove(self->addresses, address);
  g_mutex_unlock(&self->lock);
}

/**
 * cord_census_hold:
 * @self: a census
 * @bytes: how much more of bodies is in memory
 *
 * Returns: whether there is room; then to be followed by cord_census_release()
 */
gboolean
cord_census_hold(CordCensus *self, gsize bytes)
{
  gboolean room;

  g_mutex_lock(&self->lock);
  room = self->bodies + bytes <= self->max_bodies;
  if (room)
    self->bodies += bytes;
  g_mutex_unlock(&self->lock);
  return room;
}

/**
 * cord_census_release:
 * @self: a census
 * @bytes: how much of bodies is no longer in memory
 */
void
cord_census_release(CordCensus *self, gsize bytes)
{
  g_mutex_lock(&self->lock);
  self->bodies -= bytes;
  g_mutex_unlock(&self->lock);
}

/**
 * cord_census_get_count:
 * @self: a census
 *
 * Returns: the number of connections
 */
guint
cord_census_get_count(CordCensus *self)
{
  guint count;

  g_mutex_lock(&self->lock);
  count = self->count;
  g_mutex_unlock(&self->lock);
  return count;
}
