/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-errand.h"

#include <gst/app/gstappsink.h>

#include "cord-error.h"
#include "cord-events.h"

/* Runs a pipeline from its first byte to its last, for work that is no call: "in" reads the input,
 * "out" gives the output. */

#define SLOWEST_AUDIO                                                                              \
  16000 /* bytes a second, for what does not say how long it is: 8 kHz, 16 bit */
#define CANCELLED "cordboard-errand-cancelled"
#define NOT_STARTED "cordboard-errand-not-started"
#define TOO_MUCH "cordboard-errand-too-much"

typedef struct {
  GstElement *pipeline;
  GstBus *bus;
  const CordErrandOrder *order;
  CordErrandResult *result; /* of the streaming thread until EOS is on the bus */
} Errand;

/**
 * cord_errand_result_free:
 * @self: (transfer full): a result
 */
void
cord_errand_result_free(CordErrandResult *self)
{
  g_byte_array_unref(self->bytes);
  g_clear_pointer(&self->caps, gst_caps_unref);
  g_clear_error(&self->complaint);
  g_free(self);
}

static void
tell(GstBus *bus, GstObject *source, const gchar *name, const gchar *what)
{
  GstStructure *structure = gst_structure_new(name, "what", G_TYPE_STRING, what, NULL);

  gst_bus_post(bus, gst_message_new_application(source, structure));
}

/* On a streaming thread */

static gboolean
append(Errand *self, const guint8 *data, gsize size)
{
  GByteArray *bytes = self->result->bytes;

  if (size > self->order->max_output || bytes->len > self->order->max_output - size)
    return FALSE;
  if (bytes->len > 0 && size > 0 && self->order->separator)
    g_byte_array_append(bytes, (const guint8 *)self->order->separator,
                        (guint)strlen(self->order->separator));
  g_byte_array_append(bytes, data, (guint)size);
  return TRUE;
}

static GstFlowReturn
on_sample(GstAppSink *sink, gpointer data)
{
  Errand *self = data;
  g_autoptr(GstSample) sample = gst_app_sink_pull_sample(sink);
  GstBuffer *buffer = sample ? gst_sample_get_buffer(sample) : NULL;
  GstMapInfo map;
  gboolean taken;

  if (buffer == NULL || !gst_buffer_map(buffer, &map, GST_MAP_READ))
    return GST_FLOW_EOS;
  gst_caps_replace(&self->result->caps, gst_sample_get_caps(sample));
  taken = append(self, map.data, map.size);
  gst_buffer_unmap(buffer, &map);
  if (!taken)
    tell(self->bus, GST_OBJECT(sink), TOO_MUCH, "the result");
  return taken ? GST_FLOW_OK : GST_FLOW_EOS;
}

typedef struct {
  GstBus *bus;
  GstClockTime left;
  gchar *what;
} Limit;

static void
free_limit(gpointer data)
{
  Limit *limit = data;

  gst_object_unref(limit->bus);
  g_free(limit->what);
  g_free(limit);
}

static GstPadProbeReturn
count(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Limit *limit = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstClockTime duration = GST_BUFFER_DURATION(buffer);

  if (!GST_CLOCK_TIME_IS_VALID(duration))
    duration = gst_util_uint64_scale(gst_buffer_get_size(buffer), GST_SECOND, SLOWEST_AUDIO);
  if (duration <= limit->left) {
    limit->left -= duration;
    return GST_PAD_PROBE_OK;
  }
  limit->left = 0;
  tell(limit->bus, GST_OBJECT(pad), TOO_MUCH, limit->what);
  return GST_PAD_PROBE_DROP;
}

/**
 * cord_errand_limit:
 * @errand: a pipeline that does not run yet
 * @element: one of its elements, with a pad "src"
 * @max: how much may leave it, ns
 * @what: what that is, for people
 *
 * An errand in which more leaves @element fails with %CORD_ERROR_TOO_LARGE.
 */
void
cord_errand_limit(GstElement *errand, GstElement *element, GstClockTime max, const gchar *what)
{
  g_autoptr(GstPad) pad = gst_element_get_static_pad(element, "src");
  Limit *limit = g_new0(Limit, 1);

  *limit = (Limit){ gst_element_get_bus(errand), max, g_strdup(what) };
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count, limit, free_limit);
}

/* On the errand's thread */

static void
on_cancelled(GCancellable *cancellable, gpointer data)
{
  Errand *self = data;

  tell(self->bus, GST_OBJECT(self->pipeline), CANCELLED, "");
}

static gboolean
is_failed(const GstStructure *structure, gchar **reason)
{
  CordServiceState state;
  gboolean permanent;

  if (!gst_structure_has_name(structure, CORD_EVENT_SERVICE) ||
      !cord_structure_get_service(structure, &state, &permanent) ||
      (state != CORD_SERVICE_FAILED && state != CORD_SERVICE_LOST))
    return FALSE;
  *reason = g_strdup(gst_structure_get_string(structure, "reason"));
  return TRUE;
}

static void
complain(Errand *self, GError *complaint)
{
  g_clear_error(&self->result->complaint);
  self->result->complaint = complaint;
}

static void
on_element(Errand *self, const GstStructure *structure)
{
  g_autofree gchar *reason = NULL;

  if (is_failed(structure, &reason))
    complain(self, g_error_new_literal(CORD_ERROR, CORD_ERROR_FAILED,
                                       reason ? reason : "a service does not answer"));
  if (self->order->told)
    self->order->told(self->pipeline, structure, self->order->data);
}

static void
on_warning(Errand *self, GstMessage *message)
{
  GError *warning = NULL;
  g_autofree gchar *debug = NULL;

  gst_message_parse_warning(message, &warning, &debug);
  complain(self, warning);
}

static void
set_application_error(const GstStructure *structure, GError **error)
{
  if (gst_structure_has_name(structure, TOO_MUCH))
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE, "%s is too long",
                gst_structure_get_string(structure, "what"));
  else if (gst_structure_has_name(structure, NOT_STARTED))
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_FAILED, "its elements cannot be started");
  else
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "nobody waits for it");
}

/* Whether it is over; then @error tells how. */
static gboolean
handle(Errand *self, GstMessage *message, GError **error)
{
  g_autofree gchar *debug = NULL;

  switch (GST_MESSAGE_TYPE(message)) {
  case GST_MESSAGE_EOS:
    return TRUE;
  case GST_MESSAGE_ERROR:
    gst_message_parse_error(message, error, &debug);
    return TRUE;
  case GST_MESSAGE_APPLICATION:
    set_application_error(gst_message_get_structure(message), error);
    return TRUE;
  case GST_MESSAGE_WARNING:
    on_warning(self, message);
    return FALSE;
  case GST_MESSAGE_ELEMENT:
    on_element(self, gst_message_get_structure(message));
    return FALSE;
  default:
    return FALSE;
  }
}

static void
wait_for_end(Errand *self, GError **error)
{
  gint64 until = g_get_monotonic_time() + self->order->timeout_ms * G_TIME_SPAN_MILLISECOND;
  gboolean over = FALSE;

  while (!over) {
    gint64 left = MAX(until - g_get_monotonic_time(), 0);
    g_autoptr(GstMessage) message = gst_bus_timed_pop(self->bus, (guint64)left * GST_USECOND);

    if (message == NULL) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_TIMEOUT, "it was not done within %u s",
                  self->order->timeout_ms / 1000);
      return;
    }
    over = handle(self, message, error);
  }
}

static void
connect_ends(Errand *self)
{
  g_autoptr(GstElement) in = gst_bin_get_by_name(GST_BIN(self->pipeline), "in");
  g_autoptr(GstElement) out = gst_bin_get_by_name(GST_BIN(self->pipeline), "out");
  g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_bytes(self->order->input);
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample };

  g_object_set(in, "stream", stream, NULL);
  g_object_set(out, "sync", FALSE, NULL);
  gst_app_sink_set_callbacks(GST_APP_SINK(out), &callbacks, self, NULL);
}

/**
 * cord_errand_run:
 * @errand: (transfer none): a pipeline in NULL with a giostreamsrc "in" and an appsink "out"
 * @order: what is to be done
 * @cancellable: (nullable): ends it early
 * @error: return location for an error: what an element said, %CORD_ERROR_TIMEOUT,
 *   %CORD_ERROR_TOO_LARGE or %G_IO_ERROR_CANCELLED
 *
 * Runs @errand until its end. Blocks; any thread that may.
 *
 * Returns: (transfer full): what came out, or %NULL
 */
CordErrandResult *
cord_errand_run(GstElement *errand, const CordErrandOrder *order, GCancellable *cancellable,
                GError **error)
{
  Errand self = { errand, gst_element_get_bus(errand), order, g_new0(CordErrandResult, 1) };
  GError *failure = NULL;
  gulong cancelled;

  self.result->bytes = g_byte_array_new();
  connect_ends(&self);
  cancelled =
      cancellable ? g_cancellable_connect(cancellable, G_CALLBACK(on_cancelled), &self, NULL) : 0;
  /* an element that cannot be started has said why before this */
  if (gst_element_set_state(errand, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    tell(self.bus, GST_OBJECT(errand), NOT_STARTED, "");
  wait_for_end(&self, &failure);
  if (cancelled)
    g_cancellable_disconnect(cancellable, cancelled);
  gst_element_set_state(errand, GST_STATE_NULL);
  gst_object_unref(self.bus);
  if (failure == NULL)
    return self.result;
  cord_errand_result_free(self.result);
  g_propagate_error(error, failure);
  return NULL;
}
