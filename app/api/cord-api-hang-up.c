/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-private.h"
#include "cord-json.h"

/* A call that its agent has ended: the stream is closed, and the carrier is asked to hang up, so
 * that nothing comes behind the goodbye, whatever else the TwiML of the number has. */

#define NOT_IN_PROGRESS 21220 /* Twilio's code: it has ended meanwhile */

static void
on_hung_up(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree gchar *sid = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);

  if (answer == NULL && !g_error_matches(error, CORD_TWILIO_ERROR, NOT_IN_PROGRESS) &&
      !g_error_matches(error, CORD_TWILIO_ERROR, CORD_TWILIO_NOT_FOUND))
    g_warning("the carrier does not hang up call %s: %s", sid, error->message);
}

/* Ours is the number that was called, or that we have called from. */
static void
hang_up(CordApi *api, const CordAdmission *admission)
{
  static const gchar *const form[] = { "Status", "completed", NULL };
  const gchar *number =
      cord_directory_find_number(api->directory, admission->to) ? admission->to : admission->from;
  g_autofree gchar *path = g_strdup_printf("Calls/%s.json", admission->call_sid);
  CordTwilioAccount account;

  if (cord_api_find_account(api, number, &account))
    cord_twilio_client_ask_async(api->twilio, &account, path, form, NULL, on_hung_up,
                                 g_strdup(admission->call_sid));
}

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  CordApi *api = data;
  const CordAdmission *admission = NULL;
  g_autoptr(JsonObject) event = NULL;

  if (!g_str_equal(name, "call-ended"))
    return;
  event = cord_json_parse_object(json, -1, NULL);
  if (event && g_str_equal(cord_json_peek_string(event, "reason", ""), "agent-hangup"))
    admission = cord_call_registry_find_admission(api->calls, call_id);
  if (admission && !cord_admission_is_browser(admission) && cord_api_is_sid(admission->call_sid))
    hang_up(api, admission);
}

/**
 * cord_api_hang_up_add:
 * @api: the API
 *
 * Lets the carrier hang up where an agent has done so; where there are credentials for it.
 */
void
cord_api_hang_up_add(CordApi *api)
{
  cord_call_registry_watch(api->calls, on_event, api);
}
