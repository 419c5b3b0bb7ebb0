/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-sse.h"

#include <string.h>

#include "cord-error.h"

typedef struct {
  const gchar *name;
  const gchar *stream;
  const gchar *events; /* type=data; … */
} Case;

static const Case cases[] = {
  { "one line of data", "data: a\n\n", "message=a;" },
  { "no space after the colon", "data:a\n\n", "message=a;" },
  { "only the first space goes", "data:  a \n\n", "message= a ;" },
  { "lines are joined", "data: a\ndata: b\n\n", "message=a\nb;" },
  { "an empty line of data", "data\ndata\n\n", "message=\n;" },
  { "an event with empty data", "data:\n\n", "message=;" },
  { "no data, no event", "event: x\n\ndata: a\n\n", "message=a;" },
  { "a type is for one event", "event: x\ndata: a\n\ndata: b\n\n", "x=a;message=b;" },
  { "the last type counts", "event: x\nevent: y\ndata: a\n\n", "y=a;" },
  { "comments are skipped", ": ping\n\n:\ndata: a\n\n", "message=a;" },
  { "unknown fields are skipped", "id: 4\nretry: 10\ndatum: x\ndata: a\nDATA: b\n\n",
    "message=a;" },
  { "carriage returns", "data: a\r\rdata: b\r\r", "message=a;message=b;" },
  { "both", "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", "message=a\nb;message=c;" },
  { "a mixture", "data: a\r\n\ndata: b\n\rdata: c\r\r\n", "message=a;message=b;message=c;" },
  { "a byte order mark",
    "\xef\xbb\xbf"
    "data: a\n\n",
    "message=a;" },
  { "a byte order mark further on is text",
    "data: a\n\n\xef\xbb\xbf"
    "data: b\n\n",
    "message=a;" },
  { "an event without an end is none", "data: a\n\ndata: b\n", "message=a;" },
  { "UTF-8", "data: \xc3\xa4\xe2\x82\xac\n\n", "message=\xc3\xa4\xe2\x82\xac;" },
  { "bytes that are not", "data: \xff-\n\n", "message=\xef\xbf\xbd-;" },
  { "no field at all", "\n\n\n", "" },
  { "a colon in the data", "data: {\"a\":1}\n\n", "message={\"a\":1};" },
};

static gboolean
on_event(const gchar *event, const gchar *data, gpointer user_data)
{
  g_string_append_printf(user_data, "%s=%s;", event, data);
  return TRUE;
}

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  gsize length = strlen(c->stream);

  /* cut in two at every byte, and into single bytes */
  for (gsize cut = 0; cut <= length + 1; cut++) {
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    CordSseParser parser;

    cord_sse_parser_init(&parser, 0);
    if (cut <= length) {
      g_assert_true(cord_sse_parser_feed(&parser, c->stream, cut, on_event, heard, &error));
      g_assert_true(
          cord_sse_parser_feed(&parser, c->stream + cut, length - cut, on_event, heard, &error));
    } else {
      for (gsize i = 0; i < length; i++)
        g_assert_true(cord_sse_parser_feed(&parser, c->stream + i, 1, on_event, heard, &error));
    }
    g_assert_cmpstr(heard->str, ==, c->events);
    cord_sse_parser_clear(&parser);
  }
}

static gboolean
stop(const gchar *event, const gchar *data, gpointer user_data)
{
  (*(guint *)user_data)++;
  return FALSE;
}

static void
test_stop(void)
{
  CordSseParser parser;
  guint n = 0;

  cord_sse_parser_init(&parser, 0);
  g_assert_true(cord_sse_parser_feed(&parser, "data: a\n\ndata: b\n\n", 18, stop, &n, NULL));
  g_assert_cmpuint(n, ==, 1);
  cord_sse_parser_clear(&parser);
  cord_sse_parser_clear(&parser);
}

static void
test_bound(gconstpointer data)
{
  const gchar *line = data;
  g_autoptr(GString) heard = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  CordSseParser parser;
  guint n = 0;

  cord_sse_parser_init(&parser, 1000);
  while (n < 1000 && cord_sse_parser_feed(&parser, line, strlen(line), on_event, heard, &error))
    n++;
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
  g_assert_cmpuint(n, <, 1000);
  g_assert_cmpuint(parser.line->len + parser.data->len, <=, 1000);
  cord_sse_parser_clear(&parser);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *path = g_strconcat("/sse/cut anywhere/", cases[i].name, NULL);

    g_test_add_data_func(path, &cases[i], test_case);
  }
  g_test_add_func("/sse/a consumer stops the reading", test_stop);
  g_test_add_data_func("/sse/a line without end is refused", "data: aaaaaaaa", test_bound);
  g_test_add_data_func("/sse/an event without end is refused", "data: aaaa\n", test_bound);
  return g_test_run();
}
