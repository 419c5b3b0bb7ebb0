/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-error.h"
#include "llm-session-private.h"

/*
 * Asking a model behind HTTP, and the next one when that comes to nothing. An answer belongs to the
 * first attempt that brings something of it; before that nothing is lost by asking another.
 */

#define MAX_ATTEMPTS 3 /* of the last model that is left */
#define BACK_OFF                                                                                   \
  ((GstClockTime)250 * GST_MSECOND) /* before the second one; doubled for the third */
#define MAX_BACK_OFF (2 * GST_SECOND)
#define REST (30 * GST_SECOND)          /* of a model that has failed, before it is tried again */
#define LONG_REST (5 * 60 * GST_SECOND) /* of one that refuses us */

struct _LlmAttempt {
  LlmSession *session;
  guint candidate;
  LlmExchange *exchange;
};

static void request(LlmSession *self, guint candidate);

static void
free_attempt(gpointer data)
{
  LlmAttempt *attempt = data;

  g_clear_pointer(&attempt->exchange, llm_exchange_cancel);
  g_free(attempt);
}

/* Ends all attempts. */
void
llm_session_stop_attempts(LlmSession *self)
{
  g_clear_pointer(&self->hedge, cord_timer_remove);
  g_queue_clear_full(&self->running, free_attempt);
  self->winner = self->parsing = NULL;
  self->tried = 0;
}

/* What is read now is the answer; whoever else was asked is thanked. */
void
llm_session_claim(LlmSession *self)
{
  if (self->winner || self->parsing == NULL)
    return;
  self->winner = self->parsing;
  g_clear_pointer(&self->hedge, cord_timer_remove);
  for (GList *link = self->running.head, *next; link; link = next) {
    next = link->next;
    if (link->data != self->winner) {
      free_attempt(link->data);
      g_queue_delete_link(&self->running, link);
    }
  }
}

/* Who comes next: one that has not been tried for this answer, and rests only when all do. */
static gint
choose(LlmSession *self)
{
  GstClockTime now = cord_worker_get_time(self->worker);
  gint resting = -1;

  for (guint i = 0; i < self->n_candidates; i++) {
    if (self->tried & (1u << i))
      continue;
    if (self->candidates[i].rests_until <= now)
      return (gint)i;
    if (resting < 0)
      resting = (gint)i;
  }
  return resting;
}

static gboolean
is_passing(const GError *error)
{
  return g_error_matches(error, CORD_ERROR, CORD_ERROR_NETWORK) ||
         g_error_matches(error, CORD_ERROR, CORD_ERROR_TIMEOUT) ||
         g_error_matches(error, CORD_ERROR, CORD_ERROR_CLOSED);
}

static void
on_back_off(gpointer data)
{
  LlmSession *self = data;

  self->timer = NULL;
  request(self, self->again);
}

/* There is nobody else: the same one again, if that may help. */
static gboolean
try_again(LlmSession *self, guint candidate, const GError *error, GstClockTime retry_after)
{
  GstClockTime wait = retry_after > 0 ? retry_after : BACK_OFF << (self->attempts - 1);

  if (!is_passing(error) || self->attempts >= MAX_ATTEMPTS || wait > MAX_BACK_OFF)
    return FALSE;
  self->again = candidate;
  self->timer = cord_worker_add_timer(self->worker, wait, on_back_off, self);
  return TRUE;
}

static void
fail(LlmSession *self, guint candidate, const GError *error, GstClockTime retry_after)
{
  gint next;

  self->candidates[candidate].rests_until =
      cord_worker_get_time(self->worker) + (is_passing(error) ? MAX(REST, retry_after) : LONG_REST);
  /* another is on its way already */
  if (self->running.length > 0)
    return;
  next = choose(self);
  if (next >= 0) {
    self->funcs.failover(self->candidates[candidate].settings.model,
                         self->candidates[next].settings.model, error->message, self->data);
    self->attempts = 0;
    request(self, (guint)next);
  } else if (!try_again(self, candidate, error, retry_after)) {
    llm_session_give_up(self, error);
  }
}

/* Removes it from those that run; its exchange is over. */
static void
drop(LlmSession *self, LlmAttempt *attempt)
{
  attempt->exchange = NULL;
  g_queue_remove(&self->running, attempt);
  if (self->winner == attempt)
    self->winner = NULL;
  g_free(attempt);
}

static void
on_event(const gchar *event, const gchar *text, gpointer data)
{
  LlmAttempt *attempt = data;
  LlmSession *self = attempt->session;
  CordLlmProvider *provider = self->candidates[attempt->candidate].provider;
  guint generation = self->generation;
  g_autoptr(GError) error = NULL;
  gboolean good, won;
  guint candidate = attempt->candidate;

  self->parsing = attempt;
  good = CORD_LLM_PROVIDER_GET_CLASS(provider)->parse_event(provider, event, text,
                                                            &llm_session_sink, self, &error);
  if (generation != self->generation)
    return;
  self->parsing = NULL;
  if (good)
    return;
  won = self->winner == attempt;
  g_clear_pointer(&attempt->exchange, llm_exchange_cancel);
  drop(self, attempt);
  if (won)
    llm_session_give_up(self, error);
  else
    fail(self, candidate, error, 0);
}

static void
on_done(const GError *error, GstClockTime retry_after, gpointer data)
{
  LlmAttempt *attempt = data;
  LlmSession *self = attempt->session;
  gboolean won = self->winner == attempt;
  guint candidate = attempt->candidate;
  g_autoptr(GError) early = NULL;

  drop(self, attempt);
  if (error == NULL && !(won && (self->complete || self->calls->len > 0))) {
    early = g_error_new_literal(CORD_ERROR, CORD_ERROR_CLOSED,
                                "the model's reply ended before its end");
    error = early;
  }
  if (error == NULL) {
    self->candidates[candidate].rests_until = 0;
    llm_session_reply_complete(self);
  } else if (won) {
    llm_session_give_up(self, error);
  } else {
    fail(self, candidate, error, retry_after);
  }
}

/* Nobody has begun to answer in time: another is asked besides. */
static void
on_hedge(gpointer data)
{
  LlmSession *self = data;
  gint next = choose(self);

  self->hedge = NULL;
  if (next >= 0)
    request(self, (guint)next);
}

static void
request(LlmSession *self, guint candidate)
{
  static const LlmExchangeFuncs funcs = { on_event, on_done };
  LlmCandidate *who = &self->candidates[candidate];
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(who->provider);
  CordLlmRequest http = { NULL };
  g_autoptr(GError) error = NULL;
  LlmAttempt *attempt;

  self->attempts++;
  self->tried |= 1u << candidate;
  self->complete = FALSE;
  if (!klass->create_request(who->provider, self->conversation, &who->settings, &http, &error)) {
    cord_llm_request_clear(&http);
    fail(self, candidate, error, 0);
    return;
  }
  attempt = g_new0(LlmAttempt, 1);
  attempt->session = self;
  attempt->candidate = candidate;
  g_queue_push_tail(&self->running, attempt);
  attempt->exchange = llm_exchange_start(self->worker, &http, self->config.first_token_timeout,
                                         self->config.request_timeout, &funcs, attempt);
  if (self->config.hedge > 0 && self->hedge == NULL && choose(self) >= 0)
    self->hedge = cord_worker_add_timer(self->worker, self->config.hedge, on_hedge, self);
  cord_llm_request_clear(&http);
}

/* Asks the preferred model, unless it rests. */
void
llm_session_request(LlmSession *self)
{
  self->tried = 0;
  self->winner = NULL;
  self->attempts = 0;
  request(self, (guint)choose(self));
}
