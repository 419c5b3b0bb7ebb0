/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-dial-policy.h"

#include <string.h>

#include "cord-error.h"

#define HOUR (3600 * G_TIME_SPAN_SECOND)

struct _CordDialPolicy {
  GStrv allowed, denied;
  guint at_once, per_hour, per_key;
  guint now;     /* calls that are under way */
  GQueue placed; /* Placed, the oldest first, of the last hour */
};

typedef struct {
  gint64 time;
  gchar *key;
} Placed;

static void
free_placed(gpointer data)
{
  Placed *placed = data;

  g_free(placed->key);
  g_free(placed);
}

static GStrv
split(const gchar *prefixes)
{
  GStrv list = g_strsplit(prefixes ? prefixes : "", ",", -1);

  for (gchar **prefix = list; *prefix; prefix++)
    g_strstrip(*prefix);
  return list;
}

static gboolean
has_prefix(const gchar *number, GStrv prefixes)
{
  for (gchar **prefix = prefixes; *prefix; prefix++)
    if (**prefix && g_str_has_prefix(number, *prefix))
      return TRUE;
  return FALSE;
}

static gboolean
is_empty(GStrv prefixes)
{
  for (gchar **prefix = prefixes; *prefix; prefix++)
    if (**prefix)
      return FALSE;
  return TRUE;
}

/**
 * cord_dial_policy_new:
 * @limits: what may be dialled; copied
 *
 * Returns: (transfer full): a policy that has counted nothing yet
 */
CordDialPolicy *
cord_dial_policy_new(const CordDialLimits *limits)
{
  CordDialPolicy *self = g_new0(CordDialPolicy, 1);

  self->allowed = split(limits->allowed);
  self->denied = split(limits->denied);
  self->at_once = limits->at_once;
  self->per_hour = limits->per_hour;
  self->per_key = limits->per_key;
  g_queue_init(&self->placed);
  return self;
}

/**
 * cord_dial_policy_free:
 * @self: (transfer full): a policy
 */
void
cord_dial_policy_free(CordDialPolicy *self)
{
  g_queue_clear_full(&self->placed, free_placed);
  g_strfreev(self->allowed);
  g_strfreev(self->denied);
  g_free(self);
}

/**
 * cord_dial_policy_check_number:
 * @self: a policy
 * @number: E.164
 * @error: return location for an error
 *
 * Returns: whether the number may be dialled at all
 */
gboolean
cord_dial_policy_check_number(CordDialPolicy *self, const gchar *number, GError **error)
{
  if (!has_prefix(number, self->denied) &&
      (is_empty(self->allowed) || has_prefix(number, self->allowed)))
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
              "%s may not be dialled: see outbound.allowed and outbound.denied in the settings",
              number);
  return FALSE;
}

static void
forget_old(CordDialPolicy *self, gint64 now)
{
  Placed *oldest;

  while ((oldest = g_queue_peek_head(&self->placed)) && now - oldest->time >= HOUR)
    free_placed(g_queue_pop_head(&self->placed));
}

static guint
count_key(CordDialPolicy *self, const gchar *key)
{
  guint count = 0;

  for (GList *link = self->placed.head; link; link = link->next)
    count += g_strcmp0(((Placed *)link->data)->key, key) == 0;
  return count;
}

static gboolean
refuse(const gchar *what, guint limit, GError **error)
{
  g_set_error(error, CORD_ERROR, CORD_ERROR_QUOTA, "%s: the limit is %u", what, limit);
  return FALSE;
}

/**
 * cord_dial_policy_take:
 * @self: a policy
 * @number: E.164
 * @key: (nullable): the API key that asks, or %NULL for this machine
 * @now_us: monotonic time
 * @error: return location for an error: %CORD_ERROR_NOT_AUTHORIZED or %CORD_ERROR_QUOTA
 *
 * Takes a place for a call; given back with cord_dial_policy_give_back() when the call is over.
 * That it was placed still counts for an hour.
 *
 * Returns: whether there is one
 */
gboolean
cord_dial_policy_take(CordDialPolicy *self, const gchar *number, const gchar *key, gint64 now_us,
                      GError **error)
{
  Placed *placed;

  if (!cord_dial_policy_check_number(self, number, error))
    return FALSE;
  forget_old(self, now_us);
  if (self->at_once > 0 && self->now >= self->at_once)
    return refuse("too many outbound calls at once", self->at_once, error);
  if (self->per_hour > 0 && self->placed.length >= self->per_hour)
    return refuse("too many outbound calls in an hour", self->per_hour, error);
  if (self->per_key > 0 && count_key(self, key) >= self->per_key)
    return refuse("too many outbound calls in an hour with this key", self->per_key, error);
  placed = g_new0(Placed, 1);
  placed->time = now_us;
  placed->key = g_strdup(key);
  g_queue_push_tail(&self->placed, placed);
  self->now++;
  return TRUE;
}

/**
 * cord_dial_policy_give_back:
 * @self: a policy
 *
 * A call is over.
 */
void
cord_dial_policy_give_back(CordDialPolicy *self)
{
  g_return_if_fail(self->now > 0);

  self->now--;
}
