/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>

#include "cord-json.h"
#include "cord-resource.h"
#include "cord-test-store.h"

static JsonObject *
parse(const gchar *text)
{
  g_autoptr(GError) error = NULL;
  JsonObject *object = cord_json_parse_object(text, -1, &error);

  g_assert_no_error(error);
  return object;
}

static JsonObject *
finish_row(CordStore *store, GAsyncResult *result, gchar **etag)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(store, result, &error);

  g_assert_no_error(error);
  if (etag)
    *etag = cord_resource_etag(json);
  return parse(json);
}

static JsonObject *
create(CordStore *store, const CordResource *resource, const gchar *values, gchar **etag)
{
  g_autoptr(JsonObject) object = parse(values);
  g_autoptr(GAsyncResult) result = NULL;

  cord_resource_create_async(resource, store, object, NULL, NULL, test_take_result, &result);
  return finish_row(store, test_wait(&result), etag);
}

static CordPage *
list(CordStore *store, const CordResource *resource, const CordPageRequest *request)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  CordPage *page;

  cord_resource_list_async(resource, store, request, NULL, test_take_result, &result);
  page = cord_resource_list_finish(store, test_wait(&result), &error);
  g_assert_no_error(error);
  return page;
}

static void
assert_fails(CordStore *store, GAsyncResult *result, CordStoreError code)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(cord_resource_row_finish(store, result, &error));
  g_assert_error(error, CORD_STORE_ERROR, (gint)code);
}

static const gchar *
id_of(JsonObject *row)
{
  return json_object_get_string_member(row, "id");
}

#define TRICKY "a \\\"quote\\\" \\\\ '; DROP TABLE agents; -- <b>\\n\\u0001 \xf0\x9f\x98\x80"

static void
test_round_trip(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autofree gchar *etag = NULL;
  g_autofree gchar *again = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(JsonObject) row = create(
      store, &cord_resource_agents,
      "{\"name\":\"" TRICKY "\",\"system_prompt\":\"p\",\"voice_id\":\"v\",\"language\":\"de\","
      "\"llm_model\":\"m\",\"is_active\":false,\"tools_enabled\":[\"x\"],"
      "\"metadata\":{\"deep\":[1,2.5,{\"a\":null}]},\"id\":\"mine\",\"nothing\":1}",
      &etag);
  g_autoptr(JsonObject) read = NULL;

  g_assert_cmpstr(id_of(row), !=, "mine");
  cord_resource_get_async(&cord_resource_agents, store, id_of(row), NULL, test_take_result,
                          &result);
  read = finish_row(store, test_wait(&result), &again);
  g_assert_cmpstr(etag, ==, again);
  g_assert_cmpstr(json_object_get_string_member(read, "name"), ==,
                  "a \"quote\" \\ '; DROP TABLE agents; -- <b>\n\x01 \xf0\x9f\x98\x80");
  g_assert_false(json_object_get_boolean_member(read, "is_active"));
  g_assert_true(json_object_get_null_member(read, "description"));
  g_assert_cmpfloat(
      json_array_get_double_element(
          json_object_get_array_member(json_object_get_object_member(read, "metadata"), "deep"), 1),
      ==, 2.5);
}

static void
test_update(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autofree gchar *first = NULL;
  g_autofree gchar *second = NULL;
  g_autoptr(JsonObject) row =
      create(store, &cord_resource_system_prompts, "{\"name\":\"n\",\"content\":\"c\"}", &first);
  g_autoptr(JsonObject) values = parse("{\"content\":\"new\",\"description\":\"d\"}");
  g_autoptr(JsonObject) nulled = parse("{\"description\":null}");
  g_autoptr(JsonObject) changed = NULL;
  g_autoptr(JsonObject) emptied = NULL;
  g_autoptr(GAsyncResult) result = NULL;

  cord_resource_update_async(&cord_resource_system_prompts, store, id_of(row), values, first, NULL,
                             test_take_result, &result);
  changed = finish_row(store, test_wait(&result), &second);
  g_assert_cmpstr(json_object_get_string_member(changed, "name"), ==, "n");
  g_assert_cmpstr(json_object_get_string_member(changed, "content"), ==, "new");
  g_clear_object(&result);
  cord_resource_update_async(&cord_resource_system_prompts, store, id_of(row), values, first, NULL,
                             test_take_result, &result);
  assert_fails(store, test_wait(&result), CORD_STORE_ERROR_CHANGED);
  g_clear_object(&result);
  cord_resource_update_async(&cord_resource_system_prompts, store, id_of(row), nulled, NULL, NULL,
                             test_take_result, &result);
  emptied = finish_row(store, test_wait(&result), NULL);
  g_assert_true(json_object_get_null_member(emptied, "description"));
  g_clear_object(&result);
  cord_resource_delete_async(&cord_resource_system_prompts, store, id_of(row), second, NULL,
                             test_take_result, &result);
  assert_fails(store, test_wait(&result), CORD_STORE_ERROR_CHANGED);
  g_clear_object(&result);
  cord_resource_delete_async(&cord_resource_system_prompts, store, id_of(row), "*", NULL,
                             test_take_result, &result);
  json_object_unref(finish_row(store, test_wait(&result), NULL));
  g_clear_object(&result);
  cord_resource_update_async(&cord_resource_system_prompts, store, id_of(row), nulled, NULL, NULL,
                             test_take_result, &result);
  assert_fails(store, test_wait(&result), CORD_STORE_ERROR_NOT_FOUND);
}

static void
test_unique(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(JsonObject) row =
      create(store, &cord_resource_custom_functions, "{\"name\":\"f\"}", NULL);
  g_autoptr(JsonObject) values = parse("{\"name\":\"f\"}");
  g_autoptr(GAsyncResult) result = NULL;

  g_assert_cmpstr(json_object_get_string_member(row, "method"), ==, "POST");
  cord_resource_create_async(&cord_resource_custom_functions, store, values, NULL, NULL,
                             test_take_result, &result);
  assert_fails(store, test_wait(&result), CORD_STORE_ERROR_CONSTRAINT);
}

/* Each row comes once, whatever the size of the pages. */
static void
test_pages(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");

  for (guint i = 0; i < 23; i++) {
    g_autofree gchar *values =
        g_strdup_printf("{\"name\":\"n%u\",\"phone\":\"+%u\"}", i % 5, i % 2);
    g_autoptr(JsonObject) row = create(store, &cord_resource_customers, values, NULL);
  }
  for (guint limit = 1; limit <= 25; limit += 3) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree gchar *cursor = NULL;
    g_autofree gchar *last = g_strdup("zzz");

    do {
      CordPageRequest request = {
        .limit = limit, .cursor = cursor, .sort = "name", .descending = TRUE
      };
      g_autoptr(CordPage) page = list(store, &cord_resource_customers, &request);
      g_autoptr(JsonNode) node = cord_json_parse(page->json, -1, 8, 1 << 20, NULL);
      JsonArray *rows = json_node_get_array(node);

      for (guint i = 0; i < json_array_get_length(rows); i++) {
        JsonObject *row = json_array_get_object_element(rows, i);

        g_assert_true(g_hash_table_add(seen, g_strdup(id_of(row))));
        g_assert_cmpstr(json_object_get_string_member(row, "name"), <=, last);
        g_free(last);
        last = g_strdup(json_object_get_string_member(row, "name"));
      }
      g_free(cursor);
      cursor = g_strdup(page->next);
    } while (cursor);
    g_assert_cmpuint(g_hash_table_size(seen), ==, 23);
  }
}

static void
test_filters(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  const gchar *active[] = { "is_active", "true", "name", "g", NULL };
  CordPageRequest request = { .limit = 10, .filters = active };
  g_autoptr(JsonObject) f =
      create(store, &cord_resource_custom_functions, "{\"name\":\"f\"}", NULL);
  g_autoptr(JsonObject) g =
      create(store, &cord_resource_custom_functions, "{\"name\":\"g\"}", NULL);
  g_autoptr(JsonObject) h =
      create(store, &cord_resource_custom_functions, "{\"name\":\"h\",\"is_active\":false}", NULL);
  g_autoptr(CordPage) page = list(store, &cord_resource_custom_functions, &request);

  g_assert_nonnull(strstr(page->json, id_of(g)));
  g_assert_null(strstr(page->json, id_of(f)));
  g_assert_null(strstr(page->json, id_of(h)));
  g_assert_null(page->next);
}

static void
test_bad_lists(void)
{
  static const gchar *const no_such[] = { "hash", "x", NULL };
  static const gchar *const hidden[] = { "credentials", "x", NULL };
  const CordPageRequest bad[] = {
    { .limit = 1, .sort = "number; DROP TABLE agents" },
    { .limit = 1, .sort = "credentials" },
    { .limit = 1, .cursor = "!" },
    { .limit = 1, .cursor = "AAAA" },
    { .limit = 1, .filters = no_such },
    { .limit = 1, .filters = hidden },
  };
  g_autoptr(CordStore) store = test_store_new(":memory:");

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;

    cord_resource_list_async(&cord_resource_phone_numbers, store, &bad[i], NULL, test_take_result,
                             &result);
    g_assert_null(cord_resource_list_finish(store, test_wait(&result), &error));
    g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID);
  }
}

static void
test_idempotency(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(JsonObject) values = parse("{\"name\":\"once\"}");
  g_autoptr(JsonObject) others = parse("{\"name\":\"twice\"}");
  CordPageRequest request = { .limit = 10 };
  g_autofree gchar *first = NULL;
  g_autoptr(CordPage) page = NULL;

  for (guint i = 0; i < 3; i++) {
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(JsonObject) row = NULL;

    cord_resource_create_async(&cord_resource_customers, store, values, "k", NULL, test_take_result,
                               &result);
    row = finish_row(store, test_wait(&result), NULL);
    if (!first)
      first = g_strdup(id_of(row));
    g_assert_cmpstr(id_of(row), ==, first);
  }
  {
    g_autoptr(GAsyncResult) result = NULL;

    cord_resource_create_async(&cord_resource_customers, store, others, "k", NULL, test_take_result,
                               &result);
    assert_fails(store, test_wait(&result), CORD_STORE_ERROR_INVALID);
  }
  page = list(store, &cord_resource_customers, &request);
  g_assert_null(strstr(page->json, "},{"));
}

static void
test_hidden(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(JsonObject) row =
      create(store, &cord_resource_phone_numbers,
             "{\"number\":\"+15005550006\",\"credentials\":\"sealed\"}", NULL);

  g_assert_false(json_object_has_member(row, "credentials"));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/resource/a row comes back as it was written", test_round_trip);
  g_test_add_func("/resource/only what is given changes, and only what is known", test_update);
  g_test_add_func("/resource/what must be unique is", test_unique);
  g_test_add_func("/resource/pages hold each row once", test_pages);
  g_test_add_func("/resource/lists are filtered", test_filters);
  g_test_add_func("/resource/bad orders and cursors are refused", test_bad_lists);
  g_test_add_func("/resource/a key gives the same answer again", test_idempotency);
  g_test_add_func("/resource/what is hidden is not shown", test_hidden);
  return g_test_run();
}
