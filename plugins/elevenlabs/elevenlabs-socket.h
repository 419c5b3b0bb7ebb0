/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-tts-socket.h"
#include "elevenlabs-request.h"

G_BEGIN_DECLS

/* A voice over one WebSocket for all turns, or over one a turn. Settings are borrowed. */
CordTtsSocket *elevenlabs_socket_new(CordTtsBase *element, const ElevenlabsSettings *settings,
                                     const CordTtsSocketTimes *times, gboolean multi);

G_END_DECLS
