/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-openairealtime
 * @title: openairealtime
 * @short_description: speech to speech by OpenAI's Realtime API
 *
 * One element in the place of ears, turns, model and voice: the caller's audio goes in, the agent's
 * comes out. Mu-law at 8 kHz goes straight through. Who interrupts is heard: what was not played is
 * flushed, and the model's memory is cut to what was heard.
 *
 * |[
 * gst-launch-1.0 twiliosrc port=8080 name=in ! openairealtime instructions="You are a pirate." !
 * audiopacer ! twiliosink
 * ]|
 */
#include "config.h"

#include "cord-error.h"
#include "gstopenairealtime-private.h"
#include "openai-elements.h"

GST_DEBUG_CATEGORY(openairealtime_debug);
#define GST_CAT_DEFAULT openairealtime_debug

#define MULAW_CAPS "audio/x-mulaw, rate = (int) 8000, channels = (int) 1"
#define PCM_CAPS                                                                                   \
  "audio/x-raw, format = (string) S16LE, rate = (int) 24000, channels = (int) 1, "                 \
  "layout = (string) interleaved"
#define CAPS MULAW_CAPS "; " PCM_CAPS

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

G_DEFINE_FINAL_TYPE(GstOpenaiRealtime, gst_openai_realtime, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(openairealtime, "openairealtime", GST_RANK_NONE,
                            GST_TYPE_OPENAI_REALTIME)

/* Life */

static void
copy_settings(GstOpenaiRealtime *self)
{
  const RealtimeSettings *options = &self->options;
  const gchar *key = options->api_key ? options->api_key : g_getenv(GST_OPENAI_REALTIME_KEY);
  RealtimeSettings *settings = &self->settings;

  realtime_settings_clear(settings);
  *settings = *options;
  settings->base_url = g_strdup(options->base_url);
  settings->api_key = key && *key ? g_strdup(key) : NULL;
  settings->model = g_strdup(options->model);
  settings->voice = g_strdup(options->voice);
  settings->instructions = g_strdup(options->instructions);
  settings->greeting = g_strdup(options->greeting);
  settings->language = g_strdup(options->language);
  settings->transcription_model = g_strdup(options->transcription_model);
  settings->tools = g_strdup(options->tools);
}

static gboolean
peer_takes(GstPad *pad, const gchar *description)
{
  g_autoptr(GstCaps) caps = gst_caps_from_string(description);
  g_autoptr(GstCaps) common = gst_pad_peer_query_caps(pad, caps);

  return common && !gst_caps_is_empty(common);
}

/* Mu-law goes through as it is; where nobody brings it, more is to be heard of the service's own
 * format. */
static void
choose_formats(GstOpenaiRealtime *self)
{
  self->settings.mulaw_in = peer_takes(self->sink, MULAW_CAPS);
  self->settings.mulaw_out = peer_takes(self->src, MULAW_CAPS) &&
                             (self->settings.mulaw_in || !peer_takes(self->src, PCM_CAPS));
}

static void
run_start(gpointer data)
{
  GstOpenaiRealtime *self = data;

  self->greeted = self->unanswered = self->written = self->reports = FALSE;
  self->started = FALSE;
  self->need_caps = self->need_segment = self->discont = TRUE;
  self->position = self->running = 0;
  self->turns = 0;
  self->answered = -1;
  gst_openai_realtime_connect(self);
  cord_inbox_open(self->inbox, self->worker);
}

static void
run_stop(gpointer data)
{
  GstOpenaiRealtime *self = data;

  gst_openai_realtime_disconnect(self);
  g_clear_pointer(&self->pause, cord_timer_remove);
  g_string_truncate(self->keys, 0);
  g_queue_clear_full(&self->answers, gst_openai_realtime_free_answer);
  g_queue_clear_full(&self->said, g_free);
  g_ptr_array_set_size(self->calls, 0);
  g_clear_pointer(&self->next_turn, cord_turn_unref);
  gst_clear_event(&self->eos);
  realtime_audio_clear(&self->audio);
}

static gboolean
prepare(GstOpenaiRealtime *self)
{
  g_autoptr(GError) error = NULL;

  GST_OBJECT_LOCK(self);
  copy_settings(self);
  GST_OBJECT_UNLOCK(self);
  choose_formats(self);
  if (self->settings.api_key || !g_str_equal(self->settings.base_url, GST_OPENAI_REALTIME_BASE_URL))
    return TRUE;
  error = g_error_new(CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                      "there is no key for OpenAI: set the property api-key or the environment's "
                      "%s",
                      GST_OPENAI_REALTIME_KEY);
  cord_element_post_error(GST_ELEMENT(self), error);
  return FALSE;
}

static GstStateChangeReturn
change_state(GstElement *element, GstStateChange transition)
{
  GstOpenaiRealtime *self = GST_OPENAI_REALTIME(element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY) {
    self->worker = cord_worker_for_element(element, self->context);
  } else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (!prepare(self))
      return GST_STATE_CHANGE_FAILURE;
    cord_worker_call(self->worker, run_start, self);
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    cord_inbox_close(self->inbox);
  }
  result = GST_ELEMENT_CLASS(gst_openai_realtime_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_worker_call(self->worker, run_stop, self);
  else if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    g_clear_object(&self->worker);
  return result;
}

typedef struct {
  GstOpenaiRealtime *self;
  gchar *id;
  gchar *json;
  gboolean final;
} ToolResult;

static void
free_tool_result(gpointer data)
{
  ToolResult *result = data;

  gst_object_unref(result->self);
  g_free(result->id);
  g_free(result->json);
  g_free(result);
}

static void
run_tool_result(gpointer data)
{
  ToolResult *result = data;

  if (result->self->service)
    gst_openai_realtime_take_result(result->self, result->id, result->json, result->final);
}

static void
submit(GstOpenaiRealtime *self, const gchar *id, const gchar *json, gboolean final)
{
  ToolResult *result;

  if (self->worker == NULL || id == NULL)
    return;
  result = g_new0(ToolResult, 1);
  *result =
      (ToolResult){ gst_object_ref(self), g_strdup(id), g_strdup(json ? json : "null"), final };
  cord_worker_post(self->worker, run_tool_result, result, free_tool_result);
}

static void
submit_tool_result(GstOpenaiRealtime *self, const gchar *id, const gchar *json)
{
  submit(self, id, json, FALSE);
}

static void
submit_final_tool_result(GstOpenaiRealtime *self, const gchar *id, const gchar *json)
{
  submit(self, id, json, TRUE);
}

static void
install_signals(GstOpenaiRealtimeClass *klass)
{
  /**
   * GstOpenaiRealtime::submit-tool-result:
   * @self: the element
   * @id: the "id" of a cordboard/tool-call message
   * @result: JSON
   *
   * Gives the model the result of a function. Any thread.
   */
  g_signal_new_class_handler("submit-tool-result", G_TYPE_FROM_CLASS(klass),
                             G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(submit_tool_result),
                             NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
  /**
   * GstOpenaiRealtime::submit-final-tool-result:
   * @self: the element
   * @id: the "id" of a cordboard/tool-call message
   * @result: JSON
   *
   * The same for a function of whose result nothing needs to be said, such as one that ends the
   * call: a model that has said something in this turn is not asked again. Any thread.
   */
  g_signal_new_class_handler("submit-final-tool-result", G_TYPE_FROM_CLASS(klass),
                             G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
                             G_CALLBACK(submit_final_tool_result), NULL, NULL, NULL, G_TYPE_NONE, 2,
                             G_TYPE_STRING, G_TYPE_STRING);
}

static void
gst_openai_realtime_finalize(GObject *object)
{
  GstOpenaiRealtime *self = GST_OPENAI_REALTIME(object);

  realtime_settings_clear(&self->options);
  realtime_settings_clear(&self->settings);
  g_free(self->context);
  g_ptr_array_unref(self->calls);
  g_string_free(self->keys, TRUE);
  cord_inbox_free(self->inbox);
  G_OBJECT_CLASS(gst_openai_realtime_parent_class)->finalize(object);
}

static void
gst_openai_realtime_class_init(GstOpenaiRealtimeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(openairealtime_debug, "openairealtime", 0, "OpenAI's Realtime API");
  object_class->finalize = gst_openai_realtime_finalize;
  element_class->change_state = change_state;
  gst_openai_realtime_install_properties(object_class);
  install_signals(klass);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "OpenAI speech to speech", "Audio/LLM",
                                        "Hears, thinks and speaks by OpenAI's Realtime API",
                                        "Cordboard developers");
}

static void
gst_openai_realtime_init(GstOpenaiRealtime *self)
{
  gst_openai_realtime_init_properties(self);
  self->keys = g_string_new(NULL);
  g_queue_init(&self->answers);
  g_queue_init(&self->utterances);
  realtime_audio_init(&self->audio);
  g_queue_init(&self->said);
  self->calls = g_ptr_array_new_with_free_func(gst_openai_realtime_free_call);
  self->inbox = cord_inbox_new(gst_openai_realtime_on_object, self);
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink, gst_openai_realtime_sink_chain);
  gst_pad_set_event_function(self->sink, gst_openai_realtime_sink_event);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_event_function(self->src, gst_openai_realtime_src_event);
  gst_pad_use_fixed_caps(self->src);
  gst_element_add_pad(GST_ELEMENT(self), self->src);
}
