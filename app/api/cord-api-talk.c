/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-talk.h"

#include "cord-error.h"
#include "cord-json.h"

static void
on_gone(SoupServerMessage *message, gpointer data)
{
  g_cancellable_cancel(data);
}

/**
 * cord_api_talk_begin:
 * @self: an empty request
 * @api: the API
 * @exchange: what was asked
 *
 * Holds @exchange; @self->cancellable is cancelled when the client goes.
 */
void
cord_api_talk_begin(CordApiTalk *self, CordApi *api, CordExchange *exchange)
{
  self->api = api;
  self->exchange = cord_exchange_hold(exchange);
  self->cancellable = g_cancellable_new();
  self->gone =
      g_signal_connect(exchange->message, "disconnected", G_CALLBACK(on_gone), self->cancellable);
}

/**
 * cord_api_talk_end:
 * @self: a request that was answered
 */
void
cord_api_talk_end(CordApiTalk *self)
{
  g_signal_handler_disconnect(self->exchange->message, self->gone);
  g_clear_object(&self->cancellable);
  g_clear_pointer(&self->exchange, cord_exchange_release);
}

/**
 * cord_api_talk_status:
 * @error: what #CordTalks or #CordDialogue said, but for the store's errors
 *
 * Returns: the HTTP status that says it
 */
guint
cord_api_talk_status(const GError *error)
{
  static const struct {
    CordError code;
    guint status;
  } table[] = {
    { CORD_ERROR_NOT_FOUND, 404 }, { CORD_ERROR_CLOSED, 409 }, { CORD_ERROR_INVALID, 422 },
    { CORD_ERROR_TOO_LARGE, 413 }, { CORD_ERROR_QUOTA, 503 },  { CORD_ERROR_TIMEOUT, 504 },
  };

  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return 503;
  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_error_matches(error, CORD_ERROR, (gint)table[i].code))
      return table[i].status;
  return 502;
}

/**
 * cord_api_answer_talk_error:
 * @exchange: a request
 * @error: what #CordTalks or #CordDialogue said
 *
 * Answers with the problem document that fits.
 */
void
cord_api_answer_talk_error(CordExchange *exchange, const GError *error)
{
  guint status = cord_api_talk_status(error);

  if (g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_CHANGED)) {
    cord_exchange_problem(exchange, 409,
                          "Something else was said in this conversation at the same time; say it "
                          "again.");
    return;
  }
  if (error->domain == CORD_STORE_ERROR) {
    cord_api_answer_error(exchange, error);
    return;
  }
  if (status == 503)
    cord_exchange_set_header(exchange, "Retry-After", "2");
  cord_exchange_problem(exchange, status, "%s%s%s", status == 502 ? "A service failed: " : "",
                        error->message, g_str_has_suffix(error->message, ".") ? "" : ".");
}

/**
 * cord_api_read_text:
 * @exchange: a request
 * @name: what it may say
 *
 * Returns: (nullable): what its body or its query says; the body counts, and nothing is %NULL
 */
const gchar *
cord_api_read_text(CordExchange *exchange, const gchar *name)
{
  const gchar *text = exchange->body ? cord_json_peek_string(exchange->body, name, NULL) : NULL;

  if (text == NULL)
    text = cord_exchange_get_query(exchange, name);
  return text && *text ? text : NULL;
}

static void
switched_off_handler(CordExchange *exchange, gpointer data)
{
  cord_exchange_problem(exchange, 503,
                        "Tools are switched off here (tools.enabled, VOICE_AGENT_MCP_ENABLED).");
}

/**
 * cord_api_bind_tool:
 * @api: the API
 * @operation: an operation that others use as a tool
 * @handler: answers it, as long as tools are not switched off
 */
void
cord_api_bind_tool(CordApi *api, const gchar *operation, CordHandler handler)
{
  gboolean enabled = cord_config_get_boolean(api->config, "tools.enabled");

  cord_openapi_bind(api->openapi, operation, enabled ? handler : switched_off_handler, api);
}

/**
 * cord_api_read_persona:
 * @exchange: a request
 * @name: (nullable): the persona that it names
 * @persona: (out) (transfer none) (nullable): the persona
 *
 * Returns: whether there is such a persona, or none was named; if not, it was answered
 */
gboolean
cord_api_read_persona(CordExchange *exchange, const gchar *name, const CordPersona **persona)
{
  *persona = cord_persona_find(name);
  if (name == NULL || *persona)
    return TRUE;
  cord_exchange_problem(exchange, 422,
                        "There is no persona of that name; GET /personas lists them.");
  return FALSE;
}

/**
 * cord_api_find_talker:
 * @api: the API
 * @exchange: a request
 * @agent_id: (nullable): the agent that it names; %NULL for the first active one
 *
 * Returns: (transfer full) (nullable): the agent; if there is none, it was answered
 */
CordAgent *
cord_api_find_talker(CordApi *api, CordExchange *exchange, const gchar *agent_id)
{
  g_autoptr(GError) error = NULL;
  CordAgent *agent = agent_id ? cord_directory_find_agent(api->directory, agent_id)
                              : cord_directory_choose_agent(api->directory, NULL, &error);

  if (agent == NULL && error)
    cord_exchange_problem(exchange, 409, "%s.", error->message);
  else if (agent == NULL)
    cord_exchange_problem(exchange, 404, "There is no such agent.");
  return agent;
}
