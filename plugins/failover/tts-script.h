/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-events.h"

G_BEGIN_DECLS

/**
 * TtsScript:
 *
 * What has to be said and is not said yet, and which part of each turn's text is in which part of
 * its audio, though several voices spoke it one after another. Positions are those in a turn's
 * audio.
 */
typedef struct _TtsScript TtsScript;

/**
 * TtsScriptAsk:
 * @turn: a turn
 * @position: in the audio that the voice at work has given of it
 * @state: as of a playout
 * @data: what was given
 *
 * Returns: how many bytes of what it was given of the turn's text the voice at work has said until
 *   then
 */
typedef gsize (*TtsScriptAsk)(guint turn, GstClockTime position, CordPlayoutState state,
                              gpointer data);

TtsScript *tts_script_new(TtsScriptAsk ask, gpointer data);
void tts_script_free(TtsScript *self);
void tts_script_clear(TtsScript *self);
void tts_script_forget(TtsScript *self);

/* What comes in. Returns its number, 0 where there is nothing to say */
guint tts_script_add(TtsScript *self, GstMiniObject *object);
gboolean tts_script_is_empty(TtsScript *self);
gboolean tts_script_has_text_first(TtsScript *self);
/* (transfer full) (nullable): what comes behind @number of what is not said, to be given to the
 * voice at work */
GstMiniObject *tts_script_next(TtsScript *self, guint *number);

/* What the voice at work says: all up to @number; audio; it is left for another one */
void tts_script_done(TtsScript *self, guint number);
void tts_script_add_audio(TtsScript *self, guint turn, GstClockTime duration);
void tts_script_change_voice(TtsScript *self);
/* … who was given all up to @number before */
void tts_script_take_over(TtsScript *self, guint number);

gsize tts_script_heard(TtsScript *self, const CordPlayout *playout);

G_END_DECLS
