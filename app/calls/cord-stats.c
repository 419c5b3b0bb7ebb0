/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-call-parts.h"
#include "cord-json.h"
#include "cord-stats-private.h"

/* Gathering: what calls tell is counted. */

#define NOBODY CORD_SERVICE_ROLES /* no service: our own element, or all of them */

/* What takes how long, between two stamps of a turn, and whose time it is. */
static const struct {
  const gchar *stage;
  const gchar *from, *to;
  guint role;
  const gchar *element;
} stages[] = {
  { "speech_to_text", "speech-end", "stt-final", CORD_SERVICE_STT, NULL },
  { "endpointing", "stt-final", "turn-end", NOBODY, "turntaker" },
  { "model_first_token", "llm-request", "llm-first-token", CORD_SERVICE_LLM, NULL },
  { "model_first_piece", "llm-first-token", "llm-first-piece", CORD_SERVICE_LLM, NULL },
  { "voice_first_audio", "llm-first-piece", "tts-first-audio", CORD_SERVICE_TTS, NULL },
  { "first_frame", "tts-first-audio", "first-frame", NOBODY, "audiopacer" },
  { "total", "speech-end", "first-frame", NOBODY, "" },
};

static void
free_histogram(gpointer data)
{
  CordHistogram *histogram = data;

  g_free(histogram->stage);
  g_free(histogram->element);
  g_free(histogram->provider);
  g_free(histogram);
}

static CordHistogram *
get_histogram(CordStats *self, const gchar *stage, const gchar *element, const gchar *provider)
{
  g_autofree gchar *key = g_strjoin("\n", stage, element, provider, NULL);
  CordHistogram *histogram = g_hash_table_lookup(self->histograms, key);

  if (histogram == NULL) {
    histogram = g_new0(CordHistogram, 1);
    histogram->stage = g_strdup(stage);
    histogram->element = g_strdup(element);
    histogram->provider = g_strdup(provider);
    g_hash_table_insert(self->histograms, g_steal_pointer(&key), histogram);
  }
  return histogram;
}

static void
observe(CordHistogram *histogram, gdouble seconds)
{
  static const gdouble bounds[] = CORD_STATS_BOUNDS;
  guint i = 0;

  while (i < G_N_ELEMENTS(bounds) && seconds > bounds[i])
    i++;
  histogram->counts[i]++;
  histogram->count++;
  histogram->sum += seconds;
}

static void
on_admitted(CordStats *self, const gchar *call_id, JsonObject *object)
{
  const CordAdmission *admission = cord_call_registry_find_admission(self->sources.calls, call_id);

  self->begun++;
  if (admission && admission->agent)
    g_hash_table_insert(
        self->parts, g_strdup(call_id),
        cord_call_parts_new(cord_agent_plan_new(admission->agent, self->sources.config)));
}

static void
on_metrics(CordStats *self, const gchar *call_id, JsonObject *object)
{
  const CordCallParts *parts = g_hash_table_lookup(self->parts, call_id);

  self->turns++;
  for (guint i = 0; i < G_N_ELEMENTS(stages); i++) {
    gint64 from = cord_json_peek_int(object, stages[i].from, -1);
    gint64 to = cord_json_peek_int(object, stages[i].to, -1);
    gboolean ours = stages[i].role == NOBODY;
    const gchar *element = ours    ? stages[i].element
                           : parts ? cord_call_parts_get_element(parts, stages[i].role)
                                   : "";
    const gchar *provider =
        ours || !parts ? "" : cord_call_parts_get_provider(parts, stages[i].role);

    if (from >= 0 && to >= from)
      observe(get_histogram(self, stages[i].stage, element, provider),
              (gdouble)(to - from) / GST_SECOND);
  }
}

static void
on_ended(CordStats *self, const gchar *call_id, JsonObject *object)
{
  g_autofree gchar *key =
      g_strdup_printf("%s\n%s", cord_json_peek_string(object, "status", "unknown"),
                      cord_json_peek_string(object, "reason", ""));
  guint64 *count = g_hash_table_lookup(self->ended, key);

  if (count == NULL) {
    count = g_new0(guint64, 1);
    g_hash_table_insert(self->ended, g_steal_pointer(&key), count);
  }
  (*count)++;
  self->frames += (guint64)cord_json_peek_int(object, "frames", 0);
  self->late_frames += (guint64)cord_json_peek_int(object, "late_frames", 0);
  self->underruns += (guint64)cord_json_peek_int(object, "underruns", 0);
  self->max_lateness_us =
      MAX(self->max_lateness_us, (guint64)cord_json_peek_int(object, "max_lateness_us", 0));
  g_hash_table_remove(self->parts, call_id);
}

static void
on_interrupted(CordStats *self, const gchar *call_id, JsonObject *object)
{
  self->interruptions++;
}

static void
on_silence(CordStats *self, const gchar *call_id, JsonObject *object)
{
  self->silences++;
}

static void
on_tool(CordStats *self, const gchar *call_id, JsonObject *object)
{
  self->tool_calls++;
  self->failed_tool_calls +=
      g_strcmp0(cord_json_peek_string(object, "status", NULL), "completed") != 0;
}

static void
on_route(CordStats *self, const gchar *call_id, JsonObject *object)
{
  self->routed_turns++;
}

static void
on_failover(CordStats *self, const gchar *call_id, JsonObject *object)
{
  CordCallParts *parts = g_hash_table_lookup(self->parts, call_id);
  const gchar *to = cord_json_peek_string(object, "to", NULL);

  self->failovers++;
  if (parts && to)
    cord_call_parts_failover(parts, to);
}

static void
on_placed(CordStats *self, const gchar *call_id, JsonObject *object)
{
  self->placed++;
}

static const struct {
  const gchar *name;
  void (*handle)(CordStats *self, const gchar *call_id, JsonObject *object);
} handlers[] = {
  { "call-admitted", on_admitted },  { "call-placed", on_placed }, { "turn-metrics", on_metrics },
  { "interrupted", on_interrupted }, { "tool-result", on_tool },   { "failover", on_failover },
  { "call-ended", on_ended },        { "route", on_route },        { "silence", on_silence },
};

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  CordStats *self = data;

  for (guint i = 0; i < G_N_ELEMENTS(handlers); i++) {
    if (g_str_equal(name, handlers[i].name)) {
      g_autoptr(JsonObject) object = cord_json_parse_object(json, -1, NULL);

      if (object)
        handlers[i].handle(self, call_id, object);
    }
  }
}

/**
 * cord_stats_new:
 * @sources: where the figures come from
 *
 * Returns: (transfer full): counters that begin at nothing
 */
CordStats *
cord_stats_new(const CordStatsSources *sources)
{
  CordStats *self = g_new0(CordStats, 1);

  self->sources = *sources;
  g_object_ref(sources->calls);
  g_object_ref(sources->journal);
  g_object_ref(sources->store);
  g_object_ref(sources->config);
  self->parts =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)cord_call_parts_free);
  self->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->histograms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_histogram);
  self->watch = cord_call_registry_watch(sources->calls, on_event, self);
  return self;
}

/**
 * cord_stats_free:
 * @self: (transfer full): the counters
 */
void
cord_stats_free(CordStats *self)
{
  cord_call_registry_unwatch(self->sources.calls, self->watch);
  g_hash_table_unref(self->parts);
  g_hash_table_unref(self->ended);
  g_hash_table_unref(self->histograms);
  g_object_unref(self->sources.calls);
  g_object_unref(self->sources.journal);
  g_object_unref(self->sources.store);
  g_object_unref(self->sources.config);
  g_free(self);
}
