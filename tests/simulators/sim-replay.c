/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "sim-private.h"

/*
 * A recording played back in the place of the modules: the nth connection of a provider gets what
 * the nth one of the recording got, at the same distance from what came before it, and not before
 * as much was heard.
 */

typedef struct {
  JsonObject *line;
  const gchar *kind;
  guint after;      /* messages of the client */
  GstClockTime gap; /* since the line before */
} Step;

typedef struct {
  SimRoute route;
  gchar *provider, *method, *path;
  GArray *steps; /* Step */
} Recorded;

/* Where one of its connections is */
typedef struct {
  const Recorded *recorded;
  SimConnection *connection;
  SimExchange *exchange; /* the same, as either */
  SimSocket *socket;
  guint next, heard;
  gboolean waiting; /* for its time */
} Player;

static void
clear_step(gpointer data)
{
  json_object_unref(((Step *)data)->line);
}

static void
free_recorded(gpointer data)
{
  Recorded *self = data;

  g_free(self->provider);
  g_free(self->method);
  g_free(self->path);
  g_array_unref(self->steps);
  g_free(self);
}

static GBytes *
read_data(JsonObject *line)
{
  const gchar *encoded = cord_json_peek_string(line, "base64", NULL);
  const gchar *text = cord_json_peek_string(line, "text", "");
  gsize length;
  guchar *data;

  if (!encoded)
    return g_bytes_new(text, strlen(text));
  data = g_base64_decode(encoded, &length);
  return g_bytes_new_take(data, length);
}

/* Playing */

static void
set_headers(SimExchange *exchange, JsonObject *headers)
{
  /* those that belong to the connection are made anew */
  static const gchar *const own[] = { "content-length", "transfer-encoding", "date",
                                      "server",         "connection",        NULL };
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  json_object_iter_init(&iter, headers);
  while (json_object_iter_next(&iter, &name, &value))
    if (!g_strv_contains(own, name))
      sim_exchange_set_header(exchange, name, json_node_get_string(value));
}

static void
begin_answer(SimExchange *exchange, JsonObject *line, gboolean whole, GBytes *body)
{
  JsonObject *headers = cord_json_peek_object(line, "headers");
  guint status = (guint)cord_json_peek_int(line, "status", 200);
  const gchar *type = cord_json_peek_string(headers, "content-type", "application/octet-stream");

  set_headers(exchange, headers);
  if (whole)
    sim_exchange_answer(exchange, status, type, g_bytes_get_data(body, NULL),
                        (gssize)g_bytes_get_size(body));
  else
    sim_exchange_begin(exchange, status, type);
}

static void
play(Player *self, const Step *step)
{
  g_autoptr(GBytes) body = read_data(step->line);
  gsize length;
  gconstpointer data = g_bytes_get_data(body, &length);
  const gchar *kind = step->kind;

  if (self->exchange && (g_str_equal(kind, "head") || g_str_equal(kind, "answer")))
    begin_answer(self->exchange, step->line, g_str_equal(kind, "answer"), body);
  else if (g_str_equal(kind, "text") || g_str_equal(kind, "binary"))
    sim_connection_send(self->connection, g_str_equal(kind, "text"), data, length);
  else if (g_str_equal(kind, "raw"))
    self->connection->raw(self->connection, data, length);
  else if (g_str_equal(kind, "end"))
    sim_connection_end(self->connection);
  else if (g_str_equal(kind, "half"))
    self->connection->half(self->connection);
  else if (g_str_equal(kind, "reset") || g_str_equal(kind, "cut"))
    self->connection->reset(self->connection, g_str_equal(kind, "reset"));
  else if (g_str_equal(kind, "close"))
    sim_connection_close(self->connection, (guint16)cord_json_peek_int(step->line, "code", 1000),
                         cord_json_peek_string(step->line, "text", ""));
}

static void play_on(Player *self);

static void
on_time(SimConnection *connection)
{
  gboolean socket = connection->route->opened != NULL;
  Player *self = socket ? sim_socket_get_data((SimSocket *)connection)
                        : sim_exchange_get_data((SimExchange *)connection);

  self->waiting = FALSE;
  play(self, &g_array_index(self->recorded->steps, Step, self->next++));
  play_on(self);
}

static void
play_on(Player *self)
{
  const Step *step;

  if (self->waiting || self->next == self->recorded->steps->len)
    return;
  step = &g_array_index(self->recorded->steps, Step, self->next);
  if (step->after > self->heard)
    return;
  self->waiting = TRUE;
  self->connection->schedule(self->connection, step->gap, on_time);
}

static const Recorded *
find_recorded(SimServer *server, const gchar *provider, gint index)
{
  for (guint i = 0; i < server->replay->len; i++) {
    const Recorded *each = server->replay->pdata[i];

    if (g_str_equal(each->provider, provider) && index-- == 0)
      return each;
  }
  return NULL;
}

static const Recorded *
find_for_exchange(SimExchange *exchange)
{
  const Recorded *recorded =
      find_recorded(sim_exchange_get_server(exchange), sim_exchange_get_provider(exchange),
                    sim_exchange_get_index(exchange));

  if (!recorded)
    sim_exchange_answer(exchange, 404, "text/plain", "nothing more was recorded", -1);
  return recorded;
}

static void
on_request(SimExchange *exchange)
{
  const Recorded *recorded = find_for_exchange(exchange);
  Player *player;

  if (!recorded)
    return;
  player = g_new0(Player, 1);
  player->recorded = recorded;
  player->connection = (SimConnection *)exchange;
  player->exchange = exchange;
  sim_exchange_set_data(exchange, player, g_free);
  play_on(player);
}

/* One that was refused is again. */
static gboolean
on_admit(SimExchange *exchange)
{
  const Recorded *recorded = find_for_exchange(exchange);
  const Step *first;
  g_autoptr(GBytes) body = NULL;

  if (!recorded)
    return FALSE;
  first = recorded->steps->len > 0 ? &g_array_index(recorded->steps, Step, 0) : NULL;
  if (!first || !g_str_equal(first->kind, "answer"))
    return TRUE;
  body = read_data(first->line);
  begin_answer(exchange, first->line, TRUE, body);
  return FALSE;
}

static void
on_opened(SimSocket *socket)
{
  SimConnection *connection = (SimConnection *)socket;
  Player *player = g_new0(Player, 1);

  player->recorded =
      find_recorded(connection->server, connection->route->provider, connection->index);
  player->connection = connection;
  player->socket = socket;
  sim_socket_set_data(socket, player, g_free);
  play_on(player);
}

static void
hear(SimSocket *socket)
{
  Player *player = sim_socket_get_data(socket);

  player->heard++;
  play_on(player);
}

static void
on_text(SimSocket *socket, const gchar *text, gsize length)
{
  hear(socket);
}

static void
on_binary(SimSocket *socket, const guint8 *data, gsize length)
{
  hear(socket);
}

/* Loading */

static void
add_step(Recorded *self, JsonObject *line, guint heard, GstClockTime gap)
{
  Step step = { json_object_ref(line), cord_json_peek_string(line, "kind", ""), heard, gap };

  g_array_append_val(self->steps, step);
}

static void
set_route(Recorded *self, JsonObject *line)
{
  const gchar *uri = cord_json_peek_string(line, "uri", "/");
  JsonObject *headers = cord_json_peek_object(line, "headers");

  self->method = g_strdup(cord_json_peek_string(line, "method", "GET"));
  self->path = g_strndup(uri, strcspn(uri, "?"));
  self->route =
      (SimRoute){ .provider = self->provider, .method = self->method, .path = self->path };
  if (headers && json_object_has_member(headers, "upgrade")) {
    self->route.opened = on_opened;
    self->route.admit = on_admit;
    self->route.text = on_text;
    self->route.binary = on_binary;
  } else {
    self->route.request = on_request;
  }
}

static gboolean
load_line(Recorded *self, const gchar *text, gint64 *last_us, guint *heard, GError **error)
{
  g_autoptr(JsonObject) line = cord_json_parse_object(text, -1, error);
  gint64 at;

  if (!line)
    return FALSE;
  at = cord_json_peek_int(line, "at_us", 0);
  if (g_str_equal(cord_json_peek_string(line, "direction", ""), "out"))
    add_step(self, line, *heard, (GstClockTime)MAX(at - *last_us, 0) * GST_USECOND);
  else if (g_str_equal(cord_json_peek_string(line, "kind", ""), "request"))
    set_route(self, line);
  else if (!g_str_equal(cord_json_peek_string(line, "kind", ""), "close"))
    (*heard)++;
  *last_us = at;
  return TRUE;
}

static Recorded *
load(const gchar *folder, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename(folder, name, NULL);
  g_autofree gchar *text = NULL;
  g_auto(GStrv) lines = NULL;
  const gchar *dash = strrchr(name, '-');
  Recorded *self;
  gint64 last_us = 0;
  guint heard = 0;

  if (!dash || !g_file_get_contents(path, &text, NULL, error))
    return NULL;
  self = g_new0(Recorded, 1);
  self->provider = g_strndup(name, (gsize)(dash - name));
  self->steps = g_array_new(FALSE, FALSE, sizeof(Step));
  g_array_set_clear_func(self->steps, clear_step);
  lines = g_strsplit(text, "\n", -1);
  for (guint i = 0; lines[i] && *lines[i]; i++)
    if (!load_line(self, lines[i], &last_us, &heard, error)) {
      g_prefix_error(error, "%s, line %u: ", path, i + 1);
      free_recorded(self);
      return NULL;
    }
  if (self->path)
    return self;
  g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "%s does not begin with a request", path);
  free_recorded(self);
  return NULL;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* Serves a recording; no modules besides it. */
gboolean
sim_server_replay(SimServer *self, const gchar *folder, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  const gchar *name;

  if (!dir)
    return FALSE;
  while ((name = g_dir_read_name(dir)))
    if (g_str_has_suffix(name, ".jsonl"))
      g_ptr_array_add(names, g_strdup(name));
  g_ptr_array_sort(names, compare_names);
  g_clear_pointer(&self->replay, g_ptr_array_unref);
  self->replay = g_ptr_array_new_with_free_func(free_recorded);
  for (guint i = 0; i < names->len; i++) {
    Recorded *recorded = load(folder, names->pdata[i], error);

    if (!recorded)
      return FALSE;
    g_ptr_array_add(self->replay, recorded);
    sim_server_add(self, &recorded->route);
  }
  if (names->len > 0)
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no recording in %s", folder);
  return FALSE;
}
