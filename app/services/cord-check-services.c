/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-agent-plan.h"
#include "cord-catalogue.h"
#include "cord-check.h"
#include "cord-error.h"

/* All services are asked at once; the check is over when the last has answered. */

typedef struct {
  CordConfig *config;
  GPtrArray *uses; /* Use: the models that somebody wants */
  GPtrArray *checks;
  guint pending;
} Round;

typedef struct {
  const CordService *service;
  gchar *model;
  gchar *user; /* the agent or the setting, for people */
} Use;

typedef struct {
  GTask *task;
  const CordService *service;
} Question;

static void
free_use(gpointer data)
{
  Use *use = data;

  g_free(use->model);
  g_free(use->user);
  g_free(use);
}

static void
free_round(gpointer data)
{
  Round *round = data;

  g_object_unref(round->config);
  g_ptr_array_unref(round->uses);
  g_clear_pointer(&round->checks, g_ptr_array_unref);
  g_free(round);
}

static void
add_use(Round *round, const CordService *service, const gchar *model, const gchar *user)
{
  Use *use;

  /* a model of one's own server is what one calls it there */
  if (service == NULL || model == NULL || service->key == NULL)
    return;
  for (guint i = 0; i < round->uses->len; i++) {
    const Use *known = round->uses->pdata[i];

    if (known->service == service && g_str_equal(known->model, model))
      return;
  }
  use = g_new0(Use, 1);
  *use = (Use){ service, g_strdup(model), g_strdup(user) };
  g_ptr_array_add(round->uses, use);
}

static void
list_agents_models(Round *round, GPtrArray *agents)
{
  for (guint i = 0; agents && i < agents->len; i++) {
    const CordAgent *agent = agents->pdata[i];
    g_autoptr(CordAgentPlan) plan = NULL;
    g_autofree gchar *user = g_strdup_printf("agent \"%s\"", agent->name);

    if (!agent->is_active)
      continue;
    plan = cord_agent_plan_new(agent, round->config);
    for (guint role = 0; role < CORD_SERVICE_ROLES; role++) {
      for (guint j = 0; j < plan->choices[role]->len; j++) {
        const CordPlanChoice *choice = plan->choices[role]->pdata[j];

        if (!plan->realtime || role == CORD_SERVICE_LLM)
          add_use(round, choice->service, choice->model, user);
      }
    }
  }
}

static void
list_set_models(Round *round)
{
  guint n;
  const CordService *services = cord_service_get_all(&n);
  const gchar *reader;

  for (guint i = 0; i < n; i++) {
    for (guint role = 0; role < CORD_SERVICE_ROLES; role++) {
      const gchar *setting = services[i].models[role];

      if (setting && cord_config_is_set(round->config, setting))
        add_use(round, &services[i], cord_config_get_string(round->config, setting), setting);
    }
  }
  if (cord_config_get_string(round->config, "openai.realtime-model"))
    add_use(round, cord_service_find("openai"),
            cord_config_get_string(round->config, "openai.realtime-model"),
            "openai.realtime-model");
  reader = cord_config_get_string(round->config, "extraction.model");
  if (reader && cord_config_get_boolean(round->config, "extraction.enabled"))
    add_use(round, cord_service_for_model(reader), reader, "extraction.model");
}

static void
check_model(Round *round, const Use *use, const CordCatalogue *catalogue)
{
  g_auto(GStrv) near = NULL;
  g_autofree gchar *list = NULL;
  CordCheck *check;

  if (cord_catalogue_has(catalogue, use->model)) {
    cord_checks_add(round->checks, "model", use->model, CORD_CHECK_OK, "%s has it",
                    use->service->title);
    return;
  }
  near = cord_catalogue_list_near(catalogue, use->model);
  list = g_strjoinv(", ", near);
  check = cord_checks_add(round->checks, "model", use->model, CORD_CHECK_FAILED,
                          "%s has no such model; %s wants it", use->service->title, use->user);
  if (near[0])
    cord_check_advise(check, "did you mean %s?", list);
  else
    cord_check_advise(check, "look at the models that %s lists", use->service->title);
}

static void
check_failure(Round *round, const CordService *service, const GError *error)
{
  gboolean refused = g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED);
  gboolean invalid = g_error_matches(error, CORD_ERROR, CORD_ERROR_INVALID);
  CordCheck *check = cord_checks_add(round->checks, "service", service->name,
                                     refused || invalid ? CORD_CHECK_FAILED : CORD_CHECK_WARNING,
                                     "%s", error->message);

  if (refused && service->key)
    cord_check_advise(check, "set %s to a key that is good", service->key);
  else
    cord_check_advise(check, "look at the network, a proxy, and %s.base-url", service->name);
}

static void
on_catalogue(GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  g_autoptr(GTask) task = question->task;
  const CordService *service = question->service;
  Round *round = g_task_get_task_data(task);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordCatalogue) catalogue = cord_catalogue_ask_finish(result, &error);

  g_free(question);
  if (catalogue) {
    cord_checks_add(round->checks, "service", service->name, CORD_CHECK_OK, "%s",
                    service->key ? "takes the key" : "answers");
    for (guint i = 0; i < round->uses->len && service->catalogue; i++) {
      const Use *use = round->uses->pdata[i];

      if (use->service == service && !cord_catalogue_is_empty(catalogue))
        check_model(round, use, catalogue);
    }
  } else {
    check_failure(round, service, error);
  }
  if (--round->pending == 0)
    g_task_return_pointer(task, g_steal_pointer(&round->checks), (GDestroyNotify)g_ptr_array_unref);
}

static void
ask(GTask *task, const CordService *service)
{
  Round *round = g_task_get_task_data(task);
  Question *question;

  if ((service->catalogue == NULL && service->voices == NULL) ||
      !cord_service_is_usable(service, round->config))
    return;
  question = g_new0(Question, 1);
  *question = (Question){ g_object_ref(task), service };
  round->pending++;
  cord_catalogue_ask_async(service, round->config, g_task_get_cancellable(task), on_catalogue,
                           question);
}

/**
 * cord_check_services_async:
 * @config: the settings
 * @agents: (nullable) (element-type CordAgent): whose models are looked for
 * @cancellable: (nullable): a cancellable
 * @callback: called when all have answered, or have had some seconds
 * @user_data: for @callback
 *
 * Asks each service that has a key whether it takes it, and whether it has the models that active
 * agents and settings name.
 */
void
cord_check_services_async(CordConfig *config, GPtrArray *agents, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);
  Round *round = g_new0(Round, 1);
  guint n;
  const CordService *services = cord_service_get_all(&n);

  /* who runs out of patience gets what there is by then */
  g_task_set_check_cancellable(task, FALSE);
  round->config = g_object_ref(config);
  round->uses = g_ptr_array_new_with_free_func(free_use);
  round->checks = cord_checks_new();
  g_task_set_task_data(task, round, free_round);
  list_agents_models(round, agents);
  list_set_models(round);
  for (guint i = 0; i < n; i++)
    ask(task, &services[i]);
  if (round->pending == 0)
    g_task_return_pointer(task, g_steal_pointer(&round->checks), (GDestroyNotify)g_ptr_array_unref);
}

/**
 * cord_check_services_finish:
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: (transfer full) (element-type CordCheck): the findings
 */
GPtrArray *
cord_check_services_finish(GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}
