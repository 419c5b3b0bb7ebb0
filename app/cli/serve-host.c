/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve-host.h"

#include <malloc.h>
#include <sys/resource.h>
#ifdef HAVE_SYSTEMD
#  include <systemd/sd-daemon.h>
#endif

/**
 * serve_tell_host:
 * @state: as sd_notify(3) has it
 *
 * Tells systemd, if it has started us.
 */
void
serve_tell_host(const gchar *state)
{
#ifdef HAVE_SYSTEMD
  sd_notify(0, state);
#endif
}

#ifdef HAVE_SYSTEMD
static gboolean
feed_watchdog(gpointer data)
{
  serve_tell_host("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}
#endif

/**
 * serve_start_watchdog:
 *
 * Feeds systemd's watchdog from the main loop, so that a loop that hangs is noticed.
 */
void
serve_start_watchdog(void)
{
#ifdef HAVE_SYSTEMD
  uint64_t period_us;

  if (sd_watchdog_enabled(0, &period_us) > 0)
    g_timeout_add((guint)(period_us / 2000), feed_watchdog, NULL);
#endif
}

/**
 * serve_raise_limits:
 *
 * Takes what the system allows: each call is a descriptor, and the soft limit is for programs that
 * use select().
 */
void
serve_raise_limits(void)
{
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  /* an arena a thread would keep what calls have given back */
  mallopt(M_ARENA_MAX, 2);
}
