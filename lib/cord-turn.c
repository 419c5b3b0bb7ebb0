/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-turn.h"

#include <string.h>

struct _CordTurn {
  gatomicrefcount ref_count;
  guint number;
  guint64 stamps[CORD_TURN_N_STAMPS]; /* 0: not yet; written once, atomically */
};

G_DEFINE_BOXED_TYPE(CordTurn, cord_turn, cord_turn_ref, cord_turn_unref)

static const gchar *stamp_names[CORD_TURN_N_STAMPS] = {
  [CORD_TURN_STAMP_SPEECH_END] = "speech-end",
  [CORD_TURN_STAMP_STT_FINAL] = "stt-final",
  [CORD_TURN_STAMP_TURN_END] = "turn-end",
  [CORD_TURN_STAMP_LLM_REQUEST] = "llm-request",
  [CORD_TURN_STAMP_LLM_FIRST_TOKEN] = "llm-first-token",
  [CORD_TURN_STAMP_LLM_FIRST_PIECE] = "llm-first-piece",
  [CORD_TURN_STAMP_TTS_FIRST_AUDIO] = "tts-first-audio",
  [CORD_TURN_STAMP_FIRST_FRAME] = "first-frame",
  [CORD_TURN_STAMP_HEARD] = "heard",
};

/**
 * cord_turn_new:
 * @number: the turn's number: 0 is the greeting, the caller's turns count from 1
 *
 * Returns: (transfer full): a turn without stamps
 */
CordTurn *
cord_turn_new(guint number)
{
  CordTurn *self = g_new0(CordTurn, 1);

  g_atomic_ref_count_init(&self->ref_count);
  self->number = number;
  return self;
}

/**
 * cord_turn_ref:
 * @self: a turn
 *
 * Returns: (transfer full): @self
 */
CordTurn *
cord_turn_ref(CordTurn *self)
{
  g_atomic_ref_count_inc(&self->ref_count);
  return self;
}

/**
 * cord_turn_unref:
 * @self: (transfer full): a turn
 */
void
cord_turn_unref(CordTurn *self)
{
  if (g_atomic_ref_count_dec(&self->ref_count))
    g_free(self);
}

/**
 * cord_turn_get_number:
 * @self: a turn
 *
 * Returns: its number
 */
guint
cord_turn_get_number(CordTurn *self)
{
  return self->number;
}

/**
 * cord_turn_stamp:
 * @self: a turn
 * @stamp: which moment
 * @time: when it was, cord_worker_get_time()
 *
 * Notes that @stamp happened. Only the first time counts. Any thread.
 *
 * Returns: whether this was the first time
 */
gboolean
cord_turn_stamp(CordTurn *self, CordTurnStamp stamp, GstClockTime time)
{
  guint64 unset = 0;

  g_return_val_if_fail(stamp < CORD_TURN_N_STAMPS, FALSE);
  return __atomic_compare_exchange_n(&self->stamps[stamp], &unset, time, FALSE, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED);
}

/**
 * cord_turn_get_stamp:
 * @self: a turn
 * @stamp: which moment
 *
 * Returns: when it was, or %GST_CLOCK_TIME_NONE
 */
GstClockTime
cord_turn_get_stamp(CordTurn *self, CordTurnStamp stamp)
{
  guint64 time;

  g_return_val_if_fail(stamp < CORD_TURN_N_STAMPS, GST_CLOCK_TIME_NONE);
  time = __atomic_load_n(&self->stamps[stamp], __ATOMIC_ACQUIRE);
  return time ? time : GST_CLOCK_TIME_NONE;
}

/**
 * cord_turn_stamp_name:
 * @stamp: a moment
 *
 * Returns: its name as a field: "llm-first-token"
 */
const gchar *
cord_turn_stamp_name(CordTurnStamp stamp)
{
  g_return_val_if_fail(stamp < CORD_TURN_N_STAMPS, NULL);
  return stamp_names[stamp];
}

/**
 * cord_turn_to_structure:
 * @self: a turn
 *
 * Returns: (transfer full): a "cordboard/turn-metrics" structure: the field "turn" (guint) and each
 *   stamp that was made (guint64, monotonic ns)
 */
GstStructure *
cord_turn_to_structure(CordTurn *self)
{
  GstStructure *structure =
      gst_structure_new("cordboard/turn-metrics", "turn", G_TYPE_UINT, self->number, NULL);

  for (guint i = 0; i < CORD_TURN_N_STAMPS; i++) {
    GstClockTime time = cord_turn_get_stamp(self, i);

    if (time != GST_CLOCK_TIME_NONE)
      gst_structure_set(structure, stamp_names[i], G_TYPE_UINT64, time, NULL);
  }
  return structure;
}

typedef struct {
  GstMeta meta;
  CordTurn *turn;
} CordTurnMeta;

GType
cord_turn_meta_api_get_type(void)
{
  static GType type;
  static const gchar *tags[] = { NULL };

  if (g_once_init_enter(&type))
    g_once_init_leave(&type, gst_meta_api_type_register("CordTurnMetaAPI", tags));
  return type;
}

static gboolean
turn_meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  ((CordTurnMeta *)meta)->turn = NULL;
  return TRUE;
}

static void
turn_meta_free(GstMeta *meta, GstBuffer *buffer)
{
  g_clear_pointer(&((CordTurnMeta *)meta)->turn, cord_turn_unref);
}

/* A turn belongs to any piece and any form of its audio and text. */
static gboolean
turn_meta_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *buffer, GQuark type, gpointer data)
{
  cord_buffer_set_turn(dest, ((CordTurnMeta *)meta)->turn);
  return TRUE;
}

const GstMetaInfo *
cord_turn_meta_get_info(void)
{
  static const GstMetaInfo *info;

  if (g_once_init_enter(&info))
    g_once_init_leave(&info, gst_meta_register(CORD_TURN_META_API_TYPE, "CordTurnMeta",
                                               sizeof(CordTurnMeta), turn_meta_init, turn_meta_free,
                                               turn_meta_transform));
  return info;
}

/**
 * cord_buffer_set_turn:
 * @buffer: a writable text or audio buffer
 * @turn: (nullable): the turn it belongs to; %NULL does nothing
 *
 * Says that @buffer belongs to @turn, in place of any other.
 */
void
cord_buffer_set_turn(GstBuffer *buffer, CordTurn *turn)
{
  CordTurnMeta *meta;

  if (turn == NULL)
    return;
  meta = (CordTurnMeta *)gst_buffer_get_meta(buffer, CORD_TURN_META_API_TYPE);
  if (meta == NULL)
    meta = (CordTurnMeta *)gst_buffer_add_meta(buffer, cord_turn_meta_get_info(), NULL);
  cord_turn_ref(turn);
  g_clear_pointer(&meta->turn, cord_turn_unref);
  meta->turn = turn;
}

/**
 * cord_buffer_get_turn:
 * @buffer: a buffer
 *
 * Returns: (transfer none) (nullable): the turn that @buffer belongs to
 */
CordTurn *
cord_buffer_get_turn(GstBuffer *buffer)
{
  CordTurnMeta *meta = (CordTurnMeta *)gst_buffer_get_meta(buffer, CORD_TURN_META_API_TYPE);

  return meta ? meta->turn : NULL;
}
