/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-guard-halves.h"

#include <gio/gfiledescriptorbased.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define LENGTH "\r\nContent-Length: "

/* The stream is not owned: it owns its halves, and detaches them when it goes first. */

struct _CordGuardInput {
  GInputStream parent_instance;
  CordGuardStream *stream;
  GInputStream *base;
};

struct _CordGuardOutput {
  GOutputStream parent_instance;
  CordGuardStream *stream;
  GOutputStream *base;
  gboolean held; /* the kernel waits for more before it sends */
};

/* Input */

static gssize
cord_guard_input_read_nonblocking(GPollableInputStream *stream, void *buffer, gsize size,
                                  GError **error)
{
  CordGuardInput *self = CORD_GUARD_INPUT(stream);

  return self->stream ? cord_guard_stream_read(self->stream, buffer, size, error) : 0;
}

static gssize
cord_guard_input_read(GInputStream *stream, void *buffer, gsize size, GCancellable *cancellable,
                      GError **error)
{
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                      "a guarded connection is read without blocking");
  return -1;
}

static gboolean
cord_guard_input_is_readable(GPollableInputStream *stream)
{
  CordGuardInput *self = CORD_GUARD_INPUT(stream);

  return self->stream == NULL || cord_guard_stream_is_readable(self->stream) ||
         g_pollable_input_stream_is_readable(G_POLLABLE_INPUT_STREAM(self->base));
}

/* A source that may recurse stays in its context while it is dispatched. One that may not is taken
 * out and put back, its child as well, and each of these steps wakes the thread by a system call.
 */
static GSource *
wrap_source(gpointer stream, GSource *child, GCancellable *cancellable)
{
  GSource *source = g_pollable_source_new_full(stream, child, cancellable);

  g_source_set_can_recurse(child, TRUE);
  g_source_set_can_recurse(source, TRUE);
  return source;
}

static GSource *
cord_guard_input_create_source(GPollableInputStream *stream, GCancellable *cancellable)
{
  CordGuardInput *self = CORD_GUARD_INPUT(stream);
  g_autoptr(GSource) child = NULL;

  if (self->stream)
    cord_guard_stream_expect(self->stream);
  if (self->stream == NULL || cord_guard_stream_is_readable(self->stream))
    child = g_timeout_source_new(0);
  else
    child = g_pollable_input_stream_create_source(G_POLLABLE_INPUT_STREAM(self->base),
                                                  cord_guard_stream_get_wakeup(self->stream));
  return wrap_source(stream, child, cancellable);
}

static gboolean
cord_guard_input_close(GInputStream *stream, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
cord_guard_input_pollable_init(GPollableInputStreamInterface *iface)
{
  iface->is_readable = cord_guard_input_is_readable;
  iface->create_source = cord_guard_input_create_source;
  iface->read_nonblocking = cord_guard_input_read_nonblocking;
}

G_DEFINE_FINAL_TYPE_WITH_CODE(CordGuardInput, cord_guard_input, G_TYPE_INPUT_STREAM,
                              G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_INPUT_STREAM,
                                                    cord_guard_input_pollable_init))

static void
cord_guard_input_finalize(GObject *object)
{
  g_clear_object(&CORD_GUARD_INPUT(object)->base);
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
cord_guard_input_init(CordGuardInput *self)
{
}

/**
 * cord_guard_input_new: (skip)
 * @stream: whose half it is
 * @base: the connection's input
 *
 * Returns: (transfer full): the input half
 */
CordGuardInput *
cord_guard_input_new(CordGuardStream *stream, GInputStream *base)
{
  CordGuardInput *self = g_object_new(CORD_TYPE_GUARD_INPUT, NULL);

  self->stream = stream;
  self->base = g_object_ref(base);
  return self;
}

/**
 * cord_guard_input_detach: (skip)
 * @self: an input half whose stream goes
 */
void
cord_guard_input_detach(CordGuardInput *self)
{
  self->stream = NULL;
}

/* Output */

/* The head of an answer that has a body. */
static gboolean
is_head(const gchar *text, gsize size)
{
  const gchar *length;

  if (size < 64 || memcmp(text, "HTTP/1.", 7) != 0 || memcmp(text + size - 4, "\r\n\r\n", 4) != 0)
    return FALSE;
  length = memmem(text, size, LENGTH, strlen(LENGTH));
  return length && length[strlen(LENGTH)] != '0';
}

/* Head and body of an answer come in two pieces and leave in one. */
static gssize
hold_head(CordGuardOutput *self, const void *buffer, gsize size)
{
  GFileDescriptorBased *base =
      G_IS_FILE_DESCRIPTOR_BASED(self->base) ? G_FILE_DESCRIPTOR_BASED(self->base) : NULL;
  gssize n = -1;

  if (base && is_head(buffer, size))
    n = send(g_file_descriptor_based_get_fd(base), buffer, size,
             MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL);
  self->held = n > 0;
  return n;
}

static gssize
cord_guard_output_write_nonblocking(GPollableOutputStream *stream, const void *buffer, gsize size,
                                    GError **error)
{
  CordGuardOutput *self = CORD_GUARD_OUTPUT(stream);
  gssize n;

  if (self->stream && cord_guard_stream_is_over(self->stream))
    return (gssize)size;
  n = hold_head(self, buffer, size);
  if (n <= 0)
    n = g_pollable_output_stream_write_nonblocking(G_POLLABLE_OUTPUT_STREAM(self->base), buffer,
                                                   size, NULL, error);
  if (self->stream)
    cord_guard_stream_wrote(self->stream, n < 0);
  return n;
}

/**
 * cord_guard_output_flush: (skip)
 * @self: an output half
 *
 * The answer has been written: the head of one to a HEAD request is all of it.
 */
void
cord_guard_output_flush(CordGuardOutput *self)
{
  const int on = 1;

  if (!self->held)
    return;
  self->held = FALSE;
  setsockopt(g_file_descriptor_based_get_fd(G_FILE_DESCRIPTOR_BASED(self->base)), IPPROTO_TCP,
             TCP_NODELAY, &on, sizeof on);
}

static gssize
cord_guard_output_write(GOutputStream *stream, const void *buffer, gsize size,
                        GCancellable *cancellable, GError **error)
{
  return g_output_stream_write(CORD_GUARD_OUTPUT(stream)->base, buffer, size, cancellable, error);
}

static gboolean
cord_guard_output_is_writable(GPollableOutputStream *stream)
{
  return g_pollable_output_stream_is_writable(
      G_POLLABLE_OUTPUT_STREAM(CORD_GUARD_OUTPUT(stream)->base));
}

static GSource *
cord_guard_output_create_source(GPollableOutputStream *stream, GCancellable *cancellable)
{
  g_autoptr(GSource) child = g_pollable_output_stream_create_source(
      G_POLLABLE_OUTPUT_STREAM(CORD_GUARD_OUTPUT(stream)->base), NULL);

  return wrap_source(stream, child, cancellable);
}

static gboolean
cord_guard_output_close(GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
cord_guard_output_pollable_init(GPollableOutputStreamInterface *iface)
{
  iface->is_writable = cord_guard_output_is_writable;
  iface->create_source = cord_guard_output_create_source;
  iface->write_nonblocking = cord_guard_output_write_nonblocking;
}

G_DEFINE_FINAL_TYPE_WITH_CODE(CordGuardOutput, cord_guard_output, G_TYPE_OUTPUT_STREAM,
                              G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                    cord_guard_output_pollable_init))

static void
cord_guard_output_finalize(GObject *object)
{
  g_clear_object(&CORD_GUARD_OUTPUT(object)->base);
  G_OBJECT_CLASS(cord_guard_output_parent_class)->finalize(object);
}

static void
cord_guard_output_class_init(CordGuardOutputClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_guard_output_finalize;
  G_OUTPUT_STREAM_CLASS(klass)->write_fn = cord_guard_output_write;
  G_OUTPUT_STREAM_CLASS(klass)->close_fn = cord_guard_output_close;
}

static void
cord_guard_output_init(CordGuardOutput *self)
{
}

/**
 * cord_guard_output_new: (skip)
 * @stream: whose half it is
 * @base: the connection's output
 *
 * Returns: (transfer full): the output half
 */
CordGuardOutput *
cord_guard_output_new(CordGuardStream *stream, GOutputStream *base)
{
  CordGuardOutput *self = g_object_new(CORD_TYPE_GUARD_OUTPUT, NULL);

  self->stream = stream;
  self->base = g_object_ref(base);
  return self;
}

/**
 * cord_guard_output_detach: (skip)
 * @self: an output half whose stream goes
 */
void
cord_guard_output_detach(CordGuardOutput *self)
{
  self->stream = NULL;
}
