/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordServiceLink:
 *
 * A connection to a service that is to be there as long as its element runs. It knows when to
 * connect, when to try again and when to give up; the handlers know how. Everything happens on the
 * worker.
 */
typedef struct _CordServiceLink CordServiceLink;

/**
 * CordServiceLinkHandlers:
 * @connect: begins to connect: cord_service_link_up() or cord_service_link_down() is expected
 * @disconnect: closes whatever there is; nothing is expected
 * @up: the service is there
 * @down: it is not, and will be tried again; told once an outage
 * @failed: it is not, and will not be tried again
 * @keep_alive: (nullable): nothing was sent for a while
 */
typedef struct {
  void (*connect)(gpointer data);
  void (*disconnect)(gpointer data);
  void (*up)(gpointer data);
  void (*down)(const GError *error, gpointer data);
  void (*failed)(const GError *error, gpointer data);
  void (*keep_alive)(gpointer data);
} CordServiceLinkHandlers;

/**
 * CordServiceLinkTimes:
 * @connect_ms: how long one attempt may take
 * @give_up_ms: how long an outage may last
 * @keep_alive_ms: after how long without traffic @keep_alive is called, 0 for never
 */
typedef struct {
  guint connect_ms;
  guint give_up_ms;
  guint keep_alive_ms;
} CordServiceLinkTimes;

CordServiceLink *cord_service_link_new(CordWorker *worker, const CordServiceLinkTimes *times,
                                       const CordServiceLinkHandlers *handlers, gpointer data);
void cord_service_link_free(CordServiceLink *self);
void cord_service_link_start(CordServiceLink *self);
gboolean cord_service_link_is_up(CordServiceLink *self);
void cord_service_link_used(CordServiceLink *self);
void cord_service_link_up(CordServiceLink *self);
void cord_service_link_down(CordServiceLink *self, GError *error);
void cord_service_link_down_for(CordServiceLink *self, GError *error, GstClockTime wait);
void cord_service_link_renew(CordServiceLink *self);
void cord_service_link_fail(CordServiceLink *self, GError *error);

G_END_DECLS
