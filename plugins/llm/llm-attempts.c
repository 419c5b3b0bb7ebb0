/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-error.h"
#include "llm-session-private.h"

/*
 * Asking a model, and the next one when that comes to nothing. An answer belongs to the first
 * attempt that brings something of it; as long as none of it was spoken, nothing is lost by asking
 * another.
 */

#define MAX_ATTEMPTS 3                             /* of the last model that is left */
#define BACK_OFF ((GstClockTime)250 * GST_MSECOND) /* before the second; doubled for the third */
#define MAX_BACK_OFF (2 * GST_SECOND)
#define LONG_REST (5 * 60 * GST_SECOND) /* of a model that refuses us */
#define LAST_WORDS (500 * GST_MSECOND)  /* after an answer's end, until the connection's */

static void request(LlmSession *self, guint candidate);

static void
free_attempt(gpointer data)
{
  LlmAttempt *attempt = data;

  g_clear_pointer(&attempt->exchange, llm_exchange_cancel);
  g_clear_pointer(&attempt->deadline, cord_timer_remove);
  g_string_free(attempt->opaque, TRUE);
  g_free(attempt);
}

/* Removes it from those that run. */
static void
drop(LlmSession *self, LlmAttempt *attempt)
{
  g_queue_remove(&self->running, attempt);
  if (self->winner == attempt)
    self->winner = NULL;
  free_attempt(attempt);
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
  if (self->parsing)
    self->parsing->progress = TRUE;
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
  gint resting = -1;

  for (guint i = 0; i < self->n_candidates; i++) {
    if (self->tried & (1u << i))
      continue;
    if (llm_health_is_good(self->health[i]))
      return (gint)i;
    if (resting < 0)
      resting = (gint)i;
  }
  return resting;
}

static void
on_back_off(gpointer data)
{
  LlmSession *self = data;

  self->timer = NULL;
  request(self, self->again);
}

/* There is nobody else: the same one again, after a pause that grows. */
static gboolean
try_again(LlmSession *self, guint candidate, GstClockTime retry_after)
{
  GstClockTime wait = retry_after > 0 ? retry_after : BACK_OFF << (self->attempts - 1);

  if (self->attempts >= MAX_ATTEMPTS || wait > MAX_BACK_OFF)
    return FALSE;
  self->again = candidate;
  self->timer = cord_worker_add_timer(self->worker, wait, on_back_off, self);
  return TRUE;
}

/* It will not be better by itself. */
static gboolean
is_refusal(const GError *error, gboolean passing)
{
  return g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED) ||
         g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_FOUND) ||
         (!passing && g_error_matches(error, CORD_ERROR, CORD_ERROR_QUOTA));
}

static void
fail(LlmSession *self, guint candidate, const GError *error, GstClockTime retry_after,
     gboolean passing)
{
  gint next;

  llm_health_failed(self->health[candidate], is_refusal(error, passing) ? LONG_REST : retry_after);
  /* another is on its way already */
  if (self->running.length > 0)
    return;
  next = choose(self);
  if (next >= 0) {
    self->funcs.failover(self->candidates[candidate].settings.model,
                         self->candidates[next].settings.model, error->message, self->data);
    self->attempts = 0;
    request(self, (guint)next);
  } else if (!passing || !try_again(self, candidate, retry_after)) {
    llm_session_give_up(self, error);
  }
}

/* An attempt has come to nothing. What it began may be dropped as long as nobody has heard it. */
static void
lose(LlmAttempt *attempt, const GError *error, GstClockTime retry_after, gboolean passing)
{
  LlmSession *self = attempt->session;
  guint candidate = attempt->candidate;
  gboolean won = self->winner == attempt;

  drop(self, attempt);
  if (won && self->spoke) {
    llm_session_give_up(self, error);
    return;
  }
  if (won)
    llm_session_drop_reply(self);
  fail(self, candidate, error, retry_after, passing);
}

/* The model has said all that it wants to. */
static void
conclude(LlmAttempt *attempt)
{
  LlmSession *self = attempt->session;
  g_autoptr(GError) error = NULL;

  if (!self->spoke && self->calls->len == 0 && self->rounds == 0) {
    error = g_error_new_literal(CORD_ERROR, CORD_ERROR_PROTOCOL, "the model's reply is empty");
    lose(attempt, error, 0, FALSE);
    return;
  }
  llm_health_succeeded(self->health[attempt->candidate]);
  if (attempt->opaque->len > 0) {
    g_free(self->opaque);
    self->opaque = g_strdup(attempt->opaque->str);
  }
  drop(self, attempt);
  llm_session_reply_complete(self);
}

static void
on_deadline(gpointer data)
{
  LlmAttempt *attempt = data;
  g_autoptr(GError) error = NULL;

  attempt->deadline = NULL;
  if (attempt->complete) {
    conclude(attempt);
    return;
  }
  error = g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT, "%s has stopped answering",
                      attempt->session->candidates[attempt->candidate].settings.model);
  lose(attempt, error, 0, FALSE);
}

/* Signs of life that bring nothing, such as comments and pings, do not count. */
static void
set_deadline(LlmAttempt *attempt, GstClockTime wait)
{
  g_clear_pointer(&attempt->deadline, cord_timer_remove);
  attempt->deadline = cord_worker_add_timer(attempt->session->worker, wait, on_deadline, attempt);
}

/* What a stream that has begun may end with, and another one may not. */
static gboolean
is_passing(const GError *error)
{
  return g_error_matches(error, CORD_ERROR, CORD_ERROR_NETWORK) ||
         g_error_matches(error, CORD_ERROR, CORD_ERROR_PROTOCOL);
}

static void
on_event(const gchar *event, const gchar *text, gpointer data)
{
  LlmAttempt *attempt = data;
  LlmSession *self = attempt->session;
  CordLlmProvider *provider = self->candidates[attempt->candidate].provider;
  guint generation = self->generation;
  g_autoptr(GError) error = NULL;
  gboolean good;

  self->parsing = attempt;
  attempt->progress = FALSE;
  good = CORD_LLM_PROVIDER_GET_CLASS(provider)->parse_event(provider, event, text,
                                                            &llm_session_sink, self, &error);
  if (generation != self->generation)
    return;
  self->parsing = NULL;
  if (!good)
    lose(attempt, error, 0, is_passing(error));
  else if (attempt->progress)
    set_deadline(attempt, attempt->complete ? LAST_WORDS : self->config.request_timeout);
}

static void
on_done(const GError *error, GstClockTime retry_after, gboolean passing, gpointer data)
{
  LlmAttempt *attempt = data;
  g_autoptr(GError) early = NULL;

  attempt->exchange = NULL;
  if (attempt->complete) {
    conclude(attempt);
  } else if (error) {
    lose(attempt, error, retry_after, passing);
  } else {
    early = g_error_new_literal(CORD_ERROR, CORD_ERROR_CLOSED,
                                "the model's reply ended before its end");
    lose(attempt, early, 0, TRUE);
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
start(LlmSession *self, guint candidate, const CordLlmRequest *http)
{
  static const LlmExchangeFuncs funcs = { on_event, on_done };
  LlmAttempt *attempt = g_new0(LlmAttempt, 1);

  attempt->session = self;
  attempt->candidate = candidate;
  attempt->opaque = g_string_new(NULL);
  g_queue_push_tail(&self->running, attempt);
  attempt->exchange = llm_exchange_start(self->worker, http, self->config.first_token_timeout,
                                         self->config.request_timeout, &funcs, attempt);
  set_deadline(attempt, self->config.first_token_timeout);
  /* two race, not all */
  if (self->config.hedge > 0 && self->running.length == 1 && choose(self) >= 0) {
    g_clear_pointer(&self->hedge, cord_timer_remove);
    self->hedge = cord_worker_add_timer(self->worker, self->config.hedge, on_hedge, self);
  }
}

static void
request(LlmSession *self, guint candidate)
{
  LlmCandidate *who = &self->candidates[candidate];
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(who->provider);
  CordLlmRequest http = { NULL };
  g_autoptr(GError) error = NULL;

  self->attempts++;
  self->tried |= 1u << candidate;
  if (klass->generate) {
    /* it has its answer at once: whoever else was asked need not go on */
    llm_session_stop_attempts(self);
    llm_session_generate(self, who->provider);
    return;
  }
  if (klass->create_request(who->provider, self->conversation, &who->settings, &http, &error))
    start(self, candidate, &http);
  cord_llm_request_clear(&http);
  if (error)
    fail(self, candidate, error, 0, FALSE);
}

/* Asks the preferred model, unless it rests. */
void
llm_session_request(LlmSession *self)
{
  self->tried = 0;
  self->winner = NULL;
  self->attempts = 0;
  for (guint i = 0; i < self->n_candidates; i++)
    llm_health_probe(self->health[i], &self->candidates[i]);
  request(self, (guint)choose(self));
}
