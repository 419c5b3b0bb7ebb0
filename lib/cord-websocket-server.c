/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket-server.h"

#include "cord-error.h"

#define MAX_READ_AHEAD 65536 /* bytes that the HTTP side may have read of the stream */

/* From the handshake on the server's thread to the WebSocket on the worker's. */
typedef struct {
  CordWorker *worker;
  GIOStream *stream;
  GBytes *read_ahead;
  CordWebsocketTakenFunc func;
  gpointer user_data;
  GDestroyNotify notify;
} Taking;

static void
free_taking(gpointer data)
{
  Taking *taking = data;

  if (taking->notify)
    taking->notify(taking->user_data);
  g_clear_object(&taking->worker);
  g_clear_object(&taking->stream);
  g_clear_pointer(&taking->read_ahead, g_bytes_unref);
  g_free(taking);
}

static void
taken(gpointer data)
{
  Taking *taking = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordWebsocket) websocket = cord_websocket_new(
      taking->worker, taking->stream, CORD_WEBSOCKET_SERVER, taking->read_ahead, &error);

  if (websocket)
    taking->func(websocket, taking->user_data);
  else
    g_warning("A WebSocket is lost: %s", error->message);
}

/* What lies above the socket has buffered must be read through it, and only then is it passed by.
 */
static GBytes *
read_ahead(GIOStream *stream)
{
  GInputStream *input = g_io_stream_get_input_stream(stream);
  GByteArray *bytes = g_byte_array_new();
  GBytes *below;
  guint8 buffer[4096];

  while (G_IS_POLLABLE_INPUT_STREAM(input) && bytes->len < MAX_READ_AHEAD) {
    gssize n = g_pollable_input_stream_read_nonblocking(G_POLLABLE_INPUT_STREAM(input), buffer,
                                                        sizeof buffer, NULL, NULL);

    if (n <= 0)
      break;
    g_byte_array_append(bytes, buffer, (guint)n);
  }
  below = g_object_get_data(G_OBJECT(stream), "cord-already-read");
  if (below)
    g_byte_array_append(bytes, g_bytes_get_data(below, NULL), (guint)g_bytes_get_size(below));
  return g_byte_array_free_to_bytes(bytes);
}

static void
on_wrote_informational(SoupServerMessage *message, gpointer data)
{
  Taking *taking = g_new0(Taking, 1);

  /* what is left behind is freed with the message */
  *taking = *(Taking *)data;
  *(Taking *)data = (Taking){ NULL };
  taking->stream = soup_server_message_steal_connection(message);
  if (taking->stream == NULL) {
    free_taking(taking);
    return;
  }
  taking->read_ahead = read_ahead(taking->stream);
  cord_worker_post(taking->worker, taken, taking, free_taking);
}

static void
free_closure(gpointer data, GClosure *closure)
{
  free_taking(data);
}

/**
 * cord_websocket_server_take: (skip)
 * @message: a request to become a WebSocket, in its handler
 * @worker: where the WebSocket will live
 * @func: called on @worker with the WebSocket
 * @user_data: for @func
 * @notify: (nullable): frees @user_data, on any thread, also when nothing came of it
 *
 * Answers the handshake (without subprotocols and extensions) and takes the connection from libsoup
 * when the answer is written. When the request is no valid handshake, libsoup has set the status
 * that says so. The connection may be wrapped in streams that tell by a property "base-iostream"
 * what they wrap; bytes that such a stream has read and will not give itself are attached to it as
 * #GBytes, with g_object_set_data_full() and the key "cord-already-read".
 *
 * Returns: whether @message was a valid handshake
 */
gboolean
cord_websocket_server_take(SoupServerMessage *message, CordWorker *worker,
                           CordWebsocketTakenFunc func, gpointer user_data, GDestroyNotify notify)
{
  Taking *taking = g_new0(Taking, 1);

  *taking = (Taking){ g_object_ref(worker), NULL, NULL, func, user_data, notify };
  if (!soup_websocket_server_process_handshake(message, NULL, NULL, NULL, NULL)) {
    free_taking(taking);
    return FALSE;
  }
  g_signal_connect_data(message, "wrote-informational", G_CALLBACK(on_wrote_informational), taking,
                        free_closure, 0);
  return TRUE;
}
