/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-feed.h"

#define KEPT 64 /* events; who comes late misses what is older */

typedef struct {
  gchar *name;
  gchar *json;
} Event;

typedef struct {
  guint id;
  CordCallFeedFunc func;
  gpointer data;
  GDestroyNotify notify;
} Subscriber;

struct _CordCallFeed {
  gchar *call_id;
  GQueue events; /* Event, oldest first */
  GList *subscribers;
};

static void
free_event(gpointer data)
{
  Event *event = data;

  g_free(event->name);
  g_free(event->json);
  g_free(event);
}

static void
free_subscriber(gpointer data)
{
  Subscriber *subscriber = data;

  if (subscriber->notify)
    subscriber->notify(subscriber->data);
  g_free(subscriber);
}

/**
 * cord_call_feed_new:
 * @call_id: whose story it is
 *
 * Returns: (transfer full): a feed without events
 */
CordCallFeed *
cord_call_feed_new(const gchar *call_id)
{
  CordCallFeed *self = g_new0(CordCallFeed, 1);

  self->call_id = g_strdup(call_id);
  g_queue_init(&self->events);
  return self;
}

/**
 * cord_call_feed_free:
 * @self: (transfer full): a feed
 */
void
cord_call_feed_free(CordCallFeed *self)
{
  g_list_free_full(self->subscribers, free_subscriber);
  g_queue_clear_full(&self->events, free_event);
  g_free(self->call_id);
  g_free(self);
}

/**
 * cord_call_feed_add:
 * @self: a feed
 * @name: the event's name
 * @json: the event
 *
 * Tells all subscribers, who may leave while they are told, and keeps the event for later ones.
 */
void
cord_call_feed_add(CordCallFeed *self, const gchar *name, const gchar *json)
{
  Event *event = g_new0(Event, 1);

  event->name = g_strdup(name);
  event->json = g_strdup(json);
  g_queue_push_tail(&self->events, event);
  if (g_queue_get_length(&self->events) > KEPT)
    free_event(g_queue_pop_head(&self->events));
  cord_call_feed_tell(self, name, json);
}

/**
 * cord_call_feed_tell:
 * @self: a feed
 * @name: the event's name
 * @json: the event
 *
 * As cord_call_feed_add(), but who comes later need not know.
 */
void
cord_call_feed_tell(CordCallFeed *self, const gchar *name, const gchar *json)
{
  for (GList *l = self->subscribers, *next; l; l = next) {
    Subscriber *subscriber = l->data;

    next = l->next;
    subscriber->func(self->call_id, name, json, subscriber->data);
  }
}

/**
 * cord_call_feed_subscribe:
 * @self: a feed
 * @id: by which the subscriber leaves again
 * @func: told of past events now, and of others as they happen
 * @data: for @func
 * @notify: (nullable): frees @data
 */
void
cord_call_feed_subscribe(CordCallFeed *self, guint id, CordCallFeedFunc func, gpointer data,
                         GDestroyNotify notify)
{
  Subscriber *subscriber = g_new0(Subscriber, 1);

  *subscriber = (Subscriber){ id, func, data, notify };
  self->subscribers = g_list_append(self->subscribers, subscriber);
  for (GList *l = self->events.head; l; l = l->next) {
    Event *event = l->data;

    func(self->call_id, event->name, event->json, data);
  }
}

/**
 * cord_call_feed_has_subscribers:
 * @self: a feed
 *
 * Returns: whether anybody follows it
 */
gboolean
cord_call_feed_has_subscribers(CordCallFeed *self)
{
  return self->subscribers != NULL;
}

/**
 * cord_call_feed_unsubscribe:
 * @self: a feed
 * @id: a subscriber
 *
 * Returns: whether it was one of this feed's
 */
gboolean
cord_call_feed_unsubscribe(CordCallFeed *self, guint id)
{
  for (GList *l = self->subscribers; l; l = l->next) {
    Subscriber *subscriber = l->data;

    if (subscriber->id == id) {
      self->subscribers = g_list_delete_link(self->subscribers, l);
      free_subscriber(subscriber);
      return TRUE;
    }
  }
  return FALSE;
}
