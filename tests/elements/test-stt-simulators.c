/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The elements against the stand-ins of their services, in one process and in virtual time. */
#include "stt-rig.h"

#include <string.h>

#include "sim.h"

#define TEXTS "[\"one two three\",\"four five\"]"
#define SCRIPT                                                                                     \
  "{\"seed\":1,\"script\":{\"deepgram\":{\"utterances\":" TEXTS                                    \
  "},\"openai\":{\"transcriptions\":" TEXTS "},\"groq\":{\"transcriptions\":" TEXTS "}},"          \
  "\"profile\":{\"default\":{\"first_byte_ms\":50,\"token_ms\":10}},\"faults\":[%s]}"
#define PATIENT " final-timeout=60000 request-timeout=120000"
#define STEPS 2000 /* of 10 ms: nothing takes longer */

typedef struct {
  const gchar *name;
  const gchar *factory;
  const gchar *base;
  const gchar *properties;
  gboolean detected; /* by a voice detector */
  const gchar *faults;
} Case;

typedef struct {
  SttRig rig;
  SimServer *server;
} Fixture;

static const Case cases[] = {
  { "nova, cut by a voice detector", "deepgramstt", "", "", TRUE, NULL },
  { "nova, only speech", "deepgramstt", "", "continuous=false", TRUE, NULL },
  { "nova, cut by itself", "deepgramstt", "", "", FALSE, NULL },
  { "flux", "deepgramstt", "", "model-id=flux-general-en", TRUE, NULL },
  { "flux, eager", "deepgramstt", "", "model-id=flux-general-en eager-eot-threshold=0.4", FALSE,
    NULL },
  { "whisper", "openaistt", "/v1", "model-id=whisper-1" PATIENT, TRUE, NULL },
  { "gpt-4o-transcribe", "openaistt", "/v1", "model-id=gpt-4o-transcribe" PATIENT, TRUE, NULL },
  { "whisper at groq", "openaistt", "/openai/v1", "model-id=whisper-large-v3" PATIENT, TRUE, NULL },
  { "nova, reset in the middle", "deepgramstt", "", "", TRUE,
    "{\"provider\":\"deepgram\",\"connection\":0,\"message\":1,\"fault\":\"reset\"}" },
  { "nova, closed in the middle", "deepgramstt", "", "", TRUE,
    "{\"provider\":\"deepgram\",\"connection\":0,\"message\":2,\"fault\":\"close\",\"code\":1011,"
    "\"reason\":\"NET-0000\"}" },
  { "nova, refused once", "deepgramstt", "", "", TRUE,
    "{\"provider\":\"deepgram\",\"message\":\"upgrade\",\"fault\":\"status\",\"status\":503}" },
  { "whisper, refused twice", "openaistt", "/v1", "model-id=whisper-1 preconnect=false" PATIENT,
    TRUE, "{\"provider\":\"openai\",\"fault\":\"status\",\"status\":503,\"times\":2}" },
  { "failover from one to the other", "failoverstt", NULL,
    "elements=\"deepgramstt base-url=http://127.0.0.1:PORT api-key=wrong ; "
    "openaistt base-url=http://127.0.0.1:PORT/v1 api-key=k" PATIENT "\"",
    TRUE, NULL },
};

static void
setup(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *script = g_strdup_printf(SCRIPT, test->faults ? test->faults : "");
  g_autoptr(GError) error = NULL;

  stt_rig_begin(&f->rig);
  f->server = sim_server_new(f->rig.worker, 0, NULL, NULL, &error);
  g_assert_no_error(error);
  sim_server_add_all(f->server);
  sim_server_set_script(f->server, script, &error);
  g_assert_no_error(error);
  stt_rig_plug(&f->rig, test->factory, test->base, test->properties,
               sim_server_get_port(f->server));
  if (test->detected)
    stt_rig_detect_voice(&f->rig);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  gst_element_set_state(f->rig.element, GST_STATE_NULL);
  cord_worker_iterate(f->rig.worker);
  cord_worker_advance(f->rig.worker, 4 * GST_SECOND);
  sim_server_free(f->server);
  stt_rig_clear(&f->rig);
}

/* The voice, and the silence after it. */
static void
say(Fixture *f, const Case *test)
{
  if (test->detected)
    stt_rig_start_speech(&f->rig);
  stt_rig_say(&f->rig, 1, 3);
  if (test->detected)
    stt_rig_stop_speech(&f->rig);
}

static gboolean
on_moment(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The kernel carries the bytes in its own time, which is not ours. */
static void
let_bytes_travel(Fixture *f)
{
  g_autoptr(GSource) source = g_timeout_source_new(1);

  g_source_set_callback(source, on_moment, NULL, NULL);
  g_source_attach(source, cord_worker_get_main_context(f->rig.worker));
  g_main_context_iteration(cord_worker_get_main_context(f->rig.worker), TRUE);
  g_source_destroy(source);
  cord_worker_iterate(f->rig.worker);
}

static void
assert_hears(Fixture *f, const gchar *expected)
{
  for (guint i = 0; i < STEPS; i++) {
    g_autofree gchar *text = stt_rig_take_text(&f->rig);

    if (text) {
      g_assert_cmpstr(text, ==, expected);
      return;
    }
    stt_rig_push(&f->rig, STT_RIG_SILENCE, 1);
    let_bytes_travel(f);
  }
  {

    g_error("nothing was understood: %s", f->rig.said->str);
  }
}

static void
test_two_utterances(Fixture *f, gconstpointer data)
{
  say(f, data);
  assert_hears(f, "one two three");
  stt_rig_push(&f->rig, STT_RIG_SILENCE, 100);
  say(f, data);
  assert_hears(f, "four five");
  stt_rig_push(&f->rig, STT_RIG_SILENCE, 200);
  g_assert_null(stt_rig_take_text(&f->rig));
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *name = g_strdup_printf("/stt-simulators/%s", cases[i].name);

    g_test_add(name, Fixture, &cases[i], setup, test_two_utterances, teardown);
  }
  return g_test_run();
}
