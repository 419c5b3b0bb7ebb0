/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-webhook-events.h"

#include <string.h>

#include "cord-json.h"

#define MAX_TRANSCRIPT (256 * 1024) /* bytes of text in one event; the store has all */

struct _CordWebhookEvents {
  CordCallRegistry *calls;
  CordJournal *journal;
  CordWebhooks *webhooks;
  guint watch;
  GHashTable *stories; /* call's id -> Story */
  GCancellable *cancellable;
  gboolean draining;
  gboolean again; /* something was written meanwhile */
  CordWebhookMore more;
  gpointer more_data;
};

/* Who is in a call */
typedef struct {
  const gchar *call_id, *call_sid, *agent_id, *agent_name, *direction, *from, *to;
} Party;

/* What is to be said of a call when it is over. */
typedef struct {
  CordAdmission *admission; /* of a call that has ended and of which more will be known */
  JsonObject *extracted;
  JsonArray *transcript;
  gsize text_bytes;
  gchar *started_at;
  guint turns, interruptions, tools, failed_tools, failovers;
  guint measured;
  gint64 total_ns, slowest_ns;
} Story;

static void
free_story(gpointer data)
{
  Story *story = data;

  g_clear_pointer(&story->admission, cord_admission_unref);
  g_clear_pointer(&story->extracted, json_object_unref);
  json_array_unref(story->transcript);
  g_free(story->started_at);
  g_free(story);
}

static Story *
get_story(CordWebhookEvents *self, const gchar *call_id)
{
  Story *story = g_hash_table_lookup(self->stories, call_id);

  if (story == NULL) {
    story = g_new0(Story, 1);
    story->transcript = json_array_new();
    story->started_at = cord_store_now();
    g_hash_table_insert(self->stories, g_strdup(call_id), story);
  }
  return story;
}

/* Writing */

static void drain(CordWebhookEvents *self);

static void
on_drained(GObject *source, GAsyncResult *result, gpointer data)
{
  CordWebhookEvents *self = data;
  g_autoptr(GError) error = NULL;

  if (!cord_journal_drain_finish(CORD_JOURNAL(source), result, &error) &&
      g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->draining = FALSE;
  cord_webhooks_wake(self->webhooks);
  if (self->again)
    drain(self);
}

/* Webhooks are told what is in the store: they are woken when it has what was written. */
static void
drain(CordWebhookEvents *self)
{
  self->again = self->draining;
  if (self->draining)
    return;
  self->draining = TRUE;
  cord_journal_drain_async(self->journal, self->cancellable, on_drained, self);
}

/**
 * cord_webhook_body:
 * @event: what happened
 * @data: (transfer full): of it
 *
 * Returns: (transfer full): what a webhook is told
 */
gchar *
cord_webhook_body(const gchar *event, JsonObject *data)
{
  g_autoptr(JsonObject) body = json_object_new();
  g_autofree gchar *now = cord_store_now();

  json_object_set_string_member(body, "type", event);
  json_object_set_string_member(body, "timestamp", now);
  json_object_set_object_member(body, "data", data);
  return cord_json_print_object(body);
}

static JsonObject *
new_data(const Party *party)
{
  JsonObject *data = json_object_new();

  json_object_set_string_member(data, "call_id", party->call_id);
  cord_json_set_string(data, "call_sid", party->call_sid);
  cord_json_set_string(data, "agent_id", party->agent_id);
  cord_json_set_string(data, "agent_name", party->agent_name);
  json_object_set_string_member(data, "direction", party->direction);
  cord_json_set_string(data, "from_number", party->from);
  cord_json_set_string(data, "to_number", party->to);
  return data;
}

static void
write_event(CordWebhookEvents *self, const gchar *event, const Party *party, JsonObject *data)
{
  g_autofree gchar *body = cord_webhook_body(event, data);

  cord_journal_event(self->journal, event, party->call_id, party->agent_id, body);
  drain(self);
}

/* What happens */

static void
add_line(Story *story, const gchar *role, const gchar *text)
{
  JsonObject *line;

  if (text == NULL || *text == '\0')
    return;
  story->text_bytes += strlen(text);
  if (story->text_bytes > MAX_TRANSCRIPT)
    return;
  line = json_object_new();
  json_object_set_string_member(line, "role", role);
  json_object_set_string_member(line, "content", text);
  json_array_add_object_element(story->transcript, line);
}

static void
on_started(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  Story *story = get_story(self, party->call_id);
  JsonObject *data = new_data(party);

  json_object_set_string_member(data, "status", "in-progress");
  json_object_set_string_member(data, "started_at", story->started_at);
  write_event(self, CORD_WEBHOOK_CALL_STARTED, party, data);
}

static void
on_user(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  add_line(get_story(self, party->call_id), "user", cord_json_peek_string(event, "text", NULL));
}

static void
on_heard(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  add_line(get_story(self, party->call_id), "assistant",
           cord_json_peek_string(event, "text", NULL));
}

static void
on_interrupted(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  get_story(self, party->call_id)->interruptions++;
}

static void
on_failover(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  get_story(self, party->call_id)->failovers++;
}

static void
on_metrics(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  Story *story = get_story(self, party->call_id);
  gint64 from = cord_json_peek_int(event, "speech-end", -1);
  gint64 to = cord_json_peek_int(event, "first-frame", -1);

  story->turns++;
  if (from < 0 || to < from)
    return;
  story->measured++;
  story->total_ns += to - from;
  story->slowest_ns = MAX(story->slowest_ns, to - from);
}

static void
on_tool(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  static const gchar *const members[] = { "name", "arguments", "result", "status", "error" };
  Story *story = get_story(self, party->call_id);
  JsonObject *data = new_data(party);

  story->tools++;
  story->failed_tools += g_strcmp0(cord_json_peek_string(event, "status", NULL), "completed") != 0;
  for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
    JsonNode *node = json_object_get_member(event, members[i]);

    if (node)
      json_object_set_member(data, members[i], json_node_copy(node));
    else
      json_object_set_null_member(data, members[i]);
  }
  write_event(self, CORD_WEBHOOK_TOOL_CALLED, party, data);
}

static JsonObject *
analyse(const Story *story, const Party *party)
{
  JsonObject *data = new_data(party);

  json_object_set_int_member(data, "turns", story->turns);
  json_object_set_int_member(data, "interruptions", story->interruptions);
  json_object_set_int_member(data, "tool_calls", story->tools);
  json_object_set_int_member(data, "failed_tool_calls", story->failed_tools);
  json_object_set_int_member(data, "failovers", story->failovers);
  if (story->measured > 0) {
    json_object_set_int_member(data, "mean_latency_ms",
                               story->total_ns / story->measured / (G_GINT64_CONSTANT(1000000)));
    json_object_set_int_member(data, "slowest_latency_ms",
                               story->slowest_ns / G_GINT64_CONSTANT(1000000));
  } else {
    json_object_set_null_member(data, "mean_latency_ms");
    json_object_set_null_member(data, "slowest_latency_ms");
  }
  if (story->extracted)
    json_object_set_object_member(data, "extracted", json_object_ref(story->extracted));
  else
    json_object_set_null_member(data, "extracted");
  json_object_set_boolean_member(data, "transcript_complete", story->text_bytes <= MAX_TRANSCRIPT);
  json_object_set_array_member(data, "transcript", json_array_ref(story->transcript));
  return data;
}

/* Of a call that nobody has had there is nothing to say. */
static void
tell_analysis(CordWebhookEvents *self, Story *story, const Party *party)
{
  if (story->turns > 0 || json_array_get_length(story->transcript) > 0)
    write_event(self, CORD_WEBHOOK_CALL_ANALYSED, party, analyse(story, party));
  g_hash_table_remove(self->stories, party->call_id);
}

static void
on_extraction(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  Story *story = g_hash_table_lookup(self->stories, party->call_id);

  if (story == NULL)
    return;
  g_clear_pointer(&story->extracted, json_object_unref);
  story->extracted = json_object_ref(event);
}

static CordAdmission *
dup_admission(CordWebhookEvents *self, const gchar *call_id)
{
  const CordAdmission *admission = cord_call_registry_find_admission(self->calls, call_id);

  return admission ? cord_admission_ref((CordAdmission *)admission) : NULL;
}

static void
on_ended(CordWebhookEvents *self, const Party *party, JsonObject *event)
{
  Story *story = get_story(self, party->call_id);
  JsonObject *data = new_data(party);
  g_autofree gchar *now = cord_store_now();

  json_object_set_string_member(data, "status", cord_json_peek_string(event, "status", "failed"));
  cord_json_set_string(data, "end_reason", cord_json_peek_string(event, "reason", NULL));
  json_object_set_int_member(data, "duration_seconds", cord_json_peek_int(event, "duration", 0));
  json_object_set_string_member(data, "started_at", story->started_at);
  json_object_set_string_member(data, "ended_at", now);
  write_event(self, CORD_WEBHOOK_CALL_ENDED, party, data);
  if (self->more && self->more(party->call_id, self->more_data))
    story->admission = dup_admission(self, party->call_id);
  if (story->admission == NULL)
    tell_analysis(self, story, party);
}

static const struct {
  const gchar *name;
  void (*handle)(CordWebhookEvents *self, const Party *party, JsonObject *event);
} handlers[] = {
  { "call-started", on_started },    { "call-ended", on_ended },
  { "turn-ended", on_user },         { "heard", on_heard },
  { "interrupted", on_interrupted }, { "failover", on_failover },
  { "turn-metrics", on_metrics },    { "tool-result", on_tool },
  { "extraction", on_extraction },
};

static Party
to_party(const CordAdmission *admission)
{
  return (Party){ admission->call_id,
                  cord_admission_is_browser(admission) ? NULL : admission->call_sid,
                  admission->agent ? admission->agent->id : NULL,
                  admission->agent ? admission->agent->name : NULL,
                  admission->direction,
                  admission->from,
                  admission->to };
}

/* Known since its admission; or, of a call that nobody has answered, told with the event. */
static gboolean
find_party(CordWebhookEvents *self, const gchar *call_id, JsonObject *event, Party *party)
{
  const CordAdmission *admission = cord_call_registry_find_admission(self->calls, call_id);

  if (admission) {
    *party = to_party(admission);
    return TRUE;
  }
  *party = (Party){ .call_id = call_id,
                    .call_sid = cord_json_peek_string(event, "call_sid", NULL),
                    .agent_id = cord_json_peek_string(event, "agent_id", NULL),
                    .direction = cord_json_peek_string(event, "direction", NULL),
                    .from = cord_json_peek_string(event, "from", NULL),
                    .to = cord_json_peek_string(event, "to", NULL) };
  return party->direction != NULL;
}

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  CordWebhookEvents *self = data;

  for (guint i = 0; i < G_N_ELEMENTS(handlers); i++) {
    if (g_str_equal(name, handlers[i].name)) {
      g_autoptr(JsonObject) event = cord_json_parse_object(json, -1, NULL);
      Party party;

      if (event && find_party(self, call_id, event, &party))
        handlers[i].handle(self, &party, event);
    }
  }
}

/**
 * cord_webhook_events_new:
 * @calls: what is watched
 * @journal: where it is written
 * @webhooks: who are told
 *
 * Returns: (transfer full): a watcher
 */
CordWebhookEvents *
cord_webhook_events_new(CordCallRegistry *calls, CordJournal *journal, CordWebhooks *webhooks)
{
  CordWebhookEvents *self = g_new0(CordWebhookEvents, 1);

  self->calls = g_object_ref(calls);
  self->journal = g_object_ref(journal);
  self->webhooks = g_object_ref(webhooks);
  self->cancellable = g_cancellable_new();
  self->stories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_story);
  self->watch = cord_call_registry_watch(calls, on_event, self);
  return self;
}

/**
 * cord_webhook_events_set_more:
 * @self: a watcher
 * @more: asked about each call that has ended whether its analysis is to wait for
 *   cord_webhook_events_complete()
 * @data: for @more
 */
void
cord_webhook_events_set_more(CordWebhookEvents *self, CordWebhookMore more, gpointer data)
{
  self->more = more;
  self->more_data = data;
}

/**
 * cord_webhook_events_complete:
 * @self: a watcher
 * @call_id: a call of which all is known now
 *
 * Tells its analysis, if that has waited.
 */
void
cord_webhook_events_complete(CordWebhookEvents *self, const gchar *call_id)
{
  Story *story = g_hash_table_lookup(self->stories, call_id);

  if (story && story->admission) {
    const Party party = to_party(story->admission);

    tell_analysis(self, story, &party);
  }
}

/**
 * cord_webhook_events_free:
 * @self: (transfer full): a watcher
 */
void
cord_webhook_events_free(CordWebhookEvents *self)
{
  cord_call_registry_unwatch(self->calls, self->watch);
  g_cancellable_cancel(self->cancellable);
  g_object_unref(self->cancellable);
  g_hash_table_unref(self->stories);
  g_object_unref(self->calls);
  g_object_unref(self->journal);
  g_object_unref(self->webhooks);
  g_free(self);
}
