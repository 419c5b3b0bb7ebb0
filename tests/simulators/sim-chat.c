/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sim-chat.h"

#include <string.h>

#include "cord-json.h"
#include "sim-stamp.h"

/* Answers */

static SimReply *
reply_from(JsonObject *object)
{
  SimReply *self = g_new0(SimReply, 1);
  JsonArray *tools = cord_json_peek_array(object, "tools");

  self->text = g_strdup(cord_json_peek_string(object, "text", ""));
  self->reasoning = g_strdup(cord_json_peek_string(object, "reasoning", NULL));
  self->tools = tools ? json_array_ref(tools) : NULL;
  return self;
}

static gboolean
fits(JsonObject *object, const gchar *said)
{
  const gchar *match = cord_json_peek_string(object, "match", NULL);

  return match == NULL || g_regex_match_simple(match, said, G_REGEX_CASELESS, 0);
}

SimReply *
sim_reply_find(SimServer *server, const gchar *provider, const gchar *said,
               const gchar *tool_result)
{
  JsonObject *script = sim_server_get_script(server, provider);
  JsonArray *replies = script ? cord_json_peek_array(script, "replies") : NULL;
  SimReply *self;

  for (guint i = 0; replies && !tool_result && i < json_array_get_length(replies); i++) {
    JsonObject *object = json_array_get_object_element(replies, i);

    if (fits(object, said ? said : ""))
      return reply_from(object);
  }
  self = g_new0(SimReply, 1);
  self->text = tool_result ? g_strdup_printf("The tool says %s.", tool_result)
                           : g_strdup_printf("You said: %s.", said ? said : "nothing");
  return self;
}

SimReply *
sim_reply_new(SimExchange *exchange, const gchar *said, const gchar *tool_result)
{
  return sim_reply_find(sim_exchange_get_server(exchange), sim_exchange_get_provider(exchange),
                        said, tool_result);
}

void
sim_reply_free(SimReply *self)
{
  g_free(self->text);
  g_free(self->reasoning);
  g_clear_pointer(&self->tools, json_array_unref);
  g_free(self);
}

/* Events */

typedef struct {
  const gchar *event;
  gchar *data;
} Event;

struct _SimStream {
  GQueue events; /* Event */
};

static void
free_event(gpointer data)
{
  Event *event = data;

  g_free(event->data);
  g_free(event);
}

static void
free_stream(gpointer data)
{
  SimStream *self = data;

  g_queue_clear_full(&self->events, free_event);
  g_free(self);
}

SimStream *
sim_stream_new(void)
{
  SimStream *self = g_new0(SimStream, 1);

  g_queue_init(&self->events);
  return self;
}

void
sim_stream_add(SimStream *self, const gchar *event, gchar *data)
{
  Event *one = g_new0(Event, 1);

  one->event = event;
  one->data = data;
  g_queue_push_tail(&self->events, one);
}

/* A word with the space that follows it is a token. */
void
sim_stream_add_words(SimStream *self, const gchar *event, const gchar *text,
                     gchar *(*format)(const gchar *word))
{
  while (*text) {
    gsize length = strcspn(text, " ");
    g_autofree gchar *word = NULL;

    length += text[length] == ' ';
    word = g_strndup(text, length);
    sim_stream_add(self, event, format(word));
    text += length;
  }
}

static void
write_next(SimExchange *exchange)
{
  SimStream *self = sim_exchange_get_data(exchange);
  GstClockTime delay = sim_server_get_token_delay(sim_exchange_get_server(exchange),
                                                  sim_exchange_get_provider(exchange));

  do {
    Event *event = g_queue_pop_head(&self->events);
    g_autofree gchar *stamped = NULL;

    if (!event) {
      sim_exchange_end(exchange);
      return;
    }
    stamped = sim_stamp_text(event->data);
    sim_exchange_write_event(exchange, event->event, stamped ? stamped : event->data);
    free_event(event);
  } while (delay == 0);
  sim_exchange_schedule(exchange, delay, write_next);
}

static void
begin(SimExchange *exchange)
{
  sim_exchange_begin(exchange, 200, "text/event-stream");
  write_next(exchange);
}

void
sim_stream_start(SimStream *self, SimExchange *exchange)
{
  sim_exchange_set_data(exchange, self, free_stream);
  sim_exchange_schedule(exchange,
                        sim_server_get_first_byte(sim_exchange_get_server(exchange),
                                                  sim_exchange_get_provider(exchange)),
                        begin);
}
