/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * CordWord:
 * @text: the word as it is written
 * @start: running time at which it begins, ns
 * @end: running time at which it ends, ns
 * @confidence: 0 to 1, or negative where the service gives none
 *
 * One word of a transcript.
 */
typedef struct {
  gchar *text;
  GstClockTime start;
  GstClockTime end;
  gdouble confidence;
} CordWord;

/**
 * CordTranscript:
 *
 * What a speech-to-text service understood: text, words with times, confidence, language, and the
 * running time in which it was spoken. Immutable once it is shared; reference counted.
 */
typedef struct _CordTranscript CordTranscript;

#define CORD_TYPE_TRANSCRIPT (cord_transcript_get_type())
GType cord_transcript_get_type(void);
CordTranscript *cord_transcript_new(const gchar *text, gboolean final, GstClockTime start,
                                    GstClockTime end);
CordTranscript *cord_transcript_ref(CordTranscript *self);
void cord_transcript_unref(CordTranscript *self);
void cord_transcript_add_word(CordTranscript *self, const gchar *text, GstClockTime start,
                              GstClockTime end, gdouble confidence);
void cord_transcript_set_confidence(CordTranscript *self, gdouble confidence);
void cord_transcript_set_language(CordTranscript *self, const gchar *language);
void cord_transcript_set_created(CordTranscript *self, GstClockTime monotonic);
const gchar *cord_transcript_get_text(CordTranscript *self);
gboolean cord_transcript_get_final(CordTranscript *self);
GstClockTime cord_transcript_get_start(CordTranscript *self);
GstClockTime cord_transcript_get_end(CordTranscript *self);
gdouble cord_transcript_get_confidence(CordTranscript *self);
const gchar *cord_transcript_get_language(CordTranscript *self);
GstClockTime cord_transcript_get_created(CordTranscript *self);
const CordWord *cord_transcript_get_words(CordTranscript *self, guint *n_words);
guint cord_transcript_count_words(CordTranscript *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordTranscript, cord_transcript_unref)

/* The meta that carries a final transcript on its text buffer */
#define CORD_TRANSCRIPT_META_API_TYPE (cord_transcript_meta_api_get_type())
GType cord_transcript_meta_api_get_type(void);
const GstMetaInfo *cord_transcript_meta_get_info(void);
GstBuffer *cord_transcript_to_buffer(CordTranscript *self);
gchar *cord_buffer_dup_text(GstBuffer *buffer);
CordTranscript *cord_buffer_get_transcript(GstBuffer *buffer);

G_END_DECLS
