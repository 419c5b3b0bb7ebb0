/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-llmtextgen
 * @title: llmtextgen
 * @short_description: answers text with text
 *
 * Each text buffer is what a caller said; the answer leaves in pieces that can be spoken, as the
 * model writes it. Who thinks is a matter of #GstLlmTextgen:provider: "scripted" answers from a
 * file by rules (it is no model), "openai" asks any server with OpenAI's chat completions.
 *
 * |[
 * echo "Tell me a joke" | gst-launch-1.0 -q fdsrc ! text/x-raw,format=utf8 ! llmtextgen
 * provider=scripted append-newline=true ! fdsink
 * ]|
 */
#include "config.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "cord-phrases.h"
#include "gstllmtextgen-private.h"
#include "llm-elements.h"
#include "llm-providers.h"

GST_DEBUG_CATEGORY_STATIC(llmtextgen_debug);
#define GST_CAT_DEFAULT llmtextgen_debug

#define MAX_SCRIPT (4 * 1024 * 1024) /* bytes */

enum {
  PROP_0,
  PROP_CONTEXT,
  PROP_PROVIDER,
  PROP_MODEL_ID,
  PROP_API_KEY,
  PROP_BASE_URL,
  PROP_SYSTEM_PROMPT,
  PROP_GREETING,
  PROP_SCRIPT,
  PROP_SCRIPT_LOCATION,
  PROP_LANGUAGE_CODE,
  PROP_FALLBACK_TEXT,
  PROP_FALLBACK_MODELS,
  PROP_TOOLS,
  PROP_HISTORY,
  PROP_TEMPERATURE,
  PROP_MAX_TOKENS,
  PROP_MAX_HISTORY_TURNS,
  PROP_TOOL_TIMEOUT,
  PROP_REQUEST_TIMEOUT,
  PROP_FIRST_TOKEN_TIMEOUT,
  PROP_HEDGE,
  PROP_APPEND_NEWLINE,
  PROP_PRECONNECT,
  PROP_JSON_MODE,
  PROP_HINTS,
  PROP_STATS,
};

G_DEFINE_FINAL_TYPE(GstLlmTextgen, gst_llm_textgen, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(llmtextgen, "llmtextgen", GST_RANK_NONE, GST_TYPE_LLM_TEXTGEN)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("text/x-raw, format = (string) utf8"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("text/x-raw, format = (string) utf8"));

/* Life */

static gboolean
load_script(GstLlmTextgen *self, CordLlmProvider *provider, GError **error)
{
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(provider);
  g_autofree gchar *text = NULL;
  g_autofree gchar *location = NULL;
  g_autoptr(GError) inner = NULL;
  gsize size = 0;

  if (klass->load == NULL)
    return TRUE;
  GST_OBJECT_LOCK(self);
  text = g_strdup(self->script ? self->script : self->script_read);
  location = g_strdup(self->script_location);
  GST_OBJECT_UNLOCK(self);
  if (location && text == NULL && !g_file_get_contents(location, &text, &size, &inner)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "the script cannot be read: %s",
                inner->message);
    return FALSE;
  }
  if (size > MAX_SCRIPT) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE, "the script %s is too long", location);
    return FALSE;
  }
  if (size > 0)
    self->script_read = g_strdup(text); /* until the start: it may be on a media thread */
  return klass->load(provider, text, error);
}

/* A property that is a JSON array as text. */
static gboolean
read_array(const gchar *name, const gchar *text, JsonNode **node, GError **error)
{
  g_clear_pointer(node, json_node_unref);
  if (text == NULL || *text == '\0')
    return TRUE;
  *node = cord_json_parse(text, -1, 0, 0, error);
  if (*node == NULL || JSON_NODE_HOLDS_ARRAY(*node))
    return *node != NULL;
  g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the property %s is not a JSON array", name);
  return FALSE;
}

static void
clear_config(GstLlmTextgen *self)
{
  llm_candidates_clear(&self->candidates);
  g_free((gchar *)self->config.fallback_text);
  memset(&self->config, 0, sizeof self->config);
}

/* Settings are copied when the element starts; what runs reads the copy. */
static gboolean
copy_config(GstLlmTextgen *self, GError **error)
{
  const gchar *variable = CORD_LLM_PROVIDER_GET_CLASS(self->thinker)->key_variable;
  const gchar *key = self->api_key ? self->api_key : variable ? g_getenv(variable) : NULL;
  CordLlmSettings settings = { .api_key = key };
  g_autofree gchar *fallbacks = NULL;

  clear_config(self);
  GST_OBJECT_LOCK(self);
  settings.model = self->model;
  settings.url = self->url;
  settings.system_prompt = self->system_prompt;
  settings.temperature = self->temperature;
  settings.max_tokens = self->max_tokens;
  settings.json = self->json_mode;
  settings.tools = self->tools_node ? json_node_get_array(self->tools_node) : NULL;
  llm_candidates_set_first(&self->candidates, self->thinker, &settings);
  self->config.fallback_text =
      g_strdup(self->fallback_text ? self->fallback_text : cord_phrase_in(CORD_PHRASE_SORRY, self->language));
  self->config.tool_timeout = self->tool_timeout_ms * GST_MSECOND;
  self->config.request_timeout = self->request_timeout_ms * GST_MSECOND;
  self->config.first_token_timeout = self->first_token_timeout_ms * GST_MSECOND;
  self->config.hedge = self->hedge_ms * GST_MSECOND;
  self->config.max_turns = self->max_history_turns;
  self->config.verbatim = self->json_mode;
  fallbacks = g_strdup(self->fallback_models);
  GST_OBJECT_UNLOCK(self);
  return llm_candidates_add(&self->candidates, fallbacks, error);
}

static gboolean
load_scripts(GstLlmTextgen *self, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < self->candidates.n; i++)
    ok = load_script(self, self->candidates.list[i].provider, error);
  g_clear_pointer(&self->script_read, g_free);
  return ok;
}

static gboolean
prepare(GstLlmTextgen *self)
{
  g_autofree gchar *nick = NULL;
  g_autofree gchar *model = NULL;
  g_autofree gchar *tools = NULL;
  g_autofree gchar *history = NULL;
  g_autoptr(GError) error = NULL;

  GST_OBJECT_LOCK(self);
  nick = g_strdup(self->provider);
  model = g_strdup(self->model);
  tools = g_strdup(self->tools);
  history = g_strdup(self->history);
  GST_OBJECT_UNLOCK(self);
  g_clear_object(&self->thinker);
  self->thinker = llm_provider_new(nick, model, &error);
  if (self->thinker == NULL || !read_array("tools", tools, &self->tools_node, &error) ||
      !read_array("history", history, &self->history_node, &error) || !copy_config(self, &error) ||
      !load_scripts(self, &error)) {
    cord_element_post_error(GST_ELEMENT(self), error);
    return FALSE;
  }
  return TRUE;
}

static void
run_start(gpointer data)
{
  GstLlmTextgen *self = data;

  gst_segment_init(&self->segment, GST_FORMAT_TIME);
  self->greeted = FALSE;
  self->need_caps = self->need_segment = TRUE;
  self->told_input = self->told_output = 0;
  self->continues_turn = -1;
  self->position = GST_CLOCK_TIME_NONE;
  self->session = llm_session_new(self->worker, self->candidates.list, self->candidates.n,
                                  &self->config, &gst_llm_textgen_session_funcs, self);
  self->own_turns = self->history_node
                        ? llm_session_recall(self->session, json_node_get_array(self->history_node))
                        : 0;
  if (self->preconnect)
    llm_session_prepare(self->session);
  cord_inbox_open(self->inbox, self->worker);
}

static void
run_stop(gpointer data)
{
  GstLlmTextgen *self = data;

  g_clear_pointer(&self->session, llm_session_free);
  gst_clear_event(&self->eos);
}

static GstStateChangeReturn
change_state(GstElement *element, GstStateChange transition)
{
  GstLlmTextgen *self = GST_LLM_TEXTGEN(element);
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
  result = GST_ELEMENT_CLASS(gst_llm_textgen_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_worker_call(self->worker, run_stop, self);
  else if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    g_clear_object(&self->worker);
  return result;
}

/* Properties: strings stand in a table, the others in switches */

static gchar **
string_property(GstLlmTextgen *self, guint id)
{
  switch (id) {
  case PROP_CONTEXT:
    return &self->context;
  case PROP_PROVIDER:
    return &self->provider;
  case PROP_MODEL_ID:
    return &self->model;
  case PROP_API_KEY:
    return &self->api_key;
  case PROP_BASE_URL:
    return &self->url;
  case PROP_SYSTEM_PROMPT:
    return &self->system_prompt;
  case PROP_GREETING:
    return &self->greeting;
  case PROP_SCRIPT:
    return &self->script;
  case PROP_SCRIPT_LOCATION:
    return &self->script_location;
  case PROP_LANGUAGE_CODE:
    return &self->language;
  case PROP_FALLBACK_TEXT:
    return &self->fallback_text;
  case PROP_FALLBACK_MODELS:
    return &self->fallback_models;
  case PROP_TOOLS:
    return &self->tools;
  case PROP_HISTORY:
    return &self->history;
  default:
    return NULL;
  }
}

static guint *
number_property(GstLlmTextgen *self, guint id)
{
  switch (id) {
  case PROP_MAX_TOKENS:
    return &self->max_tokens;
  case PROP_MAX_HISTORY_TURNS:
    return &self->max_history_turns;
  case PROP_TOOL_TIMEOUT:
    return &self->tool_timeout_ms;
  case PROP_REQUEST_TIMEOUT:
    return &self->request_timeout_ms;
  case PROP_FIRST_TOKEN_TIMEOUT:
    return &self->first_token_timeout_ms;
  case PROP_HEDGE:
    return &self->hedge_ms;
  default:
    return NULL;
  }
}

static void
gst_llm_textgen_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstLlmTextgen *self = GST_LLM_TEXTGEN(object);
  gchar **text = string_property(self, id);
  guint *number = number_property(self, id);

  GST_OBJECT_LOCK(self);
  if (text) {
    g_clear_pointer(&self->script_read, g_free);
    g_free(*text);
    *text = g_value_dup_string(value);
  } else if (number) {
    *number = g_value_get_uint(value);
  } else if (id == PROP_TEMPERATURE) {
    self->temperature = g_value_get_double(value);
  } else if (id == PROP_APPEND_NEWLINE) {
    self->append_newline = g_value_get_boolean(value);
  } else if (id == PROP_PRECONNECT) {
    self->preconnect = g_value_get_boolean(value);
  } else if (id == PROP_JSON_MODE) {
    self->json_mode = g_value_get_boolean(value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

/* What the script expects to hear; also before the element runs, for whoever sets up
 * speech-to-text. */
static gchar *
get_hints(GstLlmTextgen *self)
{
  g_autoptr(GError) error = NULL;
  CordLlmProviderClass *klass;

  if (self->thinker == NULL) {
    self->thinker = llm_provider_new(self->provider, self->model, &error);
    if (self->thinker == NULL || !load_script(self, self->thinker, &error)) {
      GST_WARNING_OBJECT(self, "no hints: %s", error->message);
      g_clear_object(&self->thinker);
      return NULL;
    }
  }
  klass = CORD_LLM_PROVIDER_GET_CLASS(self->thinker);
  return klass->get_hints ? klass->get_hints(self->thinker) : NULL;
}

static GstStructure *
get_stats(GstLlmTextgen *self)
{
  gint64 input = 0, output = 0;

  if (self->session)
    llm_session_get_usage(self->session, &input, &output);
  return gst_structure_new("stats", "input-tokens", G_TYPE_INT64, input, "output-tokens",
                           G_TYPE_INT64, output, NULL);
}

static void
gst_llm_textgen_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstLlmTextgen *self = GST_LLM_TEXTGEN(object);
  gchar **text = string_property(self, id);
  guint *number = number_property(self, id);

  if (id == PROP_HINTS) {
    g_value_take_string(value, get_hints(self));
    return;
  }
  if (id == PROP_STATS) {
    g_value_take_boxed(value, get_stats(self));
    return;
  }
  GST_OBJECT_LOCK(self);
  if (text)
    g_value_set_string(value, *text);
  else if (number)
    g_value_set_uint(value, *number);
  else if (id == PROP_TEMPERATURE)
    g_value_set_double(value, self->temperature);
  else if (id == PROP_APPEND_NEWLINE)
    g_value_set_boolean(value, self->append_newline);
  else if (id == PROP_PRECONNECT)
    g_value_set_boolean(value, self->preconnect);
  else if (id == PROP_JSON_MODE)
    g_value_set_boolean(value, self->json_mode);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_llm_textgen_finalize(GObject *object)
{
  GstLlmTextgen *self = GST_LLM_TEXTGEN(object);

  for (guint id = PROP_CONTEXT; id <= PROP_HISTORY; id++)
    g_free(*string_property(self, id));
  g_free(self->script_read);
  clear_config(self);
  g_clear_pointer(&self->tools_node, json_node_unref);
  g_clear_pointer(&self->history_node, json_node_unref);
  g_clear_object(&self->thinker);
  cord_inbox_free(self->inbox);
  G_OBJECT_CLASS(gst_llm_textgen_parent_class)->finalize(object);
}

static const struct {
  guint id;
  const gchar *name, *nick, *blurb, *fallback;
} strings[] = {
  { PROP_CONTEXT, "context", "Context", "Name of the media thread to share", NULL },
  { PROP_PROVIDER, "provider", "Provider",
    "Who thinks: scripted, openai, anthropic, gemini, groq, deepseek or local; by default the "
    "model's own",
    NULL },
  { PROP_MODEL_ID, "model-id", "Model ID", "The model, in its provider's words", "scripted" },
  { PROP_BASE_URL, "base-url", "Base URL",
    "Address of the service in place of the provider's own, as http://127.0.0.1:11434/v1", NULL },
  { PROP_SYSTEM_PROMPT, "system-prompt", "System prompt", "What the model is told to be", NULL },
  { PROP_GREETING, "greeting", "Greeting", "What is said first, when the stream begins", NULL },
  { PROP_SCRIPT, "script", "Script", "The script of the provider scripted, as JSON", NULL },
  { PROP_SCRIPT_LOCATION, "script-location", "Script location", "Path of the script", NULL },
  { PROP_LANGUAGE_CODE, "language-code", "Language code", "Language of the fallback text, BCP 47",
    "en-US" },
  { PROP_FALLBACK_TEXT, "fallback-text", "Fallback text",
    "What is said when no answer is to be had; by default a sentence in the language, empty: "
    "nothing",
    NULL },
  { PROP_FALLBACK_MODELS, "fallback-models", "Fallback models",
    "Models that are asked when the first does not answer, with commas; each with the key of its "
    "provider's environment variable",
    NULL },
  { PROP_TOOLS, "tools", "Tools",
    "The tools that the model may call: a JSON array as OpenAI has it", NULL },
  { PROP_HISTORY, "history", "History",
    "What was said before: a JSON array of {\"role\": \"user\" or \"assistant\", \"content\": "
    "text}",
    NULL },
};

static const struct {
  guint id;
  const gchar *name, *nick, *blurb;
  guint minimum, maximum, fallback;
} numbers[] = {
  { PROP_MAX_TOKENS, "max-tokens", "Maximum tokens", "Longest answer in tokens, 0: the model's own",
    0, G_MAXINT, 0 },
  { PROP_MAX_HISTORY_TURNS, "max-history-turns", "Maximum history turns",
    "How many turns the model is told of, 0: all", 0, 10000, 10 },
  { PROP_TOOL_TIMEOUT, "tool-timeout", "Tool timeout", "How long a tool may take (ms)", 1, 600000,
    10000 },
  { PROP_REQUEST_TIMEOUT, "request-timeout", "Request timeout",
    "How long a reply may say nothing once it has begun (ms)", 1, 600000, 15000 },
  { PROP_FIRST_TOKEN_TIMEOUT, "first-token-timeout", "First token timeout",
    "How long a reply may take to begin (ms)", 1, 600000, 10000 },
  { PROP_HEDGE, "hedge", "Hedge",
    "After how long without a token the next model is asked besides; the first to answer is heard "
    "(ms), 0: never",
    0, 600000, 0 },
};

static void
install_properties(GObjectClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
    g_object_class_install_property(klass, strings[i].id,
                                    g_param_spec_string(strings[i].name, strings[i].nick,
                                                        strings[i].blurb, strings[i].fallback,
                                                        flags));
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    g_object_class_install_property(
        klass, numbers[i].id,
        g_param_spec_uint(numbers[i].name, numbers[i].nick, numbers[i].blurb, numbers[i].minimum,
                          numbers[i].maximum, numbers[i].fallback, flags));
  g_object_class_install_property(
      klass, PROP_API_KEY,
      g_param_spec_string("api-key", "API key",
                          "Key of the service; by default the provider's environment variable",
                          NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property(klass, PROP_TEMPERATURE,
                                  g_param_spec_double("temperature", "Temperature",
                                                      "Of the model, -1: its own", -1, 2, -1,
                                                      flags));
  g_object_class_install_property(
      klass, PROP_APPEND_NEWLINE,
      g_param_spec_boolean("append-newline", "Append newline",
                           "End each piece with a line break, for fdsink", FALSE, flags));
  g_object_class_install_property(
      klass, PROP_PRECONNECT,
      g_param_spec_boolean("preconnect", "Connect early",
                           "Connect to the service before anybody has spoken", TRUE, flags));
  g_object_class_install_property(
      klass, PROP_JSON_MODE,
      g_param_spec_boolean(
          "json-mode", "JSON mode",
          "Answers are for a program, not for a voice: each leaves in one piece as "
          "the model wrote it, and models that can be are held to one JSON object; "
          "the system prompt still has to say which",
          FALSE, flags));
  g_object_class_install_property(
      klass, PROP_HINTS,
      g_param_spec_string("hints", "Hints", "Phrases that the script expects, for speech-to-text",
                          NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property(
      klass, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics",
                         "input-tokens and output-tokens, as the service counts",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_llm_textgen_class_init(GstLlmTextgenClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(llmtextgen_debug, "llmtextgen", 0, "language models");
  object_class->set_property = gst_llm_textgen_set_property;
  object_class->get_property = gst_llm_textgen_get_property;
  object_class->finalize = gst_llm_textgen_finalize;
  element_class->change_state = change_state;
  install_properties(object_class);
  gst_llm_textgen_install_signals(klass);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Language model", "Text/LLM",
                                        "Answers what was said, by a script or a language model",
                                        "Cordboard developers");
}

static void
gst_llm_textgen_init(GstLlmTextgen *self)
{
  for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
    *string_property(self, strings[i].id) = g_strdup(strings[i].fallback);
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    *number_property(self, numbers[i].id) = numbers[i].fallback;
  self->temperature = -1;
  self->preconnect = TRUE;
  self->inbox = cord_inbox_new(gst_llm_textgen_on_object, self);
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink, gst_llm_textgen_sink_chain);
  gst_pad_set_event_function(self->sink, gst_llm_textgen_sink_event);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_event_function(self->src, gst_llm_textgen_src_event);
  gst_pad_use_fixed_caps(self->src);
  gst_element_add_pad(GST_ELEMENT(self), self->src);
}
