/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-registry-private.h"

/* What calls are told to do, on their workers. */

typedef void (*Do)(CordCall *call, const gchar *reason);

typedef struct {
  CordCall *call;
  gchar *reason;
  Do what;
} Order;

static void
obey(gpointer data)
{
  Order *order = data;

  order->what(order->call, order->reason);
}

static void
free_order(gpointer data)
{
  Order *order = data;

  g_object_unref(order->call);
  g_free(order->reason);
  g_free(order);
}

static void
give_order(CordCall *call, Do what, const gchar *reason)
{
  Order *order = g_new0(Order, 1);

  *order = (Order){ g_object_ref(call), g_strdup(reason), what };
  cord_worker_post(cord_call_get_worker(call), obey, order, free_order);
}

void
cord_call_registry_order_hang_up(CordCall *call, const gchar *reason)
{
  give_order(call, cord_call_hang_up, reason);
}

/* Whether there is such a call and it streams. */
static gboolean
order(CordCallRegistry *self, const gchar *call_id, Do what, const gchar *reason)
{
  CordCallEntry *entry = cord_call_table_find(self->table, call_id);
  GHashTableIter iter;
  gpointer call;
  gboolean found = FALSE;

  if (entry == NULL || entry->ended)
    return FALSE;
  g_mutex_lock(&self->lock);
  g_hash_table_iter_init(&iter, self->calls);
  while (!found && g_hash_table_iter_next(&iter, &call, NULL)) {
    const CordAdmission *admission = cord_call_get_admission(call);

    found = admission && g_str_equal(admission->call_id, entry->admission->call_id);
    if (found)
      give_order(call, what, reason);
  }
  g_mutex_unlock(&self->lock);
  return found;
}

/* Somebody looks how loud it is, or nobody does any more. */
void
cord_call_registry_order_levels(CordCallRegistry *self, const CordCallEntry *entry, gboolean wanted)
{
  order(self, entry->admission->call_id, cord_call_show_levels, wanted ? "wanted" : NULL);
}

/**
 * cord_call_registry_hang_up:
 * @self: the registry
 * @call_id: a call, by its id or the carrier's
 * @reason: what its record will say
 *
 * Returns: whether there is such a call and it streams
 */
gboolean
cord_call_registry_hang_up(CordCallRegistry *self, const gchar *call_id, const gchar *reason)
{
  return order(self, call_id, cord_call_hang_up, reason);
}

/**
 * cord_call_registry_expect_end:
 * @self: the registry
 * @call_id: a call, by its id or the carrier's
 * @reason: (nullable): what its record will say if the carrier ends its stream; %NULL: what the
 *   carrier says
 */
void
cord_call_registry_expect_end(CordCallRegistry *self, const gchar *call_id, const gchar *reason)
{
  order(self, call_id, cord_call_expect_end, reason);
}
