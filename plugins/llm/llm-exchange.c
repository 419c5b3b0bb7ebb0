/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-exchange.h"
/* TEMPORARY, replaced by builder llm */
LlmExchange *
llm_exchange_start(CordWorker *worker, const CordLlmRequest *request, GstClockTime a, GstClockTime b,
                   const LlmExchangeFuncs *funcs, gpointer data)
{
  return NULL;
}

void
llm_exchange_cancel(LlmExchange *self)
{
}
