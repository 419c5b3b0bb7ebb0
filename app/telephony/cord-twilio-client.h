/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * CORD_TWILIO_ERROR:
 *
 * The domain of what Twilio's REST API refuses. The code is Twilio's own ("21211"), or 0 when it
 * could not be asked.
 */
#define CORD_TWILIO_ERROR (cord_twilio_error_quark())
GQuark cord_twilio_error_quark(void);
#define CORD_TWILIO_NOT_FOUND 20404

/**
 * CordTwilioAccount:
 * @account_sid: "AC…"
 * @auth_token: its secret
 *
 * In whose name is asked. Copied.
 */
typedef struct {
  const gchar *account_sid;
  const gchar *auth_token;
} CordTwilioAccount;

/**
 * CordTwilioClient:
 *
 * Twilio's REST API (2010-04-01). Main thread.
 */
#define CORD_TYPE_TWILIO_CLIENT (cord_twilio_client_get_type())
G_DECLARE_FINAL_TYPE(CordTwilioClient, cord_twilio_client, CORD, TWILIO_CLIENT, GObject)

CordTwilioClient *cord_twilio_client_new(const gchar *base_url);

/* Any request below an account: "Calls.json", its form as names and values by turns, NULL for GET
 */
void cord_twilio_client_ask_async(CordTwilioClient *self, const CordTwilioAccount *account,
                                  const gchar *path, const gchar *const *form,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
JsonObject *cord_twilio_client_ask_finish(CordTwilioClient *self, GAsyncResult *result,
                                          GError **error);

/* Writes the webhooks of one number, which is looked up first */
void cord_twilio_client_set_webhooks_async(CordTwilioClient *self, const CordTwilioAccount *account,
                                           const gchar *number, const gchar *voice_url,
                                           const gchar *status_callback, GCancellable *cancellable,
                                           GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_twilio_client_set_webhooks_finish(CordTwilioClient *self, GAsyncResult *result,
                                                GError **error);

G_END_DECLS
