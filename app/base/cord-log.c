/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-log.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static CordLogFormat log_format;
static gboolean coloured;

/* Fields of the log and what JSON lines call them. */
static const struct {
  const gchar *field;
  const gchar *name;
} names[] = {
  { "CALL_ID", "callId" },
  { "CALL_SID", "callSid" },
  { "REQUEST_ID", "requestId" },
};

static const gchar *
level_name(GLogLevelFlags level)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return "error";
  if (level & G_LOG_LEVEL_WARNING)
    return "warning";
  if (level & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
    return "info";
  return "debug";
}

static const gchar *
level_colour(GLogLevelFlags level)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return "\033[1;31m";
  if (level & G_LOG_LEVEL_WARNING)
    return "\033[1;33m";
  return "\033[2m";
}

static gchar *
field_text(const GLogField *field)
{
  return field->length < 0 ? g_strdup(field->value) : g_strndup(field->value, (gsize)field->length);
}

static gchar *
find_field(const GLogField *fields, gsize n_fields, const gchar *key)
{
  for (gsize i = 0; i < n_fields; i++) {
    if (g_str_equal(fields[i].key, key))
      return field_text(&fields[i]);
  }
  return NULL;
}

static void
write_line(const gchar *line)
{
  /* one write a line, so that those of several threads do not mix */
  fputs(line, stderr);
  fflush(stderr);
}

static void
write_json(GLogLevelFlags level, const GLogField *fields, gsize n_fields, const gchar *message)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree gchar *stamp = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%f");
  g_autofree gchar *valid = g_utf8_make_valid(message, -1);
  g_autofree gchar *domain = find_field(fields, n_fields, "GLIB_DOMAIN");
  g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
  JsonObject *object = json_object_new();
  g_autofree gchar *text = NULL;
  g_autofree gchar *line = NULL;

  json_node_take_object(node, object);
  stamp[MIN(strlen(stamp), 23)] = 'Z';
  stamp[MIN(strlen(stamp), 24)] = '\0';
  json_object_set_string_member(object, "ts", stamp);
  json_object_set_string_member(object, "level", level_name(level));
  json_object_set_string_member(object, "msg", valid);
  if (domain)
    json_object_set_string_member(object, "domain", domain);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree gchar *value = find_field(fields, n_fields, names[i].field);

    if (value && !g_str_equal(value, "-"))
      json_object_set_string_member(object, names[i].name, value);
  }
  text = json_to_string(node, FALSE);
  line = g_strconcat(text, "\n", NULL);
  write_line(line);
}

/* What others have sent may stand in a message; it must not make lines or colours of its own. */
static gchar *
printable(const gchar *message)
{
  g_autofree gchar *text = g_utf8_make_valid(message, -1);

  for (gchar *p = text; *p; p++) {
    if ((guchar)*p < ' ' || *p == 0x7f)
      *p = ' ';
  }
  return g_steal_pointer(&text);
}

static void
write_text(GLogLevelFlags level, const GLogField *fields, gsize n_fields, const gchar *message)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_local();
  g_autofree gchar *stamp = g_date_time_format(now, "%H:%M:%S");
  g_autofree gchar *call = find_field(fields, n_fields, "CALL_ID");
  g_autofree gchar *text = printable(message);
  g_autofree gchar *line = NULL;
  gboolean in_call = call && !g_str_equal(call, "-");

  line = g_strdup_printf("%s%s %-7s%s %s%s%.8s%s\n", coloured ? level_colour(level) : "", stamp,
                         level_name(level), coloured ? "\033[0m" : "", text, in_call ? " [" : "",
                         in_call ? call : "", in_call ? "]" : "");
  write_line(line);
}

static GLogWriterOutput
writer(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  g_autofree gchar *domain = find_field(fields, n_fields, "GLIB_DOMAIN");
  g_autofree gchar *message = NULL;

  if (g_log_writer_default_would_drop(level, domain))
    return G_LOG_WRITER_HANDLED;
  if (log_format == CORD_LOG_AUTO && g_log_writer_is_journald(fileno(stderr)) &&
      g_log_writer_journald(level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  message = find_field(fields, n_fields, "MESSAGE");
  if (log_format == CORD_LOG_TEXT || (log_format == CORD_LOG_AUTO && isatty(STDERR_FILENO)))
    write_text(level, fields, n_fields, message ? message : "");
  else
    write_json(level, fields, n_fields, message ? message : "");
  return G_LOG_WRITER_HANDLED;
}

/**
 * cord_log_format_from_string:
 * @text: auto, text or json
 * @format: (out): the format
 *
 * Returns: whether it is one of them
 */
gboolean
cord_log_format_from_string(const gchar *text, CordLogFormat *format)
{
  static const gchar *const formats[] = { "auto", "text", "json" };

  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    if (g_strcmp0(text, formats[i]) == 0) {
      *format = (CordLogFormat)i;
      return TRUE;
    }
  }
  return FALSE;
}

/**
 * cord_log_init:
 * @format: how lines look
 *
 * Takes over all of GLib's logging. Debug lines need G_MESSAGES_DEBUG.
 */
void
cord_log_init(CordLogFormat format)
{
  log_format = format;
  coloured = isatty(STDERR_FILENO) && g_getenv("NO_COLOR") == NULL;
  g_log_set_writer_func(writer, NULL, NULL);
}
