/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordPhoneQueue:
 *
 * What a carrier keeps of the audio that a media-stream server sends: bytes waiting to be played,
 * and marks among them. A mark is echoed when all audio before it was played, at once when there is
 * none, and at the latest when the queue is cleared.
 */
typedef struct _CordPhoneQueue CordPhoneQueue;

typedef void (*CordPhoneQueueMark)(const gchar *name, gpointer data);

CordPhoneQueue *cord_phone_queue_new(CordPhoneQueueMark mark, gpointer data);
void cord_phone_queue_free(CordPhoneQueue *self);
gboolean cord_phone_queue_push(CordPhoneQueue *self, const guint8 *audio, gsize length);
void cord_phone_queue_mark(CordPhoneQueue *self, const gchar *name);
gsize cord_phone_queue_play(CordPhoneQueue *self, guint8 *audio, gsize length);
gsize cord_phone_queue_clear(CordPhoneQueue *self);
gsize cord_phone_queue_get_length(CordPhoneQueue *self);
guint cord_phone_queue_count_marks(CordPhoneQueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordPhoneQueue, cord_phone_queue_free)

G_END_DECLS
