/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-transcript.h"

#include <string.h>

struct _CordTranscript {
  gatomicrefcount ref_count;
  gchar *text;
  gboolean final;
  GstClockTime start, end;
  gdouble confidence;
  gchar *language;
  GstClockTime created;
  GArray *words; /* CordWord */
};

G_DEFINE_BOXED_TYPE(CordTranscript, cord_transcript, cord_transcript_ref, cord_transcript_unref)

static void
clear_word(gpointer data)
{
  g_free(((CordWord *)data)->text);
}

/**
 * cord_transcript_new:
 * @text: what was understood, UTF-8; empty where nothing was
 * @final: whether this is the last word on it
 * @start: running time at which it begins, ns
 * @end: running time at which it ends, ns
 *
 * Returns: (transfer full): a transcript without words
 */
CordTranscript *
cord_transcript_new(const gchar *text, gboolean final, GstClockTime start, GstClockTime end)
{
  CordTranscript *self = g_new0(CordTranscript, 1);

  g_atomic_ref_count_init(&self->ref_count);
  self->text = g_strdup(text ? text : "");
  self->final = final;
  self->start = start;
  self->end = end;
  self->confidence = -1;
  self->created = GST_CLOCK_TIME_NONE;
  return self;
}

/**
 * cord_transcript_ref:
 * @self: a transcript
 *
 * Returns: (transfer full): @self
 */
CordTranscript *
cord_transcript_ref(CordTranscript *self)
{
  g_atomic_ref_count_inc(&self->ref_count);
  return self;
}

/**
 * cord_transcript_unref:
 * @self: (transfer full): a transcript
 */
void
cord_transcript_unref(CordTranscript *self)
{
  if (!g_atomic_ref_count_dec(&self->ref_count))
    return;
  g_clear_pointer(&self->words, g_array_unref);
  g_free(self->text);
  g_free(self->language);
  g_free(self);
}

/**
 * cord_transcript_add_word:
 * @self: a transcript that is not shared yet
 * @text: the word
 * @start: running time at which it begins, ns
 * @end: running time at which it ends, ns
 * @confidence: 0 to 1, or negative when unknown
 */
void
cord_transcript_add_word(CordTranscript *self, const gchar *text, GstClockTime start,
                         GstClockTime end, gdouble confidence)
{
  CordWord word = { g_strdup(text), start, end, confidence };

  if (self->words == NULL) {
    self->words = g_array_new(FALSE, FALSE, sizeof(CordWord));
    g_array_set_clear_func(self->words, clear_word);
  }
  g_array_append_val(self->words, word);
}

/**
 * cord_transcript_set_confidence:
 * @self: a transcript that is not shared yet
 * @confidence: 0 to 1
 */
void
cord_transcript_set_confidence(CordTranscript *self, gdouble confidence)
{
  self->confidence = confidence;
}

/**
 * cord_transcript_set_language:
 * @self: a transcript that is not shared yet
 * @language: (nullable): a BCP 47 tag
 */
void
cord_transcript_set_language(CordTranscript *self, const gchar *language)
{
  g_free(self->language);
  self->language = g_strdup(language);
}

/**
 * cord_transcript_set_created:
 * @self: a transcript that is not shared yet
 * @monotonic: when the service delivered it, cord_worker_get_time()
 */
void
cord_transcript_set_created(CordTranscript *self, GstClockTime monotonic)
{
  self->created = monotonic;
}

/**
 * cord_transcript_get_text:
 * @self: a transcript
 *
 * Returns: the text, never %NULL
 */
const gchar *
cord_transcript_get_text(CordTranscript *self)
{
  return self->text;
}

/**
 * cord_transcript_get_final:
 * @self: a transcript
 *
 * Returns: whether it is the last word on its segment
 */
gboolean
cord_transcript_get_final(CordTranscript *self)
{
  return self->final;
}

/**
 * cord_transcript_get_start:
 * @self: a transcript
 *
 * Returns: running time at which it begins, ns
 */
GstClockTime
cord_transcript_get_start(CordTranscript *self)
{
  return self->start;
}

/**
 * cord_transcript_get_end:
 * @self: a transcript
 *
 * Returns: running time at which it ends, ns
 */
GstClockTime
cord_transcript_get_end(CordTranscript *self)
{
  return self->end;
}

/**
 * cord_transcript_get_confidence:
 * @self: a transcript
 *
 * Returns: 0 to 1, or negative when unknown
 */
gdouble
cord_transcript_get_confidence(CordTranscript *self)
{
  return self->confidence;
}

/**
 * cord_transcript_get_language:
 * @self: a transcript
 *
 * Returns: (nullable): a BCP 47 tag
 */
const gchar *
cord_transcript_get_language(CordTranscript *self)
{
  return self->language;
}

/**
 * cord_transcript_get_created:
 * @self: a transcript
 *
 * Returns: when the service delivered it (monotonic), or %GST_CLOCK_TIME_NONE
 */
GstClockTime
cord_transcript_get_created(CordTranscript *self)
{
  return self->created;
}

/**
 * cord_transcript_get_words: (skip)
 * @self: a transcript
 * @n_words: (out): how many
 *
 * Returns: the words with their times, %NULL where the service gives none
 */
const CordWord *
cord_transcript_get_words(CordTranscript *self, guint *n_words)
{
  *n_words = self->words ? self->words->len : 0;
  return self->words ? (const CordWord *)self->words->data : NULL;
}

/**
 * cord_transcript_count_words:
 * @self: a transcript
 *
 * Returns: the number of words in its text, divided by white space
 */
guint
cord_transcript_count_words(CordTranscript *self)
{
  gboolean inside = FALSE;
  guint count = 0;

  for (const gchar *p = self->text; *p; p = g_utf8_next_char(p)) {
    gboolean space = g_unichar_isspace(g_utf8_get_char(p));

    if (!space && !inside)
      count++;
    inside = !space;
  }
  return count;
}

typedef struct {
  GstMeta meta;
  CordTranscript *transcript;
} CordTranscriptMeta;

GType
cord_transcript_meta_api_get_type(void)
{
  static GType type;
  static const gchar *tags[] = { NULL };

  if (g_once_init_enter(&type))
    g_once_init_leave(&type, gst_meta_api_type_register("CordTranscriptMetaAPI", tags));
  return type;
}

static gboolean
transcript_meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  ((CordTranscriptMeta *)meta)->transcript = NULL;
  return TRUE;
}

static void
transcript_meta_free(GstMeta *meta, GstBuffer *buffer)
{
  g_clear_pointer(&((CordTranscriptMeta *)meta)->transcript, cord_transcript_unref);
}

static void
transcript_meta_set(GstBuffer *buffer, CordTranscript *transcript)
{
  CordTranscriptMeta *meta =
      (CordTranscriptMeta *)gst_buffer_add_meta(buffer, cord_transcript_meta_get_info(), NULL);

  meta->transcript = cord_transcript_ref(transcript);
}

static gboolean
transcript_meta_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *buffer, GQuark type,
                          gpointer data)
{
  transcript_meta_set(dest, ((CordTranscriptMeta *)meta)->transcript);
  return TRUE;
}

const GstMetaInfo *
cord_transcript_meta_get_info(void)
{
  static const GstMetaInfo *info;

  if (g_once_init_enter(&info))
    g_once_init_leave(&info, gst_meta_register(CORD_TRANSCRIPT_META_API_TYPE, "CordTranscriptMeta",
                                               sizeof(CordTranscriptMeta), transcript_meta_init,
                                               transcript_meta_free, transcript_meta_transform));
  return info;
}

/**
 * cord_transcript_to_buffer:
 * @self: a transcript
 *
 * Returns: (transfer full): a text buffer: the text without a terminating zero, PTS and duration
 * the running time in which it was spoken, and @self as its meta
 */
GstBuffer *
cord_transcript_to_buffer(CordTranscript *self)
{
  gsize size = strlen(self->text);
  GstBuffer *buffer = gst_buffer_new_memdup(self->text, size);

  GST_BUFFER_PTS(buffer) = self->start;
  if (GST_CLOCK_TIME_IS_VALID(self->start) && GST_CLOCK_TIME_IS_VALID(self->end))
    GST_BUFFER_DURATION(buffer) = self->end > self->start ? self->end - self->start : 0;
  transcript_meta_set(buffer, self);
  return buffer;
}

/**
 * cord_buffer_get_transcript:
 * @buffer: a buffer
 *
 * Returns: (transfer none) (nullable): the transcript that it carries
 */
CordTranscript *
cord_buffer_get_transcript(GstBuffer *buffer)
{
  CordTranscriptMeta *meta =
      (CordTranscriptMeta *)gst_buffer_get_meta(buffer, CORD_TRANSCRIPT_META_API_TYPE);

  return meta ? meta->transcript : NULL;
}

/**
 * cord_buffer_dup_text:
 * @buffer: a text buffer
 *
 * Returns: (transfer full): what is written in it: valid UTF-8, without white space at its ends;
 *   empty where it cannot be read
 */
gchar *
cord_buffer_dup_text(GstBuffer *buffer)
{
  GstMapInfo map;
  gchar *text;

  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return g_strdup("");
  text = g_utf8_make_valid(map.size > 0 ? (const gchar *)map.data : "", (gssize)map.size);
  gst_buffer_unmap(buffer, &map);
  return g_strstrip(text);
}
