/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstdeepgramstt-private.h"

GST_DEBUG_CATEGORY_EXTERN(deepgramstt_debug);
#define GST_CAT_DEFAULT deepgramstt_debug

/*
 * What Flux says. It decides when a turn begins and ends, and each of its transcripts holds the
 * whole turn. StartOfTurn begins an utterance, EndOfTurn ends it. EagerEndOfTurn ends it on trust,
 * so that the answer can be prepared; when TurnResumed takes that back, another utterance begins
 * that holds only what is new: turntaker then takes its turn up again and drops the answer.
 */

static GstClockTime
first_sound(GstDeepgramStt *self, const DeepgramMessage *message, guint skip)
{
  const DeepgramWord *word =
      message->words->len > skip ? deepgram_message_get_word(message, skip) : NULL;

  if (word && GST_CLOCK_TIME_IS_VALID(word->start))
    return gst_deepgram_stt_start_time(self, word->start);
  if (skip > 0 || !GST_CLOCK_TIME_IS_VALID(message->start))
    return gst_deepgram_stt_start_time(self, message->end);
  return gst_deepgram_stt_start_time(self, message->start);
}

/* The last word's end; where it is not dated, when the last word was first there. */
static GstClockTime
last_sound(GstDeepgramStt *self, const DeepgramMessage *message)
{
  guint n = message->words->len;
  const DeepgramWord *word = n > 0 ? deepgram_message_get_word(message, n - 1) : NULL;

  if (word && GST_CLOCK_TIME_IS_VALID(word->end))
    return gst_deepgram_stt_end_time(self, word->end);
  return gst_deepgram_stt_end_time(self, MIN(self->turn.changed, message->end));
}

static void
begin(GstDeepgramStt *self, const DeepgramMessage *message)
{
  if (self->turn.speaking)
    return;
  self->turn.speaking = TRUE;
  cord_stt_base_speech_started(CORD_STT_BASE(self), first_sound(self, message, self->turn.skip));
}

static void
take_text(GstDeepgramStt *self, const DeepgramMessage *message, gboolean final)
{
  Live *live = g_queue_peek_tail(&self->live);
  guint n = message->words->len;
  g_autoptr(CordTranscript) transcript = NULL;

  if (n != self->turn.words)
    self->turn.changed = message->end;
  self->turn.words = n;
  if (live == NULL)
    return;
  transcript = gst_deepgram_stt_make_transcript(self, message, self->turn.skip, final);
  if (*cord_transcript_get_text(transcript))
    cord_stt_base_take_transcript(CORD_STT_BASE(self), live->id, transcript);
}

static void
tell_activity(GstDeepgramStt *self, const DeepgramMessage *message)
{
  Live *live = g_queue_peek_tail(&self->live);
  GstClockTime end = gst_deepgram_stt_end_time(self, message->end);

  if (live && end > live->start)
    cord_stt_base_speech_active(CORD_STT_BASE(self), end - live->start);
}

static void
stop(GstDeepgramStt *self, const DeepgramMessage *message)
{
  self->turn.speaking = FALSE;
  cord_stt_base_speech_stopped(CORD_STT_BASE(self), last_sound(self, message));
  g_queue_clear_full(&self->live, g_free);
  if (GST_CLOCK_TIME_IS_VALID(message->end))
    deepgram_session_settle(self->session, message->end);
}

static void
take_speech(GstDeepgramStt *self, const DeepgramMessage *message)
{
  if (*message->text == '\0')
    return;
  /* an Update after the end on trust is no news until TurnResumed */
  if (self->turn.eager && message->event == DEEPGRAM_TURN_UPDATE)
    return;
  begin(self, message);
  take_text(self, message, FALSE);
  tell_activity(self, message);
}

static void
take_eager_end(GstDeepgramStt *self, const DeepgramMessage *message)
{
  if (!self->turn.speaking || self->turn.eager)
    return;
  take_text(self, message, TRUE);
  stop(self, message);
  self->turn.skip = message->words->len;
  self->turn.eager = TRUE;
}

static void
take_end(GstDeepgramStt *self, const DeepgramMessage *message)
{
  gint64 over = MAX(self->turn.over, message->turn);

  if (message->words->len > self->turn.skip || (self->turn.skip == 0 && *message->text)) {
    begin(self, message);
    take_text(self, message, TRUE);
  }
  if (self->turn.speaking)
    stop(self, message);
  self->turn = (FluxTurn){ .over = over };
}

/* A message of the service. */
void
gst_deepgram_stt_flux_take(GstDeepgramStt *self, const DeepgramMessage *message)
{
  if (message->kind != DEEPGRAM_TURN || message->turn <= self->turn.over ||
      !GST_CLOCK_TIME_IS_VALID(message->end))
    return;
  switch (message->event) {
  case DEEPGRAM_TURN_EAGER_END:
    take_eager_end(self, message);
    break;
  case DEEPGRAM_TURN_END:
    take_end(self, message);
    break;
  case DEEPGRAM_TURN_RESUMED:
    self->turn.eager = FALSE;
    take_speech(self, message);
    break;
  default:
    take_speech(self, message);
  }
}

/* Another connection: turns are counted anew; one that goes on is heard again from its start. */
void
gst_deepgram_stt_flux_reset(GstDeepgramStt *self)
{
  self->turn = (FluxTurn){ .over = -1, .speaking = self->turn.speaking };
}
