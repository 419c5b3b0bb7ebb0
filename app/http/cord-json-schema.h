/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * CordJsonFault:
 * @pointer: where, a JSON Pointer (RFC 6901)
 * @detail: what is wrong, for a person
 *
 * Why a document does not fit its schema.
 */
typedef struct {
  gchar *pointer;
  gchar *detail;
} CordJsonFault;

GPtrArray *cord_json_schema_check(JsonObject *root, JsonObject *schema, JsonNode *value,
                                  const gchar *pointer);
void cord_json_schema_fill(JsonObject *root, JsonObject *schema, JsonObject *value);
JsonObject *cord_json_schema_resolve(JsonObject *root, JsonObject *schema);

G_END_DECLS
