/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-twiml-writer.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

/* As Twilio's own library writes attributes. */
static gchar *
escape(const gchar *text)
{
  GString *out = g_string_new(NULL);

  for (const gchar *p = text; *p; p++) {
    switch (*p) {
    case '&':
      g_string_append(out, "&amp;");
      break;
    case '<':
      g_string_append(out, "&lt;");
      break;
    case '"':
      g_string_append(out, "&quot;");
      break;
    default:
      g_string_append_c(out, *p);
    }
  }
  return g_string_free(out, FALSE);
}

/* And text. */
static gchar *
escape_text(const gchar *text)
{
  g_autoptr(GString) out = g_string_new(text);

  g_string_replace(out, "&", "&amp;", 0);
  g_string_replace(out, "<", "&lt;", 0);
  g_string_replace(out, ">", "&gt;", 0);
  return g_strdup(out->str);
}

/**
 * cord_twiml_connect_stream:
 * @url: of the stream's WebSocket
 * @token: (nullable): what the stream has to bring
 *
 * Returns: (transfer full): TwiML that connects the call to a stream
 */
gchar *
cord_twiml_connect_stream(const gchar *url, const gchar *token)
{
  g_autofree gchar *safe_url = escape(url);
  g_autofree gchar *safe_token = token ? escape(token) : NULL;

  if (token == NULL)
    return g_strdup_printf(HEAD "<Response><Connect><Stream url=\"%s\"/></Connect></Response>",
                           safe_url);
  return g_strdup_printf(HEAD "<Response><Connect><Stream url=\"%s\"><Parameter name=\"token\" "
                              "value=\"%s\"/></Stream></Connect></Response>",
                         safe_url, safe_token);
}

/**
 * cord_twiml_say:
 * @text: what the carrier's voice says
 * @language: (nullable): in which language, BCP 47
 *
 * Returns: (transfer full): TwiML that says a sentence and hangs up
 */
gchar *
cord_twiml_say(const gchar *text, const gchar *language)
{
  g_autofree gchar *safe_text = escape_text(text);
  g_autofree gchar *safe_language = language ? escape(language) : NULL;

  return g_strdup_printf(HEAD "<Response><Say%s%s%s>%s</Say><Hangup/></Response>",
                         language ? " language=\"" : "", language ? safe_language : "",
                         language ? "\"" : "", safe_text);
}

/**
 * cord_twiml_dial:
 * @number: E.164
 *
 * Returns: (transfer full): TwiML that gives the caller to a number
 */
gchar *
cord_twiml_dial(const gchar *number)
{
  g_autofree gchar *safe = escape_text(number);

  return g_strdup_printf(HEAD "<Response><Dial>%s</Dial></Response>", safe);
}

/**
 * cord_twiml_hang_up:
 *
 * Returns: (transfer full): TwiML that ends the call
 */
gchar *
cord_twiml_hang_up(void)
{
  return g_strdup(HEAD "<Response><Hangup/></Response>");
}

/**
 * cord_twiml_reject:
 * @reason: "busy" or "rejected"
 *
 * Returns: (transfer full): TwiML that does not answer the call
 */
gchar *
cord_twiml_reject(const gchar *reason)
{
  return g_strdup_printf(HEAD "<Response><Reject reason=\"%s\"/></Response>", reason);
}
