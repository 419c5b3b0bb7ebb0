/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "openai-elements.h"

static gboolean
plugin_init(GstPlugin *plugin)
{
  gboolean ok = GST_ELEMENT_REGISTER(openaistt, plugin);

  ok &= GST_ELEMENT_REGISTER(openaitts, plugin);
  ok &= GST_ELEMENT_REGISTER(openairealtime, plugin);
  return ok;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cordboardopenai,
                  "The services of OpenAI and of whoever speaks their protocols", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
