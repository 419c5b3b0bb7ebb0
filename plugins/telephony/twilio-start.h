/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-session.h"
#include "twilio-message.h"

G_BEGIN_DECLS

MediaStart *twilio_start_new(const TwilioMessage *message, guint *n_ignored, GError **error);

G_END_DECLS
