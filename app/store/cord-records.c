/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-records.h"

#include "cord-database.h"
#include "cord-json.h"

#define DEFAULT_PROMPT "You are a helpful voice AI assistant."
#define DEFAULT_VOICE "21m00Tcm4TlvDq8ikWAM"
#define DEFAULT_LANGUAGE "en-US"
#define DEFAULT_MODEL "gpt-4"

/* Where Cordboard's own settings stand in an agent's metadata. */
#define SETTINGS_KEY "cordboard"

/**
 * cord_store_new_id:
 *
 * Returns: (transfer full): a new UUID
 */
gchar *
cord_store_new_id(void)
{
  return g_uuid_string_random();
}

static gchar *
format_time(GDateTime *time)
{
  g_autofree gchar *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");

  return g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(time) / 1000);
}

/**
 * cord_store_now:
 *
 * Returns: (transfer full): the time of day as rows hold it, RFC 3339 in UTC with milliseconds
 */
gchar *
cord_store_now(void)
{
  return cord_store_time_before(0);
}

/**
 * cord_store_time_before:
 * @seconds: how long ago
 *
 * Returns: (transfer full): that time of day, as cord_store_now() writes it
 */
gchar *
cord_store_time_before(guint seconds)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autoptr(GDateTime) then = g_date_time_add_seconds(now, -(gdouble)seconds);

  return format_time(then);
}

/**
 * cord_store_time_after_ms:
 * @ms: how long from now
 *
 * Returns: (transfer full): that time of day, as cord_store_now() writes it
 */
gchar *
cord_store_time_after_ms(gint64 ms)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autoptr(GDateTime) then = g_date_time_add(now, ms * G_TIME_SPAN_MILLISECOND);

  return format_time(then);
}

static void
set_json(JsonObject *object, const gchar *name, JsonNode *value)
{
  json_object_set_member(object, name,
                         value ? json_node_copy(value) : json_node_new(JSON_NODE_NULL));
}

/* Agents */

/**
 * cord_agent_new:
 *
 * Returns: (transfer full): an agent with nothing set
 */
CordAgent *
cord_agent_new(void)
{
  return g_atomic_rc_box_new0(CordAgent);
}

CordAgent *
cord_agent_ref(CordAgent *self)
{
  return g_atomic_rc_box_acquire(self);
}

static void
agent_clear(gpointer data)
{
  CordAgent *self = data;

  g_free(self->id);
  g_free(self->name);
  g_free(self->description);
  g_free(self->system_prompt);
  g_free(self->voice_id);
  g_free(self->language);
  g_free(self->llm_model);
  g_strfreev(self->tools_enabled);
  g_clear_pointer(&self->metadata, json_node_unref);
  g_free(self->created_at);
  g_free(self->updated_at);
}

void
cord_agent_unref(CordAgent *self)
{
  g_atomic_rc_box_release_full(self, agent_clear);
}

/* A member that is absent or null gives the fallback, one of another type is an error. */
static gboolean
take_string(JsonObject *object, const gchar *name, const gchar *fallback, gchar **value,
            GError **error)
{
  JsonNode *node = json_object_get_member(object, name);

  if (!node || JSON_NODE_HOLDS_NULL(node)) {
    *value = g_strdup(fallback);
    return TRUE;
  }
  if (json_node_get_value_type(node) != G_TYPE_STRING) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID, "\"%s\" must be a string", name);
    return FALSE;
  }
  *value = json_node_dup_string(node);
  return TRUE;
}

static gchar **
dup_strings(JsonNode *node)
{
  g_autoptr(GStrvBuilder) builder = NULL;
  JsonArray *array;

  if (!node || !JSON_NODE_HOLDS_ARRAY(node))
    return NULL;
  builder = g_strv_builder_new();
  array = json_node_get_array(node);
  for (guint i = 0; i < json_array_get_length(array); i++) {
    JsonNode *element = json_array_get_element(array, i);

    if (json_node_get_value_type(element) != G_TYPE_STRING)
      return NULL;
    g_strv_builder_add(builder, json_node_get_string(element));
  }
  return g_strv_builder_end(builder);
}

static gboolean
take_rest(CordAgent *self, JsonObject *object, GError **error)
{
  JsonNode *tools = json_object_get_member(object, "tools_enabled");
  JsonNode *active = json_object_get_member(object, "is_active");
  JsonNode *metadata = json_object_get_member(object, "metadata");

  if (!tools || JSON_NODE_HOLDS_NULL(tools))
    self->tools_enabled = g_new0(gchar *, 1);
  else
    self->tools_enabled = dup_strings(tools);
  if (!self->tools_enabled) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
                "\"tools_enabled\" must be a list of names");
    return FALSE;
  }
  if (active && json_node_get_value_type(active) != G_TYPE_BOOLEAN) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
                "\"is_active\" must be true or false");
    return FALSE;
  }
  self->is_active = active ? json_node_get_boolean(active) : TRUE;
  if (metadata && !JSON_NODE_HOLDS_NULL(metadata))
    self->metadata = json_node_copy(metadata);
  return TRUE;
}

/**
 * cord_agent_new_from_json:
 * @object: an agent as the API and the files in data/agents write it
 * @error: return location for an error
 *
 * Members that are absent get their defaults; a missing id or time is made.
 *
 * Returns: (transfer full): the agent, or %NULL when a member has the wrong type or the name is
 *   missing
 */
CordAgent *
cord_agent_new_from_json(JsonObject *object, GError **error)
{
  g_autoptr(CordAgent) self = cord_agent_new();

  if (!take_string(object, "id", NULL, &self->id, error) ||
      !take_string(object, "name", NULL, &self->name, error) ||
      !take_string(object, "description", NULL, &self->description, error) ||
      !take_string(object, "system_prompt", DEFAULT_PROMPT, &self->system_prompt, error) ||
      !take_string(object, "voice_id", DEFAULT_VOICE, &self->voice_id, error) ||
      !take_string(object, "language", DEFAULT_LANGUAGE, &self->language, error) ||
      !take_string(object, "llm_model", DEFAULT_MODEL, &self->llm_model, error) ||
      !take_string(object, "created_at", NULL, &self->created_at, error) ||
      !take_string(object, "updated_at", NULL, &self->updated_at, error) ||
      !take_rest(self, object, error))
    return NULL;
  if (!self->name || *self->name == '\0') {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID, "An agent needs a \"name\"");
    return NULL;
  }
  if (!self->id)
    self->id = cord_store_new_id();
  if (!self->created_at)
    self->created_at = cord_store_now();
  if (!self->updated_at)
    self->updated_at = g_strdup(self->created_at);
  return g_steal_pointer(&self);
}

/**
 * cord_agent_to_json:
 * @self: an agent
 *
 * Returns: (transfer full): the agent as the API shows it
 */
JsonObject *
cord_agent_to_json(const CordAgent *self)
{
  JsonObject *object = json_object_new();
  JsonArray *tools = json_array_new();

  for (gchar **tool = self->tools_enabled; tool && *tool; tool++)
    json_array_add_string_element(tools, *tool);
  cord_json_set_string(object, "id", self->id);
  cord_json_set_string(object, "name", self->name);
  cord_json_set_string(object, "description", self->description);
  cord_json_set_string(object, "system_prompt", self->system_prompt);
  cord_json_set_string(object, "voice_id", self->voice_id);
  cord_json_set_string(object, "language", self->language);
  cord_json_set_string(object, "llm_model", self->llm_model);
  json_object_set_array_member(object, "tools_enabled", tools);
  json_object_set_boolean_member(object, "is_active", self->is_active);
  set_json(object, "metadata", self->metadata);
  cord_json_set_string(object, "created_at", self->created_at);
  cord_json_set_string(object, "updated_at", self->updated_at);
  return object;
}

/**
 * cord_agent_get_setting:
 * @self: an agent
 * @path: names separated by "/", below "cordboard" in the metadata
 *
 * Returns: (transfer none) (nullable): the setting, %NULL when it is absent or null
 */
JsonNode *
cord_agent_get_setting(const CordAgent *self, const gchar *path)
{
  g_autofree gchar *full = g_strconcat(SETTINGS_KEY "/", path, NULL);
  g_auto(GStrv) names = g_strsplit(full, "/", -1);
  JsonNode *node = self->metadata;

  for (gchar **name = names; *name; name++) {
    if (!node || !JSON_NODE_HOLDS_OBJECT(node))
      return NULL;
    node = json_object_get_member(json_node_get_object(node), *name);
  }
  return node && !JSON_NODE_HOLDS_NULL(node) ? node : NULL;
}

/**
 * cord_agent_get_string:
 * @self: an agent
 * @path: see cord_agent_get_setting()
 * @fallback: (nullable): what to return when the setting is absent or no string
 *
 * Returns: (transfer none) (nullable): the setting
 */
const gchar *
cord_agent_get_string(const CordAgent *self, const gchar *path, const gchar *fallback)
{
  JsonNode *node = cord_agent_get_setting(self, path);

  return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
                                                                 : fallback;
}

/**
 * cord_agent_get_int:
 * @self: an agent
 * @path: see cord_agent_get_setting()
 * @fallback: what to return when the setting is absent or no integer
 *
 * Returns: the setting
 */
gint64
cord_agent_get_int(const CordAgent *self, const gchar *path, gint64 fallback)
{
  JsonNode *node = cord_agent_get_setting(self, path);

  return node && json_node_get_value_type(node) == G_TYPE_INT64 ? json_node_get_int(node)
                                                                : fallback;
}

/**
 * cord_agent_dup_strv:
 * @self: an agent
 * @path: see cord_agent_get_setting()
 *
 * Returns: (transfer full) (array zero-terminated=1): the strings of a list, empty when the setting
 *   is absent or something else
 */
gchar **
cord_agent_dup_strv(const CordAgent *self, const gchar *path)
{
  gchar **strings = dup_strings(cord_agent_get_setting(self, path));

  return strings ? strings : g_new0(gchar *, 1);
}

/* Calls */

/**
 * cord_call_record_new:
 *
 * Returns: (transfer full): a call with nothing set and an unknown duration
 */
CordCallRecord *
cord_call_record_new(void)
{
  CordCallRecord *self = g_atomic_rc_box_new0(CordCallRecord);

  self->duration_seconds = -1;
  return self;
}

CordCallRecord *
cord_call_record_ref(CordCallRecord *self)
{
  return g_atomic_rc_box_acquire(self);
}

static void
call_clear(gpointer data)
{
  CordCallRecord *self = data;

  g_free(self->id);
  g_free(self->agent_id);
  g_free(self->agent_name);
  g_free(self->direction);
  g_free(self->caller_number);
  g_free(self->twilio_call_sid);
  g_free(self->status);
  g_free(self->end_reason);
  g_free(self->summary);
  g_free(self->started_at);
  g_free(self->ended_at);
  g_clear_pointer(&self->metadata, json_node_unref);
  g_clear_pointer(&self->extracted, json_node_unref);
}

void
cord_call_record_unref(CordCallRecord *self)
{
  g_atomic_rc_box_release_full(self, call_clear);
}

/**
 * cord_call_record_to_json:
 * @self: a call
 *
 * Returns: (transfer full): the call as the API shows it, with "agents": {"name"} or null
 */
JsonObject *
cord_call_record_to_json(const CordCallRecord *self)
{
  JsonObject *object = json_object_new();

  cord_json_set_string(object, "id", self->id);
  cord_json_set_string(object, "agent_id", self->agent_id);
  cord_json_set_string(object, "direction", self->direction);
  cord_json_set_string(object, "caller_number", self->caller_number);
  cord_json_set_string(object, "twilio_call_sid", self->twilio_call_sid);
  cord_json_set_string(object, "status", self->status);
  cord_json_set_string(object, "end_reason", self->end_reason);
  if (self->duration_seconds >= 0)
    json_object_set_int_member(object, "duration_seconds", self->duration_seconds);
  else
    json_object_set_null_member(object, "duration_seconds");
  cord_json_set_string(object, "summary", self->summary);
  cord_json_set_string(object, "started_at", self->started_at);
  cord_json_set_string(object, "ended_at", self->ended_at);
  set_json(object, "metadata", self->metadata);
  set_json(object, "extracted", self->extracted);
  if (self->agent_name) {
    JsonObject *agent = json_object_new();

    json_object_set_string_member(agent, "name", self->agent_name);
    json_object_set_object_member(object, "agents", agent);
  } else {
    json_object_set_null_member(object, "agents");
  }
  return object;
}

/* Transcript entries */

/**
 * cord_transcript_entry_new:
 *
 * Returns: (transfer full): a line with nothing set
 */
CordTranscriptEntry *
cord_transcript_entry_new(void)
{
  return g_atomic_rc_box_new0(CordTranscriptEntry);
}

CordTranscriptEntry *
cord_transcript_entry_ref(CordTranscriptEntry *self)
{
  return g_atomic_rc_box_acquire(self);
}

static void
entry_clear(gpointer data)
{
  CordTranscriptEntry *self = data;

  g_free(self->id);
  g_free(self->call_id);
  g_free(self->role);
  g_free(self->content);
  g_free(self->timestamp);
}

void
cord_transcript_entry_unref(CordTranscriptEntry *self)
{
  g_atomic_rc_box_release_full(self, entry_clear);
}

/**
 * cord_transcript_entry_to_json:
 * @self: a line of a transcript
 *
 * Returns: (transfer full): the line as the API shows it
 */
JsonObject *
cord_transcript_entry_to_json(const CordTranscriptEntry *self)
{
  JsonObject *object = json_object_new();

  cord_json_set_string(object, "id", self->id);
  cord_json_set_string(object, "call_id", self->call_id);
  cord_json_set_string(object, "role", self->role);
  cord_json_set_string(object, "content", self->content);
  cord_json_set_string(object, "timestamp", self->timestamp);
  return object;
}

/* Runs of tools */

/**
 * cord_function_call_new:
 *
 * Returns: (transfer full): a run of a tool with nothing set
 */
CordFunctionCall *
cord_function_call_new(void)
{
  return g_atomic_rc_box_new0(CordFunctionCall);
}

CordFunctionCall *
cord_function_call_ref(CordFunctionCall *self)
{
  return g_atomic_rc_box_acquire(self);
}

static void
function_call_clear(gpointer data)
{
  CordFunctionCall *self = data;

  g_free(self->id);
  g_free(self->call_id);
  g_free(self->function_name);
  g_clear_pointer(&self->arguments, json_node_unref);
  g_clear_pointer(&self->result, json_node_unref);
  g_free(self->status);
  g_free(self->error_message);
  g_free(self->executed_at);
}

void
cord_function_call_unref(CordFunctionCall *self)
{
  g_atomic_rc_box_release_full(self, function_call_clear);
}

/**
 * cord_function_call_to_json:
 * @self: a run of a tool
 *
 * Returns: (transfer full): the run as the API shows it
 */
JsonObject *
cord_function_call_to_json(const CordFunctionCall *self)
{
  JsonObject *object = json_object_new();

  cord_json_set_string(object, "id", self->id);
  cord_json_set_string(object, "call_id", self->call_id);
  cord_json_set_string(object, "function_name", self->function_name);
  set_json(object, "arguments", self->arguments);
  set_json(object, "result", self->result);
  cord_json_set_string(object, "status", self->status);
  cord_json_set_string(object, "error_message", self->error_message);
  cord_json_set_string(object, "executed_at", self->executed_at);
  return object;
}
