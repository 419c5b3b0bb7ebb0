/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-realtime.h"

/*
 * What OpenAI's Realtime answers: the script's "replies", as the chat's; each word is a delta of
 * text and one of audio, at the profile's pace. Who asks for a certain sentence gets it.
 */

#define MULAW_RATE 8000
#define PCM_RATE 24000

void
sim_realtime_answer_free(SimAnswer *answer)
{
  g_free(answer->id);
  sim_reply_free(answer->reply);
  g_queue_clear_full(&answer->words, g_free);
  g_ptr_array_unref(answer->outputs);
  g_free(answer);
}

/* Events of the answer */

static gchar *
place(SimRealtime *self, const SimItem *item)
{
  guint index = 0;

  g_ptr_array_find(self->answer->outputs, item, &index);
  return g_strdup_printf("\"response_id\":\"%s\",\"item_id\":\"%s\",\"output_index\":%u",
                         self->answer->id, item->id, index);
}

static void
tell_output(SimRealtime *self, const SimItem *item, gboolean done)
{
  g_autofree gchar *printed = sim_realtime_print_item(self, item);
  g_autofree gchar *members = NULL;
  guint index = 0;

  g_ptr_array_find(self->answer->outputs, item, &index);
  members = g_strdup_printf("\"response_id\":\"%s\",\"output_index\":%u,\"item\":%s",
                            self->answer->id, index, printed);
  if (!done)
    sim_realtime_tell(self, "response.output_item.added", members);
  sim_realtime_tell_item(self, item, done);
  if (done)
    sim_realtime_tell(self, "response.output_item.done", members);
}

/* "audio", "audio_transcript", "text": in GA with "output_" before */
static void
tell_content(SimRealtime *self, const gchar *what, const gchar *event, const gchar *name,
             const gchar *value)
{
  g_autofree gchar *type =
      g_strdup_printf("response.%s%s.%s", self->beta ? "" : "output_", what, event);
  g_autofree gchar *where = place(self, self->answer->message);
  g_autofree gchar *quoted = value ? sim_quote(value) : NULL;
  g_autofree gchar *members =
      value ? g_strdup_printf("%s,\"content_index\":0,\"%s\":%s", where, name, quoted)
            : g_strdup_printf("%s,\"content_index\":0", where);

  sim_realtime_tell(self, type, members);
}

static void
tell_part(SimRealtime *self, const gchar *event)
{
  const SimItem *item = self->answer->message;
  g_autofree gchar *where = place(self, item);
  g_autofree gchar *text = sim_quote(item->text);
  g_autofree gchar *members =
      g_strdup_printf("%s,\"content_index\":0,\"part\":{\"type\":\"%s\",\"%s\":%s}", where,
                      item->audio ? "audio" : "text", item->audio ? "transcript" : "text", text);
  g_autofree gchar *type = g_strconcat("response.content_part.", event, NULL);

  sim_realtime_tell(self, type, members);
}

static guint
count_words(const gchar *text)
{
  g_auto(GStrv) words = g_strsplit(text, " ", -1);

  return g_strv_length(words);
}

/* A token is a word, 100 ms of what was heard, or 50 ms of what was said. */
static gchar *
print_usage(SimRealtime *self)
{
  guint heard = 0, read = 0, said = 0, written = 0;

  for (guint i = 0; i < self->items->len; i++) {
    const SimItem *item = self->items->pdata[i];

    if (g_ptr_array_find(self->answer->outputs, item, NULL)) {
      said += item->audio ? item->ms / 50 : 0;
      written += count_words(item->text);
    } else {
      heard += item->audio ? item->ms / 100 : 0;
      read += item->audio ? 0 : count_words(item->text);
    }
  }
  return g_strdup_printf(
      "{\"total_tokens\":%u,\"input_tokens\":%u,\"output_tokens\":%u,\"input_token_details\":{"
      "\"text_tokens\":%u,\"audio_tokens\":%u,\"image_tokens\":0,\"cached_tokens\":0,"
      "\"cached_tokens_details\":{\"text_tokens\":0,\"audio_tokens\":0,\"image_tokens\":0}},"
      "\"output_token_details\":{\"text_tokens\":%u,\"audio_tokens\":%u}}",
      heard + read + said + written, heard + read, said + written, read, heard, written, said);
}

static gchar *
print_response(SimRealtime *self, const gchar *status, const gchar *details, const gchar *usage)
{
  g_autoptr(GString) outputs = g_string_new(NULL);
  const SimAnswer *answer = self->answer;

  for (guint i = 0; i < answer->outputs->len; i++) {
    g_autofree gchar *item = sim_realtime_print_item(self, answer->outputs->pdata[i]);

    g_string_append_printf(outputs, "%s%s", i > 0 ? "," : "", item);
  }
  return g_strdup_printf(
      "\"response\":{\"object\":\"realtime.response\",\"id\":\"%s\",\"status\":\"%s\","
      "\"status_details\":%s,\"output\":[%s],\"conversation_id\":\"%s\",\"%s\":[%s],\"usage\":%s,"
      "\"metadata\":null}",
      answer->id, status, details, outputs->str, self->conversation,
      self->beta ? "modalities" : "output_modalities",
      !answer->spoken ? "\"text\""
      : self->beta    ? "\"audio\",\"text\""
                      : "\"audio\"",
      usage);
}

/* Steps */

static void
begin_message(SimRealtime *self)
{
  SimAnswer *answer = self->answer;

  answer->message = sim_realtime_add_item(self, NULL, "message", "assistant", NULL);
  answer->message->state = "in_progress";
  answer->message->audio = answer->spoken;
  g_ptr_array_add(answer->outputs, answer->message);
  tell_output(self, answer->message, FALSE);
  tell_part(self, "added");
}

static void
say_word(SimRealtime *self)
{
  SimItem *item = self->answer->message;
  gboolean mulaw = sim_realtime_is_mulaw(self, FALSE);
  guint rate = mulaw ? MULAW_RATE : PCM_RATE;
  g_autofree gchar *word = g_queue_pop_head(&self->answer->words);
  g_autofree gchar *before = item->text;
  g_autoptr(GByteArray) audio = NULL;
  g_autofree gchar *encoded = NULL;

  item->text = g_strconcat(before, word, NULL);
  tell_content(self, item->audio ? "audio_transcript" : "text", "delta", "delta", word);
  if (!item->audio)
    return;
  audio = sim_render(word, rate, mulaw);
  encoded = g_base64_encode(audio->data, audio->len);
  item->ms += (guint)(audio->len / (mulaw ? 1 : 2) * 1000 / rate);
  self->voiced = TRUE;
  tell_content(self, "audio", "delta", "delta", encoded);
}

static void
end_message(SimRealtime *self, const gchar *state)
{
  SimItem *item = self->answer->message;

  item->state = state;
  if (item->audio) {
    tell_content(self, "audio", "done", NULL, NULL);
    tell_content(self, "audio_transcript", "done", "transcript", item->text);
  } else {
    tell_content(self, "text", "done", "text", item->text);
  }
  tell_part(self, "done");
  tell_output(self, item, TRUE);
  self->answer->message = NULL;
}

static void
call_tool(SimRealtime *self, JsonObject *tool)
{
  JsonNode *arguments = json_object_get_member(tool, "arguments");
  const gchar *text = arguments && JSON_NODE_HOLDS_VALUE(arguments)
                          ? json_node_get_string(arguments)
                          : NULL; /* whatever the script says, JSON or not */
  g_autofree gchar *printed = text        ? g_strdup(text)
                              : arguments ? json_to_string(arguments, FALSE)
                                          : g_strdup("{}");
  SimItem *item = sim_realtime_add_item(self, NULL, "function_call", NULL, printed);
  g_autofree gchar *quoted = sim_quote(printed);
  g_autofree gchar *where = NULL, *delta = NULL, *done = NULL;

  item->call_id = sim_id(self->server, "call_");
  item->name = g_strdup(cord_json_peek_string(tool, "name", ""));
  item->state = "in_progress";
  g_ptr_array_add(self->answer->outputs, item);
  tell_output(self, item, FALSE);
  where = place(self, item);
  delta = g_strdup_printf("%s,\"call_id\":\"%s\",\"delta\":%s", where, item->call_id, quoted);
  sim_realtime_tell(self, "response.function_call_arguments.delta", delta);
  done = g_strdup_printf("%s,\"call_id\":\"%s\",\"name\":\"%s\",\"arguments\":%s", where,
                         item->call_id, item->name, quoted);
  sim_realtime_tell(self, "response.function_call_arguments.done", done);
  item->state = "completed";
  tell_output(self, item, TRUE);
}

static void
finish(SimRealtime *self, const gchar *status, const gchar *details)
{
  g_autofree gchar *usage = print_usage(self);
  g_autofree gchar *members = print_response(self, status, details, usage);

  sim_realtime_tell(self, "response.done", members);
  sim_realtime_tell(self, "rate_limits.updated",
                    "\"rate_limits\":[{\"name\":\"requests\",\"limit\":1000,\"remaining\":999,"
                    "\"reset_seconds\":60},{\"name\":\"tokens\",\"limit\":50000,\"remaining\":"
                    "49950,\"reset_seconds\":60}]");
  self->quiet = 0;
  g_clear_pointer(&self->answer, sim_realtime_answer_free);
}

/* Returns whether there is more. */
static gboolean
step(SimRealtime *self)
{
  SimAnswer *answer = self->answer;
  JsonArray *tools = answer->reply->tools;

  if (!answer->message && !g_queue_is_empty(&answer->words))
    begin_message(self);
  else if (!g_queue_is_empty(&answer->words))
    say_word(self);
  else if (answer->message)
    end_message(self, "completed");
  else if (tools && answer->tools < json_array_get_length(tools))
    call_tool(self, json_array_get_object_element(tools, answer->tools++));
  else
    finish(self, "completed", "null");
  return self->answer != NULL;
}

static void
go_on(SimSocket *socket, gpointer data)
{
  SimRealtime *self = sim_socket_get_data(socket);
  GstClockTime delay;

  /* it was cancelled; what is under way now is another */
  if (!self->answer || self->answers != GPOINTER_TO_UINT(data))
    return;
  do {
    delay = sim_server_get_token_delay(self->server, sim_socket_get_provider(socket));
    if (!step(self))
      return;
  } while (delay == 0);
  sim_socket_schedule(socket, delay, go_on, data, NULL);
}

/* What is answered */

/* "…exactly this…: Hello." */
static const gchar *
dictated(JsonObject *options)
{
  const gchar *instructions = options ? cord_json_peek_string(options, "instructions", "") : "";
  const gchar *exactly = strstr(instructions, "xactly this");
  const gchar *colon = exactly ? strstr(exactly, ": ") : NULL;

  return colon ? colon + 2 : NULL;
}

static SimReply *
find_reply(SimRealtime *self, JsonObject *options)
{
  const gchar *said = NULL, *result = NULL;
  const gchar *text = dictated(options);
  SimReply *reply;

  if (text) {
    reply = g_new0(SimReply, 1);
    reply->text = g_strdup(text);
    return reply;
  }
  for (guint i = self->items->len; i-- > 0 && !said && !result;) {
    const SimItem *item = self->items->pdata[i];

    if (g_str_equal(item->type, "function_call_output"))
      result = item->text;
    else if (g_strcmp0(item->role, "user") == 0)
      said = item->text;
  }
  return sim_reply_find(self->server, sim_socket_get_provider(self->socket), said, result);
}

static gboolean
is_spoken(SimRealtime *self, JsonObject *options)
{
  const gchar *name = self->beta ? "modalities" : "output_modalities";
  JsonArray *list = options ? cord_json_peek_array(options, name) : NULL;

  if (!list)
    list = cord_json_peek_array(self->session, name);
  for (guint i = 0; list && i < json_array_get_length(list); i++)
    if (g_strcmp0(json_array_get_string_element(list, i), "audio") == 0)
      return TRUE;
  return FALSE;
}

void
sim_realtime_respond(SimRealtime *self, JsonObject *message)
{
  JsonObject *options = message ? cord_json_peek_object(message, "response") : NULL;
  g_autofree gchar *text = NULL;
  SimAnswer *answer;

  if (self->answer) {
    text = g_strdup_printf("Conversation already has an active response in progress: %s. Wait "
                           "until the response is finished before creating a new one.",
                           self->answer->id);
    sim_realtime_refuse(self, message, "conversation_already_has_active_response", NULL, text);
    return;
  }
  self->answer = answer = g_new0(SimAnswer, 1);
  answer->id = sim_id(self->server, "resp_");
  answer->spoken = is_spoken(self, options);
  answer->reply = find_reply(self, options);
  answer->outputs = g_ptr_array_new();
  g_queue_init(&answer->words);
  for (const gchar *p = answer->reply->text; *p;) {
    gsize length = strcspn(p, " ");

    length += p[length] == ' ';
    g_queue_push_tail(&answer->words, g_strndup(p, length));
    p += length;
  }
  text = print_response(self, "in_progress", "null", "null");
  sim_realtime_tell(self, "response.created", text);
  self->answers++;
  sim_socket_schedule(
      self->socket, sim_server_get_first_byte(self->server, sim_socket_get_provider(self->socket)),
      go_on, GUINT_TO_POINTER(self->answers), NULL);
}

/* "turn_detected" or "client_cancelled" */
void
sim_realtime_cancel(SimRealtime *self, const gchar *reason)
{
  g_autofree gchar *details = g_strdup_printf("{\"type\":\"cancelled\",\"reason\":\"%s\"}", reason);

  if (!self->answer)
    return;
  if (self->answer->message)
    end_message(self, "incomplete");
  finish(self, "cancelled", details);
}
