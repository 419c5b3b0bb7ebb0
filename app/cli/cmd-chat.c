/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cord-commands.h"
#include "cord-error.h"
#include "cord-json.h"
#include "cord-sse.h"

#define DEFAULT_URL "http://127.0.0.1:8000"
#define TIMEOUT 120 /* s without a word from the server */
#define CHUNK 4096
#define MAX_ANSWER (1024 * 1024)
#define START "/conversation/start"
#define PROCESS "/conversation/process"

typedef struct {
  gchar *url, *agent, *persona, *customer, *session_id, *key;
  gboolean json;
  gchar **texts;
} Options;

typedef struct {
  Options options;
  SoupSession *session;
  gchar *id;         /* of the conversation */
  gboolean terminal; /* on both sides */
  gboolean colour;
  gboolean ended;
  gboolean speaking;  /* a line of the agent's is begun */
  GError *error;      /* what the server said in the stream */
  JsonObject *answer; /* its last event */
} Chat;

/* Asking the server */

static SoupMessage *
new_request(Chat *chat, const gchar *path, JsonObject *object, GError **error)
{
  g_autofree gchar *url = g_strconcat(chat->options.url, path, NULL);
  g_autofree gchar *json = cord_json_print_object(object);
  g_autofree gchar *bearer = NULL;
  g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));
  SoupMessage *message = soup_message_new("POST", url);

  if (message == NULL) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, _("%s is not an address like %s"),
                chat->options.url, DEFAULT_URL);
    return NULL;
  }
  if (chat->options.key) {
    bearer = g_strconcat("Bearer ", chat->options.key, NULL);
    soup_message_headers_replace(soup_message_get_request_headers(message), "Authorization",
                                 bearer);
  }
  soup_message_set_request_body_from_bytes(message, "application/json", body);
  return message;
}

/* What a problem document says, or whatever else the answer is. */
static void
set_problem(SoupMessage *message, const gchar *text, gsize length, GError **error)
{
  g_autoptr(JsonObject) problem = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *detail = problem ? cord_json_peek_string(problem, "detail", NULL) : NULL;
  guint status = soup_message_get_status(message);

  g_set_error(error, CORD_ERROR, CORD_ERROR_FAILED, "%s",
              detail ? detail : soup_message_get_reason_phrase(message));
  if (status == 401)
    g_prefix_error(error, _("the server wants a key (--key, CORDBOARD_API_KEY): "));
}

static void
explain(const Chat *chat, GError **error)
{
  if (error && *error &&
      (g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED) ||
       (*error)->domain == G_RESOLVER_ERROR))
    g_prefix_error(error, _("nobody answers at %s; \"cordboard serve\" starts a server: "),
                   chat->options.url);
}

static gboolean
start(Chat *chat, GError **error)
{
  g_autoptr(JsonObject) wish = json_object_new();
  g_autoptr(SoupMessage) message = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(JsonObject) answer = NULL;
  const gchar *greeting;

  if (chat->options.agent)
    json_object_set_string_member(wish, "agent_id", chat->options.agent);
  if (chat->options.persona)
    json_object_set_string_member(wish, "persona", chat->options.persona);
  if (chat->options.customer)
    json_object_set_string_member(wish, "customer_id", chat->options.customer);
  message = new_request(chat, START, wish, error);
  bytes = message ? soup_session_send_and_read(chat->session, message, NULL, error) : NULL;
  if (bytes == NULL) {
    explain(chat, error);
    return FALSE;
  }
  if (soup_message_get_status(message) != 200) {
    set_problem(message, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);
    return FALSE;
  }
  answer =
      cord_json_parse_object(g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), error);
  if (answer == NULL)
    return FALSE;
  chat->id = g_strdup(cord_json_peek_string(answer, "session_id", ""));
  greeting = cord_json_peek_string(answer, "agent_response", NULL);
  if (chat->options.json)
    printf("%.*s\n", (int)g_bytes_get_size(bytes), (const gchar *)g_bytes_get_data(bytes, NULL));
  else if (greeting && (chat->terminal || chat->options.texts == NULL))
    printf("%s%s%s\n", chat->colour ? "\033[36m" : "", greeting, chat->colour ? "\033[0m" : "");
  return TRUE;
}

/* The answer as it comes */

static void
print_piece(Chat *chat, const gchar *text)
{
  if (chat->options.json)
    return;
  printf("%s%s", chat->speaking ? " " : chat->colour ? "\033[36m" : "", text);
  fflush(stdout);
  chat->speaking = TRUE;
}

static gboolean
on_event(const gchar *event, const gchar *data, gpointer user_data)
{
  Chat *chat = user_data;
  g_autoptr(JsonObject) object = cord_json_parse_object(data, -1, NULL);

  if (object == NULL)
    return TRUE;
  if (g_str_equal(event, "piece")) {
    print_piece(chat, cord_json_peek_string(object, "text", ""));
  } else if (g_str_equal(event, "done")) {
    g_clear_pointer(&chat->answer, json_object_unref);
    chat->answer = g_steal_pointer(&object);
    if (chat->options.json)
      puts(data);
  } else if (g_str_equal(event, "error")) {
    g_clear_error(&chat->error);
    chat->error = g_error_new_literal(CORD_ERROR, CORD_ERROR_FAILED,
                                      cord_json_peek_string(object, "detail", "it failed"));
  }
  return TRUE;
}

static gboolean
read_events(Chat *chat, GInputStream *stream, GError **error)
{
  CordSseParser parser;
  gchar chunk[CHUNK];
  gboolean ok = TRUE;
  gssize n;

  cord_sse_parser_init(&parser, MAX_ANSWER);
  while (ok && (n = g_input_stream_read(stream, chunk, sizeof chunk, NULL, error)) != 0)
    ok = n > 0 && cord_sse_parser_feed(&parser, chunk, (gsize)n, on_event, chat, error);
  cord_sse_parser_clear(&parser);
  if (chat->speaking)
    printf("%s\n", chat->colour ? "\033[0m" : "");
  chat->speaking = FALSE;
  if (ok && chat->error)
    g_propagate_error(error, g_steal_pointer(&chat->error));
  else if (ok && chat->answer == NULL)
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_PROTOCOL,
                        _("the server ended in the middle of an answer"));
  return chat->answer != NULL;
}

static gboolean
read_problem(SoupMessage *message, GInputStream *stream, GError **error)
{
  gchar text[CHUNK];
  gsize length;

  if (g_input_stream_read_all(stream, text, sizeof text, &length, NULL, error))
    set_problem(message, text, length, error);
  return FALSE;
}

static gboolean
say(Chat *chat, const gchar *text, GError **error)
{
  g_autoptr(JsonObject) turn = json_object_new();
  g_autoptr(SoupMessage) message = NULL;
  g_autoptr(GInputStream) stream = NULL;
  gboolean ok;

  g_clear_pointer(&chat->answer, json_object_unref);
  json_object_set_string_member(turn, "session_id", chat->id);
  json_object_set_string_member(turn, "text", text);
  message = new_request(chat, PROCESS, turn, error);
  if (message == NULL)
    return FALSE;
  soup_message_headers_replace(soup_message_get_request_headers(message), "Accept",
                               "text/event-stream");
  stream = soup_session_send(chat->session, message, NULL, error);
  if (stream == NULL) {
    explain(chat, error);
    return FALSE;
  }
  ok = soup_message_get_status(message) == 200 ? read_events(chat, stream, error)
                                               : read_problem(message, stream, error);
  chat->ended = ok && cord_json_peek_boolean(chat->answer, "ended", FALSE);
  return ok;
}

/* Who talks */

static int
fail(GError *error)
{
  fprintf(stderr, _("cordboard: %s\n"), error->message);
  g_error_free(error);
  return CORD_EXIT_FAILED;
}

static int
say_all(Chat *chat)
{
  GError *error = NULL;

  for (gchar **text = chat->options.texts; *text && !chat->ended; text++)
    if (!say(chat, *text, &error))
      return fail(error);
  return CORD_EXIT_OK;
}

/* A line that fails does not end the talk of a person; a program is told. */
static int
converse(Chat *chat)
{
  g_autofree char *line = NULL;
  size_t size = 0;
  int code = CORD_EXIT_OK;

  while (!chat->ended) {
    GError *error = NULL;

    if (chat->terminal) {
      printf("> ");
      fflush(stdout);
    }
    if (getline(&line, &size, stdin) < 0)
      break;
    if (*g_strstrip(line) == '\0')
      continue;
    if (!say(chat, line, &error)) {
      code = fail(error);
      if (!chat->terminal)
        return code;
    }
  }
  if (chat->ended && chat->terminal)
    puts(_("The agent has ended the conversation."));
  else if (chat->terminal)
    printf(_("\nGo on with: cordboard chat --session %s\n"), chat->id);
  return code;
}

static int
run(Chat *chat)
{
  const gchar *no_colour = g_getenv("NO_COLOR");
  GError *error = NULL;

  chat->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !chat->options.json;
  chat->colour =
      isatty(STDOUT_FILENO) && (no_colour == NULL || *no_colour == '\0') && !chat->options.json;
  chat->session = soup_session_new_with_options("timeout", TIMEOUT, "user-agent",
                                                "cordboard/" PACKAGE_VERSION, NULL);
  if (chat->options.session_id)
    chat->id = g_strdup(chat->options.session_id);
  else if (!start(chat, &error))
    return fail(error);
  return chat->options.texts ? say_all(chat) : converse(chat);
}

static void
clear(Chat *chat)
{
  Options *options = &chat->options;

  g_clear_object(&chat->session);
  g_clear_pointer(&chat->answer, json_object_unref);
  g_clear_error(&chat->error);
  g_free(chat->id);
  g_free(options->url);
  g_free(options->agent);
  g_free(options->persona);
  g_free(options->customer);
  g_free(options->session_id);
  g_free(options->key);
  g_strfreev(options->texts);
}

/**
 * cord_cmd_chat:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard chat [TEXT…]`: talks with an agent of a running server in writing.
 *
 * Returns: the exit code
 */
int
cord_cmd_chat(int argc, char *argv[])
{
  Chat chat = { 0 };
  Options *options = &chat.options;
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &options->url, N_("The server (http://127.0.0.1:8000)"),
      N_("URL") },
    { "agent", 'a', 0, G_OPTION_ARG_STRING, &options->agent,
      N_("Who answers (the first active agent)"), N_("ID") },
    { "persona", 'p', 0, G_OPTION_ARG_STRING, &options->persona,
      N_("In which manner: friendly_guide, calm_concierge, energetic_host"), N_("NAME") },
    { "customer", 0, 0, G_OPTION_ARG_STRING, &options->customer, N_("Who asks"), N_("ID") },
    { "session", 's', 0, G_OPTION_ARG_STRING, &options->session_id,
      N_("Go on with this conversation"), N_("ID") },
    { "key", 0, 0, G_OPTION_ARG_STRING, &options->key, N_("Key of the API (CORDBOARD_API_KEY)"),
      N_("KEY") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->json, N_("One JSON object a turn, for programs"),
      NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->texts, NULL, N_("[TEXT…]") },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  int code = CORD_EXIT_USAGE;

  g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary(
      context, _("Talks with an agent in writing. Without a TEXT it reads lines until their end."));
  if (g_option_context_parse(context, &argc, &argv, &error)) {
    if (options->url == NULL)
      options->url = g_strdup(DEFAULT_URL);
    if (options->key == NULL)
      options->key = g_strdup(g_getenv("CORDBOARD_API_KEY"));
    code = run(&chat);
  } else {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
  }
  clear(&chat);
  return code;
}
