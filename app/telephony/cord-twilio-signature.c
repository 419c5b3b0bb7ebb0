/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-twilio-signature.h"

#include <string.h>

/*
 * X-Twilio-Signature: base64(HMAC-SHA1(token, URL + each unique name, in the order of bytes, with
 * each of its unique values in order)). Twilio is not always of one mind on how it writes the URL,
 * so its usual forms are tried.
 */

static gint
compare_strings(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const gchar **)a, *(const gchar **)b);
}

static void
append_values(GString *text, CordForm *form, const gchar *name)
{
  g_autoptr(GPtrArray) values = g_ptr_array_new();

  for (guint i = 0; i < cord_form_get_length(form); i++) {
    if (g_str_equal(cord_form_get_name(form, i), name))
      g_ptr_array_add(values, (gpointer)cord_form_get_value(form, i));
  }
  g_ptr_array_sort(values, compare_strings);
  for (guint i = 0; i < values->len; i++) {
    if (i > 0 && g_str_equal(values->pdata[i], values->pdata[i - 1]))
      continue;
    g_string_append(text, name);
    g_string_append(text, values->pdata[i]);
  }
}

/**
 * cord_twilio_sign:
 * @auth_token: the account's secret
 * @url: the URL as the signer has it
 * @form: (nullable): the parameters of a form post
 *
 * Returns: (transfer full): the signature
 */
gchar *
cord_twilio_sign(const gchar *auth_token, const gchar *url, CordForm *form)
{
  g_autoptr(GString) text = g_string_new(url);
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  g_autoptr(GHmac) hmac =
      g_hmac_new(G_CHECKSUM_SHA1, (const guchar *)auth_token, strlen(auth_token));
  guint8 digest[20];
  gsize size = sizeof digest;

  for (guint i = 0; form && i < cord_form_get_length(form); i++)
    g_ptr_array_add(names, (gpointer)cord_form_get_name(form, i));
  g_ptr_array_sort(names, compare_strings);
  for (guint i = 0; i < names->len; i++) {
    if (i == 0 || !g_str_equal(names->pdata[i], names->pdata[i - 1]))
      append_values(text, form, names->pdata[i]);
  }
  g_hmac_update(hmac, (const guchar *)text->str, (gssize)text->len);
  g_hmac_get_digest(hmac, digest, &size);
  return g_base64_encode(digest, size);
}

/* Takes the same time wherever two signatures differ. */
static gboolean
equal(const gchar *a, const gchar *b)
{
  gsize length = strlen(a);
  guchar difference = strlen(b) != length;

  for (gsize i = 0; i < length; i++)
    difference |= (guchar)(a[i] ^ b[strlen(b) == length ? i : 0]);
  return difference == 0;
}

/* The parts of a URL between which a port may stand: "https://user@host", ":443", "/path?query". */
typedef struct {
  gchar *front;
  gchar *port; /* with its colon, or "" */
  const gchar *rest;
} Parts;

static gboolean
split(const gchar *url, Parts *parts)
{
  const gchar *host = strstr(url, "://");
  const gchar *rest, *at, *colon;

  if (host == NULL)
    return FALSE;
  host += 3;
  rest = host + strcspn(host, "/?#");
  at = g_strrstr_len(host, rest - host, "@");
  colon = g_strrstr_len(at ? at : host, rest - (at ? at : host), ":");
  if (colon && memchr(colon, ']', (gsize)(rest - colon)))
    colon = NULL;
  parts->front = g_strndup(url, (gsize)((colon ? colon : rest) - url));
  parts->port = colon ? g_strndup(colon, (gsize)(rest - colon)) : g_strdup("");
  parts->rest = rest;
  return TRUE;
}

static void
add_form_of(GPtrArray *urls, const gchar *front, const gchar *port, const gchar *rest)
{
  g_ptr_array_add(urls, g_strconcat(front, port, rest, NULL));
}

static gboolean
is_secure(const gchar *url)
{
  return g_str_has_prefix(url, "https:") || g_str_has_prefix(url, "wss:");
}

/* As it is, without its port, with the port that goes without saying, with a slash at the end of a
 * WebSocket's path, and with an apostrophe as older signers write it. */
static GPtrArray *
forms_of(const gchar *url)
{
  GPtrArray *urls = g_ptr_array_new_with_free_func(g_free);
  gboolean websocket = g_str_has_prefix(url, "ws");
  Parts parts;

  g_ptr_array_add(urls, g_strdup(url));
  if (!split(url, &parts))
    return urls;
  if (is_secure(url))
    add_form_of(urls, parts.front, "", parts.rest);
  if (*parts.port == '\0')
    add_form_of(urls, parts.front, is_secure(url) ? ":443" : ":80", parts.rest);
  if (websocket) {
    if (*parts.port == '\0' && is_secure(url))
      add_form_of(urls, parts.front, ":80", parts.rest);
    if (strchr(parts.rest, '?') == NULL && !g_str_has_suffix(parts.rest, "/")) {
      g_autofree gchar *slashed = g_strconcat(parts.rest, "/", NULL);

      add_form_of(urls, parts.front, parts.port, slashed);
      add_form_of(urls, parts.front, "", slashed);
    }
    /* some frameworks make https of wss */
    g_ptr_array_add(urls, g_strconcat("http", url + strlen("ws"), NULL));
  }
  if (strchr(parts.rest, '\'')) {
    g_auto(GStrv) pieces = g_strsplit(parts.rest, "'", -1);
    g_autofree gchar *quoted = g_strjoinv("%27", pieces);

    add_form_of(urls, parts.front, parts.port, quoted);
  }
  g_free(parts.front);
  g_free(parts.port);
  return urls;
}

/**
 * cord_twilio_signature_check:
 * @auth_token: the account's secret
 * @url: the URL of the request, as the outside sees it
 * @form: (nullable): the parameters, where it is a form post
 * @signature: (nullable): the X-Twilio-Signature header
 *
 * Returns: whether Twilio has signed the request
 */
gboolean
cord_twilio_signature_check(const gchar *auth_token, const gchar *url, CordForm *form,
                            const gchar *signature)
{
  g_autoptr(GPtrArray) urls = forms_of(url);
  gboolean good = FALSE;

  if (signature == NULL || *signature == '\0')
    return FALSE;
  for (guint i = 0; i < urls->len; i++) {
    g_autofree gchar *expected = cord_twilio_sign(auth_token, urls->pdata[i], form);

    good |= equal(expected, signature);
  }
  return good;
}

/**
 * cord_twilio_body_check:
 * @url: the URL of a request whose body is no form
 * @body: (array length=length) (element-type guint8): the body
 * @length: of @body
 *
 * Returns: whether the bodySHA256 of @url is that of @body
 */
gboolean
cord_twilio_body_check(const gchar *url, gconstpointer body, gsize length)
{
  const gchar *at = strstr(url, "bodySHA256=");
  g_autofree gchar *given = NULL;
  g_autofree gchar *computed = g_compute_checksum_for_data(G_CHECKSUM_SHA256, body, length);

  if (at == NULL)
    return FALSE;
  at += strlen("bodySHA256=");
  given = g_strndup(at, strcspn(at, "&#"));
  return equal(computed, given);
}
