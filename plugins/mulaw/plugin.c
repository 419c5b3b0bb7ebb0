/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include <gst/gst.h>

GST_ELEMENT_REGISTER_DECLARE(mulawcodec)

static gboolean
plugin_init(GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER(mulawcodec, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cordboardmulaw,
                  "Telephone audio: G.711 mu-law and its sample rates", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
