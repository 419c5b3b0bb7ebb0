/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>
#include <libsoup/soup.h>
#include <string.h>

#include "twilio-peer.h"

/*
 * twiliosrc and twiliosink on their own, as in gst-launch-1.0: real threads and sockets. Nothing
 * waits for time to pass, only for what must come.
 */

typedef struct {
  GstElement *pipeline;
  GstElement *src;
  GstBus *bus;
  guint port;
} Standalone;

static void
on_port(GObject *src, GParamSpec *pspec, gpointer data)
{
  guint port;

  g_object_get(src, "current-port", &port, NULL);
  g_async_queue_push(data, GUINT_TO_POINTER(port));
}

static Standalone *
standalone_new(const gchar *launch)
{
  Standalone *self = g_new0(Standalone, 1);
  g_autoptr(GAsyncQueue) ports = g_async_queue_new();
  g_autoptr(GError) error = NULL;
  gulong id;

  self->pipeline = gst_parse_launch(launch, &error);
  g_assert_no_error(error);
  self->src = gst_bin_get_by_name(GST_BIN(self->pipeline), "src");
  self->bus = gst_element_get_bus(self->pipeline);
  id = g_signal_connect(self->src, "notify::current-port", G_CALLBACK(on_port), ports);
  g_assert_cmpint(gst_element_set_state(self->pipeline, GST_STATE_PLAYING), !=,
                  GST_STATE_CHANGE_FAILURE);
  self->port = GPOINTER_TO_UINT(g_async_queue_timeout_pop(ports, 10 * G_USEC_PER_SEC));
  g_assert_cmpuint(self->port, >, 0);
  g_signal_handler_disconnect(self->src, id);
  return self;
}

static void
standalone_free(Standalone *self)
{
  gst_element_set_state(self->pipeline, GST_STATE_NULL);
  gst_object_unref(self->bus);
  gst_object_unref(self->src);
  gst_object_unref(self->pipeline);
  g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Standalone, standalone_free)

static void
wait_for(Standalone *self, GstMessageType type, const gchar *name)
{
  for (;;) {
    g_autoptr(GstMessage) message =
        gst_bus_timed_pop_filtered(self->bus, 10 * GST_SECOND, type | GST_MESSAGE_ERROR);
    g_assert_nonnull(message);
    g_assert_true(GST_MESSAGE_TYPE(message) == type);
    if (!name || gst_structure_has_name(gst_message_get_structure(message), name))
      return;
  }
}

static gchar *
fetch(Standalone *self, const gchar *method, const gchar *proto, guint *status)
{
  g_autoptr(SoupSession) session = soup_session_new();
  g_autofree gchar *url = g_strdup_printf("http://127.0.0.1:%u/voice?a=b", self->port);
  g_autoptr(SoupMessage) message = soup_message_new(method, url);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) body = NULL;

  if (proto)
    soup_message_headers_append(soup_message_get_request_headers(message), "X-Forwarded-Proto",
                                proto);
  body = soup_session_send_and_read(session, message, NULL, &error);
  g_assert_no_error(error);
  *status = soup_message_get_status(message);
  return g_strndup(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
}

static void
answers_the_webhook_with_its_own_stream(void)
{
  g_autoptr(Standalone) self = standalone_new("twiliosrc name=src port=0 path=/in ! fakesink");
  g_autofree gchar *plain = NULL, *secure = NULL, *expected = NULL, *refused = NULL;
  guint status;

  expected = g_strdup_printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>"
                             "<Stream url=\"ws://127.0.0.1:%u/in\"/></Connect></Response>",
                             self->port);
  plain = fetch(self, "POST", NULL, &status);
  g_assert_cmpuint(status, ==, 200);
  g_assert_cmpstr(plain, ==, expected);
  secure = fetch(self, "GET", "https", &status);
  g_assert_nonnull(strstr(secure, "url=\"wss://127.0.0.1"));
  refused = fetch(self, "DELETE", NULL, &status);
  g_assert_cmpuint(status, ==, 405);
}

static void
takes_one_call_and_ends_with_it(void)
{
  g_autoptr(Standalone) self = standalone_new("twiliosrc name=src port=0 ! fakesink");
  g_autoptr(TwilioPeer) peer = NULL;
  guint status;

  g_assert_null(twilio_peer_dial(self->port, "/elsewhere", &status));
  g_assert_cmpuint(status, ==, 404);
  peer = twilio_peer_dial(self->port, "/stream", &status);
  g_assert_nonnull(peer);
  twilio_peer_send_connected(peer);
  twilio_peer_send_start(peer, NULL);
  wait_for(self, GST_MESSAGE_ELEMENT, CORD_EVENT_CALL_STARTED);
  g_assert_null(twilio_peer_dial(self->port, "/stream", &status));
  g_assert_cmpuint(status, ==, 503);
  for (guint i = 0; i < 10; i++)
    twilio_peer_send_media(peer, i * 20, 1, 160);
  twilio_peer_send_stop(peer);
  wait_for(self, GST_MESSAGE_EOS, NULL);
  g_assert_cmpuint(twilio_peer_wait(peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
}

static void
who_only_knocks_does_not_end_it(void)
{
  g_autoptr(Standalone) self = standalone_new("twiliosrc name=src port=0 ! fakesink");
  g_autoptr(TwilioPeer) stranger = NULL, peer = NULL;
  guint status;

  stranger = twilio_peer_dial(self->port, "/stream", &status);
  twilio_peer_send_text(stranger, "not JSON");
  g_assert_cmpuint(twilio_peer_wait(stranger, TWILIO_PEER_CLOSE)->code, ==, 1007);
  wait_for(self, GST_MESSAGE_WARNING, NULL);
  peer = twilio_peer_dial(self->port, "/stream", &status);
  g_assert_nonnull(peer);
  twilio_peer_send_start(peer, NULL);
  twilio_peer_send_stop(peer);
  wait_for(self, GST_MESSAGE_EOS, NULL);
}

static void
says_everything_and_hangs_up(void)
{
  g_autoptr(Standalone) self =
      standalone_new("twiliosrc name=src port=0 ! fakesink "
                     "audiotestsrc num-buffers=10 samplesperbuffer=200 ! "
                     "audio/x-raw,rate=8000,channels=1 ! mulawenc ! queue ! twiliosink");
  g_autoptr(TwilioPeer) peer = NULL;
  guint status;

  peer = twilio_peer_dial(self->port, "/stream", &status);
  g_assert_nonnull(peer);
  twilio_peer_send_start(peer, NULL);
  /* 250 ms: the mark after ten frames, and the one at the end */
  twilio_peer_wait(peer, TWILIO_PEER_MARK);
  while (twilio_peer_count(peer, TWILIO_PEER_CLOSE) == 0)
    twilio_peer_echo_marks(peer);
  g_assert_cmpuint(twilio_peer_count(peer, TWILIO_PEER_MEDIA), ==, 13);
  g_assert_cmpuint(twilio_peer_count(peer, TWILIO_PEER_MARK), ==, 2);
  wait_for(self, GST_MESSAGE_EOS, NULL);
}

static void
a_port_in_use_is_an_error(void)
{
  g_autoptr(Standalone) self = standalone_new("twiliosrc name=src port=0 ! fakesink");
  g_autofree gchar *launch =
      g_strdup_printf("twiliosrc session=other port=%u ! fakesink", self->port);
  GstElement *other = gst_parse_launch(launch, NULL);
  g_autoptr(GstBus) bus = gst_element_get_bus(other);
  g_autoptr(GstMessage) message = NULL;

  gst_element_set_state(other, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered(bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  g_assert_nonnull(message);
  gst_element_set_state(other, GST_STATE_NULL);
  gst_object_unref(other);
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/twilio-standalone/" #name, name)
  ADD(answers_the_webhook_with_its_own_stream);
  ADD(takes_one_call_and_ends_with_it);
  ADD(who_only_knocks_does_not_end_it);
  ADD(says_everything_and_hangs_up);
  ADD(a_port_in_use_is_an_error);
  result = g_test_run();
  gst_deinit(); /* the leaks tracer reports here */
  return result;
}
