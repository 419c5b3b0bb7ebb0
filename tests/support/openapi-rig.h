/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The OpenAPI document as a test reads it: what there is to ask, what fits, what must come back. */

typedef struct {
  gchar *method; /* "GET" */
  gchar *path;   /* "/api/agents/{id}" */
  JsonObject *object;
  JsonObject *item; /* the path's, with the parameters of all its operations */
} OpenapiOperation;

typedef struct {
  JsonNode *node;
  JsonObject *root;
  GPtrArray *operations; /* OpenapiOperation */
} OpenapiRig;

OpenapiRig *openapi_rig_new(void);
void openapi_rig_free(OpenapiRig *self);
OpenapiOperation *openapi_rig_find(OpenapiRig *self, const gchar *id);

const gchar *openapi_operation_get_id(const OpenapiOperation *self);
JsonObject *openapi_rig_get_body(OpenapiRig *self, const OpenapiOperation *operation);
JsonNode *openapi_rig_make(OpenapiRig *self, JsonObject *schema);
JsonNode *openapi_rig_spoil(OpenapiRig *self, JsonObject *schema);
gchar *openapi_rig_check(OpenapiRig *self, const OpenapiOperation *operation, guint status,
                         const gchar *type, const gchar *body, gsize length);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OpenapiRig, openapi_rig_free)

G_END_DECLS
