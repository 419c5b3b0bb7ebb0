/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-api.h"
#include "cord-form.h"
#include "cord-resource.h"

G_BEGIN_DECLS

/* What the files of the API share. */

#define MAX_IDEMPOTENCY_KEY 200 /* bytes */

/* What a carrier is to tell of recordings */
#define CORD_API_RECORDING_EVENTS "in-progress completed absent"

/* One file a resource; each binds its operations */
void cord_api_events_add(CordApi *api);
void cord_api_hang_up_add(CordApi *api);
void cord_api_index_add(CordApi *api);
void cord_api_pages_add(CordApi *api);
void cord_api_session_add(CordApi *api);
void cord_api_sockets_add(CordApi *api);
void cord_api_calls_add(CordApi *api);
void cord_api_conversation_add(CordApi *api);
void cord_api_resources_add(CordApi *api);
void cord_api_numbers_add(CordApi *api);
void cord_api_outbound_add(CordApi *api);
void cord_api_control_add(CordApi *api);
void cord_api_twilio_add(CordApi *api);
void cord_api_twilio_placed_add(CordApi *api);
void cord_api_voice_add(CordApi *api);
void cord_api_webhooks_add(CordApi *api);

gboolean cord_api_seal_webhook(CordApi *api, CordExchange *exchange);
gboolean cord_api_seal_credentials(CordApi *api, CordExchange *exchange);

/* Twilio's webhooks */
CordForm *cord_api_twilio_read_form(CordApi *api, CordExchange *exchange);
void cord_api_twilio_admit(CordApi *api, CordExchange *exchange, CordForm *form,
                           const CordOutboundCall *placed);
gint cord_api_twilio_get_number(CordForm *form, const gchar *name);

/* Carriers */
GPtrArray *cord_api_list_bases(CordApi *api, CordExchange *exchange);
gchar *cord_api_to_websocket(const gchar *base, const gchar *rest);
gchar *cord_api_public_url(CordApi *api, CordExchange *exchange, const gchar *path,
                           gboolean websocket);
gchar *cord_api_callback_url(CordApi *api, CordExchange *exchange, const gchar *what,
                             const gchar *call_id);
const gchar *cord_api_find_token(CordApi *api, const gchar *number);
gboolean cord_api_find_account(CordApi *api, const gchar *number, CordTwilioAccount *account);
void cord_api_refuse_dial(CordExchange *exchange, const GError *error);
gboolean cord_api_is_sid(const gchar *id);
void cord_api_answer_twilio_error(CordExchange *exchange, const GError *error);

gboolean cord_api_read_idempotency_key(CordExchange *exchange, const gchar **key);
void cord_api_answer_error(CordExchange *exchange, const GError *error);
void cord_api_answer_tagged(CordExchange *exchange, guint status, const gchar *json,
                            const gchar *etag);
void cord_api_read(CordApi *api, const CordResource *resource, CordExchange *exchange,
                   gboolean list);
GHashTable *cord_api_new_questions(void);
void cord_api_bind_tool(CordApi *api, const gchar *operation, CordHandler handler);
void cord_api_answer_row(CordExchange *exchange, guint status, const gchar *json);

G_END_DECLS
