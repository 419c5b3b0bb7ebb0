/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mulaw-buffer.h"

/**
 * mulaw_buffer_take_whole_samples:
 * @buffer: (transfer full): the next bytes of a stream of 16-bit samples
 * @odd_byte: (inout): the first half of a sample whose other half has not come yet
 *
 * Joins the halves of samples that were cut in two.
 *
 * Returns: (transfer full): a buffer of whole samples, maybe none
 */
GstBuffer *
mulaw_buffer_take_whole_samples(GstBuffer *buffer, GstBuffer **odd_byte)
{
  gsize size = gst_buffer_get_size(buffer);

  if (*odd_byte) {
    buffer = gst_buffer_make_writable(buffer);
    gst_buffer_prepend_memory(buffer, gst_buffer_get_all_memory(*odd_byte));
    gst_clear_buffer(odd_byte);
    size++;
  }
  if (size % 2 != 0) {
    *odd_byte =
        gst_buffer_copy_region(buffer, GST_BUFFER_COPY_MEMORY | GST_BUFFER_COPY_DEEP, size - 1, 1);
    buffer = gst_buffer_make_writable(buffer);
    gst_buffer_set_size(buffer, (gssize)size - 1);
  }
  return buffer;
}

static gboolean
copy_meta(GstBuffer *in, GstMeta **meta, gpointer out)
{
  const GstMetaInfo *info = (*meta)->info;
  const gchar *const *tags = gst_meta_api_type_get_tags(info->api);
  GstMetaTransformCopy whole = { .region = FALSE, .offset = 0, .size = -1 };

  /* a tag says that the meta describes the samples' memory or form, which is another one now */
  if (info->transform_func && (tags == NULL || tags[0] == NULL))
    info->transform_func(out, *meta, in, _gst_meta_transform_copy, &whole);
  return TRUE;
}

/**
 * mulaw_buffer_copy_metas:
 * @out: a writable buffer
 * @in: the buffer it was made from
 *
 * Copies what is said about the sound and holds in any form of it, as the turn it belongs to.
 */
void
mulaw_buffer_copy_metas(GstBuffer *out, GstBuffer *in)
{
  gst_buffer_foreach_meta(in, copy_meta, out);
}
