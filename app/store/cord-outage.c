/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-outage.h"

#define FIRST_DELAY (100 * G_TIME_SPAN_MILLISECOND)
#define LAST_DELAY (2 * G_TIME_SPAN_SECOND)

struct _CordOutage {
  gatomicrefcount n_refs;
  GMutex lock; /* leaf; guards all below */
  gchar *why;  /* NULL while the server is there */
  gint64 delay;
  gint64 next_try;
  gboolean trying;
};

/**
 * cord_outage_new:
 *
 * Returns: (transfer full): a server that is there until the contrary is told
 */
CordOutage *
cord_outage_new(void)
{
  CordOutage *self = g_new0(CordOutage, 1);

  g_atomic_ref_count_init(&self->n_refs);
  g_mutex_init(&self->lock);
  return self;
}

CordOutage *
cord_outage_ref(CordOutage *self)
{
  g_atomic_ref_count_inc(&self->n_refs);
  return self;
}

void
cord_outage_unref(CordOutage *self)
{
  if (!g_atomic_ref_count_dec(&self->n_refs))
    return;
  g_mutex_clear(&self->lock);
  g_free(self->why);
  g_free(self);
}

/**
 * cord_outage_may_try:
 * @self: an outage
 * @why: (out) (transfer full): why not
 *
 * Who is let must say how it went, by cord_outage_failed(), cord_outage_passed()
 * or cord_outage_ended().
 *
 * Returns: whether the server is there, or it is this connection's turn to look
 */
gboolean
cord_outage_may_try(CordOutage *self, gchar **why)
{
  gboolean may;

  g_mutex_lock(&self->lock);
  may = !self->why || (!self->trying && g_get_monotonic_time() >= self->next_try);
  if (may)
    self->trying = self->why != NULL;
  else
    *why = g_strdup(self->why);
  g_mutex_unlock(&self->lock);
  return may;
}

/**
 * cord_outage_failed:
 * @self: an outage
 * @why: what went wrong
 *
 * The server cannot be reached or is silent.
 */
void
cord_outage_failed(CordOutage *self, const gchar *why)
{
  g_mutex_lock(&self->lock);
  self->delay = self->why ? MIN(self->delay * 2, LAST_DELAY) : FIRST_DELAY;
  self->next_try = g_get_monotonic_time() + self->delay;
  self->trying = FALSE;
  g_free(self->why);
  self->why = g_strdup(why);
  g_mutex_unlock(&self->lock);
}

/**
 * cord_outage_passed:
 * @self: an outage
 *
 * The connection was lost, which may have been its own fault: whoever comes next may look.
 */
void
cord_outage_passed(CordOutage *self)
{
  g_mutex_lock(&self->lock);
  self->trying = FALSE;
  g_mutex_unlock(&self->lock);
}

/**
 * cord_outage_ended:
 * @self: an outage
 *
 * The server has answered.
 */
void
cord_outage_ended(CordOutage *self)
{
  g_mutex_lock(&self->lock);
  g_clear_pointer(&self->why, g_free);
  self->trying = FALSE;
  g_mutex_unlock(&self->lock);
}
