/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-lines.h"

#include <string.h>

#define MAX_LINE 4096         /* bytes */
#define MAX_LINES (32 * 1024) /* bytes of all of them */

struct _CordCallLines {
  GQueue lines; /* gchar */
  gsize bytes;
  guint count; /* of all that were ever added */
  gboolean has_caller;
};

/**
 * cord_call_lines_new:
 *
 * Returns: (transfer full): a call in which nothing was said
 */
CordCallLines *
cord_call_lines_new(void)
{
  CordCallLines *self = g_new0(CordCallLines, 1);

  g_queue_init(&self->lines);
  return self;
}

/**
 * cord_call_lines_free:
 * @self: (transfer full): lines
 */
void
cord_call_lines_free(CordCallLines *self)
{
  g_queue_clear_full(&self->lines, g_free);
  g_free(self);
}

/* Nobody can put words into the other's mouth by a line break. */
static gchar *
make_line(gboolean caller, const gchar *text)
{
  const gchar *who = caller ? "Caller: " : "Agent: ";
  gsize room = MAX_LINE - strlen(who);
  gchar *line = NULL;
  gsize length = strlen(text);

  while (length > room || (length < strlen(text) && ((guchar)text[length] & 0xc0) == 0x80))
    length = length > room ? room : length - 1;
  line = g_strdup_printf("%s%.*s", who, (gint)length, text);
  for (gchar *p = line; *p; p++)
    *p = g_ascii_iscntrl(*p) ? ' ' : *p;
  return line;
}

/**
 * cord_call_lines_add:
 * @self: lines
 * @caller: who has said it: the caller, or the agent
 * @text: (nullable): what; nothing is no line
 */
void
cord_call_lines_add(CordCallLines *self, gboolean caller, const gchar *text)
{
  gchar *line;

  if (text == NULL || *text == '\0')
    return;
  line = make_line(caller, text);
  g_queue_push_tail(&self->lines, line);
  self->bytes += strlen(line) + 1;
  self->count++;
  self->has_caller = self->has_caller || caller;
  while (self->bytes > MAX_LINES) {
    g_autofree gchar *oldest = g_queue_pop_head(&self->lines);

    self->bytes -= strlen(oldest) + 1;
  }
}

/**
 * cord_call_lines_has_caller:
 * @self: lines
 *
 * Returns: whether the caller has said anything
 */
gboolean
cord_call_lines_has_caller(const CordCallLines *self)
{
  return self->has_caller;
}

/**
 * cord_call_lines_get_count:
 * @self: lines
 *
 * Returns: how many there have been; more than before when something was said since
 */
guint
cord_call_lines_get_count(const CordCallLines *self)
{
  return self->count;
}

/**
 * cord_call_lines_print:
 * @self: lines
 * @known: (nullable): what was found out of earlier ones; stands for those that do not fit
 *
 * Returns: (transfer full): the transcript
 */
gchar *
cord_call_lines_print(const CordCallLines *self, const gchar *known)
{
  GString *text = g_string_new(NULL);

  if (self->count > g_queue_get_length((GQueue *)&self->lines) && known)
    g_string_append_printf(text, "Found out before: %s\n\n", known);
  g_string_append(text, "Transcript:\n");
  for (GList *link = self->lines.head; link; link = link->next)
    g_string_append_printf(text, "%s\n", (const gchar *)link->data);
  return g_string_free(text, FALSE);
}
