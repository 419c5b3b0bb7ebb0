/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "cord-dialogue.h"

G_BEGIN_DECLS

/**
 * CordVoiceSocketOptions:
 * @session_id: what the client calls it: the id of a conversation, or any name for a new one
 * @agent_id: (nullable): who answers in a new one
 * @persona: (nullable): the manner of a new one
 * @format: of the audio that answers
 *
 * What a client says when it comes.
 */
typedef struct {
  const gchar *session_id;
  const gchar *agent_id;
  const gchar *persona;
  CordAudioFormat format;
} CordVoiceSocketOptions;

/**
 * CordVoiceSockets:
 *
 * Conversations over WebSockets, a message at a time: what was recorded or written comes in, what
 * was understood and answered goes out, and the answer's audio. The sockets live on a worker of
 * their own, which reads their messages; the conversations on the main thread, like all functions
 * here.
 */
typedef struct _CordVoiceSockets CordVoiceSockets;

/**
 * CordVoiceSocketFunc:
 * @session_id: a socket's name
 * @agent: (nullable): who answers, once that is known
 * @time: when it came, microseconds since 1970
 * @data: as given
 */
typedef void (*CordVoiceSocketFunc)(const gchar *session_id, const gchar *agent, gint64 time,
                                    gpointer data);

CordVoiceSockets *cord_voice_sockets_new(const CordDialogueKit *kit);
void cord_voice_sockets_free(CordVoiceSockets *self);
gboolean cord_voice_sockets_take(CordVoiceSockets *self, SoupServerMessage *message,
                                 const CordVoiceSocketOptions *options);
guint cord_voice_sockets_get_count(CordVoiceSockets *self);
gboolean cord_voice_sockets_has(CordVoiceSockets *self, const gchar *session_id);
gboolean cord_voice_sockets_disconnect(CordVoiceSockets *self, const gchar *session_id);
void cord_voice_sockets_foreach(CordVoiceSockets *self, CordVoiceSocketFunc func, gpointer data);

G_END_DECLS
