/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "call-rig.h"
#include "cord-g711.h"
#include "sim-rig.h"

/* What callers ask so often that it is answered by a recording: `cordboard routes` as it is typed,
 * and a call that takes a route. */

#define CLIP 12345 /* bytes: no whole number of frames */
#define WAV_HEAD 44

typedef struct {
  gchar *dir;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp("cordboard-routes-XXXXXX", NULL);
}

static void
remove_all(const gchar *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree gchar *child = g_build_filename(path, name, NULL);

    remove_all(child);
  }
  g_remove(path);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  remove_all(f->dir);
  g_free(f->dir);
}

/* Runs a command in a folder that is its state as well; what it printed. */
static gchar *
routes(const gchar *dir, int *code, const gchar *arguments)
{
  g_autofree gchar *line =
      g_strdup_printf("\"%s\" routes %s --state-dir .", g_getenv("CORDBOARD"), arguments);
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr(GSubprocess) process = NULL;
  g_autoptr(GError) error = NULL;
  gchar *out = NULL;

  g_subprocess_launcher_set_cwd(launcher, dir);
  g_subprocess_launcher_setenv(launcher, "XDG_CONFIG_HOME", dir, TRUE);
  g_subprocess_launcher_setenv(launcher, "LC_ALL", "C.UTF-8", TRUE);
  process = g_subprocess_launcher_spawn(launcher, &error, "sh", "-c", line, NULL);
  g_assert_no_error(error);
  g_subprocess_communicate_utf8(process, NULL, NULL, &out, NULL, &error);
  g_assert_no_error(error);
  *code = g_subprocess_get_exit_status(process);
  g_test_message("%s: %d\n%s", arguments, *code, out);
  return out;
}

static void
expect(const gchar *dir, const gchar *arguments, int wanted, const gchar *says)
{
  int code;
  g_autofree gchar *out = routes(dir, &code, arguments);

  g_assert_cmpint(code, ==, wanted);
  g_assert_nonnull(strstr(out, says));
}

static void
write_file(const gchar *dir, const gchar *name, gconstpointer data, gsize size)
{
  g_autofree gchar *path = g_build_filename(dir, name, NULL);

  g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
}

/* Every code, in no order; nothing that a voice would say. */
static guint8 *
make_clip(gsize size)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(4);
  guint8 *codes = g_malloc(size);

  for (gsize i = 0; i < size; i++)
    codes[i] = (guint8)g_rand_int_range(rand, 0, 256);
  return codes;
}

static void
write_wav(const gchar *dir, const gchar *name, guint ms)
{
  static const guint8 head[WAV_HEAD] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0"
                                       "\x80\x3e\0\0\x02\0\x10\0data";
  gsize size = ms * 16;
  g_autofree guint8 *wav = g_malloc0(WAV_HEAD + size);

  memcpy(wav, head, WAV_HEAD);
  GST_WRITE_UINT32_LE(wav + 4, size + WAV_HEAD - 8);
  GST_WRITE_UINT32_LE(wav + 40, size);
  write_file(dir, name, wav, WAV_HEAD + size);
}

static void
test_build(Fixture *f, gconstpointer data)
{
  g_autofree guint8 *clip = make_clip(CLIP);
  g_autofree gchar *source = g_build_filename(f->dir, "source", NULL);
  g_autofree gchar *made = g_build_filename(f->dir, "routes", "stop.mulaw", NULL);
  g_autofree gchar *bytes = NULL;
  gsize size;

  expect(f->dir, "list", 0, "no recording");
  g_assert_cmpint(g_mkdir(source, 0700), ==, 0);
  write_file(source, "stop.mulaw", clip, CLIP);
  write_wav(source, "pricing.wav", 1500);
  write_file(source, "pricing.txt", "Ten dollars.\n", 13);
  expect(f->dir, "build source", 0, "pricing: 1.5 s");
  /* mu-law is taken as it is */
  g_assert_true(g_file_get_contents(made, &bytes, &size, NULL));
  g_assert_cmpmem(bytes, size, clip, CLIP);
  expect(f->dir, "list", 0, "Ten dollars.");
  expect(f->dir, "--json list", 0, "\"name\":\"pricing\",\"cached\":true,\"duration_ms\":1500");
  /* without its text the new recording does not say what the old one said */
  expect(f->dir, "build source/stop.mulaw", 0, "1 of 1  stop: 1.5 s");
  g_remove(made);
  expect(f->dir, "list", 0, "no recording");
}

static void
test_bad_sources(Fixture *f, gconstpointer data)
{
  write_file(f->dir, "stop.wav", "nothing that anybody decodes", 28);
  expect(f->dir, "build stop.wav", 1, "stop.wav: ");
  write_file(f->dir, "who_are_you.mulaw", "", 0);
  expect(f->dir, "build who_are_you.mulaw", 1, "there is no sound in it");
  write_wav(f->dir, "pricing.wav", 61000);
  expect(f->dir, "build pricing.wav", 1, "longer than 60 seconds");
  expect(f->dir, "build none.wav", 1, "there is no file none.wav");
  write_wav(f->dir, "other.wav", 100);
  expect(f->dir, "build other.wav", 1, "there is no route \"other\"");
  expect(f->dir, "build --voice slt other", 1, "there is no route \"other\"");
  expect(f->dir, "build --voice nobody", 1, "there is no voice \"nobody\"");
  /* what can be made is made */
  write_wav(f->dir, "pricing.wav", 100);
  expect(f->dir, "build stop.wav pricing.wav", 1, "pricing: 0.1 s");
  write_file(f->dir, "pricing.mulaw", "x", 1);
  expect(f->dir, "build pricing.wav pricing.mulaw", 1, "would both be");
  expect(f->dir, "build", 2, "routes takes");
  expect(f->dir, "frobnicate", 2, "routes takes");
  expect(f->dir, "list", 0, "pricing");
}

static void
test_sentences(Fixture *f, gconstpointer data)
{
  static const gchar conf[] = "[router]\nroutes=own.conf\n";
  static const gchar own[] = "[hours]\nexamples=when are you open\ntext=Nine to five.\n";

  expect(f->dir, "test 'Please stop.'", 0, "stop: 1.00 like it");
  expect(f->dir, "test 'Please stop.'", 0, "no recording");
  expect(f->dir, "test 'Where is the bus stop?'", 1, "no route");
  expect(f->dir, "test ''", 1, "like none of them");
  expect(f->dir, "--json test 'Was kostet das?'", 0, "{\"route\":\"pricing\",");
  write_file(f->dir, "settings.conf", conf, sizeof conf - 1);
  write_file(f->dir, "own.conf", own, sizeof own - 1);
  expect(f->dir, "-c settings.conf test 'So when are you open?'", 0, "hours: ");
  expect(f->dir, "-c settings.conf test stop", 1, "no route");
  write_file(f->dir, "own.conf", "no group", 8);
  expect(f->dir, "-c settings.conf list", 0, "own.conf cannot be used");
}

/* ---- a call ---- */

static void
assert_heard(const gchar *path, const guint8 *clip)
{
  g_autofree gint16 *samples = g_new(gint16, CLIP);
  g_autofree gchar *wav = NULL;
  gsize size;

  cord_g711_decode(clip, samples, CLIP);
  for (guint i = 0; i < CLIP; i++)
    samples[i] = GINT16_TO_LE(samples[i]);
  g_assert_true(g_file_get_contents(path, &wav, &size, NULL));
  g_assert_nonnull(memmem(wav, size, samples, CLIP * sizeof *samples));
}

static gboolean
is_over(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) node = call_rig_get(rig, "/api/calls", &status);
  JsonArray *calls = json_node_get_array(node);

  return json_array_get_length(calls) == 1 &&
         !json_object_get_null_member(json_array_get_object_element(calls, 0), "end_reason");
}

static SimRig *sims;

static gboolean
has_hung_up(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &status);
  JsonObject *row = json_array_get_object_element(json_node_get_array(calls), 0);
  g_autoptr(JsonNode) node = sim_rig_dup_journal(sims);
  g_autofree gchar *journal = json_to_string(node, FALSE);
  g_autofree gchar *path =
      g_strdup_printf("/Calls/%s.json", json_object_get_string_member(row, "twilio_call_sid"));

  return strstr(journal, path) && strstr(journal, "Status=completed");
}

static void
assert_counted(CallRig *rig)
{
  g_autofree gchar *url = g_strconcat(rig->url, "/metrics", NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autoptr(GBytes) answer = soup_session_send_and_read(rig->session, message, NULL, NULL);
  g_autofree gchar *text = NULL;

  g_assert_nonnull(answer);
  text = g_strndup(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer));
  g_assert_nonnull(strstr(text, "\ncordboard_routed_turns_total 1\n"));
}

/* Keys are understood on the slowest machine. */
static CallRig *
start_server(void)
{
  static const gchar own[] = "[stop]\nexamples=42\ntext=Bye.\nhang-up=true\n";
  g_autofree gchar *base = g_strconcat("TWILIO_BASE_URL=", sims->url, NULL);
  const gchar *environ[] = { base, "TWILIO_ACCOUNT_SID=AC00000000000000000000000000000001", NULL };
  CallRig *rig = call_rig_new_with(NULL, "secret-of-twilio", (GStrv)environ);
  g_autofree gchar *folder = g_build_filename(rig->dir, "cordboard", NULL);
  g_autofree gchar *conf = g_strdup_printf("[router]\nroutes=%s/own.conf\n", rig->dir);

  call_rig_stop(rig);
  g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
  write_file(folder, "cordboard.conf", conf, strlen(conf));
  write_file(rig->dir, "own.conf", own, sizeof own - 1);
  call_rig_start(rig);
  return rig;
}

/* The caller hears the recording as it was made, and then nothing more. */
static void
test_call(void)
{
  CallRig *rig;
  g_autofree guint8 *clip = make_clip(CLIP);
  const gchar *arguments[] = { "--dtmf", "42#", "--record", NULL, NULL };
  g_autofree gchar *record = NULL, *heard = NULL;
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(JsonNode) calls = NULL;
  g_autofree gchar *caller = NULL, *agent = NULL;
  JsonObject *row;
  guint status;
  int code;

  sims = sim_rig_new(NULL);
  rig = start_server();
  arguments[3] = record = g_build_filename(rig->dir, "call", NULL);
  heard = g_strconcat(record, "-heard.wav", NULL);
  /* the server runs already */
  write_file(rig->dir, "stop.mulaw", clip, CLIP);
  write_file(rig->dir, "stop.txt", "Farewell.", 9);
  expect(rig->dir, "build stop.mulaw", 0, "calls take them from now on");
  result = call_rig_call(rig, arguments, &code);
  g_assert_cmpint(code, ==, 0);
  caller = call_rig_said(result, "user");
  agent = call_rig_said(result, "assistant");
  g_assert_nonnull(strstr(caller, "42"));
  g_assert_nonnull(strstr(agent, "Farewell."));
  assert_heard(heard, clip);
  call_rig_wait_until(rig, is_over);
  calls = call_rig_get(rig, "/api/calls", &status);
  row = json_array_get_object_element(json_node_get_array(calls), 0);
  g_assert_cmpstr(json_object_get_string_member(row, "end_reason"), ==, "agent-hangup");
  assert_counted(rig);
  call_rig_wait_until(rig, has_hung_up);
  call_rig_free(rig);
  sim_rig_free(sims);
}

#define ADD(name, func) g_test_add("/routes/" name, Fixture, NULL, setup, func, teardown)

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  ADD("recordings are built of files", test_build);
  ADD("what cannot be a recording is told of", test_bad_sources);
  ADD("a sentence can be tried", test_sentences);
  g_test_add_func("/routes/a caller who takes a route hears its recording, and is hung up",
                  test_call);
  return g_test_run();
}
