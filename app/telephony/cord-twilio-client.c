/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-twilio-client.h"

#include <string.h>

#include "cord-json.h"

#define API "/2010-04-01/Accounts/"
#define TIMEOUT 15         /* s */
#define MAX_TRIES 3        /* only what Twilio has not begun is asked again: 429 */
#define FIRST_WAIT 500u    /* ms */
#define LONGEST_WAIT 3000u /* ms, also when Retry-After says more */
#define MAX_ANSWER (1024 * 1024)

/* by hand: clang-format takes the name of G_DEFINE_QUARK for a difference */
GQuark
cord_twilio_error_quark(void)
{
  return g_quark_from_static_string("cord-twilio-error-quark");
}

struct _CordTwilioClient {
  GObject parent_instance;
  SoupSession *session;
  gchar *base_url;
};

G_DEFINE_FINAL_TYPE(CordTwilioClient, cord_twilio_client, G_TYPE_OBJECT)

/* One request, with its repetitions. */
typedef struct {
  gchar *url;
  gchar *authorization;
  gchar *form; /* NULL: GET */
  SoupMessage *message;
  guint tries;
  guint timer;
} Request;

static void
free_request(gpointer data)
{
  Request *request = data;

  g_clear_handle_id(&request->timer, g_source_remove);
  g_clear_object(&request->message);
  g_free(request->url);
  g_free(request->authorization);
  g_free(request->form);
  g_free(request);
}

static gchar *
encode_form(const gchar *const *form)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; form[i] && form[i + 1]; i += 2) {
    g_autofree gchar *value = soup_form_encode("v", form[i + 1], NULL);

    if (i > 0)
      g_string_append_c(text, '&');
    g_string_append_uri_escaped(text, form[i], NULL, FALSE);
    g_string_append(text, value + 1);
  }
  return g_string_free(text, FALSE);
}

static gchar *
basic_authorization(const CordTwilioAccount *account)
{
  g_autofree gchar *plain = g_strdup_printf("%s:%s", account->account_sid, account->auth_token);
  g_autofree gchar *encoded = g_base64_encode((const guchar *)plain, strlen(plain));

  return g_strconcat("Basic ", encoded, NULL);
}

/* Twilio says what was wrong in a document of its own; anything else comes from what is between. */
static GError *
read_error(guint status, JsonObject *object)
{
  gint code = object ? (gint)cord_json_peek_int(object, "code", 0) : 0;
  const gchar *text = object ? cord_json_peek_string(object, "message", NULL) : NULL;

  if (status == 401)
    return g_error_new(CORD_TWILIO_ERROR, code ? code : 20003,
                       "Twilio does not accept the account SID and auth token; check "
                       "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or the number's credentials");
  return g_error_new(CORD_TWILIO_ERROR, code, "Twilio refused it (HTTP %u, code %d): %s", status,
                     code, text ? text : "it does not say why");
}

static void send_request(GTask *task);

static gboolean
on_next_try(gpointer data)
{
  GTask *task = data;
  Request *request = g_task_get_task_data(task);

  request->timer = 0;
  send_request(task);
  return G_SOURCE_REMOVE;
}

static gboolean
try_again(GTask *task)
{
  Request *request = g_task_get_task_data(task);
  const gchar *after = soup_message_headers_get_one(
      soup_message_get_response_headers(request->message), "Retry-After");
  guint wait = after ? (guint)MIN(g_ascii_strtoull(after, NULL, 10), 10) * 1000
                     : FIRST_WAIT << (request->tries - 1);

  if (soup_message_get_status(request->message) != 429 || request->tries >= MAX_TRIES)
    return FALSE;
  /* the task waits for its timer */
  request->timer = g_timeout_add_full(G_PRIORITY_DEFAULT, MIN(wait, LONGEST_WAIT), on_next_try,
                                      g_object_ref(task), g_object_unref);
  return TRUE;
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  Request *request = g_task_get_task_data(task);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = soup_session_send_and_read_finish(SOUP_SESSION(source), result, &error);
  guint status = soup_message_get_status(request->message);
  g_autoptr(JsonObject) object = NULL;

  if (!bytes) {
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      g_task_return_error(task, g_steal_pointer(&error));
    else
      g_task_return_new_error(task, CORD_TWILIO_ERROR, 0, "Twilio cannot be reached: %s",
                              error->message);
    return;
  }
  if (try_again(task))
    return;
  if (g_bytes_get_size(bytes) > 0 && g_bytes_get_size(bytes) <= MAX_ANSWER)
    object = cord_json_parse_object(g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes),
                                    &error);
  if (status < 200 || status > 299)
    g_task_return_error(task, read_error(status, object));
  else if (object)
    g_task_return_pointer(task, json_object_ref(object), (GDestroyNotify)json_object_unref);
  else if (status == 204)
    g_task_return_pointer(task, json_object_new(), (GDestroyNotify)json_object_unref);
  else
    g_task_return_new_error(task, CORD_TWILIO_ERROR, 0, "Twilio answered what is not JSON: %s",
                            error ? error->message : "nothing");
}

static void
send_request(GTask *task)
{
  CordTwilioClient *self = g_task_get_source_object(task);
  Request *request = g_task_get_task_data(task);

  request->tries++;
  g_clear_object(&request->message);
  request->message = soup_message_new(request->form ? "POST" : "GET", request->url);
  soup_message_add_flags(request->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_message_headers_replace(soup_message_get_request_headers(request->message), "Authorization",
                               request->authorization);
  if (request->form) {
    g_autoptr(GBytes) body = g_bytes_new(request->form, strlen(request->form));

    soup_message_set_request_body_from_bytes(request->message, "application/x-www-form-urlencoded",
                                             body);
  }
  soup_session_send_and_read_async(self->session, request->message, G_PRIORITY_DEFAULT,
                                   g_task_get_cancellable(task), on_answer, g_object_ref(task));
}

/**
 * cord_twilio_client_ask_async:
 * @self: a client
 * @account: in whose name
 * @path: below the account, "Calls.json"
 * @form: (nullable): names and values by turns, %NULL-terminated, to POST; %NULL to GET
 * @cancellable: (nullable): a cancellable
 * @callback: called with the answer
 * @user_data: for @callback
 *
 * A request that Twilio has refused for its rate (429) is asked again, others are not: a call must
 * not be placed twice.
 */
void
cord_twilio_client_ask_async(CordTwilioClient *self, const CordTwilioAccount *account,
                             const gchar *path, const gchar *const *form, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(self, cancellable, callback, user_data);
  Request *request = g_new0(Request, 1);

  request->url = g_strconcat(self->base_url, API, account->account_sid, "/", path, NULL);
  request->authorization = basic_authorization(account);
  request->form = form ? encode_form(form) : NULL;
  g_task_set_task_data(task, request, free_request);
  if (!g_uri_is_valid(request->url, G_URI_FLAGS_NONE, NULL)) {
    g_task_return_new_error(task, CORD_TWILIO_ERROR, 0, "%s is no address of Twilio",
                            self->base_url);
    return;
  }
  send_request(task);
}

/**
 * cord_twilio_client_ask_finish:
 * @self: a client
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: (transfer full): the answer
 */
JsonObject *
cord_twilio_client_ask_finish(CordTwilioClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

/* Webhooks of a number */

typedef struct {
  gchar *account_sid, *auth_token;
  gchar *number, *voice_url, *status_callback;
} Webhooks;

static void
free_webhooks(gpointer data)
{
  Webhooks *webhooks = data;

  g_free(webhooks->account_sid);
  g_free(webhooks->auth_token);
  g_free(webhooks->number);
  g_free(webhooks->voice_url);
  g_free(webhooks->status_callback);
  g_free(webhooks);
}

static void
on_webhooks_set(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);

  if (answer)
    g_task_return_boolean(task, TRUE);
  else
    g_task_return_error(task, error);
}

static void
on_number(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  Webhooks *webhooks = g_task_get_task_data(task);
  GError *error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);
  JsonArray *numbers = answer ? cord_json_peek_array(answer, "incoming_phone_numbers") : NULL;
  CordTwilioAccount account = { webhooks->account_sid, webhooks->auth_token };
  const gchar *form[] = { "VoiceUrl",       webhooks->voice_url,       "VoiceMethod", "POST",
                          "StatusCallback", webhooks->status_callback, NULL };
  g_autofree gchar *path = NULL;

  if (!answer) {
    g_task_return_error(task, error);
    return;
  }
  if (!numbers || json_array_get_length(numbers) == 0) {
    g_task_return_new_error(task, CORD_TWILIO_ERROR, 20404,
                            "the account %s does not have the number %s", webhooks->account_sid,
                            webhooks->number);
    return;
  }
  path =
      g_strdup_printf("IncomingPhoneNumbers/%s.json",
                      cord_json_peek_string(json_array_get_object_element(numbers, 0), "sid", ""));
  cord_twilio_client_ask_async(CORD_TWILIO_CLIENT(source), &account, path, form,
                               g_task_get_cancellable(task), on_webhooks_set, g_object_ref(task));
}

/**
 * cord_twilio_client_set_webhooks_async:
 * @self: a client
 * @account: the number's account
 * @number: E.164
 * @voice_url: asked when a call comes in
 * @status_callback: told how calls go
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is done
 * @user_data: for @callback
 */
void
cord_twilio_client_set_webhooks_async(CordTwilioClient *self, const CordTwilioAccount *account,
                                      const gchar *number, const gchar *voice_url,
                                      const gchar *status_callback, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new(self, cancellable, callback, user_data);
  Webhooks *webhooks = g_new0(Webhooks, 1);
  g_autofree gchar *escaped = g_uri_escape_string(number, NULL, FALSE);
  g_autofree gchar *path = g_strconcat("IncomingPhoneNumbers.json?PhoneNumber=", escaped, NULL);

  *webhooks = (Webhooks){ g_strdup(account->account_sid), g_strdup(account->auth_token),
                          g_strdup(number), g_strdup(voice_url), g_strdup(status_callback) };
  g_task_set_task_data(task, webhooks, free_webhooks);
  cord_twilio_client_ask_async(self, account, path, NULL, cancellable, on_number, task);
}

gboolean
cord_twilio_client_set_webhooks_finish(CordTwilioClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean(G_TASK(result), error);
}

static void
cord_twilio_client_finalize(GObject *object)
{
  CordTwilioClient *self = CORD_TWILIO_CLIENT(object);

  g_object_unref(self->session);
  g_free(self->base_url);
  G_OBJECT_CLASS(cord_twilio_client_parent_class)->finalize(object);
}

static void
cord_twilio_client_class_init(CordTwilioClientClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_twilio_client_finalize;
}

static void
cord_twilio_client_init(CordTwilioClient *self)
{
  self->session =
      soup_session_new_with_options("timeout", TIMEOUT, "user-agent", "Cordboard", NULL);
}

/**
 * cord_twilio_client_new:
 * @base_url: where the API is, "https://api.twilio.com"
 *
 * Returns: (transfer full): a client
 */
CordTwilioClient *
cord_twilio_client_new(const gchar *base_url)
{
  CordTwilioClient *self = g_object_new(CORD_TYPE_TWILIO_CLIENT, NULL);

  self->base_url = g_strdup(base_url);
  return self;
}
