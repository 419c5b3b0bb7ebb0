/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-agent-elements.h"

#include <string.h>

#include "cord-error.h"
#include "cord-tools.h"

/* A decoder on this machine always answers; where it is slow, late is better than never. */
#define PATIENT_STT_MS 8000
#define PATIENT_TURN_MS 9000 /* the turn waits a little longer than the ear does */

/* A voice that says nothing is asked again; where another stands by nobody waits long for that. */
#define IMPATIENT_TTS_MS 2500

/* The setting is the silence that is nothing yet; so many of them in a row are too long. */
#define SILENCES 3
#define LONGEST_IDLE 30000 /* ms; what the Realtime service takes */

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

/**
 * cord_agent_elements_get_factory:
 * @plan: who does what
 * @role: what the element is for
 * @error: return location for an error
 *
 * Returns: the name of the element that does it, or of one that goes from one to the next; %NULL
 *   if it is not installed
 */
const gchar *
cord_agent_elements_get_factory(const CordAgentPlan *plan, CordServiceRole role, GError **error)
{
  const gchar *factory = cord_agent_plan_get(plan, role)->element;
  gboolean several =
      plan->choices[role]->len > 1 && failovers[role] && has_factory(failovers[role]);

  if (!has_factory(factory)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
                "there is no element \"%s\"; see gst-inspect-1.0 for those that are installed",
                factory);
    return NULL;
  }
  return several ? failovers[role] : factory;
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

/* What every service has: where it is, its key, which model. The agent's own properties come after.
 */
static void
set_choice(const CordAgentElements *up, GstElement *element, const CordPlanChoice *choice)
{
  set_string(element, "model-id", choice->model);
  set_string(element, "base-url", choice->base_url);
  if (choice->service)
    set_string(element, "api-key", cord_service_get_key(choice->service, up->config));
}

static gboolean
set_up_one_stt(const CordAgentElements *up, GstElement *stt, const CordPlanChoice *choice,
               GError **error)
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
set_up_one_tts(const CordAgentElements *up, GstElement *tts, const CordPlanChoice *choice,
               GError **error)
{
  gboolean first = choice == cord_agent_plan_get(up->plan, CORD_SERVICE_TTS);

  set_choice(up, tts, choice);
  set_string(tts, "voice-id", choice->voice);
  set_string(tts, "language-code", up->agent->language);
  if (up->plan->choices[CORD_SERVICE_TTS]->len > 1)
    set_number(tts, "first-byte-timeout", IMPATIENT_TTS_MS);
  return !first || set_properties(tts, up->agent, "tts/properties", error);
}

typedef gboolean (*SetUpOne)(const CordAgentElements *, GstElement *, const CordPlanChoice *,
                             GError **);

/* The members of a fail-over element, by names of their own, so that each gets what is its. */
static gboolean
set_up_members(const CordAgentElements *up, GstElement *group, CordServiceRole role,
               SetUpOne set_up, GError **error)
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
set_up_role(const CordAgentElements *up, GstElement *element, CordServiceRole role, SetUpOne set_up,
            GError **error)
{
  if (is_failover(element, role))
    return set_up_members(up, element, role, set_up, error);
  return set_up(up, element, cord_agent_plan_get(up->plan, role), error);
}

static gboolean
set_up_stt(const CordAgentElements *up, GstElement *stt, GError **error)
{
  return set_up_role(up, stt, CORD_SERVICE_STT, set_up_one_stt, error);
}

static gboolean
set_up_tts(const CordAgentElements *up, GstElement *tts, GError **error)
{
  return set_up_role(up, tts, CORD_SERVICE_TTS, set_up_one_tts, error);
}

/* An agent's settings may name tools of its own; where none are wanted, they are not offered. */
static gboolean
set_mind_properties(const CordAgentElements *up, GstElement *mind, const gchar *path,
                    GError **error)
{
  if (!set_properties(mind, up->agent, path, error))
    return FALSE;
  if (!cord_config_get_boolean(up->config, "tools.enabled"))
    g_object_set(mind, "tools", cord_tools_describe(up->agent), NULL);
  return TRUE;
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

static gboolean
set_up_llm(const CordAgentElements *up, GstElement *llm, GError **error)
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
  set_string(llm, "tools", cord_tools_describe(agent));
  set_string(llm, "greeting", cord_agent_get_string(agent, "greeting", NULL));
  set_setting(llm, "max-history-turns", up->config, "conversation.max-history-turns");
  if (script) {
    g_autofree gchar *path = g_path_is_absolute(script)
                                 ? g_strdup(script)
                                 : g_build_filename(up->data_dir, "agents", script, NULL);
    g_autofree gchar *text = cord_scripts_get(up->scripts, path, up->fresh);

    /* of one that cannot be read the element says so */
    set_string(llm, text ? "script" : "script-location", text ? text : path);
  }
  return set_mind_properties(up, llm, "llm/properties", error);
}

/* How long nobody says anything until the agent asks, ms. */
static gint64
get_silence_timeout(const CordAgentElements *up)
{
  gdouble seconds = cord_config_get_double(up->config, "conversation.silence-timeout");

  return (gint64)(SILENCES * seconds * 1000);
}

static gboolean
set_up_turn(const CordAgentElements *up, GstElement *turn, GError **error)
{
  const CordAgent *agent = up->agent;

  if (!cord_config_get_boolean(up->config, "conversation.interruptions"))
    set_number(turn, "allow-interruptions", FALSE);
  set_setting(turn, "min-interruption-words", up->config, "conversation.min-interruption-words");
  set_number(turn, "silence-timeout", get_silence_timeout(up));
  set_string(turn, "language-code", agent->language);
  set_number(turn, "endpointing", cord_agent_get_int(agent, "turn/endpointing", -1));
  set_number(turn, "barge-in-min-speech",
             cord_agent_get_int(agent, "turn/barge-in-min-speech", -1));
  set_number(turn, "min-interruption-words",
             cord_agent_get_int(agent, "turn/barge-in-min-words", -1));
  if (is_offline(cord_agent_plan_get(up->plan, CORD_SERVICE_STT)))
    set_number(turn, "final-timeout", PATIENT_TURN_MS);
  return set_properties(turn, agent, "turn/properties", error);
}

/* Its files are read, if they are new, on this thread and not on that of the call's media. */
static gboolean
set_up_router(const CordAgentElements *up, GstElement *router, GError **error)
{
  g_autoptr(GstStructure) routes = NULL;

  if (!cord_config_get_boolean(up->config, "router.enabled")) {
    g_object_set(router, "enabled", FALSE, NULL);
    return TRUE;
  }
  set_string(router, "location", cord_config_get_string(up->config, "router.location"));
  set_string(router, "routes", cord_config_get_string(up->config, "router.routes"));
  if (!set_properties(router, up->agent, "router/properties", error))
    return FALSE;
  g_object_get(router, "known-routes", &routes, NULL);
  return TRUE;
}

static gboolean
set_up_vad(const CordAgentElements *up, GstElement *vad, GError **error)
{
  return set_properties(vad, up->agent, "vad/properties", error);
}

/* One element in the place of all others. */
static gboolean
set_up_realtime(const CordAgentElements *up, GstElement *realtime, GError **error)
{
  const CordPlanChoice *choice = cord_agent_plan_get(up->plan, CORD_SERVICE_LLM);

  set_choice(up, realtime, choice);
  set_string(realtime, "voice-id", choice->voice);
  set_string(realtime, "language-code", up->agent->language);
  set_string(realtime, "instructions", up->agent->system_prompt);
  set_string(realtime, "tools", cord_tools_describe(up->agent));
  /* there the service asks, as often as nothing is said, and counts each: only for who wants that
   */
  if (cord_config_is_set(up->config, "conversation.silence-timeout"))
    set_number(realtime, "idle-timeout", MIN(get_silence_timeout(up), LONGEST_IDLE));
  set_string(realtime, "greeting", cord_agent_get_string(up->agent, "greeting", NULL));
  return set_mind_properties(up, realtime, "realtime/properties", error);
}

/* Whatever of these names a pipeline has is given what the agent says of it. */
static const struct {
  const gchar *name;
  gboolean (*set_up)(const CordAgentElements *, GstElement *, GError **);
} parts[] = {
  [CORD_SERVICE_STT] = { "stt", set_up_stt },
  [CORD_SERVICE_LLM] = { "llm", set_up_llm },
  [CORD_SERVICE_TTS] = { "tts", set_up_tts },
  { "vad", set_up_vad },
  { "turn", set_up_turn },
  { "router", set_up_router },
  { "realtime", set_up_realtime },
};

/* An agent without hints of its own expects what its script expects. */
static void
copy_hints(GstElement *stt, GstElement *llm, const CordAgent *agent)
{
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
 * cord_agent_elements_set_up_all:
 * @self: what counts
 * @bin: a call's pipeline
 * @error: return location for an error
 *
 * Gives the elements of @bin that are called "vad", "stt", "turn", "router", "llm", "tts" or
 * "realtime" what the agent and the settings say of them.
 *
 * Returns: whether they took it
 */
gboolean
cord_agent_elements_set_up_all(const CordAgentElements *self, GstBin *bin, GError **error)
{
  g_autoptr(GstElement) stt = gst_bin_get_by_name(bin, "stt");
  g_autoptr(GstElement) llm = gst_bin_get_by_name(bin, "llm");

  for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
    g_autoptr(GstElement) part = gst_bin_get_by_name(bin, parts[i].name);

    if (part && !parts[i].set_up(self, part, error))
      return FALSE;
  }
  copy_hints(stt, llm, self->agent);
  return TRUE;
}

/* A service that hears and speaks by itself has a model for those who write, too. */
static void
use_text_model(const CordAgentElements *up, GstElement *llm)
{
  const CordPlanChoice *choice = cord_agent_plan_get(up->plan, CORD_SERVICE_LLM);

  if (up->plan->realtime && choice->service)
    set_string(llm, "model-id",
               cord_service_get_model(choice->service, CORD_SERVICE_LLM, up->config));
}

static GstElement *
make_one(const CordAgentElements *up, CordServiceRole role, GError **error)
{
  const gchar *factory = role == CORD_SERVICE_LLM
                             ? "llmtextgen"
                             : cord_agent_elements_get_factory(up->plan, role, error);
  g_autoptr(GstElement) element =
      factory ? gst_element_factory_make(factory, parts[role].name) : NULL;

  if (element == NULL) {
    if (factory)
      g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no element \"%s\"", factory);
    return NULL;
  }
  gst_object_ref_sink(element);
  if (!parts[role].set_up(up, element, error))
    return NULL;
  if (role == CORD_SERVICE_LLM)
    use_text_model(up, element);
  return g_steal_pointer(&element);
}

/**
 * cord_agent_elements_make:
 * @self: what counts
 * @role: what the element is for
 * @error: return location for an error
 *
 * Returns: (transfer floating): one element, set up as in a call, or %NULL
 */
GstElement *
cord_agent_elements_make(const CordAgentElements *self, CordServiceRole role, GError **error)
{
  GstElement *element = make_one(self, role, error);

  if (element == NULL)
    return NULL;
  if (role == CORD_SERVICE_STT) {
    g_autoptr(GstElement) llm = make_one(self, CORD_SERVICE_LLM, NULL);

    copy_hints(element, llm, self->agent);
  }
  g_object_force_floating(G_OBJECT(element));
  return element;
}
