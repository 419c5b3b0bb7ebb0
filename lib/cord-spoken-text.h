/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-tts-base.h"

G_BEGIN_DECLS

/* Inside of CordTtsBase: which audio of a turn holds which of its words. Pure. */
typedef struct _CordSpokenText CordSpokenText;

G_GNUC_INTERNAL CordSpokenText *cord_spoken_text_new(guint turn);
G_GNUC_INTERNAL void cord_spoken_text_free(CordSpokenText *self);
G_GNUC_INTERNAL guint cord_spoken_text_get_turn(CordSpokenText *self);
G_GNUC_INTERNAL void cord_spoken_text_begin_piece(CordSpokenText *self, const gchar *text);
G_GNUC_INTERNAL void cord_spoken_text_add_audio(CordSpokenText *self, GstClockTime duration);
G_GNUC_INTERNAL void cord_spoken_text_set_words(CordSpokenText *self, const CordTtsWord *words,
                                                guint n_words);
G_GNUC_INTERNAL void cord_spoken_text_end_piece(CordSpokenText *self);
G_GNUC_INTERNAL gsize cord_spoken_text_heard(CordSpokenText *self, GstClockTime position);
G_GNUC_INTERNAL gsize cord_spoken_text_length(CordSpokenText *self);

G_END_DECLS
