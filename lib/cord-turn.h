/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * CordTurnStamp:
 * @CORD_TURN_STAMP_SPEECH_END: the caller's last sound, as the voice detector dates it
 * @CORD_TURN_STAMP_STT_FINAL: the final transcript left speech-to-text
 * @CORD_TURN_STAMP_TURN_END: the turn taker gave the floor to the agent
 * @CORD_TURN_STAMP_LLM_REQUEST: the request left for the model
 * @CORD_TURN_STAMP_LLM_FIRST_TOKEN: the model's first token arrived
 * @CORD_TURN_STAMP_LLM_FIRST_PIECE: the first speakable piece left the model's element
 * @CORD_TURN_STAMP_TTS_FIRST_AUDIO: the voice's first audio arrived
 * @CORD_TURN_STAMP_FIRST_FRAME: the first frame was handed to the carrier
 * @CORD_TURN_STAMP_HEARD: the carrier acknowledged the last frame, or the turn was cut
 * @CORD_TURN_N_STAMPS: how many there are
 *
 * The moments of a turn, in the order in which they normally happen. Each is a monotonic time in
 * nanoseconds (cord_worker_get_time()).
 */
typedef enum {
  CORD_TURN_STAMP_SPEECH_END,
  CORD_TURN_STAMP_STT_FINAL,
  CORD_TURN_STAMP_TURN_END,
  CORD_TURN_STAMP_LLM_REQUEST,
  CORD_TURN_STAMP_LLM_FIRST_TOKEN,
  CORD_TURN_STAMP_LLM_FIRST_PIECE,
  CORD_TURN_STAMP_TTS_FIRST_AUDIO,
  CORD_TURN_STAMP_FIRST_FRAME,
  CORD_TURN_STAMP_HEARD,
  CORD_TURN_N_STAMPS
} CordTurnStamp;

/**
 * CordTurn:
 *
 * One exchange, from the caller's first word to the last frame of the answer: its number and its
 * time stamps. Reference counted; stamping is atomic, so any thread may do it. Turn 0 is the
 * agent's greeting.
 */
typedef struct _CordTurn CordTurn;

#define CORD_TYPE_TURN (cord_turn_get_type())
GType cord_turn_get_type(void);
CordTurn *cord_turn_new(guint number);
CordTurn *cord_turn_ref(CordTurn *self);
void cord_turn_unref(CordTurn *self);
guint cord_turn_get_number(CordTurn *self);
gboolean cord_turn_stamp(CordTurn *self, CordTurnStamp stamp, GstClockTime time);
GstClockTime cord_turn_get_stamp(CordTurn *self, CordTurnStamp stamp);
const gchar *cord_turn_stamp_name(CordTurnStamp stamp);
GstStructure *cord_turn_to_structure(CordTurn *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordTurn, cord_turn_unref)

/* The meta that carries a turn on text and audio buffers */
#define CORD_TURN_META_API_TYPE (cord_turn_meta_api_get_type())
GType cord_turn_meta_api_get_type(void);
const GstMetaInfo *cord_turn_meta_get_info(void);
void cord_buffer_set_turn(GstBuffer *buffer, CordTurn *turn);
CordTurn *cord_buffer_get_turn(GstBuffer *buffer);

G_END_DECLS
