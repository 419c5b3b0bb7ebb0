/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "cord-http-guard.h"

#define MAX_BODY 1000 /* bytes */
#define H "Host: localhost\r\n"
#define POST "POST /x HTTP/1.1\r\n" H

/* Feeds all of it, in pieces of the given size; returns how much was looked at. */
static gsize
feed(CordHttpGuard *guard, const gchar *text, gsize length, gsize piece, GByteArray *passed)
{
  gsize at = 0;

  while (at < length) {
    gsize n = MIN(piece, length - at);
    gsize used = cord_http_guard_feed(guard, (const guint8 *)text + at, n, passed);

    at += used;
    if (used < n)
      break;
  }
  return at;
}

static void
assert_phase(const gchar *text, gsize length, CordHttpPhase phase, guint status)
{
  const gsize pieces[] = { 1, 7, G_MAXSIZE };

  for (guint i = 0; i < G_N_ELEMENTS(pieces); i++) {
    g_autoptr(GByteArray) passed = g_byte_array_new();
    g_autofree gchar *shown = NULL;
    CordHttpGuard guard;

    cord_http_guard_init(&guard, MAX_BODY);
    feed(&guard, text, length, pieces[i], passed);
    shown = g_strescape(text, NULL);
    g_test_message("%.80s in pieces of %zu: %s", shown, pieces[i],
                   guard.reason ? guard.reason : "");
    g_assert_cmpint(guard.phase, ==, phase);
    if (phase == CORD_HTTP_REFUSED)
      g_assert_cmpuint(guard.status, ==, status);
    else
      g_assert_cmpmem(passed->data, passed->len, text, length);
    cord_http_guard_clear(&guard);
  }
}

static void
assert_refused(const gchar *text, guint status)
{
  assert_phase(text, strlen(text), CORD_HTTP_REFUSED, status);
}

static void
test_whole(void)
{
  static const gchar *const good[] = {
    "GET / HTTP/1.1\r\n" H "\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET /a..b/...?c=/../d HTTP/1.1\r\n" H "\r\n",
    "OPTIONS * HTTP/1.1\r\n" H "\r\n",
    "GET http://localhost/x HTTP/1.1\r\n" H "\r\n",
    "GET /a%20b?x=%2F&y='z' HTTP/1.1\r\nHost: [::1]:8000\r\nX: \t caf\xc3\xa9 \t\r\n\r\n",
    POST "Content-Length: 3\r\n\r\nabc",
    POST "Content-Length: 0\r\n\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;q=1\r\n0123456789\r\n000\r\nT: x\r\n\r\n",
    POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na",
    "POST /x HTTP/1.1\r\n" H "Upgrade: websocket\r\nContent-Length: 1\r\n\r\na",
  };

  for (guint i = 0; i < G_N_ELEMENTS(good); i++)
    assert_phase(good[i], strlen(good[i]), CORD_HTTP_ANSWER, 0);
}

static void
test_smuggling(void)
{
  static const gchar *const bad[] = {
    POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    POST "Content-Length: 3, 3\r\n\r\nabc",
    POST "Content-Length: +3\r\n\r\nabc",
    POST "Content-Length: 0x3\r\n\r\nabc",
    POST "Content-Length: -1\r\n\r\n",
    POST "Content-Length:\r\n\r\n",
    POST "Content-Length: 99999999999999999999999\r\n\r\n",
    POST "Content-Length : 3\r\n\r\nabc",
    POST " Content-Length: 3\r\n\r\nabc",
    POST "X: y\r\n folded\r\n\r\n",
    POST "X: y\n\r\n\r\n",
    POST "X: y\rZ: 1\r\n\r\n",
    POST "no colon\r\n\r\n",
    POST ": no name\r\n\r\n",
    "GET / HTTP/1.1\n"
    "Host: x\n\n",
    "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
    POST "Transfer-Encoding: chunked\r\n\r\n0\r\nT: x\n\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    assert_refused(bad[i], 400);
  assert_refused(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
  assert_refused(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501);
  assert_phase(POST "X: a\0b\r\n\r\n", sizeof(POST "X: a\0b\r\n\r\n") - 1, CORD_HTTP_REFUSED, 400);
}

static void
test_first_line(void)
{
  assert_refused("GET /\r\n\r\n", 400);
  assert_refused("GET  / HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET / x HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("G(T / HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET x HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /#a HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /% HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /%0 HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /%00 HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /a/../b HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /a/..%2fb HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /a/%2E%2E HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400);
  assert_refused("GET / HTTP/1.2\r\n" H "\r\n", 505);
  assert_refused("PRI * HTTP/2.0\r\n\r\n", 505);
  assert_refused("GET / http/1.1\r\n" H "\r\n", 505);
}

static void
test_host(void)
{
  assert_refused("GET / HTTP/1.1\r\n\r\n", 400);
  assert_refused("GET / HTTP/1.1\r\n" H H "\r\n", 400);
  assert_refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
  assert_refused("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400);
  assert_refused("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400);
  assert_refused("GET / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 417);
}

static void
test_too_much(void)
{
  g_autofree gchar *filler = g_strnfill(20000, 'x');
  g_autofree gchar *head = g_strconcat("GET / HTTP/1.1\r\nX: ", filler, "\r\n\r\n", NULL);
  g_autofree gchar *line = g_strdup_printf("GET /%.9000s HTTP/1.1\r\n" H "\r\n", filler);
  g_autofree gchar *extension =
      g_strdup_printf(POST "Transfer-Encoding: chunked\r\n\r\n1;%.300s\r\n", filler);
  g_autofree gchar *trailers =
      g_strdup_printf(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nT: %.5000s\r\n\r\n", filler);
  g_autoptr(GString) headers = g_string_new("GET / HTTP/1.1\r\n" H);

  for (guint i = 0; i < 100; i++)
    g_string_append(headers, "A: b\r\n");
  g_string_append(headers, "\r\n");
  assert_refused(head, 431);
  assert_refused(line, 414);
  assert_refused(headers->str, 431);
  assert_refused(extension, 400);
  assert_refused(trailers, 431);
  assert_refused(POST "Content-Length: 1001\r\n\r\n", 413);
  assert_refused(POST "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413);
  assert_refused(POST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", 413);
  assert_refused(POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3e8\r\n", 413);
}

static void
test_one_at_a_time(void)
{
  static const gchar two[] = "GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n";
  gsize half = (sizeof two - 1) / 2, used;
  g_autoptr(GByteArray) passed = g_byte_array_new();
  CordHttpGuard guard;

  cord_http_guard_init(&guard, MAX_BODY);
  used = cord_http_guard_feed(&guard, (const guint8 *)two, sizeof two - 1, passed);
  g_assert_cmpuint(used, ==, half);
  g_assert_cmpint(guard.phase, ==, CORD_HTTP_ANSWER);
  g_assert_cmpuint(cord_http_guard_feed(&guard, (const guint8 *)two + half, half, passed), ==, 0);
  cord_http_guard_next(&guard);
  g_assert_cmpint(guard.phase, ==, CORD_HTTP_IDLE);
  g_assert_cmpuint(cord_http_guard_feed(&guard, (const guint8 *)two + half, half, passed), ==,
                   half);
  g_assert_cmpmem(passed->data, passed->len, two, sizeof two - 1);
  cord_http_guard_clear(&guard);
}

static void
test_upgrade(void)
{
  static const gchar upgrade[] =
      "GET /ws HTTP/1.1\r\n" H "Upgrade: websocket\r\n\r\n\x81\x80 frames";

  assert_phase(upgrade, sizeof upgrade - 1, CORD_HTTP_PASS, 0);
}

static void
test_half(void)
{
  static const gchar half[] = "GET / HTTP/1.1\r\n" H;
  g_autoptr(GByteArray) passed = g_byte_array_new();
  CordHttpGuard guard;

  cord_http_guard_init(&guard, MAX_BODY);
  g_assert_cmpuint(feed(&guard, "\r\n\r\n", 4, 1, passed), ==, 4);
  g_assert_cmpint(guard.phase, ==, CORD_HTTP_IDLE);
  feed(&guard, half, sizeof half - 1, 5, passed);
  g_assert_cmpint(guard.phase, ==, CORD_HTTP_HEAD);
  g_assert_cmpuint(passed->len, ==, 0);
  cord_http_guard_clear(&guard);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/http-guard/a good request passes unchanged", test_whole);
  g_test_add_func("/http-guard/framing that could be read in two ways is refused", test_smuggling);
  g_test_add_func("/http-guard/a first line that is none is refused", test_first_line);
  g_test_add_func("/http-guard/there is one host and it is one", test_host);
  g_test_add_func("/http-guard/too much of anything is refused", test_too_much);
  g_test_add_func("/http-guard/the next request waits for the answer", test_one_at_a_time);
  g_test_add_func("/http-guard/after a WebSocket's handshake everything passes", test_upgrade);
  g_test_add_func("/http-guard/of half a head nothing passes", test_half);
  return g_test_run();
}
