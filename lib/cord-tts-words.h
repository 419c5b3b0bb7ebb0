/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-tts-base.h"

G_BEGIN_DECLS

/* Inside of CordTtsSocket: where in the audio of a text its words end, by what a voice says of
 * them, and where to go on after a break. Pure. */
typedef struct _CordTtsWords CordTtsWords;

G_GNUC_INTERNAL CordTtsWords *cord_tts_words_new(void);
G_GNUC_INTERNAL void cord_tts_words_free(CordTtsWords *self);
G_GNUC_INTERNAL void cord_tts_words_begin(CordTtsWords *self, const gchar *text);
G_GNUC_INTERNAL const gchar *cord_tts_words_get_rest(CordTtsWords *self);
G_GNUC_INTERNAL void cord_tts_words_add_characters(CordTtsWords *self, const gchar *text,
                                                   const GstClockTime *ends, GstClockTime offset);
G_GNUC_INTERNAL void cord_tts_words_add_word(CordTtsWords *self, const gchar *word,
                                             GstClockTime end);
G_GNUC_INTERNAL gboolean cord_tts_words_are_all(CordTtsWords *self);
G_GNUC_INTERNAL const CordTtsWord *cord_tts_words_get(CordTtsWords *self, guint *n_words);
G_GNUC_INTERNAL gboolean cord_tts_words_resume(CordTtsWords *self, GstClockTime heard);

G_END_DECLS
