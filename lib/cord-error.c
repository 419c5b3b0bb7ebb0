/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-error.h"

#include <gio/gio.h>

/* by hand: clang-format takes the name of G_DEFINE_QUARK for a difference */
GQuark
cord_error_quark(void)
{
  return g_quark_from_static_string("cord-error-quark");
}

/* What a CordError is called in the two GStreamer domains that elements use. */
static const struct {
  gboolean stream;
  gint code;
} gst_codes[] = {
  [CORD_ERROR_FAILED] = { FALSE, GST_RESOURCE_ERROR_FAILED },
  [CORD_ERROR_NETWORK] = { FALSE, GST_RESOURCE_ERROR_READ },
  [CORD_ERROR_PROTOCOL] = { TRUE, GST_STREAM_ERROR_DECODE },
  [CORD_ERROR_NOT_AUTHORIZED] = { FALSE, GST_RESOURCE_ERROR_NOT_AUTHORIZED },
  [CORD_ERROR_QUOTA] = { FALSE, GST_RESOURCE_ERROR_NO_SPACE_LEFT },
  [CORD_ERROR_TIMEOUT] = { FALSE, GST_RESOURCE_ERROR_READ },
  [CORD_ERROR_INVALID] = { FALSE, GST_RESOURCE_ERROR_SETTINGS },
  [CORD_ERROR_NOT_FOUND] = { FALSE, GST_RESOURCE_ERROR_NOT_FOUND },
  [CORD_ERROR_TOO_LARGE] = { TRUE, GST_STREAM_ERROR_DECODE },
  [CORD_ERROR_CLOSED] = { FALSE, GST_RESOURCE_ERROR_CLOSE },
};

static void
post(GstElement *element, GstMessageType type, const GError *error)
{
  GQuark domain = GST_RESOURCE_ERROR;
  gint code = GST_RESOURCE_ERROR_FAILED;

  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error->domain == CORD_ERROR && (guint)error->code < G_N_ELEMENTS(gst_codes)) {
    domain = gst_codes[error->code].stream ? GST_STREAM_ERROR : GST_RESOURCE_ERROR;
    code = gst_codes[error->code].code;
  }
  gst_element_message_full(
      element, type, domain, code, g_strdup(error->message),
      g_strdup_printf("%s (%d)", g_quark_to_string(error->domain), error->code), __FILE__,
      GST_FUNCTION, __LINE__);
}

/**
 * cord_element_post_error:
 * @element: the element that has failed
 * @error: what happened; its message is shown to people
 *
 * Posts @error as an ERROR message, its code mapped to GStreamer's resource and stream domains.
 * Cancellation is silence. Any thread; no lock may be held.
 */
void
cord_element_post_error(GstElement *element, const GError *error)
{
  post(element, GST_MESSAGE_ERROR, error);
}

/**
 * cord_element_post_warning:
 * @element: the element that got over it
 * @error: what happened
 *
 * The same as a WARNING message: the element goes on.
 */
void
cord_element_post_warning(GstElement *element, const GError *error)
{
  post(element, GST_MESSAGE_WARNING, error);
}
