/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-rate-limit.h"

#define WINDOW_US (60 * G_TIME_SPAN_SECOND)
#define MAX_CLIENTS 10000 /* that are remembered */

/* A bucket as the moment at which it is full again: every request moves it on by its share. */
typedef struct {
  gint64 full_us;
} Client;

struct _CordRateLimit {
  GHashTable *clients; /* name -> Client */
  guint per_minute;
};

/**
 * cord_rate_limit_new:
 * @per_minute: requests of one client, 0 for no limit
 *
 * Returns: (transfer full): a limit that nobody has come near
 */
CordRateLimit *
cord_rate_limit_new(guint per_minute)
{
  CordRateLimit *self = g_new0(CordRateLimit, 1);

  self->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->per_minute = per_minute;
  return self;
}

/**
 * cord_rate_limit_free:
 * @self: (transfer full): a limit
 */
void
cord_rate_limit_free(CordRateLimit *self)
{
  g_hash_table_unref(self->clients);
  g_free(self);
}

static gboolean
is_full(gpointer name, gpointer client, gpointer now_us)
{
  return ((Client *)client)->full_us <= *(gint64 *)now_us;
}

/* Who has all of his requests again is as one who never came. When all are busy, all begin anew:
 * memory is worth more than an exact count. */
static void
make_room(CordRateLimit *self, gint64 now_us)
{
  if (g_hash_table_size(self->clients) < MAX_CLIENTS)
    return;
  g_hash_table_foreach_remove(self->clients, is_full, &now_us);
  if (g_hash_table_size(self->clients) >= MAX_CLIENTS)
    g_hash_table_remove_all(self->clients);
}

static guint
to_seconds(gint64 us)
{
  return (guint)((us + G_TIME_SPAN_SECOND - 1) / G_TIME_SPAN_SECOND);
}

/**
 * cord_rate_limit_take:
 * @self: a limit
 * @client: who asks
 * @now_us: the time
 * @state: (out): how the client stands then; its limit is 0 when there is none
 *
 * Returns: whether the request is within the limit
 */
gboolean
cord_rate_limit_take(CordRateLimit *self, const gchar *client, gint64 now_us, CordRateState *state)
{
  gint64 share_us, full_us;
  Client *known;
  gboolean within;

  *state = (CordRateState){ .limit = self->per_minute };
  if (self->per_minute == 0)
    return TRUE;
  share_us = MAX(WINDOW_US / self->per_minute, 1);
  known = g_hash_table_lookup(self->clients, client);
  full_us = known ? MAX(known->full_us, now_us) : now_us;
  within = full_us + share_us - now_us <= WINDOW_US;
  if (within)
    full_us += share_us;
  else
    state->retry = to_seconds(full_us + share_us - now_us - WINDOW_US);
  state->remaining = (guint)((WINDOW_US - (full_us - now_us)) / share_us);
  state->reset = to_seconds(full_us - now_us);
  if (!known) {
    make_room(self, now_us);
    known = g_new0(Client, 1);
    g_hash_table_insert(self->clients, g_strdup(client), known);
  }
  known->full_us = full_us;
  return within;
}

/**
 * cord_rate_limit_get_count:
 * @self: a limit
 *
 * Returns: how many clients are remembered
 */
guint
cord_rate_limit_get_count(CordRateLimit *self)
{
  return g_hash_table_size(self->clients);
}
