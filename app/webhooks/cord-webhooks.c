/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-webhooks.h"

#include <string.h>

#include "cord-deliveries.h"
#include "cord-http.h"
#include "cord-webhook-sign.h"

#define LOOK_MS 5000   /* between two looks when nothing is known to be due: others write */
#define LEASE_MS 20000 /* beyond the longest time that an attempt may take */
#define FORGET_MS (6 * 3600 * G_GINT64_CONSTANT(1000))
#define MAX_ANSWER (64 * 1024) /* bytes */
#define MAX_EACH 2             /* of one webhook at once: one that hangs leaves room for others */

struct _CordWebhooks {
  GObject parent_instance;

  CordStore *store;
  CordVault *vault;
  CordAddressGuard *guard;
  CordWebhookOptions options;
  CordWorker *worker;
  GRand *dice;

  /* all on the worker */
  GPtrArray *attempts; /* Attempt */
  CordTimer *next;
  CordTimer *forget;
  gboolean taking;
  gboolean again; /* woken meanwhile */
  gboolean stopped;

  GMutex lock; /* leaf; guards what follows */
  CordWebhookCounts counts;
};

G_DEFINE_FINAL_TYPE(CordWebhooks, cord_webhooks, G_TYPE_OBJECT)

/* One request to one webhook. */
typedef struct {
  CordWebhooks *owner;
  CordDelivery *delivery;
  CordHttpExchange *exchange;
  CordTimer *deadline;
} Attempt;

static void look(CordWebhooks *self);

static void
free_attempt(gpointer data)
{
  Attempt *attempt = data;

  g_clear_pointer(&attempt->deadline, cord_timer_remove);
  g_clear_pointer(&attempt->exchange, cord_http_cancel);
  cord_delivery_free(attempt->delivery);
  g_free(attempt);
}

static void
count(CordWebhooks *self, const CordDeliveryOutcome *outcome)
{
  g_mutex_lock(&self->lock);
  self->counts.delivered += outcome->error == NULL;
  self->counts.failed += outcome->error != NULL;
  self->counts.dead += outcome->error != NULL && outcome->retry_ms < 0;
  self->counts.busy = self->attempts->len;
  g_mutex_unlock(&self->lock);
}

static void
on_settled(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(CordWebhooks) self = data;
  g_autoptr(GError) error = NULL;

  /* it is due again when its lease is over: told twice rather than never */
  if (!cord_deliveries_settle_finish(CORD_STORE(source), result, &error))
    g_warning("what has come of a webhook cannot be written: %s", error->message);
  look(self);
}

static void
log_outcome(const CordDelivery *delivery, const CordDeliveryOutcome *outcome)
{
  if (outcome->error == NULL)
    g_debug("webhook %s was told %s", delivery->webhook_id, delivery->event);
  else if (outcome->retry_ms < 0)
    g_warning("webhook %s could not be told %s and will not be: %s", delivery->webhook_id,
              delivery->event, outcome->error);
  else
    g_message("webhook %s could not be told %s, attempt %u: %s", delivery->webhook_id,
              delivery->event, outcome->attempts, outcome->error);
}

/* Ends an attempt. @problem: why it was none, NULL when @status is a yes */
static void
settle(Attempt *attempt, guint status, gint64 retry_after_ms, const gchar *problem)
{
  CordWebhooks *self = attempt->owner;
  CordDelivery *delivery = attempt->delivery;
  CordDeliveryOutcome *outcome = g_new0(CordDeliveryOutcome, 1);

  outcome->id = g_strdup(delivery->id);
  outcome->attempts = delivery->attempts;
  outcome->response_status = status;
  outcome->error = g_strdup(problem);
  if (problem)
    outcome->retry_ms = cord_webhook_plan_retry_ms(&self->options.plan, delivery->attempts, status,
                                                   retry_after_ms, g_rand_double(self->dice));
  log_outcome(delivery, outcome);
  g_ptr_array_remove_fast(self->attempts, attempt);
  count(self, outcome);
  cord_deliveries_settle_async(self->store, outcome, on_settled, g_object_ref(self));
}

/* What stands in an answer's head is all that counts. */
static void
on_headers(CordHttpExchange *exchange, guint status, gpointer data)
{
  GstClockTime after = cord_http_get_retry_after(exchange);
  gint64 after_ms = GST_CLOCK_TIME_IS_VALID(after) ? (gint64)(after / GST_MSECOND) : -1;
  g_autofree gchar *problem =
      cord_webhook_plan_is_delivered(status) ? NULL
      : status >= 300 && status < 400
          ? g_strdup_printf("it answered %u, and redirections are not followed", status)
          : g_strdup_printf("it answered %u", status);

  settle(data, status, after_ms, problem);
}

static void
on_finished(CordHttpExchange *exchange, const GError *error, gpointer data)
{
  Attempt *attempt = data;

  attempt->exchange = NULL;
  settle(attempt, 0, -1, error ? error->message : "it answered nothing");
}

static void
on_deadline(gpointer data)
{
  Attempt *attempt = data;

  attempt->deadline = NULL;
  settle(attempt, 0, -1, "it did not answer in time");
}

static gboolean
may_reach(GInetAddress *address, gpointer data)
{
  return cord_address_guard_may_reach(data, address);
}

static void
start(Attempt *attempt, const gchar *secret)
{
  static const CordHttpHandlers handlers = { .headers = on_headers, .finished = on_finished };
  CordWebhooks *self = attempt->owner;
  const CordDelivery *delivery = attempt->delivery;
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  g_autofree gchar *timestamp = g_strdup_printf("%" G_GINT64_FORMAT, now);
  g_autofree gchar *signature = cord_webhook_sign(secret, delivery->id, now, delivery->body);
  const gchar *headers[] = {
    "webhook-id", delivery->id, "webhook-timestamp", timestamp, "webhook-signature",
    signature,    NULL,
  };
  g_autoptr(GBytes) body = g_bytes_new(delivery->body, strlen(delivery->body));
  GstClockTime timeout = self->options.timeout_ms * GST_MSECOND;
  const CordHttpRequest request = {
    .url = delivery->url,
    .headers = headers,
    .body = body,
    /* the deadline below is for all of it */
    .connect_timeout = 2 * timeout,
    .first_byte_timeout = 2 * timeout,
    .idle_timeout = 2 * timeout,
    .max_body = MAX_ANSWER,
    .once = TRUE,
    .may_reach = may_reach,
    .may_reach_data = self->guard,
  };

  attempt->deadline = cord_worker_add_timer(self->worker, timeout, on_deadline, attempt);
  attempt->exchange = cord_http_start(self->worker, &request, &handlers, attempt);
}

static void
try(CordWebhooks *self, CordDelivery *delivery)
{
  Attempt *attempt = g_new0(Attempt, 1);
  g_autoptr(GError) error = NULL;
  g_autofree gchar *secret =
      cord_vault_unseal(self->vault, CORD_VAULT_WEBHOOK, delivery->sealed_secret, &error);

  attempt->owner = self;
  attempt->delivery = delivery;
  g_ptr_array_add(self->attempts, attempt);
  if (secret) {
    start(attempt, secret);
  } else {
    g_autofree gchar *problem =
        g_strdup_printf("its secret cannot be opened, set a new one: %s", error->message);

    settle(attempt, 0, -1, problem);
  }
}

static void
on_next(gpointer data)
{
  CordWebhooks *self = data;

  self->next = NULL;
  look(self);
}

static void
look_later(CordWebhooks *self, gint64 ms)
{
  g_clear_pointer(&self->next, cord_timer_remove);
  self->next = cord_worker_add_timer(
      self->worker, (GstClockTime)CLAMP(ms, 1, LOOK_MS) * GST_MSECOND, on_next, self);
}

static void
on_taken(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(CordWebhooks) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordDeliveryBatch) batch =
      cord_deliveries_take_finish(CORD_STORE(source), result, &error);
  guint n = batch ? batch->deliveries->len : 0;

  self->taking = FALSE;
  /* the store is away: the journal says so; what is due stays due */
  if (error)
    g_debug("webhooks: %s", error->message);
  if (self->stopped)
    return;
  if (batch)
    g_ptr_array_set_free_func(batch->deliveries, NULL);
  for (guint i = 0; i < n; i++)
    try(self, batch->deliveries->pdata[i]);
  look_later(self, batch && batch->next_ms >= 0 ? batch->next_ms : LOOK_MS);
  if (self->again || n > 0)
    look(self);
}

/* The webhooks that are told as much as they may at once. */
static gchar *
list_busy(CordWebhooks *self)
{
  g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GString) list = g_string_new(NULL);

  for (guint i = 0; i < self->attempts->len; i++) {
    gchar *id = ((Attempt *)self->attempts->pdata[i])->delivery->webhook_id;
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, id)) + 1;

    g_hash_table_insert(counts, id, GUINT_TO_POINTER(n));
    if (n == MAX_EACH)
      g_string_append_printf(list, "%s ", id);
  }
  return g_strdup(list->str);
}

static void
look(CordWebhooks *self)
{
  g_autofree gchar *busy = NULL;

  if (self->stopped || self->attempts->len >= self->options.at_once)
    return;
  if (self->taking) {
    self->again = TRUE;
    return;
  }
  self->taking = TRUE;
  self->again = FALSE;
  busy = list_busy(self);
  cord_deliveries_take_async(self->store, self->options.at_once - self->attempts->len, MAX_EACH,
                             busy, self->options.timeout_ms + LEASE_MS, on_taken,
                             g_object_ref(self));
}

static void
on_forget(gpointer data)
{
  CordWebhooks *self = data;

  cord_deliveries_forget_async(self->store, self->options.keep_days);
  self->forget = cord_worker_add_timer(self->worker, FORGET_MS * GST_MSECOND, on_forget, self);
}

static void
begin(gpointer data)
{
  CordWebhooks *self = data;

  if (self->stopped)
    return;
  on_forget(self);
  look(self);
}

static void
on_wake(gpointer data)
{
  look(data);
}

/**
 * cord_webhooks_wake:
 * @self: the webhooks
 *
 * Something new may be due.
 */
void
cord_webhooks_wake(CordWebhooks *self)
{
  cord_worker_post(self->worker, on_wake, g_object_ref(self), g_object_unref);
}

static void
on_stop(gpointer data)
{
  CordWebhooks *self = data;

  self->stopped = TRUE;
  g_clear_pointer(&self->next, cord_timer_remove);
  g_clear_pointer(&self->forget, cord_timer_remove);
  g_ptr_array_set_size(self->attempts, 0);
}

/**
 * cord_webhooks_stop:
 * @self: the webhooks
 *
 * Tells nobody any more. What was under way is due again when its lease is over.
 */
void
cord_webhooks_stop(CordWebhooks *self)
{
  cord_worker_call(self->worker, on_stop, self);
}

/**
 * cord_webhooks_get_counts:
 * @self: the webhooks
 * @counts: (out): what has come of it
 */
void
cord_webhooks_get_counts(CordWebhooks *self, CordWebhookCounts *counts)
{
  g_mutex_lock(&self->lock);
  *counts = self->counts;
  g_mutex_unlock(&self->lock);
}

static void
cord_webhooks_finalize(GObject *object)
{
  CordWebhooks *self = CORD_WEBHOOKS(object);

  g_ptr_array_unref(self->attempts);
  g_rand_free(self->dice);
  g_mutex_clear(&self->lock);
  g_clear_object(&self->store);
  g_clear_object(&self->worker);
  G_OBJECT_CLASS(cord_webhooks_parent_class)->finalize(object);
}

static void
cord_webhooks_class_init(CordWebhooksClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_webhooks_finalize;
}

static void
cord_webhooks_init(CordWebhooks *self)
{
  self->attempts = g_ptr_array_new_with_free_func(free_attempt);
  self->dice = g_rand_new();
  g_mutex_init(&self->lock);
}

/**
 * cord_webhooks_new:
 * @store: what is to be told
 * @vault: opens the secrets; outlives this
 * @guard: what may be reached; outlives this
 * @options: how; copied
 * @worker: where
 *
 * Begins to tell webhooks. cord_webhooks_stop() before the last reference is dropped.
 *
 * Returns: (transfer full): the webhooks
 */
CordWebhooks *
cord_webhooks_new(CordStore *store, CordVault *vault, CordAddressGuard *guard,
                  const CordWebhookOptions *options, CordWorker *worker)
{
  CordWebhooks *self = g_object_new(CORD_TYPE_WEBHOOKS, NULL);

  self->store = g_object_ref(store);
  self->vault = vault;
  self->guard = guard;
  self->options = *options;
  self->worker = g_object_ref(worker);
  cord_worker_post(worker, begin, g_object_ref(self), g_object_unref);
  return self;
}
