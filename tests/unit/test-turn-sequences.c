/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random conversations against what must hold in every one of them. */
#include "turn-logic.h"

#include <string.h>

#define MS G_GUINT64_CONSTANT(1000000)
#define S (1000 * MS)
#define N_SEQUENCES 2000
#define N_STEPS 400

/* An utterance on its way through speech-to-text. */
typedef struct {
  guint64 start;
  guint64 due; /* when its transcript comes, once it has ended */
  GPtrArray *words;
  guint n_interim;
} Utterance;

typedef struct {
  GRand *rand;
  TurnLogic *logic;
  guint64 now;
  GQueue utterances;
  Utterance *current; /* being spoken */
  guint n_words;
  guint n_digits;
  GString *spoken; /* all words whose transcript came, in order */

  /* what came out */
  GPtrArray *turns; /* committed texts; one that takes a turn up stands in its place */
  guint open;
  guint last_turn;
  gint64 continues;
  gint64 floor; /* the agent's turn, -1 while the caller has the floor */
  gint64 over;
  guint64 played;
  guint n_prompts, max_prompts; /* in a row */
  GString *log;
} Sequence;

static void
utterance_free(gpointer data)
{
  Utterance *utterance = data;

  g_ptr_array_unref(utterance->words);
  g_free(utterance);
}

static gchar *
join(const Utterance *utterance, guint n_words)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n_words; i++)
    g_string_append_printf(text, "%s%s", i ? " " : "",
                           (gchar *)g_ptr_array_index(utterance->words, i));
  return g_string_free(text, FALSE);
}

static void
check_start(Sequence *seq, const TurnAction *action)
{
  g_assert_cmpuint(seq->open, ==, 0);
  g_assert_cmpuint(action->turn, ==, seq->last_turn + 1);
  seq->open = seq->last_turn = action->turn;
  seq->continues = action->continues;
}

static void
check_commit(Sequence *seq, const TurnAction *action)
{
  g_assert_cmpuint(seq->open, ==, action->turn);
  g_assert_cmpint(seq->continues, ==, action->continues);
  g_assert_cmpuint(strlen(action->text), >, 0);
  g_assert_null(strstr(action->text, "  "));
  if (action->continues >= 0) {
    const gchar *before = g_ptr_array_index(seq->turns, seq->turns->len - 1);

    g_assert_cmpint(action->continues, ==, action->turn - 1);
    g_assert_true(g_str_has_prefix(action->text, before));
    g_ptr_array_set_size(seq->turns, seq->turns->len - 1);
  }
  g_ptr_array_add(seq->turns, g_strdup(action->text));
  seq->open = seq->n_prompts = 0;
  seq->floor = action->turn;
  seq->played = 0;
}

static void
check_prompt(Sequence *seq, const TurnAction *action)
{
  g_assert_cmpuint(seq->open, ==, 0);
  g_assert_null(seq->current);
  g_assert_cmpint(seq->floor, <, 0);
  g_assert_cmpuint(action->turn, ==, seq->last_turn + 1);
  g_assert_cmpuint(++seq->n_prompts, <=, seq->max_prompts);
  seq->floor = seq->last_turn = action->turn;
  seq->played = 0;
}

static void
check(Sequence *seq)
{
  TurnAction action;

  while (turn_logic_pop(seq->logic, &action)) {
    g_string_append_printf(seq->log, "%d %u %s\n", action.kind, action.turn,
                           action.text ? action.text : "");
    if (action.kind == TURN_ACTION_INTERRUPT) {
      g_assert_cmpint(seq->floor, ==, action.turn);
      seq->over = seq->floor;
      seq->floor = -1;
    } else if (action.kind == TURN_ACTION_STARTED) {
      check_start(seq, &action);
    } else if (action.kind == TURN_ACTION_PROMPT) {
      check_prompt(seq, &action);
    } else {
      check_commit(seq, &action);
    }
    turn_action_clear(&action);
  }
}

static void
start_speech(Sequence *seq)
{
  Utterance *utterance = g_new0(Utterance, 1);
  const guint n_words = g_rand_int_range(seq->rand, 0, 8);

  utterance->start = seq->now;
  utterance->words = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < n_words; i++)
    g_ptr_array_add(utterance->words, g_strdup_printf("w%u", seq->n_words++));
  g_queue_push_tail(&seq->utterances, utterance);
  seq->current = utterance;
  turn_logic_speech_started(seq->logic, seq->now > 60 * MS ? seq->now - 60 * MS : 0);
}

static void
stop_speech(Sequence *seq)
{
  static const guint delays[] = { 0, 50, 400, 2000, 6000 }; /* ms */

  turn_logic_speech_stopped(seq->logic, seq->now > 250 * MS ? seq->now - 250 * MS : 0);
  seq->current->due = seq->now + delays[g_rand_int_range(seq->rand, 0, G_N_ELEMENTS(delays))] * MS;
  seq->current = NULL;
}

/* Speech-to-text works on one utterance after the other. */
static void
transcribe(Sequence *seq, gboolean now)
{
  Utterance *head = g_queue_peek_head(&seq->utterances);
  g_autofree gchar *text = NULL;

  if (head == NULL)
    return;
  if (head != seq->current && (now || seq->now >= head->due)) {
    text = join(head, head->words->len);
    g_string_append_printf(seq->spoken, "%s%s", *text ? " " : "", text);
    turn_logic_final(seq->logic, text, head->start, seq->now, seq->now);
    utterance_free(g_queue_pop_head(&seq->utterances));
  } else if (head->n_interim < head->words->len && g_rand_boolean(seq->rand)) {
    text = join(head, ++head->n_interim);
    turn_logic_interim(seq->logic, text, head->start);
  }
}

static void
play(Sequence *seq)
{
  gint64 turn = seq->floor >= 0 ? seq->floor : g_rand_int_range(seq->rand, 0, seq->last_turn + 1);

  if (turn <= seq->over) {
    /* late reports of what is over change nothing */
    turn_logic_playing(seq->logic, turn, S);
    turn_logic_played(seq->logic, turn);
    return;
  }
  if (turn < seq->floor || (seq->floor < 0 && turn != 0))
    return;
  seq->floor = turn;
  turn_logic_playing(seq->logic, turn, seq->played);
  seq->played += 200 * MS;
  if (g_rand_int_range(seq->rand, 0, 10) > 0)
    return;
  turn_logic_played(seq->logic, turn);
  seq->over = turn;
  seq->floor = -1;
  seq->played = 0;
}

static void
step(Sequence *seq)
{
  const guint what = g_rand_int_range(seq->rand, 0, 100);

  if (what < 12 && seq->current == NULL)
    start_speech(seq);
  else if (what < 25 && seq->current != NULL && g_rand_int_range(seq->rand, 0, 20) > 0)
    stop_speech(seq);
  else if (what < 45)
    transcribe(seq, FALSE);
  else if (what < 60)
    play(seq);
  else if (what < 62) {
    turn_logic_digit(seq->logic, "0123456789*#"[g_rand_int_range(seq->rand, 0, 12)]);
    seq->n_digits++;
  } else if (what < 65 && seq->current)
    turn_logic_speech_active(seq->logic, seq->now - seq->current->start);
  else
    turn_logic_advance(seq->logic, seq->now += g_rand_int_range(seq->rand, 1, 30) * 20 * MS);
  check(seq);
}

static void
finish(Sequence *seq)
{
  if (seq->current)
    stop_speech(seq);
  check(seq);
  while (!g_queue_is_empty(&seq->utterances)) {
    transcribe(seq, TRUE);
    check(seq);
  }
  turn_logic_finish(seq->logic);
  check(seq);
  g_assert_cmpuint(seq->open, ==, 0);
}

/* Nothing that was understood is lost, nothing is said twice, nothing is out of order. */
static void
check_words(Sequence *seq)
{
  g_autoptr(GString) words = g_string_new(NULL);
  guint n_digits = 0;

  for (guint i = 0; i < seq->turns->len; i++) {
    g_auto(GStrv) parts = g_strsplit(g_ptr_array_index(seq->turns, i), " ", -1);

    for (guint k = 0; parts[k]; k++)
      if (*parts[k] == 'w')
        g_string_append_printf(words, " %s", parts[k]);
      else
        n_digits += strlen(parts[k]);
  }
  g_assert_cmpstr(words->str, ==, seq->spoken->str);
  g_assert_cmpuint(n_digits, ==, seq->n_digits);
}

static TurnSettings
random_settings(GRand *rand)
{
  TurnSettings settings;

  /* one after the other: in an initializer the compiler would choose */
  settings.endpointing = g_rand_int_range(rand, 0, 1500) * MS;
  settings.final_timeout = g_rand_int_range(rand, 200, 5000) * MS;
  settings.barge_in_min_speech = g_rand_int_range(rand, 0, 600) * MS;
  settings.dtmf_timeout = g_rand_int_range(rand, 0, 3000) * MS;
  settings.max_turn = g_rand_int_range(rand, 0, 20) * S;
  settings.silence_timeout = g_rand_int_range(rand, 0, 4) * S;
  settings.silence_prompts = g_rand_int_range(rand, 0, 4);
  settings.min_interruption_words = g_rand_int_range(rand, 0, 5);
  settings.allow_interruptions = g_rand_int_range(rand, 0, 4) > 0;
  return settings;
}

static gchar *
run(guint32 seed)
{
  Sequence seq = { .rand = g_rand_new_with_seed(seed), .floor = -1, .over = -1 };
  const TurnSettings settings = random_settings(seq.rand);

  seq.logic = turn_logic_new();
  turn_logic_configure(seq.logic, &settings);
  seq.max_prompts = settings.silence_prompts;
  seq.spoken = g_string_new(NULL);
  seq.log = g_string_new(NULL);
  seq.turns = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < N_STEPS; i++)
    step(&seq);
  finish(&seq);
  check_words(&seq);

  g_queue_clear_full(&seq.utterances, utterance_free);
  turn_logic_free(seq.logic);
  g_string_free(seq.spoken, TRUE);
  g_ptr_array_unref(seq.turns);
  g_rand_free(seq.rand);
  return g_string_free(seq.log, FALSE);
}

static void
test_invariants(void)
{
  gsize n_bytes = 0;
  guint n_prompted = 0;

  for (guint32 seed = 1; seed <= N_SEQUENCES; seed++) {
    g_autofree gchar *log = NULL;

    if (g_getenv("CORDBOARD_TEST_VERBOSE"))
      g_test_message("seed %u", seed);
    log = run(seed);
    n_bytes += strlen(log);
    n_prompted += strstr(log, "\n3 ") != NULL;
  }
  /* how many depends on the order in which a compiler asks for the settings above */
  g_assert_cmpuint(n_prompted, >, N_SEQUENCES / 100);
  g_test_message("%u conversations, %" G_GSIZE_FORMAT " bytes of decisions", N_SEQUENCES, n_bytes);
}

static void
test_deterministic(void)
{
  for (guint32 seed = 1; seed <= 20; seed++) {
    g_autofree gchar *first = run(seed);
    g_autofree gchar *second = run(seed);

    g_assert_cmpstr(first, ==, second);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/turn-sequences/no-word-is-lost-and-each-turn-ends-once", test_invariants);
  g_test_add_func("/turn-sequences/the-same-happens-twice", test_deterministic);
  return g_test_run();
}
