/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-turn.h"
#include "cord-worker.h"

G_BEGIN_DECLS

#define CORD_TYPE_TTS_BASE (cord_tts_base_get_type())
G_DECLARE_DERIVABLE_TYPE(CordTtsBase, cord_tts_base, CORD, TTS_BASE, GstElement)

/**
 * CordTtsWord:
 * @text_end: where the word ends in the piece's text, bytes
 * @audio_end: where it ends in the piece's audio, ns
 */
typedef struct {
  gsize text_end;
  GstClockTime audio_end;
} CordTtsWord;

/**
 * CordTtsBaseClass:
 * @start: gets ready to work (PAUSED); must not wait
 * @stop: forgets everything (READY)
 * @speak: turns a piece of text into audio: cord_tts_base_take_audio() any number of times, then
 *   cord_tts_base_piece_done()
 * @cancel: no more audio of this piece is wanted
 * @turn_done: (nullable): the turn has no more pieces, for services that keep a context a turn
 *
 * What a text-to-speech element does. All are called on the element's worker and must not wait. The
 * base class does the rest: pads, order, time, flush, what was heard of which text.
 */
struct _CordTtsBaseClass {
  GstElementClass parent_class;

  gboolean (*start)(CordTtsBase *self, GError **error);
  void (*stop)(CordTtsBase *self);
  void (*speak)(CordTtsBase *self, guint piece, guint turn, const gchar *text);
  void (*cancel)(CordTtsBase *self, guint piece);
  void (*turn_done)(CordTtsBase *self, guint turn);

  gpointer padding[8];
};

void cord_tts_base_class_add_pads(CordTtsBaseClass *klass, const gchar *src_caps);
CordWorker *cord_tts_base_get_worker(CordTtsBase *self);

/* In start: what downstream would like, of mu-law at 8 kHz and S16LE at one of the rates */
void cord_tts_base_choose_format(CordTtsBase *self, const guint *rates, guint n_rates, guint *rate,
                                 gboolean *mulaw);

/* Results, on the worker; those of a piece that is over are dropped */
void cord_tts_base_set_format(CordTtsBase *self, guint rate, gboolean mulaw);
void cord_tts_base_take_audio(CordTtsBase *self, guint piece, gconstpointer data, gsize size);
void cord_tts_base_take_words(CordTtsBase *self, guint piece, const CordTtsWord *words,
                              guint n_words);
void cord_tts_base_piece_done(CordTtsBase *self, guint piece, GError *error);

G_END_DECLS
