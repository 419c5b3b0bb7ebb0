/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-service-link.h"

#include "cord-error.h"

#define FIRST_WAIT_MS 250 /* before the second attempt; each later wait is twice as long … */
#define MAX_DOUBLINGS 4   /* … up to 4 s */
#define STABLE (5 * GST_SECOND) /* a connection that lasted so long was a good one */

typedef enum {
  STATE_IDLE,
  STATE_CONNECTING, /* timer: the attempt's deadline */
  STATE_UP,         /* timer: keep-alive */
  STATE_WAITING,    /* timer: the next attempt */
  STATE_FAILED,
} State;

struct _CordServiceLink {
  CordWorker *worker;
  CordServiceLinkTimes times;
  const CordServiceLinkHandlers *handlers;
  gpointer data;

  State state;
  CordTimer *timer;
  guint attempts;          /* in this outage */
  GstClockTime down_since; /* monotonic */
  GstClockTime up_since;   /* monotonic */
  GstClockTime used;       /* monotonic, last traffic */
};

static void
set_timer(CordServiceLink *self, guint ms, CordFunc func)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  self->timer = cord_worker_add_timer(self->worker, ms * GST_MSECOND, func, self);
}

/* What will not be better in a second is not tried again. */
static gboolean
is_hopeless(const GError *error)
{
  return g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED) ||
         g_error_matches(error, CORD_ERROR, CORD_ERROR_INVALID) ||
         g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_FOUND);
}

static void
on_connect_deadline(gpointer data)
{
  CordServiceLink *self = data;

  self->timer = NULL;
  self->handlers->disconnect(self->data);
  cord_service_link_down(self, g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                                           "the service could not be reached in %u ms",
                                           self->times.connect_ms));
}

static void
try_to_connect(CordServiceLink *self)
{
  self->state = STATE_CONNECTING;
  self->attempts++;
  set_timer(self, self->times.connect_ms, on_connect_deadline);
  self->handlers->connect(self->data);
}

static void
on_next_attempt(gpointer data)
{
  CordServiceLink *self = data;

  self->timer = NULL;
  try_to_connect(self);
}

static void
on_keep_alive(gpointer data)
{
  CordServiceLink *self = data;
  GstClockTime interval = self->times.keep_alive_ms * GST_MSECOND;
  GstClockTime quiet = cord_worker_get_time(self->worker) - self->used;

  self->timer = NULL;
  if (quiet >= interval) {
    self->used = cord_worker_get_time(self->worker);
    quiet = 0;
  }
  set_timer(self, (guint)((interval - quiet) / GST_MSECOND) + 1, on_keep_alive);
  if (quiet == 0)
    self->handlers->keep_alive(self->data);
}

/**
 * cord_service_link_new: (skip)
 * @worker: where everything happens
 * @times: how patient to be
 * @handlers: how it is done; must outlive the link
 * @data: for @handlers
 *
 * Returns: (transfer full): a link that does nothing yet
 */
CordServiceLink *
cord_service_link_new(CordWorker *worker, const CordServiceLinkTimes *times,
                      const CordServiceLinkHandlers *handlers, gpointer data)
{
  CordServiceLink *self = g_new0(CordServiceLink, 1);

  self->worker = worker;
  self->times = *times;
  self->handlers = handlers;
  self->data = data;
  return self;
}

/**
 * cord_service_link_free: (skip)
 * @self: a link
 *
 * Disconnects, too.
 */
void
cord_service_link_free(CordServiceLink *self)
{
  gboolean busy = self->state == STATE_CONNECTING || self->state == STATE_UP;

  g_clear_pointer(&self->timer, cord_timer_remove);
  self->state = STATE_IDLE;
  if (busy)
    self->handlers->disconnect(self->data);
  g_free(self);
}

/**
 * cord_service_link_start: (skip)
 * @self: a link
 *
 * Connects, and sees to it that it stays so.
 */
void
cord_service_link_start(CordServiceLink *self)
{
  self->down_since = cord_worker_get_time(self->worker);
  try_to_connect(self);
}

/**
 * cord_service_link_is_up: (skip)
 * @self: a link
 *
 * Returns: whether the service is there
 */
gboolean
cord_service_link_is_up(CordServiceLink *self)
{
  return self->state == STATE_UP;
}

/**
 * cord_service_link_used: (skip)
 * @self: a link
 *
 * Something was sent: no keep-alive is needed for a while.
 */
void
cord_service_link_used(CordServiceLink *self)
{
  self->used = cord_worker_get_time(self->worker);
}

/**
 * cord_service_link_up: (skip)
 * @self: a link
 *
 * The attempt has succeeded.
 */
void
cord_service_link_up(CordServiceLink *self)
{
  if (self->state != STATE_CONNECTING)
    return;
  g_clear_pointer(&self->timer, cord_timer_remove);
  self->state = STATE_UP;
  self->up_since = cord_worker_get_time(self->worker);
  cord_service_link_used(self);
  if (self->times.keep_alive_ms > 0 && self->handlers->keep_alive)
    set_timer(self, self->times.keep_alive_ms, on_keep_alive);
  self->handlers->up(self->data);
}

static void
give_up(CordServiceLink *self, const GError *why)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  self->state = STATE_FAILED;
  self->handlers->failed(why, self->data);
}

/**
 * cord_service_link_down:
 * @self: a link
 * @error: (transfer full): why
 *
 * The attempt has failed, or the connection is lost. Tried again at once after the loss of one that
 * lasted, else with growing waits, unless @error says that it will not get better (not authorized,
 * invalid, not found).
 */
void
cord_service_link_down(CordServiceLink *self, GError *error)
{
  cord_service_link_down_for(self, error, 0);
}

/**
 * cord_service_link_down_for:
 * @self: a link
 * @error: (transfer full): why
 * @wait: for how long the service wants to be left alone
 *
 * The same for a service that says when it may be tried again.
 */
void
cord_service_link_down_for(CordServiceLink *self, GError *error, GstClockTime wait)
{
  g_autoptr(GError) why = error;
  GstClockTime now = cord_worker_get_time(self->worker);
  gboolean was_up = self->state == STATE_UP;
  gboolean lasted = was_up && now - self->up_since >= STABLE;
  guint wait_ms;

  if (self->state != STATE_CONNECTING && !was_up)
    return;
  if (lasted) {
    self->down_since = now;
    self->attempts = 0;
  }
  if (is_hopeless(why) || now + wait - self->down_since >= self->times.give_up_ms * GST_MSECOND) {
    give_up(self, why);
    return;
  }
  wait_ms = lasted ? 0 : FIRST_WAIT_MS << MIN(self->attempts - 1, MAX_DOUBLINGS);
  self->state = STATE_WAITING;
  set_timer(self, MAX(wait_ms, (guint)(wait / GST_MSECOND)), on_next_attempt);
  if (was_up || self->attempts == 1)
    self->handlers->down(why, self->data);
}

/**
 * cord_service_link_renew: (skip)
 * @self: a link that is up
 *
 * The connection has done what it was for, and was closed: the next one is made at once, and nobody
 * is told that there was none.
 */
void
cord_service_link_renew(CordServiceLink *self)
{
  if (self->state != STATE_UP)
    return;
  self->attempts = 0;
  self->down_since = cord_worker_get_time(self->worker);
  try_to_connect(self);
}

/**
 * cord_service_link_fail:
 * @self: a link
 * @error: (transfer full): why
 *
 * The attempt has failed or the connection is lost, and trying again will not help.
 */
void
cord_service_link_fail(CordServiceLink *self, GError *error)
{
  g_autoptr(GError) why = error;

  if (self->state == STATE_CONNECTING || self->state == STATE_UP)
    give_up(self, why);
}
