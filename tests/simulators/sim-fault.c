/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-private.h"

/*
 * Faults by place: the nth connection of a provider, the nth piece that it sends. A module does not
 * know that they exist.
 */

static const gchar *const kinds[] = { "status", "never",     "reset",    "close",   "stall",
                                      "drop",   "duplicate", "truncate", "replace", "split",
                                      "join",   "delay",     NULL };

static void
free_fault(gpointer data)
{
  SimFault *fault = data;

  g_free(fault->provider);
  json_object_unref(fault->object);
  g_free(fault);
}

static const gchar *
find_kind(const gchar *name)
{
  for (guint i = 0; kinds[i]; i++)
    if (g_str_equal(kinds[i], name))
      return kinds[i];
  g_warning("there is no fault \"%s\"", name);
  return NULL;
}

/* Takes the place of the faults that there were. */
void
sim_faults_load(SimServer *server, JsonArray *faults)
{
  g_clear_pointer(&server->faults, g_ptr_array_unref);
  server->faults = g_ptr_array_new_with_free_func(free_fault);
  for (guint i = 0; faults && i < json_array_get_length(faults); i++) {
    JsonObject *object = json_array_get_object_element(faults, i);
    SimFault *fault;
    const gchar *kind = find_kind(cord_json_peek_string(object, "fault", ""));

    if (!kind)
      continue;
    fault = g_new0(SimFault, 1);
    fault->provider = g_strdup(cord_json_peek_string(object, "provider", NULL));
    fault->connection = (gint)cord_json_peek_int(object, "connection", -1);
    fault->message = (gint)cord_json_peek_int(object, "message", SIM_BEFORE);
    if (g_str_equal(cord_json_peek_string(object, "message", ""), "upgrade"))
      fault->message = SIM_UPGRADE;
    fault->times = (gint)cord_json_peek_int(object, "times", 1);
    fault->kind = kind;
    fault->object = json_object_ref(object);
    g_ptr_array_add(server->faults, fault);
  }
}

/* The fault for this place, used up once more. */
SimFault *
sim_fault_find(SimConnection *self, gint message)
{
  for (guint i = 0; i < self->server->faults->len; i++) {
    SimFault *fault = self->server->faults->pdata[i];

    if (fault->times > 0 && fault->message == message &&
        (fault->connection < 0 || fault->connection == self->index) &&
        (!fault->provider || g_str_equal(fault->provider, self->route->provider))) {
      fault->times--;
      sim_journal_add(self, "fault", fault->kind, "", 0);
      return fault;
    }
  }
  return NULL;
}

void
sim_connection_init(SimConnection *self, SimServer *server, const SimRoute *route)
{
  gpointer n = g_hash_table_lookup(server->connections, route->provider);

  self->server = server;
  self->route = route;
  self->index = GPOINTER_TO_INT(n);
  g_hash_table_insert(server->connections, (gpointer)route->provider,
                      GINT_TO_POINTER(self->index + 1));
}

void
sim_connection_clear(SimConnection *self)
{
  g_clear_pointer(&self->held, g_bytes_unref);
}

static void
emit(SimConnection *self, gboolean text, gconstpointer data, gsize length)
{
  GByteArray *joined;

  if (!self->held) {
    self->emit(self, text, data, length);
    return;
  }
  joined = g_byte_array_new();
  g_byte_array_append(joined, g_bytes_get_data(self->held, NULL),
                      (guint)g_bytes_get_size(self->held));
  g_byte_array_append(joined, data, (guint)length);
  g_clear_pointer(&self->held, g_bytes_unref);
  self->emit(self, text, joined->data, joined->len);
  g_byte_array_unref(joined);
}

static gsize
bytes_of(const SimFault *fault, gsize length)
{
  return (gsize)CLAMP(cord_json_peek_int(fault->object, "bytes", 1), 0, (gint64)length);
}

/* Instead of the piece */
static void
apply(SimConnection *self, const SimFault *fault, gboolean text, const guint8 *data, gsize length)
{
  const gchar *kind = fault->kind;
  const gchar *body = cord_json_peek_string(fault->object, "body", "{");
  gsize cut = bytes_of(fault, length);

  if (g_str_equal(kind, "duplicate")) {
    emit(self, text, data, length);
    emit(self, text, data, length);
  } else if (g_str_equal(kind, "truncate")) {
    emit(self, text, data, cut);
  } else if (g_str_equal(kind, "replace")) {
    emit(self, text, body, strlen(body));
  } else if (g_str_equal(kind, "split")) {
    g_autoptr(GBytes) rest = g_bytes_new(data + cut, length - cut);

    emit(self, text, data, cut);
    self->later(self, GST_MSECOND, text, rest);
  } else if (g_str_equal(kind, "join")) {
    self->held = g_bytes_new(data, length);
  } else if (g_str_equal(kind, "delay")) {
    g_autoptr(GBytes) whole = g_bytes_new(data, length);

    self->later(self, (GstClockTime)cord_json_peek_int(fault->object, "ms", 1000) * GST_MSECOND,
                text, whole);
  } else if (!g_str_equal(kind, "drop")) {
    /* the end of it: of the piece only what "bytes" says still goes out */
    if (json_object_has_member(fault->object, "bytes"))
      emit(self, text, data, cut);
    self->silent = TRUE;
    if (g_str_equal(kind, "reset"))
      self->reset(self, TRUE);
    else if (g_str_equal(kind, "close") && json_object_has_member(fault->object, "code"))
      self->close(self, (guint16)cord_json_peek_int(fault->object, "code", 1011),
                  cord_json_peek_string(fault->object, "reason", ""));
    else if (g_str_equal(kind, "close"))
      self->reset(self, FALSE);
  }
}

/* One piece: a chunk, an event, a message. */
void
sim_connection_send(SimConnection *self, gboolean text, gconstpointer data, gsize length)
{
  SimFault *fault;

  if (self->silent)
    return;
  sim_journal_add(self, "out", text ? "text" : "binary", data, length);
  fault = sim_fault_find(self, self->sent++);
  if (fault)
    apply(self, fault, text, data, length);
  else
    emit(self, text, data, length);
}
