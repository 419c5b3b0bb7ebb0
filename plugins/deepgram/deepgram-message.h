/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * DeepgramKind:
 * @DEEPGRAM_OTHER: nothing that is needed here
 * @DEEPGRAM_RESULTS: a transcript of a stretch of audio
 * @DEEPGRAM_SPEECH_STARTED: somebody has begun to speak
 * @DEEPGRAM_UTTERANCE_END: nobody has spoken for a while
 * @DEEPGRAM_METADATA: the last message of a stream
 * @DEEPGRAM_CONNECTED: Flux: the first message
 * @DEEPGRAM_TURN: Flux: how the turn stands
 * @DEEPGRAM_ERROR: the stream is over
 *
 * What the service says.
 */
typedef enum {
  DEEPGRAM_OTHER,
  DEEPGRAM_RESULTS,
  DEEPGRAM_SPEECH_STARTED,
  DEEPGRAM_UTTERANCE_END,
  DEEPGRAM_METADATA,
  DEEPGRAM_CONNECTED,
  DEEPGRAM_TURN,
  DEEPGRAM_ERROR,
} DeepgramKind;

typedef enum {
  DEEPGRAM_TURN_UPDATE, /* also what is not known */
  DEEPGRAM_TURN_START,
  DEEPGRAM_TURN_EAGER_END,
  DEEPGRAM_TURN_RESUMED,
  DEEPGRAM_TURN_END,
} DeepgramTurnEvent;

/**
 * DeepgramWord:
 * @text: as it is written, with its punctuation
 * @start: in the service's audio, ns, or %GST_CLOCK_TIME_NONE
 * @end: the same
 * @confidence: 0 to 1, or negative
 */
typedef struct {
  gchar *text;
  GstClockTime start;
  GstClockTime end;
  gdouble confidence;
} DeepgramWord;

/**
 * DeepgramMessage:
 * @kind: what it is; the rest as far as it has it
 * @start: the stretch of the service's audio that it is about, ns
 * @end: of it; of an utterance's end: of the last word, or %GST_CLOCK_TIME_NONE
 * @text: never %NULL in results and turns
 * @words: (element-type DeepgramWord)
 * @confidence: 0 to 1, or negative
 * @language: (nullable): that was heard
 * @is_final: this stretch will not be transcribed again
 * @speech_final: and the speech has paused there
 * @from_finalize: it is the answer to Finalize
 * @event: of a turn
 * @turn: its number, from 0
 * @description: (nullable): of an error
 */
typedef struct {
  DeepgramKind kind;
  GstClockTime start;
  GstClockTime end;
  gchar *text;
  GArray *words;
  gdouble confidence;
  gchar *language;
  gboolean is_final;
  gboolean speech_final;
  gboolean from_finalize;
  DeepgramTurnEvent event;
  gint64 turn;
  gchar *description;
} DeepgramMessage;

DeepgramMessage *deepgram_message_parse(const gchar *text, gsize length, GError **error);
void deepgram_message_free(DeepgramMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeepgramMessage, deepgram_message_free)

guint deepgram_message_count_words(const DeepgramMessage *self);
const DeepgramWord *deepgram_message_get_word(const DeepgramMessage *self, guint index);

G_END_DECLS
