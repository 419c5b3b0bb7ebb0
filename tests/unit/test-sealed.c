/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-sealed.h"
#include "cord-test-store.h"
#include "cord-vault.h"

#define OLD "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NEW "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NUMBER "phone_numbers.credentials"
#define WEBHOOK "webhooks.sealed_secret"

static gboolean
run_script(CordDatabase *database, gpointer sql, GError **error)
{
  return cord_database_script(database, sql, error);
}

static CordStore *
new_store(CordVault *vault)
{
  CordStore *store = test_store_new(":memory:");
  g_autofree gchar *number = cord_vault_seal(vault, NUMBER, "token", NULL);
  g_autofree gchar *webhook = cord_vault_seal(vault, WEBHOOK, "secret", NULL);
  g_autofree gchar *sql = g_strdup_printf(
      "INSERT INTO phone_numbers (id, number, credentials, created_at, updated_at) VALUES "
      "('n1', '+1', '%s', 't', 't'), ('n2', '+2', NULL, 't', 't'), "
      "('n3', '+3', 'v1:00000000:AAAA', 't', 't'); "
      "INSERT INTO webhooks (id, url, sealed_secret, created_at, updated_at) VALUES "
      "('w1', 'https://x', '%s', 't', 't')",
      number, webhook);
  g_autoptr(GError) error = NULL;

  cord_store_run(store, run_script, sql, &error);
  g_assert_no_error(error);
  return store;
}

static gchar *
reseal(const gchar *purpose, const gchar *sealed, gpointer data, GError **error)
{
  g_autofree gchar *secret = NULL;

  if (cord_vault_is_current(data, sealed))
    return NULL;
  secret = cord_vault_unseal(data, purpose, sealed, error);
  return secret ? cord_vault_seal(data, purpose, secret, error) : NULL;
}

typedef struct {
  const gchar *sql;
  gchar *value;
} Asked;

static gboolean
ask(CordDatabase *database, gpointer data, GError **error)
{
  Asked *asked = data;
  g_autoptr(CordRows) rows = cord_database_query(database, asked->sql, CORD_NO_PARAMS, error);

  asked->value = rows ? g_strdup(cord_rows_get(rows, 0, 0)) : NULL;
  return rows != NULL;
}

static void
assert_opens(CordStore *store, CordVault *vault, const gchar *sql, const gchar *purpose,
             const gchar *secret)
{
  Asked asked = { sql, NULL };
  g_autofree gchar *opened = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true(cord_store_run(store, ask, &asked, NULL));
  opened = cord_vault_unseal(vault, purpose, asked.value, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(opened, ==, secret);
  g_free(asked.value);
}

static void
test_rotation(void)
{
  g_autoptr(CordVault) before = cord_vault_new(OLD, NULL);
  g_autoptr(CordVault) during = cord_vault_new(NEW " " OLD, NULL);
  g_autoptr(CordVault) after = cord_vault_new(NEW, NULL);
  g_autoptr(CordStore) store = new_store(before);
  g_autoptr(GError) error = NULL;
  CordSealedCounts counts;

  g_assert_true(cord_sealed_replace(store, reseal, during, &counts, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(counts.n_sealed, ==, 3);
  g_assert_cmpuint(counts.n_changed, ==, 2);
  g_assert_cmpuint(counts.n_failed, ==, 1);
  assert_opens(store, after, "SELECT credentials FROM phone_numbers WHERE id = 'n1'", NUMBER,
               "token");
  assert_opens(store, after, "SELECT sealed_secret FROM webhooks", WEBHOOK, "secret");
  g_assert_true(cord_sealed_replace(store, reseal, during, &counts, &error));
  g_assert_cmpuint(counts.n_changed, ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sealed/all that is sealed is sealed anew, once", test_rotation);
  return g_test_run();
}
