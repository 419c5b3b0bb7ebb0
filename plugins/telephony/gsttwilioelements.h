/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* What both elements speak. */
#define TWILIO_CAPS "audio/x-mulaw, rate = (int) 8000, channels = (int) 1"

GST_ELEMENT_REGISTER_DECLARE(twiliosrc);
GST_ELEMENT_REGISTER_DECLARE(twiliosink);

GST_DEBUG_CATEGORY_EXTERN(twiliosrc_debug);
GST_DEBUG_CATEGORY_EXTERN(twiliosink_debug);

G_END_DECLS
