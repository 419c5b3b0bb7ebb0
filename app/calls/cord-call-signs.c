/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "cord-call-private.h"

/* What a call shows of itself to those who look: how it is, how loud it is, how its media do. */

#define LEVELS_EVERY (200 * GST_MSECOND)
#define FULL_SCALE 32768.0
#define SPEAKING "speaking"

/* What an event makes of a call's state. */
static const struct {
  const gchar *event;
  const gchar *state;
} states[] = {
  { CORD_EVENT_CALL_STARTED, "listening" },
  { CORD_EVENT_TURN_ENDED, "processing" },
  { CORD_EVENT_INTERRUPTED, "interrupted" },
};

static const gchar *
find_state(const GstStructure *structure)
{
  const gchar *name = gst_structure_get_name(structure);
  gboolean interrupted = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS(states); i++)
    if (g_str_equal(name, states[i].event))
      return states[i].state;
  gst_structure_get_boolean(structure, "interrupted", &interrupted);
  /* who was interrupted says so before he says what was heard */
  return g_str_equal(name, CORD_EVENT_HEARD) && !interrupted ? "listening" : NULL;
}

static void
set_state(CordCall *self, const gchar *state)
{
  g_autofree gchar *json = NULL;

  if (state == NULL || g_strcmp0(state, self->state) == 0)
    return;
  self->state = state;
  json = g_strdup_printf("{\"state\":\"%s\"}", state);
  self->owner.event(self, "state", json, self->owner_data);
}

/* Sound for the caller; a flush has taken away what is older than an interruption. */
static GstPadProbeReturn
on_voice(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  CordCall *self = data;

  if (self->phase != CORD_CALL_RUNNING)
    return GST_PAD_PROBE_OK;
  self->voice_watched = FALSE;
  set_state(self, SPEAKING);
  return GST_PAD_PROBE_REMOVE;
}

/* Only until it is heard: the other frames of it have nothing to tell. */
static void
watch_voice(CordCall *self)
{
  g_autoptr(GstElement) sink = NULL;
  g_autoptr(GstPad) pad = NULL;

  if (self->voice_watched || self->rest == NULL || self->state == NULL ||
      g_str_equal(self->state, SPEAKING))
    return;
  sink = gst_bin_get_by_name(GST_BIN(self->rest), "sink");
  pad = sink ? gst_element_get_static_pad(sink, "sink") : NULL;
  /* gone with the pad, which the call outlives */
  if (pad)
    self->voice_watched =
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_voice, self, NULL) != 0;
}

/* Tells those who follow the call when it is in another state. */
void
cord_call_show_state(CordCall *self, const GstStructure *structure)
{
  set_state(self, find_state(structure));
  watch_voice(self);
}

/* What the pacer has to say of the frames of the agent's voice: members of a JSON object, each with
 * a comma in front. */
gchar *
cord_call_describe_media(CordCall *self)
{
  static const gchar *const fields[][2] = {
    { "frames", "frames" },
    { "late-frames", "late_frames" },
    { "underruns", "underruns" },
    { "max-lateness-us", "max_lateness_us" },
  };
  g_autoptr(GstElement) pacer =
      self->rest ? gst_bin_get_by_name(GST_BIN(self->rest), "pacer") : NULL;
  g_autoptr(GstStructure) stats = NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  guint64 value;

  if (pacer && g_object_class_find_property(G_OBJECT_GET_CLASS(pacer), "stats"))
    g_object_get(pacer, "stats", &stats, NULL);
  for (guint i = 0; stats && i < G_N_ELEMENTS(fields); i++)
    if (gst_structure_get_uint64(stats, fields[i][0], &value))
      g_string_append_printf(text, ",\"%s\":%" G_GUINT64_FORMAT, fields[i][1], value);
  return g_strdup(text->str);
}

/* Levels */

typedef struct {
  GstPad *pad;
  gulong probe;
  gdouble squares; /* since the last look */
  guint64 samples;
} Meter;

struct _CordCallLevels {
  CordCall *call;
  CordTimer *timer;
  Meter caller, agent;
};

static void
add_mulaw(Meter *meter, const guint8 *codes, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    gdouble sample = cord_g711_decode_sample(codes[i]);

    meter->squares += sample * sample;
  }
  meter->samples += n;
}

static void
add_pcm(Meter *meter, const guint8 *bytes, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    gdouble sample = (gint16)GST_READ_UINT16_LE(bytes + 2 * i);

    meter->squares += sample * sample;
  }
  meter->samples += n;
}

/* On the call's worker, as all of its media. */
static GstPadProbeReturn
on_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Meter *meter = data;
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  GstStructure *structure = caps ? gst_caps_get_structure(caps, 0) : NULL;
  GstMapInfo map;

  if (structure == NULL || !gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ))
    return GST_PAD_PROBE_OK;
  if (gst_structure_has_name(structure, "audio/x-mulaw"))
    add_mulaw(meter, map.data, map.size);
  else if (gst_structure_has_name(structure, "audio/x-raw"))
    add_pcm(meter, map.data, map.size / 2);
  gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
  return GST_PAD_PROBE_OK;
}

static void
open_meter(Meter *meter, GstElement *element, const gchar *pad)
{
  meter->pad = element ? gst_element_get_static_pad(element, pad) : NULL;
  if (meter->pad)
    meter->probe = gst_pad_add_probe(meter->pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, meter, NULL);
}

static void
close_meter(Meter *meter)
{
  if (meter->pad)
    gst_pad_remove_probe(meter->pad, meter->probe);
  gst_clear_object(&meter->pad);
}

/* From 0 to 1, the square mean since the last look; no sound is silence. */
static void
print_level(Meter *meter, gchar *buffer)
{
  gdouble level = meter->samples ? sqrt(meter->squares / (gdouble)meter->samples) / FULL_SCALE : 0;

  meter->squares = 0;
  meter->samples = 0;
  g_ascii_formatd(buffer, G_ASCII_DTOSTR_BUF_SIZE, "%.4f", level);
}

static void
on_levels(gpointer data)
{
  CordCallLevels *levels = data;
  CordCall *call = levels->call;
  gchar caller[G_ASCII_DTOSTR_BUF_SIZE], agent[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree gchar *json = NULL;

  levels->timer = cord_worker_add_timer(call->worker, LEVELS_EVERY, on_levels, levels);
  print_level(&levels->caller, caller);
  print_level(&levels->agent, agent);
  json = g_strdup_printf("{\"caller\":%s,\"agent\":%s}", caller, agent);
  call->owner.event(call, "levels", json, call->owner_data);
}

void
cord_call_levels_free(CordCallLevels *self)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  close_meter(&self->caller);
  close_meter(&self->agent);
  g_free(self);
}

/**
 * cord_call_show_levels:
 * @self: a call, on its worker
 * @wanted: (nullable): %NULL when nobody looks any more
 *
 * Tells how loud both sides are, five times a second ("levels"). That costs a little: it is done
 * while somebody looks.
 */
void
cord_call_show_levels(CordCall *self, const gchar *wanted)
{
  g_autoptr(GstElement) sink = NULL;

  if (wanted == NULL) {
    g_clear_pointer(&self->levels, cord_call_levels_free);
    return;
  }
  if (self->levels || self->phase != CORD_CALL_RUNNING || self->rest == NULL)
    return;
  sink = gst_bin_get_by_name(GST_BIN(self->rest), "sink");
  self->levels = g_new0(CordCallLevels, 1);
  self->levels->call = self;
  open_meter(&self->levels->caller, self->source, "src");
  open_meter(&self->levels->agent, sink, "sink");
  self->levels->timer = cord_worker_add_timer(self->worker, LEVELS_EVERY, on_levels, self->levels);
}
