/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-private.h"

/*
 * Faults by place: the nth connection of a provider, the nth piece that it sends. A module does not
 * know that they exist.
 */

static const gchar *const kinds[] = { "status",  "never",     "reset",    "close",   "stall",
                                      "drop",    "duplicate", "truncate", "replace", "split",
                                      "join",    "delay",     "insert",   "swap",    "pause",
                                      "dribble", "fragment",  "large",    "ping",    "half",
                                      "deaf",    "gone",      "accept",   NULL };

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
    else if (g_str_equal(cord_json_peek_string(object, "message", ""), "every"))
      fault->message = SIM_EVERY;
    fault->at_ms = cord_json_peek_int(object, "at_ms", -1);
    fault->times = (gint)cord_json_peek_int(object, "times", 1);
    fault->kind = kind;
    fault->object = json_object_ref(object);
    g_ptr_array_add(server->faults, fault);
  }
}

static gboolean
concerns(const SimFault *self, const SimConnection *connection)
{
  return self->times > 0 && (self->connection < 0 || self->connection == connection->index) &&
         (!self->provider || g_str_equal(self->provider, connection->route->provider));
}

/* Every piece is a place; and a status is what refuses a WebSocket. */
static gboolean
is_place(const SimFault *self, gint message)
{
  return self->message == message || (self->message == SIM_EVERY && message >= 0) ||
         (message == SIM_UPGRADE && self->message == SIM_BEFORE &&
          g_str_equal(self->kind, "status"));
}

static SimFault *
use_up(SimFault *self, SimConnection *connection)
{
  self->times--;
  sim_journal_add(connection, "fault", self->kind, "", 0);
  return self;
}

/* The fault for this place, used up once more. */
SimFault *
sim_fault_find(SimConnection *self, gint message)
{
  for (guint i = 0; i < self->server->faults->len; i++) {
    SimFault *fault = self->server->faults->pdata[i];

    if (fault->at_ms < 0 && concerns(fault, self) && is_place(fault, message))
      return use_up(fault, self);
  }
  return NULL;
}

/* The fault that comes with this age. */
SimFault *
sim_fault_find_due(SimConnection *self, GstClockTime age)
{
  for (guint i = 0; i < self->server->faults->len; i++) {
    SimFault *fault = self->server->faults->pdata[i];

    if (fault->at_ms >= 0 && concerns(fault, self) &&
        (GstClockTime)fault->at_ms * GST_MSECOND <= age)
      return use_up(fault, self);
  }
  return NULL;
}

GstClockTime
sim_fault_get_ms(const SimFault *self, const gchar *name, gint64 fallback)
{
  return (GstClockTime)cord_json_peek_int(self->object, name, fallback) * GST_MSECOND;
}

/* "body", or what no JSON text can hold as "base64". */
GBytes *
sim_fault_get_body(const SimFault *self)
{
  const gchar *encoded = cord_json_peek_string(self->object, "base64", NULL);
  const gchar *body = cord_json_peek_string(self->object, "body", "{");
  gsize length;
  guchar *data;

  if (!encoded)
    return g_bytes_new(body, strlen(body));
  data = g_base64_decode(encoded, &length);
  return g_bytes_new_take(data, length);
}
