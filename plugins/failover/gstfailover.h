/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-inbox.h"
#include "failover-group.h"

G_BEGIN_DECLS

#define GST_TYPE_FAILOVER (gst_failover_get_type())
#define GST_FAILOVER(object) (G_TYPE_CHECK_INSTANCE_CAST((object), GST_TYPE_FAILOVER, GstFailover))
#define GST_FAILOVER_CLASS(klass)                                                                  \
  (G_TYPE_CHECK_CLASS_CAST((klass), GST_TYPE_FAILOVER, GstFailoverClass))
#define GST_FAILOVER_GET_CLASS(object)                                                             \
  (G_TYPE_INSTANCE_GET_CLASS((object), GST_TYPE_FAILOVER, GstFailoverClass))

/* not declared by a macro: its subclasses see what is in it */
typedef struct _GstFailover GstFailover;
typedef struct _GstFailoverClass GstFailoverClass;
GType gst_failover_get_type(void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GstFailover, gst_object_unref)

/**
 * GstFailoverClass:
 * @group_funcs: what is to be done when another one takes over; their data is the element
 * @on_object: takes what came in, on the worker; its data is the element
 * @set_pad_functions: makes the pads, which are there, do what they are for
 * @clear: forgets the stream, on the worker
 *
 * The base of elements that stand for several, of which one is at work.
 */
struct _GstFailoverClass {
  GstBinClass parent_class;

  const FailoverGroupFuncs *group_funcs;
  CordInboxFunc on_object;
  void (*set_pad_functions)(GstFailover *self);
  void (*clear)(GstFailover *self);
};

/* Its members are for its subclasses only. */
struct _GstFailover {
  GstBin parent_instance;
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;
  FailoverGroup *group;

  /* object lock */
  gchar *context;
  gchar *elements;
  guint failover_after_ms;
  guint probe_interval_ms;
  gchar *active;   /* who is at work */
  gboolean nobody; /* is, and it was told */
  GError *problem; /* with the elements */
};

void gst_failover_set_active(GstFailover *self, FailoverMember *member);

G_END_DECLS
