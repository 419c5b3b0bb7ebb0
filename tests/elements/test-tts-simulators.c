/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The voices against the stand-ins of their services, in one process and in virtual time: what is
 * heard is what they gave, to the byte. */
#include <string.h>

#include "sim.h"
#include "tts-rig.h"

#define SCRIPT                                                                                     \
  "{\"seed\":1,\"profile\":{\"default\":{\"first_byte_ms\":50,\"token_ms\":10}},\"faults\":[%s]}"
#define SERVER " base-url=http://127.0.0.1:PORT api-key=KEY "
#define STEPS 4000 /* of 5 ms: nothing takes longer */
#define FIRST "Good morning, this is a test."
#define SECOND "And this is its end."

typedef struct {
  const gchar *name;
  const gchar *launch;
  TtsRigFormat format;
  const gchar *faults;
} Case;

typedef struct {
  TtsRig rig;
  SimServer *server;
} Fixture;

static const Case cases[] = {
  { "multi-stream-input", "elevenlabstts" SERVER, TTS_RIG_MULAW, NULL },
  { "multi-stream-input, PCM", "elevenlabstts" SERVER, TTS_RIG_PCM_16000, NULL },
  { "stream-input", "elevenlabstts transport=stream-input" SERVER, TTS_RIG_MULAW, NULL },
  { "HTTP", "elevenlabstts transport=http" SERVER, TTS_RIG_MULAW, NULL },
  { "HTTP, PCM", "elevenlabstts transport=http" SERVER, TTS_RIG_PCM_24000, NULL },
  { "cartesia", "cartesiatts" SERVER, TTS_RIG_MULAW, NULL },
  { "cartesia, PCM", "cartesiatts" SERVER, TTS_RIG_PCM_24000, NULL },
  { "openai", "openaitts base-url=http://127.0.0.1:PORT/v1 api-key=KEY", TTS_RIG_PCM_24000, NULL },
  { "multi-stream-input, reset in the middle", "elevenlabstts" SERVER, TTS_RIG_MULAW,
    "{\"provider\":\"elevenlabs\",\"connection\":0,\"message\":3,\"fault\":\"reset\"}" },
  { "stream-input, closed in the middle", "elevenlabstts transport=stream-input" SERVER,
    TTS_RIG_MULAW,
    "{\"provider\":\"elevenlabs\",\"connection\":0,\"message\":2,\"fault\":\"close\",\"code\":1011,"
    "\"reason\":\"x\"}" },
  { "multi-stream-input, refused once", "elevenlabstts" SERVER, TTS_RIG_MULAW,
    "{\"provider\":\"elevenlabs\",\"message\":\"upgrade\",\"fault\":\"status\",\"status\":503}" },
  { "cartesia, reset in the middle", "cartesiatts" SERVER, TTS_RIG_MULAW,
    "{\"provider\":\"cartesia\",\"connection\":0,\"message\":4,\"fault\":\"reset\"}" },
  { "openai, refused twice", "openaitts base-url=http://127.0.0.1:PORT/v1 api-key=KEY",
    TTS_RIG_PCM_24000,
    "{\"provider\":\"openai\",\"fault\":\"status\",\"status\":503,\"times\":2}" },
  { "failover from one to the other",
    "failovertts elements=\"elevenlabstts base-url=http://127.0.0.1:PORT api-key=wrong ; "
    "cartesiatts"
    " base-url=http://127.0.0.1:PORT api-key=k\"",
    TTS_RIG_MULAW, NULL },
};

static void
setup(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *script = g_strdup_printf(SCRIPT, test->faults ? test->faults : "");
  g_autoptr(GError) error = NULL;

  tts_rig_begin(&f->rig, TTS_RIG_HTTP, test->format);
  f->server = sim_server_new(f->rig.worker, 0, NULL, NULL, &error);
  g_assert_no_error(error);
  sim_server_add_all(f->server);
  sim_server_set_script(f->server, script, &error);
  g_assert_no_error(error);
  tts_rig_plug(&f->rig, test->launch, sim_server_get_port(f->server));
}

static void
teardown(Fixture *f, gconstpointer data)
{
  gst_element_set_state(f->rig.element, GST_STATE_NULL);
  cord_worker_iterate(f->rig.worker);
  cord_worker_advance(f->rig.worker, 4 * GST_SECOND);
  sim_server_free(f->server);
  tts_rig_clear(&f->rig);
}

static gboolean
on_moment(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The kernel carries the bytes in its own time, which is not ours. */
static void
pass_time(Fixture *f)
{
  g_autoptr(GSource) source = g_timeout_source_new(1);

  g_source_set_callback(source, on_moment, NULL, NULL);
  g_source_attach(source, cord_worker_get_main_context(f->rig.worker));
  g_main_context_iteration(cord_worker_get_main_context(f->rig.worker), TRUE);
  g_source_destroy(source);
  cord_worker_advance(f->rig.worker, 5 * GST_MSECOND);
}

/* What the stand-in renders of a text: over a WebSocket a word at a time with the space behind it,
 * which the element always sends; over HTTP all at once. */
static void
render(GByteArray *audio, const Case *test, const gchar *text)
{
  static const guint rates[] = {
    [TTS_RIG_MULAW] = 8000, [TTS_RIG_PCM_16000] = 16000, [TTS_RIG_PCM_24000] = 24000
  };
  gboolean http = strstr(test->launch, "http ") || strstr(test->launch, "openaitts");
  g_auto(GStrv) words = http ? g_strsplit(text, "\n", -1) : g_strsplit(text, " ", -1);

  for (guint i = 0; words[i]; i++) {
    g_autofree gchar *word = g_strconcat(words[i], http ? "" : " ", NULL);
    g_autoptr(GByteArray) part =
        sim_render(word, rates[test->format], test->format == TTS_RIG_MULAW);

    g_byte_array_append(audio, part->data, part->len);
  }
}

static void
test_two_turns(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autoptr(GByteArray) expected = g_byte_array_new();

  for (guint turn = 1; turn <= 2; turn++) {
    g_autofree gchar *finished = g_strdup_printf("finished %u; ", turn);

    tts_rig_say(&f->rig, turn, FIRST);
    tts_rig_say(&f->rig, turn, SECOND);
    tts_rig_finish_turn(&f->rig, turn);
    for (guint i = 0; i < STEPS && strstr(f->rig.came->str, finished) == NULL; i++)
      pass_time(f);
    render(expected, test, FIRST);
    render(expected, test, SECOND);
    g_assert_nonnull(strstr(f->rig.came->str, finished));
  }
  g_assert_cmpmem(f->rig.audio->data, f->rig.audio->len, expected->data, expected->len);
  if (test->faults == NULL && strstr(test->launch, "failover") == NULL)
    g_assert_null(strstr(f->rig.posted->str, "warning"));
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *name = g_strdup_printf("/tts-simulators/%s", cases[i].name);

    g_test_add(name, Fixture, &cases[i], setup, test_two_turns, teardown);
  }
  return g_test_run();
}
