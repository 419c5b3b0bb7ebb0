/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cartesia-elements.h"

static gboolean
plugin_init(GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER(cartesiatts, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cordboardcartesia,
                  "Voices of Cartesia: cartesiatts", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
