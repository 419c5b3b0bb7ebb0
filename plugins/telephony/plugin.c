/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include "gsttwilioelements.h"
#include "gstvoicewselements.h"

static gboolean
plugin_init(GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER(twiliosrc, plugin) && GST_ELEMENT_REGISTER(twiliosink, plugin) &&
         GST_ELEMENT_REGISTER(voicewssrc, plugin) && GST_ELEMENT_REGISTER(voicewssink, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cordboardtelephony,
                  "Calls over the media streams of carriers and browsers", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
