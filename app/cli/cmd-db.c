/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli-store.h"
#include "cord-commands.h"
#include "cord-json.h"
#include "cord-tables.h"
#include "cord-transfer.h"

#define PATIENCE 120000 /* ms; what is copied in one piece is also committed in one */

typedef struct {
  gchar *config_file;
  gchar *state_dir;
  gchar *from;
  gchar *to;
  gboolean replace;
  gboolean json;
  CordConfig *config;
} Options;

/* Whether a server has the journal of this state folder. */
static gboolean
is_served(CordConfig *config)
{
  g_autofree gchar *dir = cli_state_dir(config);
  g_autofree gchar *path = g_build_filename(dir, "journal", "lock", NULL);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  gboolean served = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

  if (fd >= 0)
    close(fd);
  return served;
}

static CordDatabase *
open_database(const gchar *uri, GError **error)
{
  CordDatabase *database = cord_database_open(uri, error);

  if (database)
    cord_database_set_patience(database, PATIENCE);
  return database;
}

/* Asking must not make what is not there. */
static CordDatabase *
open_existing(const gchar *uri, GError **error)
{
  g_autofree gchar *path = cord_database_get_file(uri);

  if (path && !g_file_test(path, G_FILE_TEST_EXISTS)) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND,
                _("there is no database %s yet; \"cordboard serve\" or \"cordboard db migrate\" "
                  "makes it"),
                path);
    return NULL;
  }
  return open_database(uri, error);
}

static void
print_object(JsonObject *object)
{
  g_autofree gchar *text = cord_json_print_object(object);

  puts(text);
}

static JsonArray *
to_array(gchar **names)
{
  JsonArray *array = json_array_new();

  for (; *names; names++)
    json_array_add_string_element(array, *names);
  return array;
}

/* status */

static JsonObject *
count_tables(CordDatabase *database, GError **error)
{
  g_autoptr(GPtrArray) tables = cord_database_list_tables(database, error);
  g_autoptr(JsonObject) counts = json_object_new();

  for (guint i = 0; tables && i < tables->len; i++) {
    const CordTable *table = tables->pdata[i];
    gint64 n = cord_database_count_rows(database, table, error);

    if (n < 0)
      return NULL;
    json_object_set_int_member(counts, table->name, n);
  }
  return tables ? g_steal_pointer(&counts) : NULL;
}

static void
print_status(CordDatabase *database, GStrv applied, GStrv pending, JsonObject *tables,
             gboolean served)
{
  g_autofree gchar *name = cord_database_describe(database);
  g_autofree gchar *missing = g_strjoinv(", ", pending);
  g_autoptr(GList) names = json_object_get_members(tables);
  guint n = g_strv_length(applied);

  printf(_("database  %s\n"), name);
  printf(_("schema    %s\n"), n > 0 ? applied[n - 1] : _("none"));
  if (*pending)
    printf(_("missing   %s; \"cordboard db migrate\" or the next start of the server applies it\n"),
           missing);
  printf(_("server    %s\n"), served ? _("running") : _("not running here"));
  for (GList *link = names; link; link = link->next)
    printf("%9" G_GINT64_FORMAT " %s\n", json_object_get_int_member(tables, link->data),
           (const gchar *)link->data);
}

static gboolean
status(const gchar *uri, const Options *options, GError **error)
{
  g_autoptr(CordDatabase) database = open_existing(uri, error);
  g_auto(GStrv) applied = NULL;
  g_auto(GStrv) pending = NULL;
  g_autoptr(JsonObject) tables = NULL;
  g_autoptr(JsonObject) root = json_object_new();
  g_autofree gchar *name = NULL;

  if (!database || !cord_database_list_migrations(database, &applied, &pending, error))
    return FALSE;
  tables = count_tables(database, error);
  if (!tables)
    return FALSE;
  if (!options->json) {
    print_status(database, applied, pending, tables, is_served(options->config));
    return TRUE;
  }
  name = cord_database_describe(database);
  json_object_set_string_member(root, "database", name);
  json_object_set_string_member(root, "engine", cord_database_get_dialect(database));
  json_object_set_array_member(root, "applied", to_array(applied));
  json_object_set_array_member(root, "pending", to_array(pending));
  json_object_set_boolean_member(root, "server_running", is_served(options->config));
  json_object_set_object_member(root, "rows", g_steal_pointer(&tables));
  print_object(root);
  return TRUE;
}

/* migrate */

static gboolean
migrate(const gchar *uri, const Options *options, GError **error)
{
  g_autoptr(CordDatabase) database = open_database(uri, error);
  g_auto(GStrv) applied = NULL;
  g_auto(GStrv) pending = NULL;
  g_autoptr(JsonObject) root = json_object_new();
  g_autofree gchar *name = NULL;

  if (!database || !cord_database_list_migrations(database, &applied, &pending, error) ||
      !cord_database_migrate(database, error))
    return FALSE;
  name = cord_database_describe(database);
  if (options->json) {
    json_object_set_string_member(root, "database", name);
    json_object_set_array_member(root, "applied", to_array(pending));
    print_object(root);
    return TRUE;
  }
  for (gchar **version = pending; *version; version++)
    printf(_("applied %s\n"), *version);
  printf(_("%s is up to date\n"), name);
  return TRUE;
}

/* backup, restore, copy */

static void
show_progress(const gchar *table, gint64 done, gint64 total, gpointer data)
{
  fprintf(stderr, "\r\033[K%s %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, table, done, total);
}

static CordTransfer
new_transfer(const Options *options)
{
  gboolean watched = !options->json && isatty(STDERR_FILENO);

  return (CordTransfer){ .replace = options->replace, .progress = watched ? show_progress : NULL };
}

static void
tell_transfer(const Options *options, const CordTransfer *transfer, const gchar *from,
              const gchar *to, gint64 began_at)
{
  gdouble seconds = (gdouble)(g_get_monotonic_time() - began_at) / G_USEC_PER_SEC;
  g_autoptr(JsonObject) root = json_object_new();

  if (transfer->progress)
    fputs("\r\033[K", stderr);
  if (!options->json) {
    printf(_("%s -> %s: %ld rows of %u tables in %.1f s\n"), from, to, (long)transfer->n_rows,
           transfer->n_tables, seconds);
    return;
  }
  json_object_set_string_member(root, "from", from);
  json_object_set_string_member(root, "to", to);
  json_object_set_int_member(root, "tables", transfer->n_tables);
  json_object_set_int_member(root, "rows", transfer->n_rows);
  json_object_set_double_member(root, "seconds", seconds);
  print_object(root);
}

static gboolean
backup(const gchar *uri, const gchar *file, const Options *options, GError **error)
{
  g_autoptr(CordDatabase) from = open_existing(uri, error);
  CordTransfer transfer = new_transfer(options);
  gint64 began_at = g_get_monotonic_time();
  g_autofree gchar *name = NULL;

  if (!from || !cord_database_backup(from, file, &transfer, error))
    return FALSE;
  name = cord_database_describe(from);
  tell_transfer(options, &transfer, name, file, began_at);
  if (!options->json)
    puts(_("The key that opens stored credentials is not in it: keep the vault's key as well."));
  return TRUE;
}

/* A server that runs would go on writing what it knows over what comes. */
static gboolean
check_idle(const Options *options, GError **error)
{
  if (!is_served(options->config))
    return TRUE;
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_BUSY,
              _("a server is running on this database; stop it first"));
  return FALSE;
}

static gboolean
restore(const gchar *uri, const gchar *file, const Options *options, GError **error)
{
  g_autofree gchar *dir = cli_state_dir(options->config);
  CordTransfer transfer = new_transfer(options);
  gint64 began_at = g_get_monotonic_time();
  g_autoptr(CordDatabase) to = NULL;
  g_autofree gchar *name = NULL;

  if (!check_idle(options, error))
    return FALSE;
  if (g_mkdir_with_parents(dir, 0700) < 0) {
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), _("cannot make the folder %s: %s"),
                dir, g_strerror(errno));
    return FALSE;
  }
  to = open_database(uri, error);
  if (!to || !cord_database_restore(to, file, dir, &transfer, error))
    return FALSE;
  name = cord_database_describe(to);
  tell_transfer(options, &transfer, file, name, began_at);
  return TRUE;
}

static gboolean
copy(const gchar *uri, const Options *options, GError **error)
{
  const gchar *from_uri = options->from ? options->from : uri;
  const gchar *to_uri = options->to ? options->to : uri;
  CordTransfer transfer = new_transfer(options);
  gint64 began_at = g_get_monotonic_time();
  g_autoptr(CordDatabase) from = NULL;
  g_autoptr(CordDatabase) to = NULL;
  g_autofree gchar *from_name = NULL, *to_name = NULL;

  if (g_str_equal(from_uri, to_uri)) {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                _("copy needs two databases: --from URI --to URI"));
    return FALSE;
  }
  if (g_str_equal(to_uri, uri) && !check_idle(options, error))
    return FALSE;
  from = open_existing(from_uri, error);
  to = from ? open_database(to_uri, error) : NULL;
  if (!to || !cord_database_copy(from, to, &transfer, error))
    return FALSE;
  from_name = cord_database_describe(from);
  to_name = cord_database_describe(to);
  tell_transfer(options, &transfer, from_name, to_name, began_at);
  if (g_str_equal(from_uri, uri) && is_served(options->config))
    fprintf(stderr,
            _("cordboard: a server is running on %s: what it writes from now on is not in "
              "the copy\n"),
            from_name);
  return TRUE;
}

static int
run(int argc, char *argv[], const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *uri = cli_database_uri(options->config, &error);
  const gchar *what = argc > 1 ? argv[1] : "status";
  gboolean ok = FALSE;

  if (!uri)
    ;
  else if (argc <= 2 && g_str_equal(what, "status"))
    ok = status(uri, options, &error);
  else if (argc == 2 && g_str_equal(what, "migrate"))
    ok = migrate(uri, options, &error);
  else if (argc == 3 && g_str_equal(what, "backup"))
    ok = backup(uri, argv[2], options, &error);
  else if (argc == 3 && g_str_equal(what, "restore"))
    ok = restore(uri, argv[2], options, &error);
  else if (argc == 2 && g_str_equal(what, "copy"))
    ok = copy(uri, options, &error);
  else {
    fprintf(stderr, _("cordboard: db takes status, migrate, backup FILE, restore FILE, or copy "
                      "--from URI --to URI\n"));
    return CORD_EXIT_USAGE;
  }
  if (ok)
    return CORD_EXIT_OK;
  fprintf(stderr, _("cordboard: %s\n"), error->message);
  return error->domain == G_OPTION_ERROR ? CORD_EXIT_USAGE : CORD_EXIT_FAILED;
}

static void
clear_options(Options *options)
{
  g_clear_object(&options->config);
  g_free(options->config_file);
  g_free(options->state_dir);
  g_free(options->from);
  g_free(options->to);
}

/**
 * cord_cmd_db:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard db status | migrate | backup FILE | restore FILE | copy --from URI --to URI`.
 *
 * Returns: the exit code
 */
int
cord_cmd_db(int argc, char *argv[])
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "from", 0, 0, G_OPTION_ARG_STRING, &options.from,
      N_("What to copy (the server's database): sqlite:FILE or postgresql://…"), N_("URI") },
    { "to", 0, 0, G_OPTION_ARG_STRING, &options.to, N_("Where to copy it (the server's database)"),
      N_("URI") },
    { "replace", 0, 0, G_OPTION_ARG_NONE, &options.replace,
      N_("Remove what the target holds; overwrite the backup"), NULL },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config_file, N_("Settings to read"),
      N_("FILE") },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.state_dir,
      N_("Folder of the database and the journal"), N_("DIR") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_("For programs"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(
      "status | migrate | backup FILE | restore FILE | copy --from URI --to URI");
  g_autoptr(GError) error = NULL;
  int code = CORD_EXIT_USAGE;

  g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary(
      context, _("The database of a server: what is in it, bringing it up to date, copies.\n"
                 "A backup is one file, whatever the engine, and is restored into either."));
  if (g_option_context_parse(context, &argc, &argv, &error) &&
      (options.config = cli_load_config(options.config_file, options.state_dir, &error)))
    code = run(argc, argv, &options);
  else
    fprintf(stderr, _("cordboard: %s\n"), error->message);
  clear_options(&options);
  return code;
}
