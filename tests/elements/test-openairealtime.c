/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "realtime-rig.h"

typedef struct {
  const gchar *name;
  gboolean mulaw;
  const gchar *properties;
  void (*func)(RealtimeRig *f, gconstpointer data);
} Case;

static void
setup(RealtimeRig *f, gconstpointer data)
{
  const Case *test = data;

  realtime_rig_init(f, test->mulaw, test->properties);
  realtime_rig_accept(f);
}

static void
teardown(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_clear(f);
}

/* The caller says something that is written down before the answer comes. */
static void
ask(RealtimeRig *f, const gchar *item, const gchar *text)
{
  realtime_rig_start_speech(f, item);
  realtime_rig_talk(f, 200);
  realtime_rig_stop_speech(f, item, 100);
  realtime_rig_write_down(f, item, text);
}

/* The session */

#define TOOLS                                                                                      \
  "tools=\"[{\\\"type\\\":\\\"function\\\",\\\"function\\\":{\\\"name\\\":\\\"f\\\","              \
  "\\\"description\\\":\\\"d\\\",\\\"parameters\\\":{\\\"type\\\":\\\"object\\\"}}}]\""

static void
test_ga(RealtimeRig *f, gconstpointer data)
{
  g_assert_true(g_str_has_prefix(f->head, "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nAuthorization: Bearer " REALTIME_RIG_KEY "\r\n"));
  g_assert_null(strstr(f->head, "OpenAI-Beta"));
  g_assert_cmpstr(
      f->session, ==,
      "{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"output_modalities\":["
      "\"audio\"],\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcmu\"},\"transcription\":{"
      "\"model\":\"gpt-4o-mini-transcribe\",\"language\":\"de\"},\"turn_detection\":{\"type\":"
      "\"server_vad\",\"threshold\":0.5,\"prefix_padding_ms\":300,\"silence_duration_ms\":500,"
      "\"create_response\":true,\"interrupt_response\":true}},\"output\":{\"format\":{\"type\":"
      "\"audio/pcmu\"},\"voice\":\"marin\"}},\"instructions\":\"be brief\",\"max_output_tokens\":"
      "99,\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{"
      "\"type\":\"object\"}}],\"tool_choice\":\"auto\"}}");
}

static void
test_beta(RealtimeRig *f, gconstpointer data)
{
  g_assert_nonnull(strstr(f->head, "\r\nOpenAI-Beta: realtime=v1\r\n"));
  g_assert_cmpstr(
      f->session, ==,
      "{\"type\":\"session.update\",\"session\":{\"modalities\":[\"text\",\"audio\"],"
      "\"input_audio_format\":\"pcm16\",\"output_audio_format\":\"pcm16\","
      "\"input_audio_transcription\":{\"model\":\"gpt-4o-mini-transcribe\"},\"turn_detection\":{"
      "\"type\":\"semantic_vad\",\"eagerness\":\"high\",\"create_response\":true,"
      "\"interrupt_response\":true},\"voice\":\"marin\",\"instructions\":\"\",\"tools\":[],"
      "\"tool_choice\":\"auto\"}}");
}

/* What is not set is not said; what is has its place in each dialect. */
static void
test_settings(RealtimeRig *f, gconstpointer data)
{
  static const gchar *const today[] = {
    "\"noise_reduction\":{\"type\":\"near_field\"}",
    "\"threshold\":0.7,\"prefix_padding_ms\":100,\"silence_duration_ms\":200,"
    "\"idle_timeout_ms\":5000,",
    "\"voice\":\"cedar\",\"speed\":1.25}}",
    "\"model\":\"whisper-1\"",
  };
  static const gchar *const beta[] = {
    "\"input_audio_noise_reduction\":{\"type\":\"near_field\"}",
    "\"max_response_output_tokens\":7",
    "\"voice\":\"cedar\",\"speed\":1.25",
  };
  gboolean old = strstr(f->head, "OpenAI-Beta") != NULL;

  for (guint i = 0; i < (old ? G_N_ELEMENTS(beta) : G_N_ELEMENTS(today)); i++)
    g_assert_nonnull(strstr(f->session, old ? beta[i] : today[i]));
}

/* Turns */

/* A greeting is a turn of its own; the caller's first is the next. */
static void
test_greeting(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_assert_got(
      f, "respond 'Greet the caller. Say exactly this and nothing else: Hello.'; ");
  realtime_rig_respond(f, "r0");
  realtime_rig_speak(f, "r0", "i0", "Hello.", 100);
  realtime_rig_finish(f, "r0", "completed");
  realtime_rig_assert_came(f, "mulaw 8000; segment; started 0; +audio 0 0-100; finished 0; ");
  realtime_rig_played(f, 0, 100, CORD_PLAYOUT_DONE);
  realtime_rig_assert_posted(f, "heard 0 'Hello.'; ");
}

/* Bytes are neither changed nor waited for. */
static void
test_turn(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_talk(f, 100);
  realtime_rig_assert_got(f, "audio 100; ");
  for (guint i = 0; i < f->caller->len; i++)
    g_assert_cmpuint(f->caller->data[i], ==, i / (f->caller->len / 5));
  realtime_rig_start_speech(f, "u1");
  realtime_rig_stop_speech(f, "u1", 80);
  realtime_rig_assert_posted(f, "speech; silence; ");
  realtime_rig_write_down(f, "u1", " hello ");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Good ", 100);
  realtime_rig_assert_posted(f, "turn 1 'hello'; ");
  realtime_rig_speak(f, "r1", "i1", "day.", 50);
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_assert_came(f, f->mulaw ? "mulaw 8000; segment; started 1; +audio 1 100-200; "
                                         "audio 1 200-250; finished 1; "
                                       : "pcm 24000; segment; started 1; +audio 1 100-200; "
                                         "audio 1 200-250; finished 1; ");
  g_assert_cmpuint(f->audio->len, ==, 150 * (f->mulaw ? 8 : 48));
  for (guint i = 0; i < f->audio->len; i++)
    g_assert_cmpuint(f->audio->data[i], ==, 1);
  realtime_rig_played(f, 1, 150, CORD_PLAYOUT_DONE);
  realtime_rig_assert_posted(f, "heard 1 'Good day.'; ");
  realtime_rig_assert_got(f, "");
}

/* The older names of the same */
static void
test_beta_turn(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_tell(f, "{\"type\":\"response.audio_transcript.delta\",\"response_id\":\"r1\","
                       "\"item_id\":\"i1\",\"delta\":\"Hi.\"}");
  realtime_rig_tell(f, "{\"type\":\"response.audio.delta\",\"response_id\":\"r1\",\"item_id\":"
                       "\"i1\",\"delta\":\"AAAAAAAA\"}");
  realtime_rig_finish(f, "r1", "completed");
  g_assert_cmpuint(f->audio->len, ==, 6);
  realtime_rig_played(f, 1, 1, CORD_PLAYOUT_DONE);
  realtime_rig_assert_posted(f, "speech; silence; turn 1 'hello'; heard 1 'Hi.'; ");
}

/* Half a sample is carried into the next message. */
static void
test_odd_bytes(RealtimeRig *f, gconstpointer data)
{
  static const guint sizes[] = { 1, 1, 3, 2, 640, 33, 41, 1 };
  guint8 value = 0;

  realtime_rig_respond(f, "r1");
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autofree guint8 *bytes = g_malloc(sizes[i]);
    g_autofree gchar *encoded = NULL;

    for (guint n = 0; n < sizes[i]; n++)
      bytes[n] = value++;
    encoded = g_base64_encode(bytes, sizes[i]);
    realtime_rig_tell(f,
                      "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r1\","
                      "\"item_id\":\"i1\",\"delta\":\"%s\"}",
                      encoded);
    g_assert_cmpuint(f->audio->len % 2, ==, 0);
  }
  g_assert_cmpuint(f->audio->len, ==, 722);
  for (guint n = 0; n < f->audio->len; n++)
    g_assert_cmpuint(f->audio->data[n], ==, n % 256);
}

/* What the caller said is written down when it is: each text belongs to its turn. */
static void
test_late_transcripts(RealtimeRig *f, gconstpointer data)
{
  for (guint i = 1; i <= 2; i++) {
    g_autofree gchar *item = g_strdup_printf("u%u", i);
    g_autofree gchar *response = g_strdup_printf("r%u", i);

    realtime_rig_start_speech(f, item);
    realtime_rig_stop_speech(f, item, 100);
    realtime_rig_respond(f, response);
    realtime_rig_speak(f, response, response, "Yes.", 20);
    realtime_rig_finish(f, response, "completed");
    realtime_rig_played(f, i, 20, CORD_PLAYOUT_DONE);
  }
  realtime_rig_forget(f);
  realtime_rig_write_down(f, "u2", "second");
  realtime_rig_write_down(f, "u1", "first");
  realtime_rig_assert_posted(f, "turn 2 'second'; turn 1 'first'; ");
  /* twice, of nobody, and of nothing */
  realtime_rig_write_down(f, "u1", "first");
  realtime_rig_write_down(f, "deleted", "who");
  realtime_rig_start_speech(f, "u3");
  realtime_rig_stop_speech(f, "u3", 200);
  realtime_rig_write_down(f, "u3", "  ");
  realtime_rig_tell(f, "{\"type\":\"conversation.item.input_audio_transcription.failed\","
                       "\"item_id\":\"u3\",\"error\":{\"code\":\"audio_unintelligible\"}}");
  realtime_rig_assert_posted(f, "speech; silence; ");
}

/* Interruptions */

static void
test_interruption(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "one two ", 200);
  realtime_rig_speak(f, "r1", "i1", "three four", 200);
  realtime_rig_forget(f);
  realtime_rig_played(f, 1, 60, CORD_PLAYOUT_PLAYING);
  realtime_rig_assert_posted(f, "");
  realtime_rig_start_speech(f, "u2");
  /* the rig tells nothing of itself: that there is a sink is known from the first time */
  realtime_rig_assert_posted(f, "speech; interrupted 1; cut 1 ''; ");
  realtime_rig_assert_got(f, "cut i1 at 0; ");
  realtime_rig_assert_came(f, "flushed; ");
  /* what comes of it afterwards is heard by nobody, and a second beginning is none */
  realtime_rig_speak(f, "r1", "i1", "five", 100);
  realtime_rig_start_speech(f, "u2");
  realtime_rig_call(f, "r1", "c1", "f");
  realtime_rig_finish(f, "r1", "cancelled");
  realtime_rig_assert_posted(f, "speech; ");
  realtime_rig_assert_came(f, "");
  realtime_rig_assert_got(f, "");
}

static void
on_flush(RealtimeRig *f)
{
  realtime_rig_played(f, 1, 250, CORD_PLAYOUT_INTERRUPTED);
}

static GstPadProbeReturn
on_event(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_FLUSH_STOP)
    on_flush(data);
  return GST_PAD_PROBE_OK;
}

/* The sink tells what was heard while it is flushed: the model's memory is cut there. */
static void
test_what_was_heard(RealtimeRig *f, gconstpointer data)
{
  gst_pad_add_probe(f->harness->sinkpad,
                    GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_event,
                    f, NULL);
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "one two three four", 400);
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_forget(f);
  realtime_rig_start_speech(f, "u2");
  realtime_rig_assert_posted(f, "speech; interrupted 1; cut 1 'one two'; ");
  realtime_rig_assert_got(f, "cut i1 at 250; ");
}

/* Where nobody tells, audio is heard when it comes; of what was heard nothing is cut. */
static void
test_without_reports(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "one two three four", 400);
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_talk(f, 200);
  realtime_rig_forget(f);
  realtime_rig_start_speech(f, "u2");
  realtime_rig_assert_posted(f, "speech; interrupted 1; cut 1 'one two'; ");
  realtime_rig_assert_got(f, "cut i1 at 200; ");
  realtime_rig_stop_speech(f, "u2", 100);
  realtime_rig_respond(f, "r2");
  realtime_rig_speak(f, "r2", "i2", "Yes.", 100);
  realtime_rig_finish(f, "r2", "completed");
  realtime_rig_talk(f, 200);
  realtime_rig_forget(f);
  realtime_rig_start_speech(f, "u3");
  realtime_rig_assert_posted(f, "speech; interrupted 2; heard 2 'Yes.'; ");
  realtime_rig_assert_got(f, "");
}

/* The caller goes on before the first sound: there is nothing to cut, and one end. */
static void
test_early_interruption(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_forget(f);
  realtime_rig_start_speech(f, "u2");
  realtime_rig_assert_posted(f, "speech; cut 1 ''; ");
  realtime_rig_assert_came(f, "finished 1; ");
  realtime_rig_finish(f, "r1", "cancelled");
  realtime_rig_stop_speech(f, "u2", 100);
  realtime_rig_respond(f, "r2");
  realtime_rig_speak(f, "r2", "i2", "Yes.", 100);
  realtime_rig_finish(f, "r2", "completed");
  realtime_rig_assert_came(f, "started 2; +audio 2 200-300; finished 2; ");
  realtime_rig_assert_got(f, "");
}

/* Functions */

/* The result waits for the end of the answer; what the model then says is of the same turn. */
static void
test_function(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Wait. ", 100);
  realtime_rig_forget(f);
  realtime_rig_call(f, "r1", "c1", "look_up");
  realtime_rig_call(f, "r1", "c1", "look_up");
  realtime_rig_assert_posted(f, "tool 1 look_up({}); ");
  realtime_rig_result(f, "c1", "{\"a\":1}");
  realtime_rig_result(f, "nobody", "{}");
  realtime_rig_assert_got(f, "");
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_assert_got(f, "result c1 '{\"a\":1}'; respond; ");
  realtime_rig_respond(f, "r2");
  realtime_rig_speak(f, "r2", "i2", "It is 1.", 100);
  realtime_rig_finish(f, "r2", "completed");
  realtime_rig_assert_came(f, "audio 1 300-400; finished 1; ");
  realtime_rig_played(f, 1, 200, CORD_PLAYOUT_DONE);
  realtime_rig_assert_posted(f, "heard 1 'Wait. It is 1.'; ");
}

/* Each part of an answer is cut where it was heard. */
static void
test_cut_after_function(RealtimeRig *f, gconstpointer data)
{
  gst_pad_add_probe(f->harness->sinkpad,
                    GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_event,
                    f, NULL);
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Wait. ", 100);
  realtime_rig_call(f, "r1", "c1", "look_up");
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_result(f, "c1", "{}");
  realtime_rig_respond(f, "r2");
  realtime_rig_speak(f, "r2", "i2", "one two", 300);
  realtime_rig_speak(f, "r2", "i3", "three four", 100);
  realtime_rig_forget(f);
  realtime_rig_start_speech(f, "u2");
  realtime_rig_assert_got(f, "cut i2 at 150; cut i3 at 0; ");
}

/* Known from the end of the answer alone; two of them, without arguments, and one without an id. */
static void
test_functions_of_the_end(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_forget(f);
  realtime_rig_tell(
      f, "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":\"completed\","
         "\"output\":[{\"type\":\"message\"},{\"type\":\"function_call\",\"name\":\"f\"},"
         "{\"type\":\"function_call\",\"status\":\"incomplete\",\"call_id\":\"c0\",\"name\":\"f\"},"
         "{\"type\":\"function_call\",\"status\":\"completed\",\"call_id\":\"c1\",\"name\":\"f\","
         "\"arguments\":\"\"},{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"g\","
         "\"arguments\":\"no JSON\"}]}}");
  realtime_rig_assert_posted(f, "tool 1 f({}); tool 1 g(no JSON); ");
  realtime_rig_result(f, "c2", "2");
  realtime_rig_assert_got(f, "");
  realtime_rig_result(f, "c1", "1");
  realtime_rig_assert_got(f, "result c1 '1'; result c2 '2'; respond; ");
}

/* Who speaks again is answered anyway: the model is not asked to talk over him. */
static void
test_result_while_speaking(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_call(f, "r1", "c1", "f");
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_start_speech(f, "u2");
  realtime_rig_forget(f);
  realtime_rig_result(f, "c1", "1");
  realtime_rig_assert_got(f, "result c1 '1'; ");
}

/* Who has said goodbye has said all there is to say. */
static void
test_final_function(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "bye");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Goodbye.", 100);
  realtime_rig_call(f, "r1", "c1", "end_call");
  realtime_rig_forget(f);
  realtime_rig_final_result(f, "c1", "1");
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_assert_got(f, "result c1 '1'; ");
  realtime_rig_assert_came(f, "finished 1; ");
  realtime_rig_played(f, 1, 100, CORD_PLAYOUT_DONE);
  realtime_rig_assert_posted(f, "heard 1 'Goodbye.'; ");
}

/* Something is to be heard before the end. */
static void
test_final_function_in_silence(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "bye");
  realtime_rig_respond(f, "r1");
  realtime_rig_call(f, "r1", "c1", "end_call");
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_forget(f);
  realtime_rig_final_result(f, "c1", "1");
  realtime_rig_assert_got(f, "result c1 '1'; respond; ");
  realtime_rig_respond(f, "r2");
  realtime_rig_speak(f, "r2", "i2", "Bye then.", 100);
  realtime_rig_finish(f, "r2", "completed");
  realtime_rig_played(f, 1, 100, CORD_PLAYOUT_DONE);
  realtime_rig_assert_posted(f, "heard 1 'Bye then.'; ");
}

/* What else was asked for is yet to be told. */
static void
test_final_function_beside_another(RealtimeRig *f, gconstpointer data)
{
  ask(f, "u1", "bye");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Goodbye.", 100);
  realtime_rig_call(f, "r1", "c1", "end_call");
  realtime_rig_call(f, "r1", "c2", "book");
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_forget(f);
  realtime_rig_final_result(f, "c1", "1");
  realtime_rig_result(f, "c2", "2");
  realtime_rig_assert_got(f, "result c1 '1'; result c2 '2'; respond; ");
}

/* Keys */

static void
press(RealtimeRig *f, gchar key)
{
  gst_harness_push_event(f->harness, cord_event_new(cord_structure_new_dtmf(key)));
  cord_worker_iterate(f->worker);
}

/* A row of keys is a turn, and who presses one has heard enough. */
static void
test_keys(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_respond(f, "r0");
  realtime_rig_speak(f, "r0", "i0", "Press a key.", 200);
  realtime_rig_forget(f);
  press(f, '4');
  realtime_rig_assert_got(f, "response.cancel; cut i0 at 0; ");
  realtime_rig_assert_came(f, "flushed; ");
  realtime_rig_finish(f, "r0", "cancelled");
  cord_worker_advance(f->worker, GST_SECOND);
  press(f, '2');
  realtime_rig_forget(f);
  cord_worker_advance(f->worker, 1600 * GST_MSECOND);
  realtime_rig_assert_posted(f, "turn 1 '42'; ");
  realtime_rig_assert_got(f, "user '42'; respond; ");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Thanks.", 100);
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_assert_came(f, "started 1; +audio 1 0-100; finished 1; ");
  realtime_rig_played(f, 1, 100, CORD_PLAYOUT_DONE);
  realtime_rig_forget(f);
  press(f, '#');
  cord_worker_advance(f->worker, GST_MSECOND);
  realtime_rig_assert_posted(f, "turn 2 '#'; ");
  realtime_rig_assert_got(f, "user '#'; respond; ");
}

/* The end */

/* A stream is over when the service has nothing to say of it any more. */
static void
test_eos(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_talk(f, 100);
  g_assert_true(gst_harness_push_event(f->harness, gst_event_new_eos()));
  realtime_rig_assert_got(f, "audio 900; ");
  realtime_rig_forget(f);
  realtime_rig_start_speech(f, "u1");
  realtime_rig_stop_speech(f, "u1", 700);
  cord_worker_advance(f->worker, 5 * GST_SECOND);
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Yes.", 100);
  cord_worker_advance(f->worker, 5 * GST_SECOND);
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_assert_came(f, "started 1; +audio 1 100-200; finished 1; ");
  cord_worker_advance(f->worker, 2100 * GST_MSECOND);
  realtime_rig_assert_came(f, "eos; ");
}

/* All of a file is sent, though not all at once. */
static void
test_long_file(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_talk(f, 10000);
  realtime_rig_assert_got(f, "audio 1000; ");
  cord_worker_advance(f->worker, 950 * GST_MSECOND);
  realtime_rig_assert_got(f, "audio 9000; ");
  g_assert_cmpuint(f->caller->len, ==, 80000);
  for (guint i = 0; i < f->caller->len; i++)
    g_assert_cmpuint(f->caller->data[i], ==, i / 160 % 256);
}

static void
test_stats(RealtimeRig *f, gconstpointer data)
{
  g_autoptr(GstStructure) stats = NULL;
  gint64 input, output;

  for (guint i = 0; i < 2; i++) {
    realtime_rig_respond(f, "r");
    realtime_rig_finish(f, "r", "completed");
  }
  g_object_get(f->element, "stats", &stats, NULL);
  g_assert_true(gst_structure_get(stats, "input-tokens", G_TYPE_INT64, &input, "output-tokens",
                                  G_TYPE_INT64, &output, NULL));
  g_assert_cmpint(input, ==, 40);
  g_assert_cmpint(output, ==, 20);
}

#define ALL                                                                                        \
  "noise-reduction=near-field threshold=0.7 prefix-padding=100 silence-duration=200 "              \
  "idle-timeout=1 voice-id=cedar speed=1.25 transcription-model=whisper-1 max-tokens=7"

static const Case cases[] = {
  { "a session of today", TRUE,
    "instructions=\"be brief\" language-code=de-DE max-tokens=99 " TOOLS, test_ga },
  { "a session of the beta", FALSE, "beta=true turn-detection=semantic-vad eagerness=high",
    test_beta },
  { "settings of a session of today", TRUE, ALL, test_settings },
  { "settings of a session of the beta", TRUE, ALL " beta=true", test_settings },
  { "a greeting is the first turn", TRUE, "greeting=Hello.", test_greeting },
  { "mu-law goes through as it is", TRUE, "", test_turn },
  { "so does PCM", FALSE, "", test_turn },
  { "the beta's names mean the same", TRUE, "beta=true", test_beta_turn },
  { "half a sample waits for its other half", FALSE, "", test_odd_bytes },
  { "a transcript belongs to its turn however late it is", TRUE, "", test_late_transcripts },
  { "who interrupts hears no more of it", TRUE, "", test_interruption },
  { "the model remembers what was heard", TRUE, "", test_what_was_heard },
  { "without reports audio is heard when it comes", TRUE, "", test_without_reports },
  { "who goes on before the answer has interrupted nothing", TRUE, "", test_early_interruption },
  { "a function's result is told after the answer", TRUE, "", test_function },
  { "what was said after a function is cut by itself", TRUE, "", test_cut_after_function },
  { "functions are found at the end of the answer", TRUE, "", test_functions_of_the_end },
  { "a result does not make the model interrupt", TRUE, "", test_result_while_speaking },
  { "who has said goodbye is not asked again", TRUE, "", test_final_function },
  { "who ends without a word is asked for one", TRUE, "", test_final_function_in_silence },
  { "who wants something else as well is asked", TRUE, "", test_final_function_beside_another },
  { "keys are a turn", TRUE, "", test_keys },
  { "EOS waits for the answer", TRUE, "", test_eos },
  { "a file is sent in pieces", TRUE, "", test_long_file },
  { "tokens are counted", TRUE, "", test_stats },
};

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *path = g_strconcat("/openairealtime/", cases[i].name, NULL);

    g_test_add(path, RealtimeRig, &cases[i], setup, cases[i].func, teardown);
  }
  return g_test_run();
}
