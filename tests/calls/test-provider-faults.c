/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <string.h>

#include "call-rig.h"
#include "cord-g711.h"
#include "sim-rig.h"

/* Services that fail in a call, and sound that nobody touches on its way. */

#define WAV_HEAD 44 /* bytes */
#define PAUSE 1600  /* samples of silence that end a sentence: 200 ms */

typedef struct {
  SimRig *sims;
  CallRig *rig;
  gchar *record; /* where the simulators write what was said */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
  g_auto(GStrv) environ = NULL;

  fixture->record = g_dir_make_tmp("cordboard-sims-XXXXXX", NULL);
  fixture->sims = sim_rig_new(fixture->record);
  environ = sim_rig_dup_environ(fixture->sims);
  fixture->rig = call_rig_new_with(NULL, NULL, environ);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *command = g_strdup_printf("rm -r %s", fixture->record);

  call_rig_free(fixture->rig);
  sim_rig_free(fixture->sims);
  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_free(fixture->record);
}

/* An agent, and the number under which it is reached. */
static gchar *
add_agent(Fixture *fixture, const gchar *model, const gchar *settings)
{
  static guint count;
  gchar *number = g_strdup_printf("+1500555%04u", ++count);
  g_autofree gchar *json =
      g_strdup_printf("{\"name\":\"Desk %u\",\"llm_model\":\"%s\",\"metadata\":{\"cordboard\":{"
                      "\"greeting\":\"Hello.\",\"hints\":[\"good morning\"],%s}}}",
                      count, model, settings);
  g_autofree gchar *agents = g_strconcat(fixture->rig->url, "/api/agents", NULL);
  g_autofree gchar *numbers = g_strconcat(fixture->rig->url, "/api/phone-numbers", NULL);
  g_autofree gchar *registration = NULL;
  guint status;
  g_autoptr(JsonNode) agent = call_rig_send(fixture->rig, "POST", agents, json, &status);
  g_autoptr(JsonNode) registered = NULL;

  g_assert_cmpuint(status / 100, ==, 2);
  registration = g_strdup_printf("{\"number\":\"%s\",\"agent_id\":\"%s\"}", number,
                                 json_object_get_string_member(json_node_get_object(agent), "id"));
  registered = call_rig_send(fixture->rig, "POST", numbers, registration, &status);
  g_assert_cmpuint(status / 100, ==, 2);
  return number;
}

static GSubprocess *
dial(Fixture *fixture, const gchar *number, const gchar *prefix)
{
  const gchar *arguments[] = { "--to",         number,  "--record",     prefix, "--say",
                               "good morning", "--say", "good morning", NULL };

  return call_rig_dial(fixture->rig, arguments);
}

/* ---- sound ---- */

/* One side of a recording, as it went over the telephone. */
static GByteArray *
read_side(const gchar *prefix, gboolean caller)
{
  g_autofree gchar *path = g_strconcat(prefix, "-stereo.wav", NULL);
  g_autofree gchar *bytes = NULL;
  g_autoptr(GError) error = NULL;
  GByteArray *codes = g_byte_array_new();
  gsize size;

  g_file_get_contents(path, &bytes, &size, &error);
  g_assert_no_error(error);
  for (gsize at = WAV_HEAD; at + 4 <= size; at += 4) {
    gint16 sample;
    guint8 code;

    memcpy(&sample, bytes + at + (caller ? 0 : 2), sizeof sample);
    code = cord_g711_encode_sample(sample);
    g_byte_array_append(codes, &code, 1);
  }
  return codes;
}

/* The first sentence of a side: from its first sound to a pause. */
static GBytes *
cut_sentence(GByteArray *side)
{
  guint start = 0, end, quiet = 0;

  while (start < side->len && side->data[start] == CORD_G711_SILENCE)
    start++;
  for (end = start; end < side->len && quiet < PAUSE; end++)
    quiet = side->data[end] == CORD_G711_SILENCE ? quiet + 1 : 0;
  return g_bytes_new(side->data + start, end - quiet - start);
}

/* All that a service got or gave, both zeros as one. */
static GByteArray *
read_record(Fixture *fixture, const gchar *provider, const gchar *direction)
{
  g_autoptr(GDir) dir = g_dir_open(fixture->record, 0, NULL);
  GByteArray *all = g_byte_array_new();
  const gchar *name;

  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(fixture->record, name, NULL);
    g_autofree gchar *bytes = NULL;
    gsize size;

    if (!g_str_has_prefix(name, provider) || !g_str_has_suffix(name, direction))
      continue;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    g_byte_array_append(all, (const guint8 *)bytes, (guint)size);
  }
  for (guint i = 0; i < all->len; i++) {
    if (all->data[i] == 0x7f)
      all->data[i] = CORD_G711_SILENCE;
  }
  return all;
}

static void
assert_within(GByteArray *record, GByteArray *side)
{
  g_autoptr(GBytes) sentence = cut_sentence(side);
  gsize size;
  gconstpointer data = g_bytes_get_data(sentence, &size);

  g_assert_cmpuint(size, >, 2000);
  g_assert_nonnull(memmem(record->data, record->len, data, size));
}

static void
test_untouched(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *prefix = g_build_filename(fixture->record, "call", NULL);
  g_autofree gchar *number =
      add_agent(fixture, "scripted",
                "\"stt\":{\"provider\":\"deepgram\",\"model\":\"nova-3\"},"
                "\"tts\":{\"provider\":\"elevenlabs\",\"voice\":\"21m00Tcm4TlvDq8ikWAM\","
                "\"properties\":{\"transport\":\"http\"}}");
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(GByteArray) said = NULL, got = NULL, heard = NULL, given = NULL;
  int code;

  result = call_rig_finish(dial(fixture, number, prefix), &code);
  g_assert_cmpint(code, ==, 0);
  said = read_side(prefix, TRUE);
  got = read_record(fixture, "deepgram", "in");
  assert_within(got, said);
  heard = read_side(prefix, FALSE);
  given = read_record(fixture, "elevenlabs", "out");
  assert_within(given, heard);
}

/* ---- failures ---- */

/* Deepgram goes when it has said its first word, ElevenLabs before, and OpenAI's models are ill;
 * none gets better. */
#define FAULTS                                                                                     \
  "{\"faults\":["                                                                                  \
  "{\"provider\":\"deepgram\",\"message\":0,\"fault\":\"reset\",\"times\":1000},"                  \
  "{\"provider\":\"elevenlabs\",\"fault\":\"reset\",\"times\":1000},"                              \
  "{\"provider\":\"openai\",\"fault\":\"status\",\"status\":500,\"times\":1000}]}"

#define NOVA "\"provider\":\"deepgram\",\"model\":\"nova-3\""
#define MACHINE "{\"provider\":\"offline\"}"

/* Whose service fails how, and how the call ends: NULL where the caller is told that it does. */
static const struct {
  const gchar *title;
  const gchar *model;
  const gchar *settings;
  const gchar *element; /* that it takes */
  const gchar *end_reason;
} failures[] = {
  { "an ear that goes in the call is replaced", "scripted",
    "\"stt\":{" NOVA ",\"fallback\":[\"offline\"]},\"tts\":" MACHINE, "failoverstt", "stop" },
  { "an ear whose key is refused is replaced", "scripted",
    "\"stt\":{" NOVA ",\"properties\":{\"api-key\":\"wrong\"},\"fallback\":[\"offline\"]},"
    "\"tts\":" MACHINE,
    "failoverstt", "stop" },
  { "a voice that fails is replaced", "scripted",
    "\"stt\":" MACHINE ",\"tts\":{\"provider\":\"elevenlabs\",\"fallback\":[\"cartesia\"]}",
    "failovertts", "stop" },
  { "a model that fails is replaced", "gpt-4o-mini",
    "\"stt\":" MACHINE ",\"tts\":" MACHINE ",\"llm\":{\"fallback\":[\"claude-haiku-4-5\"]}",
    "llmtextgen", "stop" },
  { "where no model answers the caller is told", "gpt-4o-mini",
    "\"stt\":" MACHINE ",\"tts\":" MACHINE, "llmtextgen", NULL },
  { "where nobody can hear the caller is told", "scripted",
    "\"stt\":{" NOVA ",\"properties\":{\"outage-timeout\":1000}},\"tts\":" MACHINE, "deepgramstt",
    NULL },
  { "where nobody can speak the caller is told", "scripted",
    "\"stt\":" MACHINE ",\"tts\":{\"provider\":\"elevenlabs\"}", "elevenlabstts", NULL },
  { "where the one that does it all is ill the caller is told", "gpt-realtime",
    "\"realtime\":{\"properties\":{\"outage-timeout\":1000}}", "openairealtime", NULL },
};

/* The recording is heard, all of it. */
static void
assert_apology(const gchar *prefix)
{
  g_autofree gchar *path =
      g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), "audio", "apology-en.mulaw", NULL);
  g_autofree gchar *expected = NULL;
  g_autoptr(GByteArray) heard = read_side(prefix, FALSE);
  gsize size;

  g_assert_true(g_file_get_contents(path, &expected, &size, NULL));
  for (gsize i = 0; i < size; i++) {
    if ((guint8)expected[i] == 0x7f)
      expected[i] = (gchar)CORD_G711_SILENCE;
  }
  g_assert_nonnull(memmem(heard->data, heard->len, expected, size));
}

static void
check_failure(guint i, JsonObject *result, const gchar *prefix)
{
  g_autofree gchar *caller = call_rig_said(result, "user");
  const gchar *reason = json_object_get_string_member_with_default(result, "end_reason", "none");

  g_test_message("%s: %s", failures[i].title, reason);
  if (failures[i].end_reason) {
    g_assert_true(json_object_get_boolean_member(result, "ok"));
    g_assert_cmpstr(reason, ==, failures[i].end_reason);
    g_assert_cmpstr(caller, ==, "good morning\ngood morning\n");
    return;
  }
  g_assert_cmpstr(json_object_get_string_member(result, "status"), ==, "failed");
  assert_apology(prefix);
}

static void
test_failures(Fixture *fixture, gconstpointer data)
{
  GSubprocess *phones[G_N_ELEMENTS(failures)] = { NULL };

  sim_rig_script(fixture->sims, FAULTS);
  for (guint i = 0; i < G_N_ELEMENTS(failures); i++) {
    g_autoptr(GstElementFactory) factory = gst_element_factory_find(failures[i].element);
    g_autofree gchar *prefix = g_strdup_printf("%s/call-%u", fixture->record, i);
    g_autofree gchar *number = NULL;

    if (factory == NULL) {
      g_test_message("%s: there is no %s yet", failures[i].title, failures[i].element);
      continue;
    }
    number = add_agent(fixture, failures[i].model, failures[i].settings);
    phones[i] = dial(fixture, number, prefix);
  }
  for (guint i = 0; i < G_N_ELEMENTS(failures); i++) {
    g_autofree gchar *prefix = g_strdup_printf("%s/call-%u", fixture->record, i);
    g_autoptr(JsonObject) result = NULL;
    int code;

    if (phones[i] == NULL)
      continue;
    result = call_rig_finish(phones[i], &code);
    check_failure(i, result, prefix);
  }
}

#define TEST(name, func)                                                                           \
  g_test_add("/provider-faults/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  TEST("no sample between telephone, ear and voice is touched", test_untouched);
  TEST("what fails in a call is replaced, and where nothing is left the caller is told",
       test_failures);
  return g_test_run();
}
