/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scripted provider: patterns, slots, states, tools, and the stock agent with what a recogniser
 * makes of its caller. */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "llm-pattern.h"
#include "llm-script.h"

static LlmWordLists *
make_lists(void)
{
  LlmWordLists *lists =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  GPtrArray *days = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

  g_ptr_array_add(days, llm_words_split("monday"));
  g_ptr_array_add(days, llm_words_split("next monday"));
  g_ptr_array_add(days, llm_words_split("tuesday"));
  g_hash_table_insert(lists, g_strdup("day"), days);
  return lists;
}

/* The score in hundredths, and what the slots hold. */
static gint
match(const gchar *pattern, const gchar *said, gchar **slot)
{
  g_autoptr(GHashTable) slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr(GHashTable) lists = make_lists();
  g_autoptr(GError) error = NULL;
  LlmPattern *self = llm_pattern_new(pattern, lists, &error);
  g_auto(GStrv) words = llm_words_split(said);
  gdouble score;

  g_assert_no_error(error);
  score = llm_pattern_match(self, words, lists, slots);
  if (slot)
    *slot = g_strdup(g_hash_table_lookup(slots, "day") ? g_hash_table_lookup(slots, "day")
                                                       : g_hash_table_lookup(slots, "who"));
  llm_pattern_free(self);
  return (gint)(score * 100);
}

static void
test_patterns(void)
{
  static const struct {
    const gchar *pattern, *said;
    gboolean fits;
  } cases[] = {
    { "where are you", "Where are you?", TRUE },
    { "where are you", "where are you located", TRUE },
    { "where are you", "who is that", FALSE },
    { "where are you", "", FALSE },
    { "i (want|need) [really] help", "I need help!", TRUE },
    { "i (want|need) [really] help", "i want really help", TRUE },
    { "(good morning|hello) [there]", "hello there", TRUE },
    { "appointment", "apointment", TRUE },
    { "appointment", "a point meant", FALSE },
    { "on {day}", "on tuesday", TRUE },
    { "on {day}", "on friday", FALSE },
    { "gr\xc3\xbc\xc3\x9f gott", "Gr\xc3\xbc\xc3\x9f Gott!", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    gint score = match(cases[i].pattern, cases[i].said, NULL);

    g_test_message("\"%s\" and \"%s\": %d", cases[i].pattern, cases[i].said, score);
    g_assert_true((score >= 62) == cases[i].fits);
  }
  g_assert_cmpint(match("when are you open", "when are you open", NULL), >,
                  match("when are you open", "when are you", NULL));
}

static void
test_slots(void)
{
  static const struct {
    const gchar *pattern, *said, *value;
  } cases[] = {
    { "on {day}", "on monday", "monday" },
    { "on {day}", "on next monday please", "next monday" },
    { "on {day}", "on munday", "monday" },
    { "my name is {who:any}", "my name is ada lovelace", "ada lovelace" },
    { "on {day}", "no idea", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *value = NULL;

    match(cases[i].pattern, cases[i].said, &value);
    g_assert_cmpstr(value, ==, cases[i].value);
  }
}

static void
test_wrong_scripts(void)
{
  static const struct {
    const gchar *json, *said;
  } cases[] = {
    { "", "not JSON" },
    { "[]", "object" },
    { "{}", "rules" },
    { "{\"rules\":[]}", "fallback" },
    { "{\"rules\":[],\"fallback\":[]}", "\"fallback\" is empty" },
    { "{\"rules\":[7],\"fallback\":[\"x\"]}", "rule 1 is not an object" },
    { "{\"rules\":[{\"patterns\":[\"x\"]}],\"fallback\":[\"x\"]}", "rule 1: \"replies\"" },
    { "{\"rules\":[{\"patterns\":[\"a (b\"],\"replies\":[\"x\"]}],\"fallback\":[\"x\"]}",
      "pattern \"a (b\": a bracket without its end" },
    { "{\"rules\":[{\"patterns\":[\"a b)\"],\"replies\":[\"x\"]}],\"fallback\":[\"x\"]}",
      "a bracket that was not opened" },
    { "{\"rules\":[{\"patterns\":[\"{day}\"],\"replies\":[\"x\"]}],\"fallback\":[\"x\"]}",
      "a slot of a list that does not exist" },
    { "{\"rules\":[{\"patterns\":[\"x\"],\"replies\":[\"x\"],\"tool\":{}}],\"fallback\":[\"x\"]}",
      "\"name\" is missing" },
    { "{\"rules\":[{\"patterns\":[7],\"replies\":[\"x\"]}],\"fallback\":[\"x\"]}",
      "not a list of strings" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;

    g_assert_null(llm_script_new(cases[i].json, &error));
    g_assert_nonnull(error);
    g_assert_true(error->domain == CORD_ERROR);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, cases[i].said));
  }
}

/* text|tool arguments */
static gchar *
ask(LlmScript *script, const gchar *said)
{
  LlmScriptReply reply;
  gchar *answer;

  llm_script_answer(script, said, &reply);
  answer = g_strdup_printf("%s|%s%s%s", reply.text, reply.tool ? reply.tool : "",
                           reply.tool ? " " : "", reply.arguments ? reply.arguments : "");
  llm_script_reply_clear(&reply);
  return answer;
}

static void
assert_answer(LlmScript *script, const gchar *said, const gchar *expected)
{
  g_autofree gchar *answer = ask(script, said);

  g_test_message("%s -> %s", said, answer);
  g_assert_true(g_str_has_prefix(answer, expected));
}

static void
test_states(void)
{
  g_autoptr(LlmScript) script = llm_script_new(
      "{\"lists\":{\"day\":[\"monday\",\"tuesday\"]},\"rules\":["
      "{\"patterns\":[\"book {day}\"],\"replies\":[\"{day}?\"],\"then\":\"sure\"},"
      "{\"patterns\":[\"yes\"],\"when\":\"sure\",\"replies\":[\"Done: {day}, {time|any time}.\"],"
      "\"then\":\"\",\"tool\":{\"name\":\"book\",\"arguments\":{\"day\":\"{day}\",\"n\":2,"
      "\"note\":\"{note}\"}}},"
      "{\"patterns\":[\"yes\"],\"replies\":[\"Yes what?\",\"Yes?\"]}],"
      "\"fallback\":[\"A\",\"B\"]}",
      NULL);

  g_assert_nonnull(script);
  assert_answer(script, "yes", "Yes what?|");
  assert_answer(script, "yes", "Yes?|");
  assert_answer(script, "nonsense", "A|");
  assert_answer(script, "nonsense", "B|");
  assert_answer(script, "nonsense", "B|");
  assert_answer(script, "book tuesday", "tuesday?|");
  assert_answer(script, "yes",
                "Done: tuesday, any time.|book {\"day\":\"tuesday\",\"n\":2,\"note\":\"\"}");
  assert_answer(script, "yes", "Yes what?|");
  g_assert_cmpstr(llm_script_get_slot(script, "day"), ==, "tuesday");
  llm_script_restart(script);
  g_assert_null(llm_script_get_slot(script, "day"));
  assert_answer(script, "nonsense", "A|");
}

static LlmScript *
load_dental(void)
{
  g_autofree gchar *path =
      g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), "agents", "scripts", "dental.json", NULL);
  g_autofree gchar *json = NULL;
  g_autoptr(GError) error = NULL;
  LlmScript *script;

  g_assert_true(g_file_get_contents(path, &json, NULL, NULL));
  script = llm_script_new(json, &error);
  g_assert_no_error(error);
  return script;
}

/* What was said, as it was understood. */
static void
test_dental(void)
{
  g_autoptr(LlmScript) script = load_dental();
  g_autofree gchar *hints = llm_script_get_hints(script);

  assert_answer(script, "I would like to make an appointment.", "Of course. Which day");
  assert_answer(script, "tuesday at ten in the morning please",
                "tuesday at ten in the morning is free.");
  assert_answer(script, "no that is all",
                "Thank you for calling Maple Street Dental. Goodbye.|end_call");
  g_assert_nonnull(strstr(hints, "(monday|tuesday|"));
}

static void
test_noise(void)
{
  static const struct {
    const gchar *said, *answer;
  } cases[] = {
    { "uh i would like to make an appointment", "Of course. Which day" },
    { "i would like to make an a appointment please", "Of course. Which day" },
    { "i would like to make in appointment", "Of course. Which day" },
    { "i'd like to make an appointment", "Of course. Which day" },
    { "would like make an appointment", "Of course. Which day" },
    { "can i come on friday", "Of course. What time on friday" },
    { "well what are your opening hours please", "We are open Monday" },
    { "what are you opening hours", "We are open Monday" },
    { "how much is the cleaning", "A cleaning is ninety" },
    { "my tooth hurt", "I am sorry to hear that." },
    { "where are you located exactly", "We are at twelve Maple" },
    { "are you a robot or a person", "I am only the answering machine" },
    { "thank you bye a bike", "You are welcome. Goodbye" },
    { "thank you goodbye", "You are welcome. Goodbye" },
    { "thank you very much good bye", "You are welcome. Goodbye" },
    { "thanks bye bye", "You are welcome. Goodbye" },
    { "okay thank you", "You are welcome. Goodbye" },
    { "and goodbye", "You are welcome. Goodbye" },
    { "the weather is nice in spain", "I am sorry, I did not get that." },
    { "", "I am sorry, I did not get that." },
    { "a bike", "I am sorry, I did not get that." },
    { "thank you i also need to know your address", "I am sorry, I did not get that." },
  };
  g_autoptr(LlmScript) script = load_dental();
  guint wrong = 0;

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *answer = NULL;

    llm_script_restart(script);
    answer = ask(script, cases[i].said);
    g_test_message("%s -> %s", cases[i].said, answer);
    if (!g_str_has_prefix(answer, cases[i].answer)) {
      g_test_message("expected %s", cases[i].answer);
      wrong++;
    }
  }
  g_assert_cmpuint(wrong, ==, 0);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/script/patterns fit what was meant", test_patterns);
  g_test_add_func("/script/slots hold the phrase that was meant", test_slots);
  g_test_add_func("/script/what is wrong with it is told", test_wrong_scripts);
  g_test_add_func("/script/rules wait for their state, and call tools", test_states);
  g_test_add_func("/script/the dental practice books", test_dental);
  g_test_add_func("/script/the dental practice bears with its recogniser", test_noise);
  return g_test_run();
}
