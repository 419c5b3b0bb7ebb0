/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "failover-elements.h"

static gboolean
plugin_init(GstPlugin *plugin)
{
  gboolean ok = GST_ELEMENT_REGISTER(failoverstt, plugin);

  ok &= GST_ELEMENT_REGISTER(failovertts, plugin);
  return ok;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cordboardfailover,
                  "When a service fails, the next one: failoverstt, failovertts", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
