/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * CORD_CONFIG_ERROR:
 *
 * The domain of errors in the configuration; they name the source, the key and what is allowed.
 */
#define CORD_CONFIG_ERROR (cord_config_error_quark())
GQuark cord_config_error_quark(void);
typedef enum {
  CORD_CONFIG_ERROR_INVALID,
} CordConfigError;

/**
 * CordSetting:
 * @name: "section.key" of the key file
 * @variable: (nullable): the environment variable, also in .env
 * @kind: 's'tring, 'i'nteger, 'd'ecimal, 'b'oolean, 'e'numeration
 * @fallback: (nullable): the default, as text
 * @minimum: of an integer
 * @maximum: of an integer
 * @secret: whether it is shown masked
 * @exported: whether elements read it from the environment
 * @help: what it is for
 * @choices: of an enumeration
 */
typedef struct {
  const gchar *name;
  const gchar *variable;
  gchar kind;
  const gchar *fallback;
  gint64 minimum, maximum;
  gboolean secret;
  gboolean exported;
  const gchar *help;
  const gchar *choices[4];
} CordSetting;

/**
 * CordConfig:
 *
 * The server's settings, from the weakest source to the strongest: default, key file, .env,
 * environment, command line. Immutable once loaded; any thread.
 */
#define CORD_TYPE_CONFIG (cord_config_get_type())
G_DECLARE_FINAL_TYPE(CordConfig, cord_config, CORD, CONFIG, GObject)

CordConfig *cord_config_new(void);
gboolean cord_config_load(CordConfig *self, const gchar *file, const gchar *env_file,
                          GError **error);
gboolean cord_config_load_file(CordConfig *self, const gchar *path, GError **error);
gboolean cord_config_load_env_file(CordConfig *self, const gchar *path, GError **error);
gboolean cord_config_set(CordConfig *self, const gchar *name, const gchar *value,
                         const gchar *origin, GError **error);
void cord_config_export(CordConfig *self);

gboolean cord_config_has(CordConfig *self, const gchar *name);
const gchar *cord_config_get_string(CordConfig *self, const gchar *name);
gint64 cord_config_get_int(CordConfig *self, const gchar *name);
gdouble cord_config_get_double(CordConfig *self, const gchar *name);
gchar *cord_config_dup_address(CordConfig *self, const gchar *name);
gboolean cord_config_get_boolean(CordConfig *self, const gchar *name);
const gchar *cord_config_get_origin(CordConfig *self, const gchar *name);
gboolean cord_config_is_set(CordConfig *self, const gchar *name);
const CordSetting *cord_config_get_settings(guint *n_settings);

G_END_DECLS
