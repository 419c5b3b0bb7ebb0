/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-guard-stream.h"

#include <string.h>

#include "cord-guard-halves.h"
#include "cord-http-server.h"

#define LINGER_BYTES (8 * 1024 * 1024) /* that a refused client may still send */
#define READ_SIZE 16384                /* bytes */

struct _CordGuardStream {
  GIOStream parent_instance;

  GSocketConnection *base;
  CordGuardInput *input;
  CordGuardOutput *output;
  CordGuardLimits limits;
  CordCensus *census;

  CordHttpGuard guard;
  GByteArray *waiting;  /* came, not looked at */
  GByteArray *passed;   /* looked at, not read from above */
  GCancellable *wakeup; /* of whoever waits for input */
  GSource *deadline;
  gsize held;      /* of the body, in the census, bytes */
  gboolean served; /* a request at least */
  gboolean told;   /* the reader above has got something of this request */

  GSource *linger;
  gsize lingered; /* bytes */
};

enum {
  PROP_0,
  PROP_BASE_IOSTREAM,
};

G_DEFINE_FINAL_TYPE(CordGuardStream, cord_guard_stream, G_TYPE_IO_STREAM)

static void
disarm(CordGuardStream *self)
{
  if (self->deadline)
    g_source_destroy(self->deadline);
  g_clear_pointer(&self->deadline, g_source_unref);
}

static void
arm(CordGuardStream *self, guint ms, GSourceFunc func)
{
  disarm(self);
  self->deadline = g_timeout_source_new(ms);
  g_source_set_callback(self->deadline, func, self, NULL);
  g_source_attach(self->deadline, g_main_context_get_thread_default());
}

/* The end: what a refused client still sends is thrown away for a moment, because closing a socket
 * with unread bytes in it takes the answer away from the client. */

static void
end_linger(CordGuardStream *self)
{
  if (self->linger == NULL)
    return;
  g_source_destroy(self->linger);
  g_clear_pointer(&self->linger, g_source_unref);
  disarm(self);
  g_io_stream_close(G_IO_STREAM(self->base), NULL, NULL);
  g_object_unref(self);
}

static gboolean
on_linger_deadline(gpointer data)
{
  end_linger(data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_linger_readable(GSocket *socket, GIOCondition condition, gpointer data)
{
  CordGuardStream *self = data;
  gchar bytes[READ_SIZE];
  gssize n = g_socket_receive_with_blocking(socket, bytes, sizeof bytes, FALSE, NULL, NULL);

  if (n > 0 && (self->lingered += (gsize)n) < LINGER_BYTES)
    return G_SOURCE_CONTINUE;
  end_linger(self);
  return G_SOURCE_REMOVE;
}

static void
linger(CordGuardStream *self)
{
  GSocket *socket = g_socket_connection_get_socket(self->base);

  if (self->linger)
    return;
  g_socket_shutdown(socket, FALSE, TRUE, NULL);
  g_object_ref(self); /* until the end of it */
  self->linger = g_socket_create_source(socket, G_IO_IN | G_IO_HUP, NULL);
  g_source_set_callback(self->linger, G_SOURCE_FUNC(on_linger_readable), self, NULL);
  g_source_attach(self->linger, g_main_context_get_thread_default());
  arm(self, self->limits.linger_ms, on_linger_deadline);
}

static void
release_body(CordGuardStream *self)
{
  if (self->held > 0)
    cord_census_release(self->census, self->held);
  self->held = 0;
}

static void
answer(CordGuardStream *self)
{
  const gchar *phrase = cord_http_phrase(self->guard.status);
  g_autofree gchar *body =
      g_strdup_printf("{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}",
                      phrase, self->guard.status, self->guard.reason);
  g_autofree gchar *text =
      g_strdup_printf("HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n"
                      "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                      self->guard.status, phrase, strlen(body), body);
  GOutputStream *output = g_io_stream_get_output_stream(G_IO_STREAM(self->base));

  g_pollable_output_stream_write_nonblocking(G_POLLABLE_OUTPUT_STREAM(output), text, strlen(text),
                                             NULL, NULL);
}

static void
refuse(CordGuardStream *self, guint status, const gchar *reason)
{
  self->guard.phase = CORD_HTTP_REFUSED;
  self->guard.status = status;
  self->guard.reason = reason;
  g_debug("refused: %u %s", status, reason);
  release_body(self);
  if (status > 0)
    answer(self);
  linger(self);
  g_cancellable_cancel(self->wakeup);
}

static gboolean
on_deadline(gpointer data)
{
  CordGuardStream *self = data;

  disarm(self);
  switch (self->guard.phase) {
  case CORD_HTTP_HEAD:
    refuse(self, 408, "The head of the request took too long.");
    break;
  case CORD_HTTP_BODY:
    refuse(self, 408, "The body of the request took too long.");
    break;
  default:
    refuse(self, 0, "idle");
  }
  return G_SOURCE_REMOVE;
}

/* The client takes nothing: whoever writes above gets an error. */
static gboolean
on_write_deadline(gpointer data)
{
  CordGuardStream *self = data;

  disarm(self);
  g_socket_shutdown(g_socket_connection_get_socket(self->base), TRUE, TRUE, NULL);
  return G_SOURCE_REMOVE;
}

static void
enter_phase(CordGuardStream *self)
{
  switch (self->guard.phase) {
  case CORD_HTTP_IDLE:
    release_body(self);
    arm(self, self->limits.idle_ms, on_deadline);
    break;
  case CORD_HTTP_HEAD:
    /* a first head is timed from the start of the connection */
    if (self->served)
      arm(self, self->limits.head_ms, on_deadline);
    break;
  case CORD_HTTP_BODY:
    arm(self, self->limits.body_ms, on_deadline);
    break;
  case CORD_HTTP_REFUSED:
    refuse(self, self->guard.status, self->guard.reason);
    break;
  default:
    self->served = TRUE;
    disarm(self);
  }
}

static void
look(CordGuardStream *self)
{
  CordHttpPhase before = self->guard.phase;
  gsize had = self->passed->len;
  gsize used =
      cord_http_guard_feed(&self->guard, self->waiting->data, self->waiting->len, self->passed);
  gsize more = self->passed->len - had;

  g_byte_array_remove_range(self->waiting, 0, (guint)used);
  if (self->guard.phase == CORD_HTTP_BODY || before == CORD_HTTP_BODY) {
    if (cord_census_hold(self->census, more)) {
      self->held += more;
    } else {
      self->guard.phase = CORD_HTTP_REFUSED;
      self->guard.status = 503;
      self->guard.reason = "Too many large requests at once; try again later.";
    }
  }
  if (self->guard.phase == CORD_HTTP_REFUSED)
    g_byte_array_set_size(self->passed, 0);
  if (self->guard.phase != before)
    enter_phase(self);
}

/* libsoup 3.2 forgets a connection that ends between two requests: it is neither closed nor freed.
 * One byte of a request makes it notice; its answer to that goes nowhere. */
static gssize
read_end(CordGuardStream *self, gchar *buffer)
{
  if (self->told || !self->served)
    return 0;
  self->told = TRUE;
  *buffer = '?';
  return 1;
}

/**
 * cord_guard_stream_expect: (skip)
 * @self: a guarded connection
 *
 * Somebody above wants to read. If all of a request has been read, its answer has been sent.
 */
void
cord_guard_stream_expect(CordGuardStream *self)
{
  if (self->guard.phase != CORD_HTTP_ANSWER || self->passed->len > 0)
    return;
  cord_guard_output_flush(self->output);
  cord_http_guard_next(&self->guard);
  self->told = FALSE;
  enter_phase(self);
}

/**
 * cord_guard_stream_read: (skip)
 * @self: a guarded connection
 * @buffer: where to put what has passed
 * @size: of @buffer
 * @error: return location for an error
 *
 * Reads without blocking, until something passes.
 *
 * Returns: bytes, 0 at the end and after a refusal, -1 with an error
 */
gssize
cord_guard_stream_read(CordGuardStream *self, gpointer buffer, gsize size, GError **error)
{
  GInputStream *base = g_io_stream_get_input_stream(G_IO_STREAM(self->base));
  gsize n;

  while (self->passed->len == 0) {
    guint8 bytes[READ_SIZE];
    gssize got;

    if (self->guard.phase == CORD_HTTP_REFUSED)
      return read_end(self, buffer);
    cord_guard_stream_expect(self);
    if (self->waiting->len == 0) {
      g_autoptr(GError) broken = NULL;

      got = g_pollable_input_stream_read_nonblocking(G_POLLABLE_INPUT_STREAM(base), bytes,
                                                     sizeof bytes, NULL, &broken);
      if (g_error_matches(broken, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ||
          (got <= 0 && self->guard.phase == CORD_HTTP_PASS)) {
        if (broken)
          g_propagate_error(error, g_steal_pointer(&broken));
        return got;
      }
      if (got <= 0) {
        disarm(self);
        self->guard.phase = CORD_HTTP_REFUSED;
        return read_end(self, buffer);
      }
      g_byte_array_append(self->waiting, bytes, (guint)got);
    }
    look(self);
  }
  n = MIN(size, self->passed->len);
  memcpy(buffer, self->passed->data, n);
  g_byte_array_remove_range(self->passed, 0, (guint)n);
  self->told = TRUE;
  return (gssize)n;
}

/**
 * cord_guard_stream_is_readable: (skip)
 * @self: a guarded connection
 *
 * Returns: whether cord_guard_stream_read() would find something, or the end
 */
gboolean
cord_guard_stream_is_readable(CordGuardStream *self)
{
  return self->passed->len > 0 || self->waiting->len > 0 || self->guard.phase == CORD_HTTP_REFUSED;
}

/**
 * cord_guard_stream_get_wakeup: (skip)
 * @self: a guarded connection
 *
 * Returns: (transfer none): cancelled when the connection is refused
 */
GCancellable *
cord_guard_stream_get_wakeup(CordGuardStream *self)
{
  return self->wakeup;
}

/**
 * cord_guard_stream_is_over: (skip)
 * @self: a guarded connection
 *
 * Returns: whether nothing more goes out
 */
gboolean
cord_guard_stream_is_over(CordGuardStream *self)
{
  return self->guard.phase == CORD_HTTP_REFUSED;
}

/**
 * cord_guard_stream_wrote: (skip)
 * @self: a guarded connection
 * @stalled: whether the client took nothing
 *
 * Watches over a client that does not read its answer.
 */
void
cord_guard_stream_wrote(CordGuardStream *self, gboolean stalled)
{
  if (self->guard.phase != CORD_HTTP_ANSWER)
    return;
  if (!stalled)
    disarm(self);
  else if (self->deadline == NULL)
    arm(self, self->limits.write_ms, on_write_deadline);
}

static GInputStream *
cord_guard_stream_get_input_stream(GIOStream *stream)
{
  return G_INPUT_STREAM(CORD_GUARD_STREAM(stream)->input);
}

static GOutputStream *
cord_guard_stream_get_output_stream(GIOStream *stream)
{
  return G_OUTPUT_STREAM(CORD_GUARD_STREAM(stream)->output);
}

static gboolean
cord_guard_stream_close(GIOStream *stream, GCancellable *cancellable, GError **error)
{
  CordGuardStream *self = CORD_GUARD_STREAM(stream);
  GSocket *socket = g_socket_connection_get_socket(self->base);

  if (self->linger)
    return TRUE;
  if (self->guard.phase == CORD_HTTP_PASS)
    return g_io_stream_close(G_IO_STREAM(self->base), cancellable, error);
  disarm(self);
  self->guard.phase = CORD_HTTP_REFUSED;
  if (g_socket_is_connected(socket) && g_socket_get_available_bytes(socket) > 0) {
    linger(self);
    return TRUE;
  }
  return g_io_stream_close(G_IO_STREAM(self->base), cancellable, error);
}

/* GIOStream's own way is a thread, where none of this belongs. */
static void
cord_guard_stream_close_async(GIOStream *stream, int priority, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(stream, cancellable, callback, user_data);
  GError *error = NULL;

  if (cord_guard_stream_close(stream, cancellable, &error))
    g_task_return_boolean(task, TRUE);
  else
    g_task_return_error(task, error);
}

static gboolean
cord_guard_stream_close_finish(GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean(G_TASK(result), error);
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

  disarm(self);
  release_body(self);
  cord_census_unref(self->census);
  cord_http_guard_clear(&self->guard);
  g_byte_array_unref(self->waiting);
  g_byte_array_unref(self->passed);
  g_object_unref(self->wakeup);
  /* they may live on */
  cord_guard_input_detach(self->input);
  cord_guard_output_detach(self->output);
  g_object_unref(self->input);
  g_object_unref(self->output);
  g_object_unref(self->base);
  G_OBJECT_CLASS(cord_guard_stream_parent_class)->finalize(object);
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
  stream_class->close_async = cord_guard_stream_close_async;
  stream_class->close_finish = cord_guard_stream_close_finish;
  g_object_class_install_property(object_class, PROP_BASE_IOSTREAM,
                                  g_param_spec_object("base-iostream", "Base stream",
                                                      "The connection itself", G_TYPE_IO_STREAM,
                                                      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
cord_guard_stream_init(CordGuardStream *self)
{
  self->waiting = g_byte_array_new();
  self->passed = g_byte_array_new();
  self->wakeup = g_cancellable_new();
}

/**
 * cord_guard_stream_new:
 * @base: a connection
 * @limits: what it may do
 * @census: where its bodies are counted
 *
 * Returns: (transfer full): the guarded connection
 */
CordGuardStream *
cord_guard_stream_new(GSocketConnection *base, const CordGuardLimits *limits, CordCensus *census)
{
  CordGuardStream *self = g_object_new(CORD_TYPE_GUARD_STREAM, NULL);

  self->base = g_object_ref(base);
  self->limits = *limits;
  self->census = cord_census_ref(census);
  cord_http_guard_init(&self->guard, limits->max_body);
  self->input = cord_guard_input_new(self, g_io_stream_get_input_stream(G_IO_STREAM(base)));
  self->output = cord_guard_output_new(self, g_io_stream_get_output_stream(G_IO_STREAM(base)));
  arm(self, limits->head_ms, on_deadline);
  return self;
}
