/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "cord-error.h"
#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordHttpExchange:
 *
 * A request that is under way and its answer. It belongs to the library: valid until `finished` has
 * returned or cord_http_cancel() was called.
 */
typedef struct _CordHttpExchange CordHttpExchange;

/**
 * CordHttpRequest:
 * @method: (nullable): %NULL: POST where there is a body, else GET
 * @url: http:// or https://
 * @headers: (nullable) (array zero-terminated=1): names and values by turns
 * @content_type: (nullable): of @body; %NULL: application/json
 * @body: (nullable): what to send
 * @connect_timeout: until there is a connection; 0: 10 s
 * @first_byte_timeout: from then until the answer's headers; 0: 30 s
 * @idle_timeout: between two pieces of the answer; 0: 30 s
 * @max_body: the longest answer that is taken, bytes; 0: 16 MiB
 * @once: whether it must not be asked twice because it changes something; it then waits for a
 *   connection of its own. Else it takes one that was kept, and is sent again on a new one if that
 *   breaks before any of the answer
 * @may_reach: (nullable): asked for each address that is about to be connected to, on the worker;
 *   one that may not be reached gets no packet. For addresses that come from users
 * @may_reach_data: for @may_reach
 *
 * What to ask, and how long to wait for it. Copied.
 */
typedef struct {
  const gchar *method;
  const gchar *url;
  const gchar *const *headers;
  const gchar *content_type;
  GBytes *body;
  GstClockTime connect_timeout;
  GstClockTime first_byte_timeout;
  GstClockTime idle_timeout;
  gsize max_body;
  gboolean once;
  gboolean (*may_reach)(GInetAddress *address, gpointer data);
  gpointer may_reach_data;
} CordHttpRequest;

/**
 * CordHttpHandlers:
 * @headers: (nullable): the answer begins; any status
 * @chunk: (nullable): more of the body of an answer of status 200 to 299
 * @event: (nullable): in place of @chunk: a server-sent event of it
 * @finished: the end, exactly once unless it was cancelled; @error is %NULL for an answer of
 *   status 200 to 299 that is complete (a stream of chunks that breaks between two of them cannot
 * be told from a complete one: look for the end mark of what it carries)
 *
 * Who is told, on the worker, never from inside cord_http_start(). Each of them may cancel the
 * exchange.
 */
typedef struct {
  void (*headers)(CordHttpExchange *exchange, guint status, gpointer user_data);
  void (*chunk)(CordHttpExchange *exchange, const guint8 *data, gsize length, gpointer user_data);
  void (*event)(CordHttpExchange *exchange, const gchar *event, const gchar *data,
                gpointer user_data);
  void (*finished)(CordHttpExchange *exchange, const GError *error, gpointer user_data);
} CordHttpHandlers;

CordHttpExchange *cord_http_start(CordWorker *worker, const CordHttpRequest *request,
                                  const CordHttpHandlers *handlers, gpointer user_data);
void cord_http_cancel(CordHttpExchange *exchange);
void cord_http_prepare(CordWorker *worker, const gchar *url);

guint cord_http_get_status(CordHttpExchange *exchange);
const gchar *cord_http_get_header(CordHttpExchange *exchange, const gchar *name);
GstClockTime cord_http_get_retry_after(CordHttpExchange *exchange);
gboolean cord_http_is_out_of_credit(CordHttpExchange *exchange);
gboolean cord_http_may_ask_again(CordHttpExchange *exchange);

CordError cord_http_error_code(guint status);

G_END_DECLS
