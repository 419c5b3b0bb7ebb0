/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/audio/audio.h>
#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-stt-base-private.h"

#define PRE_ROLL (300 * GST_MSECOND)    /* of audio before the onset */
#define MAX_UTTERANCE (60 * GST_SECOND) /* where nobody cuts */
#define PRIV(self) cord_stt_base_get_private(self)

static void
free_utterance(gpointer data)
{
  Utterance *utterance = data;

  g_ptr_array_unref(utterance->finals);
  g_free(utterance->interim);
  g_free(utterance);
}

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
  while (priv->pre_roll_time > PRE_ROLL + 400 * GST_MSECOND) {
    GstBuffer *oldest = g_queue_pop_head(&priv->pre_roll);

    priv->pre_roll_time -= GST_BUFFER_DURATION(oldest);
    gst_buffer_unref(oldest);
  }
}

static void
begin_utterance(CordSttBase *self, GstClockTime onset)
{
  CordSttBasePrivate *priv = PRIV(self);
  CordSttBaseClass *klass = CORD_STT_BASE_GET_CLASS(self);
  GstClockTime from = onset > PRE_ROLL ? onset - PRE_ROLL : 0;
  Utterance *utterance = g_new0(Utterance, 1);
  guint id = ++priv->last_id;

  utterance->id = id;
  utterance->finals = g_ptr_array_new_with_free_func((GDestroyNotify)cord_transcript_unref);
  utterance->start = GST_CLOCK_TIME_NONE;
  priv->open = utterance;
  klass->begin(self, id, &priv->format);
  for (GList *l = priv->pre_roll.head; l && priv->open == utterance; l = l->next) {
    GstBuffer *buffer = l->data;

    if (GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer) <= from)
      continue;
    if (utterance->start == GST_CLOCK_TIME_NONE)
      utterance->start = GST_BUFFER_PTS(buffer);
    klass->send_audio(self, id, buffer);
  }
  if (utterance->start == GST_CLOCK_TIME_NONE)
    utterance->start = onset;
  utterance->end = utterance->start;
  drop_pre_roll(priv);
}

static gchar *
join_finals(Utterance *utterance)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < utterance->finals->len; i++) {
    g_autofree gchar *piece = g_strdup(cord_transcript_get_text(utterance->finals->pdata[i]));

    if (*g_strstrip(piece) == '\0')
      continue;
    if (text->len > 0)
      g_string_append_c(text, ' ');
    g_string_append(text, piece);
  }
  return g_string_free(text, FALSE);
}

/* The one final transcript of an utterance, whatever number of pieces the service made of it. */
static CordTranscript *
make_final(CordSttBase *self, Utterance *utterance)
{
  CordSttBasePrivate *priv = PRIV(self);
  CordTranscript *first = utterance->finals->len > 0 ? utterance->finals->pdata[0] : NULL;
  g_autofree gchar *text = join_finals(utterance);
  CordTranscript *final = cord_transcript_new(text, TRUE, utterance->start, utterance->end);
  gdouble lowest = first ? cord_transcript_get_confidence(first) : -1;

  for (guint i = 0; i < utterance->finals->len; i++) {
    CordTranscript *piece = utterance->finals->pdata[i];
    guint n;
    const CordWord *words = cord_transcript_get_words(piece, &n);

    lowest = MIN(lowest, cord_transcript_get_confidence(piece));
    for (guint w = 0; w < n; w++)
      cord_transcript_add_word(final, words[w].text, words[w].start, words[w].end,
                               words[w].confidence);
  }
  cord_transcript_set_confidence(final, lowest);
  cord_transcript_set_language(final, first ? cord_transcript_get_language(first) : NULL);
  cord_transcript_set_created(final, cord_worker_get_time(priv->worker));
  return final;
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
    gst_pad_push(priv->src, cord_transcript_to_buffer(transcript));
  if (final)
    gst_pad_push_event(priv->src,
                       cord_event_new(gst_structure_new_empty("rstranscribe/final-transcript")));
}

static void
push_eos_when_done(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);

  if (priv->eos && priv->open == NULL && g_queue_is_empty(&priv->waiting))
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
    g_autoptr(CordTranscript) final = make_final(self, utterance);

    g_queue_pop_head(&priv->waiting);
    free_utterance(utterance);
    push_transcript(self, final);
  }
  arm_deadline(self);
  push_eos_when_done(self);
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
  CORD_STT_BASE_GET_CLASS(self)->cancel(self, utterance->id);
  if (utterance->finals->len == 0 && utterance->interim)
    g_ptr_array_add(utterance->finals, cord_transcript_new(utterance->interim, TRUE,
                                                           utterance->start, utterance->end));
  utterance->done = TRUE;
  cord_element_post_warning(GST_ELEMENT(self), error);
  push_done(self);
}

static void
arm_deadline(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  guint timeout_ms;

  g_clear_pointer(&priv->deadline, cord_timer_remove);
  if (g_queue_is_empty(&priv->waiting))
    return;
  GST_OBJECT_LOCK(self);
  timeout_ms = priv->final_timeout_ms;
  GST_OBJECT_UNLOCK(self);
  priv->deadline = cord_worker_add_timer(priv->worker, timeout_ms * GST_MSECOND, on_deadline, self);
}

static void
end_utterance(CordSttBase *self, GstClockTime end)
{
  CordSttBasePrivate *priv = PRIV(self);
  Utterance *utterance = g_steal_pointer(&priv->open);

  if (utterance == NULL)
    return;
  utterance->ended = TRUE;
  utterance->end = MAX(end, utterance->start);
  g_queue_push_tail(&priv->waiting, utterance);
  if (priv->deadline == NULL)
    arm_deadline(self);
  CORD_STT_BASE_GET_CLASS(self)->end(self, utterance->id);
}

void
cord_stt_stream_cancel_all(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  CordSttBaseClass *klass = CORD_STT_BASE_GET_CLASS(self);

  g_clear_pointer(&priv->deadline, cord_timer_remove);
  if (priv->open)
    klass->cancel(self, priv->open->id);
  for (GList *l = priv->waiting.head; l; l = l->next)
    klass->cancel(self, ((Utterance *)l->data)->id);
  g_clear_pointer(&priv->open, free_utterance);
  g_queue_clear_full(&priv->waiting, free_utterance);
  gst_clear_event(&priv->eos);
  drop_pre_roll(priv);
}

/* Streaming, on the worker */

static gboolean
read_caps(CordSttBase *self, GstCaps *caps)
{
  CordSttBasePrivate *priv = PRIV(self);
  const GstStructure *structure = gst_caps_get_structure(caps, 0);
  gint rate;

  if (!gst_structure_get_int(structure, "rate", &rate))
    return FALSE;
  priv->format.rate = (guint)rate;
  priv->format.mulaw = gst_structure_has_name(structure, "audio/x-mulaw");
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

static gboolean
take_event(CordSttBase *self, GstEvent *event)
{
  CordSttBasePrivate *priv = PRIV(self);

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS:
    return take_caps(self, event);
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment(event, &priv->segment);
    if (priv->segment.format != GST_FORMAT_TIME) {
      /* bytes of a file: their time is counted from here */
      gst_event_unref(event);
      gst_segment_init(&priv->segment, GST_FORMAT_TIME);
      event = gst_event_new_segment(&priv->segment);
    }
    return gst_pad_push_event(priv->src, event);
  case GST_EVENT_EOS:
    gst_clear_event(&priv->eos);
    priv->eos = event;
    end_utterance(self, priv->position);
    push_eos_when_done(self);
    return TRUE;
  default:
    break;
  }
  if (cord_event_is(event, CORD_EVENT_SPEECH_STARTED)) {
    GstClockTime onset = cord_structure_get_position(gst_event_get_structure(event));

    priv->voice_detected = TRUE;
    end_utterance(self, onset);
    begin_utterance(self, onset);
  } else if (cord_event_is(event, CORD_EVENT_SPEECH_STOPPED)) {
    /* told first, so that whoever follows knows what the result belongs to */
    GstClockTime position = cord_structure_get_position(gst_event_get_structure(event));
    gboolean pushed = gst_pad_push_event(priv->src, event);

    end_utterance(self, position);
    return pushed;
  }
  return gst_pad_push_event(priv->src, event);
}

static GstClockTime
duration_of(CordSttBasePrivate *priv, GstBuffer *buffer)
{
  gsize samples = gst_buffer_get_size(buffer) / (priv->format.mulaw ? 1 : 2);

  return priv->format.rate ? gst_util_uint64_scale(samples, GST_SECOND, priv->format.rate) : 0;
}

static GstFlowReturn
take_buffer(CordSttBase *self, GstBuffer *buffer)
{
  CordSttBasePrivate *priv = PRIV(self);
  GstClockTime duration = duration_of(priv, buffer);
  GstClockTime pts = GST_BUFFER_PTS(buffer);
  GstClockTime running;

  if (!priv->asked)
    ask_for_voicedetect(self);
  if (!GST_CLOCK_TIME_IS_VALID(pts))
    pts = priv->position;
  running = gst_segment_to_running_time(&priv->segment, GST_FORMAT_TIME, pts);
  if (!GST_CLOCK_TIME_IS_VALID(running))
    running = priv->position;
  buffer = gst_buffer_make_writable(buffer);
  GST_BUFFER_PTS(buffer) = running;
  GST_BUFFER_DURATION(buffer) = duration;
  priv->position = running + duration;
  if (priv->open == NULL && !priv->voice_detected)
    begin_utterance(self, running);
  if (priv->open) {
    CORD_STT_BASE_GET_CLASS(self)->send_audio(self, priv->open->id, buffer);
    if (priv->open && priv->position - priv->open->start > MAX_UTTERANCE)
      end_utterance(self, priv->position);
  } else {
    keep_pre_roll(priv, buffer);
  }
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
 * A result. Final pieces are joined and leave with the utterance's end.
 */
void
cord_stt_base_take_transcript(CordSttBase *self, guint utterance, CordTranscript *transcript)
{
  Utterance *found = find_utterance(PRIV(self), utterance);

  if (found == NULL || found->done)
    return;
  if (cord_transcript_get_final(transcript)) {
    g_ptr_array_add(found->finals, cord_transcript_ref(transcript));
    return;
  }
  if (g_strcmp0(found->interim, cord_transcript_get_text(transcript)) == 0)
    return;
  g_free(found->interim);
  found->interim = g_strdup(cord_transcript_get_text(transcript));
  push_transcript(self, transcript);
}

/**
 * cord_stt_base_utterance_done: (skip)
 * @self: an element, on its worker
 * @utterance: which one
 * @error: (transfer full) (nullable): why it has come to nothing
 *
 * No more results of @utterance will come. Also ends an utterance that the service ends by itself.
 */
void
cord_stt_base_utterance_done(CordSttBase *self, guint utterance, GError *error)
{
  CordSttBasePrivate *priv = PRIV(self);
  Utterance *found = find_utterance(priv, utterance);

  if (error) {
    cord_element_post_warning(GST_ELEMENT(self), error);
    g_error_free(error);
  }
  if (found == NULL || found->done)
    return;
  found->done = TRUE;
  if (found == priv->open) {
    priv->open = NULL;
    found->end = priv->position;
    g_queue_push_tail(&priv->waiting, found);
  }
  push_done(self);
}
