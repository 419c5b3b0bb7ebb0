/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>
#include <libsoup/soup.h>
#include <string.h>

#include "twilio-peer.h"

/*
 * voicewssrc and voicewssink on their own, as in gst-launch-1.0: real threads and sockets. Nothing
 * waits for time to pass, only for what must come.
 */

#define FRAME 640 /* bytes */

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
wait_for_eos(Standalone *self)
{
  g_autoptr(GstMessage) message =
      gst_bus_timed_pop_filtered(self->bus, 10 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  g_assert_nonnull(message);
  g_assert_true(GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
}

static guint
fetch(Standalone *self, const gchar *origin, gboolean upgrade, gchar **body)
{
  g_autoptr(SoupSession) session = soup_session_new();
  g_autofree gchar *url = g_strdup_printf("http://127.0.0.1:%u/talk", self->port);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  SoupMessageHeaders *headers = soup_message_get_request_headers(message);
  g_autoptr(GBytes) bytes = NULL;

  if (origin)
    soup_message_headers_append(headers, "Origin", origin);
  if (upgrade)
    soup_message_headers_append(headers, "Upgrade", "websocket");
  bytes = soup_session_send_and_read(session, message, NULL, NULL);
  g_assert_nonnull(bytes);
  if (body)
    *body = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  return soup_message_get_status(message);
}

static void
a_browser_gets_a_page_that_calls_back(void)
{
  g_autoptr(Standalone) self = standalone_new("voicewssrc name=src port=0 path=/in ! fakesink");
  g_autofree gchar *page = NULL;

  g_assert_cmpuint(fetch(self, NULL, FALSE, &page), ==, 200);
  g_assert_nonnull(strstr(page, "'/in'"));
  g_assert_nonnull(strstr(page, "new WebSocket"));
}

static void
pages_from_elsewhere_are_not_let_in(void)
{
  g_autoptr(Standalone) self = standalone_new("voicewssrc name=src port=0 path=/talk ! fakesink");

  g_assert_cmpuint(fetch(self, "http://evil.example", TRUE, NULL), ==, 403);
}

static void
a_caller_hears_himself_and_goes(void)
{
  g_autoptr(Standalone) self = standalone_new("voicewssrc name=src port=0 ! voicewssink");
  g_autoptr(TwilioPeer) peer = NULL;
  guint8 audio[FRAME];
  guint status;

  memset(audio, 9, sizeof audio);
  peer = twilio_peer_dial(self->port, "/ws/voice-browser", &status);
  g_assert_nonnull(peer);
  g_assert_null(twilio_peer_dial(self->port, "/ws/voice-browser", &status));
  g_assert_cmpuint(status, ==, 503);
  for (guint i = 0; i < 10; i++)
    twilio_peer_send_frame(peer, 0x82, audio, sizeof audio);
  while (twilio_peer_count(peer, TWILIO_PEER_MEDIA) < 10)
    g_thread_yield();
  twilio_peer_send_text(peer, "{\"type\":\"end\"}");
  g_assert_cmpuint(twilio_peer_wait(peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
  wait_for_eos(self);
}

static void
says_everything_and_hangs_up(void)
{
  g_autoptr(Standalone) self =
      standalone_new("voicewssrc name=src port=0 ! fakesink "
                     "audiotestsrc num-buffers=10 samplesperbuffer=400 ! "
                     "audio/x-raw,format=S16LE,rate=16000,channels=1 ! queue ! voicewssink");
  g_autoptr(TwilioPeer) peer = NULL;
  guint status;

  peer = twilio_peer_dial(self->port, "/ws/voice-browser", &status);
  g_assert_nonnull(peer);
  /* 250 ms, and it tells nothing of what it plays */
  g_assert_cmpuint(twilio_peer_wait(peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
  g_assert_cmpuint(twilio_peer_count(peer, TWILIO_PEER_MEDIA), ==, 13);
  g_assert_nonnull(strstr(twilio_peer_last(peer, TWILIO_PEER_OTHER)->text, "\"hangup\""));
  wait_for_eos(self);
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/voicews-standalone/" #name, name)
  ADD(a_browser_gets_a_page_that_calls_back);
  ADD(pages_from_elsewhere_are_not_let_in);
  ADD(a_caller_hears_himself_and_goes);
  ADD(says_everything_and_hangs_up);
  result = g_test_run();
  gst_deinit();
  return result;
}
