/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-http-error.h"

#include <libsoup/soup.h>
#include <string.h>

#include "cord-http.h"
#include "cord-json.h"

#define MAX_SAID 300   /* bytes of what a service says that an error repeats */
#define MIN_SECRET 8   /* characters; what is shorter is in every text */
#define HIDDEN "(...)" /* in place of a secret */

/**
 * cord_http_explain_tls: (skip)
 * @error: why there is no connection
 * @wrong: what is wrong with the certificate of its other end
 *
 * Returns: (transfer none): a sentence for people
 */
const gchar *
cord_http_explain_tls(const GError *error, GTlsCertificateFlags wrong)
{
  static const struct {
    GTlsCertificateFlags flag;
    const gchar *text;
  } reasons[] = {
    { G_TLS_CERTIFICATE_BAD_IDENTITY, "its certificate is that of another host" },
    { G_TLS_CERTIFICATE_UNKNOWN_CA,
      "its certificate is signed by nobody whom this machine trusts" },
    { G_TLS_CERTIFICATE_EXPIRED, "its certificate has expired" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "its certificate is not valid yet: is the clock right?" },
    { G_TLS_CERTIFICATE_REVOKED, "its certificate was revoked" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(reasons); i++)
    if (wrong & reasons[i].flag)
      return reasons[i].text;
  return error->message;
}

/**
 * cord_http_explain: (skip)
 * @error: why there is no answer
 * @message: to what
 *
 * Returns: (transfer none): a sentence for people
 */
const gchar *
cord_http_explain(const GError *error, SoupMessage *message)
{
  return cord_http_explain_tls(error, soup_message_get_tls_peer_certificate_errors(message));
}

/**
 * cord_http_error_code:
 * @status: of an answer, 300 or more
 *
 * Returns: the code in which such an answer is told
 */
CordError
cord_http_error_code(guint status)
{
  switch (status) {
  case 401:
  case 403:
    return CORD_ERROR_NOT_AUTHORIZED;
  case 404:
    return CORD_ERROR_NOT_FOUND;
  case 402:
  case 429:
    return CORD_ERROR_QUOTA;
  case 408:
  case 504:
    return CORD_ERROR_TIMEOUT;
  default:
    return status >= 500   ? CORD_ERROR_NETWORK
           : status >= 400 ? CORD_ERROR_INVALID
                           : CORD_ERROR_PROTOCOL;
  }
}

/* Services agree on JSON, and not on where in it the sentence is. */
static const gchar *
find_message(JsonObject *root)
{
  static const gchar *const names[] = { "error", "detail", "message", "err_msg", "title" };

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    JsonObject *inner = cord_json_peek_object(root, names[i]);
    const gchar *text = inner ? cord_json_peek_string(inner, "message", NULL)
                              : cord_json_peek_string(root, names[i], NULL);

    if (text && *text)
      return text;
  }
  return NULL;
}

/* One line, cut between characters. */
static gchar *
to_line(const gchar *text)
{
  gsize length = strlen(text);
  gsize size = MIN(length, MAX_SAID);
  g_autofree gchar *line = NULL;

  while (size > 0 && size < length && (text[size] & 0xc0) == 0x80)
    size--;
  line = g_strndup(text, size);
  for (gchar *p = line; *p; p++) {
    if ((guchar)*p < 0x20 || *p == 0x7f)
      *p = ' ';
  }
  return g_strstrip(g_steal_pointer(&line));
}

static void
collect_value(GPtrArray *secrets, const gchar *value)
{
  const gchar *space = strchr(value, ' ');

  /* "Bearer KEY", "Basic KEY", "Token KEY" */
  if (space && strlen(space + 1) >= MIN_SECRET)
    g_ptr_array_add(secrets, g_strdup(space + 1));
  if (strlen(value) >= MIN_SECRET)
    g_ptr_array_add(secrets, g_strdup(value));
}

/*
 * cord_http_collect_secrets:
 * @uri: where to
 * @headers: (nullable): names and values by turns
 *
 * Returns: (transfer full): what no error may repeat: the values of headers and of the query, and
 * who asks
 */
GStrv
cord_http_collect_secrets(GUri *uri, const gchar *const *headers)
{
  g_autoptr(GPtrArray) secrets = g_ptr_array_new();
  const gchar *query = g_uri_get_query(uri);

  for (guint i = 0; headers && headers[i] && headers[i + 1]; i += 2)
    collect_value(secrets, headers[i + 1]);
  if (g_uri_get_userinfo(uri))
    collect_value(secrets, g_uri_get_userinfo(uri));
  if (query) {
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);

    for (guint i = 0; pairs[i]; i++) {
      const gchar *equals = strchr(pairs[i], '=');

      collect_value(secrets, equals ? equals + 1 : pairs[i]);
    }
  }
  g_ptr_array_add(secrets, NULL);
  return (GStrv)g_ptr_array_free(g_steal_pointer(&secrets), FALSE);
}

/*
 * cord_http_hide_secrets:
 * @text: what somebody else said
 * @secrets: what it may not repeat
 *
 * Returns: (transfer full): @text without them
 */
gchar *
cord_http_hide_secrets(const gchar *text, const gchar *const *secrets)
{
  GString *hidden = g_string_new(text);

  for (guint i = 0; secrets && secrets[i]; i++)
    g_string_replace(hidden, secrets[i], HIDDEN, 0);
  return g_string_free(hidden, FALSE);
}

/*
 * cord_http_describe_body:
 * @body: of an answer that refuses, or its beginning
 * @length: of @body
 * @secrets: what may not be repeated
 *
 * Returns: (transfer full): what it says in one line: the message of its JSON, else its first
 * bytes, else nothing (a page is not quoted)
 */
gchar *
cord_http_describe_body(const gchar *body, gsize length, const gchar *const *secrets)
{
  g_autoptr(JsonObject) root = NULL;
  g_autofree gchar *text = NULL;
  g_autofree gchar *hidden = NULL;
  const gchar *message;

  while (length > 0 && g_ascii_isspace(*body)) {
    body++;
    length--;
  }
  if (length == 0 || *body == '<')
    return g_strdup("");
  if (*body == '{')
    root = cord_json_parse_object(body, (gssize)length, NULL);
  message = root ? find_message(root) : NULL;
  text = message ? g_strdup(message) : g_utf8_make_valid(body, (gssize)length);
  /* before it is cut, so that no half of a secret is left */
  hidden = cord_http_hide_secrets(text, secrets);
  return to_line(hidden);
}

/*
 * cord_http_parse_retry_after:
 * @ms: (nullable): the value of retry-after-ms
 * @text: (nullable): the value of Retry-After: seconds or a date
 *
 * Returns: how long that is, 0 where it says nothing
 */
GstClockTime
cord_http_parse_retry_after(const gchar *ms, const gchar *text)
{
  g_autoptr(GDateTime) date = NULL;
  g_autoptr(GDateTime) now = NULL;
  GTimeSpan wait;

  if (ms && g_ascii_isdigit(*ms))
    return (GstClockTime)(CLAMP(g_ascii_strtod(ms, NULL), 0, 1e9) * GST_MSECOND);
  if (text == NULL)
    return 0;
  if (g_ascii_isdigit(*text))
    return (GstClockTime)(CLAMP(g_ascii_strtod(text, NULL), 0, 1e6) * GST_SECOND);
  date = soup_date_time_new_from_http_string(text);
  now = g_date_time_new_now_utc();
  wait = date ? g_date_time_difference(date, now) : 0;
  return wait > 0 ? (GstClockTime)wait * GST_USECOND : 0;
}

/*
 * cord_http_parse_retry_delay:
 * @body: of an answer that refuses
 * @length: of @body
 *
 * Google says it there: {"error": {"details": [{"retryDelay": "34.4s"}]}}.
 *
 * Returns: how long that is, 0 where it says nothing
 */
GstClockTime
cord_http_parse_retry_delay(const gchar *body, gsize length)
{
  g_autoptr(JsonObject) root = cord_json_parse_object(body, (gssize)length, NULL);
  JsonArray *details = cord_json_peek_array(cord_json_peek_object(root, "error"), "details");

  for (guint i = 0; details && i < json_array_get_length(details); i++) {
    JsonNode *node = json_array_get_element(details, i);
    const gchar *delay = JSON_NODE_HOLDS_OBJECT(node)
                             ? cord_json_peek_string(json_node_get_object(node), "retryDelay", NULL)
                             : NULL;

    if (delay)
      return (GstClockTime)(CLAMP(g_ascii_strtod(delay, NULL), 0, 1e6) * GST_SECOND);
  }
  return 0;
}
