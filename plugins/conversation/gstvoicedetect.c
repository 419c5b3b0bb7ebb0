/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-voicedetect
 * @title: voicedetect
 *
 * Tells when somebody speaks. The sound passes unchanged; between its buffers the serialized events
 * `cordboard/speech-started` and `cordboard/speech-stopped` are inserted, each with the running
 * time at which speech began or ended, and the same is posted as element messages. A start goes out
 * before the buffer in which it was decided, an end after it. The position of a start lies up to
 * half a second back, so that whoever keeps that much sound loses no first word; the position of an
 * end is that of the last sound, #GstVoiceDetect:min-silence before the event.
 *
 * Stationary noise, clicks, keypresses and tones do not count as speech, and a noise that grows
 * louder is noise again after 1.5 s. Whispering, which has no pitch, is not noticed.
 *
 * |[
 * gst-launch-1.0 -m filesrc location=call.wav ! wavparse ! voicedetect ! fakesink
 * ]|
 */

#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include "conversation-elements.h"
#include "energy-detector.h"

#include <cordboard.h>
#include <cord-g711.h>
#include <gst/audio/audio.h>
#include <math.h>

GST_DEBUG_CATEGORY_STATIC(voice_detect_debug);
#define GST_CAT_DEFAULT voice_detect_debug

#define CHUNK 320                       /* samples decoded at a time */
#define REPORT_EVERY (40 * GST_MSECOND) /* of sound */
#define MAX_JITTER (100 * GST_MSECOND)  /* a larger jump of the time stamps is a hole */

#define VOICE_CAPS                                                                                 \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, layout = (string) interleaved, "                          \
  "rate = (int) { 8000, 16000, 24000, 48000 }, channels = (int) 1"

#define GST_TYPE_VOICE_DETECT (gst_voice_detect_get_type())
G_DECLARE_FINAL_TYPE(GstVoiceDetect, gst_voice_detect, GST, VOICE_DETECT, GstElement)

/* What the detector said about one buffer. */
typedef struct {
  EnergyDetectorChange change;
  GstClockTime position;
} VoiceChange;

struct _GstVoiceDetect {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;

  /* streaming thread */
  GstSegment segment;
  EnergyDetector detector;
  GArray *changes;
  guint rate; /* 0 until caps are known */
  gboolean mulaw;
  GstClockTime next_time; /* running time that the next buffer should have */
  GstClockTime onset;
  GstClockTime reported; /* sound since then */

  /* object lock */
  EnergyDetectorSettings settings;
  gboolean settings_changed;
  EnergyLevels levels;
  gboolean speaking;
  guint64 n_utterances;
};

enum {
  PROP_0,
  PROP_THRESHOLD,
  PROP_MINIMUM_LEVEL,
  PROP_MIN_SPEECH,
  PROP_MIN_SILENCE,
  PROP_STATS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(VOICE_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(VOICE_CAPS));

G_DEFINE_FINAL_TYPE(GstVoiceDetect, gst_voice_detect, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(voicedetect, "voicedetect", GST_RANK_NONE, GST_TYPE_VOICE_DETECT)

static void
apply_settings(GstVoiceDetect *self)
{
  GST_OBJECT_LOCK(self);
  if (self->settings_changed)
    energy_detector_configure(&self->detector, &self->settings);
  self->settings_changed = FALSE;
  GST_OBJECT_UNLOCK(self);
}

static void
publish_stats(GstVoiceDetect *self)
{
  GST_OBJECT_LOCK(self);
  self->levels = energy_detector_get_levels(&self->detector);
  self->speaking = self->detector.speaking;
  GST_OBJECT_UNLOCK(self);
}

static void
announce(GstVoiceDetect *self, EnergyDetectorChange change, GstClockTime position)
{
  const gboolean started = change == ENERGY_DETECTOR_STARTED;
  GstStructure *structure = cord_structure_new_speech(
      started ? CORD_EVENT_SPEECH_STARTED : CORD_EVENT_SPEECH_STOPPED, position);

  GST_DEBUG_OBJECT(self, "speech %s at %" GST_TIME_FORMAT, started ? "started" : "stopped",
                   GST_TIME_ARGS(position));
  if (started) {
    self->onset = position;
    self->reported = 0;
    GST_OBJECT_LOCK(self);
    self->n_utterances++;
    GST_OBJECT_UNLOCK(self);
  }
  gst_pad_push_event(self->srcpad, cord_event_new(gst_structure_copy(structure)));
  cord_element_post(GST_ELEMENT(self), structure);
}

/* Running time of a detector's position, seen from a position whose running time is known. */
static GstClockTime
time_at(GstVoiceDetect *self, guint64 position, guint64 known, GstClockTime known_time)
{
  GstClockTime distance;

  if (position >= known)
    return known_time + gst_util_uint64_scale(position - known, GST_SECOND, self->rate);
  distance = gst_util_uint64_scale(known - position, GST_SECOND, self->rate);
  return known_time > distance ? known_time - distance : 0;
}

static void
finish_speech(GstVoiceDetect *self, GstClockTime now)
{
  guint64 position;

  if (energy_detector_finish(&self->detector, &position) == ENERGY_DETECTOR_STOPPED)
    announce(
        self, ENERGY_DETECTOR_STOPPED,
        time_at(self, position, self->detector.position, GST_CLOCK_TIME_IS_VALID(now) ? now : 0));
  publish_stats(self);
}

/* Time without sound: as long as that, nobody spoke. */
static void
skip(GstVoiceDetect *self, GstClockTime from, GstClockTime duration)
{
  const guint64 known = self->detector.position;
  guint64 position;

  if (energy_detector_skip(&self->detector, gst_util_uint64_scale(duration, self->rate, GST_SECOND),
                           &position) == ENERGY_DETECTOR_STOPPED)
    announce(self, ENERGY_DETECTOR_STOPPED, time_at(self, position, known, from));
  publish_stats(self);
}

static void
listen(GstVoiceDetect *self, const gint16 *samples, gsize n_samples, guint64 known,
       GstClockTime known_time)
{
  while (n_samples > 0) {
    guint64 position;
    gsize n_used;
    const EnergyDetectorChange change =
        energy_detector_process(&self->detector, samples, n_samples, &n_used, &position);

    if (change != ENERGY_DETECTOR_UNCHANGED) {
      const VoiceChange entry = { change, time_at(self, position, known, known_time) };

      g_array_append_val(self->changes, entry);
    }
    samples += n_used;
    n_samples -= n_used;
  }
}

static void
listen_to_buffer(GstVoiceDetect *self, const GstMapInfo *map, GstClockTime time)
{
  const guint64 known = self->detector.position;
  gint16 samples[CHUNK];

  if (!self->mulaw) {
    listen(self, (const gint16 *)map->data, map->size / sizeof(gint16), known, time);
    return;
  }
  for (gsize at = 0; at < map->size; at += CHUNK) {
    const gsize n_samples = MIN(map->size - at, CHUNK);

    cord_g711_decode(map->data + at, samples, n_samples);
    listen(self, samples, n_samples, known, time);
  }
}

static GstClockTime
buffer_time(GstVoiceDetect *self, GstBuffer *buffer)
{
  GstClockTime time = GST_CLOCK_TIME_NONE;

  if (self->segment.format == GST_FORMAT_TIME && GST_BUFFER_PTS_IS_VALID(buffer))
    time = gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(time))
    time = GST_CLOCK_TIME_IS_VALID(self->next_time) ? self->next_time : 0;
  if (GST_CLOCK_TIME_IS_VALID(self->next_time) && time > self->next_time + MAX_JITTER)
    skip(self, self->next_time, time - self->next_time);
  return time;
}

static void
report_active(GstVoiceDetect *self)
{
  const GstClockTime active =
      gst_util_uint64_scale(energy_detector_get_active(&self->detector), GST_SECOND, self->rate);

  if (active < self->reported + REPORT_EVERY)
    return;
  self->reported = active;
  gst_pad_push_event(self->srcpad,
                     cord_event_new(cord_structure_new_speech_active(self->onset, active)));
}

static GstFlowReturn
push_with_changes(GstVoiceDetect *self, GstBuffer *buffer)
{
  GstFlowReturn ret = GST_FLOW_OK;

  for (guint i = 0; i < self->changes->len; i++) {
    const VoiceChange *entry = &g_array_index(self->changes, VoiceChange, i);

    if (entry->change == ENERGY_DETECTOR_STOPPED && buffer)
      ret = gst_pad_push(self->srcpad, g_steal_pointer(&buffer));
    announce(self, entry->change, entry->position);
  }
  g_array_set_size(self->changes, 0);
  report_active(self);
  return buffer ? gst_pad_push(self->srcpad, buffer) : ret;
}

static GstFlowReturn
gst_voice_detect_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstVoiceDetect *self = GST_VOICE_DETECT(parent);
  GstClockTime time, duration;
  GstMapInfo map;

  if (self->rate == 0) {
    gst_buffer_unref(buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  apply_settings(self);
  time = buffer_time(self, buffer);
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR(self, STREAM, FAILED, (NULL), ("cannot read a buffer"));
    gst_buffer_unref(buffer);
    return GST_FLOW_ERROR;
  }
  duration = gst_util_uint64_scale(self->mulaw ? map.size : map.size / 2, GST_SECOND, self->rate);
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP))
    skip(self, time, duration);
  else
    listen_to_buffer(self, &map, time);
  gst_buffer_unmap(buffer, &map);
  self->next_time = time + duration;
  publish_stats(self);
  return push_with_changes(self, buffer);
}

static void
forget(GstVoiceDetect *self)
{
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
  energy_detector_init(&self->detector, self->rate);
  self->next_time = GST_CLOCK_TIME_NONE;
  GST_OBJECT_LOCK(self);
  self->settings_changed = TRUE;
  GST_OBJECT_UNLOCK(self);
}

static void
take_caps(GstVoiceDetect *self, GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure(caps, 0);
  gint rate = 8000;

  gst_structure_get_int(structure, "rate", &rate);
  self->mulaw = gst_structure_has_name(structure, "audio/x-mulaw");
  if ((guint)rate == self->rate)
    return;
  if (self->rate)
    finish_speech(self, self->next_time);
  self->rate = rate;
  energy_detector_init(&self->detector, rate);
  GST_OBJECT_LOCK(self);
  self->settings_changed = TRUE;
  GST_OBJECT_UNLOCK(self);
}

static void
take_gap(GstVoiceDetect *self, GstEvent *event)
{
  GstClockTime pts, duration, time;

  gst_event_parse_gap(event, &pts, &duration);
  time = gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, pts);
  if (self->rate == 0 || !GST_CLOCK_TIME_IS_VALID(duration) || !GST_CLOCK_TIME_IS_VALID(time))
    return;
  apply_settings(self);
  skip(self, time, duration);
  self->next_time = time + duration;
}

/* The flush has emptied what is behind: only the application is left that has to be told. */
static void
take_flush(GstVoiceDetect *self)
{
  const GstClockTime now = GST_CLOCK_TIME_IS_VALID(self->next_time) ? self->next_time : 0;
  guint64 position;

  if (self->rate && energy_detector_finish(&self->detector, &position) == ENERGY_DETECTOR_STOPPED)
    cord_element_post(
        GST_ELEMENT(self),
        cord_structure_new_speech(CORD_EVENT_SPEECH_STOPPED,
                                  time_at(self, position, self->detector.position, now)));
  self->next_time = GST_CLOCK_TIME_NONE;
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
  publish_stats(self);
}

static gboolean
gst_voice_detect_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstVoiceDetect *self = GST_VOICE_DETECT(parent);
  GstCaps *caps;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS:
    gst_event_parse_caps(event, &caps);
    take_caps(self, caps);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment(event, &self->segment);
    self->next_time = GST_CLOCK_TIME_NONE;
    break;
  case GST_EVENT_GAP:
    take_gap(self, event);
    break;
  case GST_EVENT_EOS:
    if (self->rate)
      finish_speech(self, self->next_time);
    break;
  case GST_EVENT_FLUSH_STOP:
    take_flush(self);
    break;
  default:
    break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static GstStateChangeReturn
gst_voice_detect_change_state(GstElement *element, GstStateChange transition)
{
  GstVoiceDetect *self = GST_VOICE_DETECT(element);
  const GstStateChangeReturn ret =
      GST_ELEMENT_CLASS(gst_voice_detect_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    self->rate = 0;
    forget(self);
    publish_stats(self);
  }
  return ret;
}

static gdouble
to_db(gfloat energy)
{
  return 10.0 * log10(MAX(energy, 1e-12f));
}

static GstStructure *
create_stats(GstVoiceDetect *self)
{
  return gst_structure_new("application/x-voicedetect-stats", "speaking", G_TYPE_BOOLEAN,
                           self->speaking, "level", G_TYPE_DOUBLE, to_db(self->levels.level),
                           "noise", G_TYPE_DOUBLE, to_db(self->levels.noise), "ratio",
                           G_TYPE_DOUBLE, to_db(self->levels.ratio), "utterances", G_TYPE_UINT64,
                           self->n_utterances, NULL);
}

static void
gst_voice_detect_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstVoiceDetect *self = GST_VOICE_DETECT(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_THRESHOLD:
    g_value_set_double(value, self->settings.threshold);
    break;
  case PROP_MINIMUM_LEVEL:
    g_value_set_double(value, self->settings.minimum_level);
    break;
  case PROP_MIN_SPEECH:
    g_value_set_uint(value, self->settings.min_speech_ms);
    break;
  case PROP_MIN_SILENCE:
    g_value_set_uint(value, self->settings.min_silence_ms);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, create_stats(self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_voice_detect_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstVoiceDetect *self = GST_VOICE_DETECT(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_THRESHOLD:
    self->settings.threshold = g_value_get_double(value);
    break;
  case PROP_MINIMUM_LEVEL:
    self->settings.minimum_level = g_value_get_double(value);
    break;
  case PROP_MIN_SPEECH:
    self->settings.min_speech_ms = g_value_get_uint(value);
    break;
  case PROP_MIN_SILENCE:
    self->settings.min_silence_ms = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  self->settings_changed = TRUE;
  GST_OBJECT_UNLOCK(self);
}

static void
gst_voice_detect_finalize(GObject *object)
{
  GstVoiceDetect *self = GST_VOICE_DETECT(object);

  g_array_unref(self->changes);
  G_OBJECT_CLASS(gst_voice_detect_parent_class)->finalize(object);
}

/* Speech-to-text asks whether its utterances will be cut for it. */
static gboolean
gst_voice_detect_src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE(query) == GST_QUERY_CUSTOM &&
      gst_structure_has_name(gst_query_get_structure(query), CORD_QUERY_VOICE_ACTIVITY))
    return TRUE;
  return gst_pad_query_default(pad, parent, query);
}

static void
gst_voice_detect_init(GstVoiceDetect *self)
{
  self->settings = ENERGY_DETECTOR_DEFAULT_SETTINGS;
  self->changes = g_array_new(FALSE, FALSE, sizeof(VoiceChange));
  forget(self);
  publish_stats(self);

  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, gst_voice_detect_chain);
  gst_pad_set_event_function(self->sinkpad, gst_voice_detect_sink_event);
  GST_PAD_SET_PROXY_CAPS(self->sinkpad);
  GST_PAD_SET_PROXY_ALLOCATION(self->sinkpad);
  GST_PAD_SET_PROXY_SCHEDULING(self->sinkpad);
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  GST_PAD_SET_PROXY_CAPS(self->srcpad);
  gst_pad_set_query_function(self->srcpad, gst_voice_detect_src_query);
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}

static void
install_properties(GObjectClass *object_class)
{
  const EnergyDetectorSettings defaults = ENERGY_DETECTOR_DEFAULT_SETTINGS;
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  props[PROP_THRESHOLD] = g_param_spec_double(
      "threshold", "Threshold", "How far sound must stand above the noise to be speech, in dB", 1.0,
      40.0, defaults.threshold, flags);
  props[PROP_MINIMUM_LEVEL] =
      g_param_spec_double("minimum-level", "Minimum level",
                          "Level below which nothing is speech however quiet it is around, in dBFS",
                          -90.0, 0.0, defaults.minimum_level, flags);
  props[PROP_MIN_SPEECH] = g_param_spec_uint(
      "min-speech", "Minimum speech", "How long sound must last to be speech, in milliseconds", 10,
      2000, defaults.min_speech_ms, flags);
  props[PROP_MIN_SILENCE] =
      g_param_spec_uint("min-silence", "Minimum silence",
                        "How long it must be silent until speech is over, in milliseconds", 20,
                        10000, defaults.min_silence_ms, flags);
  props[PROP_STATS] = g_param_spec_boxed(
      "stats", "Statistics",
      "speaking, level (dBFS), noise (dBFS), ratio (dB above the noise), utterances so far",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties(object_class, N_PROPS, props);
}

static void
gst_voice_detect_class_init(GstVoiceDetectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->get_property = gst_voice_detect_get_property;
  object_class->set_property = gst_voice_detect_set_property;
  object_class->finalize = gst_voice_detect_finalize;
  install_properties(object_class);

  element_class->change_state = GST_DEBUG_FUNCPTR(gst_voice_detect_change_state);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Voice detector", "Filter/Analyzer/Audio",
      "Tells by events and messages when somebody speaks; the sound passes unchanged",
      "Cordboard developers");

  GST_DEBUG_CATEGORY_INIT(voice_detect_debug, "voicedetect", 0, "voice detector");
}
