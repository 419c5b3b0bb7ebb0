/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sphinx-decoder.h"

#include <pocketsphinx.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/err.h>
#include <sphinxbase/feat.h>
#include <string.h>

#include "cord-error.h"
#include "jsgf-hints.h"

#define FRAME (10 * GST_MSECOND) /* the model's, 100 a second */
/* When a phrase of the hints is believed, of 250 that were expected and 264 that were not, over the
 * telephone: 232 and 6, where likeness of the texts alone gives 219 and 34 (from 0.40 on). */
#define ACCEPT_LIKENESS 5.0 /* what likeness of the texts counts, beside the sounds' */
#define ACCEPT 6.0          /* how much better than freely the phrase must explain them, a frame */
#define ACCEPT_SHARE 0.85   /* of the time in which words were understood freely */
#define SURE 10.0           /* so much more, and there is no doubt */
#define MAX_SEARCHES 8      /* grammars that stay compiled */
#define FREE_SEARCH "_default"

/* How well a result explains the sounds. */
typedef struct {
  gdouble score; /* acoustic, of the whole utterance; in the library's logarithm */
  guint frames;
  guint word_frames; /* that are no silence and no noise */
} Fit;

/* A compiled grammar in the decoder. */
typedef struct {
  guint hash;
  gchar name[16];
  GPtrArray *missing;
  guint64 used;
} Search;

struct _SphinxDecoder {
  ps_decoder_t *ps;
  gchar *key; /* of the model */
  gfloat wideband[SPHINX_CEPSTRA];
  Search searches[MAX_SEARCHES];
  guint n_searches;
  guint64 uses;
  gboolean grammar_only;
  Fit fit; /* of the last result */
};

static gchar *
model_key(const SphinxModel *model)
{
  return g_strjoin("\n", model->acoustic_model, model->language_model, model->dictionary,
                   model->grammar ? model->grammar : "", NULL);
}

static gboolean
knows_word(const gchar *word, gpointer data)
{
  char *pronunciation = ps_lookup_word(data, word);
  gboolean known = pronunciation != NULL;

  free(pronunciation);
  return known;
}

static gboolean
check_files(const SphinxModel *model, GError **error)
{
  const gchar *paths[] = { model->acoustic_model, model->dictionary,
                           model->grammar ? model->grammar : model->language_model };

  for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
    if (!g_file_test(paths[i], G_FILE_TEST_EXISTS)) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
                  "there is no %s; Debian's package pocketsphinx-en-us brings the English models",
                  paths[i]);
      return FALSE;
    }
  }
  return TRUE;
}

static cmn_t *
cmn_of(SphinxDecoder *self)
{
  return ps_get_feat(self->ps)->cmn_struct;
}

/**
 * sphinx_decoder_new:
 * @model: the files
 * @error: return location for an error
 *
 * Loads a decoder; takes its time.
 */
SphinxDecoder *
sphinx_decoder_new(const SphinxModel *model, GError **error)
{
  SphinxDecoder *self;
  cmd_ln_t *config;
  ps_decoder_t *ps;

  if (!check_files(model, error))
    return NULL;
  err_set_logfp(NULL);
  /* the second pass would cost 90 to 260 ms at the end of each utterance for 2 to 6 points of error
   */
  config =
      cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", model->acoustic_model, "-dict", model->dictionary,
                  "-fwdflat", "no", "-bestpath", "no", model->grammar ? "-jsgf" : "-lm",
                  model->grammar ? model->grammar : model->language_model, NULL);
  ps = config ? ps_init(config) : NULL;
  if (config)
    cmd_ln_free_r(config);
  if (ps == NULL) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_FAILED, "pocketsphinx cannot load the models of %s",
                model->acoustic_model);
    return NULL;
  }
  self = g_new0(SphinxDecoder, 1);
  self->ps = ps;
  self->key = model_key(model);
  self->grammar_only = model->grammar != NULL;
  cmn_live_get(cmn_of(self), self->wideband);
  return self;
}

/**
 * sphinx_decoder_free:
 * @self: (transfer full): a decoder
 */
void
sphinx_decoder_free(SphinxDecoder *self)
{
  ps_free(self->ps);
  for (guint i = 0; i < self->n_searches; i++)
    g_ptr_array_unref(self->searches[i].missing);
  g_free(self->key);
  g_free(self);
}

/**
 * sphinx_decoder_is_for:
 * @self: a decoder
 * @model: files
 *
 * Whether @self was made of @model.
 */
gboolean
sphinx_decoder_is_for(SphinxDecoder *self, const SphinxModel *model)
{
  g_autofree gchar *key = model_key(model);

  return g_str_equal(key, self->key);
}

/**
 * sphinx_decoder_get_wideband_mean:
 * @self: a decoder
 * @mean: gets the model's own cepstral mean
 */
void
sphinx_decoder_get_wideband_mean(SphinxDecoder *self, gfloat *mean)
{
  memcpy(mean, self->wideband, sizeof self->wideband);
}

/**
 * sphinx_decoder_begin:
 * @self: a decoder
 * @mean: the caller's cepstral mean so far, or a prior
 */
void
sphinx_decoder_begin(SphinxDecoder *self, const gfloat *mean)
{
  /* the noise of another caller's line is forgotten */
  ps_start_stream(self->ps);
  cmn_live_set(cmn_of(self), (mfcc_t const *)mean);
  ps_start_utt(self->ps);
}

/**
 * sphinx_decoder_process:
 * @self: a decoder that has begun
 * @samples: 16 kHz
 * @n_samples: how many
 */
void
sphinx_decoder_process(SphinxDecoder *self, const gint16 *samples, gsize n_samples)
{
  ps_process_raw(self->ps, samples, n_samples, FALSE, FALSE);
}

/**
 * sphinx_decoder_get_partial:
 * @self: a decoder that has begun
 *
 * What it believes so far; (transfer full) (nullable).
 */
gchar *
sphinx_decoder_get_partial(SphinxDecoder *self)
{
  int32 score;
  const char *text = ps_get_hyp(self->ps, &score);

  return text && *text ? g_strdup(text) : NULL;
}

/* Words of the model's own, such as <sil>, and the number of a pronunciation do not belong in a
 * text. */
static gchar *
clean_word(const gchar *word)
{
  const gchar *bracket = strchr(word, '(');

  if (*word == '<' || *word == '[' || *word == '+' || *word == '(')
    return NULL;
  return g_strndup(word, bracket ? (gsize)(bracket - word) : strlen(word));
}

static CordTranscript *
read_result(SphinxDecoder *self, GstClockTime start)
{
  int32 score;
  const char *text = ps_get_hyp(self->ps, &score);
  CordTranscript *transcript = cord_transcript_new(
      text, TRUE, start, start + FRAME * (GstClockTime)MAX(ps_get_n_frames(self->ps), 0));

  self->fit = (Fit){ 0 };
  cord_transcript_set_language(transcript, "en-US");
  for (ps_seg_t *at = ps_seg_iter(self->ps); at; at = ps_seg_next(at)) {
    g_autofree gchar *word = clean_word(ps_seg_word(at));
    int first, last;
    int32 acoustic, language, backoff;

    ps_seg_prob(at, &acoustic, &language, &backoff);
    ps_seg_frames(at, &first, &last);
    self->fit.score += acoustic;
    self->fit.frames += (guint)(last - first + 1);
    self->fit.word_frames += word ? (guint)(last - first + 1) : 0;
    if (word)
      cord_transcript_add_word(transcript, word, start + (GstClockTime)first * FRAME,
                               start + (GstClockTime)(last + 1) * FRAME, -1);
  }
  return transcript;
}

/**
 * sphinx_decoder_end:
 * @self: a decoder that has begun
 * @start: running time of its first sample
 * @mean: gets the cepstral mean, to begin the caller's next utterance with
 *
 * Returns: (transfer full): what was said, with empty text when nothing was
 */
CordTranscript *
sphinx_decoder_end(SphinxDecoder *self, GstClockTime start, gfloat *mean)
{
  ps_end_utt(self->ps);
  cmn_live_get(cmn_of(self), (mfcc_t *)mean);
  return read_result(self, start);
}

static Search *
find_search(SphinxDecoder *self, guint hash)
{
  for (guint i = 0; i < self->n_searches; i++) {
    if (self->searches[i].hash == hash)
      return &self->searches[i];
  }
  return NULL;
}

static Search *
oldest_search(SphinxDecoder *self)
{
  Search *oldest = &self->searches[0];

  if (self->n_searches < MAX_SEARCHES)
    return &self->searches[self->n_searches++];
  for (guint i = 1; i < MAX_SEARCHES; i++) {
    if (self->searches[i].used < oldest->used)
      oldest = &self->searches[i];
  }
  ps_unset_search(self->ps, oldest->name);
  g_ptr_array_unref(oldest->missing);
  return oldest;
}

/* Compiling takes about 80 ms; the grammars of the latest agents stay. */
static Search *
ensure_search(SphinxDecoder *self, const gchar *hints)
{
  guint hash = g_str_hash(hints);
  Search *search = find_search(self, hash);
  g_autofree gchar *grammar = NULL;
  GPtrArray *missing;

  if (search)
    return search;
  missing = g_ptr_array_new_with_free_func(g_free);
  grammar = jsgf_from_hints(hints, knows_word, self->ps, missing);
  search = oldest_search(self);
  search->hash = hash;
  search->missing = missing;
  g_snprintf(search->name, sizeof search->name, "hints%u", (guint)(search - self->searches));
  if (grammar == NULL || ps_set_jsgf_string(self->ps, search->name, grammar) < 0)
    search->name[0] = '\0';
  return search;
}

/* A grammar that may say only its phrases explains sounds worse than a language does, except where
 * one of them was said; and it calls noise what it has no word for. Returns how sure it is, 0 to 1,
 * or a negative number. */
static gdouble
judge_hint(const Fit *hinted, const Fit *freely, gdouble likeness)
{
  gdouble better = (hinted->score - freely->score) / MAX(freely->frames, 1);
  gdouble sum = better + ACCEPT_LIKENESS * likeness;

  if (sum < ACCEPT || hinted->word_frames < ACCEPT_SHARE * freely->word_frames)
    return -1;
  return MIN(0.5 + 0.5 * (sum - ACCEPT) / SURE, 1.0);
}

/**
 * sphinx_decoder_try_hints:
 * @self: a decoder that has ended an utterance
 * @hints: phrases, see jsgf_from_hints()
 * @free_text: what the language model understood of it
 * @samples: the utterance, 16 kHz
 * @n_samples: how many
 * @start: running time of the first one
 * @mean: the cepstral mean with which it had begun
 * @missing: gets the words that the dictionary has not
 *
 * Hears the utterance once more, for the phrases alone. A grammar finds one of its phrases in
 * anything; it is believed when that explains the sounds better than what was understood without
 * it, or nearly as well and resembles it.
 *
 * Returns: (transfer full) (nullable): the phrase, or %NULL when it is not believed
 */
CordTranscript *
sphinx_decoder_try_hints(SphinxDecoder *self, const gchar *hints, const gchar *free_text,
                         const gint16 *samples, gsize n_samples, GstClockTime start,
                         const gfloat *mean, GPtrArray *missing)
{
  g_autoptr(CordTranscript) transcript = NULL;
  Search *search;
  const Fit freely = self->fit;
  gfloat after[SPHINX_CEPSTRA];
  gdouble sure;

  if (self->grammar_only)
    return NULL;
  cmn_live_get(cmn_of(self), (mfcc_t *)after);
  search = ensure_search(self, hints);
  search->used = ++self->uses;
  for (guint i = 0; i < search->missing->len; i++)
    g_ptr_array_add(missing, g_strdup(search->missing->pdata[i]));
  if (search->name[0] == '\0' || ps_set_search(self->ps, search->name) < 0)
    return NULL;
  sphinx_decoder_begin(self, mean);
  sphinx_decoder_process(self, samples, n_samples);
  ps_end_utt(self->ps);
  transcript = read_result(self, start);
  ps_set_search(self->ps, FREE_SEARCH);
  cmn_live_set(cmn_of(self), (mfcc_t const *)after);
  sure = judge_hint(&self->fit, &freely,
                    hints_similarity(cord_transcript_get_text(transcript), free_text));
  if (*cord_transcript_get_text(transcript) == '\0' || sure < 0)
    return NULL;
  cord_transcript_set_confidence(transcript, sure);
  return g_steal_pointer(&transcript);
}
