/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

GstBuffer *mulaw_buffer_take_whole_samples(GstBuffer *buffer, GstBuffer **odd_byte);
void mulaw_buffer_copy_metas(GstBuffer *out, GstBuffer *in);

G_END_DECLS
