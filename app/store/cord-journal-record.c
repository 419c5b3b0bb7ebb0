/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-journal-record.h"

#include "cord-json.h"

#define MAX_DEPTH 2 /* the object itself; JSON columns are text within */
#define CRC_DIGITS 8

static guint32 crc_table[256];

static void
fill_crc_table(void)
{
  static gsize filled;

  if (!g_once_init_enter(&filled))
    return;
  for (guint32 i = 0; i < 256; i++) {
    guint32 value = i;

    for (guint bit = 0; bit < 8; bit++)
      value = value & 1 ? (value >> 1) ^ 0xedb88320 : value >> 1;
    crc_table[i] = value;
  }
  g_once_init_leave(&filled, 1);
}

static guint32
crc32(const gchar *data, gsize length)
{
  guint32 crc = 0xffffffff;

  fill_crc_table();
  for (gsize i = 0; i < length; i++)
    crc = (crc >> 8) ^ crc_table[(crc ^ (guchar)data[i]) & 0xff];
  return ~crc;
}

/**
 * cord_journal_record_format:
 * @out: where to add the line
 * @seq: the record's number
 * @json: its object, on one line
 */
void
cord_journal_record_format(GString *out, guint64 seq, const gchar *json)
{
  gsize start = out->len;

  g_string_append_printf(out, "%08x %" G_GUINT64_FORMAT " %" G_GSIZE_FORMAT " %s", 0, seq,
                         strlen(json), json);
  gsize body = start + CRC_DIGITS + 1;
  g_autofree gchar *crc = g_strdup_printf("%08x", crc32(out->str + body, out->len - body));
  memcpy(out->str + start, crc, CRC_DIGITS);
  g_string_append_c(out, '\n');
}

static gboolean
damaged(GError **error, const gchar *what)
{
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID, "Damaged journal record: %s",
              what);
  return FALSE;
}

/* Decimal digits and the space after them; no sign, no blanks, no overflow. */
static gboolean
take_number(const gchar **at, const gchar *end, guint64 *number)
{
  const gchar *digit = *at;
  guint64 value = 0;

  for (; digit < end && g_ascii_isdigit(*digit); digit++) {
    if (value > (G_MAXINT64 - 9) / 10)
      return FALSE;
    value = value * 10 + (*digit - '0');
  }
  if (digit == *at || digit == end || *digit != ' ')
    return FALSE;
  *at = digit + 1;
  *number = value;
  return TRUE;
}

static gboolean
check_crc(const gchar *line, gsize length, GError **error)
{
  guint32 stated = 0;

  if (length < CRC_DIGITS + 1 || line[CRC_DIGITS] != ' ')
    return damaged(error, "too short");
  for (guint i = 0; i < CRC_DIGITS; i++) {
    if (!g_ascii_isxdigit(line[i]))
      return damaged(error, "no checksum");
    stated = stated << 4 | g_ascii_xdigit_value(line[i]);
  }
  if (stated != crc32(line + CRC_DIGITS + 1, length - CRC_DIGITS - 1))
    return damaged(error, "wrong checksum");
  return TRUE;
}

/**
 * cord_journal_record_parse:
 * @line: a line, without its newline
 * @length: bytes in it
 * @error: return location for an error
 *
 * Returns: (transfer full): the record, %NULL when the line is damaged
 */
CordJournalRecord *
cord_journal_record_parse(const gchar *line, gsize length, GError **error)
{
  const gchar *at = line + CRC_DIGITS + 1;
  const gchar *end = line + length;
  g_autoptr(JsonNode) node = NULL;
  CordJournalRecord *self;
  JsonObject *fields;
  guint64 seq, size;

  if (!check_crc(line, length, error))
    return NULL;
  if (!take_number(&at, end, &seq) || !take_number(&at, end, &size) ||
      size != (guint64)(end - at) || seq == 0) {
    damaged(error, "wrong length");
    return NULL;
  }
  node = cord_json_parse(at, size, MAX_DEPTH, CORD_JOURNAL_MAX_RECORD, error);
  if (!node)
    return NULL;
  fields = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
  if (!fields || !json_object_has_member(fields, "type")) {
    damaged(error, "no type");
    return NULL;
  }
  self = g_new0(CordJournalRecord, 1);
  self->seq = seq;
  self->fields = json_object_ref(fields);
  return self;
}

/**
 * cord_journal_record_get:
 * @self: a record
 * @name: a column
 *
 * Returns: (nullable): its value, %NULL when the record does not set it
 */
const gchar *
cord_journal_record_get(const CordJournalRecord *self, const gchar *name)
{
  JsonNode *node = json_object_get_member(self->fields, name);

  return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
                                                                 : NULL;
}

void
cord_journal_record_free(CordJournalRecord *self)
{
  json_object_unref(self->fields);
  g_free(self);
}
