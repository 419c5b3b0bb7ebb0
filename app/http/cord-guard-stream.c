/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-guard-stream.h"

#include <libsoup/soup.h>
#include <string.h>

#define READ_SIZE 8192 /* bytes */

/* The input half */

#define CORD_TYPE_GUARD_INPUT (cord_guard_input_get_type())
G_DECLARE_FINAL_TYPE(CordGuardInput, cord_guard_input, CORD, GUARD_INPUT, GInputStream)

struct _CordGuardInput {
  GInputStream parent_instance;
  CordGuardStream *stream; /* not owned: its owner */
  GInputStream *base;
  GByteArray *passed;
};

struct _CordGuardStream {
  GIOStream parent_instance;
  GIOStream *base;
  CordGuardInput *input;
  CordHttpGuard guard;
  CordGuardPhaseFunc func;
  gpointer data;
};

enum {
  PROP_0,
  PROP_BASE_IOSTREAM,
};

static void cord_guard_input_pollable_init(GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE(CordGuardInput, cord_guard_input, G_TYPE_INPUT_STREAM,
                              G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_INPUT_STREAM,
                                                    cord_guard_input_pollable_init))
G_DEFINE_FINAL_TYPE(CordGuardStream, cord_guard_stream, G_TYPE_IO_STREAM)

static gssize
take_passed(CordGuardInput *self, gpointer buffer, gsize size)
{
  gsize n = MIN(size, self->passed->len);

  memcpy(buffer, self->passed->data, n);
  g_byte_array_remove_range(self->passed, 0, (guint)n);
  return (gssize)n;
}

/* Reads on until something passes, the connection has nothing more, or it is refused (the end). */
static gssize
read_some(CordGuardInput *self, gpointer buffer, gsize size, gboolean blocking,
          GCancellable *cancellable, GError **error)
{
  while (self->passed->len == 0) {
    CordGuardStream *stream = self->stream;
    CordHttpPhase before = stream->guard.phase;
    guint8 bytes[READ_SIZE];
    gssize n;

    if (before == CORD_HTTP_REFUSED)
      return 0;
    n = g_pollable_stream_read(self->base, bytes, sizeof bytes, blocking, cancellable, error);
    if (n <= 0)
      return n;
    if (!cord_http_guard_feed(&stream->guard, bytes, (gsize)n, self->passed))
      cord_guard_stream_refuse(stream, stream->guard.status, stream->guard.reason);
    if (stream->guard.phase != before && stream->func)
      stream->func(stream, stream->guard.phase, stream->data);
  }
  return take_passed(self, buffer, size);
}

static gssize
cord_guard_input_read(GInputStream *stream, void *buffer, gsize size, GCancellable *cancellable,
                      GError **error)
{
  return read_some(CORD_GUARD_INPUT(stream), buffer, size, TRUE, cancellable, error);
}

static gssize
cord_guard_input_read_nonblocking(GPollableInputStream *stream, void *buffer, gsize size,
                                  GError **error)
{
  return read_some(CORD_GUARD_INPUT(stream), buffer, size, FALSE, NULL, error);
}

static gboolean
cord_guard_input_is_readable(GPollableInputStream *stream)
{
  CordGuardInput *self = CORD_GUARD_INPUT(stream);

  return self->passed->len > 0 || self->stream->guard.phase == CORD_HTTP_REFUSED ||
         g_pollable_input_stream_is_readable(G_POLLABLE_INPUT_STREAM(self->base));
}

static GSource *
cord_guard_input_create_source(GPollableInputStream *stream, GCancellable *cancellable)
{
  CordGuardInput *self = CORD_GUARD_INPUT(stream);
  gboolean ready = self->passed->len > 0 || self->stream->guard.phase == CORD_HTTP_REFUSED;
  g_autoptr(GSource) child =
      ready ? g_timeout_source_new(0)
            : g_pollable_input_stream_create_source(G_POLLABLE_INPUT_STREAM(self->base), NULL);

  return g_pollable_source_new_full(stream, child, cancellable);
}

static gboolean
cord_guard_input_close(GInputStream *stream, GCancellable *cancellable, GError **error)
{
  return g_input_stream_close(CORD_GUARD_INPUT(stream)->base, cancellable, error);
}

static void
cord_guard_input_finalize(GObject *object)
{
  CordGuardInput *self = CORD_GUARD_INPUT(object);

  g_byte_array_unref(self->passed);
  g_clear_object(&self->base);
  G_OBJECT_CLASS(cord_guard_input_parent_class)->finalize(object);
}

static void
cord_guard_input_class_init(CordGuardInputClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_guard_input_finalize;
  G_INPUT_STREAM_CLASS(klass)->read_fn = cord_guard_input_read;
  G_INPUT_STREAM_CLASS(klass)->close_fn = cord_guard_input_close;
}

static void
cord_guard_input_pollable_init(GPollableInputStreamInterface *iface)
{
  iface->is_readable = cord_guard_input_is_readable;
  iface->create_source = cord_guard_input_create_source;
  iface->read_nonblocking = cord_guard_input_read_nonblocking;
}

static void
cord_guard_input_init(CordGuardInput *self)
{
  self->passed = g_byte_array_new();
}

/* The whole */

static GInputStream *
cord_guard_stream_get_input_stream(GIOStream *stream)
{
  return G_INPUT_STREAM(CORD_GUARD_STREAM(stream)->input);
}

static GOutputStream *
cord_guard_stream_get_output_stream(GIOStream *stream)
{
  return g_io_stream_get_output_stream(CORD_GUARD_STREAM(stream)->base);
}

static gboolean
cord_guard_stream_close(GIOStream *stream, GCancellable *cancellable, GError **error)
{
  return g_io_stream_close(CORD_GUARD_STREAM(stream)->base, cancellable, error);
}

static void
cord_guard_stream_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_BASE_IOSTREAM)
    g_value_set_object(value, CORD_GUARD_STREAM(object)->base);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void
cord_guard_stream_finalize(GObject *object)
{
  CordGuardStream *self = CORD_GUARD_STREAM(object);

  cord_http_guard_clear(&self->guard);
  G_OBJECT_CLASS(cord_guard_stream_parent_class)->finalize(object);
  g_clear_object(&self->input);
  g_clear_object(&self->base);
}

static void
cord_guard_stream_class_init(CordGuardStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS(klass);

  object_class->get_property = cord_guard_stream_get_property;
  object_class->finalize = cord_guard_stream_finalize;
  stream_class->get_input_stream = cord_guard_stream_get_input_stream;
  stream_class->get_output_stream = cord_guard_stream_get_output_stream;
  stream_class->close_fn = cord_guard_stream_close;
  g_object_class_install_property(object_class, PROP_BASE_IOSTREAM,
                                  g_param_spec_object("base-iostream", "Base stream",
                                                      "The connection itself", G_TYPE_IO_STREAM,
                                                      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
cord_guard_stream_init(CordGuardStream *self)
{
}

/**
 * cord_guard_stream_new:
 * @base: a connection
 * @max_body: the longest body of a request, bytes
 * @func: (nullable): told of each change of phase
 * @data: for @func
 *
 * Returns: (transfer full): the guarded connection
 */
CordGuardStream *
cord_guard_stream_new(GIOStream *base, gsize max_body, CordGuardPhaseFunc func, gpointer data)
{
  CordGuardStream *self = g_object_new(CORD_TYPE_GUARD_STREAM, NULL);

  self->base = g_object_ref(base);
  self->func = func;
  self->data = data;
  cord_http_guard_init(&self->guard, max_body);
  self->input = g_object_new(CORD_TYPE_GUARD_INPUT, NULL);
  self->input->stream = self;
  self->input->base = g_object_ref(g_io_stream_get_input_stream(base));
  return self;
}

/**
 * cord_guard_stream_refuse:
 * @self: a guarded connection
 * @status: an HTTP status
 * @reason: a sentence for the client
 *
 * Answers with a problem document, if the socket takes it, and ends the input.
 */
void
cord_guard_stream_refuse(CordGuardStream *self, guint status, const gchar *reason)
{
  GOutputStream *output = g_io_stream_get_output_stream(self->base);
  g_autofree gchar *body =
      g_strdup_printf("{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}",
                      soup_status_get_phrase(status), status, reason);
  g_autofree gchar *answer = NULL;

  self->guard.phase = CORD_HTTP_REFUSED;
  answer = g_strdup_printf("HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n"
                           "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                           status, soup_status_get_phrase(status), strlen(body), body);
  g_pollable_output_stream_write_nonblocking(G_POLLABLE_OUTPUT_STREAM(output), answer,
                                             strlen(answer), NULL, NULL);
}
