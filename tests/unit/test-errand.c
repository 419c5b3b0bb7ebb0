/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/check/gstcheck.h>
#include <string.h>

#include "cord-audio-format.h"
#include "cord-errand.h"
#include "cord-error.h"
#include "cord-persona.h"

/* Pipelines that run from their first byte to their last, and how they end when they cannot. */

#define THROUGH "giostreamsrc name=in blocksize=4 ! identity name=middle ! appsink name=out"
/* what comes in is swallowed, and nothing ever comes out */
#define ENDLESS "giostreamsrc name=in ! fakesink async=false sync=false appsrc ! appsink name=out"

/* two seconds, as fast as they can be made */
#define SONG                                                                                       \
  "giostreamsrc name=in ! fakesink async=false sync=false audiotestsrc num-buffers=20 "            \
  "samplesperbuffer=800 ! audio/x-raw,rate=8000 ! identity name=middle ! appsink name=out"

static GstElement *
make(const gchar *launch)
{
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch(launch, &error);

  g_assert_no_error(error);
  return gst_object_ref_sink(pipeline);
}

static CordErrandResult *
run(GstElement *pipeline, const gchar *input, guint timeout_ms, gsize max_output,
    const gchar *separator, GCancellable *cancellable, GError **error)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(input, strlen(input));
  const CordErrandOrder order = { bytes, timeout_ms, max_output, separator, NULL, NULL };

  return cord_errand_run(pipeline, &order, cancellable, error);
}

static void
test_result(void)
{
  g_autoptr(GstElement) pipeline = make(THROUGH);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordErrandResult) result =
      run(pipeline, "one two three", 10000, 100, NULL, NULL, &error);

  g_assert_no_error(error);
  g_assert_cmpmem(result->bytes->data, result->bytes->len, "one two three", 13);
  g_assert_null(result->complaint);
}

static void
test_separator(void)
{
  g_autoptr(GstElement) pipeline = make(THROUGH);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordErrandResult) result = run(pipeline, "one.two.", 10000, 100, " ", NULL, &error);

  g_assert_no_error(error);
  g_assert_cmpmem(result->bytes->data, result->bytes->len, "one. two.", 9);
}

static void
test_too_much(void)
{
  g_autoptr(GstElement) pipeline = make(THROUGH);
  g_autoptr(GError) error = NULL;

  g_assert_null(run(pipeline, "one two three", 10000, 12, NULL, NULL, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
}

static void
test_limit(void)
{
  g_autoptr(GstElement) pipeline = make(SONG);
  g_autoptr(GstElement) middle = gst_bin_get_by_name(GST_BIN(pipeline), "middle");
  g_autoptr(GError) error = NULL;

  cord_errand_limit(pipeline, middle, 500 * GST_MSECOND, "the song");
  g_assert_null(run(pipeline, "x", 10000, G_MAXUINT, NULL, NULL, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
  g_assert_cmpstr(error->message, ==, "the song is too long");
}

static void
test_timeout(void)
{
  g_autoptr(GstElement) pipeline = make(ENDLESS);
  g_autoptr(GError) error = NULL;

  g_assert_null(run(pipeline, "x", 20, 100, NULL, NULL, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TIMEOUT);
}

static gpointer
cancel(gpointer cancellable)
{
  g_cancellable_cancel(cancellable);
  return NULL;
}

static void
test_cancel(void)
{
  for (guint early = 0; early < 2; early++) {
    g_autoptr(GstElement) pipeline = make(ENDLESS);
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GError) error = NULL;
    GThread *thread = NULL;

    if (early)
      g_cancellable_cancel(cancellable);
    else
      thread = g_thread_new("cancel", cancel, cancellable);
    g_assert_null(run(pipeline, "x", 60000, 100, NULL, cancellable, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_clear_pointer(&thread, g_thread_join);
  }
}

static void
test_element_error(void)
{
  g_autoptr(GstElement) pipeline = make(THROUGH);
  g_autoptr(GstElement) middle = gst_bin_get_by_name(GST_BIN(pipeline), "middle");
  g_autoptr(GError) error = NULL;

  g_object_set(middle, "error-after", 2, NULL);
  g_assert_null(run(pipeline, "one two three", 10000, 100, NULL, NULL, &error));
  g_assert_nonnull(error);
  g_assert_true(error->domain == GST_STREAM_ERROR || error->domain == GST_CORE_ERROR);
}

static void
test_not_started(void)
{
  g_autoptr(GstElement) pipeline =
      make("giostreamsrc name=in ! filesink location=/no/such/folder/file appsrc ! appsink "
           "name=out");
  g_autoptr(GError) error = NULL;

  g_assert_null(run(pipeline, "x", 10000, 100, NULL, NULL, &error));
  g_assert_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE);
}

/* Formats */

static void
test_formats(void)
{
  CordAudioFormat format;

  g_assert_true(cord_audio_format_find("opus", &format));
  g_assert_cmpstr(cord_audio_format_get_type(format), ==, "audio/ogg");
  g_assert_cmpstr(cord_audio_format_get_name(format), ==, "opus");
  g_assert_false(cord_audio_format_find("midi", &format));
}

static void
test_decoders(void)
{
  g_autoptr(GstElementFactory) good = gst_element_factory_find("wavparse");
  g_autoptr(GstElementFactory) other = gst_element_factory_find("identity");

  g_assert_true(cord_audio_may_decode(good));
  g_assert_false(cord_audio_may_decode(other));
}

/* Personas */

static CordAgent *
make_agent(const gchar *voice)
{
  g_autofree gchar *json = g_strdup_printf(
      "{\"name\":\"Desk\",\"system_prompt\":\"You are a desk.\",\"voice_id\":\"%s\",\"metadata\":"
      "{\"mine\":1,\"cordboard\":{\"greeting\":\"Hello.\",\"tts\":{\"provider\":\"offline\"}}}}",
      voice);
  g_autoptr(JsonNode) node = json_from_string(json, NULL);
  g_autoptr(GError) error = NULL;
  CordAgent *agent = cord_agent_new_from_json(json_node_get_object(node), &error);

  g_assert_no_error(error);
  return agent;
}

static const gchar *
get_voice(CordAgent *agent)
{
  return cord_agent_get_string(agent, "tts/voice", agent->voice_id);
}

static void
test_persona(void)
{
  g_autoptr(CordConfig) config = cord_config_new();
  g_autoptr(CordAgent) agent = make_agent("kal");
  const CordPersona *persona = cord_persona_find("calm_concierge");
  g_autoptr(CordAgent) dressed = cord_persona_dress(persona, agent, NULL, config);
  g_autoptr(CordAgent) asked = cord_persona_dress(persona, agent, "slt", config);
  g_autoptr(CordAgent) plain = cord_persona_dress(NULL, agent, NULL, config);

  g_assert_true(g_str_has_prefix(dressed->system_prompt, "You are a desk.\n\n"));
  g_assert_nonnull(strstr(dressed->system_prompt, persona->instructions));
  g_assert_cmpstr(get_voice(dressed), ==, "rms");
  g_assert_cmpstr(get_voice(asked), ==, "slt");
  g_assert_cmpstr(cord_agent_get_string(dressed, "greeting", NULL), ==, "Hello.");
  g_assert_cmpstr(dressed->id, ==, agent->id);
  g_assert_true(plain == agent);
  /* the agent itself is as it was */
  g_assert_cmpstr(get_voice(agent), ==, "kal");
  g_assert_cmpstr(agent->system_prompt, ==, "You are a desk.");
  g_assert_null(cord_persona_find("nobody"));
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
  g_test_add_func("/errand/what comes in comes out", test_result);
  g_test_add_func("/errand/pieces are set apart", test_separator);
  g_test_add_func("/errand/a result has an end", test_too_much);
  g_test_add_func("/errand/so has what goes through", test_limit);
  g_test_add_func("/errand/it is not waited for for ever", test_timeout);
  g_test_add_func("/errand/it can be given up, before and after it has begun", test_cancel);
  g_test_add_func("/errand/an element's error is its end", test_element_error);
  g_test_add_func("/errand/what cannot be started says why", test_not_started);
  g_test_add_func("/audio/formats have names", test_formats);
  g_test_add_func("/audio/not everything may decode what strangers send", test_decoders);
  g_test_add_func("/persona/an agent is dressed and stays what it is", test_persona);
  return g_test_run();
}
