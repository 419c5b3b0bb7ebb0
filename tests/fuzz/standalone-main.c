/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

/*
 * In place of libFuzzer: gives a target each file of its corpus and the beginnings of it, as a test
 * among others.
 */

#define MAX_CUTS 256 /* beginnings a file */

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* From memory that ends with the input, so that a sanitizer sees who reads on. */
static void
run(const gchar *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2(data, size);

  LLVMFuzzerTestOneInput(copy, size);
}

static void
test_file(gconstpointer path)
{
  g_autofree gchar *data = NULL;
  g_autoptr(GError) error = NULL;
  gsize size;

  g_file_get_contents(path, &data, &size, &error);
  g_assert_no_error(error);
  run(data, size);
  for (gsize i = 0; i < MAX_CUTS; i++)
    run(data, size * i / MAX_CUTS);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
  return g_strcmp0(*(const gchar *const *)a, *(const gchar *const *)b);
}

int
main(int argc, char **argv)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  g_autoptr(GDir) dir = NULL;
  const gchar *name;

  g_test_init(&argc, &argv, NULL);
  if (argc != 2)
    g_error("usage: %s CORPUS", argv[0]);
  dir = g_dir_open(argv[1], 0, &error);
  if (dir == NULL)
    g_error("%s", error->message);
  while ((name = g_dir_read_name(dir)))
    g_ptr_array_add(names, g_strdup(name));
  g_ptr_array_sort(names, compare);
  for (guint i = 0; i < names->len; i++) {
    g_autofree gchar *test = g_strdup_printf("/corpus/%s", (const gchar *)names->pdata[i]);

    g_test_add_data_func_full(test, g_build_filename(argv[1], names->pdata[i], NULL), test_file,
                              g_free);
  }
  return g_test_run();
}
