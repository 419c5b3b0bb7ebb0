/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-journal-record.h"

/*
 * A line of a journal as it lies there, and then, since no mutation ever finds a checksum, the same
 * bytes as the JSON of a line whose checksum is right.
 */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static gboolean
parse(const gchar *line, gsize length, guint64 seq)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CordJournalRecord) record = cord_journal_record_parse(line, length, &error);

  if ((record == NULL) == (error == NULL))
    abort();
  if (record == NULL)
    return FALSE;
  if (seq != 0 && record->seq != seq)
    abort();
  cord_journal_record_get(record, "type");
  cord_journal_record_get(record, "a");
  return TRUE;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GString) line = g_string_new(NULL);
  g_autofree gchar *json = NULL;

  if (size == 0)
    return 0;
  json = g_strndup((const gchar *)data, size);
  parse((const gchar *)data, size, 0);
  cord_journal_record_format(line, 7, json);
  if (!parse(line->str, line->len - 1, 7))
    return 0;
  /* a bit that falls over is found, wherever it was */
  line->str[size * 7 % (line->len - 1)] ^= 1;
  if (strchr(json, '\n') == NULL && parse(line->str, line->len - 1, 0))
    abort();
  return 0;
}
