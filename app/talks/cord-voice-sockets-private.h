/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-voice-message.h"
#include "cord-voice-sockets.h"
#include "cord-websocket.h"

G_BEGIN_DECLS

#define CORD_VOICE_MAX_WAITING 4 /* messages that wait for their turn */

struct _CordVoiceSockets {
  const CordDialogueKit *kit;
  CordWorker *worker;
  GHashTable *sockets; /* session id -> CordVoiceSocket, owned */
};

/**
 * CordVoiceSocket:
 *
 * One of them. Counted: the table holds it, its WebSocket on the worker, and whatever is under way
 * for it.
 */
typedef struct {
  CordVoiceSockets *sockets; /* main thread; NULL when it has left the table */
  const CordDialogueKit *kit;
  CordWorker *worker;
  gchar *session_id;
  gchar *agent_id;
  gchar *persona;
  CordAudioFormat format;
  gint64 time;
  /* worker */
  CordWebsocket *websocket;
  /* main thread: the conversation */
  GCancellable *cancellable;
  CordDialogue *dialogue;
  GQueue waiting;            /* CordVoiceMessage */
  CordVoiceMessage *current; /* what is being answered */
  CordAnswer *answer;
  gint gone; /* atomic */
} CordVoiceSocket;

CordVoiceSocket *cord_voice_socket_ref(CordVoiceSocket *self);
void cord_voice_socket_unref(gpointer self);
void cord_voice_socket_send(CordVoiceSocket *self, gchar *text);
void cord_voice_socket_leave(CordVoiceSocket *self);

/* The conversation, on the main thread */
void cord_voice_socket_hear(CordVoiceSocket *self, CordVoiceMessage *message);

G_END_DECLS
