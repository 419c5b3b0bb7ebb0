/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-resource.h"

/* The tables that the API shows. A table's columns stand here and in schemas/, nowhere else. */

#define ID                                                                                         \
  {                                                                                                \
    "id", CORD_COLUMN_TEXT, CORD_COLUMN_FIXED                                                      \
  }
#define TIME(name)                                                                                 \
  {                                                                                                \
    name, CORD_COLUMN_TEXT, CORD_COLUMN_FIXED | CORD_COLUMN_SORT                                   \
  }
#define TABLE(table, what, order, descending)                                                      \
  {                                                                                                \
#    table, what, table, G_N_ELEMENTS(table), order, descending                                    \
  }

static const CordColumn agents[] = {
  ID,
  { "name", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER | CORD_COLUMN_SORT },
  { "description", CORD_COLUMN_TEXT },
  { "system_prompt", CORD_COLUMN_TEXT },
  { "voice_id", CORD_COLUMN_TEXT },
  { "language", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "llm_model", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "tools_enabled", CORD_COLUMN_JSON },
  { "is_active", CORD_COLUMN_BOOLEAN, CORD_COLUMN_FILTER },
  { "metadata", CORD_COLUMN_JSON },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_agents = TABLE(agents, "agent", "created_at", FALSE);

static const CordColumn calls[] = {
  ID,
  { "agent_id", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "direction", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "caller_number", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "twilio_call_sid", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "status", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER | CORD_COLUMN_SORT },
  { "end_reason", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "duration_seconds", CORD_COLUMN_INTEGER },
  { "summary", CORD_COLUMN_TEXT },
  TIME("started_at"),
  { "ended_at", CORD_COLUMN_TEXT },
  { "metadata", CORD_COLUMN_JSON },
  { "extracted", CORD_COLUMN_JSON, CORD_COLUMN_FIXED },
  { "agents", CORD_COLUMN_NAME, CORD_COLUMN_FIXED,
    "(SELECT a.name FROM agents a WHERE a.id = calls.agent_id)" },
};
const CordResource cord_resource_calls = TABLE(calls, "call", "started_at", TRUE);

static const CordColumn system_prompts[] = {
  ID,
  { "name", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER | CORD_COLUMN_SORT },
  { "content", CORD_COLUMN_TEXT },
  { "description", CORD_COLUMN_TEXT },
  { "category", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "variables", CORD_COLUMN_JSON },
  { "is_default", CORD_COLUMN_BOOLEAN, CORD_COLUMN_FILTER },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_system_prompts =
    TABLE(system_prompts, "system prompt", "created_at", FALSE);

static const CordColumn custom_functions[] = {
  ID,
  { "name", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER | CORD_COLUMN_SORT },
  { "description", CORD_COLUMN_TEXT },
  { "parameters", CORD_COLUMN_JSON },
  { "webhook_url", CORD_COLUMN_TEXT },
  { "method", CORD_COLUMN_TEXT },
  { "headers", CORD_COLUMN_JSON },
  { "is_active", CORD_COLUMN_BOOLEAN, CORD_COLUMN_FILTER },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_custom_functions =
    TABLE(custom_functions, "custom function", "created_at", FALSE);

/* credentials are ciphertext that only the vault can read */
static const CordColumn phone_numbers[] = {
  ID,
  { "number", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER | CORD_COLUMN_SORT },
  { "label", CORD_COLUMN_TEXT },
  { "agent_id", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "account_sid", CORD_COLUMN_TEXT },
  { "credentials", CORD_COLUMN_TEXT, CORD_COLUMN_HIDDEN },
  { "has_credentials", CORD_COLUMN_BOOLEAN, CORD_COLUMN_FIXED,
    "(CASE WHEN credentials IS NULL THEN 0 ELSE 1 END)" },
  { "is_active", CORD_COLUMN_BOOLEAN, CORD_COLUMN_FILTER },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_phone_numbers =
    TABLE(phone_numbers, "phone number", "created_at", FALSE);

static const CordColumn customers[] = {
  ID,
  { "name", CORD_COLUMN_TEXT, CORD_COLUMN_SORT | CORD_COLUMN_FILTER },
  { "phone", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "email", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "metadata", CORD_COLUMN_JSON },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_customers = TABLE(customers, "customer", "created_at", FALSE);

static const CordColumn conversation_sessions[] = {
  ID,
  { "customer_id", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "agent_id", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "persona", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "state", CORD_COLUMN_JSON },
  { "history", CORD_COLUMN_JSON },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_sessions =
    TABLE(conversation_sessions, "session", "created_at", TRUE);

static const CordColumn webhooks[] = {
  ID,
  { "url", CORD_COLUMN_TEXT },
  { "agent_id", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "events", CORD_COLUMN_JSON },
  { "description", CORD_COLUMN_TEXT },
  { "sealed_secret", CORD_COLUMN_TEXT, CORD_COLUMN_HIDDEN },
  { "is_active", CORD_COLUMN_BOOLEAN, CORD_COLUMN_FILTER },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_webhooks = TABLE(webhooks, "webhook", "created_at", FALSE);

static const CordColumn webhook_deliveries[] = {
  ID,
  { "webhook_id", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "event", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "call_id", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "body", CORD_COLUMN_JSON },
  { "status", CORD_COLUMN_TEXT, CORD_COLUMN_FILTER },
  { "attempts", CORD_COLUMN_INTEGER },
  { "response_status", CORD_COLUMN_INTEGER },
  { "last_error", CORD_COLUMN_TEXT },
  { "next_attempt", CORD_COLUMN_TEXT },
  TIME("created_at"),
  TIME("updated_at"),
};
const CordResource cord_resource_webhook_deliveries =
    TABLE(webhook_deliveries, "delivery", "created_at", TRUE);

/**
 * cord_resource_find:
 * @self: a resource
 * @name: a column
 *
 * Returns: (nullable): the column
 */
const CordColumn *
cord_resource_find(const CordResource *self, const gchar *name)
{
  for (guint i = 0; i < self->n_columns; i++)
    if (g_str_equal(self->columns[i].name, name))
      return &self->columns[i];
  return NULL;
}
