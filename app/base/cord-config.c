/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-config.h"

#include <string.h>

#include "cord-settings.h"

/* by hand: clang-format takes the name of G_DEFINE_QUARK for a difference */
GQuark
cord_config_error_quark(void)
{
  return g_quark_from_static_string("cord-config-error-quark");
}

typedef struct {
  gchar *text;
  gchar *origin;
} Value;

struct _CordConfig {
  GObject parent_instance;
  Value values[CORD_MAX_SETTINGS];
};

G_DEFINE_FINAL_TYPE(CordConfig, cord_config, G_TYPE_OBJECT)

static void
cord_config_finalize(GObject *object)
{
  CordConfig *self = CORD_CONFIG(object);

  for (guint i = 0; i < cord_n_settings; i++) {
    g_free(self->values[i].text);
    g_free(self->values[i].origin);
  }
  G_OBJECT_CLASS(cord_config_parent_class)->finalize(object);
}

static void
cord_config_class_init(CordConfigClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_config_finalize;
}

static void
cord_config_init(CordConfig *self)
{
  g_assert(cord_n_settings <= CORD_MAX_SETTINGS);
  for (guint i = 0; i < cord_n_settings; i++) {
    self->values[i].text = g_strdup(cord_settings[i].fallback);
    self->values[i].origin = g_strdup("default");
  }
}

/**
 * cord_config_new:
 *
 * Returns: (transfer full): the defaults
 */
CordConfig *
cord_config_new(void)
{
  return g_object_new(CORD_TYPE_CONFIG, NULL);
}

/**
 * cord_config_get_settings:
 * @n_settings: (out): how many
 *
 * Returns: (transfer none): the table of all settings
 */
const CordSetting *
cord_config_get_settings(guint *n_settings)
{
  *n_settings = cord_n_settings;
  return cord_settings;
}

static gint
find_setting(const gchar *name)
{
  for (guint i = 0; i < cord_n_settings; i++) {
    if (g_str_equal(cord_settings[i].name, name))
      return (gint)i;
  }
  return -1;
}

/* The setting that has the most of its beginning in common, if that is more than the section. */
static const gchar *
nearest(const gchar *name)
{
  const gchar *dot = strchr(name, '.');
  gsize most = dot ? (gsize)(dot - name) + 2 : 2;
  const gchar *best = NULL;

  for (guint i = 0; i < cord_n_settings; i++) {
    gsize same = 0;

    while (name[same] && name[same] == cord_settings[i].name[same])
      same++;
    if (same > most) {
      most = same;
      best = cord_settings[i].name;
    }
  }
  return best;
}

static gboolean
check_decimal(const CordSetting *setting, const gchar *value, const gchar *origin, GError **error)
{
  gchar *end = NULL;
  gdouble number = g_ascii_strtod(value, &end);

  if (end != value && *end == '\0' && number >= setting->minimum && number <= setting->maximum)
    return TRUE;
  g_set_error(error, CORD_CONFIG_ERROR, CORD_CONFIG_ERROR_INVALID,
              "%s: %s is \"%s\"; a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
              " is wanted, such as 1.5",
              origin, setting->name, value, setting->minimum, setting->maximum);
  return FALSE;
}

static gboolean
check_value(const CordSetting *setting, const gchar *value, const gchar *origin, GError **error)
{
  static const gchar *booleans[] = { "true", "false", "1", "0", "yes", "no", "on", "off", NULL };
  gint64 number;

  if (setting->kind == 'i' &&
      !g_ascii_string_to_signed(value, 10, setting->minimum, setting->maximum, &number, NULL)) {
    g_set_error(error, CORD_CONFIG_ERROR, CORD_CONFIG_ERROR_INVALID,
                "%s: %s is \"%s\"; a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                " is wanted",
                origin, setting->name, value, setting->minimum, setting->maximum);
    return FALSE;
  }
  if (setting->kind == 'd' && !check_decimal(setting, value, origin, error))
    return FALSE;
  if (setting->kind == 'e' && !g_strv_contains(setting->choices, value)) {
    g_autofree gchar *choices = g_strjoinv(", ", (gchar **)setting->choices);

    g_set_error(error, CORD_CONFIG_ERROR, CORD_CONFIG_ERROR_INVALID,
                "%s: %s is \"%s\"; one of %s is wanted", origin, setting->name, value, choices);
    return FALSE;
  }
  if (setting->kind == 'b') {
    g_autofree gchar *lower = g_ascii_strdown(value, -1);

    if (!g_strv_contains(booleans, lower)) {
      g_set_error(error, CORD_CONFIG_ERROR, CORD_CONFIG_ERROR_INVALID,
                  "%s: %s is \"%s\"; true or false is wanted", origin, setting->name, value);
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * cord_config_set:
 * @self: a configuration
 * @name: "section.key"
 * @value: the value as text
 * @origin: where it comes from, for people
 * @error: return location for an error
 *
 * Returns: whether there is such a setting and @value is allowed
 */
gboolean
cord_config_set(CordConfig *self, const gchar *name, const gchar *value, const gchar *origin,
                GError **error)
{
  gint index = find_setting(name);

  if (index < 0) {
    const gchar *meant = nearest(name);

    g_set_error(error, CORD_CONFIG_ERROR, CORD_CONFIG_ERROR_INVALID,
                "%s: there is no setting \"%s\"%s%s%s", origin, name,
                meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
    return FALSE;
  }
  if (!check_value(&cord_settings[index], value, origin, error))
    return FALSE;
  g_free(self->values[index].text);
  g_free(self->values[index].origin);
  self->values[index].text = g_strdup(value);
  self->values[index].origin = g_strdup(origin);
  return TRUE;
}

/**
 * cord_config_load_file:
 * @self: a configuration
 * @path: a key file
 * @error: return location for an error
 *
 * Returns: whether all in it is allowed
 */
gboolean
cord_config_load_file(CordConfig *self, const gchar *path, GError **error)
{
  g_autoptr(GKeyFile) file = g_key_file_new();
  g_auto(GStrv) groups = NULL;

  if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
    g_prefix_error(error, "%s: ", path);
    return FALSE;
  }
  groups = g_key_file_get_groups(file, NULL);
  for (guint i = 0; groups[i]; i++) {
    g_auto(GStrv) keys = g_key_file_get_keys(file, groups[i], NULL, NULL);

    for (guint j = 0; keys && keys[j]; j++) {
      g_autofree gchar *name = g_strdup_printf("%s.%s", groups[i], keys[j]);
      g_autofree gchar *value = g_key_file_get_string(file, groups[i], keys[j], NULL);

      if (!cord_config_set(self, name, value ? value : "", path, error))
        return FALSE;
    }
  }
  return TRUE;
}

/* The setting of a variable; another system's name for it counts while it has no value of its own
 * from the same source. */
static gboolean
set_by_variable(CordConfig *self, const gchar *variable, const gchar *value, const gchar *origin,
                GError **error)
{
  for (guint i = 0; i < cord_n_settings; i++) {
    if (*value && g_strcmp0(cord_settings[i].variable, variable) == 0)
      return cord_config_set(self, cord_settings[i].name, value, origin, error);
  }
  for (guint i = 0; i < cord_n_aliases; i++) {
    const gchar *name = cord_aliases[i].setting;

    if (*value && g_str_equal(cord_aliases[i].variable, variable) &&
        g_strcmp0(cord_config_get_origin(self, name), origin) != 0)
      return cord_config_set(self, name, value, origin, error);
  }
  return TRUE;
}

/* The value of a line of .env: quotes go, and what follows " #" outside of them. */
static gchar *
read_env_value(const gchar *text)
{
  g_autofree gchar *value = g_strstrip(g_strdup(text));
  gsize length = strlen(value);
  gchar *comment;

  if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0])
    return g_strndup(value + 1, length - 2);
  comment = strstr(value, " #");
  if (comment)
    *comment = '\0';
  return g_strdup(g_strstrip(value));
}

/**
 * cord_config_load_env_file:
 * @self: a configuration
 * @path: a file of NAME=value lines; names that are no setting's are others' business
 * @error: return location for an error
 *
 * Returns: whether it could be read and what concerns us is allowed
 */
gboolean
cord_config_load_env_file(CordConfig *self, const gchar *path, GError **error)
{
  g_autofree gchar *text = NULL;
  g_auto(GStrv) lines = NULL;

  if (!g_file_get_contents(path, &text, NULL, error))
    return FALSE;
  lines = g_strsplit(text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    gchar *line = g_strstrip(lines[i]);
    gchar *equals = strchr(line, '=');
    g_autofree gchar *value = NULL;

    if (g_str_has_prefix(line, "export "))
      line += strlen("export ");
    if (*line == '#' || equals == NULL)
      continue;
    *equals = '\0';
    value = read_env_value(equals + 1);
    if (!set_by_variable(self, g_strstrip(line), value, path, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
load_if_there(CordConfig *self, const gchar *path, GError **error)
{
  return path == NULL || !g_file_test(path, G_FILE_TEST_EXISTS) ||
         cord_config_load_env_file(self, path, error);
}

static gboolean
load_environment(CordConfig *self, GError **error)
{
  for (guint i = 0; i < cord_n_aliases; i++) {
    const gchar *value = g_getenv(cord_aliases[i].variable);

    if (value && *value &&
        !cord_config_set(self, cord_aliases[i].setting, value, cord_aliases[i].variable, error))
      return FALSE;
  }
  for (guint i = 0; i < cord_n_settings; i++) {
    const gchar *value = cord_settings[i].variable ? g_getenv(cord_settings[i].variable) : NULL;

    if (value && *value &&
        !cord_config_set(self, cord_settings[i].name, value, cord_settings[i].variable, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * cord_config_load:
 * @self: a configuration
 * @file: (nullable): the key file to read; %NULL for the system's and the user's, where they exist
 * @env_file: (nullable): a .env file that is read if it exists
 * @error: return location for an error
 *
 * Reads all sources but the command line. What systemd hands over as the credential cordboard.env
 * is read after @env_file.
 *
 * Returns: whether all that was found is allowed
 */
gboolean
cord_config_load(CordConfig *self, const gchar *file, const gchar *env_file, GError **error)
{
  g_autofree gchar *users =
      g_build_filename(g_get_user_config_dir(), "cordboard", "cordboard.conf", NULL);
  const gchar *paths[] = { "/etc/cordboard/cordboard.conf", users };
  const gchar *credentials = g_getenv("CREDENTIALS_DIRECTORY");
  g_autofree gchar *handed = NULL;

  if (file && !cord_config_load_file(self, file, error))
    return FALSE;
  for (guint i = 0; file == NULL && i < G_N_ELEMENTS(paths); i++) {
    if (g_file_test(paths[i], G_FILE_TEST_EXISTS) && !cord_config_load_file(self, paths[i], error))
      return FALSE;
  }
  if (credentials)
    handed = g_build_filename(credentials, "cordboard.env", NULL);
  if (!load_if_there(self, env_file, error) || !load_if_there(self, handed, error))
    return FALSE;
  return load_environment(self, error);
}

/**
 * cord_config_export:
 * @self: a configuration
 *
 * Puts the keys that elements look for into the environment. Before the first thread.
 */
void
cord_config_export(CordConfig *self)
{
  for (guint i = 0; i < cord_n_settings; i++) {
    if (cord_settings[i].exported && self->values[i].text)
      g_setenv(cord_settings[i].variable, self->values[i].text, TRUE);
  }
}

/**
 * cord_config_has:
 * @self: a configuration
 * @name: what may be a setting
 *
 * Returns: whether there is such a setting
 */
gboolean
cord_config_has(CordConfig *self, const gchar *name)
{
  return find_setting(name) >= 0;
}

/**
 * cord_config_get_string:
 * @self: a configuration
 * @name: a setting
 *
 * Returns: (nullable): its value; empty counts as not set
 */
const gchar *
cord_config_get_string(CordConfig *self, const gchar *name)
{
  gint index = find_setting(name);
  const gchar *text = index < 0 ? NULL : self->values[index].text;

  g_return_val_if_fail(index >= 0, NULL);
  return text && *text ? text : NULL;
}

/**
 * cord_config_get_int:
 * @self: a configuration
 * @name: a setting that is a number
 *
 * Returns: its value
 */
gint64
cord_config_get_int(CordConfig *self, const gchar *name)
{
  const gchar *text = cord_config_get_string(self, name);

  return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

/**
 * cord_config_get_double:
 * @self: a configuration
 * @name: a setting that is a number, with a point or without
 *
 * Returns: its value
 */
gdouble
cord_config_get_double(CordConfig *self, const gchar *name)
{
  const gchar *text = cord_config_get_string(self, name);

  return text ? g_ascii_strtod(text, NULL) : 0;
}

/**
 * cord_config_dup_address:
 * @self: a configuration
 * @name: a setting that is a host, or the address of a site or of its WebSockets
 *
 * Returns: (transfer full) (nullable): the address of the site, without a slash at its end: what is
 * no more than a host, and wss://, is https://
 */
gchar *
cord_config_dup_address(CordConfig *self, const gchar *name)
{
  const gchar *text = cord_config_get_string(self, name);
  const gchar *rest = text ? strstr(text, "://") : NULL;
  gboolean plain = text && (g_str_has_prefix(text, "http://") || g_str_has_prefix(text, "ws://"));
  gchar *address;
  gsize length;

  if (text == NULL)
    return NULL;
  address = g_strconcat(plain ? "http://" : "https://", rest ? rest + strlen("://") : text, NULL);
  length = strlen(address);
  while (address[length - 1] == '/')
    address[--length] = '\0';
  return address;
}

/**
 * cord_config_get_boolean:
 * @self: a configuration
 * @name: a setting that is true or false
 *
 * Returns: its value
 */
gboolean
cord_config_get_boolean(CordConfig *self, const gchar *name)
{
  static const gchar *truths[] = { "true", "1", "yes", "on", NULL };
  const gchar *text = cord_config_get_string(self, name);
  g_autofree gchar *lower = text ? g_ascii_strdown(text, -1) : NULL;

  return lower && g_strv_contains(truths, lower);
}

/**
 * cord_config_get_origin:
 * @self: a configuration
 * @name: a setting
 *
 * Returns: where its value comes from: "default", a path, a variable or "command line"
 */
const gchar *
cord_config_get_origin(CordConfig *self, const gchar *name)
{
  gint index = find_setting(name);

  g_return_val_if_fail(index >= 0, NULL);
  return self->values[index].origin;
}

/**
 * cord_config_is_set:
 * @self: a configuration
 * @name: a setting
 *
 * Returns: whether somebody has set it
 */
gboolean
cord_config_is_set(CordConfig *self, const gchar *name)
{
  return cord_config_get_string(self, name) != NULL &&
         !g_str_equal(cord_config_get_origin(self, name), "default");
}
