/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cord-error.h"
#include "cord-json.h"
#include "sim-private.h"
#include "sim-stamp.h"

#define MAX_SCRIPT (16 * 1024 * 1024)

/* Routes */

static gboolean
match(const gchar *pattern, gchar **parts, GStrv *stars)
{
  g_auto(GStrv) wanted = g_strsplit(pattern, "/", -1);
  g_autoptr(GStrvBuilder) kept = g_strv_builder_new();
  guint i;

  for (i = 0; wanted[i]; i++) {
    if (g_str_equal(wanted[i], "**")) {
      g_autofree gchar *rest = g_strjoinv("/", parts + i);

      g_strv_builder_add(kept, rest);
      *stars = g_strv_builder_end(kept);
      return TRUE;
    }
    if (!parts[i])
      return FALSE;
    if (g_str_equal(wanted[i], "*"))
      g_strv_builder_add(kept, parts[i]);
    else if (!g_str_equal(wanted[i], parts[i]))
      return FALSE;
  }
  if (parts[i])
    return FALSE;
  *stars = g_strv_builder_end(kept);
  return TRUE;
}

/* "/openai/v1/models" is "/v1/models" of that provider, and not of another who has such a path. */
static const SimRoute *
find_route(SimServer *self, SoupServerMessage *message, const gchar *path, GStrv *stars)
{
  const gchar *method = soup_server_message_get_method(message);
  gboolean upgrade = sim_message_header(message, "Upgrade") != NULL;
  g_auto(GStrv) parts = g_strsplit(path, "/", -1);

  for (gint below = 1; below >= 0; below--) {
    for (guint i = 0; i < self->routes->len; i++) {
      const SimRoute *route = self->routes->pdata[i];
      gchar **rest = parts;

      if ((route->opened != NULL) != upgrade ||
          (route->method && !g_str_equal(route->method, method)))
        continue;
      if (below) {
        if (!parts[1] || !g_str_equal(parts[1], route->provider))
          continue;
        rest = parts + 1;
        g_free(rest[0]);
        rest[0] = g_strdup("");
        if (match(route->path, rest, stars))
          return route;
        g_free(rest[0]);
        rest[0] = g_strdup(route->provider);
        continue;
      }
      if (match(route->path, rest, stars))
        return route;
    }
  }
  return NULL;
}

static void
control(SimServer *self, SoupServerMessage *message, const gchar *path)
{
  g_autoptr(GBytes) body = soup_message_body_flatten(soup_server_message_get_request_body(message));
  g_autofree gchar *text = g_strndup(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  g_autofree gchar *answer = NULL;
  g_autoptr(GError) error = NULL;
  guint status = 200;

  if (g_str_equal(path, "/__sim/journal")) {
    answer = sim_server_dup_journal(self);
  } else if (g_str_equal(path, "/__sim/latency")) {
    answer = sim_stamp_report(self);
  } else if (g_str_equal(path, "/__sim/reset")) {
    sim_server_reset(self);
  } else if (g_str_equal(path, "/__sim/script")) {
    if (!sim_server_set_script(self, text, &error)) {
      status = 400;
      answer = sim_quote(error->message);
    }
  } else {
    status = 404;
  }
  if (!answer)
    answer = g_strdup("{}");
  soup_server_message_set_status(message, status, NULL);
  soup_server_message_set_response(message, "application/json", SOUP_MEMORY_COPY, answer,
                                   strlen(answer));
}

static void
on_request(SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer data)
{
  SimServer *self = data;
  const SimRoute *route;
  GStrv stars = NULL;

  if (g_str_has_prefix(path, "/__sim/")) {
    control(self, message, path);
    return;
  }
  route = find_route(self, message, path, &stars);
  if (!route) {
    soup_server_message_set_status(message, 404, NULL);
    soup_server_message_set_response(message, "application/json", SOUP_MEMORY_STATIC,
                                     "{\"error\":\"no such route\"}", 25);
  } else if (route->opened) {
    sim_socket_start(self, route, message, stars);
  } else {
    sim_exchange_start(self, route, message, stars);
  }
}

void
sim_server_add(SimServer *self, const SimRoute *route)
{
  g_ptr_array_add(self->routes, (gpointer)route);
}

guint16
sim_server_get_port(SimServer *self)
{
  return self->port;
}

CordWorker *
sim_server_get_worker(SimServer *self)
{
  return self->worker;
}

/* What modules keep */

typedef struct {
  gpointer data;
  GDestroyNotify destroy;
} State;

static void
free_state(gpointer data)
{
  State *state = data;

  state->destroy(state->data);
  g_free(state);
}

void
sim_server_set_state(SimServer *self, const gchar *provider, gpointer data, GDestroyNotify destroy)
{
  State *state = g_new(State, 1);

  *state = (State){ data, destroy };
  g_hash_table_replace(self->states, g_strdup(provider), state);
}

gpointer
sim_server_get_state(SimServer *self, const gchar *provider)
{
  State *state = g_hash_table_lookup(self->states, provider);

  return state ? state->data : NULL;
}

/* What is scripted */

static gboolean
load_script(SimServer *self, JsonNode *node)
{
  JsonObject *object;
  JsonNode *old = self->script;

  self->script = json_node_ref(node);
  json_node_unref(old);
  object = json_node_get_object(self->script);
  g_rand_set_seed(self->random, (guint32)cord_json_peek_int(object, "seed", 1));
  self->quiet = !cord_json_peek_boolean(object, "journal", TRUE);
  sim_faults_load(self, cord_json_peek_array(object, "faults"));
  return TRUE;
}

gboolean
sim_server_set_script(SimServer *self, const gchar *json, GError **error)
{
  g_autoptr(JsonNode) node = cord_json_parse(json, -1, CORD_JSON_MAX_DEPTH, MAX_SCRIPT, error);

  if (!node)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT(node)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "a script is an object");
    return FALSE;
  }
  sim_server_reset(self);
  return load_script(self, node);
}

static void
close_deaf(SimServer *self)
{
  for (guint i = 0; i < self->deaf->len; i++)
    close(g_array_index(self->deaf, int, i));
  g_array_set_size(self->deaf, 0);
}

/* Forgets what was said and where the lists were; the script stays, its faults begin anew. */
void
sim_server_reset(SimServer *self)
{
  GHashTableIter iter;
  gpointer provider, n;

  g_hash_table_iter_init(&iter, self->connections);
  while (g_hash_table_iter_next(&iter, &provider, &n))
    g_hash_table_insert(self->recorded, provider,
                        GINT_TO_POINTER(GPOINTER_TO_INT(n) + GPOINTER_TO_INT(g_hash_table_lookup(
                                                                 self->recorded, provider))));
  g_hash_table_remove_all(self->connections);
  g_hash_table_remove_all(self->positions);
  g_hash_table_remove_all(self->states);
  close_deaf(self);
  g_ptr_array_set_size(self->journal, 0);
  g_array_set_size(self->ages, 0);
  self->ids = 0;
  load_script(self, self->script);
}

static JsonObject *
section(SimServer *self, const gchar *name)
{
  return cord_json_peek_object(json_node_get_object(self->script), name);
}

JsonObject *
sim_server_get_script(SimServer *self, const gchar *provider)
{
  JsonObject *script = section(self, "script");

  return script ? cord_json_peek_object(script, provider) : NULL;
}

/* The next item of a list in the provider's script; after the last the first again. */
JsonNode *
sim_server_take_next(SimServer *self, const gchar *provider, const gchar *list)
{
  JsonObject *script = sim_server_get_script(self, provider);
  JsonArray *array = script ? cord_json_peek_array(script, list) : NULL;
  g_autofree gchar *key = g_strconcat(provider, "/", list, NULL);
  guint position = GPOINTER_TO_UINT(g_hash_table_lookup(self->positions, key));

  if (!array || json_array_get_length(array) == 0)
    return NULL;
  g_hash_table_insert(self->positions, g_strdup(key), GUINT_TO_POINTER(position + 1));
  return json_array_get_element(array, position % json_array_get_length(array));
}

/* A delay: a number of ms, {"uniform": [a, b]}, or {"lognormal": [median, sigma]}. */
static GstClockTime
draw(SimServer *self, JsonNode *delay)
{
  JsonObject *object = delay && JSON_NODE_HOLDS_OBJECT(delay) ? json_node_get_object(delay) : NULL;
  JsonArray *uniform = object ? cord_json_peek_array(object, "uniform") : NULL;
  JsonArray *lognormal = object ? cord_json_peek_array(object, "lognormal") : NULL;
  gdouble ms = 0;

  if (delay && JSON_NODE_HOLDS_VALUE(delay)) {
    ms = json_node_get_double(delay);
  } else if (uniform) {
    ms = g_rand_double_range(self->random, json_array_get_double_element(uniform, 0),
                             json_array_get_double_element(uniform, 1));
  } else if (lognormal) {
    /* Box and Muller */
    gdouble a = g_rand_double_range(self->random, 1e-9, 1);
    gdouble b = g_rand_double(self->random);

    ms = json_array_get_double_element(lognormal, 0) *
         exp(json_array_get_double_element(lognormal, 1) * sqrt(-2 * log(a)) * cos(2 * G_PI * b));
  }
  return (GstClockTime)(ms * GST_MSECOND);
}

static GstClockTime
profile_delay(SimServer *self, const gchar *provider, const gchar *name)
{
  JsonObject *profiles = section(self, "profile");
  JsonObject *profile = profiles ? cord_json_peek_object(profiles, provider) : NULL;

  if (profiles && !profile)
    profile = cord_json_peek_object(profiles, "default");
  return profile ? draw(self, json_object_get_member(profile, name)) : 0;
}

GstClockTime
sim_server_get_first_byte(SimServer *self, const gchar *provider)
{
  return profile_delay(self, provider, "first_byte_ms");
}

GstClockTime
sim_server_get_token_delay(SimServer *self, const gchar *provider)
{
  return profile_delay(self, provider, "token_ms");
}

gchar *
sim_server_dup_journal(SimServer *self)
{
  GString *text = g_string_new("[");

  for (guint i = 0; i < self->journal->len; i++) {
    if (i > 0)
      g_string_append_c(text, ',');
    g_string_append(text, self->journal->pdata[i]);
  }
  g_string_append_c(text, ']');
  return g_string_free(text, FALSE);
}

GArray *
sim_server_get_ages(SimServer *self)
{
  return self->ages;
}

/* Listening */

static gboolean
listen_on(SimServer *self, guint16 port, GError **error)
{
  return soup_server_listen_local(
      self->soup, port,
      SOUP_SERVER_LISTEN_IPV4_ONLY | (self->secure ? SOUP_SERVER_LISTEN_HTTPS : 0), error);
}

static void
on_back(gpointer data)
{
  SimServer *self = data;
  g_autoptr(GError) error = NULL;

  self->away = NULL;
  if (!listen_on(self, self->port, &error))
    g_warning("the simulators cannot come back: %s", error->message);
}

static void
on_leave(gpointer data)
{
  SimServer *self = data;

  soup_server_disconnect(self->soup);
  self->away = cord_worker_add_timer(self->worker, self->away_time, on_back, self);
}

/* Not at once: this may be said in the middle of one of its requests. */
void
sim_server_go_away(SimServer *self, GstClockTime time)
{
  if (self->away)
    return;
  self->away_time = time;
  self->away = cord_worker_add_timer(self->worker, 0, on_leave, self);
}

void
sim_server_keep_fd(SimServer *self, int fd)
{
  g_array_append_val(self->deaf, fd);
}

/* Life */

void
sim_server_free(SimServer *self)
{
  g_clear_pointer(&self->away, cord_timer_remove);
  close_deaf(self);
  g_array_unref(self->deaf);
  g_hash_table_unref(self->states);
  soup_server_disconnect(self->soup);
  g_object_unref(self->soup);
  g_ptr_array_unref(self->routes);
  g_hash_table_unref(self->connections);
  g_hash_table_unref(self->recorded);
  g_hash_table_unref(self->positions);
  json_node_unref(self->script);
  g_ptr_array_unref(self->faults);
  g_ptr_array_unref(self->journal);
  g_array_unref(self->ages);
  g_rand_free(self->random);
  g_free(self->record);
  g_clear_pointer(&self->replay, g_ptr_array_unref);
  g_object_unref(self->worker);
  g_free(self);
}

void
sim_server_record(SimServer *self, const gchar *folder)
{
  self->record = g_strdup(folder);
}

typedef struct {
  SimServer *server;
  guint16 port;
  GTlsCertificate *certificate;
  GError *error;
} Listening;

/* On the worker, whose context the connections are then served in. */
static void
listen_now(gpointer data)
{
  Listening *listening = data;
  SimServer *self = listening->server;
  GMainContext *context = cord_worker_get_main_context(self->worker);
  g_autoptr(GSList) uris = NULL;
  gboolean push = g_main_context_get_thread_default() != context;

  if (push)
    g_main_context_push_thread_default(context);
  self->soup = soup_server_new("tls-certificate", listening->certificate, NULL);
  soup_server_remove_websocket_extension(self->soup, SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
  soup_server_add_handler(self->soup, NULL, on_request, self, NULL);
  self->secure = listening->certificate != NULL;
  if (listen_on(self, listening->port, &listening->error)) {
    uris = soup_server_get_uris(self->soup);
    self->port = (guint16)g_uri_get_port(uris->data);
    g_slist_foreach(uris, (GFunc)(void (*)(void))g_uri_unref, NULL);
  }
  if (push)
    g_main_context_pop_thread_default(context);
}

SimServer *
sim_server_new(CordWorker *worker, guint16 port, const gchar *tls_cert, const gchar *tls_key,
               GError **error)
{
  SimServer *self = g_new0(SimServer, 1);
  Listening listening = { self, port, NULL, NULL };

  self->worker = g_object_ref(worker);
  self->routes = g_ptr_array_new();
  self->connections = g_hash_table_new(g_str_hash, g_str_equal);
  self->recorded = g_hash_table_new(g_str_hash, g_str_equal);
  self->positions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  self->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_state);
  self->journal = g_ptr_array_new_with_free_func(g_free);
  self->ages = g_array_new(FALSE, FALSE, sizeof(gint64));
  self->deaf = g_array_new(FALSE, FALSE, sizeof(int));
  self->random = g_rand_new_with_seed(1);
  self->script = json_node_init_object(json_node_alloc(), json_object_new());
  sim_faults_load(self, NULL);
  if (tls_cert)
    listening.certificate = g_tls_certificate_new_from_files(tls_cert, tls_key, &listening.error);
  if (!listening.error)
    cord_worker_call(worker, listen_now, &listening);
  g_clear_object(&listening.certificate);
  if (listening.error) {
    g_propagate_error(error, listening.error);
    if (!self->soup)
      self->soup = soup_server_new(NULL, NULL);
    sim_server_free(self);
    return NULL;
  }
  return self;
}
