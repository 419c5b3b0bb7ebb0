/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-http-server.h"

G_BEGIN_DECLS

/**
 * CordOpenapi:
 *
 * The OpenAPI document as what it describes: the routes, who may use them, and what they take. A
 * route is bound to its operation by name; requests are checked against the document before they
 * reach the handler. Main thread.
 */
typedef struct _CordOpenapi CordOpenapi;

/**
 * CordAuthorize:
 * @exchange: the request
 * @scope: what the operation wants: "public", "carrier", "read", "write", "call" or "admin"
 * @data: what cord_openapi_set_authorize() was given
 *
 * Returns: whether it may go on; if not, it was answered
 */
typedef gboolean (*CordAuthorize)(CordExchange *exchange, const gchar *scope, gpointer data);

CordOpenapi *cord_openapi_new(CordHttpServer *http, GBytes *document, GError **error);
void cord_openapi_free(CordOpenapi *self);
void cord_openapi_set_authorize(CordOpenapi *self, CordAuthorize authorize, gpointer data);
void cord_openapi_bind(CordOpenapi *self, const gchar *operation_id, CordHandler handler,
                       gpointer data);
GStrv cord_openapi_list_unbound(CordOpenapi *self);
GBytes *cord_openapi_get_document(CordOpenapi *self);
JsonObject *cord_openapi_get_root(CordOpenapi *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordOpenapi, cord_openapi_free)

void cord_exchange_faults(CordExchange *self, guint status, const gchar *detail, GPtrArray *faults);

G_END_DECLS
