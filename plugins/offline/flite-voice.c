/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flite-voice.h"

#include <flite/flite.h>
#include <string.h>

#define SILENCE 200 /* amplitude below which a sample is silent */
#define LEAD_MS 40  /* of silence that stays before the first sound */
#define TAIL_MS 180 /* of silence that stays after the last: the pause between sentences */
#define FADE_MS 4   /* at both ends, against clicks */

cst_voice *register_cmu_us_kal(const char *directory);
cst_voice *register_cmu_us_kal16(const char *directory);
cst_voice *register_cmu_us_slt(const char *directory);
cst_voice *register_cmu_us_rms(const char *directory);
cst_voice *register_cmu_us_awb(const char *directory);

typedef struct {
  const gchar *name;
  cst_voice *(*load)(const char *directory);
  guint rate; /* Hz */
} VoiceInfo;

static const VoiceInfo voices[] = {
  { "slt", register_cmu_us_slt, 16000 }, { "rms", register_cmu_us_rms, 16000 },
  { "awb", register_cmu_us_awb, 16000 }, { "kal16", register_cmu_us_kal16, 16000 },
  { "kal", register_cmu_us_kal, 8000 },
};

static cst_voice *loaded[G_N_ELEMENTS(voices)];

struct _FliteJob {
  gatomicrefcount ref_count;
  guint voice;
  gdouble stretch;
  gchar *text;
  FliteSink sink;
  gpointer data;
  GDestroyNotify notify;
  gint cancelled; /* atomic */

  /* of the thread that synthesises */
  gsize written; /* samples handed out */
  gsize skipped; /* samples of leading silence left out */
  gsize held;    /* samples of silence that were not handed out yet */
  gboolean sounding;
};

static GThreadPool *pool;

const gchar *const *
flite_voice_names(void)
{
  static const gchar *names[G_N_ELEMENTS(voices) + 1];

  for (guint i = 0; i < G_N_ELEMENTS(voices); i++)
    names[i] = voices[i].name;
  return names;
}

static gint
find_voice(const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(voices); i++) {
    if (g_strcmp0(name, voices[i].name) == 0)
      return (gint)i;
  }
  return -1;
}

guint
flite_voice_get_rate(const gchar *name)
{
  gint index = find_voice(name);

  return index < 0 ? 0 : voices[index].rate;
}

static cst_voice *
load_voice(guint index)
{
  static GMutex lock;

  g_mutex_lock(&lock);
  if (loaded[index] == NULL) {
    flite_init();
    loaded[index] = voices[index].load(NULL);
  }
  g_mutex_unlock(&lock);
  return loaded[index];
}

static void
job_unref(FliteJob *job)
{
  if (!g_atomic_ref_count_dec(&job->ref_count))
    return;
  if (job->notify)
    job->notify(job->data);
  g_free(job->text);
  g_free(job);
}

static gsize
samples_of(FliteJob *job, guint ms)
{
  return voices[job->voice].rate * ms / 1000;
}

static void
emit(FliteJob *job, const gint16 *samples, gsize n)
{
  gsize fade = samples_of(job, FADE_MS);
  g_autofree gint16 *copy = NULL;

  if (n == 0)
    return;
  if (job->written < fade) {
    copy = g_memdup2(samples, n * sizeof *samples);
    for (gsize i = 0; i < n && job->written + i < fade; i++)
      copy[i] = (gint16)(copy[i] * (gint)(job->written + i) / (gint)fade);
  }
  job->written += n;
  job->sink.audio(copy ? copy : samples, n, job->data);
}

/* A block of the voice: leading silence is cut to LEAD_MS, other silence waits until sound follows.
 */
static void
take_block(FliteJob *job, const gint16 *all, gsize start, gsize n)
{
  const gint16 *block = all + start;
  gsize first = n, last = 0;

  for (gsize i = 0; i < n; i++) {
    if (ABS(block[i]) >= SILENCE) {
      first = MIN(first, i);
      last = i + 1;
    }
  }
  if (last == 0) {
    job->held += n;
    return;
  }
  if (!job->sounding) {
    gsize lead = MIN(job->held + first, samples_of(job, LEAD_MS));

    job->skipped = start + first - lead;
    job->sounding = TRUE;
    emit(job, all + start + first - lead, lead + last - first);
  } else {
    emit(job, all + start - job->held, job->held + last);
  }
  job->held = n - last;
}

static int
on_block(const cst_wave *wave, int start, int size, int last, cst_audio_streaming_info *info)
{
  FliteJob *job = info->userdata;

  if (g_atomic_int_get(&job->cancelled))
    return CST_AUDIO_STREAM_STOP;
  take_block(job, wave->samples, (gsize)start, (gsize)size);
  return CST_AUDIO_STREAM_CONT;
}

static void
emit_tail(FliteJob *job, const cst_wave *wave)
{
  gsize tail = MIN(job->held, samples_of(job, TAIL_MS));
  gsize fade = samples_of(job, FADE_MS);
  gsize from = (gsize)wave->num_samples - job->held;
  g_autofree gint16 *samples = NULL;

  if (!job->sounding || tail == 0)
    return;
  samples = g_memdup2(wave->samples + from, tail * sizeof *samples);
  for (gsize i = 0; i < MIN(fade, tail); i++)
    samples[tail - 1 - i] = (gint16)(samples[tail - 1 - i] * (gint)i / (gint)fade);
  emit(job, samples, tail);
}

/* Tokens are the words as they are written; each ends with the last segment of its last spoken
 * word. */
static void
emit_words(FliteJob *job, cst_utterance *utterance)
{
  g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));
  GstClockTime cut = gst_util_uint64_scale(job->skipped, GST_SECOND, voices[job->voice].rate);
  const gchar *at = job->text;

  for (cst_item *token = relation_head(utt_relation(utterance, "Token")); token;
       token = item_next(token)) {
    cst_item *spoken = item_last_daughter(token);
    const gchar *name = item_feat_string(token, "name");
    const gchar *found = strstr(at, name);
    CordTtsWord word;
    gdouble end;

    if (found)
      at = found + strlen(name);
    if (spoken == NULL)
      continue;
    end =
        ffeature_float(item_as(spoken, "Word"), "R:SylStructure.daughtern.daughtern.R:Segment.end");
    word.text_end = (gsize)(at - job->text) + strspn(at, ".,;:!?\"')");
    word.audio_end = (GstClockTime)(MAX(end, 0) * GST_SECOND);
    word.audio_end = word.audio_end > cut ? word.audio_end - cut : 0;
    g_array_append_val(words, word);
  }
  job->sink.words((CordTtsWord *)words->data, words->len, job->data);
}

static void
synthesise(gpointer data, gpointer user_data)
{
  FliteJob *job = data;
  cst_voice *voice = load_voice(job->voice);
  cst_audio_streaming_info *info = new_audio_streaming_info();
  cst_utterance *utterance = new_utterance();
  cst_wave *wave;

  if (!g_atomic_int_get(&job->cancelled)) {
    info->asc = on_block;
    info->min_buffsize = (int)voices[job->voice].rate / 50;
    info->userdata = job;
    utt_set_input_text(utterance, job->text);
    utt_init(utterance, voice);
    feat_set(utterance->features, "streaming_info", audio_streaming_info_val(info));
    if (job->stretch != 1.0)
      feat_set_float(
          utterance->features, "duration_stretch",
          (float)(job->stretch * get_param_float(voice->features, "duration_stretch", 1.0)));
    /* of a synthesis that was stopped in the middle flite leaves a wave without samples */
    if (utt_synth(utterance) && !g_atomic_int_get(&job->cancelled)) {
      wave = utt_wave(utterance);
      /* a voice without streaming hands its audio over here */
      if (job->written == 0 && job->held == 0 && wave)
        take_block(job, wave->samples, 0, (gsize)wave->num_samples);
      emit_words(job, utterance);
      if (wave)
        emit_tail(job, wave);
    }
    job->sink.done(job->written > 0 || g_atomic_int_get(&job->cancelled)
                       ? NULL
                       : "there is nothing in the text that could be spoken",
                   job->data);
  }
  delete_utterance(utterance);
  job_unref(job);
}

static void
ensure_pool(void)
{
  static gsize once;

  if (g_once_init_enter(&once)) {
    pool = g_thread_pool_new(synthesise, NULL, (gint)g_get_num_processors(), FALSE, NULL);
    g_once_init_leave(&once, 1);
  }
}

/**
 * flite_job_start:
 * @voice: one of flite_voice_names()
 * @rate: speaking rate, 1 for the voice's own
 * @text: what to say
 * @sink: where the results go
 * @data: for @sink
 * @notify: frees @data
 *
 * Returns: (transfer full): the job, to be given back with flite_job_cancel(); %NULL for an unknown
 * voice
 */
FliteJob *
flite_job_start(const gchar *voice, gdouble rate, const gchar *text, const FliteSink *sink,
                gpointer data, GDestroyNotify notify)
{
  gint index = find_voice(voice);
  FliteJob *job;

  if (index < 0)
    return NULL;
  ensure_pool();
  job = g_new0(FliteJob, 1);
  g_atomic_ref_count_init(&job->ref_count);
  g_atomic_ref_count_inc(&job->ref_count);
  job->voice = (guint)index;
  job->stretch = 1.0 / rate;
  job->text = g_strdup(text);
  job->sink = *sink;
  job->data = data;
  job->notify = notify;
  g_thread_pool_push(pool, job, NULL);
  return job;
}

/**
 * flite_job_cancel:
 * @job: (transfer full): a job, also one that is done
 *
 * Gives the job back; its results may still arrive and must be told apart by their receiver.
 */
void
flite_job_cancel(FliteJob *job)
{
  g_atomic_int_set(&job->cancelled, TRUE);
  job_unref(job);
}
