/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-reply.h"

typedef struct {
  GstMeta meta;
  gchar *text;
  GBytes *clip;
} CordReplyMeta;

GType
cord_reply_meta_api_get_type(void)
{
  static GType type;
  static const gchar *tags[] = { NULL };

  if (g_once_init_enter(&type))
    g_once_init_leave(&type, gst_meta_api_type_register("CordReplyMetaAPI", tags));
  return type;
}

static gboolean
reply_meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  CordReplyMeta *self = (CordReplyMeta *)meta;

  self->text = NULL;
  self->clip = NULL;
  return TRUE;
}

static void
reply_meta_free(GstMeta *meta, GstBuffer *buffer)
{
  CordReplyMeta *self = (CordReplyMeta *)meta;

  g_clear_pointer(&self->text, g_free);
  g_clear_pointer(&self->clip, g_bytes_unref);
}

/* Of a part of a buffer it would be said again with the next: only a copy of the whole has it. */
static gboolean
reply_meta_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *buffer, GQuark type, gpointer data)
{
  CordReplyMeta *self = (CordReplyMeta *)meta;

  if (!GST_META_TRANSFORM_IS_COPY(type) || ((GstMetaTransformCopy *)data)->region)
    return FALSE;
  cord_buffer_set_reply(dest, self->text, self->clip);
  return TRUE;
}

const GstMetaInfo *
cord_reply_meta_get_info(void)
{
  static const GstMetaInfo *info;

  if (g_once_init_enter(&info))
    g_once_init_leave(&info, gst_meta_register(CORD_REPLY_META_API_TYPE, "CordReplyMeta",
                                               sizeof(CordReplyMeta), reply_meta_init,
                                               reply_meta_free, reply_meta_transform));
  return info;
}

/**
 * cord_buffer_set_reply:
 * @buffer: a writable text buffer
 * @text: what is to be said, UTF-8
 * @clip: (nullable): its sound, mu-law at 8 kHz, which is played in place of speaking @text
 *
 * Says how the turn is answered, in place of any other reply.
 */
void
cord_buffer_set_reply(GstBuffer *buffer, const gchar *text, GBytes *clip)
{
  CordReplyMeta *meta = (CordReplyMeta *)gst_buffer_get_meta(buffer, CORD_REPLY_META_API_TYPE);
  g_autofree gchar *old_text = NULL;
  g_autoptr(GBytes) old_clip = NULL;

  g_return_if_fail(text != NULL);
  if (meta == NULL)
    meta = (CordReplyMeta *)gst_buffer_add_meta(buffer, cord_reply_meta_get_info(), NULL);
  old_text = meta->text;
  old_clip = meta->clip;
  meta->text = g_strdup(text);
  meta->clip = clip ? g_bytes_ref(clip) : NULL;
}

/**
 * cord_buffer_get_reply:
 * @buffer: a buffer
 * @text: (out) (optional) (transfer none): what is to be said
 * @clip: (out) (optional) (nullable) (transfer none): its sound
 *
 * Returns: whether @buffer says how it is answered
 */
gboolean
cord_buffer_get_reply(GstBuffer *buffer, const gchar **text, GBytes **clip)
{
  CordReplyMeta *meta = (CordReplyMeta *)gst_buffer_get_meta(buffer, CORD_REPLY_META_API_TYPE);

  if (text)
    *text = meta ? meta->text : NULL;
  if (clip)
    *clip = meta ? meta->clip : NULL;
  return meta != NULL;
}
