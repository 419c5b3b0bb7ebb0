/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients verify certificates; a wrong one is an error that names the host, and nothing is sent. */
#include <string.h>

#include "cord-http.h"
#include "cord-websocket-client.h"
#include "sim.h"

#define SECRET "sk-not-for-strangers"

typedef struct {
  const gchar *name;
  const gchar *certificate;
  const gchar *key;
  const gchar *host;
  const gchar *why; /* it is refused; NULL: it is good */
} Case;

static const Case cases[] = {
  { "a good certificate", "good.pem", "issued-key.pem", "localhost", NULL },
  { "a good certificate, by address", "good.pem", "issued-key.pem", "127.0.0.1", NULL },
  { "another host's certificate", "other-host.pem", "issued-key.pem", "localhost", "another host" },
  { "another host's certificate, by address", "other-host.pem", "issued-key.pem", "127.0.0.1",
    "another host" },
  { "an expired certificate", "expired.pem", "issued-key.pem", "localhost", "expired" },
  { "a self-signed certificate", "cert.pem", "key.pem", "localhost",
    "nobody whom this machine trusts" },
};

typedef struct {
  CordWorker *worker;
  SimServer *server;
  gboolean done;
  guint status;
  gboolean connected;
  GError *error;
} Fixture;

static gchar *
find(const gchar *name)
{
  return g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "tls", name, NULL);
}

static void
setup(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *certificate = find(test->certificate), *key = find(test->key);
  g_autoptr(GError) error = NULL;

  f->worker = cord_worker_new_manual();
  f->server = sim_server_new(f->worker, 0, certificate, key, &error);
  g_assert_no_error(error);
  sim_server_add_all(f->server);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  sim_server_free(f->server);
  cord_worker_iterate(f->worker);
  cord_worker_advance(f->worker, 4 * GST_SECOND);
  g_clear_error(&f->error);
  g_object_unref(f->worker);
}

/* Handshakes are computed in threads of their own: the worker's context is woken by them. */
static void
await(Fixture *f)
{
  while (!f->done) {
    g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
    cord_worker_iterate(f->worker);
  }
}

static void
assert_outcome(Fixture *f, const Case *test)
{
  g_autofree gchar *journal = sim_server_dup_journal(f->server);

  if (test->why == NULL) {
    g_assert_no_error(f->error);
    g_assert_nonnull(strstr(journal, "request"));
    return;
  }
  g_assert_nonnull(f->error);
  g_test_message("%s", f->error->message);
  g_assert_nonnull(strstr(f->error->message, test->host));
  g_assert_nonnull(strstr(f->error->message, test->why));
  g_assert_null(strstr(f->error->message, SECRET));
  /* the service was told nothing */
  g_assert_cmpstr(journal, ==, "[]");
}

/* HTTP */

static void
on_finished(CordHttpExchange *exchange, const GError *error, gpointer data)
{
  Fixture *f = data;

  f->status = cord_http_get_status(exchange);
  f->error = error ? g_error_copy(error) : NULL;
  f->done = TRUE;
}

static void
test_http(Fixture *f, gconstpointer data)
{
  static const CordHttpHandlers handlers = { .finished = on_finished };
  const gchar *headers[] = { "Authorization", "Bearer " SECRET, NULL };
  const Case *test = data;
  g_autofree gchar *url =
      g_strdup_printf("https://%s:%u/v1/models", test->host, sim_server_get_port(f->server));
  CordHttpRequest request = { .url = url, .headers = headers };

  cord_http_start(f->worker, &request, &handlers, f);
  await(f);
  g_assert_cmpuint(f->status, ==, test->why ? 0 : 200);
  assert_outcome(f, test);
}

/* WebSockets */

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *f = data;
  g_autoptr(CordWebsocket) websocket = cord_websocket_connect_finish(result, &f->error);

  f->connected = websocket != NULL;
  f->done = TRUE;
}

static void
test_websocket(Fixture *f, gconstpointer data)
{
  const gchar *headers[] = { "Authorization", "Token " SECRET, NULL };
  const Case *test = data;
  g_autofree gchar *url =
      g_strdup_printf("wss://%s:%u/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000",
                      test->host, sim_server_get_port(f->server));
  CordWebsocketRequest request = { .url = url, .headers = headers };

  cord_websocket_connect_async(f->worker, &request, NULL, on_connected, f);
  await(f);
  g_assert_true(f->connected != (test->why != NULL));
  assert_outcome(f, test);
}

/* The machine's own list of authorities with ours in its place */
static void
trust_test_authority(void)
{
  g_autofree gchar *path = find("ca.pem");
  g_autoptr(GError) error = NULL;
  g_autoptr(GTlsDatabase) database = g_tls_file_database_new(path, &error);

  g_assert_no_error(error);
  g_tls_backend_set_default_database(g_tls_backend_get_default(), database);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  trust_test_authority();
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *http = g_strdup_printf("/tls/http/%s", cases[i].name);
    g_autofree gchar *websocket = g_strdup_printf("/tls/websocket/%s", cases[i].name);

    g_test_add(http, Fixture, &cases[i], setup, test_http, teardown);
    g_test_add(websocket, Fixture, &cases[i], setup, test_websocket, teardown);
  }
  return g_test_run();
}
