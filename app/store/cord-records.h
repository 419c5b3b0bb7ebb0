/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * The rows of the store as a caller of it sees them. All are reference counted and immutable once
 * they were handed out, so any thread may read them. Timestamps are RFC 3339 in UTC with
 * milliseconds ("2026-01-31T12:00:00.000Z"). A member that may be absent is NULL.
 */

/**
 * CordAgent:
 * @id: UUID
 * @name: what people call it
 * @description: (nullable): for people
 * @system_prompt: what the model is told
 * @voice_id: the voice in its provider's words
 * @language: BCP 47, "en-US"
 * @llm_model: the model in its provider's words
 * @tools_enabled: (array zero-terminated=1): names of the tools the model may call
 * @is_active: whether it may take calls
 * @metadata: any JSON; see cord_agent_get_setting() for what Cordboard reads in it
 * @created_at: when it was made
 * @updated_at: when it was last changed
 *
 * A configured assistant.
 */
typedef struct {
  gchar *id;
  gchar *name;
  gchar *description;
  gchar *system_prompt;
  gchar *voice_id;
  gchar *language;
  gchar *llm_model;
  gchar **tools_enabled;
  gboolean is_active;
  JsonNode *metadata;
  gchar *created_at;
  gchar *updated_at;
} CordAgent;

/*
 * What Cordboard reads in an agent's metadata stands under the key "cordboard", so that whatever
 * else a client keeps there is left alone. Paths for cord_agent_get_setting() and its friends:
 *
 *   greeting                    string   what the agent says first
 *   hints                       [string] phrases that the caller is likely to say
 *   pipeline                    string   name of the file in pipelines/, "cascade"
 *   stt/provider                string   "deepgram", "openai", "groq", "offline"; or stt/element:
 *                                        factory name; stt/model; stt/fallback: [string] providers;
 *                                        stt/properties: object, set on the element
 *   llm/provider                string   "scripted", "openai", …; llm/script: file in data/agents;
 *                                        llm/model, llm/base-url; llm/fallback: [string] models;
 *                                        llm/properties: object
 *   tts/provider                string   "elevenlabs", "cartesia", "openai", "offline"; or
 *                                        tts/element: factory name; tts/voice; tts/model;
 *                                        tts/fallback: [string] providers; tts/properties: object
 *   turn/endpointing            integer  ms; turn/barge-in-min-speech: ms;
 *                                        turn/barge-in-min-words; turn/properties: object
 *   vad/properties              object
 *   router/properties           object
 */
CordAgent *cord_agent_new(void);
CordAgent *cord_agent_new_from_json(JsonObject *object, GError **error);
CordAgent *cord_agent_ref(CordAgent *self);
void cord_agent_unref(CordAgent *self);
JsonObject *cord_agent_to_json(const CordAgent *self);
JsonNode *cord_agent_get_setting(const CordAgent *self, const gchar *path);
const gchar *cord_agent_get_string(const CordAgent *self, const gchar *path, const gchar *fallback);
gint64 cord_agent_get_int(const CordAgent *self, const gchar *path, gint64 fallback);
gchar **cord_agent_dup_strv(const CordAgent *self, const gchar *path);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordAgent, cord_agent_unref)

/**
 * CordCallRecord:
 * @id: UUID
 * @agent_id: (nullable): its agent, %NULL when that was deleted
 * @agent_name: (nullable): the agent's name when the row was read
 * @direction: "inbound", "outbound" or "browser"
 * @caller_number: (nullable): E.164
 * @twilio_call_sid: (nullable): the carrier's name of the call, unique
 * @status: "queued", "ringing", "in-progress", "completed" or "failed"
 * @end_reason: (nullable): why it ended
 * @duration_seconds: length, or -1 while it is not known
 * @summary: (nullable): what it was about
 * @started_at: when it began
 * @ended_at: (nullable): when it ended
 * @metadata: (nullable): any JSON
 * @extracted: (nullable): what a model has found out in it, a JSON object
 *
 * One telephone call.
 */
typedef struct {
  gchar *id;
  gchar *agent_id;
  gchar *agent_name;
  gchar *direction;
  gchar *caller_number;
  gchar *twilio_call_sid;
  gchar *status;
  gchar *end_reason;
  gint64 duration_seconds;
  gchar *summary;
  gchar *started_at;
  gchar *ended_at;
  JsonNode *metadata;
  JsonNode *extracted;
} CordCallRecord;

CordCallRecord *cord_call_record_new(void);
CordCallRecord *cord_call_record_ref(CordCallRecord *self);
void cord_call_record_unref(CordCallRecord *self);
JsonObject *cord_call_record_to_json(const CordCallRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordCallRecord, cord_call_record_unref)

/**
 * CordTranscriptEntry:
 * @id: UUID
 * @call_id: its call
 * @role: "user" or "assistant"
 * @content: what was said, and for the assistant heard
 * @timestamp: when
 *
 * One line of a call's transcript.
 */
typedef struct {
  gchar *id;
  gchar *call_id;
  gchar *role;
  gchar *content;
  gchar *timestamp;
} CordTranscriptEntry;

CordTranscriptEntry *cord_transcript_entry_new(void);
CordTranscriptEntry *cord_transcript_entry_ref(CordTranscriptEntry *self);
void cord_transcript_entry_unref(CordTranscriptEntry *self);
JsonObject *cord_transcript_entry_to_json(const CordTranscriptEntry *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordTranscriptEntry, cord_transcript_entry_unref)

/**
 * CordFunctionCall:
 * @id: UUID
 * @call_id: its call
 * @function_name: which tool
 * @arguments: (nullable): JSON
 * @result: (nullable): JSON
 * @status: "pending", "completed" or "failed"
 * @error_message: (nullable): what went wrong
 * @executed_at: when
 *
 * One run of a tool that the model asked for.
 */
typedef struct {
  gchar *id;
  gchar *call_id;
  gchar *function_name;
  JsonNode *arguments;
  JsonNode *result;
  gchar *status;
  gchar *error_message;
  gchar *executed_at;
} CordFunctionCall;

CordFunctionCall *cord_function_call_new(void);
CordFunctionCall *cord_function_call_ref(CordFunctionCall *self);
void cord_function_call_unref(CordFunctionCall *self);
JsonObject *cord_function_call_to_json(const CordFunctionCall *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordFunctionCall, cord_function_call_unref)

/* What rows are made of */
gchar *cord_store_new_id(void);
gchar *cord_store_now(void);
gchar *cord_store_time_before(guint seconds);
gchar *cord_store_time_after_ms(gint64 ms);

G_END_DECLS
