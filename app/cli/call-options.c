/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "call-options.h"

#include <glib/gi18n.h>
#include <string.h>

#define DEFAULT_URL "http://127.0.0.1:8000/api/twilio/incoming"
#define DEFAULT_BROWSER_URL "ws://127.0.0.1:8000/ws/voice-browser"
#define INCOMING "/incoming"
#define DEFAULT_VOICE "kal16" /* what speech-to-text understands best */

static void
free_wish(gpointer data)
{
  g_free(((CallWish *)data)->value);
  g_free(data);
}

static gboolean
add_wish(const gchar *name, const gchar *value, gpointer data, GError **error)
{
  CallOptions *options = data;
  CallWish *wish = g_new0(CallWish, 1);

  /* --say, --wav and --dtmf differ in their third letter */
  wish->kind = name[2];
  wish->value = g_strdup(value);
  wish->barge_in_ms = options->barge_in_ms;
  options->barge_in_ms = -1;
  g_ptr_array_add(options->wishes, wish);
  return TRUE;
}

static gboolean
set_barge_in(const gchar *name, const gchar *value, gpointer data, GError **error)
{
  gint64 ms;

  if (!g_ascii_string_to_signed(value, 10, 0, 600000, &ms, NULL)) {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                _("--barge-in takes milliseconds, not \"%s\""), value);
    return FALSE;
  }
  ((CallOptions *)data)->barge_in_ms = (gint)ms;
  return TRUE;
}

static gboolean
parse(CallOptions *options, int argc, char *argv[], GError **error)
{
  gpointer wish = (gpointer)add_wish, barge_in = (gpointer)set_barge_in;
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &options->url,
      N_("Voice webhook to call, or ws://… to open a stream at once"), N_("URL") },
    { "status-url", 0, 0, G_OPTION_ARG_STRING, &options->status_url,
      N_("Where to post that the call is over (…/status beside …/incoming), or none"), N_("URL") },
    { "say", 0, 0, G_OPTION_ARG_CALLBACK, wish, N_("Say this; may be repeated"), N_("TEXT") },
    { "wav", 0, 0, G_OPTION_ARG_CALLBACK, wish, N_("Say what is in this file"), N_("FILE") },
    { "dtmf", 0, 0, G_OPTION_ARG_CALLBACK, wish, N_("Press these keys"), N_("DIGITS") },
    { "barge-in", 0, 0, G_OPTION_ARG_CALLBACK, barge_in,
      N_("Begin the next of them so long after the agent has begun to speak"), N_("MS") },
    { "browser", 0, 0, G_OPTION_ARG_NONE, &options->browser,
      N_("Come as a page in a browser does, not as a telephone"), NULL },
    { "jitter", 0, 0, G_OPTION_ARG_INT, &options->jitter_ms,
      N_("Let a browser keep what it hears up to so long before it sends it"), N_("MS") },
    { "key", 0, 0, G_OPTION_ARG_STRING, &options->key, N_("Key of the API (CORDBOARD_API_KEY)"),
      N_("KEY") },
    { "mic", 0, 0, G_OPTION_ARG_NONE, &options->mic, N_("Speak and listen yourself"), NULL },
    { "voice", 0, 0, G_OPTION_ARG_STRING, &options->voice,
      N_("Voice for --say: kal16, rms, slt, awb, kal"), N_("NAME") },
    { "record", 'r', 0, G_OPTION_ARG_FILENAME, &options->record,
      N_("Write PREFIX-heard.wav, PREFIX-stereo.wav (caller left) and PREFIX.json"), N_("PREFIX") },
    { "expect", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->expect,
      N_("Fail unless this is in the transcript; may be repeated"), N_("TEXT") },
    { "from", 0, 0, G_OPTION_ARG_STRING, &options->from, N_("The caller's number"), N_("NUMBER") },
    { "to", 0, 0, G_OPTION_ARG_STRING, &options->to, N_("The number that is called"),
      N_("NUMBER") },
    { "auth-token", 0, 0, G_OPTION_ARG_STRING, &options->auth_token,
      N_("Signs the requests (TWILIO_AUTH_TOKEN)"), N_("TOKEN") },
    { "max-duration", 0, 0, G_OPTION_ARG_INT, &options->max_duration,
      N_("Hang up and fail after so long (300)"), N_("SECONDS") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->json, N_("Print the result as JSON"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("Print errors only"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  GOptionGroup *group = g_option_group_new("call", "", "", options, NULL);

  g_option_group_add_entries(group, entries);
  g_option_group_set_translation_domain(group, GETTEXT_PACKAGE);
  g_option_context_set_main_group(context, group);
  g_option_context_set_summary(
      context,
      _("Telephones with a server as Twilio would: webhook, TwiML, signed media stream, real "
        "time. What the caller says is said in the order given, each when the agent has "
        "finished. Exits with 0 when the call was good, 1 when it failed."));
  return g_option_context_parse(context, &argc, &argv, error);
}

/* The status callback stands beside the webhook. */
static void
set_status_url(CallOptions *options)
{
  if (g_strcmp0(options->status_url, "none") == 0)
    g_clear_pointer(&options->status_url, g_free);
  else if (options->status_url == NULL && g_str_has_suffix(options->url, INCOMING))
    options->status_url = g_strdup_printf(
        "%.*s/status", (int)(strlen(options->url) - strlen(INCOMING)), options->url);
}

static void
set_defaults(CallOptions *options)
{
  const gchar *token = g_getenv("TWILIO_AUTH_TOKEN");
  const gchar *key = g_getenv("CORDBOARD_API_KEY");

  if (options->url == NULL)
    options->url = g_strdup(options->browser ? DEFAULT_BROWSER_URL : DEFAULT_URL);
  set_status_url(options);
  if (options->voice == NULL)
    options->voice = g_strdup(DEFAULT_VOICE);
  if (options->from == NULL)
    options->from = g_strdup("+15005550006");
  if (options->to == NULL)
    options->to = g_strdup("+15005550001");
  if (options->key == NULL && key && *key)
    options->key = g_strdup(key);
  if (options->auth_token == NULL && token && *token)
    options->auth_token = g_strdup(token);
  if (options->max_duration <= 0)
    options->max_duration = 300;
}

static gboolean
check(const CallOptions *options, GError **error)
{
  if (options->browser && !g_str_has_prefix(options->url, "ws://") &&
      !g_str_has_prefix(options->url, "wss://")) {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                _("a browser needs the address of a WebSocket (ws://…), not \"%s\""), options->url);
    return FALSE;
  }
  if (options->jitter_ms >= 0 && options->jitter_ms <= 10000)
    return TRUE;
  g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                      _("--jitter takes 0 to 10000 milliseconds"));
  return FALSE;
}

/**
 * call_options_read:
 * @self: (out caller-allocates): the options, with what was not given
 * @argc: number of arguments
 * @argv: arguments
 * @error: return location for an error
 *
 * Returns: whether they make sense; cleared with call_options_clear() in any case
 */
gboolean
call_options_read(CallOptions *self, int argc, char *argv[], GError **error)
{
  *self = (CallOptions){ .wishes = g_ptr_array_new_with_free_func(free_wish), .barge_in_ms = -1 };
  if (!parse(self, argc, argv, error))
    return FALSE;
  set_defaults(self);
  return check(self, error);
}

/**
 * call_options_clear:
 * @self: options that were read
 */
void
call_options_clear(CallOptions *self)
{
  g_ptr_array_unref(self->wishes);
  g_free(self->url);
  g_free(self->status_url);
  g_free(self->from);
  g_free(self->to);
  g_free(self->auth_token);
  g_free(self->key);
  g_free(self->voice);
  g_free(self->record);
  g_strfreev(self->expect);
}
