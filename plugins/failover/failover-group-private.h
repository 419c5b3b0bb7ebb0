/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "failover-group.h"

G_BEGIN_DECLS

/* Inside of FailoverGroup: who is at work (failover-group.c), and what its members say of
 * themselves (failover-news.c). */

struct _FailoverGroup {
  GstBin *bin; /* not owned */
  const FailoverGroupFuncs *funcs;
  gpointer data;
  GPtrArray *members;
  guint outage_ms;
  guint probe_ms;

  CordWorker *worker;
  gboolean running;       /* worker only */
  FailoverMember *active; /* worker only */
  gint considering;       /* atomic: it has been posted */
};

G_END_DECLS
