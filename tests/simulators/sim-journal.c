/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-private.h"

#define MAX_ENTRIES 20000
#define MAX_SHOWN 4096 /* bytes of a message */

/* What was said, both ways, as JSON texts. */

static gchar *
show(gconstpointer data, gsize length)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *encoded = NULL;

  if (g_utf8_validate(data, (gssize)length, NULL) && memchr(data, 0, length) == NULL) {
    text = g_utf8_substring(data, 0, g_utf8_strlen(data, (gssize)MIN(length, MAX_SHOWN)));
    return sim_quote(text);
  }
  encoded = g_base64_encode(data, MIN(length, MAX_SHOWN));
  return g_strdup_printf("{\"base64\":\"%s\"}", encoded);
}

static void
add_entry(SimServer *server, gchar *entry)
{
  if (!server->quiet && server->journal->len < MAX_ENTRIES)
    g_ptr_array_add(server->journal, entry);
  else
    g_free(entry);
}

static void
add(SimServer *server, const gchar *provider, gint connection, const gchar *direction,
    const gchar *kind, gconstpointer data, gsize length)
{
  g_autofree gchar *shown = NULL;

  if (server->quiet || server->journal->len >= MAX_ENTRIES)
    return;
  shown = show(data ? data : "", length);
  add_entry(server, g_strdup_printf("{\"provider\":\"%s\",\"connection\":%d,\"direction\":\"%s\","
                                    "\"kind\":\"%s\",\"bytes\":%" G_GSIZE_FORMAT ",\"data\":%s}",
                                    provider, connection, direction, kind, length, shown));
}

void
sim_journal_add(SimConnection *self, const gchar *direction, const gchar *kind, gconstpointer data,
                gsize length)
{
  if (g_str_equal(direction, "in"))
    sim_record(self, direction, kind, data, length);
  add(self->server, self->route->provider, self->index, direction, kind, data, length);
}

/* What a module does of itself, outside of any connection that was made to it. */
void
sim_server_note(SimServer *self, const gchar *provider, gint connection, const gchar *kind,
                const gchar *text)
{
  add(self, provider, connection, "own", kind, text, strlen(text));
}

static void
append_header(const char *name, const char *value, gpointer data)
{
  GString *headers = data;
  g_autofree gchar *lower = g_ascii_strdown(name, -1);

  if (headers->len > 1)
    g_string_append_c(headers, ',');
  cord_json_append_string(headers, lower);
  g_string_append_c(headers, ':');
  cord_json_append_string(headers, value);
}

void
sim_journal_add_request(SimConnection *self, SoupServerMessage *message, GBytes *body)
{
  g_autofree gchar *uri =
      g_uri_to_string_partial(soup_server_message_get_uri(message), G_URI_HIDE_NONE);
  g_autofree gchar *quoted = sim_quote(uri);
  g_autoptr(GString) headers = g_string_new("{");
  gsize length;
  const gchar *data = g_bytes_get_data(body, &length);
  g_autofree gchar *shown = show(data ? data : "", length);

  soup_message_headers_foreach(soup_server_message_get_request_headers(message), append_header,
                               headers);
  g_string_append_c(headers, '}');
  sim_record_request(self, message, body);
  add_entry(self->server,
            g_strdup_printf("{\"provider\":\"%s\",\"connection\":%d,\"direction\":\"in\","
                            "\"kind\":\"request\",\"method\":\"%s\",\"uri\":%s,\"headers\":%s,"
                            "\"bytes\":%" G_GSIZE_FORMAT ",\"data\":%s}",
                            self->route->provider, self->index,
                            soup_server_message_get_method(message), quoted, headers->str, length,
                            shown));
}
