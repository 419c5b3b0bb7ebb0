/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-catalogue.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "cord-near-names.h"

#define TIMEOUT_S 5
#define MAX_BYTES (4 * 1024 * 1024)
#define MAX_NEAR 3
#define LATEST "-latest"

struct _CordCatalogue {
  GPtrArray *names;
};

/* How a service wants to be shown its key, and what else it wants to be told. */
static const struct {
  const gchar *service;
  const gchar *header;
  const gchar *prefix;
  const gchar *version_header;
  const gchar *version;
} ways[] = {
  { "deepgram", "Authorization", "Token ", NULL, NULL },
  { "elevenlabs", "xi-api-key", "", NULL, NULL },
  { "cartesia", "X-API-Key", "", "Cartesia-Version", "2025-04-16" },
  { "anthropic", "x-api-key", "", "anthropic-version", "2023-06-01" },
  { "gemini", "x-goog-api-key", "", NULL, NULL },
  { NULL, "Authorization", "Bearer ", NULL, NULL },
};

/* In which member a name stands depends on the service; none uses one of these for anything else
 * that could be mistaken for a model. */
static const gchar *const name_members[] = { "id", "name", "model_id", "canonical_name", NULL };

static void collect(JsonNode *node, GPtrArray *names);

static void
collect_object(JsonObject *object, GPtrArray *names)
{
  JsonObjectIter iter;
  const gchar *member;
  JsonNode *node;

  json_object_iter_init(&iter, object);
  while (json_object_iter_next(&iter, &member, &node)) {
    if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING &&
        g_strv_contains(name_members, member)) {
      const gchar *name = json_node_get_string(node);

      g_ptr_array_add(
          names, g_strdup(g_str_has_prefix(name, "models/") ? name + strlen("models/") : name));
    } else {
      collect(node, names);
    }
  }
}

/* The scan of what came has bounded the depth. */
static void
collect(JsonNode *node, GPtrArray *names)
{
  if (JSON_NODE_HOLDS_OBJECT(node)) {
    collect_object(json_node_get_object(node), names);
  } else if (JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray *array = json_node_get_array(node);

    for (guint i = 0; i < json_array_get_length(array); i++)
      collect(json_array_get_element(array, i), names);
  }
}

/**
 * cord_catalogue_new_from_json:
 * @text: what a service answered
 * @length: of @text, or -1
 * @error: return location for an error
 *
 * Returns: (transfer full): the names in it
 */
CordCatalogue *
cord_catalogue_new_from_json(const gchar *text, gssize length, GError **error)
{
  g_autoptr(JsonNode) node = cord_json_parse(text, length, CORD_JSON_MAX_DEPTH, MAX_BYTES, error);
  CordCatalogue *self;

  if (node == NULL)
    return NULL;
  self = g_new0(CordCatalogue, 1);
  self->names = g_ptr_array_new_with_free_func(g_free);
  collect(node, self->names);
  return self;
}

/**
 * cord_catalogue_free:
 * @self: (transfer full): a catalogue
 */
void
cord_catalogue_free(CordCatalogue *self)
{
  g_ptr_array_unref(self->names);
  g_free(self);
}

/**
 * cord_catalogue_is_empty:
 * @self: a catalogue
 *
 * Returns: whether it tells nothing
 */
gboolean
cord_catalogue_is_empty(const CordCatalogue *self)
{
  return self->names->len == 0;
}

/**
 * cord_catalogue_has:
 * @self: a catalogue
 * @model: a model's name, or a shorter one that stands for a dated version
 *
 * Returns: whether it is in it
 */
gboolean
cord_catalogue_has(const CordCatalogue *self, const gchar *model)
{
  g_autofree gchar *stem = g_str_has_suffix(model, LATEST)
                               ? g_strndup(model, strlen(model) - strlen(LATEST))
                               : g_strdup(model);
  gsize length = strlen(stem);

  for (guint i = 0; i < self->names->len; i++) {
    const gchar *name = self->names->pdata[i];

    if (g_str_equal(name, model) ||
        (g_str_has_prefix(name, stem) && (name[length] == '\0' || name[length] == '-')))
      return TRUE;
  }
  return FALSE;
}

/**
 * cord_catalogue_list_near:
 * @self: a catalogue
 * @model: a name that is not in it
 *
 * Returns: (transfer full): names of which it may be a slip
 */
GStrv
cord_catalogue_list_near(const CordCatalogue *self, const gchar *model)
{
  return cord_near_names(model, self->names, MAX_NEAR);
}

/* ---- asking ---- */

static gchar *
catalogue_url(const CordService *service, CordConfig *config)
{
  const gchar *configured = cord_service_get_base_url(service, config);
  const gchar *path = service->catalogue ? service->catalogue : service->voices;
  g_autofree gchar *base = g_strdup(configured ? configured : service->base_url);
  gsize length = strlen(base);

  while (length > 0 && base[length - 1] == '/')
    base[--length] = '\0';
  /* an element may be told where its WebSocket is */
  return g_str_has_prefix(base, "ws") ? g_strconcat("http", base + strlen("ws"), path, NULL)
                                      : g_strconcat(base, path, NULL);
}

static void
add_key(SoupMessageHeaders *headers, const CordService *service, const gchar *key)
{
  guint i = 0;

  while (ways[i].service && !g_str_equal(ways[i].service, service->name))
    i++;
  if (key) {
    g_autofree gchar *value = g_strconcat(ways[i].prefix, key, NULL);

    soup_message_headers_replace(headers, ways[i].header, value);
  }
  if (ways[i].version)
    soup_message_headers_replace(headers, ways[i].version_header, ways[i].version);
}

static gboolean
check_status(const CordService *service, SoupMessage *message, GBytes *body, GError **error)
{
  guint status = soup_message_get_status(message);
  gsize size;
  const gchar *text = g_bytes_get_data(body, &size);
  gboolean refused = status == 401 || status == 403 ||
                     (status == 400 && text && g_strstr_len(text, (gssize)size, "API_KEY"));

  if (status == 200)
    return TRUE;
  if (refused)
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "%s refuses the key (%u)",
                service->title, status);
  else
    g_set_error(error, CORD_ERROR, CORD_ERROR_FAILED, "%s answers %u", service->title, status);
  return FALSE;
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  const CordService *service = g_task_get_task_data(task);
  SoupMessage *message = soup_session_get_async_result_message(SOUP_SESSION(source), result);
  GError *error = NULL;
  g_autoptr(GBytes) body = soup_session_send_and_read_finish(SOUP_SESSION(source), result, &error);
  CordCatalogue *catalogue = NULL;
  gsize size;

  if (body == NULL) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_NETWORK, "%s cannot be reached: %s",
                            service->title, error->message);
    g_error_free(error);
    return;
  }
  if (check_status(service, message, body, &error)) {
    const gchar *text = g_bytes_get_data(body, &size);

    catalogue = cord_catalogue_new_from_json(text ? text : "", (gssize)size, &error);
    if (catalogue == NULL)
      g_prefix_error(&error, "%s: ", service->title);
  }
  if (catalogue)
    g_task_return_pointer(task, catalogue, (GDestroyNotify)cord_catalogue_free);
  else
    g_task_return_error(task, error);
}

/**
 * cord_catalogue_ask_async:
 * @service: a service with a catalogue, or at least with voices
 * @config: its key and where it is
 * @cancellable: (nullable): a cancellable
 * @callback: called when it has answered or some seconds have passed
 * @user_data: for @callback
 *
 * Asks a service what it has, which also tells whether it takes the key. Fails with
 * %CORD_ERROR_NOT_AUTHORIZED, %CORD_ERROR_NETWORK, or otherwise when the answer is not
 * understood.
 */
void
cord_catalogue_ask_async(const CordService *service, CordConfig *config, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(SoupSession) session = soup_session_new_with_options("timeout", TIMEOUT_S, NULL);
  GTask *task = g_task_new(NULL, cancellable, callback, user_data);
  g_autofree gchar *url = catalogue_url(service, config);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);

  g_task_set_check_cancellable(task, FALSE);
  g_task_set_task_data(task, (gpointer)service, NULL);
  if (message == NULL) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_INVALID, "%s.base-url is no address: %s",
                            service->name, url);
    g_object_unref(task);
    return;
  }
  add_key(soup_message_get_request_headers(message), service,
          cord_service_get_key(service, config));
  /* the key goes nowhere but to the address that is configured */
  soup_message_add_flags(message, SOUP_MESSAGE_NO_REDIRECT);
  soup_session_send_and_read_async(session, message, G_PRIORITY_DEFAULT, cancellable, on_answer,
                                   task);
}

/**
 * cord_catalogue_ask_finish:
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: (transfer full): the catalogue, or %NULL
 */
CordCatalogue *
cord_catalogue_ask_finish(GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}
