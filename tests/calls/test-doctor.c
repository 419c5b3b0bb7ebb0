/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

/* What the server and the doctor make of a service that answers, refuses, or is not there. */

#define KEY "key-that-nobody-may-see"

typedef struct {
  SoupServer *soup;
  gchar *url;
  gchar *dir;
  guint status;
} Vendor;

static void
on_models(SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
          gpointer data)
{
  static const gchar list[] = "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-4o\"},"
                              "{\"id\":\"gpt-4o-mini\"},{\"id\":\"gpt-4\"}]}";
  Vendor *vendor = data;
  const gchar *key = soup_message_headers_get_one(soup_server_message_get_request_headers(message),
                                                  "Authorization");

  g_assert_cmpstr(key, ==, "Bearer " KEY);
  g_assert_cmpstr(path, ==, "/v1/models");
  soup_server_message_set_status(message, vendor->status, NULL);
  soup_server_message_set_response(message, "application/json", SOUP_MEMORY_STATIC, list,
                                   strlen(list));
}

static void
set_up(Vendor *vendor, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  GSList *uris;

  vendor->status = 200;
  vendor->dir = g_dir_make_tmp("cordboard-doctor-XXXXXX", NULL);
  vendor->soup = soup_server_new(NULL, NULL);
  soup_server_add_handler(vendor->soup, NULL, on_models, vendor, NULL);
  soup_server_listen_local(vendor->soup, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error(error);
  uris = soup_server_get_uris(vendor->soup);
  vendor->url = g_strdup_printf("http://127.0.0.1:%d/v1", g_uri_get_port(uris->data));
  g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
}

static void
tear_down(Vendor *vendor, gconstpointer data)
{
  g_autofree gchar *command = g_strdup_printf("rm -r %s", vendor->dir);

  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_clear_object(&vendor->soup);
  g_free(vendor->url);
  g_free(vendor->dir);
}

static void
on_done(GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref(result);
}

/* Runs a command against the vendor; what it printed, both ways. */
static gchar *
run(Vendor *vendor, const gchar *model, const gchar *const *argv, int *code)
{
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GSubprocess) process = NULL;
  g_autoptr(GError) error = NULL;
  gchar *text = NULL;

  g_subprocess_launcher_setenv(launcher, "XDG_CONFIG_HOME", vendor->dir, TRUE);
  g_subprocess_launcher_setenv(launcher, "XDG_STATE_HOME", vendor->dir, TRUE);
  g_subprocess_launcher_setenv(launcher, "OPENAI_API_KEY", KEY, TRUE);
  g_subprocess_launcher_setenv(launcher, "OPENAI_BASE_URL", vendor->url, TRUE);
  g_subprocess_launcher_setenv(launcher, "OPENAI_MODEL", model, TRUE);
  g_subprocess_launcher_set_cwd(launcher, vendor->dir);
  process = g_subprocess_launcher_spawnv(launcher, argv, &error);
  g_assert_no_error(error);
  g_subprocess_communicate_utf8_async(process, NULL, NULL, on_done, &result);
  while (result == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_subprocess_communicate_utf8_finish(process, result, &text, NULL, &error);
  g_assert_no_error(error);
  *code = g_subprocess_get_exit_status(process);
  g_test_message("%s", text);
  g_assert_null(strstr(text, KEY));
  return text;
}

/* The finding of the doctor about something: its state, or NULL. */
static gchar *
find_state(const gchar *json, const gchar *area, const gchar *name, gchar **advice)
{
  g_autoptr(JsonNode) node = json_from_string(json, NULL);
  JsonArray *checks = json_object_get_array_member(json_node_get_object(node), "checks");

  for (guint i = 0; i < json_array_get_length(checks); i++) {
    JsonObject *check = json_array_get_object_element(checks, i);

    if (g_str_equal(json_object_get_string_member(check, "area"), area) &&
        g_str_equal(json_object_get_string_member(check, "name"), name)) {
      g_free(*advice);
      *advice = g_strdup(json_object_get_string_member_with_default(check, "advice", NULL));
      return g_strdup(json_object_get_string_member(check, "state"));
    }
  }
  return NULL;
}

static void
test_doctor(Vendor *vendor, gconstpointer data)
{
  static const struct {
    guint status;
    const gchar *model;
    int code;
    const gchar *service;
    const gchar *model_state;
    const gchar *advice;
  } cases[] = {
    { 200, "gpt-4o", 0, "ok", "ok", NULL },
    { 200, "gpt-4o-mimi", 1, "ok", "failed", "gpt-4o-mini" },
    { 401, "gpt-4o", 1, "failed", NULL, NULL },
    { 503, "gpt-4o", 0, "warning", NULL, NULL },
  };
  const gchar *argv[] = { g_getenv("CORDBOARD"), "doctor", "--json", NULL };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *json = NULL, *service = NULL, *model = NULL, *advice = NULL;
    int code;

    vendor->status = cases[i].status;
    json = run(vendor, cases[i].model, argv, &code);
    service = find_state(json, "service", "openai", &advice);
    g_assert_cmpstr(service, ==, cases[i].service);
    if (cases[i].status == 401)
      g_assert_nonnull(strstr(advice, "OPENAI_API_KEY"));
    model = find_state(json, "model", cases[i].model, &advice);
    g_assert_cmpstr(model, ==, cases[i].model_state);
    if (cases[i].advice)
      g_assert_nonnull(strstr(advice, cases[i].advice));
    g_assert_cmpint(code, ==, cases[i].code);
  }
}

static void
test_table(Vendor *vendor, gconstpointer data)
{
  const gchar *argv[] = { g_getenv("CORDBOARD"), "doctor", NULL };
  int code;
  g_autofree gchar *text = run(vendor, "gpt-4o-mimi", argv, &code);

  g_assert_cmpint(code, ==, 1);
  g_assert_nonnull(strstr(text, "FAIL  model gpt-4o-mimi"));
  g_assert_nonnull(strstr(text, "→ did you mean gpt-4o-mini"));
  /* no terminal, no colours */
  g_assert_null(strchr(text, '\033'));
}

/* Who reads along is looked for only where somebody reads along. */
static void
test_reader(Vendor *vendor, gconstpointer data)
{
  for (guint on = 0; on < 2; on++) {
    const gchar *argv[] = { "env",
                            on ? "OUTLINES_ENABLED=true" : "OUTLINES_ENABLED=false",
                            "EXTRACTION_MODEL=gpt-4o-mimi",
                            g_getenv("CORDBOARD"),
                            "doctor",
                            NULL };
    int code;
    g_autofree gchar *text = run(vendor, "gpt-4o", argv, &code);

    g_assert_cmpint(code, ==, on);
    g_assert_true((strstr(text, "extraction.model wants it") != NULL) == on);
  }
}

static void
test_unknown_model(Vendor *vendor, gconstpointer data)
{
  const gchar *argv[] = { g_getenv("CORDBOARD"), "serve", "--listen", "127.0.0.1:0", NULL };
  int code;
  g_autofree gchar *text = run(vendor, "gpt-4o-mimi", argv, &code);

  g_assert_cmpint(code, ==, 1);
  g_assert_nonnull(strstr(text, "gpt-4o-mimi"));
  g_assert_nonnull(strstr(text, "did you mean gpt-4o-mini"));
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add("/doctor/says what is wrong with key and model, and no secret", Vendor, NULL, set_up,
             test_doctor, tear_down);
  g_test_add("/doctor/says it to people", Vendor, NULL, set_up, test_table, tear_down);
  g_test_add("/doctor/looks for the model that reads along", Vendor, NULL, set_up, test_reader,
             tear_down);
  g_test_add("/doctor/a server does not start with a model that nobody has", Vendor, NULL, set_up,
             test_unknown_model, tear_down);
  return g_test_run();
}
