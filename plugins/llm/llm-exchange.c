/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-exchange.h"

#include <string.h>

#include "cord-http.h"

#define CONNECT_TIMEOUT (5 * GST_SECOND)
#define MAX_REPLY (8 * 1024 * 1024) /* bytes */

struct _LlmExchange {
  CordHttpExchange *http;
  LlmExchangeFuncs funcs;
  gpointer data;
};

static void
on_event(CordHttpExchange *http, const gchar *event, const gchar *text, gpointer data)
{
  LlmExchange *self = data;

  self->funcs.event(event, text, self->data);
}

static void
on_finished(CordHttpExchange *http, const GError *error, gpointer data)
{
  LlmExchange *self = data;
  LlmExchangeFuncs funcs = self->funcs;
  gpointer owner = self->data;
  GstClockTime retry_after = error ? cord_http_get_retry_after(http) : 0;
  /* who was silent until a deadline has had his chance; a gateway that says so has not */
  gboolean stalled =
      g_error_matches(error, CORD_ERROR, CORD_ERROR_TIMEOUT) && cord_http_get_status(http) < 400;
  gboolean passing = error && !stalled && cord_http_may_ask_again(http);

  g_free(self);
  funcs.done(error, GST_CLOCK_TIME_IS_VALID(retry_after) ? retry_after : 0, passing, owner);
}

/**
 * llm_exchange_start:
 * @worker: on which the caller runs
 * @request: what to ask
 * @first_byte_timeout: how long the reply may take to begin, ns
 * @idle_timeout: how long it may then say nothing, ns
 * @funcs: whom to tell; not from inside this call
 * @data: for @funcs
 *
 * Returns: (transfer full): the exchange; it frees itself when it is done
 */
LlmExchange *
llm_exchange_start(CordWorker *worker, const CordLlmRequest *request,
                   GstClockTime first_byte_timeout, GstClockTime idle_timeout,
                   const LlmExchangeFuncs *funcs, gpointer data)
{
  static const CordHttpHandlers handlers = { .event = on_event, .finished = on_finished };
  LlmExchange *self = g_new0(LlmExchange, 1);
  g_autoptr(GBytes) body = g_bytes_new(request->body, strlen(request->body));
  CordHttpRequest http = {
    .method = "POST",
    .url = request->url,
    .headers = (const gchar *const *)request->headers,
    .content_type = "application/json",
    .body = body,
    .connect_timeout = CONNECT_TIMEOUT,
    .first_byte_timeout = first_byte_timeout,
    .idle_timeout = idle_timeout,
    .max_body = MAX_REPLY,
  };

  self->funcs = *funcs;
  self->data = data;
  self->http = cord_http_start(worker, &http, &handlers, self);
  return self;
}

/**
 * llm_exchange_cancel:
 * @self: (transfer full): an exchange that is not done
 *
 * Ends it; its owner hears nothing more.
 */
void
llm_exchange_cancel(LlmExchange *self)
{
  cord_http_cancel(self->http);
  g_free(self);
}
