/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "cord-vault.h"

#define OLD "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NEW "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static CordVault *
vault_new(const gchar *keys)
{
  g_autoptr(GError) error = NULL;
  CordVault *vault = cord_vault_new(keys, &error);

  g_assert_no_error(error);
  return vault;
}

static void
assert_opens(CordVault *vault, const gchar *purpose, const gchar *sealed, const gchar *secret)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *opened = cord_vault_unseal(vault, purpose, sealed, &error);

  g_assert_no_error(error);
  g_assert_cmpstr(opened, ==, secret);
}

static void
assert_stays_shut(CordVault *vault, const gchar *purpose, const gchar *sealed)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(cord_vault_unseal(vault, purpose, sealed, &error));
  g_assert_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_SEALED);
}

static void
test_round_trip(void)
{
  static const gchar *const secrets[] = { "", "x", "a secret of some length \xf0\x9f\x98\x80" };
  g_autoptr(CordVault) vault = vault_new(OLD);

  for (guint i = 0; i < G_N_ELEMENTS(secrets); i++) {
    g_autofree gchar *one = cord_vault_seal(vault, "p", secrets[i], NULL);
    g_autofree gchar *two = cord_vault_seal(vault, "p", secrets[i], NULL);

    g_assert_cmpstr(one, !=, two);
    if (strlen(secrets[i]) > 4)
      g_assert_null(strstr(one, secrets[i]));
    assert_opens(vault, "p", one, secrets[i]);
    assert_stays_shut(vault, "q", one);
  }
}

static void
test_any_bit(void)
{
  g_autoptr(CordVault) vault = vault_new(OLD);
  g_autofree gchar *sealed = cord_vault_seal(vault, "p", "secret", NULL);
  gchar *start = strrchr(sealed, ':') + 1;
  gsize size;
  g_autofree guchar *bytes = g_base64_decode(start, &size);

  for (gsize bit = 0; bit < size * 8; bit++) {
    g_autofree gchar *text = NULL;
    g_autofree gchar *changed = NULL;

    bytes[bit / 8] ^= (guchar)(1 << bit % 8);
    text = g_base64_encode(bytes, size);
    changed = g_strdup_printf("%.*s%s", (int)(start - sealed), sealed, text);
    assert_stays_shut(vault, "p", changed);
    bytes[bit / 8] ^= (guchar)(1 << bit % 8);
  }
  assert_stays_shut(vault, "p", "");
  assert_stays_shut(vault, "p", "v1:x");
  assert_stays_shut(vault, "p", "v1:00000000:AAAA");
}

static void
test_rotation(void)
{
  g_autoptr(CordVault) before = vault_new(OLD);
  g_autoptr(CordVault) during = vault_new("# two keys\n" NEW "\n" OLD "\n");
  g_autoptr(CordVault) after = vault_new(NEW);
  g_autofree gchar *sealed = cord_vault_seal(before, "p", "secret", NULL);
  g_autofree gchar *again = NULL;

  assert_opens(during, "p", sealed, "secret");
  g_assert_false(cord_vault_is_current(during, sealed));
  assert_stays_shut(after, "p", sealed);
  again = cord_vault_seal(during, "p", "secret", NULL);
  g_assert_true(cord_vault_is_current(during, again));
  assert_opens(after, "p", again, "secret");
}

static void
test_bad_keys(void)
{
  static const gchar *const bad[] = { "", "# none", "abc", OLD "0", "AAAA" };

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;

    g_assert_null(cord_vault_new(bad[i], &error));
    g_assert_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY);
    g_assert_null(*bad[i] ? strstr(error->message, bad[i]) : NULL);
  }
}

static void
test_file(void)
{
  g_autofree gchar *dir = g_dir_make_tmp("cordboard-vault-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename(dir, "vault.key", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordVault) first = cord_vault_open(NULL, NULL, path, &error);
  g_autoptr(CordVault) second = cord_vault_open(NULL, NULL, path, &error);
  g_autofree gchar *sealed = cord_vault_seal(first, "p", "secret", NULL);

  g_assert_no_error(error);
  assert_opens(second, "p", sealed, "secret");
  g_assert_cmpint(g_chmod(path, 0644), ==, 0);
  g_assert_null(cord_vault_open(NULL, NULL, path, &error));
  g_assert_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY);
  g_remove(path);
  g_rmdir(dir);
}

/* Another program puts a key into the file while this one runs. */
static void
test_added_key(void)
{
  g_autofree gchar *dir = g_dir_make_tmp("cordboard-vault-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename(dir, "vault.key", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordVault) server = cord_vault_open(NULL, NULL, path, &error);
  g_autoptr(CordVault) program = cord_vault_open(NULL, NULL, path, &error);
  g_autofree gchar *before = cord_vault_seal(server, "p", "secret", NULL);
  g_autofree gchar *after = NULL;
  g_autofree gchar *last = NULL;
  g_auto(GStrv) names = NULL;

  g_assert_true(cord_vault_add_key(program, &error));
  g_assert_no_error(error);
  after = cord_vault_seal(program, "p", "secret", NULL);
  g_assert_true(cord_vault_is_current(program, after));
  g_assert_false(cord_vault_is_current(program, before));
  assert_opens(server, "p", after, "secret");
  assert_opens(program, "p", before, "secret");
  last = cord_vault_seal(server, "p", "secret", NULL);
  g_assert_true(cord_vault_is_current(program, last));

  g_assert_true(cord_vault_forget_old(program, &error));
  names = cord_vault_list_keys(program);
  g_assert_cmpuint(g_strv_length(names), ==, 1);
  assert_stays_shut(program, "p", before);
  assert_opens(program, "p", last, "secret");

  /* a file that is damaged or gone takes no key away */
  g_assert_true(g_file_set_contents(path, "# nothing\n", -1, NULL));
  assert_opens(server, "p", last, "secret");
  g_remove(path);
  assert_opens(server, "p", last, "secret");
  g_rmdir(dir);
}

static void
test_sources(void)
{
  g_autofree gchar *dir = g_dir_make_tmp("cordboard-vault-XXXXXX", NULL);
  g_autofree gchar *credential = g_build_filename(dir, "cordboard-key", NULL);
  g_autofree gchar *file = g_build_filename(dir, "file", NULL);
  g_autofree gchar *own = g_build_filename(dir, "own", NULL);
  g_autoptr(GError) error = NULL;
  const struct {
    const gchar *keys, *file, *found;
  } sources[] = { { OLD, file, NULL }, { NULL, file, file }, { "", "", credential } };

  g_assert_true(
      g_file_set_contents_full(credential, OLD "\n", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_assert_true(g_file_set_contents_full(file, NEW "\n", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_setenv("CREDENTIALS_DIRECTORY", dir, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
    g_autoptr(CordVault) vault = cord_vault_open(sources[i].keys, sources[i].file, own, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(cord_vault_get_file(vault), ==, sources[i].found);
    g_assert_true(sources[i].found || !cord_vault_add_key(vault, NULL));
  }
  g_unsetenv("CREDENTIALS_DIRECTORY");
  g_assert_false(g_file_test(own, G_FILE_TEST_EXISTS));
  g_assert_null(cord_vault_open(NULL, "/nonexistent/key", own, &error));
  g_assert_nonnull(error);
  g_remove(credential);
  g_remove(file);
  g_rmdir(dir);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/what is sealed opens for its purpose alone", test_round_trip);
  g_test_add_func("/vault/with any bit changed it stays shut", test_any_bit);
  g_test_add_func("/vault/keys are replaced one after the other", test_rotation);
  g_test_add_func("/vault/what is no key is refused and not repeated", test_bad_keys);
  g_test_add_func("/vault/a key that another program adds is found", test_added_key);
  g_test_add_func("/vault/settings come before files and credentials", test_sources);
  g_test_add_func("/vault/a file of its own is for its owner alone", test_file);
  return g_test_run();
}
