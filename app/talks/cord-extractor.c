/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-extractor.h"

#include "cord-call-lines.h"
#include "cord-extract.h"
#include "cord-json.h"
#include "cord-main-post.h"

#define WORKER "extraction" /* whose thread talks with models; calls have their own */
#define MAX_WAITING 1024    /* calls */

struct _CordExtractor {
  CordCallRegistry *calls;
  CordJournal *journal;
  CordConfig *config;
  CordExtractorFunc done;
  gpointer done_data;

  CordAgent *agent; /* whose model is asked in the place of each agent's own, or NULL */
  guint at_once;
  guint timeout_ms;
  CordWorker *worker;
  GThreadPool *pool;
  guint watch; /* 0: nothing is asked */
  gboolean told_offline;

  GHashTable *cases; /* call's id -> Case */
  GQueue waiting;    /* Case */
  guint64 found, failed;
  guint busy;
};

/* A call, as far as it is asked about. */
typedef struct {
  CordExtractor *extractor;
  gchar *call_id;
  CordAgent *agent; /* whose model is asked; NULL: nobody's */
  CordCallLines *lines;
  guint asked;               /* lines that the last question was about */
  GCancellable *cancellable; /* of the question under way */
  gchar *known;              /* what was found, as JSON */
  gboolean waiting;
  gboolean failed; /* a question, which was told */
  gboolean ended;
  guint deadline; /* after the end */
} Case;

/* A question, from the main thread to one of the pool and back. */
typedef struct {
  CordExtractor *extractor;
  gchar *call_id;
  CordAgent *agent;
  gchar *transcript;
  GCancellable *cancellable;
  JsonObject *extracted;
  GError *error;
} Job;

static void
free_job(gpointer data)
{
  Job *job = data;

  g_free(job->call_id);
  cord_agent_unref(job->agent);
  g_free(job->transcript);
  g_object_unref(job->cancellable);
  g_clear_pointer(&job->extracted, json_object_unref);
  g_clear_error(&job->error);
  g_free(job);
}

static void
free_case(gpointer data)
{
  Case *self = data;

  if (self->cancellable)
    g_cancellable_cancel(self->cancellable);
  g_clear_object(&self->cancellable);
  g_clear_handle_id(&self->deadline, g_source_remove);
  if (self->waiting)
    g_queue_remove(&self->extractor->waiting, self);
  g_clear_pointer(&self->agent, cord_agent_unref);
  cord_call_lines_free(self->lines);
  g_free(self->known);
  g_free(self->call_id);
  g_free(self);
}

static gboolean
has_news(const Case *self)
{
  return self->agent && cord_call_lines_has_caller(self->lines) &&
         cord_call_lines_get_count(self->lines) > self->asked;
}

static gboolean
is_pending(const Case *self)
{
  return self->cancellable || self->waiting || has_news(self);
}

/* Nothing more will come of an ended call. */
static void
finish(Case *self)
{
  CordExtractor *extractor = self->extractor;
  g_autofree gchar *call_id = g_strdup(self->call_id);

  g_hash_table_remove(extractor->cases, call_id);
  if (extractor->done)
    extractor->done(call_id, extractor->done_data);
}

/* ---- asking ---- */

static gboolean on_answered(gpointer data);

static void
run_job(gpointer data, gpointer user_data)
{
  Job *job = data;
  CordExtractor *self = user_data;
  const CordExtractOrder order = { cord_call_registry_get_pipelines(self->calls), self->worker,
                                   job->agent, job->transcript, self->timeout_ms };

  if (!g_cancellable_set_error_if_cancelled(job->cancellable, &job->error))
    job->extracted = cord_extract(&order, job->cancellable, &job->error);
  cord_main_post(NULL, on_answered, job, free_job);
}

static void
ask(Case *self)
{
  CordExtractor *extractor = self->extractor;
  Job *job = g_new0(Job, 1);

  self->asked = cord_call_lines_get_count(self->lines);
  self->cancellable = g_cancellable_new();
  extractor->busy++;
  *job = (Job){ extractor,
                g_strdup(self->call_id),
                cord_agent_ref(self->agent),
                cord_call_lines_print(self->lines, self->known),
                g_object_ref(self->cancellable),
                NULL,
                NULL };
  g_thread_pool_push(extractor->pool, job, NULL);
}

static void
ask_next(CordExtractor *self)
{
  while (self->busy < self->at_once && !g_queue_is_empty(&self->waiting)) {
    Case *next = g_queue_pop_head(&self->waiting);

    next->waiting = FALSE;
    ask(next);
  }
}

/* It will be asked about what was said by then. */
static void
want(Case *self)
{
  CordExtractor *extractor = self->extractor;

  if (self->cancellable || self->waiting || !has_news(self))
    return;
  if (g_queue_get_length(&extractor->waiting) >= MAX_WAITING) {
    self->asked = cord_call_lines_get_count(self->lines);
    extractor->failed++;
    return;
  }
  self->waiting = TRUE;
  g_queue_push_tail(&extractor->waiting, self);
  ask_next(extractor);
}

/* ---- what was found ---- */

static void
take(Case *self, JsonObject *extracted)
{
  CordExtractor *extractor = self->extractor;
  g_autofree gchar *json = cord_json_print_object(extracted);

  extractor->found++;
  /* who knows it already is not told again */
  if (g_strcmp0(json, self->known) == 0)
    return;
  g_free(self->known);
  self->known = g_steal_pointer(&json);
  cord_journal_call_extracted(extractor->journal, self->call_id, extracted);
  cord_call_registry_add_event(extractor->calls, self->call_id, CORD_EXTRACTION, self->known);
}

static void
note_failure(Case *self, const GError *error)
{
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->extractor->failed++;
  g_log_structured("calls", self->failed ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_WARNING, "CALL_ID",
                   self->call_id, "MESSAGE", "nothing was extracted: %s", error->message);
  self->failed = TRUE;
}

static gboolean
on_answered(gpointer data)
{
  Job *job = data;
  CordExtractor *self = job->extractor;
  Case *found = self->cases ? g_hash_table_lookup(self->cases, job->call_id) : NULL;

  self->busy--;
  if (found && found->cancellable == job->cancellable) {
    g_clear_object(&found->cancellable);
    if (job->extracted)
      take(found, job->extracted);
    else
      note_failure(found, job->error);
    want(found);
    if (found->ended && !is_pending(found))
      finish(found);
  }
  ask_next(self);
  return G_SOURCE_REMOVE;
}

/* ---- what happens in calls ---- */

static gboolean
is_scripted(CordExtractor *self, CordAgent *agent)
{
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(agent, self->config);
  const CordPlanChoice *choice = cord_agent_plan_get(plan, CORD_SERVICE_LLM);

  return choice->service == NULL || choice->service == cord_service_find("offline");
}

/* Whose model is asked about this agent's calls. */
static CordAgent *
choose_agent(CordExtractor *self, const gchar *call_id)
{
  const CordAdmission *admission = cord_call_registry_find_admission(self->calls, call_id);
  CordAgent *agent = self->agent ? self->agent : admission ? admission->agent : NULL;

  if (agent == NULL)
    return NULL;
  if (!is_scripted(self, agent))
    return cord_agent_ref(agent);
  if (!self->told_offline)
    g_message("nothing is extracted from the calls of agents that answer by a script, as \"%s\" "
              "does: there is no model to ask; extraction.model names one",
              agent->name);
  self->told_offline = TRUE;
  return NULL;
}

static Case *
get_case(CordExtractor *self, const gchar *call_id)
{
  Case *found = g_hash_table_lookup(self->cases, call_id);

  if (found)
    return found;
  found = g_new0(Case, 1);
  found->extractor = self;
  found->call_id = g_strdup(call_id);
  found->lines = cord_call_lines_new();
  found->agent = choose_agent(self, call_id);
  g_hash_table_insert(self->cases, found->call_id, found);
  return found;
}

static void
add_line(Case *self, gboolean caller, const gchar *json)
{
  g_autoptr(JsonObject) event = cord_json_parse_object(json, -1, NULL);

  if (event && self->agent && !self->ended)
    cord_call_lines_add(self->lines, caller, cord_json_peek_string(event, "text", NULL));
}

static gboolean
on_deadline(gpointer data)
{
  Case *self = data;

  self->deadline = 0;
  self->extractor->failed++;
  finish(self);
  return G_SOURCE_REMOVE;
}

static void
end(Case *self)
{
  self->ended = TRUE;
  /* the last question is about the whole call */
  if (self->cancellable && has_news(self))
    g_cancellable_cancel(self->cancellable);
  want(self);
  if (is_pending(self))
    self->deadline = g_timeout_add(self->extractor->timeout_ms, on_deadline, self);
  else
    finish(self);
}

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  CordExtractor *self = data;
  Case *found;

  if (g_str_equal(name, "turn-ended")) {
    add_line(get_case(self, call_id), TRUE, json);
  } else if (g_str_equal(name, "heard")) {
    found = get_case(self, call_id);
    add_line(found, FALSE, json);
    want(found);
  } else if (g_str_equal(name, "call-ended")) {
    found = g_hash_table_lookup(self->cases, call_id);
    if (found)
      end(found);
  }
}

/* ---- life ---- */

/* An agent that has nothing but a model; %NULL when nobody has that model. */
static CordAgent *
make_agent(const gchar *model, CordConfig *config)
{
  const CordService *service = cord_service_for_model(model);
  g_autoptr(JsonObject) object = NULL;

  if (service == NULL || !cord_service_is_usable(service, config)) {
    g_warning("nothing is extracted from calls: extraction.model is \"%s\", and %s", model,
              service ? "there is no key for it" : "nobody is known to have such a model");
    return NULL;
  }
  object = json_object_new();
  json_object_set_string_member(object, "name", WORKER);
  json_object_set_string_member(object, "llm_model", model);
  return cord_agent_new_from_json(object, NULL);
}

/**
 * cord_extractor_new:
 * @calls: what is watched; outlives this
 * @journal: where it is written
 * @config: the settings; if they do not want it, nothing is ever asked
 *
 * Returns: (transfer full): an extractor
 */
CordExtractor *
cord_extractor_new(CordCallRegistry *calls, CordJournal *journal, CordConfig *config)
{
  CordExtractor *self = g_new0(CordExtractor, 1);
  const gchar *model = cord_config_get_string(config, "extraction.model");
  gboolean wanted = cord_config_get_boolean(config, "extraction.enabled") &&
                    cord_call_registry_get_pipelines(calls) != NULL;

  self->calls = g_object_ref(calls);
  self->journal = g_object_ref(journal);
  self->config = g_object_ref(config);
  self->cases = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_case);
  g_queue_init(&self->waiting);
  self->at_once = (guint)cord_config_get_int(config, "extraction.at-once");
  self->timeout_ms = (guint)cord_config_get_int(config, "extraction.timeout") * 1000;
  if (wanted && model && *model)
    self->agent = make_agent(model, config);
  if (!wanted || (model && *model && self->agent == NULL))
    return self;
  self->worker = cord_worker_acquire(WORKER);
  self->pool = g_thread_pool_new(run_job, self, (gint)self->at_once, FALSE, NULL);
  self->watch = cord_call_registry_watch(calls, on_event, self);
  return self;
}

/**
 * cord_extractor_set_done:
 * @self: an extractor
 * @done: told of each call about which cord_extractor_expects() has said at its end that something
 *   will come; within the time of one question
 * @data: for @done
 */
void
cord_extractor_set_done(CordExtractor *self, CordExtractorFunc done, gpointer data)
{
  self->done = done;
  self->done_data = data;
}

/**
 * cord_extractor_expects:
 * @self: an extractor
 * @call_id: a call
 *
 * Returns: whether something may still be found out in it, if nothing more is said
 */
gboolean
cord_extractor_expects(CordExtractor *self, const gchar *call_id)
{
  const Case *found = self->cases ? g_hash_table_lookup(self->cases, call_id) : NULL;

  return found && is_pending(found);
}

/**
 * cord_extractor_get_counts:
 * @self: an extractor
 * @counts: (out caller-allocates): what there has been and is
 */
void
cord_extractor_get_counts(CordExtractor *self, CordExtractorCounts *counts)
{
  *counts = (CordExtractorCounts){ self->found, self->failed, self->busy,
                                   g_queue_get_length(&self->waiting) };
}

/**
 * cord_extractor_close:
 * @self: an extractor
 *
 * Ends what is under way, and says so of the calls that have ended. Blocks until that is done;
 * nothing is asked afterwards.
 */
void
cord_extractor_close(CordExtractor *self)
{
  g_autoptr(GPtrArray) ended = g_ptr_array_new_with_free_func(g_free);
  GHashTableIter iter;
  gpointer value;

  if (self->watch == 0)
    return;
  cord_call_registry_unwatch(self->calls, self->watch);
  self->watch = 0;
  g_hash_table_iter_init(&iter, self->cases);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    if (((Case *)value)->ended)
      g_ptr_array_add(ended, g_strdup(((Case *)value)->call_id));
  }
  g_clear_pointer(&self->cases, g_hash_table_unref);
  g_thread_pool_free(self->pool, FALSE, TRUE);
  for (guint i = 0; i < ended->len && self->done; i++)
    self->done(ended->pdata[i], self->done_data);
  /* what came of the last questions has nowhere to go */
  while (self->busy > 0)
    g_main_context_iteration(NULL, TRUE);
}

/**
 * cord_extractor_free:
 * @self: (transfer full): an extractor
 */
void
cord_extractor_free(CordExtractor *self)
{
  cord_extractor_close(self);
  g_clear_pointer(&self->cases, g_hash_table_unref);
  g_clear_pointer(&self->agent, cord_agent_unref);
  g_clear_object(&self->worker);
  g_object_unref(self->calls);
  g_object_unref(self->journal);
  g_object_unref(self->config);
  g_free(self);
}
