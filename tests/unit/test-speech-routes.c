/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "speech-routes.h"

#include <glib/gstdio.h>
#include <string.h>

#include "route-words.h"

#define THRESHOLD 0.7

typedef struct {
  gchar *dir;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp("routes-XXXXXX", NULL);
  g_assert_nonnull(f->dir);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(f->dir, name, NULL);

    g_remove(path);
  }
  g_rmdir(f->dir);
  g_free(f->dir);
}

static gchar *
write_file(Fixture *f, const gchar *name, const gchar *data, gssize size)
{
  gchar *path = g_build_filename(f->dir, name, NULL);

  g_assert_true(g_file_set_contents(path, data, size, NULL));
  return path;
}

static void
write_clip(Fixture *f, const gchar *name, gsize size)
{
  g_autofree gchar *data = g_malloc0(size);
  g_autofree gchar *path = write_file(f, name, data, (gssize)size);
}

/* "" where it is not enough like any */
static const gchar *
route_of(const SpeechRoutes *routes, const gchar *text)
{
  gdouble score;
  gboolean matches;
  const SpeechRoute *route = speech_routes_match(routes, text, THRESHOLD, &score, &matches);

  g_assert_cmpfloat(score, >=, 0);
  g_assert_cmpfloat(score, <=, 1);
  return matches ? route->name : "";
}

static void
check(const gchar *expected, const gchar *const *sentences, guint n)
{
  gboolean fresh;
  g_autoptr(SpeechRoutes) routes = speech_routes_get(NULL, NULL, &fresh);

  for (guint i = 0; i < n; i++) {
    const gchar *found = route_of(routes, sentences[i]);

    if (!g_str_equal(found, expected))
      g_error("\"%s\" goes to \"%s\", not to \"%s\"", sentences[i], found, expected);
  }
}

static void
test_pricing(void)
{
  static const gchar *const sentences[] = {
    "How much does it cost?",
    "how much is that",
    "What's the price?",
    "Hello, I would like to know how much it costs, please.",
    "Good morning, what are your prices?",
    "Can you tell me your rates?",
    "uh so how expensive is it",
    "what do you charge for this",
    "How much would it cost me?",
    "PRICING",
    "Was kostet das?",
    "Guten Tag, ich wollte mal wissen, was das kostet.",
    "Wie teuer ist das denn?",
    "Was kostet das Ganze?",
    "Wie viel würde das kosten?",
    "Wie hoch sind denn die Gebühren?",
  };

  check("pricing", sentences, G_N_ELEMENTS(sentences));
}

static void
test_who_are_you(void)
{
  static const gchar *const sentences[] = {
    "who are you",
    "Who am I talking to right now?",
    "who's this",
    "Who\xe2\x80\x99s calling, please?",
    "what's your name?",
    "are you a robot?",
    "Am I speaking to a real person?",
    "are you human",
    "Wer sind Sie denn?",
    "Mit wem spreche ich?",
    "Wie heißen Sie?",
    "Wie heissen Sie?",
    "Sind Sie ein Roboter?",
  };

  check("who_are_you", sentences, G_N_ELEMENTS(sentences));
}

static void
test_stop(void)
{
  static const gchar *const sentences[] = {
    "stop",
    "Stop!",
    "STOP. Stop. Stop.",
    "Please stop.",
    "stop calling me",
    "stop it",
    "goodbye",
    "Okay, thanks, bye.",
    "Thank you, goodbye.",
    "I'm not interested",
    "no thanks, not interested",
    "hang up please",
    "please don't call me again",
    "I'd like to end the call",
    "Halt!",
    "Tschüss!",
    "TSCHÜSS",
    "tschu\xcc\x88ss",
    "Auf Wiederhören.",
    "Danke, auf Wiedersehen.",
    "Ich habe kein Interesse.",
    "Legen Sie bitte auf.",
    "Rufen Sie mich nie wieder an!",
  };

  check("stop", sentences, G_N_ELEMENTS(sentences));
}

/* Words of a route in what is something else */
static void
test_in_passing(void)
{
  static const gchar *const sentences[] = {
    "The bus stop is near my house",
    "I'll stop by tomorrow",
    "stop by",
    "can you stop the recording",
    "When do you stop working?",
    "where is the next stop",
    "What time do you close?",
    "how are you",
    "How are you doing today?",
    "how much time do you have",
    "how many people work there",
    "I heard the price went up but what I really want is an appointment on Tuesday with the same "
    "doctor as last time",
    "the price of freedom is eternal vigilance",
    "My name is John Smith",
    "who is your boss",
    "Who is the doctor on duty on Monday",
    "I want to speak to a real person",
    "I would like to make an appointment",
    "what is it",
    "What are you doing tomorrow?",
    "are you open on Sunday",
    "Are you there?",
    "call me tomorrow",
    "can you call me back",
    "I have to go to the dentist",
    "Do you have a list of doctors",
    "Hören Sie mich?",
    "Wie geht es Ihnen?",
    "Wann machen Sie auf?",
    "Ich möchte einen Termin vereinbaren",
  };

  check("", sentences, G_N_ELEMENTS(sentences));
}

static void
test_denied(void)
{
  static const gchar *const sentences[] = {
    "don't stop",
    "DON\xe2\x80\x99T STOP",
    "dont stop",
    "Please don't hang up",
    "Do not stop, I am listening",
    "never stop",
    "Nicht auflegen, bitte",
    "I'm interested",
    "Ich habe Interesse",
    "I do not care how much it costs",
  };

  check("", sentences, G_N_ELEMENTS(sentences));
}

static void
test_nothing(void)
{
  static const gchar *const sentences[] = {
    "", " ", "?!", "'", "''", "n't", "'t", "okay", "yes", "no", "\xff\xfe", "\xc3", "日本語", "123",
  };

  check("", sentences, G_N_ELEMENTS(sentences));
}

static void
test_very_long(void)
{
  gboolean fresh;
  g_autoptr(SpeechRoutes) routes = speech_routes_get(NULL, NULL, &fresh);
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = 0; i < 200000; i++)
    g_string_append(text, "stop ");
  g_assert_cmpstr(route_of(routes, text->str), ==, "");
  g_string_truncate(text, 0);
  for (guint i = 0; i < ROUTE_MAX_WORDS + 1; i++)
    g_string_append(text, "stop ");
  g_assert_cmpstr(route_of(routes, text->str), ==, "");
  g_string_truncate(text, strlen("stop ") * ROUTE_MAX_WORDS);
  g_assert_cmpstr(route_of(routes, text->str), ==, "stop");
}

static void
check_words(const gchar *text, const gchar *expected, gboolean negated)
{
  g_autoptr(GString) found = g_string_new(NULL);
  RouteWords words;

  route_words_read(&words, text);
  for (guint i = 0; i < words.words->len; i++)
    g_string_append_printf(found, "%s%s", i > 0 ? " " : "",
                           g_array_index(words.words, RouteWord, i).stem);
  g_assert_cmpstr(found->str, ==, expected);
  g_assert_cmpint(words.negated, ==, negated);
  route_words_clear(&words);
}

static void
test_words(void)
{
  check_words("Prices, pricing and the PRICE", "pric pric and pric", FALSE);
  check_words("Was kostet's? Kosten!", "was kost kost", FALSE);
  check_words("stopped stopping stop", "stop stop stop", FALSE);
  check_words("who's I'd we've", "who i we", FALSE);
  check_words("don't", "", TRUE);
  check_words("l'avenir", "l avenir", FALSE);
  check_words("Grüße aus Köln", "gru aus koln", FALSE);
  check_words("um, please, the", "", FALSE);
}

/* What is read */

static void
test_without_recordings(Fixture *f, gconstpointer data)
{
  gboolean fresh;
  g_autofree gchar *missing = g_build_filename(f->dir, "none", NULL);
  g_autoptr(SpeechRoutes) routes = speech_routes_get(missing, NULL, &fresh);

  g_assert_true(fresh);
  g_assert_cmpuint(speech_routes_get_count(routes), ==, 3);
  g_assert_cmpuint(speech_routes_get_active(routes), ==, 0);
  g_assert_cmpuint(speech_routes_get_problems(routes)->len, ==, 0);
}

static const SpeechRoute *
find(const SpeechRoutes *routes, const gchar *name)
{
  for (guint i = 0; i < speech_routes_get_count(routes); i++)
    if (g_str_equal(speech_routes_get_route(routes, i)->name, name))
      return speech_routes_get_route(routes, i);
  g_assert_not_reached();
}

static void
test_recordings(Fixture *f, gconstpointer data)
{
  g_autofree gchar *text = write_file(f, "stop.txt", " Bye now. \n", -1);
  g_autoptr(SpeechRoutes) routes = NULL;
  gboolean fresh;

  write_clip(f, "stop.mulaw", 160);
  write_clip(f, "pricing.mulaw", 60 * 8000);
  write_clip(f, "other.mulaw", 160);
  routes = speech_routes_get(f->dir, NULL, &fresh);
  g_assert_cmpuint(speech_routes_get_active(routes), ==, 2);
  g_assert_cmpuint(speech_routes_get_problems(routes)->len, ==, 0);
  g_assert_cmpuint(g_bytes_get_size(find(routes, "stop")->clip), ==, 160);
  g_assert_cmpstr(find(routes, "stop")->text, ==, "Bye now.");
  g_assert_true(find(routes, "stop")->hang_up);
  g_assert_true(g_str_has_prefix(find(routes, "pricing")->text, "Our prices"));
  g_assert_false(find(routes, "pricing")->hang_up);
  g_assert_null(find(routes, "who_are_you")->clip);
}

static void
test_bad_recordings(Fixture *f, gconstpointer data)
{
  g_autofree gchar *folder = g_build_filename(f->dir, "stop.mulaw", NULL);
  g_autoptr(SpeechRoutes) routes = NULL;
  GPtrArray *problems;
  gboolean fresh;

  write_clip(f, "pricing.mulaw", 60 * 8000 + 1);
  write_clip(f, "who_are_you.mulaw", 0);
  g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
  routes = speech_routes_get(f->dir, NULL, &fresh);
  problems = speech_routes_get_problems(routes);
  g_assert_cmpuint(speech_routes_get_active(routes), ==, 0);
  g_assert_cmpuint(problems->len, ==, 3);
  g_assert_nonnull(strstr(problems->pdata[0], "longer than a minute"));
  g_assert_nonnull(strstr(problems->pdata[1], "empty"));
  g_assert_nonnull(strstr(problems->pdata[2], "no file"));
}

static void
test_shared(Fixture *f, gconstpointer data)
{
  g_autoptr(SpeechRoutes) one = NULL, two = NULL, three = NULL;
  g_autofree gchar *text = NULL;
  gboolean fresh;

  write_clip(f, "stop.mulaw", 160);
  one = speech_routes_get(f->dir, NULL, &fresh);
  g_assert_true(fresh);
  two = speech_routes_get(f->dir, NULL, &fresh);
  g_assert_false(fresh);
  g_assert_true(one == two);
  /* whoever has the old one keeps it */
  write_clip(f, "stop.mulaw", 320);
  three = speech_routes_get(f->dir, NULL, &fresh);
  g_assert_true(fresh);
  g_assert_cmpuint(g_bytes_get_size(find(three, "stop")->clip), ==, 320);
  g_assert_cmpuint(g_bytes_get_size(find(one, "stop")->clip), ==, 160);
}

static void
test_routes_of_ones_own(Fixture *f, gconstpointer data)
{
  static const gchar text[] = "[hours]\n"
                              "examples=when are you open;opening hours\n"
                              "examples-de=wann haben Sie offen\n"
                              "text=Nine to five.\n"
                              "[no/../name]\nexamples=x\n"
                              "[empty]\ntext=Nothing.\n"
                              "[odd]\nexamples=odd;;\nthreshold=2\n";
  g_autofree gchar *file = write_file(f, "own.conf", text, -1);
  g_autoptr(SpeechRoutes) routes = NULL;
  gboolean fresh;

  write_clip(f, "hours.mulaw", 160);
  routes = speech_routes_get(f->dir, file, &fresh);
  g_assert_cmpuint(speech_routes_get_count(routes), ==, 3);
  g_assert_cmpuint(speech_routes_get_active(routes), ==, 1);
  g_assert_cmpuint(speech_routes_get_problems(routes)->len, ==, 3);
  g_assert_cmpstr(route_of(routes, "So, when are you open?"), ==, "hours");
  g_assert_cmpstr(route_of(routes, "Wann haben Sie offen"), ==, "hours");
  g_assert_cmpstr(route_of(routes, "stop"), ==, "");
}

static void
test_bad_file(Fixture *f, gconstpointer data)
{
  static const gchar *const texts[] = { "no group", "[a\n", "\xff\xfe", "" };

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autofree gchar *file = write_file(f, "own.conf", texts[i], -1);
    gboolean fresh;
    g_autoptr(SpeechRoutes) routes = speech_routes_get(f->dir, file, &fresh);

    g_assert_true(fresh);
    g_assert_cmpuint(speech_routes_get_count(routes), ==, 0);
    g_assert_cmpuint(speech_routes_get_problems(routes)->len, ==, *texts[i] ? 1 : 0);
    g_assert_cmpstr(route_of(routes, "stop"), ==, "");
    g_remove(file);
  }
}

static void
test_no_file(Fixture *f, gconstpointer data)
{
  g_autofree gchar *file = g_build_filename(f->dir, "none.conf", NULL);
  gboolean fresh;
  g_autoptr(SpeechRoutes) routes = speech_routes_get(f->dir, file, &fresh);

  g_assert_cmpuint(speech_routes_get_count(routes), ==, 0);
  g_assert_nonnull(strstr(speech_routes_get_problems(routes)->pdata[0], "none.conf"));
}

/* A server with ever new folders does not keep all that it has read. */
static void
test_many_folders(Fixture *f, gconstpointer data)
{
  g_autoptr(SpeechRoutes) first = NULL;
  gboolean fresh;

  first = speech_routes_get(f->dir, NULL, &fresh);
  for (guint i = 0; i < 100; i++) {
    g_autofree gchar *name = g_strdup_printf("%s/%u", f->dir, i);
    g_autoptr(SpeechRoutes) routes = speech_routes_get(name, NULL, &fresh);

    g_assert_true(fresh);
  }
  g_assert_cmpstr(route_of(first, "stop"), ==, "stop");
}

#define ADD(name, func) g_test_add("/speech-routes/" name, Fixture, NULL, setup, func, teardown)

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/speech-routes/who asks for prices is understood", test_pricing);
  g_test_add_func("/speech-routes/who asks who it is is understood", test_who_are_you);
  g_test_add_func("/speech-routes/who wants to stop is understood", test_stop);
  g_test_add_func("/speech-routes/what is mentioned in passing is not routed", test_in_passing);
  g_test_add_func("/speech-routes/what is denied is not routed", test_denied);
  g_test_add_func("/speech-routes/nothing is like nothing", test_nothing);
  g_test_add_func("/speech-routes/a story is not routed", test_very_long);
  g_test_add_func("/speech-routes/words lose case, accents and endings", test_words);
  ADD("without recordings no route is active", test_without_recordings);
  ADD("a recording makes its route active", test_recordings);
  ADD("a bad recording is told of", test_bad_recordings);
  ADD("what was read is shared until it changes", test_shared);
  ADD("there may be other routes", test_routes_of_ones_own);
  ADD("a file that is none has no routes", test_bad_file);
  ADD("a file that is not there is told of", test_no_file);
  ADD("not everything is kept", test_many_folders);
  return g_test_run();
}
