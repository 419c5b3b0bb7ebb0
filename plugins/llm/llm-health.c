/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-health.h"

#include "cord-http.h"
#include "llm-json.h"

#define REST (30 * GST_SECOND) /* after the first failure; doubled by each that follows */
#define MAX_REST (5 * 60 * GST_SECOND)
#define PROBE_TIMEOUT (10 * GST_SECOND)
#define MAX_KNOWN 1024             /* models of a worker */
#define MAX_LIST (4 * 1024 * 1024) /* bytes of a list of models that nobody reads */

struct _LlmHealth {
  CordWorker *worker;       /* it keeps this alive, not the other way round */
  GstClockTime rests_until; /* 0: it does well */
  GstClockTime rest;
  gboolean probing;
};

LlmHealth *
llm_health_ref(LlmHealth *self)
{
  return g_rc_box_acquire(self);
}

void
llm_health_unref(LlmHealth *self)
{
  g_rc_box_release(self);
}

static gchar *
make_key(const LlmCandidate *candidate)
{
  const CordLlmSettings *settings = &candidate->settings;

  return g_strdup_printf("%s %s %s %u", CORD_LLM_PROVIDER_GET_CLASS(candidate->provider)->nick,
                         settings->url ? settings->url : "", settings->model ? settings->model : "",
                         settings->api_key ? g_str_hash(settings->api_key) : 0);
}

/**
 * llm_health_get:
 * @worker: on which we are
 * @candidate: a model
 *
 * Returns: (transfer full): how it does
 */
LlmHealth *
llm_health_get(CordWorker *worker, const LlmCandidate *candidate)
{
  static GQuark quark;
  g_autofree gchar *key = make_key(candidate);
  GHashTable *known;
  LlmHealth *self;

  if (quark == 0)
    quark = g_quark_from_static_string("llm-health");
  known = g_object_get_qdata(G_OBJECT(worker), quark);
  if (known == NULL) {
    known =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)llm_health_unref);
    g_object_set_qdata_full(G_OBJECT(worker), quark, known, (GDestroyNotify)g_hash_table_unref);
  }
  self = g_hash_table_lookup(known, key);
  if (self)
    return llm_health_ref(self);
  if (g_hash_table_size(known) >= MAX_KNOWN)
    g_hash_table_remove_all(known);
  self = g_rc_box_new0(LlmHealth);
  self->worker = worker;
  g_hash_table_insert(known, g_steal_pointer(&key), llm_health_ref(self));
  return self;
}

/**
 * llm_health_is_good:
 * @self: how a model does
 *
 * Returns: whether it may be asked before others
 */
gboolean
llm_health_is_good(LlmHealth *self)
{
  return self->rests_until == 0;
}

/**
 * llm_health_succeeded:
 * @self: how a model does
 *
 * It has answered.
 */
void
llm_health_succeeded(LlmHealth *self)
{
  self->rests_until = self->rest = 0;
}

/**
 * llm_health_failed:
 * @self: how a model does
 * @at_least: how long it wants to be left alone
 *
 * It has not answered: others go before it for a while.
 */
void
llm_health_failed(LlmHealth *self, GstClockTime at_least)
{
  self->rest = self->rest ? MIN(2 * self->rest, MAX_REST) : REST;
  self->rests_until = cord_worker_get_time(self->worker) + MAX(self->rest, at_least);
}

static void
on_probed(CordHttpExchange *http, const GError *error, gpointer data)
{
  LlmHealth *self = data;

  self->probing = FALSE;
  if (error)
    llm_health_failed(self, cord_http_get_retry_after(http));
  else
    self->rests_until = 0;
  llm_health_unref(self);
}

/**
 * llm_health_probe:
 * @self: how a model does
 * @candidate: the model
 *
 * Asks whether it is there again, when it has rested long enough. The answer is for the next turn.
 */
void
llm_health_probe(LlmHealth *self, const LlmCandidate *candidate)
{
  static const CordHttpHandlers handlers = { .finished = on_probed };
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(candidate->provider);
  g_autoptr(CordLlmConversation) nothing = NULL;
  g_autofree gchar *base = NULL;
  g_autofree gchar *url = NULL;
  CordLlmRequest request = { NULL };
  CordHttpRequest http = { .first_byte_timeout = PROBE_TIMEOUT,
                           .idle_timeout = PROBE_TIMEOUT,
                           .max_body = MAX_LIST };

  if (self->rests_until == 0 || self->probing || klass->create_request == NULL ||
      cord_worker_get_time(self->worker) < self->rests_until)
    return;
  nothing = cord_llm_conversation_new();
  if (llm_json_check_key(candidate->provider, &candidate->settings, &base, NULL) &&
      klass->create_request(candidate->provider, nothing, &candidate->settings, &request, NULL)) {
    url = g_strconcat(base, "/models", NULL);
    http.url = url;
    http.headers = (const gchar *const *)request.headers;
    self->probing = TRUE;
    cord_http_start(self->worker, &http, &handlers, llm_health_ref(self));
  }
  cord_llm_request_clear(&request);
}
