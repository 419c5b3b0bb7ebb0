/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The meta on a text buffer whose answer needs no model: what is to be said, and, where it was
 * recorded, how it sounds. Between turntaker and llmtextgen the buffer's own text is what the
 * caller said, and may be empty; behind llmtextgen it is the answer.
 */

#define CORD_REPLY_META_API_TYPE (cord_reply_meta_api_get_type())
GType cord_reply_meta_api_get_type(void);
const GstMetaInfo *cord_reply_meta_get_info(void);
void cord_buffer_set_reply(GstBuffer *buffer, const gchar *text, GBytes *clip);
gboolean cord_buffer_get_reply(GstBuffer *buffer, const gchar **text, GBytes **clip);

G_END_DECLS
