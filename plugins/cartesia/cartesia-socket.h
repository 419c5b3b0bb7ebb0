/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cartesia-request.h"
#include "cord-tts-socket.h"

G_BEGIN_DECLS

/* A voice over one WebSocket, with a context a turn. Settings are borrowed. */
CordTtsSocket *cartesia_socket_new(CordTtsBase *element, const CartesiaSettings *settings,
                                   const CordTtsSocketTimes *times);

G_END_DECLS
