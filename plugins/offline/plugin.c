/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "offline-elements.h"

static gboolean
plugin_init(GstPlugin *plugin)
{
  gboolean ok = GST_ELEMENT_REGISTER(flitetts, plugin);

  return GST_ELEMENT_REGISTER(pocketsphinxstt, plugin) && ok;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cordboardoffline,
                  "Speech without network: pocketsphinxstt and flitetts", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
