/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-call-private.h"
#include "cord-json.h"

/* What the page of a browser is told of its call: what is understood and said, as it comes and when
 * it is final, and what tools did. On the call's worker. */

static void
send(CordCall *self, GString *message)
{
  g_signal_emit_by_name(self->source, "send-message", message->str);
}

static void
send_transcript(CordCall *self, const gchar *role, const gchar *text, gboolean final)
{
  g_autoptr(GString) message = g_string_new("{\"type\":\"transcript\",\"role\":\"");

  if (text == NULL || *text == '\0')
    return;
  g_string_append_printf(message, "%s\",\"content\":", role);
  cord_json_append_string(message, text);
  g_string_append_printf(message, ",\"is_final\":%s}", final ? "true" : "false");
  send(self, message);
}

/* What stands in the store is final; until then it may change. */
static void
on_transcript(CordCall *self, const GstStructure *structure)
{
  gboolean final = FALSE;

  gst_structure_get_boolean(structure, "final", &final);
  if (!final)
    send_transcript(self, "user", gst_structure_get_string(structure, "text"), FALSE);
}

static void
on_turn_ended(CordCall *self, const GstStructure *structure)
{
  send_transcript(self, "user", gst_structure_get_string(structure, "text"), TRUE);
}

/* The answer so far, for whoever wants to read while he listens. */
static void
on_piece(CordCall *self, const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string(structure, "text");
  guint turn = cord_structure_get_turn(structure);

  if (text == NULL)
    return;
  if (self->answer == NULL)
    self->answer = g_string_new(NULL);
  if (turn != self->answer_turn)
    g_string_truncate(self->answer, 0);
  self->answer_turn = turn;
  if (self->answer->len > 0 && !g_ascii_isspace(self->answer->str[self->answer->len - 1]))
    g_string_append_c(self->answer, ' ');
  g_string_append(self->answer, text);
  send_transcript(self, "assistant", self->answer->str, FALSE);
}

static void
on_heard(CordCall *self, const GstStructure *structure)
{
  send_transcript(self, "assistant", gst_structure_get_string(structure, "text"), TRUE);
}

static const struct {
  const gchar *name;
  void (*handle)(CordCall *self, const GstStructure *structure);
} handlers[] = {
  { CORD_EVENT_TRANSCRIPT, on_transcript },
  { CORD_EVENT_TURN_ENDED, on_turn_ended },
  { CORD_EVENT_RESPONSE_PIECE, on_piece },
  { CORD_EVENT_HEARD, on_heard },
};

void
cord_call_tell_browser(CordCall *self, const GstStructure *structure)
{
  const gchar *name = gst_structure_get_name(structure);

  for (guint i = 0; i < G_N_ELEMENTS(handlers); i++) {
    if (g_str_equal(name, handlers[i].name))
      handlers[i].handle(self, structure);
  }
}

/* JSON that came from a model or a tool, or a string if it is none. */
static void
append_json(GString *message, const gchar *json)
{
  if (json && cord_json_scan(json, strlen(json), CORD_JSON_MAX_DEPTH, NULL))
    g_string_append(message, json);
  else
    cord_json_append_string(message, json ? json : "");
}

void
cord_call_tell_browser_tool(CordCall *self, const gchar *name, const gchar *arguments,
                            const gchar *result)
{
  g_autoptr(GString) message = g_string_new("{\"type\":\"tool_call\",\"name\":");

  cord_json_append_string(message, name ? name : "");
  g_string_append(message, ",\"arguments\":");
  append_json(message, arguments);
  g_string_append(message, ",\"result\":");
  append_json(message, result);
  g_string_append_c(message, '}');
  send(self, message);
}
