/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-phone.h"

G_BEGIN_DECLS

/**
 * CordPhoneLine:
 * @text: (nullable): what it is, for people
 * @audio: (nullable): what the caller says
 * @keys: (nullable): what he presses instead
 * @barge_in_ms: how long after the agent has begun to speak he cuts in, or -1 to wait for his end
 */
typedef struct {
  gchar *text;
  GBytes *audio;
  gchar *keys;
  gint barge_in_ms;
} CordPhoneLine;

/**
 * CordPhoneExchangeStats:
 * @line: of the caller
 * @latency_ms: from his last sound to the agent's first, or -1
 * @clear_ms: from the beginning of a barge-in to the agent's silence, or -1
 */
typedef struct {
  guint line;
  gint latency_ms;
  gint clear_ms;
} CordPhoneExchangeStats;

/**
 * CordPhoneTalk:
 *
 * The caller's side of a conversation: says his lines, each when the agent has finished, hears what
 * comes back, measures it and keeps it. Lives on the phone's worker.
 */
typedef struct _CordPhoneTalk CordPhoneTalk;

typedef void (*CordPhoneTalkDone)(gpointer data);
typedef void (*CordPhoneTalkSaid)(const CordPhoneLine *line, gpointer data);

CordPhoneTalk *cord_phone_talk_new(CordPhoneTalkSaid said, CordPhoneTalkDone done, gpointer data);
void cord_phone_talk_free(CordPhoneTalk *self);
void cord_phone_talk_add(CordPhoneTalk *self, const gchar *text, GBytes *audio, const gchar *keys,
                         gint barge_in_ms);
void cord_phone_talk_keep_audio(CordPhoneTalk *self);

/* From the phone's handlers */
void cord_phone_talk_frame(CordPhoneTalk *self, CordPhone *phone, const guint8 *sent,
                           const guint8 *heard, gsize heard_length);
void cord_phone_talk_cleared(CordPhoneTalk *self);

GByteArray *cord_phone_talk_get_sent(CordPhoneTalk *self);
GByteArray *cord_phone_talk_get_heard(CordPhoneTalk *self);
const CordPhoneExchangeStats *cord_phone_talk_get_exchanges(CordPhoneTalk *self, guint *n);
guint cord_phone_talk_get_gaps(CordPhoneTalk *self);
gboolean cord_phone_talk_has_heard(CordPhoneTalk *self);

G_END_DECLS
