/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What strangers send to every operation of the OpenAPI document, and that each answer is one that
 * the document promises. On PostgreSQL inside with-postgres, else on SQLite. */
#include <string.h>

#include "cord-json-schema.h"
#include "cord-json.h"
#include "openapi-rig.h"
#include "raw-client.h"

#define NOBODY "00000000-0000-4000-8000-00000000dead"
#define LARGE (10 * 1024 * 1024) /* bytes */
#define RIVALS 8

typedef struct {
  CallRig *rig;
  OpenapiRig *api;
  guint asked;
} Fixture;

typedef struct {
  guint status;
  gchar *etag;
  gchar *body;
  JsonNode *node;
} Answer;

static void
answer_free(Answer *self)
{
  g_free(self->etag);
  g_free(self->body);
  g_clear_pointer(&self->node, json_node_unref);
  g_free(self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Answer, answer_free)

static void
set_up(Fixture *self, gconstpointer data)
{
  const gchar *postgres = g_getenv("CORDBOARD_TEST_POSTGRES");
  g_autofree gchar *database = g_strconcat("DATABASE_URL=", postgres, NULL);
  gchar *environ[] = { "TWILIO_BASE_URL=http://127.0.0.1:9", postgres ? database : NULL, NULL };

  self->api = openapi_rig_new();
  self->rig = call_rig_new_with(NULL, NULL, environ);
}

static void
tear_down(Fixture *self, gconstpointer data)
{
  g_test_message("%u requests", self->asked);
  call_rig_free(self->rig);
  openapi_rig_free(self->api);
}

/* Whether an answer takes a service that may fail. */
static gboolean
may_depend(const OpenapiOperation *operation)
{
  JsonArray *tags = cord_json_peek_array(operation->object, "tags");
  const gchar *tag = tags ? json_array_get_string_element(tags, 0) : "";

  return g_str_equal(tag, "Voice") || g_str_equal(tag, "Conversations");
}

/* Asks, and holds the answer against the document. */
static Answer *
ask(Fixture *self, const OpenapiOperation *operation, const gchar *path, const gchar *type,
    GBytes *body, const gchar *if_match)
{
  g_autofree gchar *url = g_strconcat(self->rig->url, path, NULL);
  g_autoptr(SoupMessage) message = soup_message_new(operation->method, url);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autofree gchar *wrong = NULL;
  Answer *answer = g_new0(Answer, 1);
  SoupMessageHeaders *headers = soup_message_get_response_headers(message);
  gboolean served;
  gsize length;

  g_assert_nonnull(message);
  if (body)
    soup_message_set_request_body_from_bytes(message, type, body);
  if (if_match)
    soup_message_headers_append(soup_message_get_request_headers(message), "If-Match", if_match);
  bytes = soup_session_send_and_read(self->rig->session, message, NULL, &error);
  g_assert_no_error(error);
  self->asked++;
  length = g_bytes_get_size(bytes);
  answer->body = g_strndup(length ? g_bytes_get_data(bytes, NULL) : "", length);
  answer->status = soup_message_get_status(message);
  answer->etag = g_strdup(soup_message_headers_get_one(headers, "ETag"));
  answer->node = json_from_string(answer->body, NULL);
  /* a voice or a model may have nothing to say to something */
  served = answer->status == 502 && may_depend(operation);
  wrong = openapi_rig_check(self->api, operation, answer->status,
                            soup_message_headers_get_one(headers, "Content-Type"), answer->body,
                            length);
  if (wrong || (answer->status >= 500 && !served))
    g_error("%s %s: %u %s\n%s", operation->method, path, answer->status, wrong ? wrong : "",
            answer->body);
  return answer;
}

static Answer *
ask_text(Fixture *self, const OpenapiOperation *operation, const gchar *path, const gchar *json)
{
  g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));

  return ask(self, operation, path, "application/json", body, NULL);
}

static Answer *
ask_object(Fixture *self, const OpenapiOperation *operation, const gchar *path, JsonObject *object)
{
  g_autofree gchar *json = cord_json_print_object(object);

  return ask_text(self, operation, path, json);
}

/* Whether a problem names the member. */
static gboolean
names(const Answer *answer, const gchar *member)
{
  JsonObject *problem = answer->node && JSON_NODE_HOLDS_OBJECT(answer->node)
                            ? json_node_get_object(answer->node)
                            : NULL;
  JsonArray *errors = problem ? cord_json_peek_array(problem, "errors") : NULL;
  g_autofree gchar *pointer = g_strconcat("#/", member, NULL);

  for (guint i = 0; errors && i < json_array_get_length(errors); i++)
    if (g_str_has_prefix(
            cord_json_peek_string(json_array_get_object_element(errors, i), "pointer", ""),
            pointer))
      return TRUE;
  return FALSE;
}

static void
assert_names(const OpenapiOperation *operation, const Answer *answer, const gchar *member)
{
  if (answer->status != 422 || !names(answer, member))
    g_error("%s: %u does not name %s\n%s", openapi_operation_get_id(operation), answer->status,
            member, answer->body);
}

/* Which operations can be asked here: not what goes on for ever, and not what is a WebSocket. */
static gboolean
is_plain(const OpenapiOperation *operation)
{
  JsonObject *responses = cord_json_peek_object(operation->object, "responses");
  JsonObject *fine = cord_json_peek_object(responses, "200");
  JsonObject *content = fine ? cord_json_peek_object(fine, "content") : NULL;

  return !json_object_has_member(responses, "101") &&
         !(content && json_object_has_member(content, "text/event-stream"));
}

/* The path with a row of its own in place of the parameter, where rows can be made; else with
 * nobody's id. */
static gchar *
make_path(Fixture *self, const OpenapiOperation *operation)
{
  const gchar *brace = strchr(operation->path, '{');
  g_autoptr(GRegex) braces = g_regex_new("\\{[^}]*\\}", 0, 0, NULL);
  g_autofree gchar *collection =
      brace ? g_strndup(operation->path, (gsize)(brace - operation->path - 1)) : NULL;
  g_autofree gchar *id = g_strdup(NOBODY);

  for (guint i = 0; brace && i < self->api->operations->len; i++) {
    OpenapiOperation *other = self->api->operations->pdata[i];
    JsonObject *schema = openapi_rig_get_body(self->api, other);
    g_autoptr(JsonNode) node = NULL;
    g_autoptr(Answer) answer = NULL;

    if (!g_str_equal(other->path, collection) || !g_str_equal(other->method, "POST") || !schema)
      continue;
    node = openapi_rig_make(self->api, schema);
    answer = ask_object(self, other, collection, json_node_get_object(node));
    if (answer->status == 201 && JSON_NODE_HOLDS_OBJECT(answer->node)) {
      g_free(id);
      id = g_strdup(cord_json_peek_string(json_node_get_object(answer->node), "id", NOBODY));
    }
  }
  return g_regex_replace_literal(braces, operation->path, -1, 0, id, 0, NULL);
}

typedef void (*Try)(Fixture *self, const OpenapiOperation *operation, const gchar *path,
                    JsonObject *schema);

/* Does something with each operation that takes JSON. */
static void
for_each_body(Fixture *self, Try try)
{
  for (guint i = 0; i < self->api->operations->len; i++) {
    OpenapiOperation *operation = self->api->operations->pdata[i];
    JsonObject *schema = openapi_rig_get_body(self->api, operation);
    g_autofree gchar *path = NULL;

    if (schema == NULL || !is_plain(operation))
      continue;
    path = make_path(self, operation);
    try(self, operation, path, schema);
  }
}

/* A body that fits, with one member put in. */
static JsonObject *
make_body(Fixture *self, JsonObject *schema, const gchar *name, JsonNode *value)
{
  g_autoptr(JsonNode) node = openapi_rig_make(self->api, schema);
  JsonObject *object = json_node_dup_object(node);

  if (value)
    json_object_set_member(object, name, value);
  else if (name)
    json_object_remove_member(object, name);
  return object;
}

static void
try_members(Fixture *self, const OpenapiOperation *operation, const gchar *path, JsonObject *schema)
{
  JsonArray *required = cord_json_peek_array(schema, "required");
  g_autoptr(JsonObject) unknown =
      make_body(self, schema, "no_such_field", json_node_init_int(json_node_alloc(), 1));
  g_autoptr(Answer) stranger = ask_object(self, operation, path, unknown);
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *property;

  assert_names(operation, stranger, "no_such_field");
  for (guint i = 0; required && i < json_array_get_length(required); i++) {
    const gchar *member = json_array_get_string_element(required, i);
    g_autoptr(JsonObject) body = make_body(self, schema, member, NULL);
    g_autoptr(Answer) answer = ask_object(self, operation, path, body);

    assert_names(operation, answer, member);
  }
  json_object_iter_init(&iter, cord_json_peek_object(schema, "properties"));
  while (json_object_iter_next(&iter, &name, &property)) {
    JsonNode *wrong = openapi_rig_spoil(self->api, json_node_get_object(property));
    g_autoptr(JsonObject) body = wrong ? make_body(self, schema, name, wrong) : NULL;
    g_autoptr(Answer) answer = body ? ask_object(self, operation, path, body) : NULL;

    if (answer)
      assert_names(operation, answer, name);
  }
}

static void
test_members(Fixture *self, gconstpointer data)
{
  for_each_body(self, try_members);
}

/* Text that means something to somebody else. */
static const gchar *const texts[] = {
  "'; DROP TABLE agents; --",
  "1' OR '1'='1",
  "<script>alert(1)</script>&amp;\"'",
  "$1 %s %n {{x}} ${y} `id`",
  "../../etc/passwd\\..\\",
  "\xf0\x9f\x93\x9e \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae\xcc\x81",
  "a\tb\r\nX-Injected: 1\r\n\r\n\x01\x7f",
};

static void
try_text(Fixture *self, const OpenapiOperation *operation, const gchar *path, JsonObject *schema,
         const gchar *name)
{
  /* to speak takes longer than to write */
  for (guint i = 0; i < (may_depend(operation) ? 2 : G_N_ELEMENTS(texts)); i++) {
    g_autoptr(JsonObject) body =
        make_body(self, schema, name, json_node_init_string(json_node_alloc(), texts[i]));
    g_autoptr(Answer) answer = ask_object(self, operation, path, body);
    JsonObject *row = answer->status < 300 && answer->node && JSON_NODE_HOLDS_OBJECT(answer->node)
                          ? json_node_get_object(answer->node)
                          : NULL;

    /* what is shown is what was sent, to the byte */
    if (row && json_object_has_member(row, name))
      g_assert_cmpstr(cord_json_peek_string(row, name, NULL), ==, texts[i]);
  }
}

static void
try_texts(Fixture *self, const OpenapiOperation *operation, const gchar *path, JsonObject *schema)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  json_object_iter_init(&iter, cord_json_peek_object(schema, "properties"));
  while (json_object_iter_next(&iter, &name, &node)) {
    JsonObject *property = cord_json_schema_resolve(self->api->root, json_node_get_object(node));
    gint64 longest = cord_json_peek_int(property, "maxLength", 0);
    g_autoptr(JsonNode) wrong = openapi_rig_spoil(self->api, property);
    g_autofree gchar *large = longest > 0 ? g_strnfill((gsize)longest + 1, 'x') : NULL;
    g_autoptr(JsonObject) body = NULL;
    g_autoptr(Answer) answer = NULL;

    if (wrong == NULL || JSON_NODE_HOLDS_OBJECT(wrong) == FALSE)
      try_text(self, operation, path, schema, name);
    if (large == NULL)
      continue;
    body = make_body(self, schema, name, json_node_init_string(json_node_alloc(), large));
    answer = ask_object(self, operation, path, body);
    assert_names(operation, answer, name);
  }
}

static void
test_texts(Fixture *self, gconstpointer data)
{
  for_each_body(self, try_texts);
}

static void
try_bodies(Fixture *self, const OpenapiOperation *operation, const gchar *path, JsonObject *schema)
{
  static const struct {
    const gchar *text;
    guint status;
  } bodies[] = {
    { "{", 400 },
    { "{}x", 400 },
    { "nonsense", 400 },
    { "{\"name\":\"\xff\xfe\"}", 400 },
    { "{\"name\":\"\xc0\xaf\"}", 400 },
    { "{\"name\":\"\xed\xa0\x80\"}", 400 },
    { "{\"name\":\"\\ud800\"}", 400 },
    { "{\"name\":\"\\u0000\"}", 400 },
    { "{\"name\":1e999}", 400 },
    { "[]", 422 },
    { "null", 422 },
    { "\"text\"", 422 },
    { "12", 422 },
  };
  g_autofree gchar *deep = g_strnfill(100000, '[');
  g_autoptr(Answer) abyss = ask_text(self, operation, path, deep);
  g_autoptr(JsonNode) fits = openapi_rig_make(self->api, schema);
  g_autofree gchar *json = cord_json_print(fits);
  g_autoptr(GBytes) bytes = g_bytes_new(json, strlen(json));
  g_autoptr(Answer) typed = ask(self, operation, path, "text/plain", bytes, NULL);

  g_autoptr(Answer) nothing = ask_text(self, operation, path, "");
  gboolean required = cord_json_peek_boolean(
      cord_json_peek_object(operation->object, "requestBody"), "required", FALSE);

  g_assert_cmpuint(abyss->status, ==, 400);
  g_assert_cmpuint(typed->status, ==, 415);
  g_assert_true(nothing->status == 422 || !required);
  for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
    g_autoptr(Answer) answer = ask_text(self, operation, path, bodies[i].text);

    if (answer->status != bodies[i].status)
      g_error("%s %s with %s: %u\n%s", operation->method, path, bodies[i].text, answer->status,
              answer->body);
  }
}

static void
test_bodies(Fixture *self, gconstpointer data)
{
  for_each_body(self, try_bodies);
}

/* Whoever announces 10 MB is answered at once. */
static void
test_large(Fixture *self, gconstpointer data)
{
  G_GNUC_UNUSED gulong before = raw_resident_kib(self->rig);

  for (guint i = 0; i < self->api->operations->len; i++) {
    const OpenapiOperation *operation = self->api->operations->pdata[i];
    g_autoptr(GSocket) socket = raw_dial(self->rig);
    g_autofree gchar *request =
        g_strdup_printf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n{\"name\":\"",
                        operation->method, operation->path, LARGE);
    g_autofree gchar *answer = NULL;

    g_assert_true(raw_send_text(socket, request));
    answer = raw_receive(socket);
    g_assert_cmpuint(raw_status(answer), ==, 413);
    g_assert_nonnull(strstr(answer, "application/problem+json"));
  }
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpuint(raw_resident_kib(self->rig), <, before + LARGE / 1024);
#endif
}

static void
test_ids(Fixture *self, gconstpointer data)
{
  static const gchar *const ids[] = {
    NOBODY,
    "x",
    "%27%20OR%201%3D1--",
    "%00",
    "%ff%fe",
    "..%2f..%2fetc%2fpasswd",
    "%3Cscript%3E",
    "%F0%9F%93%9E",
    "-1",
  };
  g_autoptr(GRegex) braces = g_regex_new("\\{[^}]*\\}", 0, 0, NULL);
  g_autofree gchar *large = g_strnfill(4000, 'a');

  for (guint i = 0; i < self->api->operations->len; i++) {
    const OpenapiOperation *operation = self->api->operations->pdata[i];

    if (!strchr(operation->path, '{'))
      continue;
    for (guint j = 0; j <= G_N_ELEMENTS(ids); j++) {
      const gchar *id = j < G_N_ELEMENTS(ids) ? ids[j] : large;
      g_autofree gchar *path = g_regex_replace_literal(braces, operation->path, -1, 0, id, 0, NULL);
      g_autofree gchar *request =
          g_strdup_printf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                          "Content-Length: 2\r\nConnection: close\r\n\r\n{}",
                          operation->method, path);
      g_autofree gchar *answer = raw_ask(self->rig, request);
      guint status = raw_status(answer);

      if (status < 400 || status >= 500 || !strstr(answer, "application/problem+json"))
        g_error("%s %s: %s", operation->method, path, answer);
    }
  }
}

static void
test_queries(Fixture *self, gconstpointer data)
{
  static const struct {
    const gchar *query;
    guint status;
  } queries[] = {
    { "limit=0", 422 },    { "limit=x", 422 },     { "limit=-1", 422 },
    { "limit=1e3", 422 },  { "limit=99999", 422 }, { "limit=", 422 },
    { "cursor=x", 422 },   { "cursor=AAAA", 422 }, { "sort=nothing", 422 },
    { "sort=id;--", 422 }, { "no_such=1", 422 },   { "limit=1&no_such", 422 },
    { "cursor=%ff", 400 }, { "limit=%00", 400 },
  };
  static const gchar *const lists[] = {
    "listAgents",          "listCalls",     "listSystemPrompts",
    "listCustomFunctions", "listCustomers", "listPhoneNumbers"
  };

  for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
    const OpenapiOperation *operation = openapi_rig_find(self->api, lists[i]);

    for (guint j = 0; j < G_N_ELEMENTS(queries); j++) {
      g_autofree gchar *request =
          g_strdup_printf("GET %s?%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                          operation->path, queries[j].query);
      g_autofree gchar *answer = raw_ask(self->rig, request);

      g_test_message("%s: %s", queries[j].query, answer);
      g_assert_cmpuint(raw_status(answer) / 100, ==, 4);
      g_assert_true(raw_status(answer) == queries[j].status || raw_status(answer) == 400);
    }
  }
}

static void
test_plain(Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < self->api->operations->len; i++) {
    const OpenapiOperation *operation = self->api->operations->pdata[i];
    g_autofree gchar *path = NULL;
    g_autofree gchar *strange = NULL;
    g_autoptr(Answer) answer = NULL, refused = NULL;

    if (!is_plain(operation) || !g_str_equal(operation->method, "GET"))
      continue;
    path = make_path(self, operation);
    answer = ask(self, operation, path, NULL, NULL, NULL);
    g_assert_cmpuint(answer->status, <, 500);
    strange = g_strconcat(path, "?no_such_parameter=1", NULL);
    refused = ask(self, operation, strange, NULL, NULL, NULL);
    /* carriers add what they like */
    if (!g_str_equal(cord_json_peek_string(operation->object, "x-cordboard-scope", ""), "carrier"))
      g_assert_cmpuint(refused->status, ==, 422);
  }
}

/* Of many who change the same row at once, by the tag that they saw, one does. */
static void
on_rival(GObject *source, GAsyncResult *result, gpointer data)
{
  guint *left = data;
  g_autoptr(GBytes) bytes = soup_session_send_and_read_finish(SOUP_SESSION(source), result, NULL);

  g_assert_nonnull(bytes);
  (*left)--;
}

static void
test_rivals(Fixture *self, gconstpointer data)
{
  const OpenapiOperation *create = openapi_rig_find(self->api, "createAgent");
  g_autoptr(Answer) row = ask_text(self, create, "/api/agents", "{\"name\":\"One\"}");
  g_autofree gchar *url =
      g_strconcat(self->rig->url, "/api/agents/",
                  cord_json_peek_string(json_node_get_object(row->node), "id", ""), NULL);
  g_autoptr(SoupSession) session =
      soup_session_new_with_options("max-conns-per-host", RIVALS, NULL);
  SoupMessage *messages[RIVALS];
  guint left = RIVALS, won = 0;

  g_assert_nonnull(row->etag);
  for (guint i = 0; i < RIVALS; i++) {
    g_autofree gchar *json = g_strdup_printf("{\"name\":\"Rival %u\"}", i);
    g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));

    messages[i] = soup_message_new("PUT", url);
    soup_message_set_request_body_from_bytes(messages[i], "application/json", body);
    soup_message_headers_append(soup_message_get_request_headers(messages[i]), "If-Match",
                                row->etag);
    soup_session_send_and_read_async(session, messages[i], G_PRIORITY_DEFAULT, NULL, on_rival,
                                     &left);
  }
  while (left > 0)
    g_main_context_iteration(NULL, TRUE);
  for (guint i = 0; i < RIVALS; i++) {
    guint status = soup_message_get_status(messages[i]);

    won += status == 200;
    g_assert_true(status == 200 || status == 412);
    g_object_unref(messages[i]);
  }
  g_assert_cmpuint(won, ==, 1);
}

static gboolean
goes_on_alone(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &status);
  JsonArray *array = json_node_get_array(calls);
  JsonObject *call =
      json_array_get_length(array) > 0 ? json_array_get_object_element(array, 0) : NULL;

  return call && json_object_get_null_member(call, "agent_id") &&
         g_str_equal(json_object_get_string_member(call, "status"), "in-progress");
}

/* A caller does not notice that somebody deletes whom he talks to. */
static void
test_agent_in_call(Fixture *self, gconstpointer data)
{
  const OpenapiOperation *list = openapi_rig_find(self->api, "listAgents");
  const OpenapiOperation *update = openapi_rig_find(self->api, "updateAgent");
  const OpenapiOperation *remove = openapi_rig_find(self->api, "deleteAgent");
  g_autoptr(Answer) agents = ask(self, list, "/api/agents", NULL, NULL, NULL);
  JsonArray *array = json_node_get_array(agents->node);
  g_autofree gchar *path =
      g_strconcat("/api/agents/",
                  cord_json_peek_string(json_array_get_object_element(array, 0), "id", ""), NULL);
  g_autoptr(Answer) echo =
      ask_text(self, update, path, "{\"metadata\":{\"cordboard\":{\"pipeline\":\"echo\"}}}");
  guint status;
  g_autofree gchar *stream_path = NULL;
  g_autofree gchar *token = raw_admit(self->rig, "CA1", &stream_path, &status);
  g_autoptr(GSocket) stream = raw_open_stream(self->rig, stream_path, FALSE, &status);
  g_autoptr(Answer) gone = NULL, again = NULL;

  g_assert_cmpuint(echo->status, ==, 200);
  raw_start(stream, "CA1", token);
  raw_media(stream, 0);
  g_assert_true(raw_wait_media(stream));
  gone = ask(self, remove, path, NULL, NULL, NULL);
  g_assert_cmpuint(gone->status, ==, 200);
  again = ask(self, remove, path, NULL, NULL, NULL);
  g_assert_cmpuint(again->status, ==, 404);
  raw_media(stream, 1);
  g_assert_true(raw_wait_media(stream));
  call_rig_wait_until(self->rig, goes_on_alone);
}

#define TEST(name, func) g_test_add("/bad input/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  TEST("every operation answers as the document says", test_plain);
  TEST("wrong types, missing and unknown members are named", test_members);
  TEST("text that means something to others is text", test_texts);
  TEST("what is no JSON, no UTF-8 or no object is refused", test_bodies);
  TEST("a body of 10 MB is refused before it comes", test_large);
  TEST("ids that nobody has are not found, whatever is in them", test_ids);
  TEST("parameters that a list does not know are refused", test_queries);
  TEST("of many who change a row at once one wins", test_rivals);
  TEST("an agent can be deleted in the midst of a call", test_agent_in_call);
  return g_test_run();
}
