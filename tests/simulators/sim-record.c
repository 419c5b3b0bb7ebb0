/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cord-json.h"
#include "sim-private.h"

/*
 * A recording: what each connection said and heard, both ways, whole and with its times, one file a
 * connection (PROVIDER-0000.jsonl, one JSON object a line); beside it the bytes alone, as .in and
 * .out. Keys are left out.
 */

static const gchar *const secrets[] = { "authorization", "x-api-key", "xi-api-key",
                                        "x-goog-api-key", NULL };

static void
append_header(const char *name, const char *value, gpointer data)
{
  GString *headers = data;
  g_autofree gchar *lower = g_ascii_strdown(name, -1);

  if (headers->len > 1)
    g_string_append_c(headers, ',');
  cord_json_append_string(headers, lower);
  g_string_append_c(headers, ':');
  cord_json_append_string(headers, g_strv_contains(secrets, lower) ? "(hidden)" : value);
}

static gchar *
print_headers(SoupMessageHeaders *headers)
{
  GString *text = g_string_new("{");

  soup_message_headers_foreach(headers, append_header, text);
  g_string_append_c(text, '}');
  return g_string_free(text, FALSE);
}

static void
append_data(GString *line, gconstpointer data, gsize length)
{
  if (g_utf8_validate(data, (gssize)length, NULL)) {
    g_autofree gchar *text = g_strndup(data, length);

    g_string_append(line, ",\"text\":");
    cord_json_append_string(line, text);
  } else {
    g_autofree gchar *encoded = g_base64_encode(data, length);

    g_string_append_printf(line, ",\"base64\":\"%s\"", encoded);
  }
}

static void
append_to(SimConnection *self, const gchar *ending, gconstpointer data, gsize length)
{
  g_autofree gchar *name = g_strdup_printf("%s/%s-%04d.%s", self->server->record,
                                           self->route->provider, self->number, ending);
  FILE *file = fopen(name, "ab");

  if (!file)
    return;
  fwrite(data, 1, length, file);
  fclose(file);
}

/* @more: further members, each with a comma before it, or NULL */
static void
add_line(SimConnection *self, const gchar *direction, const gchar *kind, const gchar *more,
         gconstpointer data, gsize length)
{
  g_autoptr(GString) line = g_string_new(NULL);
  GstClockTime age = cord_worker_get_time(self->server->worker) - self->born;

  g_string_printf(line, "{\"at_us\":%" G_GUINT64_FORMAT ",\"direction\":\"%s\",\"kind\":\"%s\"%s",
                  age / GST_USECOND, direction, kind, more ? more : "");
  append_data(line, data ? data : "", length);
  g_string_append(line, "}\n");
  append_to(self, "jsonl", line->str, line->len);
}

void
sim_record(SimConnection *self, const gchar *direction, const gchar *kind, gconstpointer data,
           gsize length)
{
  if (!self->server->record)
    return;
  if (!g_str_equal(kind, "close"))
    append_to(self, direction, data, length);
  add_line(self, direction, kind, NULL, data, length);
}

static gchar *
print_path(GUri *uri)
{
  const gchar *query = g_uri_get_query(uri);

  return g_strconcat(g_uri_get_path(uri), query ? "?" : NULL, query, NULL);
}

void
sim_record_request(SimConnection *self, SoupServerMessage *message, GBytes *body)
{
  g_autofree gchar *uri = NULL, *quoted = NULL, *headers = NULL, *more = NULL;
  gsize length;
  const gchar *data = g_bytes_get_data(body, &length);

  if (!self->server->record)
    return;
  uri = print_path(soup_server_message_get_uri(message));
  quoted = sim_quote(uri);
  headers = print_headers(soup_server_message_get_request_headers(message));
  more = g_strdup_printf(",\"method\":\"%s\",\"uri\":%s,\"headers\":%s",
                         soup_server_message_get_method(message), quoted, headers);
  append_to(self, "in", data, length);
  add_line(self, "in", "request", more, data, length);
}

/* @kind: "head", or "answer" when the body is with it */
void
sim_record_answer(SimConnection *self, SoupServerMessage *message, const gchar *kind,
                  gconstpointer data, gsize length)
{
  g_autofree gchar *headers = NULL, *more = NULL;

  if (!self->server->record)
    return;
  headers = print_headers(soup_server_message_get_response_headers(message));
  more = g_strdup_printf(",\"status\":%u,\"headers\":%s", soup_server_message_get_status(message),
                         headers);
  append_to(self, "out", data, length);
  add_line(self, "out", kind, more, data, length);
}

void
sim_record_close(SimConnection *self, guint16 code, const gchar *reason)
{
  g_autofree gchar *more = g_strdup_printf(",\"code\":%u", code);

  if (self->server->record)
    add_line(self, "out", "close", more, reason ? reason : "", reason ? strlen(reason) : 0);
}
