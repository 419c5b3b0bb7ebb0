/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-session.h"

G_BEGIN_DECLS

/* What both elements speak. */
#define VOICEWS_CAPS                                                                               \
  "audio/x-raw, format = (string) S16LE, layout = (string) interleaved, rate = (int) 16000, "      \
  "channels = (int) 1"

/** voicews_protocol: a browser's WebSocket, the server's side. */
extern const MediaProtocol voicews_protocol;

void voicews_send_started(MediaSession *session, const gchar *agent);
void voicews_send_text(MediaSession *session, const gchar *text);

G_END_DECLS
