/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-catalogue.h"
#include "cord-near-names.h"

static void
test_distance(void)
{
  static const struct {
    const gchar *a;
    const gchar *b;
    guint distance;
  } pairs[] = {
    { "", "", 0 },
    { "", "abc", 3 },
    { "gpt-4o", "gpt-4o", 0 },
    { "gpt-4o", "GPT-4O", 0 },
    { "gpt4o", "gpt-4o", 1 },
    { "gpt-o4", "gpt-4o", 2 },
    { "kitten", "sitting", 3 },
  };

  for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
    g_assert_cmpuint(cord_edit_distance(pairs[i].a, pairs[i].b), ==, pairs[i].distance);
    g_assert_cmpuint(cord_edit_distance(pairs[i].b, pairs[i].a), ==, pairs[i].distance);
  }
}

/* One answer of each shape that the services have. */
static void
test_catalogue(void)
{
  static const struct {
    const gchar *json;
    const gchar *has;
    const gchar *has_not;
    const gchar *near;
  } answers[] = {
    { "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-4o\",\"object\":\"model\"},"
      "{\"id\":\"gpt-4o-mini\"},{\"id\":\"o3\"}]}",
      "gpt-4o-mini", "gpt-4o-mimi", "gpt-4o-mini" },
    { "{\"data\":[{\"type\":\"model\",\"id\":\"claude-3-5-haiku-20241022\"}]}",
      "claude-3-5-haiku-latest", "claude-3-haiku-latest", "claude-3-5-haiku-20241022" },
    { "{\"models\":[{\"name\":\"models/gemini-2.5-flash\",\"supportedGenerationMethods\":[]}]}",
      "gemini-2.5-flash", "gemini-2.5-flush", "gemini-2.5-flash" },
    { "[{\"model_id\":\"eleven_turbo_v2\"},{\"model_id\":\"eleven_flash_v2_5\"}]",
      "eleven_turbo_v2", "eleven_turbo_v3", "eleven_turbo_v2" },
    { "{\"stt\":[{\"name\":\"general\",\"canonical_name\":\"nova-3-general\"}]}", "nova-3",
      "nova-9", "general" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(CordCatalogue) catalogue = cord_catalogue_new_from_json(answers[i].json, -1, &error);
    g_auto(GStrv) near = NULL;

    g_assert_no_error(error);
    g_assert_true(cord_catalogue_has(catalogue, answers[i].has));
    g_assert_false(cord_catalogue_has(catalogue, answers[i].has_not));
    near = cord_catalogue_list_near(catalogue, answers[i].has_not);
    if (i < G_N_ELEMENTS(answers) - 1)
      g_assert_cmpstr(near[0], ==, answers[i].near);
  }
}

static void
test_no_catalogue(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) deep = g_string_new(NULL);

  for (guint i = 0; i < 130000; i++)
    g_string_append_c(deep, '[');
  g_assert_null(cord_catalogue_new_from_json(deep->str, -1, &error));
  g_assert_nonnull(error);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/services/names are as far apart as they have letters changed", test_distance);
  g_test_add_func("/services/each service's list of models is understood", test_catalogue);
  g_test_add_func("/services/what is no list harms nobody", test_no_catalogue);
  return g_test_run();
}
