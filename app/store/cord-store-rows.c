/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-store-rows.h"

#include "cord-json.h"

#define MAX_COLUMN (64 * 1024 * 1024) /* bytes; a body may be as long as the settings allow */

#define SQL_PUT_AGENT                                                                              \
  "INSERT INTO agents (" CORD_AGENT_COLUMNS ") "                                                   \
  "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "                                    \
  "ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, "      \
  "system_prompt = excluded.system_prompt, voice_id = excluded.voice_id, "                         \
  "language = excluded.language, llm_model = excluded.llm_model, "                                 \
  "tools_enabled = excluded.tools_enabled, is_active = excluded.is_active, "                       \
  "metadata = excluded.metadata, updated_at = excluded.updated_at "                                \
  "RETURNING " CORD_AGENT_COLUMNS

static gchar *
dup_column(const CordRows *rows, guint row, guint column)
{
  return g_strdup(cord_rows_get(rows, row, column));
}

/**
 * cord_row_json_to_text:
 * @node: (nullable): JSON
 *
 * Returns: (transfer full) (nullable): the text that a column holds
 */
gchar *
cord_row_json_to_text(JsonNode *node)
{
  return node ? json_to_string(node, FALSE) : NULL;
}

/**
 * cord_row_json_from_text:
 * @text: (nullable): a column, that others may have written, too
 *
 * Returns: (transfer full) (nullable): its JSON
 */
JsonNode *
cord_row_json_from_text(const gchar *text)
{
  return text ? cord_json_parse(text, -1, 0, MAX_COLUMN, NULL) : NULL;
}

static gchar **
read_names(const gchar *text)
{
  g_autoptr(JsonNode) node = cord_row_json_from_text(text);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  if (node && JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray *array = json_node_get_array(node);

    for (guint i = 0; i < json_array_get_length(array); i++)
      g_strv_builder_add(builder, json_array_get_string_element(array, i));
  }
  return g_strv_builder_end(builder);
}

gpointer
cord_agent_read(const CordRows *rows, guint row)
{
  CordAgent *self = cord_agent_new();

  self->id = dup_column(rows, row, 0);
  self->name = dup_column(rows, row, 1);
  self->description = dup_column(rows, row, 2);
  self->system_prompt = dup_column(rows, row, 3);
  self->voice_id = dup_column(rows, row, 4);
  self->language = dup_column(rows, row, 5);
  self->llm_model = dup_column(rows, row, 6);
  self->tools_enabled = read_names(cord_rows_get(rows, row, 7));
  self->is_active = cord_rows_get_boolean(rows, row, 8);
  self->metadata = cord_row_json_from_text(cord_rows_get(rows, row, 9));
  self->created_at = dup_column(rows, row, 10);
  self->updated_at = dup_column(rows, row, 11);
  return self;
}

gpointer
cord_call_record_read(const CordRows *rows, guint row)
{
  CordCallRecord *self = cord_call_record_new();

  self->id = dup_column(rows, row, 0);
  self->agent_id = dup_column(rows, row, 1);
  self->agent_name = dup_column(rows, row, 2);
  self->direction = dup_column(rows, row, 3);
  self->caller_number = dup_column(rows, row, 4);
  self->twilio_call_sid = dup_column(rows, row, 5);
  self->status = dup_column(rows, row, 6);
  self->end_reason = dup_column(rows, row, 7);
  self->duration_seconds = cord_rows_get_int(rows, row, 8, -1);
  self->summary = dup_column(rows, row, 9);
  self->started_at = dup_column(rows, row, 10);
  self->ended_at = dup_column(rows, row, 11);
  self->metadata = cord_row_json_from_text(cord_rows_get(rows, row, 12));
  self->extracted = cord_row_json_from_text(cord_rows_get(rows, row, 13));
  return self;
}

gpointer
cord_transcript_entry_read(const CordRows *rows, guint row)
{
  CordTranscriptEntry *self = cord_transcript_entry_new();

  self->id = dup_column(rows, row, 0);
  self->call_id = dup_column(rows, row, 1);
  self->role = dup_column(rows, row, 2);
  self->content = dup_column(rows, row, 3);
  self->timestamp = dup_column(rows, row, 4);
  return self;
}

gpointer
cord_function_call_read(const CordRows *rows, guint row)
{
  CordFunctionCall *self = cord_function_call_new();

  self->id = dup_column(rows, row, 0);
  self->call_id = dup_column(rows, row, 1);
  self->function_name = dup_column(rows, row, 2);
  self->arguments = cord_row_json_from_text(cord_rows_get(rows, row, 3));
  self->result = cord_row_json_from_text(cord_rows_get(rows, row, 4));
  self->status = dup_column(rows, row, 5);
  self->error_message = dup_column(rows, row, 6);
  self->executed_at = dup_column(rows, row, 7);
  return self;
}

/**
 * cord_agent_write:
 * @database: a database
 * @agent: what to write
 * @error: return location for an error
 *
 * Returns: (transfer full): the agent's row as it now is, %NULL when it could not be written
 */
CordRows *
cord_agent_write(CordDatabase *database, const CordAgent *agent, GError **error)
{
  g_autoptr(JsonObject) object = cord_agent_to_json(agent);
  JsonNode *tools_node = json_object_get_member(object, "tools_enabled");
  g_autofree gchar *tools = cord_row_json_to_text(tools_node);
  g_autofree gchar *metadata = cord_row_json_to_text(agent->metadata);
  g_autofree gchar *now = cord_store_now();

  return cord_database_query(database, SQL_PUT_AGENT,
                             CORD_PARAMS(agent->id, agent->name, agent->description,
                                         agent->system_prompt, agent->voice_id, agent->language,
                                         agent->llm_model, tools, agent->is_active ? "1" : "0",
                                         metadata, agent->created_at, now),
                             error);
}
