/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-private.h"

/**
 * cord_api_add_all:
 * @api: the API, with all its members but @doors and @questions
 *
 * Binds what the OpenAPI document promises. It is a fault of the program when something is left.
 */
void
cord_api_add_all(CordApi *api)
{
  g_auto(GStrv) unbound = NULL;

  api->doors = g_ptr_array_new_with_free_func(g_free);
  api->questions = cord_api_new_questions();
  cord_api_events_add(api);
  cord_api_index_add(api);
  cord_api_pages_add(api);
  cord_api_session_add(api);
  cord_api_sockets_add(api);
  cord_api_calls_add(api);
  cord_api_resources_add(api);
  cord_api_numbers_add(api);
  cord_api_outbound_add(api);
  cord_api_control_add(api);
  cord_api_hang_up_add(api);
  cord_api_twilio_add(api);
  cord_api_twilio_placed_add(api);
  cord_api_conversation_add(api);
  cord_api_voice_add(api);
  cord_api_webhooks_add(api);
  unbound = cord_openapi_list_unbound(api->openapi);
  for (gchar **name = unbound; *name; name++)
    g_critical("nobody answers the operation %s", *name);
}
