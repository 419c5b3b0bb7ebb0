/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-stt-base.h"

#include <gst/audio/audio.h>
#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-inbox.h"

GST_DEBUG_CATEGORY_STATIC(stt_base_debug);
#define GST_CAT_DEFAULT stt_base_debug

#define PRE_ROLL (300 * GST_MSECOND)    /* of audio before the onset */
#define MAX_UTTERANCE (60 * GST_SECOND) /* where nobody cuts */
#define DEFAULT_FINAL_TIMEOUT 5000      /* ms */

/**
 * CordSttBase:
 *
 * The base of elements that turn speech into text. It cuts utterances by the speech events of a
 * voicedetect upstream (without one, all audio up to EOS is one utterance of at most 60 s), hands
 * their audio to its subclass and brings the results into the stream: one text buffer an utterance,
 * with a #CordTranscript and the running time in which it was spoken, interim transcripts as
 * events, and a GAP for each audio buffer, so that whoever follows has the stream's clock.
 *
 * Each utterance has exactly one end: a text buffer, or a final transcript event with empty text.
 */

typedef struct {
  guint id;
  GstClockTime start, end;
  gboolean ended;
  gboolean done;
  GPtrArray *finals; /* CordTranscript */
  gchar *interim;
} Utterance;

typedef struct {
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;

  /* properties; object lock */
  gchar *context;
  gchar *language;
  guint final_timeout_ms;

  /* worker only */
  CordSttFormat format;
  GstSegment segment;
  gboolean voice_detected; /* somebody upstream cuts */
  gboolean asked;
  GQueue pre_roll; /* GstBuffer with running time as PTS */
  GstClockTime pre_roll_time;
  Utterance *open;
  GQueue waiting; /* Utterance, ended, oldest first */
  guint last_id;
  CordTimer *deadline;
  GstEvent *eos;
  GstClockTime position;
} CordSttBasePrivate;

enum {
  PROP_0,
  PROP_CONTEXT,
  PROP_LANGUAGE_CODE,
  PROP_FINAL_TIMEOUT,
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(CordSttBase, cord_stt_base, GST_TYPE_ELEMENT)

#define PRIV(self) ((CordSttBasePrivate *)cord_stt_base_get_instance_private(self))

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

static void
cancel_all(CordSttBase *self)
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

static GstFlowReturn
on_object(GstMiniObject *object, gpointer data)
{
  if (GST_IS_BUFFER(object))
    return take_buffer(data, GST_BUFFER_CAST(object));
  take_event(data, GST_EVENT_CAST(object));
  return GST_FLOW_OK;
}

static GstFlowReturn
sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return cord_inbox_push(PRIV(CORD_STT_BASE(parent))->inbox, GST_MINI_OBJECT_CAST(buffer));
}

static void
run_cancel_all(gpointer data)
{
  cancel_all(data);
}

static gboolean
sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
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

/* Life */

static void
run_stop(gpointer data)
{
  CordSttBase *self = data;

  cancel_all(self);
  CORD_STT_BASE_GET_CLASS(self)->stop(self);
}

typedef struct {
  CordSttBase *self;
  gboolean ok;
  GError *error;
} Start;

static void
run_start(gpointer data)
{
  Start *start = data;

  start->ok = CORD_STT_BASE_GET_CLASS(start->self)->start(start->self, &start->error);
}

static gboolean
start_up(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  Start start = { self, TRUE, NULL };

  gst_segment_init(&priv->segment, GST_FORMAT_TIME);
  priv->voice_detected = priv->asked = FALSE;
  priv->position = 0;
  cord_worker_call(priv->worker, run_start, &start);
  if (!start.ok) {
    cord_element_post_error(GST_ELEMENT(self), start.error);
    g_clear_error(&start.error);
    return FALSE;
  }
  cord_inbox_open(priv->inbox, priv->worker);
  return TRUE;
}

static GstStateChangeReturn
change_state(GstElement *element, GstStateChange transition)
{
  CordSttBase *self = CORD_STT_BASE(element);
  CordSttBasePrivate *priv = PRIV(self);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    priv->worker = cord_worker_for_element(element, priv->context);
  else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start_up(self))
    return GST_STATE_CHANGE_FAILURE;
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_inbox_close(priv->inbox);

  result = GST_ELEMENT_CLASS(cord_stt_base_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_worker_call(priv->worker, run_stop, self);
  else if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    g_clear_object(&priv->worker);
  return result;
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_CONTEXT:
    g_free(priv->context);
    priv->context = g_value_dup_string(value);
    break;
  case PROP_LANGUAGE_CODE:
    g_free(priv->language);
    priv->language = g_value_dup_string(value);
    break;
  case PROP_FINAL_TIMEOUT:
    priv->final_timeout_ms = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_CONTEXT:
    g_value_set_string(value, priv->context);
    break;
  case PROP_LANGUAGE_CODE:
    g_value_set_string(value, priv->language);
    break;
  case PROP_FINAL_TIMEOUT:
    g_value_set_uint(value, priv->final_timeout_ms);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(object);
}

/* The pads come from the subclass's templates, which its instance does not see in init. */
static void
constructed(GObject *object)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));
  GstElement *element = GST_ELEMENT(object);
  GstElementClass *klass = GST_ELEMENT_GET_CLASS(element);

  priv->sink = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "sink"), "sink");
  gst_pad_set_chain_function(priv->sink, sink_chain);
  gst_pad_set_event_function(priv->sink, sink_event);
  gst_element_add_pad(element, priv->sink);
  priv->src = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "src"), "src");
  gst_pad_use_fixed_caps(priv->src);
  gst_element_add_pad(element, priv->src);
  G_OBJECT_CLASS(cord_stt_base_parent_class)->constructed(object);
}

static void
finalize(GObject *object)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));

  cord_inbox_free(priv->inbox);
  g_free(priv->context);
  g_free(priv->language);
  G_OBJECT_CLASS(cord_stt_base_parent_class)->finalize(object);
}

static void
cord_stt_base_class_init(CordSttBaseClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(stt_base_debug, "cordsttbase", 0, "speech-to-text base class");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->constructed = constructed;
  object_class->finalize = finalize;
  GST_ELEMENT_CLASS(klass)->change_state = change_state;

  /**
   * CordSttBase:context:
   *
   * The media thread to work on, by name; elements with the same name share one.
   */
  g_object_class_install_property(
      object_class, PROP_CONTEXT,
      g_param_spec_string("context", "Context", "Name of the media thread to share", NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * CordSttBase:language-code:
   *
   * The language that is spoken, as a BCP 47 tag.
   */
  g_object_class_install_property(
      object_class, PROP_LANGUAGE_CODE,
      g_param_spec_string("language-code", "Language code", "Language that is spoken (BCP 47)",
                          "en-US",
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * CordSttBase:final-timeout:
   *
   * How long after the end of an utterance its result is waited for, in ms.
   */
  g_object_class_install_property(
      object_class, PROP_FINAL_TIMEOUT,
      g_param_spec_uint("final-timeout", "Final timeout",
                        "How long to wait for the result after the end of an utterance (ms)", 100,
                        60000, DEFAULT_FINAL_TIMEOUT,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  gst_type_mark_as_plugin_api(CORD_TYPE_STT_BASE, 0);
}

static void
cord_stt_base_init(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);

  g_queue_init(&priv->pre_roll);
  g_queue_init(&priv->waiting);
  priv->final_timeout_ms = DEFAULT_FINAL_TIMEOUT;
  priv->language = g_strdup("en-US");
  priv->inbox = cord_inbox_new(on_object, self);
}

/**
 * cord_stt_base_class_add_pads: (skip)
 * @klass: a subclass, in its class_init
 * @sink_caps: the audio that it takes: audio/x-mulaw or audio/x-raw, one channel
 *
 * Adds the pad templates "sink" and "src".
 */
void
cord_stt_base_class_add_pads(CordSttBaseClass *klass, const gchar *sink_caps)
{
  g_autoptr(GstCaps) in = gst_caps_from_string(sink_caps);
  g_autoptr(GstCaps) out = gst_caps_from_string("text/x-raw, format = (string) utf8");
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  gst_element_class_add_pad_template(
      element_class, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, in));
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, out));
}

/**
 * cord_stt_base_get_worker: (skip)
 * @self: an element in READY or above
 *
 * Returns: (transfer none): the worker that it lives on
 */
CordWorker *
cord_stt_base_get_worker(CordSttBase *self)
{
  return PRIV(self)->worker;
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
