/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-g711.h"
#include "cord-reply.h"
#include "cord-spoken-text.h"
#include "cord-tts-base-private.h"

#define KEPT_TURNS 3 /* whose playout may still be reported */
#define PRIV(self) cord_tts_base_get_private(self)

static void
free_item(gpointer data)
{
  Item *item = data;

  g_clear_pointer(&item->turn, cord_turn_unref);
  gst_clear_event(&item->event);
  g_clear_pointer(&item->clip, g_bytes_unref);
  g_free(item->text);
  g_free(item);
}

static CordSpokenText *
find_turn(CordTtsBasePrivate *priv, guint turn)
{
  for (GList *l = priv->turns.head; l; l = l->next) {
    if (cord_spoken_text_get_turn(l->data) == turn)
      return l->data;
  }
  return NULL;
}

static CordSpokenText *
ensure_turn(CordTtsBasePrivate *priv, guint turn)
{
  CordSpokenText *spoken = find_turn(priv, turn);

  if (spoken)
    return spoken;
  g_queue_push_head(&priv->turns, cord_spoken_text_new(turn));
  while (g_queue_get_length(&priv->turns) > KEPT_TURNS)
    cord_spoken_text_free(g_queue_pop_tail(&priv->turns));
  priv->discont = TRUE;
  return priv->turns.head->data;
}

static guint
turn_number(const Item *item)
{
  return item->turn ? cord_turn_get_number(item->turn) : 0;
}

static void
push_caps(CordTtsBasePrivate *priv, const CordTtsFormat *format)
{
  g_autoptr(GstCaps) caps = NULL;

  if (format->rate == priv->told.rate && format->mulaw == priv->told.mulaw)
    return;
  caps = cord_tts_format_to_caps(format);
  gst_pad_push_event(priv->src, gst_event_new_caps(caps));
  priv->told = *format;
}

/* The sticky events that must stand before audio; @format: (nullable): of audio that follows. */
static void
push_preamble(CordTtsBase *self, const CordTtsFormat *format)
{
  CordTtsBasePrivate *priv = PRIV(self);

  if (!priv->started) {
    g_autofree gchar *id = gst_pad_create_stream_id(priv->src, GST_ELEMENT(self), NULL);
    GstEvent *event = gst_event_new_stream_start(id);

    gst_event_set_group_id(event, gst_util_group_id_next());
    gst_pad_push_event(priv->src, event);
    priv->started = TRUE;
  }
  if (format == NULL)
    format = priv->told.rate > 0 ? &priv->told : &priv->format;
  /* a voice whose format is not known yet has caps before its first audio */
  if (format->rate == 0)
    return;
  push_caps(priv, format);
  if (priv->need_segment) {
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(priv->src, gst_event_new_segment(&segment));
    priv->need_segment = FALSE;
  }
}

static void
push_event_item(CordTtsBase *self, Item *item)
{
  CordTtsBasePrivate *priv = PRIV(self);
  CordTtsBaseClass *klass = CORD_TTS_BASE_GET_CLASS(self);

  if (cord_event_is(item->event, CORD_EVENT_RESPONSE_FINISHED) && klass->turn_done)
    klass->turn_done(self, cord_structure_get_turn(gst_event_get_structure(item->event)));
  push_preamble(self, NULL);
  gst_pad_push_event(priv->src, g_steal_pointer(&item->event));
}

/* Audio of the piece that is spoken now. Whoever gets it may flush, and the item is gone. */
static void
push_audio(CordTtsBase *self, GstBuffer *buffer, const CordTtsFormat *format)
{
  CordTtsBasePrivate *priv = PRIV(self);
  Item *item = priv->speaking;
  GstClockTime duration = gst_util_uint64_scale(
      gst_buffer_get_size(buffer) / (format->mulaw ? 1 : 2), GST_SECOND, format->rate);

  if (item->turn)
    cord_turn_stamp(item->turn, CORD_TURN_STAMP_TTS_FIRST_AUDIO,
                    cord_worker_get_time(priv->worker));
  if (GST_CLOCK_TIME_IS_VALID(item->pts) && item->pts > priv->position) {
    priv->position = item->pts;
    priv->discont = TRUE;
  }
  cord_buffer_set_turn(buffer, item->turn);
  GST_BUFFER_PTS(buffer) = priv->position;
  GST_BUFFER_DURATION(buffer) = duration;
  if (priv->discont)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  priv->discont = FALSE;
  priv->position += duration;
  cord_spoken_text_add_audio(ensure_turn(priv, turn_number(item)), duration);
  push_preamble(self, format);
  gst_pad_push(priv->src, buffer);
}

/* Mu-law wherever it is taken: then a telephone gets the recording byte by byte. */
static gboolean
choose_clip_format(CordTtsBase *self, CordTtsFormat *format)
{
  *format = (CordTtsFormat){ CORD_G711_RATE, TRUE };
  if (cord_tts_base_is_accepted(self, format))
    return TRUE;
  format->mulaw = FALSE;
  return cord_tts_base_is_accepted(self, format);
}

/* A recording is shared by all who play it. */
static GstBuffer *
make_clip_buffer(GBytes *clip, gboolean mulaw)
{
  gsize n;
  const guint8 *codes = g_bytes_get_data(clip, &n);
  GstBuffer *buffer;
  GstMapInfo map;

  if (mulaw)
    return gst_buffer_new_wrapped_bytes(clip);
  buffer = gst_buffer_new_allocate(NULL, n * sizeof(gint16), NULL);
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  cord_g711_decode(codes, (gint16 *)map.data, n);
  for (gsize i = 0; i < n; i++)
    ((gint16 *)map.data)[i] = GINT16_TO_LE(((gint16 *)map.data)[i]);
  gst_buffer_unmap(buffer, &map);
  return buffer;
}

/* Whether it could be played; then it is done. */
static gboolean
play_clip(CordTtsBase *self, Item *item)
{
  guint piece = PRIV(self)->piece;
  CordTtsFormat format;

  if (item->clip == NULL)
    return FALSE;
  if (choose_clip_format(self, &format)) {
    push_audio(self, make_clip_buffer(item->clip, format.mulaw), &format);
    cord_tts_base_piece_done(self, piece, NULL);
    return TRUE;
  }
  /* those who follow know only the voice: it speaks the words */
  g_clear_pointer(&item->clip, g_bytes_unref);
  return FALSE;
}

/* It may be done, and the item gone, before this returns. */
static void
speak(CordTtsBase *self, Item *item)
{
  g_autofree gchar *text = g_strdup(item->text);

  if (!play_clip(self, item))
    CORD_TTS_BASE_GET_CLASS(self)->speak(self, PRIV(self)->piece, turn_number(item), text);
}

/* Goes on with what waits until a piece has to be spoken. A subclass that is done at once comes
 * back here through piece_done. */
static void
go_on(CordTtsBase *self)
{
  CordTtsBasePrivate *priv = PRIV(self);

  if (priv->going_on)
    return;
  priv->going_on = TRUE;
  while (priv->speaking == NULL && !g_queue_is_empty(&priv->items)) {
    Item *item = g_queue_pop_head(&priv->items);

    if (item->event) {
      push_event_item(self, item);
      free_item(item);
      continue;
    }
    priv->speaking = item;
    priv->piece++;
    cord_spoken_text_begin_piece(ensure_turn(priv, turn_number(item)), item->text);
    speak(self, item);
  }
  priv->going_on = FALSE;
}

void
cord_tts_stream_cancel_all(CordTtsBase *self)
{
  CordTtsBasePrivate *priv = PRIV(self);

  if (priv->speaking) {
    gboolean recorded = priv->speaking->clip != NULL;

    g_clear_pointer(&priv->speaking, free_item);
    if (!recorded)
      CORD_TTS_BASE_GET_CLASS(self)->cancel(self, priv->piece);
  }
  g_queue_clear_full(&priv->items, free_item);
  g_byte_array_set_size(priv->odd, 0);
}

/* Streaming, on the worker */

static GstFlowReturn
take_text(CordTtsBase *self, GstBuffer *buffer)
{
  CordTtsBasePrivate *priv = PRIV(self);
  CordTurn *turn = cord_buffer_get_turn(buffer);
  Item *item = g_new0(Item, 1);
  GBytes *clip = NULL;

  item->text = cord_buffer_dup_text(buffer);
  item->turn = turn ? cord_turn_ref(turn) : NULL;
  if (cord_buffer_get_reply(buffer, NULL, &clip) && clip && g_bytes_get_size(clip) > 0)
    item->clip = g_bytes_ref(clip);
  item->pts = gst_segment_to_running_time(&priv->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  gst_buffer_unref(buffer);
  if (*item->text == '\0' && item->clip == NULL) {
    free_item(item);
    return GST_FLOW_OK;
  }
  g_queue_push_tail(&priv->items, item);
  go_on(self);
  return GST_FLOW_OK;
}

static void
take_event(CordTtsBase *self, GstEvent *event)
{
  CordTtsBasePrivate *priv = PRIV(self);
  Item *item;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_STREAM_START:
    priv->started = TRUE;
    gst_pad_push_event(priv->src, event);
    return;
  case GST_EVENT_CAPS:
    gst_event_unref(event);
    return;
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment(event, &priv->segment);
    if (priv->segment.format != GST_FORMAT_TIME)
      gst_segment_init(&priv->segment, GST_FORMAT_TIME);
    gst_event_unref(event);
    /* told on, so that whoever waits for a stream sees one before the first word */
    priv->need_segment = TRUE;
    push_preamble(self, NULL);
    return;
  case GST_EVENT_GAP:
    gst_event_unref(event);
    return;
  default:
    item = g_new0(Item, 1);
    item->event = event;
    g_queue_push_tail(&priv->items, item);
    go_on(self);
  }
}

GstFlowReturn
cord_tts_stream_on_object(GstMiniObject *object, gpointer data)
{
  if (GST_IS_BUFFER(object))
    return take_text(data, GST_BUFFER_CAST(object));
  take_event(data, GST_EVENT_CAST(object));
  return GST_FLOW_OK;
}

GstFlowReturn
cord_tts_stream_sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return cord_inbox_push(PRIV(CORD_TTS_BASE(parent))->inbox, GST_MINI_OBJECT_CAST(buffer));
}

static void
run_flush(gpointer data)
{
  CordTtsBase *self = data;
  CordTtsBasePrivate *priv = PRIV(self);

  cord_tts_stream_cancel_all(self);
  priv->need_segment = TRUE;
  priv->discont = TRUE;
}

static void
run_reset_time(gpointer data)
{
  PRIV(data)->position = 0;
}

gboolean
cord_tts_stream_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  CordTtsBase *self = CORD_TTS_BASE(parent);
  CordTtsBasePrivate *priv = PRIV(self);

  gboolean reset_time;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    cord_inbox_set_flushing(priv->inbox, TRUE);
    /* on the worker nothing is under way below us: cancel before anything else can happen */
    if (cord_worker_is_current(priv->worker))
      run_flush(self);
    return gst_pad_push_event(priv->src, event);
  case GST_EVENT_FLUSH_STOP:
    cord_worker_call(priv->worker, run_flush, self);
    gst_event_parse_flush_stop(event, &reset_time);
    if (reset_time)
      cord_worker_call(priv->worker, run_reset_time, self);
    cord_inbox_set_flushing(priv->inbox, FALSE);
    return gst_pad_push_event(priv->src, event);
  default:
    break;
  }
  if (GST_EVENT_IS_SERIALIZED(event))
    return cord_inbox_push(priv->inbox, GST_MINI_OBJECT_CAST(event)) == GST_FLOW_OK;
  return gst_pad_event_default(pad, parent, event);
}

typedef struct {
  CordTtsBase *self;
  CordPlayout *playout;
} Heard;

static void
run_heard(gpointer data)
{
  Heard *heard = data;
  CordSpokenText *spoken = find_turn(PRIV(heard->self), heard->playout->turn);

  if (spoken == NULL)
    return;
  heard->playout->text_bytes =
      (gint64)(heard->playout->state == CORD_PLAYOUT_DONE
                   ? cord_spoken_text_length(spoken)
                   : cord_spoken_text_heard(spoken, heard->playout->position));
}

gboolean
cord_tts_stream_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  CordTtsBase *self = CORD_TTS_BASE(parent);
  CordPlayout playout;

  if (cord_event_is(event, CORD_EVENT_PLAYOUT) &&
      cord_structure_get_playout(gst_event_get_structure(event), &playout) &&
      playout.text_bytes < 0) {
    Heard heard = { self, &playout };
    guint32 seqnum = gst_event_get_seqnum(event);

    cord_worker_call(PRIV(self)->worker, run_heard, &heard);
    gst_event_unref(event);
    event = cord_event_new_upstream(cord_structure_new_playout(&playout));
    gst_event_set_seqnum(event, seqnum);
  }
  return gst_pad_event_default(pad, parent, event);
}

/**
 * cord_tts_base_set_format: (skip)
 * @self: an element, on its worker
 * @rate: samples a second
 * @mulaw: whether they are mu-law bytes, else S16LE
 *
 * Says what the audio to come is; before the first of it.
 */
void
cord_tts_base_set_format(CordTtsBase *self, guint rate, gboolean mulaw)
{
  CordTtsBasePrivate *priv = PRIV(self);

  priv->format = (CordTtsFormat){ rate, mulaw };
}

/* Whole samples of what came, with what was left over before. */
static GstBuffer *
make_buffer(CordTtsBasePrivate *priv, const guint8 *data, gsize size)
{
  gsize width = priv->format.mulaw ? 1 : 2;
  gsize total = priv->odd->len + size;
  gsize whole = total - total % width;
  GstBuffer *buffer;

  if (whole == 0) {
    g_byte_array_append(priv->odd, data, (guint)size);
    return NULL;
  }
  buffer = gst_buffer_new_allocate(NULL, whole, NULL);
  gst_buffer_fill(buffer, 0, priv->odd->data, priv->odd->len);
  gst_buffer_fill(buffer, priv->odd->len, data, whole - priv->odd->len);
  size -= whole - priv->odd->len;
  data += whole - priv->odd->len;
  g_byte_array_set_size(priv->odd, 0);
  g_byte_array_append(priv->odd, data, (guint)size);
  return buffer;
}

/**
 * cord_tts_base_take_audio: (skip)
 * @self: an element, on its worker
 * @piece: whose audio it is
 * @data: (array length=size) (element-type guint8): audio of the format that was set; it may end in
 *   the middle of a sample
 * @size: of @data, bytes
 *
 * Audio of the piece that is spoken now; it leaves at once.
 */
void
cord_tts_base_take_audio(CordTtsBase *self, guint piece, gconstpointer data, gsize size)
{
  CordTtsBasePrivate *priv = PRIV(self);
  GstBuffer *buffer;

  if (priv->speaking == NULL || piece != priv->piece || size == 0)
    return;
  buffer = make_buffer(priv, data, size);
  if (buffer)
    push_audio(self, buffer, &priv->format);
}

/**
 * cord_tts_base_take_words: (skip)
 * @self: an element, on its worker
 * @piece: whose words they are
 * @words: (array length=n_words): where each word ends, in text and audio, in order
 * @n_words: how many
 *
 * The words of the piece that is spoken now; a later call replaces an earlier one.
 */
void
cord_tts_base_take_words(CordTtsBase *self, guint piece, const CordTtsWord *words, guint n_words)
{
  CordTtsBasePrivate *priv = PRIV(self);

  if (priv->speaking && piece == priv->piece)
    cord_spoken_text_set_words(ensure_turn(priv, turn_number(priv->speaking)), words, n_words);
}

/**
 * cord_tts_base_piece_done: (skip)
 * @self: an element, on its worker
 * @piece: which one
 * @error: (transfer full) (nullable): why it was not spoken, or not wholly
 *
 * No more audio of @piece will come; the next one begins.
 */
void
cord_tts_base_piece_done(CordTtsBase *self, guint piece, GError *error)
{
  CordTtsBasePrivate *priv = PRIV(self);

  if (error) {
    cord_element_post_warning(GST_ELEMENT(self), error);
    g_error_free(error);
  }
  if (priv->speaking == NULL || piece != priv->piece)
    return;
  g_byte_array_set_size(priv->odd, 0);
  cord_spoken_text_end_piece(ensure_turn(priv, turn_number(priv->speaking)));
  g_clear_pointer(&priv->speaking, free_item);
  go_on(self);
}
