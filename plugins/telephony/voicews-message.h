/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The messages of a browser and to it. Audio mostly comes in binary messages, which need no
 * reading.
 */

/**
 * VoicewsType:
 * @VOICEWS_UNKNOWN: another type, or none
 * @VOICEWS_START: what the page can do besides
 * @VOICEWS_AUDIO: audio
 * @VOICEWS_MARK: everything before a mark was played
 * @VOICEWS_PING: whether we are there
 * @VOICEWS_END: the caller hangs up
 *
 * What a message wants.
 */
typedef enum {
  VOICEWS_UNKNOWN,
  VOICEWS_START,
  VOICEWS_AUDIO,
  VOICEWS_MARK,
  VOICEWS_PING,
  VOICEWS_END,
} VoicewsType;

/**
 * VoicewsMessage:
 * @type: what it wants
 * @name: of a mark; of an unknown message, its type
 * @takes_clear: whether the page empties its queue when it is told to
 * @takes_marks: whether the page sends marks back
 * @audio: of an audio message
 * @length: of @audio, bytes
 *
 * One message of the browser.
 */
typedef struct {
  VoicewsType type;
  gchar *name;
  gboolean takes_clear;
  gboolean takes_marks;
  guint8 *audio;
  gsize length;
} VoicewsMessage;

VoicewsMessage *voicews_message_new(const gchar *text, gsize length, GError **error);
void voicews_message_free(VoicewsMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VoicewsMessage, voicews_message_free)

/* Writing */
gchar *voicews_format_started(const gchar *agent);
gchar *voicews_format_ended(const gchar *reason, gdouble seconds);
gchar *voicews_format_mark(const gchar *name);

G_END_DECLS
