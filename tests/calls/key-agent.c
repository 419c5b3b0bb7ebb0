/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "key-agent.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_S 120 /* of a call on a slow machine, besides what is pressed */
#define AGENT                                                                                      \
  "{\"name\":\"Desk\",\"language\":\"en-US\",\"llm_model\":\"scripted\",\"metadata\":"             \
  "{\"cordboard\":{\"greeting\":\"Yes?\",\"stt\":{\"element\":\"pocketsphinxstt\"},"               \
  "\"llm\":{\"provider\":\"scripted\",\"script\":\"scripts/desk.json\"},"                          \
  "\"tts\":{\"element\":\"flitetts\",\"voice\":\"slt\"}}}}"
#define SCRIPT "{\"rules\":[],\"fallback\":[\"Good.\",\"Fine.\",\"Right.\"]}"

static const gchar *const files[][2] = {
  { "agents/desk.json", AGENT },
  { "agents/scripts/desk.json", SCRIPT },
};

/* A folder for CORDBOARD_DATA_DIR. */
gchar *
key_agent_dir_new(void)
{
  gchar *dir = g_dir_make_tmp("cordboard-keys-XXXXXX", NULL);
  g_autofree gchar *scripts = g_build_filename(dir, "agents", "scripts", NULL);
  g_autofree gchar *audio = g_build_filename(dir, "audio", NULL);
  g_autofree gchar *stock = g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), "audio", NULL);

  g_assert_cmpint(g_mkdir_with_parents(scripts, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree gchar *path = g_build_filename(dir, files[i][0], NULL);

    g_assert_true(g_file_set_contents(path, files[i][1], -1, NULL));
  }
  g_assert_cmpint(symlink(stock, audio), ==, 0);
  return dir;
}

void
key_agent_dir_remove(const gchar *dir)
{
  static const gchar *const names[] = {
    "agents/desk.json", "agents/scripts/desk.json", "audio", "agents/scripts", "agents", ""
  };

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree gchar *path = g_build_filename(dir, names[i], NULL);

    g_remove(path);
  }
}

static gchar *
nth_press(guint i)
{
  return g_strdup_printf("%u", 1000 + i);
}

/* The arguments of a phone that says so many things, no two alike. */
GStrv
key_agent_presses(guint n)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_autofree gchar *seconds = g_strdup_printf("%u", LONGEST_S + 10 * n);

  for (guint i = 0; i < n; i++) {
    g_autofree gchar *press = nth_press(i);
    g_autofree gchar *keys = g_strconcat(press, "#", NULL);

    g_strv_builder_add_many(builder, "--dtmf", keys, NULL);
  }
  g_strv_builder_add_many(builder, "--max-duration", seconds, NULL);
  return g_strv_builder_end(builder);
}

/* Each of them once, in the order in which they were pressed. On a slow machine a caller presses on
 * before the answer, and the turn begins with what was said before. */
void
key_agent_check_user_lines(JsonArray *lines, guint n)
{
  guint found = 0;

  for (guint i = 0; i < json_array_get_length(lines); i++) {
    JsonObject *line = json_array_get_object_element(lines, i);
    g_autofree gchar *press = nth_press(found);
    const gchar *content = json_object_get_string_member(line, "content");
    const gchar *last = strrchr(content, ' ');

    if (!g_str_equal(json_object_get_string_member(line, "role"), "user"))
      continue;
    if (!g_str_has_prefix(last ? last + 1 : content, press))
      g_error("%s was pressed, %s is written", press, content);
    found++;
  }
  g_assert_cmpuint(found, ==, n);
}
