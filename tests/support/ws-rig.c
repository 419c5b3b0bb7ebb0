/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ws-rig.h"

#include <unistd.h>

static void
react(WsRig *f, const guint8 *data, gsize length)
{
  switch (f->reaction) {
  case DO_ECHO:
    g_assert_true(
        cord_websocket_send_text(f->websocket, (const gchar *)data, (gssize)length, NULL));
    break;
  case DO_CLOSE:
    cord_websocket_close(f->websocket, 1001, "enough");
    break;
  case DO_UNREF:
    g_clear_object(&f->websocket);
    break;
  case DO_NOTHING:
  default:
    break;
  }
}

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  WsRig *f = user_data;

  g_assert_cmpuint(f->n_closed, ==, 0);
  g_string_append_printf(f->heard, "%d:", type);
  g_string_append_len(f->heard, (const gchar *)data, (gssize)length);
  g_string_append_c(f->heard, ';');
  react(f, data, length);
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  WsRig *f = user_data;

  f->n_closed++;
  f->code = code;
  f->reason = g_strdup(reason);
  f->error = error ? g_error_copy(error) : NULL;
  if (f->reaction == DO_UNREF)
    g_clear_object(&f->websocket);
}

static void
on_drained(CordWebsocket *websocket, gpointer user_data)
{
  WsRig *f = user_data;

  f->n_drained++;
  if (f->reaction == DO_UNREF)
    g_clear_object(&f->websocket);
}

static const CordWebsocketHandlers handlers = { on_message, on_closed, on_drained };

void
ws_rig_open(WsRig *f, CordWebsocketRole role, int type, GBytes *already_read)
{
  GError *error = NULL;

  f->fd = ws_peer_pair(type, &f->stream);
  f->masked = role == CORD_WEBSOCKET_SERVER;
  f->websocket = cord_websocket_new(f->worker, f->stream, role, already_read, &error);
  g_assert_no_error(error);
  g_clear_object(&f->stream);
  cord_websocket_set_handlers(f->websocket, &handlers, f);
}

void
ws_rig_setup_bare(WsRig *f, gconstpointer data)
{
  *f = (WsRig){ .worker = cord_worker_new_manual(), .heard = g_string_new(NULL), .fd = -1 };
}

void
ws_rig_setup(WsRig *f, gconstpointer data)
{
  ws_rig_setup_bare(f, data);
  ws_rig_open(f, CORD_WEBSOCKET_SERVER, SOCK_STREAM, NULL);
  cord_websocket_start(f->websocket);
}

void
ws_rig_setup_client(WsRig *f, gconstpointer data)
{
  ws_rig_setup_bare(f, data);
  ws_rig_open(f, CORD_WEBSOCKET_CLIENT, SOCK_STREAM, NULL);
  cord_websocket_start(f->websocket);
}

void
ws_rig_teardown(WsRig *f, gconstpointer data)
{
  g_clear_object(&f->websocket);
  if (f->fd >= 0)
    close(f->fd);
  cord_worker_iterate(f->worker);
  g_string_free(f->heard, TRUE);
  g_free(f->reason);
  g_clear_error(&f->error);
  g_assert_finalize_object(f->worker);
}

void
ws_rig_say(WsRig *f, guint8 first, const gchar *payload)
{
  ws_peer_send(f->fd, first, f->masked, payload);
}

void
ws_rig_assert_received(WsRig *f, const gchar *expected)
{
  g_autofree gchar *received = NULL;

  cord_worker_iterate(f->worker);
  received = ws_peer_receive(f->fd);
  g_assert_cmpstr(received, ==, expected);
}

void
ws_rig_assert_closed(WsRig *f, guint16 code, gint error)
{
  cord_worker_iterate(f->worker);
  g_assert_cmpuint(f->n_closed, ==, 1);
  g_assert_cmpuint(f->code, ==, code);
  if (error < 0)
    g_assert_no_error(f->error);
  else
    g_assert_error(f->error, CORD_ERROR, error);
}
