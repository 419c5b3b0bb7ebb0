/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "call-rig.h"

/* `cordboard db` as it is typed: what a server has written is backed up, restored and copied. */

/* Runs a command in the folder of a server; what it printed. */
static gchar *
db(CallRig *rig, int *code, const gchar *command)
{
  g_autofree gchar *line =
      g_strdup_printf("\"%s\" db %s --state-dir %s", g_getenv("CORDBOARD"), command, rig->dir);
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr(GSubprocess) process = NULL;
  g_autoptr(GError) error = NULL;
  gchar *out = NULL;

  g_subprocess_launcher_set_cwd(launcher, rig->dir);
  g_subprocess_launcher_setenv(launcher, "XDG_CONFIG_HOME", rig->dir, TRUE);
  g_subprocess_launcher_unsetenv(launcher, "DATABASE_URL");
  process = g_subprocess_launcher_spawn(launcher, &error, "sh", "-c", line, NULL);
  g_assert_no_error(error);
  g_subprocess_communicate_utf8(process, NULL, NULL, &out, NULL, &error);
  g_assert_no_error(error);
  *code = g_subprocess_get_exit_status(process);
  g_test_message("%s: %d\n%s", command, *code, out);
  return out;
}

static void
expect(CallRig *rig, const gchar *command, int wanted, const gchar *says)
{
  int code;
  g_autofree gchar *out = db(rig, &code, command);

  g_assert_cmpint(code, ==, wanted);
  if (says)
    g_assert_nonnull(strstr(out, says));
}

static guint
count_agents(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) agents = call_rig_get(rig, "/api/agents", &status);

  g_assert_cmpuint(status, ==, 200);
  return json_array_get_length(json_node_get_array(agents));
}

static void
remove_database(CallRig *rig)
{
  static const gchar *const names[] = { "cordboard.db", "cordboard.db-wal", "cordboard.db-shm" };

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree gchar *path = g_build_filename(rig->dir, names[i], NULL);

    g_unlink(path);
  }
}

static void
test_backup(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *agents = g_strconcat(rig->url, "/api/agents", NULL);
  g_autofree gchar *backup = g_build_filename(rig->dir, "backup.db", NULL);
  guint status;
  g_autoptr(JsonNode) created = call_rig_send(rig, "POST", agents, "{\"name\":\"Ada\"}", &status);
  guint n = count_agents(rig);
  GStatBuf info;

  g_assert_cmpuint(status, ==, 201);
  expect(rig, "status --json", 0, "\"server_running\":true");
  /* a server need not stop for it */
  expect(rig, "backup backup.db", 0, "backup.db");
  g_assert_cmpint(g_stat(backup, &info), ==, 0);
  g_assert_cmpint(info.st_mode & 0777, ==, 0600);
  expect(rig, "backup backup.db", 1, "--replace");
  expect(rig, "restore backup.db --replace", 1, "stop it first");
  call_rig_stop(rig);
  remove_database(rig);
  expect(rig, "status", 1, "db migrate");
  expect(rig, "restore backup.db --json", 0, "\"rows\":");
  call_rig_start(rig);
  g_assert_cmpuint(count_agents(rig), ==, n);
  call_rig_free(rig);
}

static void
test_copy(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  guint n = count_agents(rig);

  call_rig_stop(rig);
  expect(rig, "copy --from sqlite:cordboard.db --to sqlite:other.db", 0, "other.db");
  expect(rig, "copy --from sqlite:cordboard.db --to sqlite:other.db", 1, "--replace");
  expect(rig, "copy --from sqlite:other.db --to sqlite:cordboard.db --replace", 0, NULL);
  call_rig_start(rig);
  g_assert_cmpuint(count_agents(rig), ==, n);
  call_rig_free(rig);
}

static void
test_refused(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);

  expect(rig, "migrate", 0, "is up to date");
  expect(rig, "restore nothing.db --replace", 1, NULL);
  expect(rig, "copy", 2, "--from");
  expect(rig, "frobnicate", 2, "backup FILE");
  call_rig_free(rig);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/db/a backup brings all of it back", test_backup);
  g_test_add_func("/db/a copy is a database like the first", test_copy);
  g_test_add_func("/db/what cannot be done says so", test_refused);
  return g_test_run();
}
