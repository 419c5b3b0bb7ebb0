/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "cord-config.h"
#include "cord-secret.h"

typedef struct {
  gchar *dir;
  gchar *file;
  gchar *env;
} Files;

static void
forget_environment(void)
{
  g_unsetenv("TWILIO_AUTH_TOKEN");
  g_unsetenv("APP_URL");
  g_unsetenv("CREDENTIALS_DIRECTORY");
  g_unsetenv("OPENAI_API_KEY");
  g_unsetenv("MIN_INTERRUPTION_WORDS");
  g_unsetenv("SILENCE_TIMEOUT_SECONDS");
}

static void
set_up(Files *files, gconstpointer data)
{
  files->dir = g_dir_make_tmp("cordboard-test-XXXXXX", NULL);
  files->file = g_build_filename(files->dir, "cordboard.conf", NULL);
  files->env = g_build_filename(files->dir, ".env", NULL);
  forget_environment();
}

static void
tear_down(Files *files, gconstpointer data)
{
  forget_environment();
  g_remove(files->file);
  g_remove(files->env);
  g_rmdir(files->dir);
  g_free(files->dir);
  g_free(files->file);
  g_free(files->env);
}

static void
put(const gchar *path, const gchar *text)
{
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
test_defaults(Files *files, gconstpointer data)
{
  g_autoptr(CordConfig) config = cord_config_new();

  g_assert_cmpstr(cord_config_get_string(config, "server.listen"), ==, "127.0.0.1:8000");
  g_assert_cmpstr(cord_config_get_string(config, "server.app-url"), ==, "http://localhost:8000");
  g_assert_cmpint(cord_config_get_int(config, "conversation.min-interruption-words"), ==, 3);
  g_assert_null(cord_config_get_string(config, "twilio.auth-token"));
  g_assert_cmpstr(cord_config_get_origin(config, "server.listen"), ==, "default");
  g_assert_false(cord_config_is_set(config, "server.app-url"));
}

static void
test_order(Files *files, gconstpointer data)
{
  g_autoptr(CordConfig) config = cord_config_new();
  g_autoptr(GError) error = NULL;

  put(files->file, "[server]\napp-url=https://file\nlisten=1.2.3.4:5\n[twilio]\nauth-token=file\n"
                   "[conversation]\nmin-interruption-words=7\n");
  put(files->env, "APP_URL=https://dotenv\nTWILIO_AUTH_TOKEN=dotenv\n");
  g_setenv("TWILIO_AUTH_TOKEN", "environment", TRUE);
  g_assert_true(cord_config_load(config, files->file, files->env, &error));
  g_assert_no_error(error);
  g_assert_cmpstr(cord_config_get_string(config, "server.listen"), ==, "1.2.3.4:5");
  g_assert_cmpint(cord_config_get_int(config, "conversation.min-interruption-words"), ==, 7);
  g_assert_cmpstr(cord_config_get_string(config, "server.app-url"), ==, "https://dotenv");
  g_assert_cmpstr(cord_config_get_string(config, "twilio.auth-token"), ==, "environment");
  g_assert_cmpstr(cord_config_get_origin(config, "server.listen"), ==, files->file);
  g_assert_cmpstr(cord_config_get_origin(config, "server.app-url"), ==, files->env);
  g_assert_cmpstr(cord_config_get_origin(config, "twilio.auth-token"), ==, "TWILIO_AUTH_TOKEN");
  g_assert_true(cord_config_set(config, "server.app-url", "https://flag", "command line", &error));
  g_assert_cmpstr(cord_config_get_string(config, "server.app-url"), ==, "https://flag");
}

static void
test_decimals(Files *files, gconstpointer data)
{
  static const gchar *const wrong[] = { "", "x", "1,5", "1.5s", "-1", "3601", "nan", "inf" };
  g_autoptr(CordConfig) config = cord_config_new();

  g_assert_cmpfloat(cord_config_get_double(config, "conversation.silence-timeout"), ==, 1.5);
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GError) error = NULL;

    g_assert_false(
        cord_config_set(config, "conversation.silence-timeout", wrong[i], "here", &error));
    g_assert_error(error, CORD_CONFIG_ERROR, CORD_CONFIG_ERROR_INVALID);
  }
  g_assert_true(cord_config_set(config, "conversation.silence-timeout", "0.25", "here", NULL));
  g_assert_cmpfloat(cord_config_get_double(config, "conversation.silence-timeout"), ==, 0.25);
}

/* Whether somebody writes a host or an address is his to choose. */
static void
test_addresses(Files *files, gconstpointer data)
{
  static const gchar *const addresses[][2] = {
    { "h.example", "https://h.example" },
    { "h.example:8443/", "https://h.example:8443" },
    { "https://h.example/base//", "https://h.example/base" },
    { "http://localhost:8000", "http://localhost:8000" },
    { "wss://h.example/ws", "https://h.example/ws" },
    { "ws://localhost:1", "http://localhost:1" },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
    g_autoptr(CordConfig) config = cord_config_new();
    g_autoptr(GError) error = NULL;
    g_autofree gchar *address = NULL;

    cord_config_set(config, "server.public-host", addresses[i][0], "test", &error);
    g_assert_no_error(error);
    address = cord_config_dup_address(config, "server.public-host");
    g_assert_cmpstr(address, ==, addresses[i][1]);
  }
}

static void
test_env_file(Files *files, gconstpointer data)
{
  g_autoptr(CordConfig) config = cord_config_new();
  g_autoptr(GError) error = NULL;

  put(files->env,
      "# comment\n\nexport APP_URL=\"https://a#b\"\r\n  TWILIO_AUTH_TOKEN = 'x y' \n"
      "OPENAI_API_KEY=sk-1 # mine\nSOMEBODY_ELSES=1\nno equals\nMIN_INTERRUPTION_WORDS=\n");
  g_assert_true(cord_config_load_env_file(config, files->env, &error));
  g_assert_no_error(error);
  g_assert_cmpstr(cord_config_get_string(config, "server.app-url"), ==, "https://a#b");
  g_assert_cmpstr(cord_config_get_string(config, "twilio.auth-token"), ==, "x y");
  g_assert_cmpstr(cord_config_get_string(config, "openai.api-key"), ==, "sk-1");
  /* an empty line of a template sets nothing */
  g_assert_cmpint(cord_config_get_int(config, "conversation.min-interruption-words"), ==, 3);
}

static void
test_credential(Files *files, gconstpointer data)
{
  g_autoptr(CordConfig) config = cord_config_new();
  g_autofree gchar *handed = g_build_filename(files->dir, "cordboard.env", NULL);
  g_autoptr(GError) error = NULL;

  put(files->env, "APP_URL=https://dotenv\nTWILIO_AUTH_TOKEN=dotenv\nOPENAI_API_KEY=dotenv\n");
  put(handed, "TWILIO_AUTH_TOKEN=handed\nOPENAI_API_KEY=handed\n");
  g_setenv("CREDENTIALS_DIRECTORY", files->dir, TRUE);
  g_setenv("OPENAI_API_KEY", "environment", TRUE);
  g_assert_true(cord_config_load(config, NULL, files->env, &error));
  g_assert_no_error(error);
  g_assert_cmpstr(cord_config_get_string(config, "server.app-url"), ==, "https://dotenv");
  g_assert_cmpstr(cord_config_get_string(config, "twilio.auth-token"), ==, "handed");
  g_assert_cmpstr(cord_config_get_origin(config, "twilio.auth-token"), ==, handed);
  g_assert_cmpstr(cord_config_get_string(config, "openai.api-key"), ==, "environment");
  g_remove(handed);
}

static void
assert_message(Files *files, const gchar *text, const gchar *const *words)
{
  g_autoptr(CordConfig) config = cord_config_new();
  g_autoptr(GError) error = NULL;

  put(files->file, text);
  g_assert_false(cord_config_load_file(config, files->file, &error));
  g_test_message("%s", error->message);
  for (guint i = 0; words[i]; i++)
    g_assert_nonnull(strstr(error->message, words[i]));
}

static void
test_mistakes(Files *files, gconstpointer data)
{
  const gchar *number[] = { files->file, "server.workers", "many", "0 to 256", NULL };
  const gchar *range[] = { files->file, "http.max-body", "1024", NULL };
  const gchar *format[] = { files->file, "server.log-format", "auto", "json", "text", NULL };
  const gchar *key[] = { files->file, "server.worker", "server.workers", NULL };
  const gchar *group[] = { files->file, "servers.listen", NULL };
  const gchar *syntax[] = { files->file, NULL };

  assert_message(files, "[server]\nworkers=many\n", number);
  assert_message(files, "[http]\nmax-body=1\n", range);
  assert_message(files, "[server]\nlog-format=xml\n", format);
  assert_message(files, "[server]\nworker=1\n", key);
  assert_message(files, "[servers]\nlisten=x\n", group);
  assert_message(files, "listen=x\n", syntax);
}

static void
test_missing_file(Files *files, gconstpointer data)
{
  g_autoptr(CordConfig) config = cord_config_new();
  g_autoptr(GError) error = NULL;

  g_assert_true(cord_config_load(config, NULL, files->env, &error));
  g_assert_false(cord_config_load(config, files->file, NULL, &error));
  g_assert_nonnull(strstr(error->message, files->file));
}

static void
test_secrets(Files *files, gconstpointer data)
{
  guint n;
  const CordSetting *settings = cord_config_get_settings(&n);

  for (guint i = 0; i < n; i++) {
    const gchar *dot = strchr(settings[i].name, '.');

    g_assert_nonnull(dot);
    g_assert_cmpuint(strlen(settings[i].help), >, 0);
    if (g_str_has_suffix(settings[i].name, "-key") ||
        g_str_has_suffix(settings[i].name, "auth-token"))
      g_assert_true(settings[i].secret);
  }
  g_assert_cmpstr(cord_secret_mask("hidden"), ==, "********");
  g_assert_true(cord_secret_equal("abc", "abc"));
  g_assert_false(cord_secret_equal("abc", "abd"));
  g_assert_false(cord_secret_equal("abc", "ab"));
  g_assert_false(cord_secret_equal(NULL, NULL));
}

#define TEST(name, func) g_test_add("/config/" name, Files, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
  /* the settings of whoever runs the tests are not theirs */
  g_setenv("XDG_CONFIG_HOME", "/nonexistent", TRUE);
  g_test_init(&argc, &argv, NULL);
  TEST("what nobody set has a default", test_defaults);
  TEST("file, .env, environment and flags, each stronger than the last", test_order);
  TEST("a number may have a point, and only that", test_decimals);
  TEST("hosts and addresses are the same", test_addresses);
  TEST("a .env file is read as shells write it", test_env_file);
  TEST("what systemd hands over is stronger than a .env file", test_credential);
  TEST("a mistake is told with its place and what is allowed", test_mistakes);
  TEST("a file that was asked for must be there", test_missing_file);
  TEST("every secret is marked as one", test_secrets);
  return g_test_run();
}
