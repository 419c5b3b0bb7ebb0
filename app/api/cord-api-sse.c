/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-sse.h"

#include <string.h>

#define GREETING ": connected\n\n"
#define HEARTBEAT ": still there\n\n"
#define MAX_BEHIND (1024 * 1024) /* bytes that a listener may leave unread */

struct _CordSse {
  SoupServerMessage *message;
  GDestroyNotify gone;
  gpointer data;
  guint heartbeat;
  gsize behind; /* bytes that were not written yet */
  gboolean ended;
};

static void
send_text(CordSse *self, const gchar *text)
{
  gsize length = strlen(text);

  if (self->ended || self->behind + length > MAX_BEHIND)
    return;
  self->behind += length;
  soup_message_body_append(soup_server_message_get_response_body(self->message), SOUP_MEMORY_COPY,
                           text, length);
  soup_server_message_unpause(self->message);
}

/* Where nothing happens there is still somebody: proxies and clients must not think otherwise. */
static gboolean
on_heartbeat(gpointer data)
{
  send_text(data, HEARTBEAT);
  return G_SOURCE_CONTINUE;
}

static void
on_wrote(SoupServerMessage *message, guint length, gpointer data)
{
  CordSse *self = data;

  self->behind -= MIN(self->behind, length);
}

static void
leave(CordSse *self)
{
  self->ended = TRUE;
  g_clear_handle_id(&self->heartbeat, g_source_remove);
  if (self->gone)
    self->gone(self->data);
  self->gone = NULL;
}

static void
on_finished(SoupServerMessage *message, gpointer data)
{
  leave(data);
}

/* A server that stops does not finish its messages. */
static void
free_sse(gpointer data, GClosure *closure)
{
  leave(data);
  g_free(data);
}

/**
 * cord_sse_begin:
 * @exchange: a request
 * @heartbeat_s: how often it is said that it is still there
 * @gone: called when it is over
 * @data: for @gone
 *
 * Returns: (transfer none): the answer, valid until @gone was called
 */
CordSse *
cord_sse_begin(CordExchange *exchange, guint heartbeat_s, GDestroyNotify gone, gpointer data)
{
  SoupServerMessage *message = exchange->message;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
  CordSse *self = g_new0(CordSse, 1);

  self->message = message;
  self->gone = gone;
  self->data = data;
  soup_server_message_set_status(message, 200, NULL);
  soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_set_content_type(headers, "text/event-stream", NULL);
  soup_message_headers_replace(headers, "Cache-Control", "no-cache");
  soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
  g_signal_connect_data(message, "finished", G_CALLBACK(on_finished), self, free_sse, 0);
  g_signal_connect(message, "wrote-body-data", G_CALLBACK(on_wrote), self);
  self->heartbeat = g_timeout_add_seconds(heartbeat_s, on_heartbeat, self);
  send_text(self, GREETING);
  return self;
}

/**
 * cord_sse_send:
 * @self: an answer
 * @event: the event's name
 * @json: the event as one line of JSON
 *
 * Sends it, if the client reads.
 */
void
cord_sse_send(CordSse *self, const gchar *event, const gchar *json)
{
  g_autofree gchar *text = g_strdup_printf("event: %s\ndata: %s\n\n", event, json);

  send_text(self, text);
}

/**
 * cord_sse_end:
 * @self: an answer
 *
 * Nothing more will come: the client is told so.
 */
void
cord_sse_end(CordSse *self)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  g_clear_handle_id(&self->heartbeat, g_source_remove);
  soup_message_body_complete(soup_server_message_get_response_body(self->message));
  soup_server_message_unpause(self->message);
}
