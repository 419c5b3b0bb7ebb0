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

/* The agent that answers everybody from here on. */
static void
use_agent(Fixture *fixture, const gchar *settings)
{
  g_autofree gchar *json =
      g_strdup_printf("{\"name\":\"Desk\",\"llm_model\":\"scripted\",\"metadata\":{\"cordboard\":{"
                      "\"greeting\":\"Hello.\",\"hints\":[\"good morning\"],%s}}}",
                      settings);
  g_autofree gchar *agents = g_strconcat(fixture->rig->url, "/api/agents", NULL);
  g_autofree gchar *numbers = g_strconcat(fixture->rig->url, "/api/phone-numbers", NULL);
  g_autofree gchar *registration = NULL;
  guint status;
  g_autoptr(JsonNode) agent = call_rig_send(fixture->rig, "POST", agents, json, &status);
  g_autoptr(JsonNode) number = NULL;

  g_assert_cmpuint(status / 100, ==, 2);
  registration = g_strdup_printf("{\"number\":\"+15005550009\",\"agent_id\":\"%s\"}",
                                 json_object_get_string_member(json_node_get_object(agent), "id"));
  number = call_rig_send(fixture->rig, "POST", numbers, registration, &status);
  g_assert_cmpuint(status / 100, ==, 2);
}

static JsonObject *
call(Fixture *fixture, const gchar *prefix, int *code)
{
  const gchar *arguments[] = {
    "--to", "+15005550009", "--say", "good morning", prefix ? "--record" : NULL, prefix, NULL
  };

  return call_rig_call(fixture->rig, arguments, code);
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
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(GByteArray) said = NULL, got = NULL, heard = NULL, given = NULL;
  int code;

  use_agent(fixture, "\"stt\":{\"provider\":\"deepgram\",\"model\":\"nova-3\"},"
                     "\"tts\":{\"provider\":\"elevenlabs\",\"voice\":\"21m00Tcm4TlvDq8ikWAM\","
                     "\"properties\":{\"transport\":\"http\"}}");
  result = call(fixture, prefix, &code);
  g_assert_cmpint(code, ==, 0);
  said = read_side(prefix, TRUE);
  got = read_record(fixture, "deepgram", "in");
  assert_within(got, said);
  heard = read_side(prefix, FALSE);
  given = read_record(fixture, "elevenlabs", "out");
  assert_within(given, heard);
}

/* ---- failures ---- */

static void
assert_talked(JsonObject *result)
{
  g_autofree gchar *caller = call_rig_said(result, "user");
  g_autofree gchar *agent = call_rig_said(result, "assistant");

  g_assert_true(json_object_get_boolean_member(result, "ok"));
  g_assert_cmpstr(caller, ==, "good morning\n");
  g_assert_true(strchr(agent, '\n') != strrchr(agent, '\n'));
}

static void
test_deaf(Fixture *fixture, gconstpointer data)
{
  g_autoptr(JsonObject) result = NULL;
  int code;

  use_agent(fixture, "\"stt\":{\"provider\":\"deepgram\",\"model\":\"nova-3\","
                     "\"fallback\":[\"offline\"]},\"tts\":{\"provider\":\"offline\"}");
  /* it goes when it has said its first word, and does not come back */
  sim_rig_script(fixture->sims,
                 "{\"faults\":[{\"provider\":\"deepgram\",\"message\":0,\"fault\":\"reset\","
                 "\"times\":1000}]}");
  result = call(fixture, NULL, &code);
  g_assert_cmpint(code, ==, 0);
  assert_talked(result);
}

static void
test_mute(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GstElementFactory) factory = gst_element_factory_find("failovertts");
  g_autoptr(JsonObject) result = NULL;
  int code;

  if (factory == NULL) {
    g_test_skip("failovertts is not there yet");
    return;
  }
  use_agent(fixture, "\"stt\":{\"provider\":\"offline\"},"
                     "\"tts\":{\"provider\":\"elevenlabs\",\"fallback\":[\"cartesia\"]}");
  sim_rig_script(fixture->sims,
                 "{\"faults\":[{\"provider\":\"elevenlabs\",\"message\":1,\"fault\":\"reset\","
                 "\"times\":1000}]}");
  result = call(fixture, NULL, &code);
  g_assert_cmpint(code, ==, 0);
  assert_talked(result);
}

/* A key that is refused is no outage: the next in turn has the work from the first word. */
static void
test_refused(Fixture *fixture, gconstpointer data)
{
  g_autoptr(JsonObject) result = NULL;
  int code;

  use_agent(fixture, "\"stt\":{\"provider\":\"deepgram\",\"model\":\"nova-3\","
                     "\"properties\":{\"api-key\":\"wrong\"},\"fallback\":[\"offline\"]},"
                     "\"tts\":{\"provider\":\"offline\"}");
  result = call(fixture, NULL, &code);
  g_assert_cmpint(code, ==, 0);
  assert_talked(result);
}

/* The recording is heard, and the call is over with a reason. */
static void
assert_apology(Fixture *fixture, const gchar *prefix)
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
test_all_down(Fixture *fixture, gconstpointer data)
{
  static const gchar *const agents[] = {
    "\"stt\":{\"provider\":\"deepgram\",\"model\":\"nova-3\",\"properties\":{"
    "\"outage-timeout\":1000}},\"tts\":{\"provider\":\"offline\"}",
    "\"stt\":{\"provider\":\"offline\"},"
    "\"tts\":{\"provider\":\"elevenlabs\",\"properties\":{\"outage-timeout\":1000}}",
  };
  const gchar *settings = agents[GPOINTER_TO_UINT(data)];
  g_autofree gchar *prefix = g_build_filename(fixture->record, "call", NULL);
  g_autoptr(JsonObject) result = NULL;
  int code;

  sim_rig_script(fixture->sims, "{\"faults\":[{\"fault\":\"reset\",\"times\":1000},"
                                "{\"message\":\"upgrade\",\"fault\":\"reset\",\"times\":1000}]}");
  use_agent(fixture, settings);
  result = call(fixture, prefix, &code);
  assert_apology(fixture, prefix);
}

#define TEST(name, data, func)                                                                     \
  g_test_add("/provider-faults/" name, Fixture, GUINT_TO_POINTER(data), set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  TEST("no sample between telephone, ear and voice is touched", 0, test_untouched);
  TEST("an ear that goes in the call is replaced", 0, test_deaf);
  TEST("an ear whose key is refused is replaced", 0, test_refused);
  TEST("a voice that goes in the call is replaced", 0, test_mute);
  TEST("where nobody can hear the caller is told", 0, test_all_down);
  TEST("where nobody can speak the caller is told", 1, test_all_down);
  return g_test_run();
}
