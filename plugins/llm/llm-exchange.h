/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-llm-provider.h"
#include "cord-worker.h"

G_BEGIN_DECLS

/* One HTTP request to a model and its stream of server-sent events. */
typedef struct _LlmExchange LlmExchange;

/**
 * LlmExchangeFuncs:
 * @event: an event came
 * @done: the end, once, unless it was cancelled; the exchange is gone after it. @retry_after is how
 *   long the service wants to be left alone, 0 where it does not say; @passing whether the same
 *   question may soon get a better answer
 */
typedef struct {
  void (*event)(const gchar *event, const gchar *text, gpointer data);
  void (*done)(const GError *error, GstClockTime retry_after, gboolean passing, gpointer data);
} LlmExchangeFuncs;

LlmExchange *llm_exchange_start(CordWorker *worker, const CordLlmRequest *request,
                                GstClockTime first_byte_timeout, GstClockTime idle_timeout,
                                const LlmExchangeFuncs *funcs, gpointer data);
void llm_exchange_cancel(LlmExchange *self);

G_END_DECLS
