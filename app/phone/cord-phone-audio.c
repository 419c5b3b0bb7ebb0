/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-audio.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <string.h>

#include "cord-error.h"
#include "cord-g711.h"

#define LOUD 400                          /* amplitude from which a sample is speech */
#define LOOK_EVERY (50 * GST_MSECOND)     /* for what went wrong */
#define MAX_LENGTH (600 * CORD_G711_RATE) /* bytes: ten minutes */

static GError *
take_error(GstElement *pipeline)
{
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  GError *error = NULL;

  if (message)
    gst_message_parse_error(message, &error, NULL);
  return error;
}

/* The next sample; none at the end, or when something went wrong: that has no end of stream. */
static GstSample *
pull(GstAppSink *sink, GstElement *pipeline, GError **problem)
{
  while (*problem == NULL && !gst_app_sink_is_eos(sink)) {
    GstSample *sample = gst_app_sink_try_pull_sample(sink, LOOK_EVERY);

    if (sample)
      return sample;
    *problem = take_error(pipeline);
  }
  return NULL;
}

/* Runs a pipeline that ends in an appsink called "sink" and gathers what comes out. */
static GBytes *
gather(GstElement *pipeline, GError **error)
{
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  GByteArray *bytes = g_byte_array_new();
  GstSample *sample;
  GError *problem = NULL;

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while (bytes->len < MAX_LENGTH && (sample = pull(GST_APP_SINK(sink), pipeline, &problem))) {
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    GstMapInfo map;

    if (gst_buffer_map(buffer, &map, GST_MAP_READ)) {
      g_byte_array_append(bytes, map.data, (guint)map.size);
      gst_buffer_unmap(buffer, &map);
    }
    gst_sample_unref(sample);
  }
  if (problem == NULL)
    problem = take_error(pipeline);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  if (problem) {
    g_propagate_error(error, problem);
    g_byte_array_unref(bytes);
    return NULL;
  }
  return g_byte_array_free_to_bytes(bytes);
}

static GBytes *
run(const gchar *description, const gchar *name, const gchar *property, const gchar *value,
    const gchar *voice, GError **error)
{
  g_autoptr(GstElement) pipeline =
      gst_parse_launch_full(description, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr(GstElement) source = NULL;

  if (pipeline == NULL)
    return NULL;
  gst_object_ref_sink(pipeline);
  source = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_object_set(source, property, value, NULL);
  if (voice)
    g_object_set(source, "voice", voice, NULL);
  return gather(pipeline, error);
}

/**
 * cord_phone_render_text:
 * @text: what to say
 * @voice: (nullable): a voice of flitetts
 * @error: return location for an error
 *
 * Returns: (transfer full): it as telephone audio, or %NULL
 */
GBytes *
cord_phone_render_text(const gchar *text, const gchar *voice, GError **error)
{
  return run("flitetts name=source ! mulawcodec mode=encode ! "
             "appsink name=sink sync=false caps=audio/x-mulaw,rate=8000,channels=1",
             "source", "text", text, voice, error);
}

/**
 * cord_phone_render_file:
 * @path: an audio file
 * @error: return location for an error
 *
 * Returns: (transfer full): it as telephone audio, or %NULL
 */
GBytes *
cord_phone_render_file(const gchar *path, GError **error)
{
  /* a folder has no sound, a pipe may never have any */
  if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no file %s", path);
    return NULL;
  }
  return run("filesrc name=source ! decodebin ! audioconvert ! audioresample ! "
             "audio/x-raw,format=S16LE,rate=8000,channels=1 ! mulawcodec mode=encode ! "
             "appsink name=sink sync=false caps=audio/x-mulaw,rate=8000,channels=1",
             "source", "location", path, NULL, error);
}

/**
 * cord_phone_trailing_silence_ms:
 * @mulaw: telephone audio
 *
 * Returns: how long it is silent at its end, ms
 */
guint
cord_phone_trailing_silence_ms(GBytes *mulaw)
{
  gsize size;
  const guint8 *codes = g_bytes_get_data(mulaw, &size);
  gsize last = size;

  while (last > 0 && ABS(cord_g711_decode_sample(codes[last - 1])) < LOUD)
    last--;
  return (guint)((size - last) / (CORD_G711_RATE / 1000));
}

static void
put32(GByteArray *out, guint32 value)
{
  guint32 le = GUINT32_TO_LE(value);

  g_byte_array_append(out, (const guint8 *)&le, 4);
}

static void
put16(GByteArray *out, guint16 value)
{
  guint16 le = GUINT16_TO_LE(value);

  g_byte_array_append(out, (const guint8 *)&le, 2);
}

static void
put_header(GByteArray *out, guint channels, gsize samples)
{
  guint32 data = (guint32)(samples * channels * 2);

  g_byte_array_append(out, (const guint8 *)"RIFF", 4);
  put32(out, 36 + data);
  g_byte_array_append(out, (const guint8 *)"WAVEfmt ", 8);
  put32(out, 16);
  put16(out, 1);
  put16(out, (guint16)channels);
  put32(out, CORD_G711_RATE);
  put32(out, CORD_G711_RATE * channels * 2);
  put16(out, (guint16)(channels * 2));
  put16(out, 16);
  g_byte_array_append(out, (const guint8 *)"data", 4);
  put32(out, data);
}

/**
 * cord_phone_write_wav:
 * @path: where to
 * @left: mu-law
 * @right: (nullable): mu-law of the same length, for a stereo file
 * @error: return location for an error
 *
 * Returns: whether it was written
 */
gboolean
cord_phone_write_wav(const gchar *path, GByteArray *left, GByteArray *right, GError **error)
{
  g_autoptr(GByteArray) out = g_byte_array_new();
  gsize samples = right ? MIN(left->len, right->len) : left->len;

  put_header(out, right ? 2 : 1, samples);
  for (gsize i = 0; i < samples; i++) {
    put16(out, (guint16)cord_g711_decode_sample(left->data[i]));
    if (right)
      put16(out, (guint16)cord_g711_decode_sample(right->data[i]));
  }
  return g_file_set_contents(path, (const gchar *)out->data, (gssize)out->len, error);
}
