/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/audio/audio.h>
#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-stt-base-private.h"

#define PRE_ROLL (300 * GST_MSECOND)    /* of audio before the onset */
#define MAX_ONSET (500 * GST_MSECOND)   /* how far back an onset lies when it is told */
#define MAX_UTTERANCE (60 * GST_SECOND) /* where nobody cuts */
#define MAX_JITTER (40 * GST_MSECOND)   /* a larger jump of the time stamps is a hole */
#define MAX_HOLE GST_SECOND             /* a longer one is not filled */
#define RETRY_AFTER GST_SECOND          /* of audio, when an utterance has failed */
#define PRIV(self) cord_stt_base_get_private(self)

static Utterance *
find_utterance(CordSttBasePrivate *priv, guint id)
{
  if (priv->open && priv->open->id == id)
    return priv->open;
  for (GList *l = priv->waiting.head; l; l = l->next) {
    if (((Utterance *)l->data)->id == id)
      return l->data;
  }
  return NULL;
}

static void
drop_pre_roll(CordSttBasePrivate *priv)
{
  g_queue_clear_full(&priv->pre_roll, (GDestroyNotify)gst_buffer_unref);
  priv->pre_roll_time = 0;
}

static void
keep_pre_roll(CordSttBasePrivate *priv, GstBuffer *buffer)
{
  g_queue_push_tail(&priv->pre_roll, gst_buffer_ref(buffer));
  priv->pre_roll_time += GST_BUFFER_DURATION(buffer);
  while (priv->pre_roll_time > PRE_ROLL + MAX_ONSET) {
    GstBuffer *oldest = g_queue_pop_head(&priv->pre_roll);

    priv->pre_roll_time -= GST_BUFFER_DURATION(oldest);
    gst_buffer_unref(oldest);
  }
}

void
cord_stt_stream_begin(CordSttBase *self, GstClockTime onset)
{
  CordSttBasePrivate *priv = PRIV(self);
  CordSttBaseClass *klass = CORD_STT_BASE_GET_CLASS(self);
  GstClockTime now = cord_worker_get_time(priv->worker);
  guint id = ++priv->last_id;
  GList *first = priv->pre_roll.head;
  GstClockTime start;

  while (first &&
         GST_BUFFER_PTS(first->data) + GST_BUFFER_DURATION(first->data) + PRE_ROLL <= onset)
    first = first->next;
  start = first ? GST_BUFFER_PTS(first->data) : onset;
  priv->open = cord_stt_utterance_new(id, start);
  priv->open->heard = now - MIN(now, priv->position - MIN(priv->position, start));
  klass->begin(self, id, &priv->format);
  /* it may come to nothing at any of these calls */
  for (GList *l = first; l && priv->open && priv->open->id == id && !priv->open->done; l = l->next)
    klass->send_audio(self, id, l->data);
  drop_pre_roll(priv);
}

static GstBuffer *
make_text(CordSttBase *self, CordTranscript *transcript)
{
  GstBuffer *buffer = cord_transcript_to_buffer(transcript);
  gboolean append_newline;

  GST_OBJECT_LOCK(self);
  append_newline = PRIV(self)->append_newline;
  GST_OBJECT_UNLOCK(self);
  if (append_newline)
    gst_buffer_append_memory(buffer, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY,
                                                            (gpointer) "\n", 1, 0, 1, NULL, NULL));
  return buffer;
}

static void
push_transcript(CordSttBase *self, CordTranscript *transcript)
{
  CordSttBasePrivate *priv = PRIV(self);
  gboolean final = cord_transcript_get_final(transcript);

  cord_element_post(GST_ELEMENT(self), cord_structure_new_transcript(transcript));
  if (!final || *cord_transcript_get_text(transcript) == '\0')
    gst_pad_push_event(priv->src, cord_event_new(cord_structure_new_transcript(transcript)));
  else
    gst_pad_push(priv->src, make_text(self, transcript));
  if (final)
    gst_pad_push_event(priv->src,
                       cord_event_new(gst_structure_new_empty("rstranscribe/final-transcript")));
}

void
cord_stt_stream_push_eos(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);

  if (priv->eos && priv->drain == NULL && priv->open == NULL && g_queue_is_empty(&priv->waiting))
    gst_pad_push_event(priv->src, g_steal_pointer(&priv->eos));
}

static void arm_deadline(CordSttBase *self);

/* Results leave in the order of the utterances. */
static void
push_done(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  Utterance *utterance;

  while ((utterance = g_queue_peek_head(&priv->waiting)) && utterance->done) {
    g_autoptr(CordTranscript) final = cord_stt_utterance_join(utterance, FALSE, TRUE);

    cord_transcript_set_created(final, cord_worker_get_time(priv->worker));
    g_queue_pop_head(&priv->waiting);
    cord_stt_utterance_free(utterance);
    push_transcript(self, final);
  }
  arm_deadline(self);
  cord_stt_stream_push_eos(self);
}

static void
on_deadline(gpointer data)
{
  CordSttBase *self = data;
  CordSttBasePrivate *priv = PRIV(self);
  Utterance *utterance = g_queue_peek_head(&priv->waiting);
  g_autoptr(GError) error =
      g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                  "no final transcript came in time; the turn goes on with what was understood");

  priv->deadline = NULL;
  if (utterance == NULL)
    return;
  /* done before it is told: a result that comes of the cancelling is late too */
  utterance->done = TRUE;
  if (utterance->interim)
    g_ptr_array_add(utterance->finals, g_steal_pointer(&utterance->interim));
  CORD_STT_BASE_GET_CLASS(self)->cancel(self, utterance->id);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_LOST, FALSE, error);
  cord_element_post_warning(GST_ELEMENT(self), error);
  push_done(self);
}

static void
arm_deadline(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  Utterance *oldest = g_queue_peek_head(&priv->waiting);
  GstClockTime now = cord_worker_get_time(priv->worker);

  g_clear_pointer(&priv->deadline, cord_timer_remove);
  if (oldest)
    priv->deadline = cord_worker_add_timer(
        priv->worker, oldest->deadline > now ? oldest->deadline - now : 0, on_deadline, self);
}

static GstClockTime
choose_deadline(CordSttBase *self, const Utterance *utterance)
{
  GstClockTime now = cord_worker_get_time(PRIV(self)->worker);
  GstClockTime spoken = utterance->heard + (utterance->end - utterance->start);
  guint timeout_ms;

  GST_OBJECT_LOCK(self);
  timeout_ms = PRIV(self)->final_timeout_ms;
  GST_OBJECT_UNLOCK(self);
  return MAX(now, spoken) + timeout_ms * GST_MSECOND;
}

void
cord_stt_stream_end(CordSttBase *self, GstClockTime end)
{
  CordSttBasePrivate *priv = PRIV(self);
  Utterance *utterance = g_steal_pointer(&priv->open);

  if (utterance == NULL)
    return;
  utterance->end = MAX(end, utterance->start);
  utterance->deadline = choose_deadline(self, utterance);
  g_queue_push_tail(&priv->waiting, utterance);
  if (priv->deadline == NULL)
    arm_deadline(self);
  if (utterance->done)
    push_done(self);
  else
    CORD_STT_BASE_GET_CLASS(self)->end(self, utterance->id);
}

void
cord_stt_stream_cancel_all(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  GQueue cancelled = priv->waiting;
  Utterance *utterance;

  g_queue_init(&priv->waiting);
  if (priv->open)
    g_queue_push_head(&cancelled, g_steal_pointer(&priv->open));
  g_clear_pointer(&priv->deadline, cord_timer_remove);
  g_clear_pointer(&priv->drain, cord_timer_remove);
  gst_clear_event(&priv->eos);
  drop_pre_roll(priv);
  priv->speaking = FALSE;
  while ((utterance = g_queue_pop_head(&cancelled))) {
    if (!utterance->done)
      CORD_STT_BASE_GET_CLASS(self)->cancel(self, utterance->id);
    cord_stt_utterance_free(utterance);
  }
}

/* Streaming, on the worker */

/* Audio of another format is another utterance, though the caller speaks on. */
static gboolean
read_caps(CordSttBase *self, GstCaps *caps)
{
  CordSttBasePrivate *priv = PRIV(self);
  const GstStructure *structure = gst_caps_get_structure(caps, 0);
  gboolean mulaw = gst_structure_has_name(structure, "audio/x-mulaw");
  gint rate;

  if (!gst_structure_get_int(structure, "rate", &rate))
    return FALSE;
  if (priv->format.rate == (guint)rate && priv->format.mulaw == mulaw)
    return TRUE;
  cord_stt_stream_end(self, priv->position);
  drop_pre_roll(priv);
  priv->format.rate = (guint)rate;
  priv->format.mulaw = mulaw;
  return TRUE;
}

static gboolean
take_caps(CordSttBase *self, GstEvent *event)
{
  CordSttBasePrivate *priv = PRIV(self);
  g_autoptr(GstCaps) text =
      gst_caps_new_simple("text/x-raw", "format", G_TYPE_STRING, "utf8", NULL);
  GstCaps *caps;
  gboolean ok;

  gst_event_parse_caps(event, &caps);
  ok = read_caps(self, caps);
  gst_event_unref(event);
  return ok && gst_pad_push_event(priv->src, gst_event_new_caps(text));
}

/* Whether somebody upstream will cut the stream by events. */
static void
ask_for_voicedetect(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  GstQuery *query =
      gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty(CORD_QUERY_VOICE_ACTIVITY));

  priv->asked = TRUE;
  priv->voice_detected = priv->voice_detected || gst_pad_peer_query(priv->sink, query);
  gst_query_unref(query);
}

static GstBuffer *
make_silence(CordSttBasePrivate *priv, GstClockTime duration)
{
  gsize samples = gst_util_uint64_scale(duration, priv->format.rate, GST_SECOND);
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, samples * (priv->format.mulaw ? 1 : 2), NULL);

  gst_buffer_memset(buffer, 0, priv->format.mulaw ? 0xff : 0, gst_buffer_get_size(buffer));
  GST_BUFFER_PTS(buffer) = priv->position;
  GST_BUFFER_DURATION(buffer) = duration;
  return buffer;
}

/* Whoever counts samples would date the words after a hole too early. */
static void
cross_hole(CordSttBase *self, GstClockTime until)
{
  CordSttBasePrivate *priv = PRIV(self);
  g_autoptr(GstBuffer) silence = NULL;

  if ((priv->open == NULL && !priv->continuous) || until <= priv->position + MAX_JITTER)
    return;
  if (until > priv->position + MAX_HOLE) {
    cord_stt_stream_end(self, priv->position);
    return;
  }
  silence = make_silence(priv, until - priv->position);
  if (priv->continuous)
    CORD_STT_BASE_GET_CLASS(self)->listen(self, silence, &priv->format);
  else if (!priv->open->done)
    CORD_STT_BASE_GET_CLASS(self)->send_audio(self, priv->open->id, silence);
}

static gboolean
take_gap(CordSttBase *self, GstEvent *event)
{
  CordSttBasePrivate *priv = PRIV(self);
  GstClockTime pts, duration, running;

  gst_event_parse_gap(event, &pts, &duration);
  running = gst_segment_to_running_time(&priv->segment, GST_FORMAT_TIME, pts);
  if (GST_CLOCK_TIME_IS_VALID(running) && GST_CLOCK_TIME_IS_VALID(duration)) {
    cross_hole(self, running + duration);
    priv->position = running + duration;
  }
  return gst_pad_push_event(priv->src, event);
}

static gboolean
take_eos(CordSttBase *self, GstEvent *event)
{
  CordSttBasePrivate *priv = PRIV(self);

  gst_clear_event(&priv->eos);
  priv->eos = event;
  if (!cord_stt_service_drain(self))
    cord_stt_stream_end(self, priv->position);
  cord_stt_stream_push_eos(self);
  return TRUE;
}

static gboolean
take_segment(CordSttBase *self, GstEvent *event)
{
  CordSttBasePrivate *priv = PRIV(self);

  gst_event_copy_segment(event, &priv->segment);
  if (priv->segment.format != GST_FORMAT_TIME) {
    /* bytes of a file: their time is counted from here */
    gst_event_unref(event);
    gst_segment_init(&priv->segment, GST_FORMAT_TIME);
    event = gst_event_new_segment(&priv->segment);
  }
  return gst_pad_push_event(priv->src, event);
}

/* Starts and stops are told on first, so that whoever follows knows what a result belongs to. */

static gboolean
take_speech_start(CordSttBase *self, GstEvent *event)
{
  CordSttBasePrivate *priv = PRIV(self);
  GstClockTime onset = cord_structure_get_position(gst_event_get_structure(event));
  gboolean pushed;

  priv->voice_detected = priv->speaking = TRUE;
  cord_stt_stream_end(self, onset);
  pushed = gst_pad_push_event(priv->src, event);
  cord_stt_stream_begin(self, onset);
  return pushed;
}

static gboolean
take_speech_stop(CordSttBase *self, GstEvent *event)
{
  CordSttBasePrivate *priv = PRIV(self);
  GstClockTime position = cord_structure_get_position(gst_event_get_structure(event));
  gboolean pushed = gst_pad_push_event(priv->src, event);

  priv->speaking = FALSE;
  cord_stt_stream_end(self, position);
  return pushed;
}

static gboolean
take_event(CordSttBase *self, GstEvent *event)
{
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS:
    return take_caps(self, event);
  case GST_EVENT_SEGMENT:
    return take_segment(self, event);
  case GST_EVENT_GAP:
    return take_gap(self, event);
  case GST_EVENT_EOS:
    return take_eos(self, event);
  default:
    break;
  }
  if (cord_stt_service_takes_event(self, event))
    return TRUE;
  if (cord_event_is(event, CORD_EVENT_SPEECH_STOPPED))
    return take_speech_stop(self, event);
  if (cord_event_is(event, CORD_EVENT_SPEECH_STARTED))
    return take_speech_start(self, event);
  return gst_pad_push_event(PRIV(self)->src, event);
}

static GstClockTime
duration_of(CordSttBasePrivate *priv, GstBuffer *buffer)
{
  gsize samples = gst_buffer_get_size(buffer) / (priv->format.mulaw ? 1 : 2);

  return priv->format.rate ? gst_util_uint64_scale(samples, GST_SECOND, priv->format.rate) : 0;
}

/* Hands audio to the utterance that goes on; where there should be one and is none, it begins. */
static void
listen(CordSttBase *self, GstBuffer *buffer)
{
  CordSttBasePrivate *priv = PRIV(self);
  gboolean wanted = !cord_stt_base_service_cuts(self) && (priv->speaking || !priv->voice_detected);

  if (priv->open && priv->open->done && !priv->speaking &&
      priv->position > priv->open->failed + RETRY_AFTER)
    cord_stt_stream_end(self, priv->position);
  if (priv->open == NULL && wanted)
    cord_stt_stream_begin(self, GST_BUFFER_PTS(buffer));
  if (priv->continuous)
    CORD_STT_BASE_GET_CLASS(self)->listen(self, buffer, &priv->format);
  else if (priv->open == NULL)
    keep_pre_roll(priv, buffer);
  else if (!priv->open->done)
    CORD_STT_BASE_GET_CLASS(self)->send_audio(self, priv->open->id, buffer);
  if (priv->open && priv->position - priv->open->start > MAX_UTTERANCE)
    cord_stt_stream_end(self, priv->position);
}

static GstFlowReturn
take_buffer(CordSttBase *self, GstBuffer *buffer)
{
  CordSttBasePrivate *priv = PRIV(self);
  GstClockTime duration = duration_of(priv, buffer);
  GstClockTime pts = GST_BUFFER_PTS(buffer);
  GstClockTime running;

  if (!GST_CLOCK_TIME_IS_VALID(pts))
    pts = priv->position;
  running = gst_segment_to_running_time(&priv->segment, GST_FORMAT_TIME, pts);
  if (!GST_CLOCK_TIME_IS_VALID(running))
    running = priv->position;
  if (!priv->asked) {
    ask_for_voicedetect(self);
    priv->first_came = cord_worker_get_time(priv->worker);
    priv->first_at = running;
  }
  cross_hole(self, running);
  buffer = gst_buffer_make_writable(buffer);
  GST_BUFFER_PTS(buffer) = running;
  GST_BUFFER_DURATION(buffer) = duration;
  priv->position = running + duration;
  listen(self, buffer);
  gst_buffer_unref(buffer);
  return gst_pad_push_event(priv->src, gst_event_new_gap(pts, duration)) ? GST_FLOW_OK
         : GST_PAD_IS_FLUSHING(priv->src)                                ? GST_FLOW_FLUSHING
                                                                         : GST_FLOW_OK;
}

GstFlowReturn
cord_stt_stream_on_object(GstMiniObject *object, gpointer data)
{
  if (GST_IS_BUFFER(object))
    return take_buffer(data, GST_BUFFER_CAST(object));
  take_event(data, GST_EVENT_CAST(object));
  return GST_FLOW_OK;
}

GstFlowReturn
cord_stt_stream_sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return cord_inbox_push(PRIV(CORD_STT_BASE(parent))->inbox, GST_MINI_OBJECT_CAST(buffer));
}

static void
run_cancel_all(gpointer data)
{
  cord_stt_stream_cancel_all(data);
}

gboolean
cord_stt_stream_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  CordSttBase *self = CORD_STT_BASE(parent);
  CordSttBasePrivate *priv = PRIV(self);

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    cord_inbox_set_flushing(priv->inbox, TRUE);
    return gst_pad_push_event(priv->src, event);
  case GST_EVENT_FLUSH_STOP:
    cord_worker_call(priv->worker, run_cancel_all, self);
    cord_inbox_set_flushing(priv->inbox, FALSE);
    return gst_pad_push_event(priv->src, event);
  case GST_EVENT_STREAM_START:
    return gst_pad_push_event(priv->src, event);
  default:
    break;
  }
  if (GST_EVENT_IS_SERIALIZED(event))
    return cord_inbox_push(priv->inbox, GST_MINI_OBJECT_CAST(event)) == GST_FLOW_OK;
  return gst_pad_event_default(pad, parent, event);
}

/**
 * cord_stt_base_get_utterance_start: (skip)
 * @self: an element, on its worker
 * @utterance: an utterance
 *
 * Returns: running time of the first audio that was sent for it, ns
 */
GstClockTime
cord_stt_base_get_utterance_start(CordSttBase *self, guint utterance)
{
  Utterance *found = find_utterance(PRIV(self), utterance);

  return found ? found->start : GST_CLOCK_TIME_NONE;
}

/**
 * cord_stt_base_take_transcript: (skip)
 * @self: an element, on its worker
 * @utterance: whose it is
 * @transcript: (transfer none): interim, which replaces the interim one before, or a final piece
 *
 * A result. Final pieces are joined and leave with the utterance's end; an interim one is what
 * follows the final pieces so far, and leaves with them before it.
 */
void
cord_stt_base_take_transcript(CordSttBase *self, guint utterance, CordTranscript *transcript)
{
  Utterance *found = find_utterance(PRIV(self), utterance);
  g_autoptr(CordTranscript) joined = NULL;

  if (found == NULL || found->done)
    return;
  if (!cord_stt_utterance_take(found, transcript) || cord_transcript_get_final(transcript))
    return;
  if (found->finals->len > 0)
    joined = cord_stt_utterance_join(found, TRUE, FALSE);
  push_transcript(self, joined ? joined : transcript);
}

/**
 * cord_stt_base_utterance_done: (skip)
 * @self: an element, on its worker
 * @utterance: which one
 * @error: (transfer full) (nullable): why it has come to nothing
 *
 * No more results of @utterance will come. Also ends an utterance that the service ends by itself;
 * when the caller speaks on, the next one begins, after an error not before the next speech.
 */
void
cord_stt_base_utterance_done(CordSttBase *self, guint utterance, GError *error)
{
  CordSttBasePrivate *priv = PRIV(self);
  Utterance *found = find_utterance(priv, utterance);
  gboolean failed = error != NULL;

  if (error) {
    cord_element_post_warning(GST_ELEMENT(self), error);
    g_error_free(error);
  }
  if (found == NULL || found->done)
    return;
  found->done = TRUE;
  found->failed = priv->position;
  if (found != priv->open)
    push_done(self);
  else if (!failed)
    cord_stt_stream_end(self, priv->position);
}
