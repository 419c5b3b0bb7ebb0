/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-realtime.h"

/* The conversation of OpenAI's Realtime, item by item. */

void
sim_realtime_item_free(gpointer data)
{
  SimItem *item = data;

  g_free(item->id);
  g_free(item->role);
  g_free(item->text);
  g_free(item->call_id);
  g_free(item->name);
  g_free(item);
}

SimItem *
sim_realtime_add_item(SimRealtime *self, const gchar *id, const gchar *type, const gchar *role,
                      const gchar *text)
{
  SimItem *item = g_new0(SimItem, 1);

  item->id = id && *id ? g_strdup(id) : sim_id(self->server, "item_");
  item->type = g_intern_string(type);
  item->role = g_strdup(role);
  item->text = g_strdup(text ? text : "");
  item->state = "completed";
  g_ptr_array_add(self->items, item);
  return item;
}

SimItem *
sim_realtime_find_item(SimRealtime *self, const gchar *id)
{
  for (guint i = 0; id && i < self->items->len; i++)
    if (g_str_equal(((SimItem *)self->items->pdata[i])->id, id))
      return self->items->pdata[i];
  return NULL;
}

/* What a message holds is called differently in the two dialects. */
static gchar *
print_content(SimRealtime *self, const SimItem *item)
{
  gboolean assistant = g_strcmp0(item->role, "assistant") == 0;
  g_autofree gchar *text = sim_quote(item->text);

  if (assistant && g_str_equal(item->state, "in_progress"))
    return g_strdup("");
  if (assistant && item->audio)
    return g_strdup_printf("{\"type\":\"%s\",\"transcript\":%s}",
                           self->beta ? "audio" : "output_audio", text);
  if (assistant)
    return g_strdup_printf("{\"type\":\"%s\",\"text\":%s}", self->beta ? "text" : "output_text",
                           text);
  /* what he said is told by the transcription, if there is one */
  return item->audio ? g_strdup("{\"type\":\"input_audio\",\"transcript\":null}")
                     : g_strdup_printf("{\"type\":\"input_text\",\"text\":%s}", text);
}

gchar *
sim_realtime_print_item(SimRealtime *self, const SimItem *item)
{
  GString *json = g_string_new(NULL);
  g_autofree gchar *text = sim_quote(item->text);
  g_autofree gchar *content = NULL;

  g_string_append_printf(json, "{\"id\":\"%s\",\"object\":\"realtime.item\",\"type\":\"%s\"",
                         item->id, item->type);
  g_string_append_printf(json, ",\"status\":\"%s\"", item->state);
  if (g_str_equal(item->type, "message")) {
    content = print_content(self, item);
    g_string_append_printf(json, ",\"role\":\"%s\",\"content\":[%s]}", item->role, content);
  } else if (g_str_equal(item->type, "function_call")) {
    gboolean complete = !g_str_equal(item->state, "in_progress");

    g_string_append_printf(json, ",\"call_id\":\"%s\",\"name\":\"%s\",\"arguments\":%s}",
                           item->call_id, item->name, complete ? text : "\"\"");
  } else {
    g_string_append_printf(json, ",\"call_id\":\"%s\",\"output\":%s}", item->call_id, text);
  }
  return g_string_free(json, FALSE);
}

void
sim_realtime_tell_item(SimRealtime *self, const SimItem *item, gboolean done)
{
  g_autofree gchar *printed = sim_realtime_print_item(self, item);
  g_autofree gchar *members = NULL;
  guint index;

  if (self->beta && done)
    return;
  g_ptr_array_find(self->items, item, &index);
  if (index > 0)
    members = g_strdup_printf("\"previous_item_id\":\"%s\",\"item\":%s",
                              ((SimItem *)self->items->pdata[index - 1])->id, printed);
  else
    members = g_strdup_printf("\"previous_item_id\":null,\"item\":%s", printed);
  sim_realtime_tell(self,
                    self->beta ? "conversation.item.created"
                    : done     ? "conversation.item.done"
                               : "conversation.item.added",
                    members);
}

/* The first text of a message's content. */
static const gchar *
text_of(JsonObject *item)
{
  JsonArray *content = cord_json_peek_array(item, "content");
  JsonObject *part = content && json_array_get_length(content) > 0
                         ? json_array_get_object_element(content, 0)
                         : NULL;

  return part ? cord_json_peek_string(part, "text", cord_json_peek_string(part, "transcript", ""))
              : "";
}

static gboolean
knows_call(SimRealtime *self, const gchar *call_id)
{
  for (guint i = 0; i < self->items->len; i++) {
    const SimItem *item = self->items->pdata[i];

    if (g_str_equal(item->type, "function_call") && g_strcmp0(item->call_id, call_id) == 0)
      return TRUE;
  }
  return FALSE;
}

void
sim_realtime_create_item(SimRealtime *self, JsonObject *message)
{
  JsonObject *wanted = cord_json_peek_object(message, "item");
  const gchar *type = wanted ? cord_json_peek_string(wanted, "type", "") : "";
  const gchar *call_id = wanted ? cord_json_peek_string(wanted, "call_id", NULL) : NULL;
  SimItem *item;

  if (g_str_equal(type, "message") && cord_json_peek_string(wanted, "role", NULL)) {
    item = sim_realtime_add_item(self, cord_json_peek_string(wanted, "id", NULL), type,
                                 cord_json_peek_string(wanted, "role", NULL), text_of(wanted));
  } else if (g_str_equal(type, "function_call") && call_id) {
    item = sim_realtime_add_item(self, cord_json_peek_string(wanted, "id", NULL), type, NULL,
                                 cord_json_peek_string(wanted, "arguments", "{}"));
    item->call_id = g_strdup(call_id);
    item->name = g_strdup(cord_json_peek_string(wanted, "name", ""));
  } else if (g_str_equal(type, "function_call_output") && knows_call(self, call_id)) {
    item = sim_realtime_add_item(self, cord_json_peek_string(wanted, "id", NULL), type, NULL,
                                 cord_json_peek_string(wanted, "output", ""));
    item->call_id = g_strdup(call_id);
  } else if (call_id) {
    sim_realtime_refuse(self, message, "invalid_tool_call_id", "item.call_id",
                        "Tool call ID not found in conversation.");
    return;
  } else {
    sim_realtime_refuse(self, message, "invalid_value", "item.type",
                        "Supported values are: 'message', 'function_call', and "
                        "'function_call_output'.");
    return;
  }
  sim_realtime_tell_item(self, item, FALSE);
  sim_realtime_tell_item(self, item, TRUE);
}

static SimItem *
named_item(SimRealtime *self, JsonObject *message, const gchar *verb)
{
  const gchar *id = cord_json_peek_string(message, "item_id", "");
  SimItem *item = sim_realtime_find_item(self, id);
  g_autofree gchar *code = g_strdup_printf("item_%s_invalid_item_id", verb);
  g_autofree gchar *text = NULL;

  if (item)
    return item;
  text = g_strdup_printf("Error in item %s: the item with id '%s' does not exist.", verb, id);
  sim_realtime_refuse(self, message, code, "item_id", text);
  return NULL;
}

void
sim_realtime_delete_item(SimRealtime *self, JsonObject *message)
{
  SimItem *item = named_item(self, message, "delete");
  g_autofree gchar *members = NULL;

  if (!item)
    return;
  members = g_strdup_printf("\"item_id\":\"%s\"", item->id);
  /* what is being said stays until it is said */
  if (!self->answer || !g_ptr_array_find(self->answer->outputs, item, NULL))
    g_ptr_array_remove(self->items, item);
  sim_realtime_tell(self, "conversation.item.deleted", members);
}

void
sim_realtime_retrieve_item(SimRealtime *self, JsonObject *message)
{
  SimItem *item = named_item(self, message, "retrieve");
  g_autofree gchar *printed = item ? sim_realtime_print_item(self, item) : NULL;
  g_autofree gchar *members = printed ? g_strdup_printf("\"item\":%s", printed) : NULL;

  if (members)
    sim_realtime_tell(self, "conversation.item.retrieved", members);
}

/* The transcript goes: nobody knows which words were heard. */
void
sim_realtime_truncate_item(SimRealtime *self, JsonObject *message)
{
  SimItem *item = named_item(self, message, "truncate");
  gint64 end = cord_json_peek_int(message, "audio_end_ms", -1);
  g_autofree gchar *text = NULL;

  if (!item)
    return;
  if (g_strcmp0(item->role, "assistant") != 0 || !item->audio || item->ms == 0) {
    sim_realtime_refuse(self, message, NULL, NULL,
                        "Only model output audio messages can be truncated");
    return;
  }
  if (end < 0 || end > item->ms) {
    text = g_strdup_printf("Audio content of %ums is already shorter than %" G_GINT64_FORMAT "ms",
                           item->ms, end);
    sim_realtime_refuse(self, message, NULL, NULL, text);
    return;
  }
  if (end < item->ms)
    item->text[0] = '\0';
  item->ms = (guint)end;
  text = g_strdup_printf(
      "\"item_id\":\"%s\",\"content_index\":0,\"audio_end_ms\":%" G_GINT64_FORMAT, item->id, end);
  sim_realtime_tell(self, "conversation.item.truncated", text);
}
