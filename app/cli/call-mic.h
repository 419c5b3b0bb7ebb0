/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CallMic:
 *
 * The microphone and the loudspeaker of this machine, as telephone audio.
 */
typedef struct _CallMic CallMic;

typedef void (*CallMicFunc)(GBytes *mulaw, gpointer data);

CallMic *call_mic_new(CallMicFunc func, gpointer data, GError **error);
void call_mic_play(CallMic *self, const guint8 *mulaw, gsize length);
void call_mic_free(CallMic *self);

G_END_DECLS
