/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-database.h"
#include "cord-records.h"

G_BEGIN_DECLS

/*
 * The columns of each table in the order in which the readers below expect them, so that a SELECT
 * and its reader cannot drift apart. Private to the store.
 */
#define CORD_AGENT_COLUMNS                                                                         \
  "id, name, description, system_prompt, voice_id, language, llm_model, tools_enabled, "           \
  "is_active, metadata, created_at, updated_at"
#define CORD_CALL_COLUMNS                                                                          \
  "c.id, c.agent_id, a.name, c.direction, c.caller_number, c.twilio_call_sid, c.status, "          \
  "c.end_reason, c.duration_seconds, c.summary, c.started_at, c.ended_at, c.metadata, "            \
  "c.extracted"
#define CORD_ENTRY_COLUMNS "id, call_id, role, content, timestamp"
#define CORD_FUNCTION_CALL_COLUMNS                                                                 \
  "id, call_id, function_name, arguments, result, status, error_message, executed_at"

typedef gpointer (*CordRowReader)(const CordRows *rows, guint row);

gpointer cord_agent_read(const CordRows *rows, guint row);
gpointer cord_call_record_read(const CordRows *rows, guint row);
gpointer cord_transcript_entry_read(const CordRows *rows, guint row);
gpointer cord_function_call_read(const CordRows *rows, guint row);

gchar *cord_row_json_to_text(JsonNode *node);
JsonNode *cord_row_json_from_text(const gchar *text);
CordRows *cord_agent_write(CordDatabase *database, const CordAgent *agent, GError **error);

G_END_DECLS
