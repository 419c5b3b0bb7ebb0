/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CORD_SSE_MAX_EVENT (1024 * 1024) /* bytes */

/**
 * CordSseFunc:
 * @event: its type, "message" where the stream names none
 * @data: its lines, without the last line break; UTF-8
 * @user_data: what cord_sse_parser_feed() was given
 *
 * Called for each event.
 *
 * Returns: %FALSE to stop reading
 */
typedef gboolean (*CordSseFunc)(const gchar *event, const gchar *data, gpointer user_data);

/**
 * CordSseParser:
 *
 * Reads a stream of server-sent events (WHATWG HTML, section 9.2) piece by piece. The members are
 * private.
 */
typedef struct {
  GString *line;  /* the line under way */
  GString *event; /* the type of the event under way */
  GString *data;  /* its data, a line feed after each line */
  gsize max_event;
  gboolean after_cr; /* a line feed that comes next belongs to the last line */
  gboolean begun;    /* past the place of a byte order mark */
} CordSseParser;

void cord_sse_parser_init(CordSseParser *self, gsize max_event);
void cord_sse_parser_clear(CordSseParser *self);
gboolean cord_sse_parser_feed(CordSseParser *self, const gchar *bytes, gsize length,
                              CordSseFunc func, gpointer user_data, GError **error);

G_END_DECLS
