/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

GST_ELEMENT_REGISTER_DECLARE(audiopacer)
GST_ELEMENT_REGISTER_DECLARE(speechrouter)
GST_ELEMENT_REGISTER_DECLARE(turntaker)
GST_ELEMENT_REGISTER_DECLARE(voicedetect)
