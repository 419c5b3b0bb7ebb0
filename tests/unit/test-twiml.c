/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "cord-twiml-writer.h"

static void
test_connect(void)
{
  g_autofree gchar *twiml = cord_twiml_connect_stream("wss://x.example/ws/voice-twilio", "ab12");

  g_assert_cmpstr(twiml, ==,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>"
                  "<Stream url=\"wss://x.example/ws/voice-twilio\">"
                  "<Parameter name=\"token\" value=\"ab12\"/></Stream></Connect></Response>");
}

static void
test_connect_without_token(void)
{
  g_autofree gchar *twiml = cord_twiml_connect_stream("wss://x.example/ws", NULL);

  g_assert_cmpstr(twiml, ==,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>"
                  "<Stream url=\"wss://x.example/ws\"/></Connect></Response>");
}

static void
test_escapes(void)
{
  /* specs: twiml-by-twilio-node, "connect-stream" */
  g_autofree gchar *twiml = cord_twiml_connect_stream("wss://x", "reception & \"sales\" <1>");

  g_assert_nonnull(g_strstr_len(twiml, -1, "value=\"reception &amp; &quot;sales&quot; &lt;1>\""));
}

static void
test_reject(void)
{
  g_autofree gchar *twiml = cord_twiml_reject("busy");

  g_assert_cmpstr(twiml, ==,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Reject "
                  "reason=\"busy\"/></Response>");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/twiml/a call is connected to a stream with its token", test_connect);
  g_test_add_func("/twiml/nobody is told a token without a call", test_connect_without_token);
  g_test_add_func("/twiml/attributes are escaped as Twilio's library does", test_escapes);
  g_test_add_func("/twiml/a busy line is rejected", test_reject);
  return g_test_run();
}
