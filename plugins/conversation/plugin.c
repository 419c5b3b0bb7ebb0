/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include "conversation-elements.h"

static gboolean
plugin_init(GstPlugin *plugin)
{
  gboolean ok = TRUE;

  ok &= GST_ELEMENT_REGISTER(audiopacer, plugin);
  ok &= GST_ELEMENT_REGISTER(speechrouter, plugin);
  ok &= GST_ELEMENT_REGISTER(turntaker, plugin);
  ok &= GST_ELEMENT_REGISTER(voicedetect, plugin);
  return ok;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, conversation,
                  "Voice conversation: speech detection, turn-taking, pacing", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
