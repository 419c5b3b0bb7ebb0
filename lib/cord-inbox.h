/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordInboxFunc:
 * @object: (transfer full): a buffer or an event
 * @user_data: what cord_inbox_new() was given
 *
 * Called on the worker, for one object at a time, in the order in which they were pushed.
 */
typedef GstFlowReturn (*CordInboxFunc)(GstMiniObject *object, gpointer user_data);

/**
 * CordInbox:
 *
 * The door by which data comes into an element that works on a worker. In a served call the pusher
 * is the worker itself and the door is open: the object is handled inside the push. A foreign
 * streaming thread (gst-launch) leaves it at the door, and waits there when too much lies about.
 */
typedef struct _CordInbox CordInbox;

CordInbox *cord_inbox_new(CordInboxFunc func, gpointer user_data);
void cord_inbox_free(CordInbox *self);
void cord_inbox_open(CordInbox *self, CordWorker *worker);
void cord_inbox_close(CordInbox *self);
GstFlowReturn cord_inbox_push(CordInbox *self, GstMiniObject *object);
void cord_inbox_set_flushing(CordInbox *self, gboolean flushing);

G_END_DECLS
