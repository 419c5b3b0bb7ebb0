/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pg-rig.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BALLAST "ballast"

/* PostgreSQL refuses to run as root; and a test that fails leaves nobody behind. */
static void
become_postgres(gpointer data)
{
  const struct passwd *user = data;

  if (user && (setgroups(0, NULL) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
    _exit(99);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static struct passwd *
get_user(void)
{
  return getuid() == 0 ? getpwnam("postgres") : NULL;
}

static gchar *
find_bin(void)
{
  g_autoptr(GDir) versions = g_dir_open("/usr/lib/postgresql", 0, NULL);
  const gchar *name;

  while (versions && (name = g_dir_read_name(versions))) {
    g_autofree gchar *bin = g_build_filename("/usr/lib/postgresql", name, "bin", NULL);
    g_autofree gchar *initdb = g_build_filename(bin, "initdb", NULL);

    if (g_file_test(initdb, G_FILE_TEST_IS_EXECUTABLE))
      return g_steal_pointer(&bin);
  }
  return NULL;
}

static void
run(PgRig *self, gchar **argv)
{
  g_autofree gchar *output = NULL;
  g_autofree gchar *errors = NULL;
  g_autoptr(GError) error = NULL;
  int status = 0;

  g_spawn_sync(self->dir, argv, NULL, G_SPAWN_DEFAULT, become_postgres, get_user(), &output,
               &errors, &status, &error);
  g_assert_no_error(error);
  if (status != 0)
    g_error("%s: %s %s", argv[0], output, errors);
}

static void
make_cluster(PgRig *self)
{
  g_autofree gchar *initdb = g_build_filename(self->bin, "initdb", NULL);
  g_autofree gchar *data = g_build_filename(self->dir, "data", NULL);
  g_autofree gchar *file = g_build_filename(data, "postgresql.auto.conf", NULL);
  g_autofree gchar *settings =
      g_strdup_printf("listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\n"
                      "max_connections = 30\nshared_buffers = 8MB\nmin_wal_size = 2MB\n"
                      "max_wal_size = 8MB\nlogging_collector = off\n",
                      self->dir);
  gchar *argv[] = { initdb,  "-D", data,   "-U",        "cordboard",       "-A",
                    "trust", "-E", "UTF8", "--no-sync", "--wal-segsize=1", "--locale=C.UTF-8",
                    NULL };

  run(self, argv);
  g_assert_true(g_file_set_contents(file, settings, -1, NULL));
}

/* With @disk_mib a disk of that size, which only root can have; else 0. */
PgRig *
pg_rig_new(guint disk_mib, const gchar **why_not)
{
  g_autofree gchar *bin = find_bin();
  g_autofree gchar *size = g_strdup_printf("size=%um,mode=0777", disk_mib);
  PgRig *self;

  if (!bin || (getuid() == 0 && !get_user())) {
    *why_not = "Debian's package postgresql is not installed";
    return NULL;
  }
  self = g_new0(PgRig, 1);
  self->bin = g_steal_pointer(&bin);
  self->dir = g_dir_make_tmp("cordboard-pg-XXXXXX", NULL);
  self->mounted = disk_mib > 0 && mount("tmpfs", self->dir, "tmpfs", 0, size) == 0;
  if (disk_mib > 0 && !self->mounted) {
    *why_not = "Only root can make a disk that is small";
    pg_rig_free(self);
    return NULL;
  }
  g_assert_cmpint(g_chmod(self->dir, 0777), ==, 0);
  self->uri = g_strdup_printf("postgresql://cordboard@/postgres?host=%s", self->dir);
  make_cluster(self);
  pg_rig_start(self);
  return self;
}

void
pg_rig_start(PgRig *self)
{
  g_autofree gchar *postgres = g_build_filename(self->bin, "postgres", NULL);
  g_autofree gchar *data = g_build_filename(self->dir, "data", NULL);
  gchar *argv[] = { postgres, "-D", data, NULL };
  g_autofree gchar *answer = NULL;
  g_autoptr(GError) error = NULL;

  g_spawn_async(self->dir, argv, NULL,
                G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                become_postgres, get_user(), &self->pid, &error);
  g_assert_no_error(error);
  while (!(answer = pg_rig_ask(self, "SELECT 1")))
    g_usleep(50000);
}

/* The answer's first value, NULL when there is none. */
gchar *
pg_rig_ask(PgRig *self, const gchar *sql)
{
  gchar *argv[] = { "psql", "-XAtqc", (gchar *)sql, self->uri, NULL };
  g_autofree gchar *output = NULL;
  int status = 1;

  if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                    &output, NULL, &status, NULL) ||
      status != 0)
    return NULL;
  return g_strdup(g_strstrip(output));
}

/* To the server and all that serve its connections. */
static void
signal_all(PgRig *self, int number)
{
  g_autofree gchar *path =
      g_strdup_printf("/proc/%d/task/%d/children", (int)self->pid, (int)self->pid);
  g_autofree gchar *text = NULL;
  g_auto(GStrv) children = NULL;

  /* a server that is killed first makes no more of them */
  kill(self->pid, number == SIGCONT ? SIGCONT : SIGSTOP);
  g_file_get_contents(path, &text, NULL, NULL);
  children = g_strsplit_set(text ? text : "", " \n", -1);
  for (gchar **child = children; *child; child++)
    if (**child)
      kill((pid_t)g_ascii_strtoll(*child, NULL, 10), number);
  kill(self->pid, number);
}

/* Nothing is closed, nothing is answered. */
void
pg_rig_stop_time(PgRig *self)
{
  signal_all(self, SIGSTOP);
}

void
pg_rig_go_on(PgRig *self)
{
  signal_all(self, SIGCONT);
}

void
pg_rig_kill(PgRig *self)
{
  if (!self->pid)
    return;
  signal_all(self, SIGKILL);
  waitpid(self->pid, NULL, 0);
  g_spawn_close_pid(self->pid);
  self->pid = 0;
}

/* Also what the server had put by for itself, so that the next row has no place. */
void
pg_rig_fill_disk(PgRig *self)
{
  g_autofree gchar *path = g_build_filename(self->dir, BALLAST, NULL);
  g_autofree gchar *made = pg_rig_ask(self, "CREATE TABLE " BALLAST " (x TEXT); SELECT 'made'");
  g_autofree gchar *more = NULL;
  gchar block[4096];
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  g_assert_true(self->mounted && fd >= 0);
  g_assert_cmpstr(made, ==, "made");
  memset(block, 'x', sizeof block);
  while (write(fd, block, sizeof block) > 0)
    ;
  close(fd);
  while ((more = pg_rig_ask(self, "INSERT INTO " BALLAST " SELECT repeat('x', 500) "
                                  "FROM generate_series(1, 500); SELECT 'more'")))
    g_clear_pointer(&more, g_free);
  /* rows may still find a place between others, but not without the log */
  while ((more = pg_rig_ask(self, "SELECT pg_logical_emit_message(FALSE, 'x', 'x'); "
                                  "SELECT pg_switch_wal()")))
    g_clear_pointer(&more, g_free);
}

/* A server that ended for want of space is started by whoever gave it some. */
void
pg_rig_free_disk(PgRig *self)
{
  g_autofree gchar *path = g_build_filename(self->dir, BALLAST, NULL);
  g_autofree gchar *answer = NULL;

  g_assert_cmpint(g_unlink(path), ==, 0);
  while (self->pid && !(answer = pg_rig_ask(self, "SELECT 1"))) {
    if (waitpid(self->pid, NULL, WNOHANG) == self->pid)
      self->pid = 0;
    g_usleep(50000);
  }
  if (!self->pid)
    pg_rig_start(self);
}

static void
remove_folder(const gchar *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree gchar *child = g_build_filename(path, name, NULL);

    if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
      remove_folder(child);
    else
      g_unlink(child);
  }
  g_rmdir(path);
}

void
pg_rig_free(PgRig *self)
{
  pg_rig_kill(self);
  if (self->mounted)
    umount2(self->dir, MNT_DETACH);
  remove_folder(self->dir);
  g_free(self->dir);
  g_free(self->uri);
  g_free(self->bin);
  g_free(self);
}
