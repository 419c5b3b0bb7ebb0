/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "cord-twilio-signature.h"

/* The vectors are PROTOCOLS.md 1.5's: published by Twilio, or computed and checked with its SDKs.
 */
static JsonObject *
load_vectors(JsonParser *parser)
{
  g_autofree gchar *path =
      g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "twilio", "signature-vectors.json", NULL);
  g_autoptr(GError) error = NULL;

  json_parser_load_from_file(parser, path, &error);
  g_assert_no_error(error);
  return json_node_get_object(json_parser_get_root(parser));
}

static CordForm *
read_form(JsonObject *vector)
{
  CordForm *form;
  JsonNode *node = json_object_get_member(vector, "params");
  g_autoptr(GList) names = NULL;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
    return NULL;
  form = cord_form_new();
  names = json_object_get_members(json_node_get_object(node));
  for (GList *l = names; l; l = l->next) {
    JsonNode *value = json_object_get_member(json_node_get_object(node), l->data);

    if (JSON_NODE_HOLDS_ARRAY(value)) {
      JsonArray *values = json_node_get_array(value);

      for (guint i = 0; i < json_array_get_length(values); i++)
        cord_form_add(form, l->data, json_array_get_string_element(values, i));
    } else {
      cord_form_add(form, l->data, json_node_get_string(value));
    }
  }
  return form;
}

static void
test_positive(void)
{
  g_autoptr(JsonParser) parser = json_parser_new();
  JsonArray *vectors = json_object_get_array_member(load_vectors(parser), "positive");

  g_assert_cmpuint(json_array_get_length(vectors), ==, 31);
  for (guint i = 0; i < json_array_get_length(vectors); i++) {
    JsonObject *vector = json_array_get_object_element(vectors, i);
    const gchar *token = json_object_get_string_member(vector, "token");
    const gchar *wanted = json_object_get_string_member(vector, "signature");
    const gchar *presented = json_object_get_string_member(vector, "url_presented");
    const gchar *body = json_object_get_string_member_with_default(vector, "body", NULL);
    CordForm *form = read_form(vector);
    g_autofree gchar *signature =
        cord_twilio_sign(token, json_object_get_string_member(vector, "url_signed"), form);

    g_test_message("%s", json_object_get_string_member(vector, "id"));
    g_assert_cmpstr(signature, ==, wanted);
    g_assert_true(cord_twilio_signature_check(token, presented, form, wanted));
    if (body)
      g_assert_true(cord_twilio_body_check(presented, body, strlen(body)));
    g_clear_pointer(&form, cord_form_free);
  }
}

static void
test_negative(void)
{
  g_autoptr(JsonParser) parser = json_parser_new();
  JsonArray *vectors = json_object_get_array_member(load_vectors(parser), "negative");

  g_assert_cmpuint(json_array_get_length(vectors), ==, 7);
  for (guint i = 0; i < json_array_get_length(vectors); i++) {
    JsonObject *vector = json_array_get_object_element(vectors, i);
    const gchar *url = json_object_get_string_member(vector, "url");
    const gchar *body = json_object_get_string_member_with_default(vector, "body", NULL);
    CordForm *form = read_form(vector);
    gboolean good =
        cord_twilio_signature_check(json_object_get_string_member(vector, "token"), url, form,
                                    json_object_get_string_member(vector, "signature"));

    g_test_message("%s", json_object_get_string_member(vector, "id"));
    g_assert_false(body ? good && cord_twilio_body_check(url, body, strlen(body)) : good);
    g_clear_pointer(&form, cord_form_free);
  }
}

static void
test_missing(void)
{
  g_autofree gchar *of_nothing = cord_twilio_sign("", "https://example.com/", NULL);

  g_assert_false(cord_twilio_signature_check("12345", "https://example.com/", NULL, NULL));
  g_assert_false(cord_twilio_signature_check("12345", "", NULL, ""));
  g_assert_false(cord_twilio_signature_check("12345", "https://example.com/", NULL, of_nothing));
}

static void
test_ports(void)
{
  g_autofree gchar *ipv6 = cord_twilio_sign("t", "https://[2001:db8::1]/voice", NULL);
  g_autofree gchar *http = cord_twilio_sign("t", "http://example.com/voice", NULL);

  g_assert_true(cord_twilio_signature_check("t", "https://[2001:db8::1]:8443/voice", NULL, ipv6));
  g_assert_false(cord_twilio_signature_check("t", "https://[2001:db8::2]/voice", NULL, ipv6));
  /* over http the port belongs to the URL */
  g_assert_false(cord_twilio_signature_check("t", "http://example.com:8000/voice", NULL, http));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signature/all good vectors are computed and accepted", test_positive);
  g_test_add_func("/signature/no bad vector is accepted", test_negative);
  g_test_add_func("/signature/a missing one is never good", test_missing);
  g_test_add_func("/signature/a port is dropped over https only", test_ports);
  return g_test_run();
}
