/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-private.h"

/*
 * The way out of every exchange and socket, where faults happen to what modules say: a piece is
 * lost, doubled, cut, held up, or is the last.
 */

#define PING 0x89
#define PINGS 100
#define LARGE (16 * 1024 * 1024) /* bytes */
#define ABNORMAL 1006            /* a close code that is never sent: the connection just ends */

typedef enum {
  PIECE_TEXT,
  PIECE_BINARY,
  PIECE_CLOSE,
  PIECE_END,
} PieceType;

/* What waits while a connection is paused */
typedef struct {
  PieceType type;
  GBytes *data; /* of a close: its reason */
  guint16 code;
  gboolean counted; /* its faults have happened */
} SimPiece;

static void
free_piece(gpointer data)
{
  SimPiece *piece = data;

  g_bytes_unref(piece->data);
  g_free(piece);
}

static void
wait_with(SimConnection *self, PieceType type, gconstpointer data, gsize length, guint16 code,
          gboolean counted)
{
  SimPiece *piece = g_new(SimPiece, 1);

  *piece = (SimPiece){ type, g_bytes_new(data, length), code, counted };
  g_queue_push_tail(&self->waiting, piece);
}

/* @index: among the provider's; -1: the next */
void
sim_connection_init(SimConnection *self, SimServer *server, const SimRoute *route, gint index)
{
  gpointer n = g_hash_table_lookup(server->connections, route->provider);

  self->server = server;
  self->route = route;
  self->index = index;
  self->born = cord_worker_get_time(server->worker);
  g_queue_init(&self->waiting);
  if (index < 0) {
    self->index = GPOINTER_TO_INT(n);
    g_hash_table_insert(server->connections, (gpointer)route->provider,
                        GINT_TO_POINTER(self->index + 1));
  }
  self->number =
      GPOINTER_TO_INT(g_hash_table_lookup(server->recorded, route->provider)) + self->index;
}

void
sim_connection_clear(SimConnection *self)
{
  g_clear_pointer(&self->held, g_bytes_unref);
  g_clear_pointer(&self->swapped, g_bytes_unref);
  g_clear_pointer(&self->drip, g_bytes_unref);
  g_clear_pointer(&self->end_object, json_object_unref);
  g_queue_clear_full(&self->waiting, free_piece);
}

/* Out of it */

static void
emit(SimConnection *self, gboolean text, gconstpointer data, gsize length)
{
  g_autoptr(GBytes) swapped = g_steal_pointer(&self->swapped);
  GByteArray *joined;

  if (!self->held) {
    self->emit(self, text, data, length);
  } else {
    joined = g_byte_array_new();
    g_byte_array_append(joined, g_bytes_get_data(self->held, NULL),
                        (guint)g_bytes_get_size(self->held));
    g_byte_array_append(joined, data, (guint)length);
    g_clear_pointer(&self->held, g_bytes_unref);
    self->emit(self, text, joined->data, joined->len);
    g_byte_array_unref(joined);
  }
  if (swapped)
    self->emit(self, self->swapped_text, g_bytes_get_data(swapped, NULL),
               g_bytes_get_size(swapped));
}

static void
hold(SimConnection *self, const guint8 *data, gsize length)
{
  GByteArray *all = g_byte_array_new();

  if (self->held)
    g_byte_array_append(all, g_bytes_get_data(self->held, NULL),
                        (guint)g_bytes_get_size(self->held));
  g_byte_array_append(all, data, (guint)length);
  g_clear_pointer(&self->held, g_bytes_unref);
  self->held = g_byte_array_free_to_bytes(all);
}

/* Pauses */

static void
resume(SimConnection *self)
{
  self->paused = FALSE;
  while (!self->paused && !g_queue_is_empty(&self->waiting)) {
    SimPiece *piece = g_queue_pop_head(&self->waiting);
    gsize length;
    gconstpointer data = g_bytes_get_data(piece->data, &length);

    if (piece->type == PIECE_CLOSE)
      sim_connection_close(self, piece->code, data);
    else if (piece->type == PIECE_END)
      sim_connection_end(self);
    else if (piece->counted)
      emit(self, piece->type == PIECE_TEXT, data, length);
    else
      sim_connection_send(self, piece->type == PIECE_TEXT, data, length);
    free_piece(piece);
  }
}

/* Of what drips out, one part after the other; what else there is waits. */
static void
drip(SimConnection *self)
{
  gsize length;
  const guint8 *data = g_bytes_get_data(self->drip, &length);
  gsize step = self->drip_step ? self->drip_step : length;
  gssize n = self->raw(self, data + self->dripped, MIN(step, length - self->dripped));

  if (n > 0)
    self->dripped += (gsize)n;
  if (self->dripped < length && n >= 0) {
    self->schedule(self, n > 0 ? self->drip_delay : GST_MSECOND, drip);
    return;
  }
  g_clear_pointer(&self->drip, g_bytes_unref);
  resume(self);
}

/* @bytes: taken */
static void
start_drip(SimConnection *self, GBytes *bytes, gsize step, GstClockTime delay)
{
  self->drip = bytes;
  self->dripped = 0;
  self->drip_step = step;
  self->drip_delay = delay;
  self->paused = TRUE;
  self->schedule(self, 0, drip);
}

/* What happens to a piece */

static gsize
bytes_of(const SimFault *fault, gsize length)
{
  return (gsize)CLAMP(cord_json_peek_int(fault->object, "bytes", 1), 0, (gint64)length);
}

static void
close_wildly(SimConnection *self)
{
  guint16 code = (guint16)cord_json_peek_int(self->end_object, "code", 1011);
  const gchar *reason = cord_json_peek_string(self->end_object, "reason", "");

  if (code == ABNORMAL)
    self->reset(self, FALSE);
  else if (code >= 1000 && code < 5000 && code != 1004 && code != 1015)
    self->close(self, code, reason);
  else
    start_drip(self, sim_frame_close(code, reason), 0, 0);
}

static void
end_now(SimConnection *self)
{
  const gchar *kind = self->end_kind;

  if (g_str_equal(kind, "gone"))
    sim_server_go_away(
        self->server, (GstClockTime)cord_json_peek_int(self->end_object, "ms", 1000) * GST_MSECOND);
  if (g_str_equal(kind, "reset") || g_str_equal(kind, "gone"))
    self->reset(self, TRUE);
  else if (g_str_equal(kind, "half"))
    self->half(self);
  else if (g_str_equal(kind, "deaf"))
    self->deaf(self);
  else if (g_str_equal(kind, "close") && json_object_has_member(self->end_object, "code"))
    close_wildly(self);
  else if (g_str_equal(kind, "close"))
    self->reset(self, FALSE);
}

/* The last that it says; of the piece only what "bytes" says still goes out. */
static void
end_it(SimConnection *self, const SimFault *fault, gboolean text, const guint8 *data, gsize length)
{
  self->silent = TRUE;
  self->end_kind = fault->kind;
  g_clear_pointer(&self->end_object, json_object_unref);
  self->end_object = json_object_ref(fault->object);
  if (!json_object_has_member(fault->object, "bytes")) {
    end_now(self);
    return;
  }
  emit(self, text, data, bytes_of(fault, length));
  /* they are not written at once */
  self->schedule(self, GST_MSECOND, end_now);
}

static void
send_pings(SimConnection *self, const SimFault *fault, gboolean text, const guint8 *data,
           gsize length)
{
  GByteArray *frames = g_byte_array_new();

  for (gint64 i = cord_json_peek_int(fault->object, "count", PINGS); i > 0; i--)
    sim_frame_append(frames, PING, "sim", 3);
  start_drip(self, g_byte_array_free_to_bytes(frames), 0, 0);
  wait_with(self, text ? PIECE_TEXT : PIECE_BINARY, data, length, 0, TRUE);
}

static void
replace(SimConnection *self, const SimFault *fault, gboolean text)
{
  g_autoptr(GBytes) body = sim_fault_get_body(fault);
  gsize length;
  const guint8 *data = g_bytes_get_data(body, &length);

  /* a text that is none goes past the engine, which would not send it */
  if (text && self->route->opened && !g_utf8_validate((const gchar *)data, (gssize)length, NULL))
    start_drip(self, sim_frame_fragments(TRUE, data, length, 0), 0, 0);
  else
    emit(self, text, data, length);
}

static void
send_large(SimConnection *self, const SimFault *fault, gboolean text)
{
  gsize size = (gsize)CLAMP(cord_json_peek_int(fault->object, "bytes", LARGE), 2, 4 * LARGE);
  g_autofree gchar *filler = g_malloc(size);

  memset(filler, 'x', size);
  filler[0] = filler[size - 1] = '"';
  emit(self, text, filler, size);
}

static gboolean
apply_to_order(SimConnection *self, const SimFault *fault, gboolean text, const guint8 *data,
               gsize length)
{
  const gchar *kind = fault->kind;
  g_autoptr(GBytes) whole = g_bytes_new(data, length);

  if (g_str_equal(kind, "swap")) {
    g_clear_pointer(&self->swapped, g_bytes_unref);
    self->swapped = g_bytes_ref(whole);
    self->swapped_text = text;
  } else if (g_str_equal(kind, "join")) {
    hold(self, data, length);
  } else if (g_str_equal(kind, "delay")) {
    self->later(self, sim_fault_get_ms(fault, "ms", 1000), text, whole);
  } else if (g_str_equal(kind, "pause")) {
    self->paused = TRUE;
    wait_with(self, text ? PIECE_TEXT : PIECE_BINARY, data, length, 0, TRUE);
    self->schedule(self, sim_fault_get_ms(fault, "ms", 1000), resume);
  } else if (g_str_equal(kind, "split")) {
    gsize cut = bytes_of(fault, length);
    g_autoptr(GBytes) rest = g_bytes_new(data + cut, length - cut);

    emit(self, text, data, cut);
    self->later(self, GST_MSECOND, text, rest);
  } else if (g_str_equal(kind, "dribble") || g_str_equal(kind, "fragment")) {
    gboolean frames = g_str_equal(kind, "fragment");
    gsize step = MAX(bytes_of(fault, length), 1);
    gboolean socket = self->route->opened != NULL;

    start_drip(self,
               socket ? sim_frame_fragments(text, data, length, frames ? step : 0)
                      : g_steal_pointer(&whole),
               socket && frames ? 0 : step, sim_fault_get_ms(fault, "ms", 0));
  } else {
    return FALSE;
  }
  return TRUE;
}

/* In the place of the piece */
static void
apply(SimConnection *self, const SimFault *fault, gboolean text, const guint8 *data, gsize length)
{
  const gchar *kind = fault->kind;

  if (apply_to_order(self, fault, text, data, length))
    return;
  if (g_str_equal(kind, "duplicate")) {
    emit(self, text, data, length);
    emit(self, text, data, length);
  } else if (g_str_equal(kind, "truncate")) {
    emit(self, text, data, bytes_of(fault, length));
  } else if (g_str_equal(kind, "replace")) {
    replace(self, fault, text);
  } else if (g_str_equal(kind, "insert")) {
    replace(self, fault, text);
    emit(self, text, data, length);
  } else if (g_str_equal(kind, "large")) {
    send_large(self, fault, text);
  } else if (g_str_equal(kind, "ping") && self->route->opened) {
    send_pings(self, fault, text, data, length);
  } else if (g_str_equal(kind, "ping")) {
    emit(self, text, data, length);
  } else if (!g_str_equal(kind, "drop")) {
    end_it(self, fault, text, data, length);
  }
}

/* Faults that come with time */

static void
on_due(SimConnection *self)
{
  GstClockTime age = cord_worker_get_time(self->server->worker) - self->born;
  SimFault *fault;

  while (!self->silent && (fault = sim_fault_find_due(self, age))) {
    if (g_str_equal(fault->kind, "pause")) {
      self->paused = TRUE;
      self->schedule(self, sim_fault_get_ms(fault, "ms", 1000), resume);
    } else if (g_str_equal(fault->kind, "insert")) {
      replace(self, fault, TRUE);
    } else {
      end_it(self, fault, TRUE, (const guint8 *)"", 0);
    }
  }
}

void
sim_connection_begin(SimConnection *self)
{
  for (guint i = 0; i < self->server->faults->len; i++) {
    SimFault *fault = self->server->faults->pdata[i];

    if (fault->at_ms >= 0)
      self->schedule(self, (GstClockTime)fault->at_ms * GST_MSECOND, on_due);
  }
}

/* Into it */

/* One piece: a chunk, an event, a message. */
void
sim_connection_send(SimConnection *self, gboolean text, gconstpointer data, gsize length)
{
  SimFault *fault;

  if (self->silent)
    return;
  if (self->paused) {
    wait_with(self, text ? PIECE_TEXT : PIECE_BINARY, data, length, 0, FALSE);
    return;
  }
  sim_journal_add(self, "out", text ? "text" : "binary", data, length);
  fault = sim_fault_find(self, self->sent++);
  if (fault)
    apply(self, fault, text, data, length);
  else
    emit(self, text, data, length);
}

/* What was joined or swapped with a piece that never came goes out by itself. */
static void
let_go(SimConnection *self)
{
  g_autoptr(GBytes) held = g_steal_pointer(&self->held);
  g_autoptr(GBytes) swapped = g_steal_pointer(&self->swapped);

  if (held)
    self->emit(self, TRUE, g_bytes_get_data(held, NULL), g_bytes_get_size(held));
  if (swapped)
    self->emit(self, self->swapped_text, g_bytes_get_data(swapped, NULL),
               g_bytes_get_size(swapped));
}

void
sim_connection_close(SimConnection *self, guint16 code, const gchar *reason)
{
  if (self->silent)
    return;
  if (self->paused) {
    wait_with(self, PIECE_CLOSE, reason ? reason : "", strlen(reason ? reason : "") + 1, code,
              FALSE);
    return;
  }
  self->close(self, code, reason);
}

void
sim_connection_end(SimConnection *self)
{
  if (self->silent)
    return;
  if (self->paused) {
    wait_with(self, PIECE_END, "", 0, 0, FALSE);
    return;
  }
  let_go(self);
  self->finish(self);
}
