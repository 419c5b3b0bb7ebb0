/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-http-socket.h"

static void
free_weak_ref(gpointer data)
{
  g_weak_ref_clear(data);
  g_free(data);
}

/* guint64 -> GWeakRef */
static GHashTable *
get_table(CordWorker *worker)
{
  static GQuark quark;
  GHashTable *table;

  if (quark == 0)
    quark = g_quark_from_static_string("cord-http-sockets");
  table = g_object_get_qdata(G_OBJECT(worker), quark);
  if (table == NULL) {
    table = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_weak_ref);
    g_object_set_qdata_full(G_OBJECT(worker), quark, table, (GDestroyNotify)g_hash_table_unref);
  }
  return table;
}

static gboolean
is_gone(gpointer key, gpointer value, gpointer data)
{
  g_autoptr(GSocket) socket = g_weak_ref_get(value);

  return socket == NULL;
}

/* The number of a connection is never given again. */
void
cord_http_socket_note(CordWorker *worker, guint64 connection, GSocket *socket)
{
  GHashTable *table = get_table(worker);
  guint64 *key = g_new(guint64, 1);
  GWeakRef *weak = g_new(GWeakRef, 1);

  g_hash_table_foreach_remove(table, is_gone, NULL);
  *key = connection;
  g_weak_ref_init(weak, socket);
  g_hash_table_replace(table, key, weak);
}

/* Returns: (transfer full) (nullable): the socket, unless it is closed or was never known */
GSocket *
cord_http_socket_find(CordWorker *worker, guint64 connection)
{
  GWeakRef *weak = g_hash_table_lookup(get_table(worker), &connection);
  GSocket *socket = weak ? g_weak_ref_get(weak) : NULL;

  if (socket && g_socket_is_closed(socket))
    g_clear_object(&socket);
  return socket;
}

/* What the name means now: checked where it is used, so that it cannot mean another machine by
 * then. A socket that is closed sends nothing. Returns whether it may go on. */
gboolean
cord_http_socket_check(GIOStream *connection, gboolean (*may_reach)(GInetAddress *, gpointer),
                       gpointer data)
{
  GSocketConnection *socket = G_SOCKET_CONNECTION(connection);
  g_autoptr(GSocketAddress) address = g_socket_connection_get_remote_address(socket, NULL);

  if (G_IS_INET_SOCKET_ADDRESS(address) &&
      may_reach(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)), data))
    return TRUE;
  g_socket_close(g_socket_connection_get_socket(socket), NULL);
  return FALSE;
}
