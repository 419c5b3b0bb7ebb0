/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * FailoverMember:
 * @element: one of the elements that can do the work
 * @name: of its factory
 * @feed: the pad that is linked to its sink
 * @drain: the pad that is linked to its source
 *
 * One of a group; the rest of it is the group's.
 */
typedef struct _FailoverGroup FailoverGroup;
typedef struct _FailoverMember FailoverMember;

struct _FailoverMember {
  FailoverGroup *group;
  GstElement *element;
  gchar *name;
  GstPad *feed;
  GstPad *drain;
  guint index;

  gint complained; /* atomic: since it was tried again */
  gint health;     /* FailoverHealth, atomic: messages come on any thread */
  gchar *reason;
  gboolean waits;   /* in READY, to be tried again */
  guint attempts;   /* in a row that came to nothing */
  CordTimer *timer; /* the outage's deadline, the next attempt, or when silence is good news */
};

/**
 * FailoverHealth:
 * @FAILOVER_WELL: nothing is said against it
 * @FAILOVER_SHAKY: its service is gone, and perhaps soon back
 * @FAILOVER_ILL: it does not work now
 * @FAILOVER_DEAD: it will not work again
 */
typedef enum {
  FAILOVER_WELL,
  FAILOVER_SHAKY,
  FAILOVER_ILL,
  FAILOVER_DEAD,
} FailoverHealth;

/**
 * FailoverGroupFuncs:
 * @activated: another member is to do the work from here on, or, where @member is %NULL, none can.
 *   On the worker, and not from inside of what a member is just doing
 * @may_go_back: whether nothing is under way that the active member should finish
 *
 * What the owner of a group does.
 */
typedef struct {
  void (*activated)(FailoverMember *member, gpointer data);
  gboolean (*may_go_back)(gpointer data);
} FailoverGroupFuncs;

FailoverGroup *failover_group_new(GstBin *bin, const FailoverGroupFuncs *funcs, gpointer data);
void failover_group_free(FailoverGroup *self);
gboolean failover_group_set_elements(FailoverGroup *self, const gchar *elements, GError **error);
GPtrArray *failover_group_get_members(FailoverGroup *self);
FailoverMember *failover_group_get_active(FailoverGroup *self);
void failover_group_set_times(FailoverGroup *self, guint outage_ms, guint probe_ms);

void failover_group_prepare(FailoverGroup *self, CordWorker *worker);
void failover_group_start(FailoverGroup *self);
void failover_group_stop(FailoverGroup *self);
void failover_group_unprepare(FailoverGroup *self);

gboolean failover_group_take_message(FailoverGroup *self, GstMessage *message);
gboolean failover_group_has_alternative(FailoverGroup *self, GstMessage *message);
gboolean failover_group_is_heard(FailoverGroup *self, FailoverMember *member);
void failover_group_consider(FailoverGroup *self);
FailoverMember *failover_group_race(FailoverGroup *self);
void failover_group_settle(FailoverGroup *self, FailoverMember *rival, gboolean won);
gboolean failover_group_is_well(FailoverMember *member);

G_END_DECLS
