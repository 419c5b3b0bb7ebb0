/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define CORD_JSON_MAX_DEPTH 32            /* levels */
#define CORD_JSON_MAX_BYTES (1024 * 1024) /* bytes */

gboolean cord_json_scan(const gchar *text, gsize length, guint max_depth, GError **error);
JsonNode *cord_json_parse(const gchar *text, gssize length, guint max_depth, gsize max_bytes,
                          GError **error);
JsonObject *cord_json_parse_object(const gchar *text, gssize length, GError **error);

const gchar *cord_json_get_string(JsonObject *object, const gchar *name, GError **error);
gboolean cord_json_get_int(JsonObject *object, const gchar *name, gint64 *value, GError **error);
gboolean cord_json_get_double(JsonObject *object, const gchar *name, gdouble *value,
                              GError **error);
gboolean cord_json_get_boolean(JsonObject *object, const gchar *name, gboolean *value,
                               GError **error);
JsonObject *cord_json_get_object(JsonObject *object, const gchar *name, GError **error);
JsonArray *cord_json_get_array(JsonObject *object, const gchar *name, GError **error);
const gchar *cord_json_peek_string(JsonObject *object, const gchar *name, const gchar *fallback);
gint64 cord_json_peek_int(JsonObject *object, const gchar *name, gint64 fallback);
gdouble cord_json_peek_double(JsonObject *object, const gchar *name, gdouble fallback);
gboolean cord_json_peek_boolean(JsonObject *object, const gchar *name, gboolean fallback);
JsonObject *cord_json_peek_object(JsonObject *object, const gchar *name);
JsonArray *cord_json_peek_array(JsonObject *object, const gchar *name);

void cord_json_set_string(JsonObject *object, const gchar *name, const gchar *value);
void cord_json_append_string(GString *text, const gchar *string);
gchar *cord_json_print(JsonNode *node);
gchar *cord_json_print_object(JsonObject *object);

G_END_DECLS
