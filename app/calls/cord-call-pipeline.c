/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-pipeline.h"

#include <string.h>

#include "cord-error.h"
#include "cord-pipelines.h"

#define RESOURCES "/org/cordboard/pipelines"
#define SUFFIX ".pipeline"
#define SOURCE "$source !"

/* A decoder on this machine always answers; where it is slow, late is better than never. */
#define PATIENT_STT_MS 8000
#define PATIENT_TURN_MS 9000 /* the turn waits a little longer than the ear does */

struct _CordPipelines {
  CordConfig *config;
  GHashTable *texts; /* name -> launch text */
  gchar *data_dir;
};

/* Comment lines go; the rest is what gst-launch-1.0 takes, placeholders aside. */
static gchar *
strip_comments(const gchar *text)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  GString *out = g_string_new(NULL);

  for (guint i = 0; lines[i]; i++) {
    gchar *line = g_strstrip(lines[i]);

    if (*line == '\0' || *line == '#')
      continue;
    if (out->len > 0)
      g_string_append_c(out, ' ');
    g_string_append(out, line);
  }
  return g_string_free(out, FALSE);
}

static gboolean
add_text(CordPipelines *self, const gchar *file, const gchar *text, GError **error)
{
  g_autofree gchar *stripped = strip_comments(text);

  if (!g_str_has_prefix(stripped, SOURCE)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                "%s does not begin with \"" SOURCE "\": a call's pipeline starts at the phone leg",
                file);
    return FALSE;
  }
  g_hash_table_replace(self->texts, g_strndup(file, strlen(file) - strlen(SUFFIX)),
                       g_strdup(stripped + strlen(SOURCE)));
  return TRUE;
}

static gboolean
load_built_in(CordPipelines *self, GError **error)
{
  g_auto(GStrv) names = NULL;

  /* named, so that a static library is linked with it */
  g_resources_register(cord_pipelines_get_resource());
  names = g_resources_enumerate_children(RESOURCES, 0, error);
  for (guint i = 0; names && names[i]; i++) {
    g_autofree gchar *path = g_strconcat(RESOURCES "/", names[i], NULL);
    g_autoptr(GBytes) bytes = g_resources_lookup_data(path, 0, error);

    if (bytes == NULL || !add_text(self, names[i], g_bytes_get_data(bytes, NULL), error))
      return FALSE;
  }
  return names != NULL;
}

static gboolean
load_folder(CordPipelines *self, const gchar *directory, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(directory, 0, error);
  const gchar *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(directory, name, NULL);
    g_autofree gchar *text = NULL;

    if (!g_str_has_suffix(name, SUFFIX))
      continue;
    if (!g_file_get_contents(path, &text, NULL, error) || !add_text(self, name, text, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * cord_pipelines_load:
 * @directory: (nullable): a folder of pipeline files that are added to, or replace, the built-in
 * ones
 * @data_dir: where the files are that agents name
 * @config: which services there are
 * @error: return location for an error
 *
 * Reads the pipeline files. Blocks; for the start of the server.
 *
 * Returns: (transfer full): the pipelines, or %NULL
 */
CordPipelines *
cord_pipelines_load(const gchar *directory, const gchar *data_dir, CordConfig *config,
                    GError **error)
{
  g_autoptr(CordPipelines) self = g_new0(CordPipelines, 1);

  self->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->data_dir = g_strdup(data_dir);
  self->config = g_object_ref(config);
  if (!load_built_in(self, error) || (directory && !load_folder(self, directory, error)))
    return NULL;
  return g_steal_pointer(&self);
}

/**
 * cord_pipelines_free:
 * @self: (transfer full): the pipelines
 */
void
cord_pipelines_free(CordPipelines *self)
{
  g_hash_table_unref(self->texts);
  g_free(self->data_dir);
  g_clear_object(&self->config);
  g_free(self);
}

static gboolean
has_factory(const gchar *name)
{
  g_autoptr(GstElementFactory) factory = gst_element_factory_find(name);

  return factory != NULL;
}

/* What goes from one service to the next. */
static const gchar *const failovers[CORD_SERVICE_ROLES] = {
  [CORD_SERVICE_STT] = "failoverstt",
  [CORD_SERVICE_TTS] = "failovertts",
};

static gboolean
is_failover(GstElement *element, CordServiceRole role)
{
  GstElementFactory *factory = gst_element_get_factory(element);

  return factory && g_strcmp0(GST_OBJECT_NAME(factory), failovers[role]) == 0;
}

/* Only the name of an existing element may enter launch text. */
static gboolean
substitute(GString *text, const gchar *placeholder, const CordAgentPlan *plan, CordServiceRole role,
           GError **error)
{
  const gchar *factory = cord_agent_plan_get(plan, role)->element;
  gboolean several = plan->choices[role]->len > 1 && has_factory(failovers[role]);

  if (strstr(text->str, placeholder) == NULL)
    return TRUE;
  if (!has_factory(factory)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
                "there is no element \"%s\"; see gst-inspect-1.0 for those that are installed",
                factory);
    return FALSE;
  }
  g_string_replace(text, placeholder, several ? failovers[role] : factory, 0);
  return TRUE;
}

static gboolean
value_from_json(JsonNode *node, GParamSpec *pspec, GValue *value)
{
  GValue json = G_VALUE_INIT;
  gboolean done;

  g_value_init(value, pspec->value_type);
  if (!JSON_NODE_HOLDS_VALUE(node)) {
    g_autofree gchar *text = json_to_string(node, FALSE);

    return gst_value_deserialize(value, text);
  }
  json_node_get_value(node, &json);
  done = G_VALUE_HOLDS_STRING(&json) && pspec->value_type != G_TYPE_STRING
             ? gst_value_deserialize(value, g_value_get_string(&json))
             : g_value_transform(&json, value);
  g_value_unset(&json);
  return done;
}

static gboolean
set_property(GstElement *element, const gchar *name, JsonNode *node, GError **error)
{
  GParamSpec *pspec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
  GValue value = G_VALUE_INIT;
  gboolean done;

  if (pspec == NULL || !(pspec->flags & G_PARAM_WRITABLE)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the agent sets %s.%s, which does not exist",
                GST_OBJECT_NAME(element), name);
    return FALSE;
  }
  done = value_from_json(node, pspec, &value);
  if (done)
    g_object_set_property(G_OBJECT(element), name, &value);
  else
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the agent's value for %s.%s is not a %s",
                GST_OBJECT_NAME(element), name, g_type_name(pspec->value_type));
  g_value_unset(&value);
  return done;
}

static gboolean
set_properties(GstElement *element, const CordAgent *agent, const gchar *path, GError **error)
{
  JsonNode *node = cord_agent_get_setting(agent, path);
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *member;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
    return TRUE;
  json_object_iter_init(&iter, json_node_get_object(node));
  while (json_object_iter_next(&iter, &name, &member)) {
    if (!set_property(element, name, member, error))
      return FALSE;
  }
  return TRUE;
}

static void
set_string(GstElement *element, const gchar *name, const gchar *value)
{
  GParamSpec *pspec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);

  /* a provider's element that has no such setting does without */
  if (value && *value && pspec && pspec->value_type == G_TYPE_STRING)
    g_object_set(element, name, value, NULL);
}

static void
set_number(GstElement *element, const gchar *name, gint64 number)
{
  GParamSpec *pspec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
  GValue from = G_VALUE_INIT;

  if (number < 0 || pspec == NULL)
    return;
  g_value_init(&from, G_TYPE_INT64);
  g_value_set_int64(&from, number);
  g_object_set_property(G_OBJECT(element), name, &from);
  g_value_unset(&from);
}

/* What somebody has configured; else the element knows best. */
static void
set_setting(GstElement *element, const gchar *name, CordConfig *config, const gchar *setting)
{
  if (cord_config_is_set(config, setting))
    set_number(element, name, cord_config_get_int(config, setting));
}

static gboolean
is_offline(const CordPlanChoice *choice)
{
  return choice->service && choice->service->key == NULL && choice->service->catalogue == NULL;
}

/* What an element is set up by. */
typedef struct {
  CordPipelines *pipelines;
  const CordAgent *agent;
  const CordAgentPlan *plan;
} SetUp;

/* What every service has: where it is, its key, which model. The agent's own properties come after.
 */
static void
set_choice(const SetUp *up, GstElement *element, const CordPlanChoice *choice)
{
  set_string(element, "model-id", choice->model);
  set_string(element, "base-url", choice->base_url);
  if (choice->service)
    set_string(element, "api-key", cord_service_get_key(choice->service, up->pipelines->config));
}

static gboolean
set_up_one_stt(const SetUp *up, GstElement *stt, const CordPlanChoice *choice, GError **error)
{
  g_auto(GStrv) hints = cord_agent_dup_strv(up->agent, "hints");
  g_autofree gchar *joined = g_strjoinv("\n", hints);
  gboolean first = choice == cord_agent_plan_get(up->plan, CORD_SERVICE_STT);

  set_choice(up, stt, choice);
  set_string(stt, "language-code", up->agent->language);
  set_string(stt, "hints", joined);
  if (is_offline(choice))
    set_number(stt, "final-timeout", PATIENT_STT_MS);
  return !first || set_properties(stt, up->agent, "stt/properties", error);
}

static gboolean
set_up_one_tts(const SetUp *up, GstElement *tts, const CordPlanChoice *choice, GError **error)
{
  gboolean first = choice == cord_agent_plan_get(up->plan, CORD_SERVICE_TTS);

  set_choice(up, tts, choice);
  set_string(tts, "voice-id", choice->voice);
  set_string(tts, "language-code", up->agent->language);
  return !first || set_properties(tts, up->agent, "tts/properties", error);
}

typedef gboolean (*SetUpOne)(const SetUp *, GstElement *, const CordPlanChoice *, GError **);

/* The members of a fail-over element, by names of their own, so that each gets what is its. */
static gboolean
set_up_members(const SetUp *up, GstElement *group, CordServiceRole role, SetUpOne set_up,
               GError **error)
{
  GPtrArray *choices = up->plan->choices[role];
  g_autoptr(GString) elements = g_string_new(NULL);

  for (guint i = 0; i < choices->len; i++) {
    const CordPlanChoice *choice = choices->pdata[i];

    if (has_factory(choice->element))
      g_string_append_printf(elements, "%s%s name=%s-%u", elements->len > 0 ? ";" : "",
                             choice->element, GST_OBJECT_NAME(group), i);
  }
  g_object_set(group, "elements", elements->str, NULL);
  for (guint i = 0; i < choices->len; i++) {
    g_autofree gchar *name = g_strdup_printf("%s-%u", GST_OBJECT_NAME(group), i);
    g_autoptr(GstElement) member = gst_bin_get_by_name(GST_BIN(group), name);

    if (member && !set_up(up, member, choices->pdata[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
set_up_role(const SetUp *up, GstElement *element, CordServiceRole role, SetUpOne set_up,
            GError **error)
{
  if (is_failover(element, role))
    return set_up_members(up, element, role, set_up, error);
  return set_up(up, element, cord_agent_plan_get(up->plan, role), error);
}

static gboolean
set_up_stt(const SetUp *up, GstElement *stt, GError **error)
{
  return set_up_role(up, stt, CORD_SERVICE_STT, set_up_one_stt, error);
}

static gboolean
set_up_tts(const SetUp *up, GstElement *tts, GError **error)
{
  return set_up_role(up, tts, CORD_SERVICE_TTS, set_up_one_tts, error);
}

/* The models that answer when the first does not, as llmtextgen takes them. */
static gchar *
join_fallback_models(const CordAgentPlan *plan)
{
  GPtrArray *choices = plan->choices[CORD_SERVICE_LLM];
  g_autoptr(GString) models = g_string_new(NULL);

  for (guint i = 1; i < choices->len; i++) {
    const CordPlanChoice *choice = choices->pdata[i];

    g_string_append_printf(models, "%s%s", models->len > 0 ? "," : "", choice->model);
  }
  return g_strdup(models->str);
}

/* What a model is told of the tools that every call has. */
static void
offer_tools(const CordAgent *agent, GstElement *llm)
{
  static const gchar end_call[] =
      "[{\"type\":\"function\",\"function\":{\"name\":\"end_call\",\"description\":\"Ends the "
      "telephone call once you have said goodbye.\",\"parameters\":{\"type\":\"object\","
      "\"properties\":{\"reason\":{\"type\":\"string\",\"description\":\"Why the call ends\"}}}}}]";

  if (g_strv_contains((const gchar *const *)agent->tools_enabled, "end_call"))
    set_string(llm, "tools", end_call);
}

static gboolean
set_up_llm(const SetUp *up, GstElement *llm, GError **error)
{
  const CordAgent *agent = up->agent;
  const CordPlanChoice *choice = cord_agent_plan_get(up->plan, CORD_SERVICE_LLM);
  const gchar *script = cord_agent_get_string(agent, "llm/script", NULL);
  g_autofree gchar *fallbacks = join_fallback_models(up->plan);

  set_string(llm, "provider", is_offline(choice) ? "scripted" : choice->service->name);
  set_choice(up, llm, choice);
  set_string(llm, "fallback-models", fallbacks);
  set_string(llm, "system-prompt", agent->system_prompt);
  set_string(llm, "language-code", agent->language);
  offer_tools(agent, llm);
  set_string(llm, "greeting", cord_agent_get_string(agent, "greeting", NULL));
  set_setting(llm, "max-history-turns", up->pipelines->config, "conversation.max-history-turns");
  if (script) {
    g_autofree gchar *path = g_path_is_absolute(script) ? g_strdup(script)
                                                        : g_build_filename(up->pipelines->data_dir,
                                                                           "agents", script, NULL);

    set_string(llm, "script-location", path);
  }
  return set_properties(llm, agent, "llm/properties", error);
}

static gboolean
set_up_turn(const SetUp *up, GstElement *turn, GError **error)
{
  const CordAgent *agent = up->agent;

  set_setting(turn, "min-interruption-words", up->pipelines->config,
              "conversation.min-interruption-words");
  set_number(turn, "endpointing", cord_agent_get_int(agent, "turn/endpointing", -1));
  set_number(turn, "barge-in-min-speech",
             cord_agent_get_int(agent, "turn/barge-in-min-speech", -1));
  set_number(turn, "min-interruption-words",
             cord_agent_get_int(agent, "turn/barge-in-min-words", -1));
  if (is_offline(cord_agent_plan_get(up->plan, CORD_SERVICE_STT)))
    set_number(turn, "final-timeout", PATIENT_TURN_MS);
  return set_properties(turn, agent, "turn/properties", error);
}

static gboolean
set_up_vad(const SetUp *up, GstElement *vad, GError **error)
{
  return set_properties(vad, up->agent, "vad/properties", error);
}

/* One element in the place of all others. */
static gboolean
set_up_realtime(const SetUp *up, GstElement *realtime, GError **error)
{
  const CordPlanChoice *choice = cord_agent_plan_get(up->plan, CORD_SERVICE_LLM);

  set_choice(up, realtime, choice);
  set_string(realtime, "voice-id", choice->voice);
  set_string(realtime, "language-code", up->agent->language);
  set_string(realtime, "instructions", up->agent->system_prompt);
  set_string(realtime, "greeting", cord_agent_get_string(up->agent, "greeting", NULL));
  return set_properties(realtime, up->agent, "realtime/properties", error);
}

/* Whatever of these names a pipeline has is given what the agent says of it. */
static const struct {
  const gchar *name;
  gboolean (*set_up)(const SetUp *, GstElement *, GError **);
} parts[] = {
  { "vad", set_up_vad }, { "stt", set_up_stt }, { "turn", set_up_turn },
  { "llm", set_up_llm }, { "tts", set_up_tts }, { "realtime", set_up_realtime },
};

/* An agent without hints of its own expects what its script expects. */
static void
copy_hints(GstElement *bin, const CordAgent *agent)
{
  g_autoptr(GstElement) stt = gst_bin_get_by_name(GST_BIN(bin), "stt");
  g_autoptr(GstElement) llm = gst_bin_get_by_name(GST_BIN(bin), "llm");
  g_autofree gchar *hints = NULL;

  if (stt == NULL || llm == NULL || cord_agent_get_setting(agent, "hints") ||
      !g_object_class_find_property(G_OBJECT_GET_CLASS(llm), "hints"))
    return;
  g_object_get(llm, "hints", &hints, NULL);
  set_string(stt, "hints", hints);
  for (GList *l = GST_IS_BIN(stt) ? GST_BIN(stt)->children : NULL; l; l = l->next)
    set_string(l->data, "hints", hints);
}

/**
 * cord_pipelines_build:
 * @self: the pipelines
 * @agent: whose settings fill the placeholders and properties
 * @session: the name by which the sink finds its source
 * @error: return location for an error
 *
 * Builds all of a call's pipeline behind its source.
 *
 * Returns: (transfer floating): a bin with one sink pad, or %NULL
 */
GstElement *
cord_pipelines_build(CordPipelines *self, CordAgent *agent, const gchar *session, GError **error)
{
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(agent, self->config);
  const SetUp up = { self, agent, plan };
  const gchar *name = plan->pipeline;
  const gchar *template = g_hash_table_lookup(self->texts, name);
  g_autoptr(GString) text = NULL;
  g_autoptr(GstElement) bin = NULL;
  g_autoptr(GstElement) sink = NULL;

  if (template == NULL) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no pipeline \"%s\"", name);
    return NULL;
  }
  text = g_string_new(template);
  g_string_replace(text, "$sink", "twiliosink name=sink", 0);
  if (!substitute(text, "$stt", plan, CORD_SERVICE_STT, error) ||
      !substitute(text, "$tts", plan, CORD_SERVICE_TTS, error))
    return NULL;
  bin = gst_parse_bin_from_description_full(text->str, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS,
                                            error);
  if (bin == NULL) {
    g_prefix_error(error, "pipeline \"%s\": ", name);
    return NULL;
  }
  gst_object_ref_sink(bin);
  sink = gst_bin_get_by_name(GST_BIN(bin), "sink");
  if (sink)
    g_object_set(sink, "session", session, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
    g_autoptr(GstElement) part = gst_bin_get_by_name(GST_BIN(bin), parts[i].name);

    if (part && !parts[i].set_up(&up, part, error))
      return NULL;
  }
  copy_hints(bin, agent);
  g_object_force_floating(G_OBJECT(bin));
  return g_steal_pointer(&bin);
}
