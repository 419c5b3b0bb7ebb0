/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim.h"

G_BEGIN_DECLS

/*
 * What a recogniser hears without understanding it: when somebody speaks. The words of what is
 * spoken come from the script, one after the other while the sound lasts. Times are ms of the
 * audio that came.
 */
typedef struct {
  /* the stream */
  SimServer *server;
  const gchar *provider;
  gchar *tag;
  guint rate;
  gboolean mulaw;
  guint spoken; /* utterances so far */

  /* the frame under way */
  gdouble energy;
  guint samples;
  guint8 half; /* of a sample of 16 bits */
  gboolean has_half;

  /* what is heard */
  guint now;
  guint loud;   /* the last loud frame */
  guint voiced; /* ms of sound in a row */
  gboolean speaking;
  guint start; /* of the utterance */
  GStrv words; /* of it */
} SimEar;

#define SIM_EAR_FRAME 20 /* ms */
#define SIM_EAR_WORD 250 /* ms a word takes */

void sim_ear_init(SimEar *self, SimSocket *socket);
void sim_ear_clear(SimEar *self);
/* @frame is called for each 20 ms */
void sim_ear_feed(SimEar *self, const guint8 *data, gsize length, void (*frame)(gpointer data),
                  gpointer user_data);
/* Nobody speaks any more; the next sound is another utterance. */
void sim_ear_end(SimEar *self);
/* How many words have been spoken; all of them when @all. */
guint sim_ear_count(const SimEar *self, gboolean all);
gchar *sim_ear_text(const SimEar *self, guint n_words);
guint sim_ear_word_end(const SimEar *self, guint index, guint n_words);

G_END_DECLS
