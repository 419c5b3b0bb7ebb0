/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ws-rig.h"

#include <unistd.h>

static void
test_echo(WsRig *f, gconstpointer data)
{
  CordWebsocketStats stats;

  f->reaction = DO_ECHO;
  ws_rig_say(f, WS_FIN | 1, "one");
  ws_rig_say(f, WS_FIN | 1, "two");
  ws_rig_say(f, WS_FIN | 1, "");
  ws_rig_assert_received(f, f->masked ? "1:one;1:two;1:;" : "m1:one;m1:two;m1:;");
  g_assert_cmpstr(f->heard->str, ==, "1:one;1:two;1:;");
  cord_websocket_get_stats(f->websocket, &stats);
  g_assert_cmpuint(stats.messages_received, ==, 3);
  g_assert_cmpuint(stats.messages_sent, ==, 3);
  g_assert_cmpuint(stats.bytes_sent, ==, f->masked ? 12 : 24);
}

static void
test_cut_anywhere(WsRig *f, gconstpointer data)
{
  g_autofree gchar *long_text = g_strnfill(300, 'x');
  g_autoptr(GBytes) short_frame = ws_peer_make(WS_FIN | 1, f->masked, "Hello", 5);
  g_autoptr(GBytes) long_frame = ws_peer_make(WS_FIN | 1, f->masked, long_text, 300);
  g_autoptr(GString) expected = g_string_new(NULL);
  GBytes *frames[] = { short_frame, long_frame };

  for (guint i = 0; i < 2; i++) {
    gsize size = g_bytes_get_size(frames[i]);

    for (gsize cut = 1; cut < size; cut++) {
      g_autoptr(GBytes) first = g_bytes_new_from_bytes(frames[i], 0, cut);
      g_autoptr(GBytes) second = g_bytes_new_from_bytes(frames[i], cut, size - cut);

      ws_peer_send_bytes(f->fd, first);
      cord_worker_iterate(f->worker);
      ws_peer_send_bytes(f->fd, second);
      cord_worker_iterate(f->worker);
      g_string_append_printf(expected, "1:%s;", i ? long_text : "Hello");
    }
  }
  g_assert_cmpstr(f->heard->str, ==, expected->str);
}

static void
test_ping(WsRig *f, gconstpointer data)
{
  ws_rig_say(f, WS_FIN | 9, "are you there");
  ws_rig_say(f, WS_FIN | 10, "nobody asked");
  ws_rig_assert_received(f, "10:are you there;");
  cord_websocket_send_ping(f->websocket);
  ws_rig_assert_received(f, "9:;");
  g_assert_cmpstr(f->heard->str, ==, "");
}

static void
test_peer_closes(WsRig *f, gconstpointer data)
{
  ws_rig_say(f, WS_FIN | 1, "last");
  ws_rig_say(f, WS_FIN | 8,
             "\x0f\xa0"
             "bye");
  ws_rig_say(f, WS_FIN | 1, "after the end");
  ws_rig_assert_closed(f, 4000, -1);
  g_assert_cmpstr(f->reason, ==, "bye");
  g_assert_cmpstr(f->heard->str, ==, "1:last;");
  ws_rig_assert_received(f, "8:4000;EOF");
  g_assert_false(cord_websocket_is_open(f->websocket));
}

static void
test_peer_closes_without_code(WsRig *f, gconstpointer data)
{
  ws_rig_say(f, WS_FIN | 8, "");
  ws_rig_assert_closed(f, CORD_WEBSOCKET_CLOSE_NO_STATUS, -1);
  ws_rig_assert_received(f, "8:;EOF");
}

static void
test_we_close(WsRig *f, gconstpointer data)
{
  GError *error = NULL;

  cord_websocket_close(f->websocket, 1000, "done");
  cord_websocket_close(f->websocket, 1002, "again");
  ws_rig_assert_received(f, "8:1000done;");
  g_assert_cmpuint(f->n_closed, ==, 0);
  g_assert_false(cord_websocket_send_text(f->websocket, "late", -1, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_CLOSED);
  g_clear_error(&error);
  ws_rig_say(f, WS_FIN | 1, "too late to be heard");
  ws_rig_say(f, WS_FIN | 8, "\x03\xe8");
  ws_rig_assert_closed(f, 1000, -1);
  g_assert_cmpstr(f->heard->str, ==, "");
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  g_assert_cmpuint(f->n_closed, ==, 1);
}

static void
test_both_close(WsRig *f, gconstpointer data)
{
  ws_rig_say(f, WS_FIN | 8, "\x0f\xa1");
  cord_websocket_close(f->websocket, 1000, NULL);
  ws_rig_assert_closed(f, 4001, -1);
  ws_rig_assert_received(f, "8:1000;EOF");
}

static void
test_close_unanswered(WsRig *f, gconstpointer data)
{
  cord_websocket_close(f->websocket, 1001, NULL);
  cord_worker_advance(f->worker, 2900 * GST_MSECOND);
  g_assert_cmpuint(f->n_closed, ==, 0);
  cord_worker_advance(f->worker, 200 * GST_MSECOND);
  ws_rig_assert_closed(f, 1001, -1);
  ws_rig_assert_received(f, "8:1001;EOF");
}

/* The owner is gone, and the closing goes on without it. */
static void
test_close_and_unref(WsRig *f, gconstpointer data)
{
  cord_websocket_close(f->websocket, 1000, NULL);
  g_clear_object(&f->websocket);
  ws_rig_assert_received(f, "8:1000;");
  ws_rig_say(f, WS_FIN | 8, "\x03\xe8");
  ws_rig_assert_closed(f, 1000, -1);
}

static void
test_long_reason(WsRig *f, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill(122, 'x');
  g_autofree gchar *reason = g_strconcat(filler, "\xe2\x82\xac", NULL);
  g_autofree gchar *expected = g_strconcat("8:1000", filler, ";", NULL);

  cord_websocket_close(f->websocket, 1000, reason);
  ws_rig_assert_received(f, expected);
}

static void
test_peer_goes(WsRig *f, gconstpointer data)
{
  ws_rig_say(f, 1, "half of a mess");
  if (data)
    shutdown(f->fd, SHUT_WR);
  else
    close(f->fd);
  if (!data)
    f->fd = -1;
  ws_rig_assert_closed(f, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_CLOSED);
  cord_worker_advance(f->worker, 60 * GST_SECOND);
  g_assert_cmpuint(f->n_closed, ==, 1);
}

typedef struct {
  const gchar *name;
  guint8 first;
  gint masked; /* -1: as it must be */
  const gchar *payload;
  guint16 code;
} Fault;

static const Fault faults[] = {
  { "no mask", WS_FIN | 1, 0, "x", 1002 },
  { "a reserved bit", WS_FIN | 0x41, -1, "x", 1002 },
  { "a reserved opcode", WS_FIN | 3, -1, "x", 1002 },
  { "a ping in fragments", 9, -1, "x", 1002 },
  { "a continuation of nothing", WS_FIN, -1, "x", 1002 },
  { "no UTF-8", WS_FIN | 1, -1, "\xff", 1007 },
  { "a close of one byte", WS_FIN | 8, -1, "\x03", 1002 },
  { "a close code for nobody", WS_FIN | 8, -1, "\x03\xed", 1002 },
};

static void
test_fault(WsRig *f, gconstpointer data)
{
  const Fault *fault = data;
  g_autofree gchar *received = NULL;
  g_autofree gchar *expected = g_strdup_printf("8:%u", fault->code);

  ws_rig_say(f, WS_FIN | 1, "good");
  ws_peer_send(f->fd, fault->first, fault->masked < 0 ? f->masked : fault->masked, fault->payload);
  ws_rig_say(f, WS_FIN | 1, "not heard");
  ws_rig_assert_closed(f, fault->code, CORD_ERROR_PROTOCOL);
  g_assert_cmpstr(f->heard->str, ==, "1:good;");
  received = ws_peer_receive(f->fd);
  g_assert_true(g_str_has_prefix(received, expected));
  g_assert_true(g_str_has_suffix(received, ";EOF"));
}

static void
test_close_in_message(WsRig *f, gconstpointer data)
{
  f->reaction = DO_CLOSE;
  ws_rig_say(f, WS_FIN | 1, "one");
  ws_rig_say(f, WS_FIN | 1, "two");
  ws_rig_assert_received(f, "8:1001enough;");
  g_assert_cmpstr(f->heard->str, ==, "1:one;");
  close(f->fd);
  f->fd = -1;
  ws_rig_assert_closed(f, 1001, -1);
}

/* Who lets go of it hears nothing more of it, though more has come. */
static void
test_unref_in_message(WsRig *f, gconstpointer data)
{
  f->reaction = DO_UNREF;
  ws_rig_say(f, WS_FIN | 1, "one");
  ws_rig_say(f, WS_FIN | 1, "two");
  ws_rig_assert_received(f, "EOF");
  g_assert_cmpstr(f->heard->str, ==, "1:one;");
  g_assert_cmpuint(f->n_closed, ==, 0);
}

static void
test_unref_in_closed(WsRig *f, gconstpointer data)
{
  f->reaction = DO_UNREF;
  shutdown(f->fd, SHUT_WR);
  ws_rig_assert_closed(f, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_CLOSED);
  g_assert_null(f->websocket);
}

static void
start_later(gpointer data)
{
  cord_websocket_start(((WsRig *)data)->websocket);
}

/* Bytes that came with the handshake go before those that have come since. */
static void
test_already_read(WsRig *f, gconstpointer data)
{
  g_autoptr(GBytes) frame = ws_peer_make(WS_FIN | 1, TRUE, "first", 5);
  g_autoptr(GBytes) begun = g_bytes_new_from_bytes(frame, 0, 7);
  g_autoptr(GBytes) rest = g_bytes_new_from_bytes(frame, 7, g_bytes_get_size(frame) - 7);

  ws_rig_open(f, CORD_WEBSOCKET_SERVER, SOCK_STREAM, data ? frame : begun);
  if (!data)
    ws_peer_send_bytes(f->fd, rest);
  ws_rig_say(f, WS_FIN | 1, "second");
  cord_worker_post(f->worker, start_later, f, NULL);
  cord_worker_iterate(f->worker);
  g_assert_cmpstr(f->heard->str, ==, "1:first;1:second;");
}

static void
test_no_socket(WsRig *f, gconstpointer data)
{
  g_autoptr(GInputStream) input = g_memory_input_stream_new();
  g_autoptr(GOutputStream) output = g_memory_output_stream_new_resizable();
  g_autoptr(GIOStream) stream = g_simple_io_stream_new(input, output);
  g_autoptr(GError) error = NULL;

  g_assert_null(cord_websocket_new(f->worker, stream, CORD_WEBSOCKET_SERVER, NULL, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
}

#define ADD(path, data, setup_func, test)                                                          \
  g_test_add("/websocket/" path, WsRig, data, setup_func, test, ws_rig_teardown)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("a server echoes", NULL, ws_rig_setup, test_echo);
  ADD("a client echoes, masked", NULL, ws_rig_setup_client, test_echo);
  ADD("a frame may be cut anywhere", NULL, ws_rig_setup, test_cut_anywhere);
  ADD("a ping is answered with what it holds", NULL, ws_rig_setup, test_ping);
  ADD("the peer closes", NULL, ws_rig_setup, test_peer_closes);
  ADD("the peer closes without a code", NULL, ws_rig_setup, test_peer_closes_without_code);
  ADD("this side closes, once", NULL, ws_rig_setup, test_we_close);
  ADD("both close at the same time", NULL, ws_rig_setup, test_both_close);
  ADD("a close that is not answered ends by a deadline", NULL, ws_rig_setup, test_close_unanswered);
  ADD("closing goes on without the owner", NULL, ws_rig_setup, test_close_and_unref);
  ADD("a long reason is cut between characters", NULL, ws_rig_setup, test_long_reason);
  ADD("a peer that goes without a word is 1006", NULL, ws_rig_setup, test_peer_goes);
  ADD("a peer that half closes is 1006", "half", ws_rig_setup, test_peer_goes);
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree gchar *path =
        g_strconcat("/websocket/the peer is told its fault/", faults[i].name, NULL);

    g_test_add(path, WsRig, &faults[i], ws_rig_setup, test_fault, ws_rig_teardown);
  }
  ADD("closing inside a message", NULL, ws_rig_setup, test_close_in_message);
  ADD("letting go inside a message", NULL, ws_rig_setup, test_unref_in_message);
  ADD("letting go when it is closed", NULL, ws_rig_setup, test_unref_in_closed);
  ADD("half a frame may come with the handshake", NULL, ws_rig_setup_bare, test_already_read);
  ADD("a whole frame may come with the handshake", "whole", ws_rig_setup_bare, test_already_read);
  ADD("a stream without a socket is refused", NULL, ws_rig_setup_bare, test_no_socket);
  return g_test_run();
}
