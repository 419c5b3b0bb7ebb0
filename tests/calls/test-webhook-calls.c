/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "call-rig.h"
#include "cord-webhook-sign.h"

/* A server that tells others of its calls, and others who do not listen. */

#define CONF                                                                                       \
  "[outgoing]\nprivate-networks=127.0.0.0/8\n"                                                     \
  "[webhooks]\nattempts=2\nfirst-retry=1\ntimeout=1\n"

/* ---- who is told, on a thread of its own ---- */

typedef struct {
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  gchar *url;

  GMutex lock;      /* guards what follows */
  GPtrArray *heard; /* gchar: "PATH TYPE ID" */
  GPtrArray *bodies;
  gchar *secret;
  gboolean well; /* all say yes */
} Peer;

static void
note(Peer *self, const gchar *path, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
  g_autoptr(GBytes) bytes =
      soup_message_body_flatten(soup_server_message_get_request_body(message));
  g_autofree gchar *body = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  const gchar *id = soup_message_headers_get_one(headers, "webhook-id");
  const gchar *time = soup_message_headers_get_one(headers, "webhook-timestamp");
  const gchar *signature = soup_message_headers_get_one(headers, "webhook-signature");
  g_autoptr(JsonNode) node = json_from_string(body, NULL);

  g_mutex_lock(&self->lock);
  if (self->secret)
    g_assert_true(cord_webhook_verify(self->secret, id, time, signature, body,
                                      g_get_real_time() / G_USEC_PER_SEC));
  g_ptr_array_add(self->heard,
                  g_strdup_printf("%s %s %s", path,
                                  json_object_get_string_member(json_node_get_object(node), "type"),
                                  id));
  g_ptr_array_add(self->bodies, g_steal_pointer(&body));
  g_mutex_unlock(&self->lock);
}

static guint
count_heard(Peer *self, const gchar *prefix)
{
  guint count = 0;

  g_mutex_lock(&self->lock);
  for (guint i = 0; i < self->heard->len; i++)
    count += g_str_has_prefix(self->heard->pdata[i], prefix);
  g_mutex_unlock(&self->lock);
  return count;
}

static void
on_request(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer data)
{
  Peer *self = data;
  gboolean well;

  note(self, path, message);
  g_mutex_lock(&self->lock);
  well = self->well;
  g_mutex_unlock(&self->lock);
  if (well || g_str_equal(path, "/ok") ||
      (g_str_equal(path, "/flaky") && count_heard(self, "/flaky") > 1)) {
    soup_server_message_set_status(message, 204, NULL);
  } else if (g_str_equal(path, "/redirect")) {
    soup_server_message_set_redirect(message, 302, "/ok");
  } else if (g_str_equal(path, "/slow")) {
    g_object_ref(message);
    soup_server_message_pause(message);
  } else {
    soup_server_message_set_status(message, 500, NULL);
  }
}

static gpointer
run_peer(gpointer data)
{
  Peer *self = data;

  g_main_context_push_thread_default(self->context);
  g_main_loop_run(self->loop);
  g_main_context_pop_thread_default(self->context);
  return NULL;
}

static Peer *
peer_new(void)
{
  Peer *self = g_new0(Peer, 1);
  SoupServer *server;
  g_autoptr(GError) error = NULL;
  GSList *uris;
  gchar *url;

  self->context = g_main_context_new();
  self->loop = g_main_loop_new(self->context, FALSE);
  self->heard = g_ptr_array_new_with_free_func(g_free);
  self->bodies = g_ptr_array_new_with_free_func(g_free);
  g_main_context_push_thread_default(self->context);
  server = soup_server_new(NULL, NULL);
  soup_server_add_handler(server, NULL, on_request, self, NULL);
  soup_server_listen_local(server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error(error);
  uris = soup_server_get_uris(server);
  url = g_uri_to_string(uris->data);
  self->url = g_strndup(url, strlen(url) - 1);
  g_free(url);
  g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
  g_main_context_pop_thread_default(self->context);
  self->thread = g_thread_new("peer", run_peer, self);
  return self;
}

/* ---- the server ---- */

static Peer *peer;

static CallRig *
start_server(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *folder = g_build_filename(rig->dir, "cordboard", NULL);
  g_autofree gchar *path = g_build_filename(folder, "cordboard.conf", NULL);

  call_rig_stop(rig);
  g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
  g_assert_true(g_file_set_contents(path, CONF, -1, NULL));
  call_rig_start(rig);
  g_mutex_lock(&peer->lock);
  g_ptr_array_set_size(peer->heard, 0);
  g_ptr_array_set_size(peer->bodies, 0);
  peer->well = FALSE;
  g_clear_pointer(&peer->secret, g_free);
  g_mutex_unlock(&peer->lock);
  return rig;
}

static JsonObject *
ask(CallRig *rig, const gchar *method, const gchar *path, const gchar *body, guint wanted)
{
  g_autofree gchar *url = g_strconcat(rig->url, path, NULL);
  guint status;
  g_autoptr(JsonNode) node = call_rig_send(rig, method, url, body, &status);

  g_assert_cmpuint(status, ==, wanted);
  return json_node_dup_object(node);
}

static gchar *
add_webhook(CallRig *rig, const gchar *path, const gchar *more)
{
  g_autofree gchar *body = g_strdup_printf("{\"url\":\"%s%s\"%s}", peer->url, path, more);
  g_autoptr(JsonObject) row = ask(rig, "POST", "/api/webhooks", body, 201);

  g_assert_false(json_object_has_member(row, "secret"));
  g_assert_false(json_object_has_member(row, "sealed_secret"));
  return g_strdup(json_object_get_string_member(row, "id"));
}

static void
test_webhook(CallRig *rig, const gchar *id)
{
  g_autofree gchar *path = g_strdup_printf("/api/webhooks/%s/test", id);
  g_autoptr(JsonObject) row = ask(rig, "POST", path, "{}", 202);

  g_assert_cmpstr(json_object_get_string_member(row, "status"), ==, "pending");
}

static guint
count_status(CallRig *rig, const gchar *status)
{
  g_autofree gchar *path = g_strdup_printf("/api/webhook-deliveries?status=%s", status);
  guint code;
  g_autoptr(JsonNode) rows = call_rig_get(rig, path, &code);

  g_assert_cmpuint(code, ==, 200);
  return json_array_get_length(json_node_get_array(rows));
}

static gboolean
all_are_dead(CallRig *rig)
{
  return count_status(rig, "dead") == 3;
}

static gboolean
nothing_is_pending(CallRig *rig)
{
  return count_status(rig, "pending") == 0;
}

static gboolean
analysis_was_heard(CallRig *rig)
{
  return count_heard(peer, "/ok call.analysed") == 1 && nothing_is_pending(rig);
}

static JsonObject *
dup_data(guint index)
{
  g_autoptr(JsonNode) node = NULL;

  g_mutex_lock(&peer->lock);
  node = json_from_string(peer->bodies->pdata[index], NULL);
  g_mutex_unlock(&peer->lock);
  return json_object_ref(json_object_get_object_member(json_node_get_object(node), "data"));
}

/* What one path was told, in order. */
static gchar *
list_heard(const gchar *path, guint *last)
{
  g_autoptr(GString) list = g_string_new(NULL);

  g_mutex_lock(&peer->lock);
  for (guint i = 0; i < peer->heard->len; i++) {
    g_auto(GStrv) parts = g_strsplit(peer->heard->pdata[i], " ", 3);

    if (!g_str_equal(parts[0], path))
      continue;
    g_string_append_printf(list, "%s ", parts[1]);
    if (last)
      *last = i;
  }
  g_mutex_unlock(&peer->lock);
  return g_strdup(list->str);
}

static void
test_call(void)
{
  const gchar *lines[] = { "--say", "thank you goodbye", "--from", "+15551230001", NULL };
  CallRig *rig = start_server();
  g_autofree gchar *all = add_webhook(rig, "/ok", ",\"secret\":\"whsec_c2VjcmV0IG9mIHRoZSB0ZXN0\"");
  g_autofree gchar *ends = add_webhook(
      rig, "/flaky", ",\"events\":[\"call.ended\"],\"secret\":\"whsec_c2VjcmV0IG9mIHRoZSB0ZXN0\"");
  g_autofree gchar *where = g_strdup_printf("/api/webhooks/%s/secret", all);
  g_autoptr(JsonObject) secret = ask(rig, "GET", where, NULL, 200);
  g_autofree gchar *told = NULL, *flaky = NULL, *said = NULL;
  gboolean understood;
  g_autoptr(JsonObject) result = NULL, data = NULL;
  guint last = 0;
  int code;

  g_mutex_lock(&peer->lock);
  peer->secret = g_strdup(json_object_get_string_member(secret, "secret"));
  g_mutex_unlock(&peer->lock);
  result = call_rig_call(rig, lines, &code);
  g_assert_cmpint(code, ==, 0);
  call_rig_wait_until(rig, analysis_was_heard);
  told = list_heard("/ok", &last);
  said = call_rig_said(result, "user");
  understood = strstr(said, "goodbye") != NULL;
  /* on a machine that is too slow to understand its caller no tool is called */
  g_assert_cmpstr(told, ==,
                  understood ? "call.started tool.called call.ended call.analysed "
                             : "call.started call.ended call.analysed ");
  flaky = list_heard("/flaky", NULL);
  g_assert_cmpstr(flaky, ==, "call.ended call.ended ");
  data = dup_data(last);
  g_assert_cmpstr(json_object_get_string_member(data, "call_sid"), ==,
                  json_object_get_string_member(result, "call_sid"));
  g_assert_cmpstr(json_object_get_string_member(data, "from_number"), ==, "+15551230001");
  g_assert_cmpstr(json_object_get_string_member(data, "direction"), ==, "inbound");
  g_assert_cmpint(json_object_get_int_member(data, "tool_calls"), ==, understood);
  g_assert_cmpint(json_array_get_length(json_object_get_array_member(data, "transcript")), >=,
                  understood ? 3 : 1);
  call_rig_free(rig);
}

static void
test_bad_peers(void)
{
  static const gchar *const paths[] = { "/redirect", "/slow", "/no" };
  CallRig *rig = start_server();
  gchar *ids[G_N_ELEMENTS(paths)];

  for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
    ids[i] = add_webhook(rig, paths[i], "");
    test_webhook(rig, ids[i]);
  }
  call_rig_wait_until(rig, all_are_dead);
  for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
    g_assert_cmpuint(count_heard(peer, paths[i]), ==, 2);
  g_assert_cmpuint(count_heard(peer, "/ok"), ==, 0);
  /* they are kept, and can be sent once more */
  g_mutex_lock(&peer->lock);
  peer->well = TRUE;
  g_mutex_unlock(&peer->lock);
  for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
    g_autofree gchar *path = g_strdup_printf("/api/webhooks/%s/resend", ids[i]);
    g_autoptr(JsonObject) answer = ask(rig, "POST", path, "{}", 202);

    g_assert_cmpint(json_object_get_int_member(answer, "resent"), ==, 1);
    g_free(ids[i]);
  }
  call_rig_wait_until(rig, nothing_is_pending);
  g_assert_cmpuint(count_status(rig, "delivered"), ==, 3);
  call_rig_free(rig);
}

static void
test_kill(void)
{
  CallRig *rig = start_server();
  g_autofree gchar *id = add_webhook(rig, "/slow", "");

  test_webhook(rig, id);
  while (count_heard(peer, "/slow") == 0)
    g_thread_yield();
  call_rig_kill(rig);
  g_mutex_lock(&peer->lock);
  peer->well = TRUE;
  g_mutex_unlock(&peer->lock);
  call_rig_start(rig);
  /* what was under way is due again when its lease is over; who asks for it has it now */
  g_assert_cmpuint(count_status(rig, "pending"), ==, 1);
  {
    g_autofree gchar *path = NULL;
    guint status;
    g_autoptr(JsonNode) rows = call_rig_get(rig, "/api/webhook-deliveries", &status);
    JsonObject *row = json_array_get_object_element(json_node_get_array(rows), 0);

    path = g_strdup_printf("/api/webhook-deliveries/%s/resend",
                           json_object_get_string_member(row, "id"));
    json_object_unref(ask(rig, "POST", path, "{}", 202));
  }
  call_rig_wait_until(rig, nothing_is_pending);
  g_assert_cmpuint(count_heard(peer, "/slow"), ==, 2);
  call_rig_free(rig);
}

static void
test_refused_addresses(void)
{
  static const gchar *const urls[] = {
    "http://10.1.2.3/",      "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]",
    "https://192.168.0.1/x", "http://user:pw@example.org/",   "ftp://example.org/",
    "javascript:alert(1)"
  };
  CallRig *rig = start_server();

  for (guint i = 0; i < G_N_ELEMENTS(urls); i++) {
    g_autofree gchar *body = g_strdup_printf("{\"url\":\"%s\"}", urls[i]);
    g_autoptr(JsonObject) problem = ask(rig, "POST", "/api/webhooks", body, 422);
    JsonArray *errors = json_object_get_array_member(problem, "errors");

    g_assert_cmpstr(
        json_object_get_string_member(json_array_get_object_element(errors, 0), "pointer"), ==,
        "#/url");
  }
  json_object_unref(ask(rig, "POST", "/api/webhooks/nobody/test", "{}", 404));
  json_object_unref(ask(rig, "POST", "/api/webhooks/nobody/resend", "{}", 404));
  json_object_unref(ask(rig, "GET", "/api/webhooks/nobody/secret", NULL, 404));
  json_object_unref(ask(rig, "POST", "/api/webhook-deliveries/nobody/resend", "{}", 404));
  call_rig_free(rig);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  peer = peer_new();
  g_test_add_func("/webhook-calls/a-call-is-told-signed-and-in-order", test_call);
  g_test_add_func("/webhook-calls/who-cannot-be-told-leaves-a-dead-letter", test_bad_peers);
  g_test_add_func("/webhook-calls/a-server-that-is-killed-forgets-nothing", test_kill);
  g_test_add_func("/webhook-calls/private-addresses-are-refused-by-name", test_refused_addresses);
  return g_test_run();
}
