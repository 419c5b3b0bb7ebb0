/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-stats.h"

#include <string.h>

#include "cord-json.h"

/* What takes how long, between two stamps of a turn. */
typedef struct {
  const gchar *stage;
  const gchar *from, *to;
} Stage;

static const Stage stages[] = {
  { "speech_to_text", "speech-end", "stt-final" },
  { "endpointing", "stt-final", "turn-end" },
  { "model_first_token", "llm-request", "llm-first-token" },
  { "model_first_piece", "llm-first-token", "llm-first-piece" },
  { "voice_first_audio", "llm-first-piece", "tts-first-audio" },
  { "total", "speech-end", "first-frame" },
};

/* Seconds: upper bounds of the histogram's buckets. */
static const gdouble bounds[] = { 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10 };

typedef struct {
  guint64 counts[G_N_ELEMENTS(bounds) + 1];
  guint64 count;
  gdouble sum;
} Histogram;

struct _CordStats {
  CordCallRegistry *calls;
  CordJournal *journal;
  guint watch;
  guint64 begun;
  guint64 turns, interruptions, tool_calls, failovers;
  GHashTable *ended; /* "status\nreason" -> guint64 */
  Histogram histograms[G_N_ELEMENTS(stages)];
};

static void
observe(Histogram *histogram, gdouble seconds)
{
  guint i = 0;

  while (i < G_N_ELEMENTS(bounds) && seconds > bounds[i])
    i++;
  histogram->counts[i]++;
  histogram->count++;
  histogram->sum += seconds;
}

static void
take_metrics(CordStats *self, JsonObject *object)
{
  self->turns++;
  for (guint i = 0; i < G_N_ELEMENTS(stages); i++) {
    gint64 from = cord_json_peek_int(object, stages[i].from, -1);
    gint64 to = cord_json_peek_int(object, stages[i].to, -1);

    if (from >= 0 && to >= from)
      observe(&self->histograms[i], (gdouble)(to - from) / GST_SECOND);
  }
}

static void
take_end(CordStats *self, JsonObject *object)
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
}

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  CordStats *self = data;
  g_autoptr(JsonObject) object = NULL;

  if (g_str_equal(name, "call-admitted"))
    self->begun++;
  else if (g_str_equal(name, "interrupted"))
    self->interruptions++;
  else if (g_str_equal(name, "tool-call"))
    self->tool_calls++;
  else if (g_str_equal(name, "failover"))
    self->failovers++;
  else if ((g_str_equal(name, "turn-metrics") || g_str_equal(name, "call-ended")) &&
           (object = cord_json_parse_object(json, -1, NULL))) {
    if (*name == 't')
      take_metrics(self, object);
    else
      take_end(self, object);
  }
}

/* Prometheus' text format, version 0.0.4 */

static void
add_head(GString *text, const gchar *name, const gchar *type, const gchar *help)
{
  g_string_append_printf(text, "# HELP cordboard_%s %s\n# TYPE cordboard_%s %s\n", name, help, name,
                         type);
}

static void
add_number(GString *text, const gchar *name, const gchar *type, const gchar *help, guint64 value)
{
  add_head(text, name, type, help);
  g_string_append_printf(text, "cordboard_%s %" G_GUINT64_FORMAT "\n", name, value);
}

static void
add_ended(GString *text, GHashTable *ended)
{
  GHashTableIter iter;
  gpointer key, count;

  add_head(text, "calls_ended_total", "counter", "Calls that have ended, by how");
  g_hash_table_iter_init(&iter, ended);
  while (g_hash_table_iter_next(&iter, &key, &count)) {
    g_auto(GStrv) parts = g_strsplit(key, "\n", 2);
    g_autoptr(GString) labels = g_string_new("status=");

    /* a JSON string is a label's value */
    cord_json_append_string(labels, parts[0]);
    g_string_append(labels, ",reason=");
    cord_json_append_string(labels, parts[1]);
    g_string_append_printf(text, "cordboard_calls_ended_total{%s} %" G_GUINT64_FORMAT "\n",
                           labels->str, *(guint64 *)count);
  }
}

static const gchar *
print_double(gchar *buffer, gdouble value)
{
  return g_ascii_formatd(buffer, G_ASCII_DTOSTR_BUF_SIZE, "%.9g", value);
}

static void
add_histogram(GString *text, const gchar *stage, const Histogram *histogram)
{
  gchar buffer[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS(bounds); i++) {
    sum += histogram->counts[i];
    g_string_append_printf(
        text, "cordboard_turn_seconds_bucket{stage=\"%s\",le=\"%s\"} %" G_GUINT64_FORMAT "\n",
        stage, print_double(buffer, bounds[i]), sum);
  }
  g_string_append_printf(text,
                         "cordboard_turn_seconds_bucket{stage=\"%s\",le=\"+Inf\"} "
                         "%" G_GUINT64_FORMAT "\ncordboard_turn_seconds_sum{stage=\"%s\"} %s\n"
                         "cordboard_turn_seconds_count{stage=\"%s\"} %" G_GUINT64_FORMAT "\n",
                         stage, histogram->count, stage, print_double(buffer, histogram->sum),
                         stage, histogram->count);
}

/**
 * cord_stats_to_prometheus:
 * @self: the counters
 *
 * Returns: (transfer full): them as Prometheus reads them
 */
gchar *
cord_stats_to_prometheus(CordStats *self)
{
  GString *text = g_string_new(NULL);

  add_number(text, "calls_active", "gauge", "Calls that stream now",
             cord_call_registry_get_count(self->calls));
  add_number(text, "calls_total", "counter", "Calls that were let in", self->begun);
  add_ended(text, self->ended);
  add_number(text, "turns_total", "counter", "Turns that were answered", self->turns);
  add_number(text, "interruptions_total", "counter", "Answers that callers interrupted",
             self->interruptions);
  add_number(text, "tool_calls_total", "counter", "Tools that models called", self->tool_calls);
  add_number(text, "failovers_total", "counter", "Services that another stood in for",
             self->failovers);
  add_number(text, "media_lateness_microseconds", "gauge", "How late the latest media thread runs",
             cord_call_registry_get_lateness(self->calls));
  add_number(text, "store_lag_records", "gauge", "Records on disk that the store does not have",
             cord_journal_get_durable(self->journal) - cord_journal_get_applied(self->journal));
  add_head(text, "turn_seconds", "histogram", "What takes how long in a turn");
  for (guint i = 0; i < G_N_ELEMENTS(stages); i++)
    add_histogram(text, stages[i].stage, &self->histograms[i]);
  return g_string_free(text, FALSE);
}

/**
 * cord_stats_to_json:
 * @self: the counters
 *
 * Returns: (transfer full): the most important of them
 */
JsonObject *
cord_stats_to_json(CordStats *self)
{
  JsonObject *object = json_object_new();
  JsonObject *ended = json_object_new();
  const Histogram *total = &self->histograms[G_N_ELEMENTS(stages) - 1];
  GHashTableIter iter;
  gpointer key, count;

  json_object_set_int_member(object, "active_connections",
                             cord_call_registry_get_count(self->calls));
  json_object_set_int_member(object, "total_calls", (gint64)self->begun);
  json_object_set_int_member(object, "turns", (gint64)self->turns);
  json_object_set_int_member(object, "interruptions", (gint64)self->interruptions);
  json_object_set_int_member(object, "tool_calls", (gint64)self->tool_calls);
  json_object_set_int_member(object, "failovers", (gint64)self->failovers);
  if (total->count > 0)
    json_object_set_double_member(object, "mean_latency_ms",
                                  1000 * total->sum / (gdouble)total->count);
  g_hash_table_iter_init(&iter, self->ended);
  while (g_hash_table_iter_next(&iter, &key, &count)) {
    g_auto(GStrv) parts = g_strsplit(key, "\n", 2);

    json_object_set_int_member(
        ended, parts[0], cord_json_peek_int(ended, parts[0], 0) + (gint64) * (guint64 *)count);
  }
  json_object_set_object_member(object, "ended_calls", ended);
  return object;
}

/**
 * cord_stats_new:
 * @calls: what is watched
 * @journal: whose lag is told
 *
 * Returns: (transfer full): counters that begin at nothing
 */
CordStats *
cord_stats_new(CordCallRegistry *calls, CordJournal *journal)
{
  CordStats *self = g_new0(CordStats, 1);

  self->calls = g_object_ref(calls);
  self->journal = g_object_ref(journal);
  self->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->watch = cord_call_registry_watch(calls, on_event, self);
  return self;
}

/**
 * cord_stats_free:
 * @self: (transfer full): the counters
 */
void
cord_stats_free(CordStats *self)
{
  cord_call_registry_unwatch(self->calls, self->watch);
  g_hash_table_unref(self->ended);
  g_object_unref(self->calls);
  g_object_unref(self->journal);
  g_free(self);
}
