/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordLogFormat:
 * @CORD_LOG_AUTO: text on a terminal, the journal's own where stderr is the journal, else JSON
 * @CORD_LOG_TEXT: a line for people
 * @CORD_LOG_JSON: a line for programs
 */
typedef enum {
  CORD_LOG_AUTO,
  CORD_LOG_TEXT,
  CORD_LOG_JSON,
} CordLogFormat;

gboolean cord_log_format_from_string(const gchar *text, CordLogFormat *format);
void cord_log_init(CordLogFormat format);

G_END_DECLS
