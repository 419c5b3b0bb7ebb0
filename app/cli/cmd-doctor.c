/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli-store.h"
#include "cord-commands.h"
#include "cord-json.h"
#include "doctor-checks.h"

#define NAME_WIDTH 24

typedef struct {
  gchar *config;
  gchar *state_dir;
  gboolean json;
  gboolean offline;
} Options;

static void
on_services(GObject *source, GAsyncResult *result, gpointer data)
{
  *(GPtrArray **)data = cord_check_services_finish(result, NULL);
}

static void
check_services(GPtrArray *checks, CordConfig *config, GPtrArray *agents)
{
  GPtrArray *services = NULL;

  cord_check_services_async(config, agents, NULL, on_services, &services);
  while (services == NULL)
    g_main_context_iteration(NULL, TRUE);
  if (services->len == 0)
    cord_check_advise(cord_checks_add(checks, "service", "none", CORD_CHECK_OK,
                                      "no service has a key: speech of this machine, and a script"),
                      "set DEEPGRAM_API_KEY, OPENAI_API_KEY, ELEVENLABS_API_KEY or another");
  g_ptr_array_extend_and_steal(checks, services);
}

static void
print_check(const CordCheck *check, gboolean colour)
{
  static const struct {
    const gchar *sign;
    const gchar *colour;
  } looks[] = { { "ok", "32" }, { "warn", "33" }, { "FAIL", "31" } };
  g_autofree gchar *name = g_strdup_printf("%s %s", check->area, check->name);
  const gchar *on = colour ? looks[check->state].colour : NULL;

  printf("%s%s%s%-4s%s  %-*s  %s\n", on ? "\033[" : "", on ? on : "", on ? "m" : "",
         looks[check->state].sign, on ? "\033[0m" : "", NAME_WIDTH, name, check->detail);
  if (check->advice)
    printf("      %-*s  → %s\n", NAME_WIDTH, "", check->advice);
}

static void
print_checks(GPtrArray *checks)
{
  const gchar *no_colour = g_getenv("NO_COLOR");
  gboolean colour = isatty(STDOUT_FILENO) && (no_colour == NULL || *no_colour == '\0');

  for (guint i = 0; i < checks->len; i++)
    print_check(checks->pdata[i], colour);
  switch (cord_checks_get_state(checks)) {
  case CORD_CHECK_OK:
    puts(_("All is well."));
    break;
  case CORD_CHECK_WARNING:
    puts(_("Calls can be taken; look at the warnings."));
    break;
  case CORD_CHECK_FAILED:
    puts(_("Something is wrong; the arrows say what to do next."));
    break;
  }
}

static void
print_json(GPtrArray *checks)
{
  g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
  JsonObject *object = json_object_new();
  g_autofree gchar *text = NULL;

  json_object_set_boolean_member(object, "ok", cord_checks_get_state(checks) != CORD_CHECK_FAILED);
  json_object_set_member(object, "checks", cord_checks_to_json(checks));
  json_node_take_object(node, object);
  text = cord_json_print(node);
  puts(text);
}

static int
run(CordConfig *config, const Options *options)
{
  g_autoptr(GPtrArray) checks = cord_checks_new();
  g_autoptr(GPtrArray) agents = NULL;

  doctor_check_store(checks, config, &agents);
  cord_check_elements(checks, config, agents);
  doctor_check_audio(checks);
  if (!options->offline) {
    check_services(checks, config, agents);
    doctor_check_public(checks, config);
  }
  cord_check_address(checks, config);
  doctor_check_port(checks, config);
  if (options->json)
    print_json(checks);
  else
    print_checks(checks);
  return cord_checks_get_state(checks) == CORD_CHECK_FAILED ? CORD_EXIT_FAILED : CORD_EXIT_OK;
}

/**
 * cord_cmd_doctor:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard doctor`.
 *
 * Returns: the exit code
 */
int
cord_cmd_doctor(int argc, char *argv[])
{
  Options options = { NULL };
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config, N_("Settings to read"),
      N_("FILE") },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.state_dir,
      N_("Folder of the database and the journal"), N_("DIR") },
    { "offline", 0, 0, G_OPTION_ARG_NONE, &options.offline, N_("Ask nobody over the network"),
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_("Answer in JSON"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(CordConfig) config = NULL;
  g_autoptr(GError) error = NULL;
  int code = CORD_EXIT_USAGE;

  g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary(
      context, _("Looks whether calls can be taken, and says what to do when they cannot."));
  if (g_option_context_parse(context, &argc, &argv, &error) && argc == 1)
    config = cli_load_config(options.config, options.state_dir, &error);
  else if (error == NULL)
    g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("\"%s\" is not understood"),
                argv[1]);
  if (config) {
    cord_config_export(config);
    g_setenv("GST_PLUGIN_PATH", PLUGINDIR, FALSE);
    gst_init(NULL, NULL);
    code = run(config, &options);
  } else {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
  }
  g_free(options.config);
  g_free(options.state_dir);
  return code;
}
