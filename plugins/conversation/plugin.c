/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include <gst/gst.h>

/* one line an element: GST_ELEMENT_REGISTER_DECLARE here, GST_ELEMENT_REGISTER below */

static gboolean
plugin_init(GstPlugin *plugin)
{
  gboolean ok = TRUE;

  return ok;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, conversation,
                  "Voice conversation: speech detection, turn-taking, pacing", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
