/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-talk.h"
#include "cord-json.h"

/* Conversations in writing, and the manners that agents can put on. */

static void
answer_object(CordExchange *exchange, JsonObject *object)
{
  g_autofree gchar *text = cord_json_print_object(object);

  cord_exchange_answer(exchange, 200, "application/json", text);
}

/* Personas */

static void
list_personas_handler(CordExchange *exchange, gpointer data)
{
  g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
  JsonArray *array = json_array_new();
  guint n;
  const CordPersona *personas = cord_persona_get_all(&n);
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < n; i++)
    json_array_add_object_element(array, cord_persona_to_json(&personas[i]));
  json_node_take_array(node, array);
  text = cord_json_print(node);
  cord_exchange_answer(exchange, 200, "application/json", text);
}

static void
get_persona_handler(CordExchange *exchange, gpointer data)
{
  const CordPersona *persona = cord_persona_find(exchange->parameters[0]);
  g_autoptr(JsonObject) object = NULL;

  if (persona == NULL) {
    cord_exchange_problem(exchange, 404,
                          "There is no persona of that name; GET /personas lists them.");
    return;
  }
  object = cord_persona_to_json(persona);
  answer_object(exchange, object);
}

/* Starting */

static JsonObject *
describe(CordDialogue *dialogue)
{
  const CordPersona *persona = cord_dialogue_get_persona(dialogue);
  CordAgent *agent = cord_dialogue_get_agent(dialogue);
  JsonObject *object = json_object_new();

  json_object_set_string_member(object, "session_id", cord_dialogue_get_id(dialogue));
  json_object_set_string_member(object, "agent_id", agent->id);
  json_object_set_string_member(object, "agent_name", agent->name);
  cord_json_set_string(object, "persona", persona ? persona->name : NULL);
  return object;
}

static void
on_started(GObject *source, GAsyncResult *result, gpointer data)
{
  CordExchange *exchange = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordDialogue) dialogue = cord_dialogue_open_finish(result, &error);
  g_autoptr(JsonObject) object = dialogue ? describe(dialogue) : NULL;

  if (object) {
    cord_json_set_string(object, "agent_response", cord_dialogue_get_greeting(dialogue));
    answer_object(exchange, object);
  } else {
    cord_api_answer_talk_error(exchange, error);
  }
  cord_exchange_release(exchange);
}

static void
start_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *name = cord_api_read_text(exchange, "persona");
  const CordPersona *persona;
  const gchar *key;

  if (cord_api_read_persona(exchange, name, &persona) &&
      cord_api_read_idempotency_key(exchange, &key))
    cord_dialogue_start_async(api->dialogues, cord_api_read_text(exchange, "agent_id"), name,
                              cord_api_read_text(exchange, "customer_id"), key, on_started,
                              cord_exchange_hold(exchange));
}

/* Saying something */

typedef struct {
  CordApiTalk talk;
  CordDialogue *dialogue;
  gchar *text;
  gboolean streams; /* as server-sent events */
  gboolean begun;
} Turn;

static void
free_turn(Turn *turn)
{
  g_clear_object(&turn->dialogue);
  cord_api_talk_end(&turn->talk);
  g_free(turn->text);
  g_free(turn);
}

static void
begin_stream(Turn *turn)
{
  SoupServerMessage *message = turn->talk.exchange->message;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

  turn->begun = TRUE;
  soup_server_message_set_status(message, 200, NULL);
  soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_set_content_type(headers, "text/event-stream", NULL);
  soup_message_headers_replace(headers, "Cache-Control", "no-cache");
}

static void
send_event(Turn *turn, const gchar *name, JsonObject *object)
{
  SoupServerMessage *message = turn->talk.exchange->message;
  g_autofree gchar *json = cord_json_print_object(object);
  g_autofree gchar *text = g_strdup_printf("event: %s\ndata: %s\n\n", name, json);

  if (!turn->begun)
    begin_stream(turn);
  soup_message_body_append(soup_server_message_get_response_body(message), SOUP_MEMORY_COPY, text,
                           strlen(text));
  soup_server_message_unpause(message);
}

static void
end_stream(Turn *turn)
{
  SoupServerMessage *message = turn->talk.exchange->message;

  soup_message_body_complete(soup_server_message_get_response_body(message));
  soup_server_message_unpause(message);
}

static void
on_piece(const gchar *text, gpointer data)
{
  g_autoptr(JsonObject) object = json_object_new();

  json_object_set_string_member(object, "text", text);
  send_event(data, "piece", object);
}

/* Once pieces were sent an error can only follow them. */
static void
answer_error(Turn *turn, const GError *error)
{
  g_autoptr(JsonObject) object = NULL;

  if (!turn->begun) {
    cord_api_answer_talk_error(turn->talk.exchange, error);
    return;
  }
  object = json_object_new();
  json_object_set_int_member(object, "status", cord_api_talk_status(error));
  json_object_set_string_member(object, "detail", error->message);
  send_event(turn, "error", object);
  end_stream(turn);
}

static void
on_said(GObject *source, GAsyncResult *result, gpointer data)
{
  Turn *turn = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordAnswer) answer = cord_dialogue_say_finish(CORD_DIALOGUE(source), result, &error);
  g_autoptr(JsonObject) object = answer ? describe(turn->dialogue) : NULL;

  if (answer == NULL) {
    answer_error(turn, error);
    free_turn(turn);
    return;
  }
  json_object_set_string_member(object, "user_input", turn->text);
  json_object_set_string_member(object, "agent_response", answer->text);
  json_object_set_int_member(object, "turn", cord_dialogue_get_turns(turn->dialogue));
  json_object_set_boolean_member(object, "ended", answer->ended);
  if (turn->streams) {
    send_event(turn, "done", object);
    end_stream(turn);
  } else {
    answer_object(turn->talk.exchange, object);
  }
  free_turn(turn);
}

static void
on_opened(GObject *source, GAsyncResult *result, gpointer data)
{
  Turn *turn = data;
  g_autoptr(GError) error = NULL;

  turn->dialogue = cord_dialogue_open_finish(result, &error);
  if (turn->dialogue) {
    cord_dialogue_say_async(turn->dialogue, turn->text,
                            cord_exchange_get_header(turn->talk.exchange, "Idempotency-Key"),
                            turn->streams ? on_piece : NULL, turn, turn->talk.cancellable, on_said,
                            turn);
  } else {
    answer_error(turn, error);
    free_turn(turn);
  }
}

static gboolean
wants_events(CordExchange *exchange)
{
  const gchar *accept = cord_exchange_get_header(exchange, "Accept");

  return accept && strstr(accept, "text/event-stream");
}

static void
process_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *id = cord_api_read_text(exchange, "session_id");
  const gchar *text = cord_api_read_text(exchange, "text");
  const gchar *key;
  Turn *turn;

  if (!cord_api_read_idempotency_key(exchange, &key))
    return;
  if (text == NULL)
    text = cord_api_read_text(exchange, "user_input");
  if (id == NULL || text == NULL) {
    cord_exchange_problem(exchange, 422, "%s is missing.",
                          id ? "What is said (text)" : "Which conversation (session_id)");
    return;
  }
  turn = g_new0(Turn, 1);
  turn->text = g_strdup(text);
  turn->streams = wants_events(exchange);
  cord_api_talk_begin(&turn->talk, api, exchange);
  cord_dialogue_open_async(api->dialogues, id, on_opened, turn);
}

/**
 * cord_api_conversation_add:
 * @api: the API
 *
 * Adds conversations and personas.
 */
void
cord_api_conversation_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "listPersonas", list_personas_handler, api);
  cord_openapi_bind(api->openapi, "getPersona", get_persona_handler, api);
  cord_openapi_bind(api->openapi, "startConversation", start_handler, api);
  cord_api_bind_tool(api, "startConversationTool", start_handler);
  cord_openapi_bind(api->openapi, "processConversation", process_handler, api);
  cord_api_bind_tool(api, "processConversationTool", process_handler);
}
