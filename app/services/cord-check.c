/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-check.h"

#include <gst/gst.h>

#include "cord-agent-plan.h"

static void
free_check(gpointer data)
{
  CordCheck *check = data;

  g_free(check->area);
  g_free(check->name);
  g_free(check->detail);
  g_free(check->advice);
  g_free(check);
}

/**
 * cord_checks_new:
 *
 * Returns: (transfer full) (element-type CordCheck): no findings yet
 */
GPtrArray *
cord_checks_new(void)
{
  return g_ptr_array_new_with_free_func(free_check);
}

/**
 * cord_checks_add:
 * @checks: findings
 * @area: what it is about
 * @name: what was looked at
 * @state: how it is
 * @format: what was found, as printf() takes it
 * @...: its arguments
 *
 * Returns: (transfer none): the finding
 */
CordCheck *
cord_checks_add(GPtrArray *checks, const gchar *area, const gchar *name, CordCheckState state,
                const gchar *format, ...)
{
  CordCheck *check = g_new0(CordCheck, 1);
  va_list arguments;

  check->area = g_strdup(area);
  check->name = g_strdup(name);
  check->state = state;
  va_start(arguments, format);
  check->detail = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_ptr_array_add(checks, check);
  return check;
}

/**
 * cord_check_advise:
 * @check: a finding
 * @format: what to do next, as printf() takes it
 * @...: its arguments
 */
void
cord_check_advise(CordCheck *check, const gchar *format, ...)
{
  va_list arguments;

  g_free(check->advice);
  va_start(arguments, format);
  check->advice = g_strdup_vprintf(format, arguments);
  va_end(arguments);
}

/**
 * cord_check_state_name:
 * @state: how something is
 *
 * Returns: a word for it, for programs
 */
const gchar *
cord_check_state_name(CordCheckState state)
{
  static const gchar *names[] = { "ok", "warning", "failed" };

  return names[state];
}

/**
 * cord_checks_get_state:
 * @checks: findings
 *
 * Returns: the worst of them
 */
CordCheckState
cord_checks_get_state(GPtrArray *checks)
{
  CordCheckState worst = CORD_CHECK_OK;

  for (guint i = 0; i < checks->len; i++)
    worst = MAX(worst, ((CordCheck *)checks->pdata[i])->state);
  return worst;
}

/**
 * cord_checks_to_json:
 * @checks: findings
 *
 * Returns: (transfer full): a list of objects
 */
JsonNode *
cord_checks_to_json(GPtrArray *checks)
{
  JsonNode *node = json_node_new(JSON_NODE_ARRAY);
  JsonArray *array = json_array_new();

  for (guint i = 0; i < checks->len; i++) {
    const CordCheck *check = checks->pdata[i];
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "area", check->area);
    json_object_set_string_member(object, "name", check->name);
    json_object_set_string_member(object, "state", cord_check_state_name(check->state));
    json_object_set_string_member(object, "detail", check->detail);
    if (check->advice)
      json_object_set_string_member(object, "advice", check->advice);
    json_array_add_object_element(array, object);
  }
  json_node_take_array(node, array);
  return node;
}

/* ---- what can be told at once ---- */

static gboolean
has_element(const gchar *name)
{
  g_autoptr(GstElementFactory) factory = gst_element_factory_find(name);

  return factory != NULL;
}

static void
check_plan(GPtrArray *checks, const CordAgent *agent, CordConfig *config)
{
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(agent, config);
  g_autoptr(GString) services = g_string_new(NULL);

  for (guint role = 0; role < CORD_SERVICE_ROLES; role++) {
    const CordPlanChoice *choice = cord_agent_plan_get(plan, role);

    if (plan->realtime && role != CORD_SERVICE_LLM)
      continue;
    if (!has_element(choice->element)) {
      CordCheck *check = cord_checks_add(checks, "agent", agent->name, CORD_CHECK_FAILED,
                                         "there is no element \"%s\"", choice->element);

      cord_check_advise(check, "install the plugin that holds it, or choose another service; "
                               "gst-inspect-1.0 lists what there is");
      return;
    }
    g_string_append_printf(services, "%s%s%s%s", services->len ? ", " : "", choice->element,
                           choice->model ? " " : "", choice->model ? choice->model : "");
  }
  cord_checks_add(checks, "agent", agent->name, CORD_CHECK_OK, "%s: %s", plan->pipeline,
                  services->str);
}

/**
 * cord_check_elements:
 * @checks: (element-type CordCheck): where findings go
 * @config: the settings
 * @agents: (nullable) (element-type CordAgent): the agents
 *
 * Looks whether the elements are there that every call needs, and those of each agent that may
 * take calls.
 */
void
cord_check_elements(GPtrArray *checks, CordConfig *config, GPtrArray *agents)
{
  static const gchar *const needed[] = { "twiliosrc", "twiliosink", "mulawcodec", "voicedetect",
                                         "turntaker", "llmtextgen", "audiopacer", NULL };
  guint missing = 0;

  for (guint i = 0; needed[i]; i++) {
    if (has_element(needed[i]))
      continue;
    missing++;
    cord_check_advise(cord_checks_add(checks, "element", needed[i], CORD_CHECK_FAILED,
                                      "GStreamer does not find it"),
                      "set GST_PLUGIN_PATH to the folder of Cordboard's plugins; "
                      "gst-inspect-1.0 %s says more",
                      needed[i]);
  }
  if (missing == 0)
    cord_checks_add(checks, "element", "pipeline", CORD_CHECK_OK,
                    "all elements of a call are there");
  for (guint i = 0; agents && i < agents->len; i++) {
    const CordAgent *agent = agents->pdata[i];

    if (agent->is_active)
      check_plan(checks, agent, config);
  }
}

/**
 * cord_check_address:
 * @checks: (element-type CordCheck): where findings go
 * @config: the settings
 *
 * Looks at the address that carriers are given, and at the secret by which they are known.
 */
void
cord_check_address(GPtrArray *checks, CordConfig *config)
{
  g_autofree gchar *url = cord_config_dup_address(config, "server.app-url");
  g_autofree gchar *host = cord_config_dup_address(config, "server.public-host");
  gboolean set = cord_config_is_set(config, "server.app-url");
  CordCheck *check;

  if (!set && host == NULL) {
    check = cord_checks_add(checks, "address", "APP_URL", CORD_CHECK_WARNING,
                            "no public address is set: only this machine can call");
    cord_check_advise(check, "put a proxy with TLS in front and set APP_URL=https://YOUR-HOST");
  } else if (set && !g_str_has_prefix(url, "https://")) {
    check = cord_checks_add(checks, "address", "APP_URL", CORD_CHECK_FAILED,
                            "%s is not https: Twilio opens streams over TLS alone", url);
    cord_check_advise(check, "put a proxy with TLS in front and set APP_URL=https://YOUR-HOST");
  } else {
    cord_checks_add(checks, "address", "APP_URL", CORD_CHECK_OK, "%s", set ? url : host);
  }
  if (cord_config_get_string(config, "twilio.auth-token")) {
    cord_checks_add(checks, "address", "TWILIO_AUTH_TOKEN", CORD_CHECK_OK,
                    "requests are checked for their signatures");
    return;
  }
  check = cord_checks_add(checks, "address", "TWILIO_AUTH_TOKEN", CORD_CHECK_WARNING,
                          "not set: only programs on this machine may call");
  cord_check_advise(check, "copy the auth token from Twilio's console");
}
