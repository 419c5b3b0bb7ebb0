/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli-store.h"
#include "cord-commands.h"
#include "cord-json.h"
#include "cord-secret.h"

static const gchar *
shown(CordConfig *config, const CordSetting *setting)
{
  const gchar *value = cord_config_get_string(config, setting->name);

  return setting->secret ? cord_secret_mask(value) : value;
}

static void
print_json(CordConfig *config)
{
  g_autoptr(JsonObject) root = json_object_new();
  g_autofree gchar *text = NULL;
  guint n;
  const CordSetting *settings = cord_config_get_settings(&n);

  for (guint i = 0; i < n; i++) {
    JsonObject *object = json_object_new();
    const gchar *value = shown(config, &settings[i]);

    if (value)
      json_object_set_string_member(object, "value", value);
    else
      json_object_set_null_member(object, "value");
    json_object_set_string_member(object, "origin",
                                  cord_config_get_origin(config, settings[i].name));
    if (settings[i].variable)
      json_object_set_string_member(object, "variable", settings[i].variable);
    json_object_set_object_member(root, settings[i].name, object);
  }
  text = cord_json_print_object(root);
  puts(text);
}

/* As a key file, so that what is shown can be saved and edited. */
static void
print_text(CordConfig *config, gboolean all)
{
  gboolean colours = isatty(STDOUT_FILENO);
  g_autofree gchar *section = g_strdup("");
  guint n;
  const CordSetting *settings = cord_config_get_settings(&n);

  for (guint i = 0; i < n; i++) {
    const gchar *dot = strchr(settings[i].name, '.');
    g_autofree gchar *group = g_strndup(settings[i].name, (gsize)(dot - settings[i].name));
    const gchar *value = shown(config, &settings[i]);
    gboolean set = cord_config_is_set(config, settings[i].name);

    if (!set && !all)
      continue;
    if (!g_str_equal(group, section)) {
      printf("%s[%s]\n", *section ? "\n" : "", group);
      g_free(section);
      section = g_strdup(group);
    }
    printf("%s# %s; %s%s%s%s\n", colours ? "\033[2m" : "", _(settings[i].help),
           cord_config_get_origin(config, settings[i].name), settings[i].variable ? "; " : "",
           settings[i].variable ? settings[i].variable : "", colours ? "\033[0m" : "");
    printf("%s%s=%s\n", value ? "" : "# ", dot + 1, value ? value : "");
  }
}

/**
 * cord_cmd_config:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard config`: which settings are in force, and where they come from.
 *
 * Returns: the exit code
 */
int
cord_cmd_config(int argc, char *argv[])
{
  g_autofree gchar *file = NULL;
  gboolean json = FALSE, set_only = FALSE;
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &file, N_("Settings to read"), N_("FILE") },
    { "set", 0, 0, G_OPTION_ARG_NONE, &set_only, N_("Only what differs from the defaults"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_("For programs"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(CordConfig) config = NULL;
  g_autoptr(GError) error = NULL;

  g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary(
      context, _("The settings that are in force and where each comes from; secrets are masked."));
  if (!g_option_context_parse(context, &argc, &argv, &error) ||
      !(config = cli_load_config(file, NULL, &error))) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    return CORD_EXIT_USAGE;
  }
  if (json)
    print_json(config);
  else
    print_text(config, !set_only);
  return CORD_EXIT_OK;
}
