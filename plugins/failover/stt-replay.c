/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stt-replay.h"

#include "cord-events.h"

#define PRE_ROLL (800 * GST_MSECOND) /* before an onset, which is told late */
#define LONGEST (30 * GST_SECOND)    /* that is kept, whatever happens */

typedef struct {
  GstClockTime start;
  GstClockTime stop; /* of the speech, or none while it goes on */
} Open;

struct _SttReplay {
  GQueue kept;                   /* GstMiniObject, the oldest first */
  GQueue open;                   /* Open: utterances without an end, oldest first */
  GstClockTime settled;          /* until where all was understood */
  GstClockTime now;              /* where the audio ends */
  GstClockTime told;             /* until where others know the time (GAP) */
  GstClockTime started, stopped; /* that were told last, or none */
  gboolean speaking;             /* as was told */
  gboolean cut;                  /* somebody tells where utterances begin */
  GstClockTime voice;            /* where a voice detector has heard somebody begin who still
                                    speaks, or none */
};

SttReplay *
stt_replay_new(void)
{
  SttReplay *self = g_new0(SttReplay, 1);

  stt_replay_clear(self);
  return self;
}

void
stt_replay_clear(SttReplay *self)
{
  g_queue_clear_full(&self->kept, (GDestroyNotify)gst_mini_object_unref);
  g_queue_clear_full(&self->open, g_free);
  self->now = self->told = self->settled = 0;
  self->started = self->stopped = GST_CLOCK_TIME_NONE;
  self->voice = GST_CLOCK_TIME_NONE;
  self->speaking = self->cut = FALSE;
}

void
stt_replay_free(SttReplay *self)
{
  stt_replay_clear(self);
  g_free(self);
}

/* Where the oldest of what is not understood began: none may have told of it but the detector. */
static GstClockTime
oldest_open(SttReplay *self)
{
  const Open *open = g_queue_peek_head(&self->open);

  return open ? open->start : self->voice;
}

/* From where on it is kept. Where nobody cuts, nobody knows what is still wanted. */
static GstClockTime
keep_from(SttReplay *self)
{
  GstClockTime from = MIN(oldest_open(self), self->now);
  GstClockTime longest = self->now - MIN(self->now, LONGEST);

  return self->cut ? MAX(from - MIN(from, PRE_ROLL), longest) : longest;
}

static GstClockTime
position_of(GstMiniObject *object)
{
  if (GST_IS_BUFFER(object))
    return GST_BUFFER_PTS(object) + GST_BUFFER_DURATION(object);
  return cord_structure_get_position(gst_event_get_structure(GST_EVENT_CAST(object)));
}

static gboolean
is_speech(GstMiniObject *object)
{
  return GST_IS_EVENT(object) &&
         (cord_event_is(GST_EVENT_CAST(object), CORD_EVENT_SPEECH_STARTED) ||
          cord_event_is(GST_EVENT_CAST(object), CORD_EVENT_SPEECH_STOPPED));
}

static void
trim(SttReplay *self)
{
  GstClockTime from = keep_from(self);
  GstMiniObject *oldest;

  while ((oldest = g_queue_peek_head(&self->kept))) {
    if (!GST_IS_BUFFER(oldest) && !is_speech(oldest))
      return;
    if (position_of(oldest) > from || (is_speech(oldest) && position_of(oldest) == from))
      return;
    gst_mini_object_unref(g_queue_pop_head(&self->kept));
  }
}

static void
take_voice(SttReplay *self, GstEvent *event)
{
  gboolean started = cord_event_is(event, CORD_EVENT_SPEECH_STARTED);

  self->cut = TRUE;
  self->voice =
      started ? cord_structure_get_position(gst_event_get_structure(event)) : GST_CLOCK_TIME_NONE;
}

/**
 * stt_replay_add:
 * @self: a replay
 * @object: a buffer with running time and duration, or an event; of these, speech and the end of
 *   the stream are kept
 */
void
stt_replay_add(SttReplay *self, GstMiniObject *object)
{
  if (GST_IS_BUFFER(object))
    self->now = position_of(object);
  else if (!is_speech(object) && GST_EVENT_TYPE(GST_EVENT_CAST(object)) != GST_EVENT_EOS)
    return;
  if (is_speech(object))
    take_voice(self, GST_EVENT_CAST(object));
  g_queue_push_tail(&self->kept, gst_mini_object_ref(object));
  trim(self);
}

static gboolean
take_started(SttReplay *self, GstClockTime position)
{
  Open *open;

  self->cut = TRUE;
  if (self->speaking || (GST_CLOCK_TIME_IS_VALID(self->started) && position <= self->started))
    return FALSE;
  self->speaking = TRUE;
  self->started = position;
  open = g_new(Open, 1);
  *open = (Open){ position, GST_CLOCK_TIME_NONE };
  g_queue_push_tail(&self->open, open);
  return TRUE;
}

static gboolean
take_stopped(SttReplay *self, GstClockTime position)
{
  Open *last = g_queue_peek_tail(&self->open);

  if (!self->speaking || (GST_CLOCK_TIME_IS_VALID(self->stopped) && position <= self->stopped))
    return FALSE;
  self->speaking = FALSE;
  self->stopped = position;
  if (last)
    last->stop = position;
  return TRUE;
}

static gboolean
take_gap(SttReplay *self, GstEvent *event)
{
  GstClockTime time, duration;

  gst_event_parse_gap(event, &time, &duration);
  if (!GST_CLOCK_TIME_IS_VALID(duration))
    return TRUE;
  if (time + duration <= self->told)
    return FALSE;
  self->told = time + duration;
  return TRUE;
}

/**
 * stt_replay_take_event:
 * @self: a replay
 * @event: that the element in charge sends on
 *
 * Returns: whether those who follow do not know it yet
 */
gboolean
stt_replay_take_event(SttReplay *self, GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure(event);
  CordTranscript *transcript;

  if (GST_EVENT_TYPE(event) == GST_EVENT_GAP)
    return take_gap(self, event);
  if (cord_event_is(event, CORD_EVENT_SPEECH_STARTED))
    return take_started(self, cord_structure_get_position(structure));
  if (cord_event_is(event, CORD_EVENT_SPEECH_STOPPED))
    return take_stopped(self, cord_structure_get_position(structure));
  if (!cord_event_is(event, CORD_EVENT_TRANSCRIPT))
    return TRUE;
  transcript = cord_structure_get_transcript(structure);
  if (transcript && cord_transcript_get_final(transcript))
    return stt_replay_take_text(self);
  return TRUE;
}

/**
 * stt_replay_take_text:
 * @self: a replay
 *
 * The element in charge ends the oldest utterance.
 *
 * Returns: whether there is one, as far as anybody knows
 */
gboolean
stt_replay_take_text(SttReplay *self)
{
  g_autofree Open *open = g_queue_pop_head(&self->open);

  if (open && GST_CLOCK_TIME_IS_VALID(open->stop))
    self->settled = MAX(self->settled, open->stop);
  trim(self);
  return TRUE;
}

/**
 * stt_replay_is_idle:
 * @self: a replay
 *
 * Returns: whether nobody speaks, and nothing that was said has still to be understood
 */
gboolean
stt_replay_is_idle(SttReplay *self)
{
  return !self->speaking && g_queue_is_empty(&self->open);
}

/* Speech that began before what is kept, or is told to have been by somebody else. */
static GstMiniObject *
make_start(GstClockTime position)
{
  return GST_MINI_OBJECT_CAST(
      cord_event_new(cord_structure_new_speech(CORD_EVENT_SPEECH_STARTED, position)));
}

/* Whether a speech event is about what was over before the oldest that is not. */
static gboolean
is_past(GstMiniObject *object, GstClockTime oldest)
{
  if (!GST_CLOCK_TIME_IS_VALID(oldest) || position_of(object) < oldest)
    return TRUE;
  return position_of(object) == oldest &&
         cord_event_is(GST_EVENT_CAST(object), CORD_EVENT_SPEECH_STOPPED);
}

/* Whether the first of the speech events of what is still wanted is a stop. */
static gboolean
begins_in_speech(SttReplay *self, GstClockTime oldest)
{
  for (GList *l = self->kept.head; l; l = l->next) {
    if (is_speech(l->data) && !is_past(l->data, oldest))
      return cord_event_is(GST_EVENT_CAST(l->data), CORD_EVENT_SPEECH_STOPPED);
  }
  return self->speaking && GST_CLOCK_TIME_IS_VALID(oldest);
}

/**
 * stt_replay_get:
 * @self: a replay
 *
 * Returns: (transfer full) (element-type GstMiniObject): what the next element has to hear
 */
GPtrArray *
stt_replay_get(SttReplay *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)gst_mini_object_unref);
  GstClockTime oldest = oldest_open(self);
  gboolean missing = begins_in_speech(self, oldest);

  for (GList *l = self->kept.head; l; l = l->next) {
    if (is_speech(l->data) && is_past(l->data, oldest))
      continue;
    /* no word twice */
    if (GST_IS_BUFFER(l->data) && position_of(l->data) <= self->settled)
      continue;
    if (missing && GST_CLOCK_TIME_IS_VALID(oldest) && GST_IS_BUFFER(l->data) &&
        position_of(l->data) > oldest) {
      g_ptr_array_add(list, make_start(oldest));
      missing = FALSE;
    }
    g_ptr_array_add(list, gst_mini_object_ref(l->data));
  }
  return list;
}
