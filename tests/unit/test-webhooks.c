/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>

#include "cord-deliveries.h"
#include "cord-test-store.h"
#include "cord-webhook-sign.h"
#include "cord-webhooks.h"
#include "http-peer.h"

#define KEYS "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define NO "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
#define YES "HTTP/1.1 204 No Content\r\n\r\n"

/* ---- signatures ---- */

static void
test_published_signature(void)
{
  /* the example of the Standard Webhooks specification */
  g_autofree gchar *signature = cord_webhook_sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                                  1614265330, "{\"test\": 2432232314}");

  g_assert_cmpstr(signature, ==, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void
test_plain_secret(void)
{
  g_autofree gchar *signature = cord_webhook_sign("plain secret of sixteen", "id", 1, "{}");

  g_assert_cmpstr(signature, ==, "v1,2Cxjw/V090Jgx+3YJ4FnFlKBbul3AwsO6TsPYP12Gkw=");
}

static void
test_verify(void)
{
  g_autofree gchar *signature = cord_webhook_sign(SECRET, "id", 1000, "{}");
  g_autofree gchar *several = g_strconcat("v1,bm90aGluZw== ", signature, NULL);

  g_assert_true(cord_webhook_verify(SECRET, "id", "1000", signature, "{}", 1300));
  g_assert_true(cord_webhook_verify(SECRET, "id", "1000", several, "{}", 700));
  g_assert_false(cord_webhook_verify(SECRET, "id", "1000", signature, "{}", 1301));
  g_assert_false(cord_webhook_verify(SECRET, "id", "1000", signature, "{}", 699));
  g_assert_false(cord_webhook_verify(SECRET, "id", "1001", signature, "{}", 1000));
  g_assert_false(cord_webhook_verify(SECRET, "id2", "1000", signature, "{}", 1000));
  g_assert_false(cord_webhook_verify(SECRET, "id", "1000", signature, "{ }", 1000));
  g_assert_false(cord_webhook_verify("whsec_AAAA", "id", "1000", signature, "{}", 1000));
  g_assert_false(cord_webhook_verify(SECRET, "id", "soon", signature, "{}", 1000));
  g_assert_false(cord_webhook_verify(SECRET, "id", "1000", "", "{}", 1000));
}

static void
test_new_secrets(void)
{
  g_autofree gchar *one = cord_webhook_new_secret();
  g_autofree gchar *other = cord_webhook_new_secret();
  gsize size;
  g_autofree guchar *key = g_base64_decode(one + strlen("whsec_"), &size);

  g_assert_true(g_str_has_prefix(one, "whsec_"));
  g_assert_cmpuint(size, ==, 32);
  g_assert_cmpstr(one, !=, other);
}

/* ---- when to try again ---- */

static void
test_plan(void)
{
  static const gint64 waits[] = {
    5000, 25000, 125000, 625000, 3125000, 15625000, 43200000, 43200000
  };
  const CordWebhookPlan plan = { .attempts = 9, .first_retry_ms = 5000 };
  gint64 virtual_now = 0;

  for (guint i = 0; i < G_N_ELEMENTS(waits); i++) {
    gint64 wait = cord_webhook_plan_retry_ms(&plan, i + 1, 500, -1, 0);

    g_assert_cmpint(wait, ==, waits[i]);
    virtual_now += wait;
    g_assert_cmpint(cord_webhook_plan_retry_ms(&plan, i + 1, 0, -1, 1), ==,
                    waits[i] + waits[i] / 5);
  }
  /* more than a day, less than two */
  g_assert_cmpint(virtual_now, >, G_GINT64_CONSTANT(24) * 3600 * 1000);
  g_assert_cmpint(virtual_now, <, G_GINT64_CONSTANT(48) * 3600 * 1000);
  g_assert_cmpint(cord_webhook_plan_retry_ms(&plan, 9, 500, -1, 0), ==, -1);
  g_assert_cmpint(cord_webhook_plan_retry_ms(&plan, 1, 410, -1, 0), ==, -1);
  g_assert_cmpint(cord_webhook_plan_retry_ms(&plan, 1, 429, 60000, 0), ==, 60000);
  g_assert_cmpint(cord_webhook_plan_retry_ms(&plan, 3, 503, 60000, 0), ==, 125000);
  g_assert_cmpint(cord_webhook_plan_retry_ms(&plan, 1, 503, G_MAXINT64, 0), ==,
                  CORD_WEBHOOK_LONGEST_RETRY);
}

/* ---- telling ---- */

typedef struct {
  gchar *dir, *path;
  CordStore *store;
  CordVault *vault;
  CordAddressGuard *guard;
  CordWorker *worker;
  HttpPeer peer;
  CordWebhooks *webhooks;
  CordWebhookOptions options;
} Fixture;

static gboolean
run_sql(CordDatabase *database, gpointer data, GError **error)
{
  return cord_database_script(database, data, error);
}

static void
sql(Fixture *f, const gchar *text)
{
  g_autoptr(GError) error = NULL;

  cord_store_run(f->store, run_sql, (gpointer)text, &error);
  g_assert_no_error(error);
}

typedef struct {
  const gchar *sql;
  CordRows *rows;
} Query;

static gboolean
run_query(CordDatabase *database, gpointer data, GError **error)
{
  Query *query = data;

  query->rows = cord_database_query(database, query->sql, CORD_NO_PARAMS, error);
  return query->rows != NULL;
}

static gchar *
ask(Fixture *f, const gchar *text)
{
  Query query = { text };
  g_autoptr(GError) error = NULL;
  gchar *answer;

  cord_store_run(f->store, run_query, &query, &error);
  g_assert_no_error(error);
  answer = cord_rows_length(query.rows) > 0 ? g_strdup(cord_rows_get(query.rows, 0, 0)) : NULL;
  cord_rows_free(query.rows);
  return answer;
}

static void
add_webhook(Fixture *f, const gchar *id, const gchar *url)
{
  g_autofree gchar *sealed = cord_vault_seal(f->vault, CORD_VAULT_WEBHOOK, SECRET, NULL);
  g_autofree gchar *text = g_strdup_printf(
      "INSERT INTO webhooks (id, url, sealed_secret, created_at, updated_at) VALUES "
      "('%s', '%s', '%s', '2026', '2026')",
      id, url, sealed);

  sql(f, text);
}

static void
add_delivery(Fixture *f, const gchar *id, const gchar *webhook, const gchar *call, guint seq)
{
  g_autofree gchar *now = cord_store_now();
  g_autofree gchar *text = g_strdup_printf(
      "INSERT INTO webhook_deliveries (id, webhook_id, event, call_id, body, status, "
      "next_attempt, seq, created_at, updated_at) VALUES "
      "('%s', '%s', 'call.started', '%s', '{\"n\":%u}', 'pending', '%s', %u, '%s', '%s')",
      id, webhook, call, seq, now, seq, now, now);

  sql(f, text);
}

static void
setup(Fixture *f, gconstpointer data)
{
  g_autofree gchar *url = NULL;

  f->dir = test_dir_new();
  f->path = g_build_filename(f->dir, "webhooks.db", NULL);
  f->store = test_store_new(f->path);
  f->vault = cord_vault_new(KEYS, NULL);
  f->guard = cord_address_guard_new(data ? data : "127.0.0.0/8", NULL);
  f->worker = cord_worker_new_manual();
  f->options = (CordWebhookOptions){ .plan = { .attempts = 3, .first_retry_ms = 1 },
                                     .at_once = 4,
                                     .timeout_ms = 10000,
                                     .keep_days = 30 };
  http_peer_init(&f->peer, f->worker);
  url = http_peer_url(&f->peer, "http", "/hook?a=b");
  add_webhook(f, "w1", url);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  CordWebhooks *held = f->webhooks;

  /* what they have asked the store for is still to be answered */
  if (held) {
    g_object_add_weak_pointer(G_OBJECT(held), (gpointer *)&held);
    cord_webhooks_stop(f->webhooks);
    g_clear_object(&f->webhooks);
  }
  while (held)
    g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  http_peer_clear(&f->peer);
  g_object_unref(f->worker);
  g_object_unref(f->store);
  cord_vault_free(f->vault);
  cord_address_guard_free(f->guard);
  test_dir_remove(f->dir);
  g_free(f->dir);
  g_free(f->path);
}

static void
begin(Fixture *f)
{
  f->webhooks = cord_webhooks_new(f->store, f->vault, f->guard, &f->options, f->worker);
}

/* The webhooks' clock goes on while nobody comes. */
static void
accept_next(Fixture *f)
{
  struct pollfd waiting = { .fd = f->peer.listener, .events = POLLIN };

  while (poll(&waiting, 1, 1) == 0)
    cord_worker_advance(f->worker, 10 * GST_MSECOND);
  http_peer_accept(&f->peer);
}

/* Waits in the webhooks' time until a question has that answer. */
static void
wait_for(Fixture *f, const gchar *question, const gchar *wanted)
{
  for (;;) {
    g_autofree gchar *answer = ask(f, question);

    if (g_strcmp0(answer, wanted) == 0)
      return;
    cord_worker_advance(f->worker, 10 * GST_MSECOND);
  }
}

static gchar *
header(const gchar *head, const gchar *name)
{
  g_autofree gchar *wanted = g_strdup_printf("\r\n%s: ", name);
  const gchar *at = strstr(head, wanted);

  g_assert_nonnull(at);
  at += strlen(wanted);
  return g_strndup(at, strcspn(at, "\r"));
}

/* One request, answered; its id. */
static gchar *
take_request(Fixture *f, const gchar *answer)
{
  g_autofree gchar *head = NULL, *length = NULL, *body = NULL, *id = NULL, *time = NULL;
  g_autofree gchar *signature = NULL;

  accept_next(f);
  head = http_peer_read_head(&f->peer);
  g_assert_true(g_str_has_prefix(head, "POST /hook?a=b HTTP/1.1\r\n"));
  length = header(head, "Content-Length");
  body = http_peer_read(&f->peer, (gsize)g_ascii_strtoull(length, NULL, 10));
  id = header(head, "webhook-id");
  time = header(head, "webhook-timestamp");
  signature = header(head, "webhook-signature");
  g_assert_true(
      cord_webhook_verify(SECRET, id, time, signature, body, g_get_real_time() / G_USEC_PER_SEC));
  if (answer)
    http_peer_write(&f->peer, answer);
  return g_steal_pointer(&id);
}

static void
test_order(Fixture *f, gconstpointer data)
{
  add_delivery(f, "d1", "w1", "c1", 1);
  add_delivery(f, "d2", "w1", "c1", 2);
  add_delivery(f, "d3", "w1", "c1", 3);
  begin(f);
  for (guint i = 1; i <= 3; i++) {
    g_autofree gchar *id = take_request(f, NULL);
    g_autofree gchar *wanted = g_strdup_printf("d%u", i);
    g_autofree gchar *pending = ask(f, "SELECT COUNT(*) FROM webhook_deliveries WHERE attempts > 0 "
                                       "AND status = 'pending'");

    g_assert_cmpstr(id, ==, wanted);
    /* nobody hears the middle of a call before its beginning */
    g_assert_cmpstr(pending, ==, "1");
    http_peer_write(&f->peer, YES);
  }
  wait_for(f, "SELECT COUNT(*) FROM webhook_deliveries WHERE status = 'delivered'", "3");
}

static void
test_retry(Fixture *f, gconstpointer data)
{
  g_autofree gchar *first = NULL, *second = NULL, *error = NULL;
  CordWebhookCounts counts;

  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  first = take_request(f, NO);
  wait_for(f, "SELECT response_status FROM webhook_deliveries WHERE id = 'd1'", "500");
  error = ask(f, "SELECT last_error FROM webhook_deliveries WHERE id = 'd1'");
  g_assert_cmpstr(error, ==, "it answered 500");
  second = take_request(f, YES);
  g_assert_cmpstr(first, ==, second);
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE id = 'd1' AND attempts = 2",
           "delivered");
  cord_webhooks_get_counts(f->webhooks, &counts);
  g_assert_cmpuint(counts.delivered, ==, 1);
  g_assert_cmpuint(counts.failed, ==, 1);
  g_assert_cmpuint(counts.dead, ==, 0);
}

static void
test_dead(Fixture *f, gconstpointer data)
{
  g_autofree gchar *error = NULL, *last = NULL;

  add_delivery(f, "d1", "w1", "c1", 1);
  add_delivery(f, "d2", "w1", "c1", 2);
  begin(f);
  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *id = take_request(f, NO);

    g_assert_cmpstr(id, ==, "d1");
  }
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE id = 'd1'", "dead");
  /* what cannot be told is in nobody's way for ever */
  last = take_request(f, YES);
  g_assert_cmpstr(last, ==, "d2");
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE id = 'd2'", "delivered");
  cord_deliveries_resend_dead_async(f->store, "w1", NULL, NULL);
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE id = 'd1'", "pending");
  cord_webhooks_wake(f->webhooks);
  g_free(take_request(f, YES));
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE id = 'd1'", "delivered");
  error = ask(f, "SELECT last_error FROM webhook_deliveries WHERE id = 'd1'");
  g_assert_null(error);
}

static void
test_gone(Fixture *f, gconstpointer data)
{
  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  g_free(take_request(f, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"));
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE attempts = 1", "dead");
}

static void
test_redirect(Fixture *f, gconstpointer data)
{
  g_autofree gchar *url = http_peer_url(&f->peer, "http", "/elsewhere");
  g_autofree gchar *answer = g_strdup_printf(
      "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", url);

  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  /* whoever comes next comes to the same address: take_request() looks */
  for (guint i = 0; i < 3; i++)
    g_free(take_request(f, answer));
  wait_for(f,
           "SELECT status FROM webhook_deliveries WHERE last_error = "
           "'it answered 307, and redirections are not followed'",
           "dead");
}

static void
test_late(Fixture *f, gconstpointer data)
{
  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  g_free(take_request(f, NULL));
  cord_worker_advance(f->worker, 9 * GST_SECOND);
  g_free(ask(f, "SELECT 1"));
  cord_worker_advance(f->worker, 2 * GST_SECOND);
  wait_for(f, "SELECT last_error FROM webhook_deliveries", "it did not answer in time");
  g_free(take_request(f, YES));
  wait_for(f, "SELECT status FROM webhook_deliveries", "delivered");
}

/* An answer that never ends is a yes when it begins with one, and is not waited for. */
static void
test_endless(Fixture *f, gconstpointer data)
{
  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  g_free(take_request(f, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nyes"));
  wait_for(f, "SELECT status FROM webhook_deliveries", "delivered");
}

static void
test_broken(Fixture *f, gconstpointer data)
{
  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  g_free(take_request(f, "this is no HTTP\r\n\r\n"));
  http_peer_hang_up(&f->peer);
  wait_for(f, "SELECT attempts FROM webhook_deliveries WHERE last_error IS NOT NULL", "1");
  g_free(take_request(f, YES));
  wait_for(f, "SELECT status FROM webhook_deliveries", "delivered");
}

static void
test_private(Fixture *f, gconstpointer data)
{
  struct pollfd waiting = { .fd = f->peer.listener, .events = POLLIN };

  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE last_error LIKE '%private%'", "dead");
  g_assert_cmpint(poll(&waiting, 1, 0), ==, 0);
}

static void
test_lost_secret(Fixture *f, gconstpointer data)
{
  sql(f, "UPDATE webhooks SET sealed_secret = 'nothing'");
  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  wait_for(f, "SELECT status FROM webhook_deliveries WHERE last_error LIKE '%set a new one%'",
           "dead");
}

static void
test_inactive(Fixture *f, gconstpointer data)
{
  sql(f, "UPDATE webhooks SET is_active = FALSE");
  add_delivery(f, "d1", "w1", "c1", 1);
  begin(f);
  wait_for(f, "SELECT attempts FROM webhook_deliveries", "0");
  for (guint i = 0; i < 100; i++)
    cord_worker_advance(f->worker, GST_SECOND);
  wait_for(f, "SELECT attempts FROM webhook_deliveries", "0");
  sql(f, "UPDATE webhooks SET is_active = TRUE");
  g_free(take_request(f, YES));
  wait_for(f, "SELECT status FROM webhook_deliveries", "delivered");
}

/* Two servers on one store: each event is told once. */
static void
test_two_servers(Fixture *f, gconstpointer data)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(CordStore) another = test_store_new(f->path);
  CordWebhooks *other;
  CordWebhookCounts a, b;

  for (guint i = 0; i < 40; i++) {
    g_autofree gchar *id = g_strdup_printf("d%u", i);
    g_autofree gchar *call = g_strdup_printf("c%u", i / 2);

    add_delivery(f, id, "w1", call, i);
  }
  begin(f);
  other = cord_webhooks_new(another, f->vault, f->guard, &f->options, f->worker);
  for (guint i = 0; i < 40; i++)
    g_assert_true(g_hash_table_add(seen, take_request(f, YES)));
  wait_for(f, "SELECT COUNT(*) FROM webhook_deliveries WHERE status = 'delivered' AND attempts = 1",
           "40");
  cord_webhooks_get_counts(f->webhooks, &a);
  cord_webhooks_get_counts(other, &b);
  g_assert_cmpuint(a.delivered + b.delivered, ==, 40);
  cord_webhooks_stop(other);
  g_object_unref(other);
}

static void
on_result(GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref(result);
}

static CordDeliveryBatch *
take(Fixture *f, guint lease_ms)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  CordDeliveryBatch *batch;

  cord_deliveries_take_async(f->store, 4, 4, "", lease_ms, on_result, &result);
  while (result == NULL)
    g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  batch = cord_deliveries_take_finish(f->store, result, &error);
  g_assert_no_error(error);
  return batch;
}

/* What a server that died had taken is due again when its lease is over, and what that server has
 * to say of it after all changes nothing. */
static void
test_lease(Fixture *f, gconstpointer data)
{
  g_autoptr(CordDeliveryBatch) first = NULL, none = NULL, again = NULL;
  CordDeliveryOutcome *late = g_new0(CordDeliveryOutcome, 1);
  g_autofree gchar *status = NULL;

  add_delivery(f, "d1", "w1", "c1", 1);
  first = take(f, 60000);
  none = take(f, 60000);
  g_assert_cmpuint(first->deliveries->len, ==, 1);
  g_assert_cmpuint(none->deliveries->len, ==, 0);
  sql(f, "UPDATE webhook_deliveries SET next_attempt = '2000'");
  again = take(f, 60000);
  g_assert_cmpuint(again->deliveries->len, ==, 1);
  g_assert_cmpuint(((CordDelivery *)again->deliveries->pdata[0])->attempts, ==, 2);
  late->id = g_strdup("d1");
  late->attempts = 1;
  late->error = g_strdup("too late");
  late->retry_ms = -1;
  cord_deliveries_settle_async(f->store, late, NULL, NULL);
  status = ask(f, "SELECT status FROM webhook_deliveries");
  g_assert_cmpstr(status, ==, "pending");
}

static void
add(const gchar *name, void (*test)(Fixture *, gconstpointer))
{
  g_test_add(name, Fixture, NULL, setup, test, teardown);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  /* a dead letter is worth a warning */
  g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_test_add_func("/webhooks/the-published-signature-is-ours", test_published_signature);
  g_test_add_func("/webhooks/a-secret-without-prefix-is-the-key", test_plain_secret);
  g_test_add_func("/webhooks/only-what-is-signed-now-is-believed", test_verify);
  g_test_add_func("/webhooks/new-secrets-are-new", test_new_secrets);
  g_test_add_func("/webhooks/who-could-not-be-told-is-told-ever-later", test_plan);
  add("/webhooks/a-call-is-told-in-its-order", test_order);
  add("/webhooks/a-no-is-tried-again-under-the-same-id", test_retry);
  add("/webhooks/after-the-last-attempt-it-is-a-dead-letter-that-can-be-resent", test_dead);
  add("/webhooks/who-is-gone-is-not-told-again", test_gone);
  add("/webhooks/redirections-are-not-followed", test_redirect);
  add("/webhooks/who-does-not-answer-is-not-waited-for", test_late);
  add("/webhooks/an-answer-that-never-ends-is-one", test_endless);
  add("/webhooks/what-is-no-answer-is-tried-again", test_broken);
  g_test_add("/webhooks/private-addresses-get-no-packet", Fixture, "10.0.0.0/8", setup,
             test_private, teardown);
  add("/webhooks/without-its-secret-nothing-is-told", test_lost_secret);
  add("/webhooks/one-that-is-not-active-waits", test_inactive);
  add("/webhooks/two-servers-tell-each-event-once", test_two_servers);
  add("/webhooks/what-a-dead-server-had-taken-is-due-again", test_lease);
  return g_test_run();
}
