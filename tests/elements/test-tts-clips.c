/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces that were recorded are played in place of being spoken. */
#include <string.h>

#include "scripted-tts.h"

#define ASKED(text) scripted_tts_assert_asked(f, text)
#define CAME(text) scripted_tts_assert_came(f, text)
#define FRAME 160 /* bytes: 20 ms */

static void
forget(ScriptedTts *f)
{
  g_string_truncate(f->asked, 0);
  g_string_truncate(f->came, 0);
}

/* Every code, over and over */
static GBytes *
make_clip(guint frames)
{
  guint8 *codes = g_malloc(frames * FRAME);

  for (guint i = 0; i < frames * FRAME; i++)
    codes[i] = (guint8)(i * 7);
  return g_bytes_new_take(codes, frames * FRAME);
}

static void
play(ScriptedTts *f, guint turn, const gchar *text, guint frames)
{
  GstBuffer *buffer = *text ? gst_buffer_new_memdup(text, strlen(text)) : gst_buffer_new();
  g_autoptr(CordTurn) meta = cord_turn_new(turn);
  g_autoptr(GBytes) clip = make_clip(frames);

  cord_buffer_set_turn(buffer, meta);
  cord_buffer_set_reply(buffer, text, clip);
  g_assert_cmpint(gst_harness_push(f->harness, buffer), ==, GST_FLOW_OK);
}

static GBytes *
pull(ScriptedTts *f)
{
  g_autoptr(GstBuffer) buffer = gst_harness_pull(f->harness);
  gpointer data;
  gsize size;

  gst_buffer_extract_dup(buffer, 0, -1, &data, &size);
  return g_bytes_new_take(data, size);
}

static void
test_untouched(ScriptedTts *f, gconstpointer data)
{
  g_autoptr(GBytes) clip = make_clip(10), heard = NULL;

  forget(f);
  scripted_tts_start_turn(f, 1);
  play(f, 1, "It is free.", 10);
  scripted_tts_finish_turn(f, 1);
  ASKED("turn-done 1; ");
  CAME("started 1; +audio 1 0-200; finished 1; ");
  heard = pull(f);
  g_assert_cmpmem(g_bytes_get_data(heard, NULL), g_bytes_get_size(heard),
                  g_bytes_get_data(clip, NULL), g_bytes_get_size(clip));
}

static void
test_order(ScriptedTts *f, gconstpointer data)
{
  forget(f);
  scripted_tts_say(f, 1, "One.");
  play(f, 1, "Two.", 5);
  scripted_tts_say(f, 1, "Three.");
  ASKED("speak 1 of 1 'One.'; ");
  scripted_tts_give(f, 1, 40);
  CAME("+audio 1 0-40; ");
  scripted_tts_finish(f, 1, NULL);
  ASKED("speak 3 of 1 'Three.'; ");
  scripted_tts_give(f, 3, 60);
  CAME("audio 1 40-140; audio 1 140-200; ");
}

/* A recording comes as it is to whoever takes it so; the voice has its own format. */
static void
test_between_other_formats(ScriptedTts *f, gconstpointer data)
{
  f->mulaw = FALSE;
  f->rate = 16000;
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 16000, FALSE);
  forget(f);
  scripted_tts_say(f, 1, "One.");
  play(f, 1, "Two.", 5);
  scripted_tts_finish_turn(f, 1);
  play(f, 2, "Three.", 5);
  scripted_tts_say(f, 2, "Four.");
  CAME("pcm 16000; +audio 1 0-80; mulaw 8000; audio 1 80-180; finished 1; +audio 2 180-280; "
       "pcm 16000; audio 2 280-380; ");
}

static void
test_decoded(ScriptedTts *f, gconstpointer data)
{
  g_autoptr(GBytes) clip = make_clip(5), heard = NULL;
  const guint8 *codes = g_bytes_get_data(clip, NULL);
  const gint16 *samples;

  f->mulaw = FALSE;
  gst_harness_set_sink_caps_str(f->harness, "audio/x-raw,format=S16LE,rate=8000");
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 8000, FALSE);
  forget(f);
  play(f, 1, "One.", 5);
  CAME("pcm 8000; +audio 1 0-100; ");
  heard = pull(f);
  g_assert_cmpuint(g_bytes_get_size(heard), ==, 2 * g_bytes_get_size(clip));
  samples = g_bytes_get_data(heard, NULL);
  for (guint i = 0; i < g_bytes_get_size(clip); i++)
    g_assert_cmpint(GINT16_FROM_LE(samples[i]), ==, cord_g711_decode_sample(codes[i]));
}

static void
test_spoken_instead(ScriptedTts *f, gconstpointer data)
{
  f->mulaw = FALSE;
  f->rate = 16000;
  gst_harness_set_sink_caps_str(f->harness, "audio/x-raw,format=S16LE,rate=16000");
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 16000, FALSE);
  forget(f);
  play(f, 1, "One.", 5);
  ASKED("speak 1 of 1 'One.'; ");
  /* it is the voice's, then, and cancelled as such */
  scripted_tts_flush(f, FALSE);
  ASKED("cancel 1; ");
}

static void
test_voice_without_a_format(ScriptedTts *f, gconstpointer data)
{
  gst_element_set_state(f->element, GST_STATE_NULL);
  f->rate = 0;
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 0, FALSE);
  forget(f);
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
  play(f, 1, "One.", 5);
  scripted_tts_finish_turn(f, 1);
  CAME("mulaw 8000; segment; +audio 1 0-100; finished 1; ");
}

static void
test_accounting(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "Well.");
  scripted_tts_give(f, 1, 100);
  scripted_tts_finish(f, 1, NULL);
  play(f, 1, "One two three four", 18);
  g_assert_cmpint(scripted_tts_heard(f, 1, 100, CORD_PLAYOUT_PLAYING), ==, 5);
  g_assert_cmpint(scripted_tts_heard(f, 1, 100 + 140, CORD_PLAYOUT_PLAYING), ==, 6 + 7);
  /* in the middle of a word */
  g_assert_cmpint(scripted_tts_heard(f, 1, 100 + 200, CORD_PLAYOUT_INTERRUPTED), ==, 6 + 7);
  g_assert_cmpint(scripted_tts_heard(f, 1, 460, CORD_PLAYOUT_DONE), ==, 6 + 18);
}

static void
test_interrupted(ScriptedTts *f, gconstpointer data)
{
  play(f, 1, "One two three four", 18);
  scripted_tts_say(f, 1, "Five.");
  forget(f);
  scripted_tts_flush(f, FALSE);
  ASKED("cancel 2; ");
  g_assert_cmpint(scripted_tts_heard(f, 1, 140, CORD_PLAYOUT_INTERRUPTED), ==, 7);
  CAME("segment; ");
  play(f, 2, "Six.", 1);
  CAME("+audio 2 360-380; ");
}

/* Whoever gets the audio may find at once that nobody wants it. */
static GstPadProbeReturn
flush_once(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  ScriptedTts *f = data;

  scripted_tts_flush(f, FALSE);
  scripted_tts_say(f, 2, "Next.");
  return GST_PAD_PROBE_REMOVE;
}

static void
test_flush_within(ScriptedTts *f, gconstpointer data)
{
  g_autoptr(GstPad) pad = gst_element_get_static_pad(f->element, "src");

  forget(f);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, flush_once, f, NULL);
  play(f, 1, "One.", 5);
  ASKED("speak 2 of 2 'Next.'; ");
}

static void
test_no_sound(ScriptedTts *f, gconstpointer data)
{
  forget(f);
  play(f, 1, "One.", 0);
  ASKED("speak 1 of 1 'One.'; ");
  scripted_tts_finish(f, 1, NULL);
  forget(f);
  /* a sound that says nothing */
  play(f, 1, "", 1);
  ASKED("");
  CAME("+audio 1 0-20; ");
}

/* Through a group of voices, the first of which has failed */
static void
test_failover(void)
{
  g_autoptr(CordWorker) worker = cord_worker_new_manual();
  g_autoptr(GstContext) context = cord_worker_to_gst_context(worker);
  g_autoptr(GBytes) clip = make_clip(10);
  GstElement *element = gst_element_factory_make("failovertts", NULL);
  GstBuffer *buffer = gst_buffer_new_memdup("It is free.", 11);
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  g_autoptr(GstBuffer) heard = NULL;
  GstHarness *harness;

  g_object_set(element, "elements", "elevenlabstts api-key=k base-url=http://127.0.0.1:9", NULL);
  gst_element_set_context(element, context);
  harness = gst_harness_new_with_element(element, "sink", "src");
  gst_harness_set_src_caps_str(harness, "text/x-raw,format=utf8");
  cord_buffer_set_turn(buffer, turn);
  cord_buffer_set_reply(buffer, "It is free.", clip);
  g_assert_cmpint(gst_harness_push(harness, buffer), ==, GST_FLOW_OK);
  heard = gst_harness_pull(harness);
  g_assert_cmpuint(gst_buffer_get_size(heard), ==, 10 * FRAME);
  g_assert_cmpint(gst_buffer_memcmp(heard, 0, g_bytes_get_data(clip, NULL), 10 * FRAME), ==, 0);
  g_assert_true(cord_buffer_get_turn(heard) == turn);
  gst_harness_teardown(harness);
}

#define ADD_WITH(name, manner, func)                                                               \
  g_test_add("/tts-clips/" name, ScriptedTts, GUINT_TO_POINTER(manner), scripted_tts_setup, func,  \
             scripted_tts_teardown)
#define ADD(name, func) ADD_WITH(name, TTS_WAITS, func)

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  ADD("a recording leaves as it is", test_untouched);
  ADD("a recording keeps its place among spoken pieces", test_order);
  ADD_WITH("the format changes for a recording, and back", TTS_SPEAKS_AT_ONCE,
           test_between_other_formats);
  ADD("who does not take mu-law gets it decoded", test_decoded);
  ADD("who takes neither hears the voice", test_spoken_instead);
  ADD("a voice without a format yet can have a recording", test_voice_without_a_format);
  ADD("what was heard of a recording is known in proportion", test_accounting);
  ADD("an interruption in a recording cuts its text", test_interrupted);
  ADD("a flush from within the push of a recording", test_flush_within);
  ADD("without sound the text is spoken, without text the sound is heard", test_no_sound);
  g_test_add_func("/tts-clips/a group of voices hands a recording on", test_failover);
  return g_test_run();
}
