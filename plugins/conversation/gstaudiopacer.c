/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-audiopacer
 * @title: audiopacer
 * @short_description: Sends speech at the speed at which it is heard
 *
 * A voice service speaks faster than anybody can listen. audiopacer takes its audio as it comes,
 * cuts it into whole 20 ms frames and lets them go in real time, at most #GstAudioPacer:look-ahead
 * before they are due, so that an interruption throws away little and the network may jitter. The
 * first frames of a response leave at once. Where the voice falls behind, the clock starts again
 * with its next frame: nothing is hurried after a pause.
 *
 * Serialized events keep their place in the audio. The last frame of a response is filled up with
 * silence when `cordboard/response-finished` or EOS arrives. A flush drops everything at once.
 *
 * The clock is the 20 ms tick of the element's #CordWorker, which all pacers of a media thread
 * share; without queued audio there is no tick. Audio that arrives on the worker is never held
 * up: beyond #GstAudioPacer:max-size-time the newest is dropped with a warning. Another thread
 * has to wait while more than a second is queued.
 *
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=16 ! audio/x-raw,rate=8000,channels=1 ! audiopacer !
 * mulawcodec ! filesink location=tone.ul
 * ]| Two seconds of a tone, in about as much time.
 */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include "conversation-elements.h"

#include "cordboard.h"
#include "pacer-inbox.h"

#define DEFAULT_LOOK_AHEAD 200 /* ms: ten frames */
#define DEFAULT_MAX_SIZE_TIME (120 * GST_SECOND)

#define PACER_CAPS                                                                                 \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, layout = (string) interleaved, "                          \
  "rate = (int) [ 8000, 48000 ], channels = (int) 1"

#define GST_TYPE_AUDIO_PACER (gst_audio_pacer_get_type())
G_DECLARE_FINAL_TYPE(GstAudioPacer, gst_audio_pacer, GST, AUDIO_PACER, GstElement)

struct _GstAudioPacer {
  GstElement parent_instance;
  GstPad *sink_pad;
  GstPad *src_pad;
  CordWorker *worker; /* from READY on */

  /* under the object lock */
  gchar *context;
  PacerLimits limits;

  PacerInbox *inbox;
  gint release_posted; /* atomic */

  /* worker only */
  CordTick *tick;
  gboolean releasing;
};

G_DEFINE_FINAL_TYPE(GstAudioPacer, gst_audio_pacer, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(audiopacer, "audiopacer", GST_RANK_NONE, GST_TYPE_AUDIO_PACER)

GST_DEBUG_CATEGORY_STATIC(audiopacer_debug);
#define GST_CAT_DEFAULT audiopacer_debug

enum { PROP_CONTEXT = 1, PROP_LOOK_AHEAD, PROP_MAX_SIZE_TIME, PROP_STATS, N_PROPS };
static GParamSpec *props[N_PROPS];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(PACER_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(PACER_CAPS));

static PacerLimits
get_limits(GstAudioPacer *self)
{
  PacerLimits limits;

  GST_OBJECT_LOCK(self);
  limits = self->limits;
  GST_OBJECT_UNLOCK(self);
  return limits;
}

static void
push_frame(GstAudioPacer *self, GstBuffer *buffer, guint generation)
{
  const GstFlowReturn flow = gst_pad_push(self->src_pad, buffer);

  if (G_LIKELY(flow == GST_FLOW_OK))
    return;
  GST_DEBUG_OBJECT(self, "downstream says %s", gst_flow_get_name(flow));
  /* upstream would hear of it with its next buffer, but after EOS there is none */
  if (pacer_inbox_fail(self->inbox, flow, generation) && flow != GST_FLOW_EOS &&
      GST_PAD_IS_EOS(self->sink_pad))
    GST_ELEMENT_FLOW_ERROR(self, flow);
}

static void on_tick(GstClockTime now, gpointer data);

/* There is a tick exactly while a whole frame waits. */
static void
update_tick(GstAudioPacer *self)
{
  const gboolean waiting = pacer_inbox_has_frame(self->inbox);

  if (waiting && self->tick == NULL)
    self->tick = cord_worker_add_tick(self->worker, on_tick, self);
  else if (!waiting && self->tick)
    g_clear_pointer(&self->tick, cord_tick_remove);
}

/* On the worker: lets go what may leave. A push may come back with new audio or a flush. */
static void
release(GstAudioPacer *self, GstClockTime now)
{
  const PacerLimits limits = get_limits(self);
  GstMiniObject *object;
  guint generation;

  if (self->releasing)
    return;
  self->releasing = TRUE;
  while ((object = pacer_inbox_take(self->inbox, now, &limits, &generation))) {
    if (GST_IS_BUFFER(object))
      push_frame(self, GST_BUFFER_CAST(object), generation);
    else
      gst_pad_push_event(self->src_pad, GST_EVENT_CAST(object));
  }
  self->releasing = FALSE;
  update_tick(self);
}

static void
on_tick(GstClockTime now, gpointer data)
{
  release(data, now);
}

static void
on_posted(gpointer data)
{
  GstAudioPacer *self = data;

  g_atomic_int_set(&self->release_posted, FALSE);
  /* the worker may have stopped the element before it came to this */
  if (self->worker && cord_worker_is_current(self->worker))
    release(self, cord_worker_get_time(self->worker));
}

static void
warn_of_overrun(GstAudioPacer *self, GstClockTime max_size_time)
{
  g_autoptr(GError) error = g_error_new(CORD_ERROR, CORD_ERROR_TOO_LARGE,
                                        "More than %" G_GUINT64_FORMAT
                                        " s of speech wait to be sent; the rest is dropped",
                                        max_size_time / GST_SECOND);

  cord_element_post_warning(GST_ELEMENT(self), error);
}

static void
release_soon(GstAudioPacer *self, gboolean on_worker, GstClockTime now)
{
  if (on_worker)
    release(self, now);
  else if (g_atomic_int_compare_and_exchange(&self->release_posted, FALSE, TRUE))
    cord_worker_post(self->worker, on_posted, gst_object_ref(self), gst_object_unref);
}

static GstFlowReturn
gst_audio_pacer_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstAudioPacer *self = GST_AUDIO_PACER(parent);
  const gboolean on_worker = cord_worker_is_current(self->worker);
  const GstClockTime now = cord_worker_get_time(self->worker);
  const PacerLimits limits = get_limits(self);
  gboolean overrun_began;
  GstFlowReturn flow;

  flow = pacer_inbox_add_buffer(self->inbox, buffer, now, &limits, !on_worker, &overrun_began);
  if (flow != GST_FLOW_OK)
    return flow;
  if (overrun_began)
    warn_of_overrun(self, limits.max_size_time);
  release_soon(self, on_worker, now);
  return pacer_inbox_get_flow(self->inbox);
}

typedef struct {
  GstAudioPacer *self;
  GstEvent *event;
  gboolean ok;
} FlushEnd;

/* On the worker, so that no frame of before is still on its way. */
static void
end_flush(gpointer data)
{
  FlushEnd *end = data;

  pacer_inbox_end_flush(end->self->inbox);
  update_tick(end->self);
  end->ok = gst_pad_push_event(end->self->src_pad, end->event);
}

static gboolean
gst_audio_pacer_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAudioPacer *self = GST_AUDIO_PACER(parent);
  FlushEnd end = { self, event, FALSE };

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    pacer_inbox_begin_flush(self->inbox);
    return gst_pad_push_event(self->src_pad, event);
  case GST_EVENT_FLUSH_STOP:
    if (self->worker == NULL)
      return gst_pad_event_default(pad, parent, event);
    cord_worker_call(self->worker, end_flush, &end);
    return end.ok;
  default:
    if (!GST_EVENT_IS_SERIALIZED(event))
      return gst_pad_event_default(pad, parent, event);
    if (!pacer_inbox_add_event(self->inbox, event))
      return FALSE;
    release_soon(self, cord_worker_is_current(self->worker), cord_worker_get_time(self->worker));
    return TRUE;
  }
}

static gboolean
gst_audio_pacer_sink_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  /* ALLOCATION and DRAIN would have to wait for their place in the queue */
  if (GST_QUERY_IS_SERIALIZED(query))
    return FALSE;
  return gst_pad_query_default(pad, parent, query);
}

static void
stop_on_worker(gpointer data)
{
  GstAudioPacer *self = data;

  g_clear_pointer(&self->tick, cord_tick_remove);
  pacer_inbox_stop(self->inbox);
}

static GstStateChangeReturn
gst_audio_pacer_change_state(GstElement *element, GstStateChange transition)
{
  GstAudioPacer *self = GST_AUDIO_PACER(element);
  g_autofree gchar *context = NULL;
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY) {
    g_object_get(self, "context", &context, NULL);
    self->worker = cord_worker_for_element(element, context);
  } else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    pacer_inbox_start(self->inbox);
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    pacer_inbox_stop(self->inbox);
  }
  ret = GST_ELEMENT_CLASS(gst_audio_pacer_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_worker_call(self->worker, stop_on_worker, self);
  else if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    g_clear_object(&self->worker);
  return ret;
}

static void
gst_audio_pacer_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAudioPacer *self = GST_AUDIO_PACER(object);

  switch (id) {
  case PROP_CONTEXT:
    GST_OBJECT_LOCK(self);
    g_value_set_string(value, self->context);
    GST_OBJECT_UNLOCK(self);
    break;
  case PROP_LOOK_AHEAD:
    g_value_set_uint(value, (guint)(get_limits(self).look_ahead / GST_MSECOND));
    break;
  case PROP_MAX_SIZE_TIME:
    g_value_set_uint64(value, get_limits(self).max_size_time);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, pacer_inbox_get_stats(self->inbox));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void
gst_audio_pacer_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAudioPacer *self = GST_AUDIO_PACER(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_CONTEXT:
    g_free(self->context);
    self->context = g_value_dup_string(value);
    break;
  case PROP_LOOK_AHEAD:
    self->limits.look_ahead = g_value_get_uint(value) * GST_MSECOND;
    break;
  case PROP_MAX_SIZE_TIME:
    self->limits.max_size_time = g_value_get_uint64(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_audio_pacer_finalize(GObject *object)
{
  GstAudioPacer *self = GST_AUDIO_PACER(object);

  pacer_inbox_free(self->inbox);
  g_free(self->context);
  G_OBJECT_CLASS(gst_audio_pacer_parent_class)->finalize(object);
}

static void
gst_audio_pacer_init(GstAudioPacer *self)
{
  self->limits.look_ahead = DEFAULT_LOOK_AHEAD * GST_MSECOND;
  self->limits.max_size_time = DEFAULT_MAX_SIZE_TIME;
  self->sink_pad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink_pad, gst_audio_pacer_chain);
  gst_pad_set_event_function(self->sink_pad, gst_audio_pacer_sink_event);
  gst_pad_set_query_function(self->sink_pad, gst_audio_pacer_sink_query);
  GST_PAD_SET_PROXY_CAPS(self->sink_pad);
  gst_element_add_pad(GST_ELEMENT(self), self->sink_pad);
  self->src_pad = gst_pad_new_from_static_template(&src_template, "src");
  GST_PAD_SET_PROXY_CAPS(self->src_pad);
  gst_element_add_pad(GST_ELEMENT(self), self->src_pad);
  self->inbox = pacer_inbox_new(self->src_pad);
}

static void
install_properties(GObjectClass *object_class)
{
  /**
   * GstAudioPacer:context:
   *
   * Elements with the same name share a media thread.
   */
  props[PROP_CONTEXT] = g_param_spec_string(
      "context", "Context",
      "Name of the media thread to share; none for the application's or a private one", NULL,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  /**
   * GstAudioPacer:look-ahead:
   *
   * How far ahead of real time audio may be sent. It covers the jitter of the network; the sink
   * takes it back at an interruption. Valid from the next frame on.
   */
  props[PROP_LOOK_AHEAD] = g_param_spec_uint(
      "look-ahead", "Look-ahead", "How far ahead of real time audio is sent (ms)", 0, 10000,
      DEFAULT_LOOK_AHEAD, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  /**
   * GstAudioPacer:max-size-time:
   *
   * How much audio may wait. A buffer that begins below the limit is taken whole.
   */
  props[PROP_MAX_SIZE_TIME] = g_param_spec_uint64(
      "max-size-time", "Maximum time", "How much audio may wait before the rest is dropped (ns)",
      GST_SECOND / 50, G_MAXINT64, DEFAULT_MAX_SIZE_TIME,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  /**
   * GstAudioPacer:stats:
   *
   * An "audiopacer-stats" structure: "queued" (ns), "frames" that have left, "late-frames" that
   * left more than 40 ms after they were due and there, "max-lateness-us", "underruns" (pauses
   * inside a response because its audio was not there), "dropped" buffers.
   */
  props[PROP_STATS] =
      g_param_spec_boxed("stats", "Statistics", "Audio waiting, frames sent, lateness in us",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties(object_class, N_PROPS, props);
}

static void
gst_audio_pacer_class_init(GstAudioPacerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(audiopacer_debug, "audiopacer", 0, "real-time audio pacer");
  object_class->set_property = gst_audio_pacer_set_property;
  object_class->get_property = gst_audio_pacer_get_property;
  object_class->finalize = gst_audio_pacer_finalize;
  element_class->change_state = gst_audio_pacer_change_state;
  install_properties(object_class);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Audio pacer", "Filter/Effect/Audio",
      "Cuts speech into 20 ms frames and sends them in real time, a little ahead",
      "Cordboard developers");
}
