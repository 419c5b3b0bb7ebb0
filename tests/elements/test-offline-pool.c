/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <string.h>

/* More callers than decoders: the process has one here, and it goes from utterance to utterance. */

#define CALLS 4

static const gchar *const phrases[CALLS] = {
  "what are your opening hours",
  "i would like to book an appointment",
  "do you take insurance",
  "how much is a cleaning",
};

static GstElement *
start_call(const gchar *text, const gchar *voice, const gchar *sink)
{
  g_autofree gchar *hints = g_strjoinv(
      "|", (gchar **)(const gchar *[]){ phrases[0], phrases[1], phrases[2], phrases[3], NULL });
  g_autofree gchar *description =
      g_strdup_printf("flitetts voice=%s text=\"%s\" ! mulawcodec ! audio/x-mulaw ! "
                      "pocketsphinxstt final-timeout=60000 hints=\"%s\" ! %s",
                      voice, text, hints, sink);
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch(description, &error);

  g_assert_no_error(error);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  return pipeline;
}

static gchar *
end_call(GstElement *pipeline)
{
  g_autoptr(GstElement) out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  GString *text = g_string_new(NULL);
  GstSample *sample;

  while ((sample = gst_app_sink_pull_sample(GST_APP_SINK(out)))) {
    GstMapInfo map;

    g_assert_true(gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ));
    g_string_append_len(text, (const gchar *)map.data, (gssize)map.size);
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return g_string_free(text, FALSE);
}

static void
test_all_are_understood(void)
{
  GstElement *calls[CALLS];

  for (guint i = 0; i < CALLS; i++)
    calls[i] = start_call(phrases[i], "kal16", "appsink name=out sync=false");
  for (guint i = CALLS; i > 0; i--) {
    g_autofree gchar *text = end_call(calls[i - 1]);

    g_assert_cmpstr(text, ==, phrases[i - 1]);
  }
}

/* Who hangs up in the middle keeps no decoder. */
static void
test_hang_up(void)
{
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < CALLS; i++) {
    GstElement *call = start_call(phrases[i], "rms", "appsink name=out sync=false");

    gst_element_set_state(call, GST_STATE_NULL);
    gst_object_unref(call);
  }
  text = end_call(start_call(phrases[2], "kal16", "appsink name=out sync=false"));
  g_assert_cmpstr(text, ==, phrases[2]);
}

/* The pool's threads have one decoder each, for whatever model the next utterance wants. */
static void
test_no_model(void)
{
  g_autoptr(GstElement) call =
      gst_parse_launch("flitetts voice=kal16 text=hello ! mulawcodec ! audio/x-mulaw ! "
                       "pocketsphinxstt dictionary=/nowhere/words ! appsink name=out sync=false",
                       NULL);
  g_autoptr(GstBus) bus = gst_element_get_bus(call);
  g_autoptr(GstMessage) message = NULL;
  g_autoptr(GError) told = NULL;

  gst_element_set_state(call, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered(bus, 30 * GST_SECOND, GST_MESSAGE_WARNING);
  g_assert_nonnull(message);
  gst_message_parse_warning(message, &told, NULL);
  g_assert_nonnull(strstr(told->message, "/nowhere/words"));
  gst_element_set_state(call, GST_STATE_NULL);
}

int
main(int argc, char **argv)
{
  g_setenv("CORDBOARD_SPHINX_DECODERS", "1", TRUE);
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/offline-pool/all are understood", test_all_are_understood);
  g_test_add_func("/offline-pool/who hangs up keeps no decoder", test_hang_up);
  g_test_add_func("/offline-pool/a model that is not there is told", test_no_model);
  return g_test_run();
}
