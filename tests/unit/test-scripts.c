/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <unistd.h>

#include "cord-scripts.h"

static void
assert_text(CordScripts *scripts, const gchar *path, gboolean fresh, const gchar *expected)
{
  g_autofree gchar *text = cord_scripts_get(scripts, path, fresh);

  g_assert_cmpstr(text, ==, expected);
}

static void
write_text(const gchar *path, const gchar *text)
{
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
test_cache(void)
{
  g_autoptr(CordScripts) scripts = cord_scripts_new();
  g_autofree gchar *dir = g_dir_make_tmp("cordboard-scripts-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename(dir, "a.json", NULL);

  assert_text(scripts, path, FALSE, NULL);
  write_text(path, "one");
  assert_text(scripts, path, FALSE, "one");
  write_text(path, "two");
  /* who may not read has what was read before */
  assert_text(scripts, path, FALSE, "one");
  assert_text(scripts, path, TRUE, "two");
  assert_text(scripts, path, FALSE, "two");
  g_unlink(path);
  assert_text(scripts, path, FALSE, "two");
  assert_text(scripts, path, TRUE, NULL);
  assert_text(scripts, path, FALSE, NULL);
  g_rmdir(dir);
}

/* What an element would refuse is left to it. */
static void
test_too_long(void)
{
  g_autoptr(CordScripts) scripts = cord_scripts_new();
  g_autofree gchar *dir = g_dir_make_tmp("cordboard-scripts-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename(dir, "a.json", NULL);
  g_autofree gchar *text = g_strnfill(4 * 1024 * 1024 + 1, ' ');

  write_text(path, text);
  assert_text(scripts, path, TRUE, NULL);
  g_unlink(path);
  g_rmdir(dir);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/scripts/they are read anew by those who may", test_cache);
  g_test_add_func("/scripts/what is too long is none", test_too_long);
  return g_test_run();
}
