/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-post.h"

#include <string.h>

#include "cord-http.h"

#define TIMEOUT (15 * GST_SECOND) /* Twilio's own */
#define MAX_ANSWER 65536          /* bytes; Twilio's own */

struct _CordPhonePost {
  CordHttpExchange *exchange;
  GByteArray *answer;
  gchar *url;
  CordPhonePostFunc func;
  gpointer data;
};

static void
post_free(CordPhonePost *self)
{
  g_byte_array_unref(self->answer);
  g_free(self->url);
  g_free(self);
}

static void
on_chunk(CordHttpExchange *exchange, const guint8 *data, gsize length, gpointer user_data)
{
  CordPhonePost *self = user_data;

  g_byte_array_append(self->answer, data, (guint)length);
}

static void
on_finished(CordHttpExchange *exchange, const GError *error, gpointer user_data)
{
  CordPhonePost *self = user_data;
  g_autoptr(GBytes) answer = g_bytes_new(self->answer->data, self->answer->len);
  g_autoptr(GError) prefixed = error ? g_error_copy(error) : NULL;

  if (prefixed)
    g_prefix_error(&prefixed, "the webhook %s: ", self->url);
  self->func(answer, prefixed, self->data);
  post_free(self);
}

static const CordHttpHandlers handlers = { .chunk = on_chunk, .finished = on_finished };

/**
 * cord_phone_post:
 * @worker: the worker it runs on
 * @url: where to
 * @form: what
 * @auth_token: (nullable): what to sign it with
 * @func: told the answer, once
 * @data: for @func
 *
 * Returns: (transfer none): the request, to be cancelled
 */
CordPhonePost *
cord_phone_post(CordWorker *worker, const gchar *url, CordPhoneForm *form, const gchar *auth_token,
                CordPhonePostFunc func, gpointer data)
{
  CordPhonePost *self = g_new0(CordPhonePost, 1);
  g_autofree gchar *body = cord_phone_form_encode(form);
  g_autofree gchar *signature = auth_token ? cord_phone_form_sign(form, url, auth_token) : NULL;
  g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
  const gchar *headers[] = { "X-Twilio-Signature", signature, NULL };
  CordHttpRequest request = {
    .method = "POST",
    .url = url,
    .headers = signature ? headers : NULL,
    .content_type = "application/x-www-form-urlencoded",
    .body = bytes,
    .connect_timeout = TIMEOUT,
    .first_byte_timeout = TIMEOUT,
    .idle_timeout = TIMEOUT,
    .max_body = MAX_ANSWER,
  };

  self->answer = g_byte_array_new();
  self->url = g_strdup(url);
  self->func = func;
  self->data = data;
  self->exchange = cord_http_start(worker, &request, &handlers, self);
  return self;
}

/**
 * cord_phone_post_cancel:
 * @self: (transfer full): a request that was not answered
 */
void
cord_phone_post_cancel(CordPhonePost *self)
{
  cord_http_cancel(self->exchange);
  post_free(self);
}
