/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-checkup.h"

#include "cord-error.h"

#define PATIENCE_S 6 /* for all services together */
#define EVERY_S 300

struct _CordCheckup {
  GObject parent_instance;

  CordStore *store;
  CordConfig *config;
  GPtrArray *checks; /* of the last round */
  GPtrArray *agents; /* of the round that runs */
  GCancellable *cancellable;
  guint patience;
  guint timer;
  gboolean running;
};

G_DEFINE_FINAL_TYPE(CordCheckup, cord_checkup, G_TYPE_OBJECT)

/* What is not well is told once, and again when it has changed. */
static gboolean
is_news(GPtrArray *before, const CordCheck *check)
{
  for (guint i = 0; i < before->len; i++) {
    const CordCheck *old = before->pdata[i];

    if (g_str_equal(old->area, check->area) && g_str_equal(old->name, check->name))
      return old->state != check->state;
  }
  return check->state != CORD_CHECK_OK;
}

static void
tell(const CordCheck *check)
{
  if (check->state == CORD_CHECK_OK)
    g_message("%s %s: %s", check->area, check->name, check->detail);
  else
    g_warning("%s %s: %s; %s", check->area, check->name, check->detail,
              check->advice ? check->advice : "");
}

static void
on_services(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(CordCheckup) self = data;
  g_autoptr(GPtrArray) before = g_steal_pointer(&self->checks);
  g_autoptr(GPtrArray) services = cord_check_services_finish(result, NULL);

  self->checks = cord_checks_new();
  cord_check_elements(self->checks, self->config, self->agents);
  if (services)
    g_ptr_array_extend_and_steal(self->checks, g_steal_pointer(&services));
  for (guint i = 0; i < self->checks->len; i++) {
    if (is_news(before, self->checks->pdata[i]))
      tell(self->checks->pdata[i]);
  }
  g_clear_pointer(&self->agents, g_ptr_array_unref);
  g_clear_handle_id(&self->patience, g_source_remove);
  self->running = FALSE;
}

static void
on_agents(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(CordCheckup) self = data;

  /* a store that does not answer is told of elsewhere; the keys can be looked at all the same */
  self->agents = cord_store_list_agents_finish(CORD_STORE(source), result, NULL);
  cord_check_services_async(self->config, self->agents, self->cancellable, on_services,
                            g_object_ref(self));
}

static gboolean
on_impatience(gpointer data)
{
  CordCheckup *self = data;

  self->patience = 0;
  g_cancellable_cancel(self->cancellable);
  return G_SOURCE_REMOVE;
}

static void
start_round(CordCheckup *self)
{
  if (self->running)
    return;
  self->running = TRUE;
  g_clear_object(&self->cancellable);
  self->cancellable = g_cancellable_new();
  self->patience = g_timeout_add_seconds(PATIENCE_S, on_impatience, self);
  cord_store_list_agents_async(self->store, NULL, on_agents, g_object_ref(self));
}

static gboolean
on_timer(gpointer data)
{
  start_round(data);
  return G_SOURCE_CONTINUE;
}

/**
 * cord_checkup_run:
 * @self: a checkup
 * @error: return location for an error
 *
 * Looks for the first time, for some seconds at most, and from then on by itself. For the start of
 * the server, whose main loop does not run yet.
 *
 * Returns: %FALSE if a model is wanted that its provider does not have
 */
gboolean
cord_checkup_run(CordCheckup *self, GError **error)
{
  start_round(self);
  while (self->running)
    g_main_context_iteration(NULL, TRUE);
  self->timer = g_timeout_add_seconds(EVERY_S, on_timer, self);
  for (guint i = 0; i < self->checks->len; i++) {
    const CordCheck *check = self->checks->pdata[i];

    if (g_str_equal(check->area, "model") && check->state == CORD_CHECK_FAILED) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "model \"%s\": %s; %s", check->name,
                  check->detail, check->advice);
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * cord_checkup_get_checks:
 * @self: a checkup
 *
 * Returns: (transfer none) (element-type CordCheck): what was found the last time
 */
GPtrArray *
cord_checkup_get_checks(CordCheckup *self)
{
  return self->checks;
}

static void
cord_checkup_dispose(GObject *object)
{
  CordCheckup *self = CORD_CHECKUP(object);

  g_clear_handle_id(&self->timer, g_source_remove);
  g_clear_handle_id(&self->patience, g_source_remove);
  g_clear_object(&self->cancellable);
  g_clear_object(&self->store);
  g_clear_object(&self->config);
  G_OBJECT_CLASS(cord_checkup_parent_class)->dispose(object);
}

static void
cord_checkup_finalize(GObject *object)
{
  CordCheckup *self = CORD_CHECKUP(object);

  g_ptr_array_unref(self->checks);
  g_clear_pointer(&self->agents, g_ptr_array_unref);
  G_OBJECT_CLASS(cord_checkup_parent_class)->finalize(object);
}

static void
cord_checkup_class_init(CordCheckupClass *klass)
{
  G_OBJECT_CLASS(klass)->dispose = cord_checkup_dispose;
  G_OBJECT_CLASS(klass)->finalize = cord_checkup_finalize;
}

static void
cord_checkup_init(CordCheckup *self)
{
  self->checks = cord_checks_new();
}

/**
 * cord_checkup_new:
 * @store: where the agents are
 * @config: the settings
 *
 * Returns: (transfer full): a checkup that has not looked yet
 */
CordCheckup *
cord_checkup_new(CordStore *store, CordConfig *config)
{
  CordCheckup *self = g_object_new(CORD_TYPE_CHECKUP, NULL);

  self->store = g_object_ref(store);
  self->config = g_object_ref(config);
  return self;
}
