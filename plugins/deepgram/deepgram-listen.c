/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstdeepgramstt-private.h"

GST_DEBUG_CATEGORY_EXTERN(deepgramstt_debug);
#define GST_CAT_DEFAULT deepgramstt_debug

#define ROUNDING (50 * GST_MSECOND) /* of the service's times */
#define UNTOLD_END (3 * GST_SECOND) /* without words, where no end is told, or later than that */

/*
 * What /v1/listen says. Results come in stretches of audio that follow each other; each is
 * transcribed until it is final, then the next one begins. Which utterance a stretch belongs to is
 * told by when it was spoken. An utterance that voicedetect has ended is over when Finalize is
 * answered, or when all its audio is final; one that the service cuts, with speech_final or
 * UtteranceEnd.
 */

static Live *
find_live(GstDeepgramStt *self, GstClockTime time)
{
  Live *last = NULL;

  for (GList *l = self->live.head; l; l = l->next) {
    last = l->data;
    if (!GST_CLOCK_TIME_IS_VALID(last->end) || time < last->end)
      return last;
  }
  return last;
}

static void
done(GstDeepgramStt *self, guint id)
{
  for (GList *l = self->live.head; l; l = l->next) {
    Live *live = l->data;

    if (live->id != id)
      continue;
    g_queue_delete_link(&self->live, l);
    g_free(live);
    break;
  }
  deepgram_session_forget(self->session, id);
  gst_deepgram_stt_update_expectation(self);
  cord_stt_base_utterance_done(CORD_STT_BASE(self), id, NULL);
}

/* The oldest utterance whose end the service was told. */
static Live *
oldest_asked(GstDeepgramStt *self)
{
  Live *live = g_queue_peek_head(&self->live);

  return live && live->asked ? live : NULL;
}

static guint
count_asked(GstDeepgramStt *self)
{
  guint n = 0;

  for (GList *l = self->live.head; l; l = l->next)
    n += ((Live *)l->data)->asked;
  return n;
}

/* All that was said until @end is final. */
static void
end_covered(GstDeepgramStt *self, GstClockTime end)
{
  Live *live;

  while ((live = oldest_asked(self)) && end + ROUNDING >= live->end)
    done(self, live->id);
}

/* The answer to the oldest Finalize that has none; it may be that of an utterance which is over. */
static void
take_finalized(GstDeepgramStt *self, GstClockTime end)
{
  Live *live = oldest_asked(self);
  gboolean only = self->finalizes <= count_asked(self);

  if (self->finalizes > 0)
    self->finalizes--;
  if (live && only)
    done(self, live->id);
  end_covered(self, end);
}

static void
stop_speech(GstDeepgramStt *self, GstClockTime position)
{
  g_clear_pointer(&self->quiet, cord_timer_remove);
  cord_stt_base_speech_stopped(CORD_STT_BASE(self), position);
  g_queue_clear_full(&self->live, g_free);
  self->last_end = position;
  gst_deepgram_stt_update_expectation(self);
}

static void
on_quiet(gpointer data)
{
  GstDeepgramStt *self = data;

  self->quiet = NULL;
  stop_speech(self, deepgram_session_get_position(self->session));
}

/* Every utterance has an end, though the service may not tell it. */
static void
arm_quiet(GstDeepgramStt *self)
{
  GstClockTime wait = UNTOLD_END;

  if (!cord_stt_base_service_cuts(CORD_STT_BASE(self)))
    return;
  wait += self->options.utterance_end_ms * GST_MSECOND;
  g_clear_pointer(&self->quiet, cord_timer_remove);
  self->quiet =
      cord_worker_add_timer(cord_stt_base_get_worker(CORD_STT_BASE(self)), wait, on_quiet, self);
}

static GstClockTime
first_sound(GstDeepgramStt *self, const DeepgramMessage *message)
{
  const DeepgramWord *word = message->words->len > 0 ? deepgram_message_get_word(message, 0) : NULL;
  gboolean dated = word && GST_CLOCK_TIME_IS_VALID(word->start);

  return gst_deepgram_stt_start_time(self, dated ? word->start : message->start);
}

static GstClockTime
last_sound(GstDeepgramStt *self, const DeepgramMessage *message)
{
  const DeepgramWord *word =
      message->words->len > 0 ? deepgram_message_get_word(message, message->words->len - 1) : NULL;
  gboolean dated = word && GST_CLOCK_TIME_IS_VALID(word->end);

  return gst_deepgram_stt_end_time(self, dated ? word->end : message->end);
}

/* Where nobody else has heard somebody speak, the service's word is taken for it. */
static Live *
find_or_begin(GstDeepgramStt *self, const DeepgramMessage *message)
{
  GstClockTime start = first_sound(self, message);
  Live *live = find_live(self, start);

  if (live || *message->text == '\0')
    return live;
  if (!cord_stt_base_service_cuts(CORD_STT_BASE(self)) &&
      (!self->continuous || !message->is_final || start < self->last_end))
    return NULL;
  cord_stt_base_speech_started(CORD_STT_BASE(self), start);
  return g_queue_peek_tail(&self->live);
}

static void
take_text(GstDeepgramStt *self, const DeepgramMessage *message, guint utterance)
{
  g_autoptr(CordTranscript) transcript =
      gst_deepgram_stt_make_transcript(self, message, 0, message->is_final);

  cord_stt_base_take_transcript(CORD_STT_BASE(self), utterance, transcript);
  arm_quiet(self);
}

static void
take_results(GstDeepgramStt *self, const DeepgramMessage *message)
{
  gboolean cuts = cord_stt_base_service_cuts(CORD_STT_BASE(self));
  gboolean untold = g_queue_is_empty(&self->live);
  Live *live;

  if (!GST_CLOCK_TIME_IS_VALID(message->start) || !GST_CLOCK_TIME_IS_VALID(message->end))
    return;
  if (message->start + ROUNDING < self->settled) {
    GST_DEBUG_OBJECT(self, "results of audio that is known already");
    if (message->from_finalize)
      take_finalized(self, gst_deepgram_stt_end_time(self, message->end));
    return;
  }
  live = find_or_begin(self, message);
  if (live && *message->text)
    take_text(self, message, live->id);
  if (message->is_final) {
    self->settled = MAX(self->settled, message->end);
    deepgram_session_settle(self->session, message->end);
  }
  if (live && ((cuts && message->speech_final) || (!cuts && untold)))
    stop_speech(self, last_sound(self, message));
  else if (message->from_finalize)
    take_finalized(self, gst_deepgram_stt_end_time(self, message->end));
  else if (message->is_final)
    end_covered(self, gst_deepgram_stt_end_time(self, message->end));
}

static void
take_speech_started(GstDeepgramStt *self, const DeepgramMessage *message)
{
  CordSttBase *base = CORD_STT_BASE(self);

  if (!cord_stt_base_service_cuts(base) || !g_queue_is_empty(&self->live) ||
      !GST_CLOCK_TIME_IS_VALID(message->start) || message->start < self->settled)
    return;
  cord_stt_base_speech_started(base, gst_deepgram_stt_start_time(self, message->start));
  arm_quiet(self);
}

static void
take_utterance_end(GstDeepgramStt *self, const DeepgramMessage *message)
{
  Live *live = g_queue_peek_head(&self->live);
  GstClockTime end;

  if (live == NULL || !cord_stt_base_service_cuts(CORD_STT_BASE(self)) ||
      !GST_CLOCK_TIME_IS_VALID(message->end))
    return;
  end = gst_deepgram_stt_end_time(self, message->end);
  /* it may be about the one before */
  if (end > live->start)
    stop_speech(self, end);
}

/* A message of the service. */
void
gst_deepgram_stt_listen_take(GstDeepgramStt *self, const DeepgramMessage *message)
{
  switch (message->kind) {
  case DEEPGRAM_RESULTS:
    take_results(self, message);
    break;
  case DEEPGRAM_SPEECH_STARTED:
    take_speech_started(self, message);
    break;
  case DEEPGRAM_UTTERANCE_END:
    take_utterance_end(self, message);
    break;
  default:
    break;
  }
}

/* Another connection: the service's time begins anew, and what was asked is asked again. */
void
gst_deepgram_stt_listen_reset(GstDeepgramStt *self)
{
  self->settled = 0;
  self->finalizes = 0;
  for (GList *l = self->live.head; l; l = l->next)
    ((Live *)l->data)->asked = FALSE;
}
