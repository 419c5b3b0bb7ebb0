/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * A vendor's own description of its requests, from tests/data: whether a value fits one of its
 * schemas, and has no member that the schema does not know. What the vendor's SDK sends is in
 * tests/data/sdk/requests.json.
 */
JsonNode *api_document_load(const gchar *name); /* "openai/openapi.requests.json" */
gchar *api_document_find_unknown(JsonNode *document, const gchar *schema, JsonNode *value);
gchar *api_document_check(JsonNode *document, const gchar *schema, JsonNode *value);
JsonObject *api_document_find_capture(JsonNode *captures, const gchar *label);
/* A query or a form as an object of strings; what is there twice is a list */
JsonNode *api_document_from_query(const gchar *query);
gchar *api_document_compare(JsonNode *ours, JsonNode *theirs); /* types of what both have */

G_END_DECLS
