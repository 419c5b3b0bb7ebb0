/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-json.h"
#include "cord-stats-private.h"

/* Printing: Prometheus' text format, version 0.0.4, and JSON. */

static void
add_head(GString *text, const gchar *name, const gchar *type, const gchar *help)
{
  g_string_append_printf(text, "# HELP cordboard_%s %s\n# TYPE cordboard_%s %s\n", name, help, name,
                         type);
}

/**
 * cord_stats_add:
 * @text: (nullable): where it is added for Prometheus
 * @object: (nullable): where it is added as JSON
 * @name: its name, "calls_active"
 * @type: "counter" or "gauge"
 * @help: what it is
 * @value: the figure
 *
 * Adds one figure.
 */
void
cord_stats_add(GString *text, JsonObject *object, const gchar *name, const gchar *type,
               const gchar *help, guint64 value)
{
  if (text) {
    add_head(text, name, type, help);
    g_string_append_printf(text, "cordboard_%s %" G_GUINT64_FORMAT "\n", name, value);
  }
  if (object)
    json_object_set_int_member(object, name, (gint64)value);
}

/* All that is one number. */
static void
add_figures(CordStats *self, GString *text, JsonObject *object)
{
  const CordStatsSources *from = &self->sources;
  guint64 lag = cord_journal_get_durable(from->journal) - cord_journal_get_applied(from->journal);
  const struct {
    const gchar *name, *type, *help;
    guint64 value;
  } figures[] = {
    { "calls_active", "gauge", "Calls that stream now", cord_call_registry_get_count(from->calls) },
    { "calls_prepared", "gauge", "Calls whose phones ring and whose agents are ready",
      cord_call_registry_get_prepared(from->calls) },
    { "calls_total", "counter", "Calls that were let in", self->begun },
    { "calls_placed_total", "counter", "Calls that were placed", self->placed },
    { "turns_total", "counter", "Turns that were answered", self->turns },
    { "interruptions_total", "counter", "Answers that callers interrupted", self->interruptions },
    { "silence_prompts_total", "counter", "Questions whether a silent caller is still there",
      self->silences },
    { "tool_calls_total", "counter", "Tools that models called", self->tool_calls },
    { "tool_failures_total", "counter", "Tools that failed", self->failed_tool_calls },
    { "routed_turns_total", "counter", "Turns that a recording answered", self->routed_turns },
    { "failovers_total", "counter", "Services that another stood in for", self->failovers },
    { "frames_total", "counter", "Frames of speech that ended calls have sent", self->frames },
    { "late_frames_total", "counter", "Frames of them that left more than 40 ms late",
      self->late_frames },
    { "underruns_total", "counter", "Pauses in which a voice fell behind", self->underruns },
    { "frame_lateness_max_microseconds", "gauge", "How late the latest frame of ended calls was",
      self->max_lateness_us },
    { "media_lateness_microseconds", "gauge", "How late the latest media thread runs",
      cord_call_registry_get_lateness(from->calls) },
    { "store_queue", "gauge", "Questions that wait for the store",
      cord_store_get_waiting(from->store) },
    { "journal_queue", "gauge", "Records that wait for the disk",
      cord_journal_get_pending(from->journal) },
    { "store_lag_records", "gauge", "Records on disk that the store does not have", lag },
  };

  for (guint i = 0; i < G_N_ELEMENTS(figures); i++)
    cord_stats_add(text, object, figures[i].name, figures[i].type, figures[i].help,
                   figures[i].value);
  if (from->add_more)
    from->add_more(text, object, from->data);
}

/* A JSON string is a label's value. */
static void
add_label(GString *text, const gchar *name, const gchar *value)
{
  g_string_append(text, name);
  g_string_append_c(text, '=');
  cord_json_append_string(text, value);
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

    g_string_append(text, "cordboard_calls_ended_total{");
    add_label(text, "status", parts[0]);
    add_label(text, ",reason", parts[1]);
    g_string_append_printf(text, "} %" G_GUINT64_FORMAT "\n", *(guint64 *)count);
  }
}

static const gchar *
print_double(gchar *buffer, gdouble value)
{
  return g_ascii_formatd(buffer, G_ASCII_DTOSTR_BUF_SIZE, "%.9g", value);
}

static void
add_histogram(GString *text, const CordHistogram *histogram)
{
  static const gdouble bounds[] = CORD_STATS_BOUNDS;
  g_autoptr(GString) labels = g_string_new(NULL);
  gchar buffer[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 sum = 0;

  add_label(labels, "stage", histogram->stage);
  add_label(labels, ",element", histogram->element);
  add_label(labels, ",provider", histogram->provider);
  for (guint i = 0; i < G_N_ELEMENTS(bounds); i++) {
    sum += histogram->counts[i];
    g_string_append_printf(text,
                           "cordboard_turn_seconds_bucket{%s,le=\"%s\"} %" G_GUINT64_FORMAT "\n",
                           labels->str, print_double(buffer, bounds[i]), sum);
  }
  g_string_append_printf(text,
                         "cordboard_turn_seconds_bucket{%s,le=\"+Inf\"} %" G_GUINT64_FORMAT
                         "\ncordboard_turn_seconds_sum{%s} %s\n"
                         "cordboard_turn_seconds_count{%s} %" G_GUINT64_FORMAT "\n",
                         labels->str, histogram->count, labels->str,
                         print_double(buffer, histogram->sum), labels->str, histogram->count);
}

/* The same order each time, for those who read it. */
static GList *
list_histograms(CordStats *self)
{
  return g_list_sort(g_hash_table_get_keys(self->histograms), (GCompareFunc)g_strcmp0);
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
  g_autoptr(GList) keys = list_histograms(self);

  add_figures(self, text, NULL);
  add_ended(text, self->ended);
  add_head(text, "turn_seconds", "histogram",
           "What takes how long in a turn, by stage, element and provider");
  for (GList *key = keys; key; key = key->next)
    add_histogram(text, g_hash_table_lookup(self->histograms, key->data));
  return g_string_free(text, FALSE);
}

static JsonObject *
describe_ended(CordStats *self)
{
  JsonObject *ended = json_object_new();
  GHashTableIter iter;
  gpointer key, count;

  g_hash_table_iter_init(&iter, self->ended);
  while (g_hash_table_iter_next(&iter, &key, &count)) {
    g_auto(GStrv) parts = g_strsplit(key, "\n", 2);

    json_object_set_int_member(
        ended, parts[0], cord_json_peek_int(ended, parts[0], 0) + (gint64) * (guint64 *)count);
  }
  return ended;
}

static JsonArray *
describe_histograms(CordStats *self)
{
  JsonArray *array = json_array_new();
  g_autoptr(GList) keys = list_histograms(self);

  for (GList *key = keys; key; key = key->next) {
    const CordHistogram *histogram = g_hash_table_lookup(self->histograms, key->data);
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "stage", histogram->stage);
    json_object_set_string_member(object, "element", histogram->element);
    json_object_set_string_member(object, "provider", histogram->provider);
    json_object_set_int_member(object, "count", (gint64)histogram->count);
    json_object_set_double_member(object, "mean_ms",
                                  1000 * histogram->sum / (gdouble)histogram->count);
    json_array_add_object_element(array, object);
  }
  return array;
}

/**
 * cord_stats_to_json:
 * @self: the counters
 *
 * Returns: (transfer full): them for people
 */
JsonObject *
cord_stats_to_json(CordStats *self)
{
  JsonObject *object = json_object_new();
  const CordHistogram *total = g_hash_table_lookup(self->histograms, "total\n\n");

  /* the names that a low-latency agent's users know */
  json_object_set_int_member(object, "active_connections",
                             cord_call_registry_get_count(self->sources.calls));
  json_object_set_int_member(object, "total_calls", (gint64)self->begun);
  json_object_set_int_member(object, "turns", (gint64)self->turns);
  json_object_set_int_member(object, "interruptions", (gint64)self->interruptions);
  json_object_set_int_member(object, "tool_calls", (gint64)self->tool_calls);
  json_object_set_int_member(object, "routed_turns", (gint64)self->routed_turns);
  json_object_set_int_member(object, "failovers", (gint64)self->failovers);
  if (total)
    json_object_set_double_member(object, "mean_latency_ms",
                                  1000 * total->sum / (gdouble)total->count);
  json_object_set_object_member(object, "ended_calls", describe_ended(self));
  add_figures(self, NULL, object);
  json_object_set_array_member(object, "latency", describe_histograms(self));
  return object;
}
