/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decoder-pool.h"

#include <gst/audio/audio.h>
#include <string.h>

#include "cord-g711.h"

#define MAX_QUEUED 3000                 /* buffers of one utterance: a minute */
#define PARTIAL_EVERY (SPHINX_RATE / 5) /* samples between looks at what is believed */

struct _SphinxJob {
  gatomicrefcount ref_count;
  SphinxSettings settings;
  SphinxSink sink;
  gpointer data;
  GDestroyNotify notify;
  gboolean warming;

  GMutex lock; /* leaf; guards what follows */
  GCond more;
  GQueue audio; /* GstBuffer */
  gboolean ended;
  gboolean cancelled;

  /* of the thread that decodes */
  GstAudioResampler *resampler;
  GArray *samples; /* gint16, the whole utterance at SPHINX_RATE */
  gsize decoded;
  gsize next_partial;
  gchar *partial;
};

static GThreadPool *pool;
static GPrivate thread_decoder = G_PRIVATE_INIT((GDestroyNotify)sphinx_decoder_free);

static void
copy_model(SphinxModel *to, const SphinxModel *from)
{
  to->language_model = g_strdup(from->language_model);
  to->dictionary = g_strdup(from->dictionary);
  to->acoustic_model = g_strdup(from->acoustic_model);
  to->grammar = g_strdup(from->grammar);
}

static void
clear_model(SphinxModel *model)
{
  g_free(model->language_model);
  g_free(model->dictionary);
  g_free(model->acoustic_model);
  g_free(model->grammar);
}

static void
job_unref(SphinxJob *job)
{
  if (!g_atomic_ref_count_dec(&job->ref_count))
    return;
  if (job->notify)
    job->notify(job->data);
  g_queue_clear_full(&job->audio, (GDestroyNotify)gst_buffer_unref);
  g_clear_pointer(&job->resampler, gst_audio_resampler_free);
  g_clear_pointer(&job->samples, g_array_unref);
  clear_model(&job->settings.model);
  g_free(job->settings.hints);
  g_free(job->partial);
  g_mutex_clear(&job->lock);
  g_cond_clear(&job->more);
  g_free(job);
}

static SphinxDecoder *
ensure_decoder(const SphinxModel *model, GError **error)
{
  SphinxDecoder *decoder = g_private_get(&thread_decoder);

  if (decoder && sphinx_decoder_is_for(decoder, model))
    return decoder;
  /* the old one is freed first: two of them would be 190 MiB */
  g_private_replace(&thread_decoder, NULL);
  decoder = sphinx_decoder_new(model, error);
  g_private_replace(&thread_decoder, decoder);
  return decoder;
}

/* Appends a buffer to the utterance, at the model's rate. */
static void
add_samples(SphinxJob *job, GstBuffer *buffer)
{
  const CordSttFormat *format = &job->settings.format;
  g_autofree gint16 *decoded = NULL;
  const gint16 *samples;
  gsize n;
  guint at = job->samples->len;
  GstMapInfo map;

  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return;
  n = format->mulaw ? map.size : map.size / 2;
  samples = (const gint16 *)map.data;
  if (format->mulaw) {
    decoded = g_new(gint16, n);
    cord_g711_decode(map.data, decoded, n);
    samples = decoded;
  }
  if (format->rate == SPHINX_RATE) {
    g_array_append_vals(job->samples, samples, (guint)n);
  } else if (n > 0) {
    gsize out;
    gpointer in_plane[1] = { (gpointer)samples };
    gpointer out_plane[1];

    if (job->resampler == NULL)
      job->resampler =
          gst_audio_resampler_new(GST_AUDIO_RESAMPLER_METHOD_KAISER, GST_AUDIO_RESAMPLER_FLAG_NONE,
                                  GST_AUDIO_FORMAT_S16, 1, (gint)format->rate, SPHINX_RATE, NULL);
    out = gst_audio_resampler_get_out_frames(job->resampler, n);
    g_array_set_size(job->samples, at + (guint)out);
    out_plane[0] = &g_array_index(job->samples, gint16, at);
    gst_audio_resampler_resample(job->resampler, in_plane, n, out_plane, out);
  }
  gst_buffer_unmap(buffer, &map);
}

static void
decode_new(SphinxJob *job, SphinxDecoder *decoder)
{
  sphinx_decoder_process(decoder, &g_array_index(job->samples, gint16, job->decoded),
                         job->samples->len - job->decoded);
  job->decoded = job->samples->len;
  if (job->decoded >= job->next_partial) {
    g_autofree gchar *text = sphinx_decoder_get_partial(decoder);

    job->next_partial = job->decoded + PARTIAL_EVERY;
    if (text && g_strcmp0(text, job->partial) != 0) {
      job->sink.partial(text, job->data);
      g_free(job->partial);
      job->partial = g_steal_pointer(&text);
    }
  }
}

/* Waits for audio; here, on the pool's own thread, one may. Returns FALSE at the end. */
static gboolean
take_audio(SphinxJob *job, gboolean *cancelled)
{
  GQueue taken = G_QUEUE_INIT;
  GstBuffer *buffer;

  g_mutex_lock(&job->lock);
  while (g_queue_is_empty(&job->audio) && !job->ended && !job->cancelled)
    g_cond_wait(&job->more, &job->lock);
  taken = job->audio;
  g_queue_init(&job->audio);
  *cancelled = job->cancelled;
  g_mutex_unlock(&job->lock);
  if (g_queue_is_empty(&taken))
    return FALSE;
  while ((buffer = g_queue_pop_head(&taken))) {
    add_samples(job, buffer);
    gst_buffer_unref(buffer);
  }
  return TRUE;
}

static void
decode(SphinxJob *job, SphinxDecoder *decoder)
{
  SphinxSettings *settings = &job->settings;
  g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(CordTranscript) result = NULL;
  gfloat after[SPHINX_CEPSTRA];
  gboolean cancelled = FALSE;

  if (!settings->has_mean)
    sphinx_decoder_get_wideband_mean(decoder, settings->mean);
  job->samples = g_array_new(FALSE, FALSE, sizeof(gint16));
  sphinx_decoder_begin(decoder, settings->mean);
  while (take_audio(job, &cancelled) && !cancelled)
    decode_new(job, decoder);
  result = sphinx_decoder_end(decoder, settings->start, after);
  if (cancelled)
    return;
  if (settings->hints && *settings->hints && *cord_transcript_get_text(result)) {
    CordTranscript *hinted =
        sphinx_decoder_try_hints(decoder, settings->hints, cord_transcript_get_text(result),
                                 (const gint16 *)job->samples->data, job->samples->len,
                                 settings->start, settings->mean, missing);

    if (hinted) {
      cord_transcript_unref(result);
      result = hinted;
    }
  }
  job->sink.done(result, after, missing, NULL, job->data);
}

static void
run_job(gpointer data, gpointer user_data)
{
  SphinxJob *job = data;
  g_autoptr(GError) error = NULL;
  SphinxDecoder *decoder = ensure_decoder(&job->settings.model, &error);

  if (job->warming) {
    /* an error is told to the first who wants to decode */
  } else if (decoder) {
    decode(job, decoder);
  } else {
    job->sink.done(NULL, NULL, NULL, error, job->data);
  }
  job_unref(job);
}

static guint
pool_size(void)
{
  const gchar *setting = g_getenv("CORDBOARD_SPHINX_DECODERS");
  guint64 number = setting ? g_ascii_strtoull(setting, NULL, 10) : 0;

  return number > 0 && number <= 64 ? (guint)number : g_get_num_processors();
}

static void
ensure_pool(void)
{
  static gsize once;

  if (g_once_init_enter(&once)) {
    /* exclusive: its threads stay, and with them the decoders */
    pool = g_thread_pool_new(run_job, NULL, (gint)pool_size(), TRUE, NULL);
    g_once_init_leave(&once, 1);
  }
}

static SphinxJob *
job_new(const SphinxModel *model)
{
  SphinxJob *job = g_new0(SphinxJob, 1);

  g_atomic_ref_count_init(&job->ref_count);
  g_mutex_init(&job->lock);
  g_cond_init(&job->more);
  g_queue_init(&job->audio);
  copy_model(&job->settings.model, model);
  return job;
}

/**
 * sphinx_pool_warm:
 * @model: what the next calls will want
 *
 * Has every thread load its decoder, once a process, so that no caller waits for it.
 */
void
sphinx_pool_warm(const SphinxModel *model)
{
  static gint warmed;

  ensure_pool();
  if (!g_atomic_int_compare_and_exchange(&warmed, FALSE, TRUE))
    return;
  for (guint i = 0; i < pool_size(); i++) {
    SphinxJob *job = job_new(model);

    job->warming = TRUE;
    g_thread_pool_push(pool, job, NULL);
  }
}

/**
 * sphinx_job_start:
 * @settings: how; copied
 * @sink: where the results go
 * @data: for @sink
 * @notify: frees @data
 *
 * Begins an utterance. It waits for a decoder that is free; its audio is kept meanwhile.
 *
 * Returns: (transfer full): the job, to be given back with sphinx_job_cancel()
 */
SphinxJob *
sphinx_job_start(const SphinxSettings *settings, const SphinxSink *sink, gpointer data,
                 GDestroyNotify notify)
{
  SphinxJob *job = job_new(&settings->model);

  ensure_pool();
  g_atomic_ref_count_inc(&job->ref_count);
  memcpy(job->settings.mean, settings->mean, sizeof job->settings.mean);
  job->settings.has_mean = settings->has_mean;
  job->settings.hints = g_strdup(settings->hints);
  job->settings.format = settings->format;
  job->settings.start = settings->start;
  job->next_partial = 2 * PARTIAL_EVERY;
  job->sink = *sink;
  job->data = data;
  job->notify = notify;
  g_thread_pool_push(pool, job, NULL);
  return job;
}

/**
 * sphinx_job_send:
 * @job: a job
 * @audio: (transfer none): audio of the format that was set
 *
 * Never waits; audio beyond a minute is dropped.
 */
void
sphinx_job_send(SphinxJob *job, GstBuffer *audio)
{
  g_mutex_lock(&job->lock);
  if (g_queue_get_length(&job->audio) < MAX_QUEUED)
    g_queue_push_tail(&job->audio, gst_buffer_ref(audio));
  g_cond_signal(&job->more);
  g_mutex_unlock(&job->lock);
}

/**
 * sphinx_job_end:
 * @job: a job
 *
 * Its audio is complete; the result is wanted.
 */
void
sphinx_job_end(SphinxJob *job)
{
  g_mutex_lock(&job->lock);
  job->ended = TRUE;
  g_cond_signal(&job->more);
  g_mutex_unlock(&job->lock);
}

/**
 * sphinx_job_cancel:
 * @job: (transfer full): a job, also one that is done
 *
 * Gives the job back; if it is not done, it comes to nothing.
 */
void
sphinx_job_cancel(SphinxJob *job)
{
  g_mutex_lock(&job->lock);
  job->cancelled = TRUE;
  g_cond_signal(&job->more);
  g_mutex_unlock(&job->lock);
  job_unref(job);
}
