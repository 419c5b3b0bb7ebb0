/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "call-report.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "cord-json.h"

struct _CallReport {
  gboolean quiet;
  gboolean coloured;
  gboolean followed; /* the server tells its side */
  GPtrArray *turns;  /* JsonObject of turn-metrics */
  JsonArray *transcript;
  JsonArray *tools;
  gchar *status, *reason;
};

/* The waits of a turn: from one stamp to another. */
static const struct {
  const gchar *title;
  const gchar *key;
  const gchar *from, *to;
} columns[] = {
  { "hear", "stt_ms", "speech-end", "stt-final" },
  { "turn", "turn_ms", "stt-final", "turn-end" },
  { "think", "llm_ms", "turn-end", "llm-first-piece" },
  { "speak", "tts_ms", "llm-first-piece", "tts-first-audio" },
  { "send", "send_ms", "tts-first-audio", "first-frame" },
  { "total", "total_ms", "speech-end", "first-frame" },
};

/**
 * call_report_new:
 * @quiet: whether to show nothing while the call runs
 * @coloured: whether to use colours
 *
 * Returns: (transfer full): an empty report
 */
CallReport *
call_report_new(gboolean quiet, gboolean coloured)
{
  CallReport *self = g_new0(CallReport, 1);

  self->quiet = quiet;
  self->coloured = coloured;
  self->turns = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
  self->transcript = json_array_new();
  self->tools = json_array_new();
  return self;
}

/**
 * call_report_free:
 * @self: (transfer full): a report
 */
void
call_report_free(CallReport *self)
{
  g_ptr_array_unref(self->turns);
  json_array_unref(self->transcript);
  json_array_unref(self->tools);
  g_free(self->status);
  g_free(self->reason);
  g_free(self);
}

static void
show(CallReport *self, const gchar *colour, const gchar *who, const gchar *text, const gchar *note)
{
  if (self->quiet)
    return;
  printf("%s%-7s%s %s%s\n", self->coloured ? colour : "", who, self->coloured ? "\033[0m" : "",
         text, note ? note : "");
  fflush(stdout);
}

static void
add_line(CallReport *self, const gchar *role, JsonObject *event, const gchar *text, gboolean cut)
{
  JsonObject *line = json_object_new();

  json_object_set_string_member(line, "role", role);
  json_object_set_string_member(line, "content", text);
  json_object_set_int_member(line, "turn", cord_json_peek_int(event, "turn", 0));
  if (cut)
    json_object_set_boolean_member(line, "interrupted", TRUE);
  json_array_add_object_element(self->transcript, line);
}

static void
on_heard(CallReport *self, JsonObject *event)
{
  const gchar *text = cord_json_peek_string(event, "text", "");
  gboolean cut = FALSE;

  cord_json_get_boolean(event, "interrupted", &cut, NULL);
  if (*text == '\0')
    return;
  add_line(self, "assistant", event, text, cut);
  show(self, "\033[1;32m", _("agent"), text, cut ? _(" — (cut off)") : NULL);
}

static void
on_turn_ended(CallReport *self, JsonObject *event)
{
  const gchar *text = cord_json_peek_string(event, "text", "");

  add_line(self, "user", event, text, FALSE);
  show(self, "\033[1;36m", _("caller"), text, NULL);
}

static void
on_call_ended(CallReport *self, JsonObject *event)
{
  g_free(self->status);
  g_free(self->reason);
  self->status = g_strdup(cord_json_peek_string(event, "status", NULL));
  self->reason = g_strdup(cord_json_peek_string(event, "reason", NULL));
}

/**
 * call_report_event:
 * @self: a report
 * @name: the name of one of the server's events
 * @json: the event
 */
void
call_report_event(CallReport *self, const gchar *name, const gchar *json)
{
  g_autoptr(JsonObject) event = cord_json_parse_object(json, -1, NULL);

  if (event == NULL)
    return;
  self->followed = TRUE;
  if (g_str_equal(name, "heard"))
    on_heard(self, event);
  else if (g_str_equal(name, "turn-ended"))
    on_turn_ended(self, event);
  else if (g_str_equal(name, "turn-metrics"))
    g_ptr_array_add(self->turns, json_object_ref(event));
  else if (g_str_equal(name, "tool-call"))
    json_array_add_object_element(self->tools, json_object_ref(event));
  else if (g_str_equal(name, "call-ended"))
    on_call_ended(self, event);
}

static void
on_transcript(CallReport *self, JsonObject *message)
{
  g_autoptr(JsonObject) event = json_object_new();

  if (!cord_json_peek_boolean(message, "is_final", FALSE))
    return;
  json_object_set_string_member(event, "text", cord_json_peek_string(message, "content", ""));
  if (g_str_equal(cord_json_peek_string(message, "role", ""), "user"))
    on_turn_ended(self, event);
  else
    on_heard(self, event);
}

/**
 * call_report_told:
 * @self: a report
 * @json: what a browser was told on its own socket
 */
void
call_report_told(CallReport *self, const gchar *json)
{
  g_autoptr(JsonObject) message = cord_json_parse_object(json, -1, NULL);
  const gchar *type = message ? cord_json_peek_string(message, "type", "") : "";

  self->followed = TRUE;
  if (g_str_equal(type, "transcript"))
    on_transcript(self, message);
  else if (g_str_equal(type, "tool_call"))
    json_array_add_object_element(self->tools, json_object_ref(message));
  else if (g_str_equal(type, "session_ended")) {
    json_object_set_string_member(message, "status", "completed");
    on_call_ended(self, message);
  }
}

/**
 * call_report_line:
 * @self: a report
 * @line: what the caller says now
 */
void
call_report_line(CallReport *self, const CordPhoneLine *line)
{
  /* a server that tells its side shows what it has understood, which is worth more */
  if (line->keys)
    show(self, "\033[1;36m", _("keys"), line->keys, NULL);
  else if (!self->followed)
    show(self, "\033[2m", _("(says)"), line->text ? line->text : "", NULL);
}

/**
 * call_report_get_transcript:
 * @self: a report
 *
 * Returns: (transfer full): what was understood and heard, a line each
 */
gchar *
call_report_get_transcript(CallReport *self)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < json_array_get_length(self->transcript); i++) {
    JsonObject *line = json_array_get_object_element(self->transcript, i);

    g_string_append_printf(text, "%s: %s\n", cord_json_peek_string(line, "role", ""),
                           cord_json_peek_string(line, "content", ""));
  }
  return g_string_free(text, FALSE);
}

static gint
wait_of(JsonObject *turn, guint column)
{
  gint64 from = cord_json_peek_int(turn, columns[column].from, -1);
  gint64 to = cord_json_peek_int(turn, columns[column].to, -1);

  return from < 0 || to < 0 ? -1 : (gint)((to - from) / 1000000);
}

/**
 * call_report_print_table:
 * @self: a report
 * @talk: what the phone has measured
 * @pace: how evenly the agent's audio came
 *
 * Prints how long the caller waited, and for whom.
 */
void
call_report_print_table(CallReport *self, CordPhoneTalk *talk, const CordPhonePace *pace)
{
  guint n;
  const CordPhoneExchangeStats *exchanges = cord_phone_talk_get_exchanges(talk, &n);

  if (self->turns->len > 0) {
    printf(_("\nms    "));
    for (guint c = 0; c < G_N_ELEMENTS(columns); c++)
      printf("%7s", columns[c].title);
    printf("\n");
  }
  for (guint i = 0; i < self->turns->len; i++) {
    JsonObject *turn = self->turns->pdata[i];

    if (cord_json_peek_int(turn, "turn", 0) == 0)
      continue;
    printf(_("turn %u"), (guint)cord_json_peek_int(turn, "turn", 0));
    for (guint c = 0; c < G_N_ELEMENTS(columns); c++) {
      gint wait = wait_of(turn, c);

      if (wait < 0)
        printf("%7s", "-");
      else
        printf("%7d", wait);
    }
    printf("\n");
  }
  printf(_("\nat the phone, from the caller's last sound to the agent's first (ms):"));
  for (guint i = 0; i < n; i++) {
    if (exchanges[i].latency_ms >= 0)
      printf(" %d", exchanges[i].latency_ms);
    else
      printf(" -");
    if (exchanges[i].clear_ms >= 0)
      printf(_(" (silent %d after the barge-in)"), exchanges[i].clear_ms);
  }
  printf(_("\nholes in the agent's speech: %u; frames more than 40 ms behind the pace: %u of %u\n"),
         cord_phone_talk_get_gaps(talk), (guint)pace->late, (guint)pace->frames);
}

static JsonArray *
turns_to_json(CallReport *self)
{
  JsonArray *turns = json_array_new();

  for (guint i = 0; i < self->turns->len; i++) {
    JsonObject *turn = json_object_new();

    json_object_set_int_member(turn, "turn", cord_json_peek_int(self->turns->pdata[i], "turn", 0));
    for (guint c = 0; c < G_N_ELEMENTS(columns); c++) {
      gint wait = wait_of(self->turns->pdata[i], c);

      if (wait >= 0)
        json_object_set_int_member(turn, columns[c].key, wait);
    }
    json_array_add_object_element(turns, turn);
  }
  return turns;
}

static JsonArray *
exchanges_to_json(CordPhoneTalk *talk)
{
  JsonArray *array = json_array_new();
  guint n;
  const CordPhoneExchangeStats *exchanges = cord_phone_talk_get_exchanges(talk, &n);

  for (guint i = 0; i < n; i++) {
    JsonObject *object = json_object_new();

    json_object_set_int_member(object, "line", exchanges[i].line);
    if (exchanges[i].latency_ms >= 0)
      json_object_set_int_member(object, "latency_ms", exchanges[i].latency_ms);
    if (exchanges[i].clear_ms >= 0)
      json_object_set_int_member(object, "clear_ms", exchanges[i].clear_ms);
    json_array_add_object_element(array, object);
  }
  return array;
}

/**
 * call_report_to_json:
 * @self: a report
 * @talk: what the phone has measured
 * @pace: how evenly the agent's audio came
 * @call_sid: the call
 * @error: (nullable): why it failed
 *
 * Returns: (transfer full): all of it on one line
 */
gchar *
call_report_to_json(CallReport *self, CordPhoneTalk *talk, const CordPhonePace *pace,
                    const gchar *call_sid, const gchar *error)
{
  g_autoptr(JsonObject) root = json_object_new();

  json_object_set_boolean_member(root, "ok", error == NULL);
  json_object_set_string_member(root, "call_sid", call_sid);
  if (error)
    json_object_set_string_member(root, "error", error);
  if (self->status)
    json_object_set_string_member(root, "status", self->status);
  if (self->reason)
    json_object_set_string_member(root, "end_reason", self->reason);
  json_object_set_array_member(root, "transcript", json_array_ref(self->transcript));
  json_object_set_array_member(root, "tool_calls", json_array_ref(self->tools));
  json_object_set_array_member(root, "turns", turns_to_json(self));
  json_object_set_array_member(root, "exchanges", exchanges_to_json(talk));
  json_object_set_int_member(root, "gaps", cord_phone_talk_get_gaps(talk));
  json_object_set_int_member(root, "frames", (gint64)pace->frames);
  json_object_set_int_member(root, "late_frames", (gint64)pace->late);
  json_object_set_int_member(root, "latest_frame_ms", (gint64)(pace->worst / GST_MSECOND));
  return cord_json_print_object(root);
}
