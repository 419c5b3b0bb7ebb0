/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-session.h"

G_BEGIN_DECLS

/* What both elements speak. */
#define TWILIO_CAPS "audio/x-mulaw, rate = (int) 8000, channels = (int) 1"

/** twilio_protocol: Twilio Media Streams, the server's side. */
extern const MediaProtocol twilio_protocol;

G_END_DECLS
