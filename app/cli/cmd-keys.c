/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

#include "cli-store.h"
#include "cord-access.h"
#include "cord-commands.h"
#include "cord-json.h"
#include "cord-keys.h"
#include "cord-secret.h"
#include "keys-vault.h"

#define KEY_PREFIX "cb_"
#define KEY_BYTES 32
#define SHOWN_PREFIX 11 /* characters: "cb_" and eight digits */

typedef struct {
  gchar *config;
  gchar *state_dir;
  gchar *name;
  gchar *scopes;
  gint days;
  gboolean json;
  KeysVaultOptions vault;
} Options;

static gboolean
check_scopes(const gchar *scopes, GError **error)
{
  static const gchar *const known[] = { "read", "write", "call", "admin", NULL };
  g_auto(GStrv) names = g_strsplit(scopes, ",", -1);

  for (gchar **name = names; *name; name++) {
    if (g_strv_contains(known, *name))
      continue;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                _("\"%s\" is no scope; there are read, write, call and admin"), *name);
    return FALSE;
  }
  return TRUE;
}

static gchar *
expiry(gint days)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autoptr(GDateTime) end = days > 0 ? g_date_time_add_days(now, days) : NULL;

  return end ? g_date_time_format(end, "%Y-%m-%dT%H:%M:%S.000Z") : NULL;
}

static gboolean
create(CordStore *store, const Options *options, GError **error)
{
  const gchar *scopes = options->scopes ? options->scopes : "read,write,call";
  g_autofree gchar *random = cord_secret_new(KEY_BYTES);
  g_autofree gchar *text = g_strconcat(KEY_PREFIX, random, NULL);
  CordKeyRow *key;
  gboolean ok;

  if (!check_scopes(scopes, error))
    return FALSE;
  key = g_new0(CordKeyRow, 1);
  key->id = cord_store_new_id();
  key->name = g_strdup(options->name ? options->name : "default");
  key->prefix = g_strndup(text, SHOWN_PREFIX);
  key->hash = cord_access_hash(text);
  key->scopes = g_strdup(scopes);
  key->created_at = cord_store_now();
  key->expires_at = expiry(options->days);
  ok = cord_keys_add(store, key, error);
  if (ok && options->json)
    printf("{\"id\":\"%s\",\"key\":\"%s\",\"scopes\":\"%s\"}\n", key->id, text, key->scopes);
  else if (ok)
    printf(_("%s\nThis is the only time that the key is shown; the server keeps its hash alone.\n"),
           text);
  cord_key_row_free(key);
  return ok;
}

static void
print_json(GPtrArray *keys)
{
  g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
  JsonArray *array = json_array_new();
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < keys->len; i++) {
    const CordKeyRow *key = keys->pdata[i];
    JsonObject *object = json_object_new();

    cord_json_set_string(object, "id", key->id);
    cord_json_set_string(object, "name", key->name);
    cord_json_set_string(object, "prefix", key->prefix);
    cord_json_set_string(object, "scopes", key->scopes);
    cord_json_set_string(object, "created_at", key->created_at);
    cord_json_set_string(object, "expires_at", key->expires_at);
    json_array_add_object_element(array, object);
  }
  json_node_take_array(node, array);
  text = cord_json_print(node);
  puts(text);
}

static gboolean
list(CordStore *store, const Options *options, GError **error)
{
  g_autoptr(GPtrArray) keys = cord_keys_list(store, error);

  if (!keys)
    return FALSE;
  if (options->json) {
    print_json(keys);
    return TRUE;
  }
  if (keys->len == 0)
    printf(_("There are no keys. \"cordboard keys create\" makes one.\n"));
  for (guint i = 0; i < keys->len; i++) {
    const CordKeyRow *key = keys->pdata[i];

    printf("%-13s %-20s %-24s %s%s%s\n", key->prefix, key->name, key->scopes, key->created_at,
           key->expires_at ? _("  until ") : "", key->expires_at ? key->expires_at : "");
  }
  return TRUE;
}

static int
run(CordConfig *config, CordStore *store, int argc, char *argv[], Options *options)
{
  g_autoptr(GError) error = NULL;
  const gchar *what = argc > 1 ? argv[1] : "list";
  gboolean ok;

  if (g_str_equal(what, "list")) {
    ok = list(store, options, &error);
  } else if (g_str_equal(what, "create")) {
    ok = create(store, options, &error);
  } else if (g_str_equal(what, "revoke") && argc == 3) {
    ok = cord_keys_remove(store, argv[2], &error);
  } else if (g_str_equal(what, "rotate-vault")) {
    options->vault.json = options->json;
    ok = keys_vault_rotate(config, store, &options->vault, &error);
  } else {
    fprintf(stderr, _("cordboard: keys takes list, create, revoke ID or rotate-vault\n"));
    return CORD_EXIT_USAGE;
  }
  if (!ok)
    fprintf(stderr, _("cordboard: %s\n"), error->message);
  return ok ? CORD_EXIT_OK : CORD_EXIT_FAILED;
}

static void
clear_options(Options *options)
{
  g_free(options->config);
  g_free(options->state_dir);
  g_free(options->name);
  g_free(options->scopes);
}

/**
 * cord_cmd_keys:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard keys list | create | revoke ID | rotate-vault`. A running server sees the change
 * within seconds.
 *
 * Returns: the exit code
 */
int
cord_cmd_keys(int argc, char *argv[])
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, N_("What to call the key"), N_("NAME") },
    { "scopes", 0, 0, G_OPTION_ARG_STRING, &options.scopes,
      N_("read, write, call, admin, with commas (read,write,call)"), N_("SCOPES") },
    { "days", 0, 0, G_OPTION_ARG_INT, &options.days, N_("How long it is valid (for ever)"),
      N_("N") },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config, N_("Settings to read"),
      N_("FILE") },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.state_dir,
      N_("Folder of the database and the journal"), N_("DIR") },
    { "no-new-key", 0, 0, G_OPTION_ARG_NONE, &options.vault.no_new_key,
      N_("rotate-vault: use the newest key that is there"), NULL },
    { "forget-old", 0, 0, G_OPTION_ARG_NONE, &options.vault.forget_old,
      N_("rotate-vault: remove the older keys from the vault's file"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_("For programs"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context =
      g_option_context_new("list | create | revoke ID | rotate-vault");
  g_autoptr(CordConfig) config = NULL;
  g_autoptr(CordStore) store = NULL;
  g_autoptr(GError) error = NULL;
  int code = CORD_EXIT_FAILED;

  g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary(context,
                               _("Keys for the API of a server that others can reach, and the key\n"
                                 "of the vault that seals the credentials in the store."));
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    return CORD_EXIT_USAGE;
  }
  config = cli_load_config(options.config, options.state_dir, &error);
  store = config ? cli_open_store(config, &error) : NULL;
  if (store)
    code = run(config, store, argc, argv, &options);
  else
    fprintf(stderr, _("cordboard: %s\n"), error->message);
  clear_options(&options);
  return code;
}
