/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim.h"

G_BEGIN_DECLS

/*
 * What all language models share: which answer is given, and its pieces one after another. A
 * provider's script: {"replies": [{"match": REGEX, "text": "…", "reasoning": "…", "tools":
 * [{"name": "…", "arguments": {…}}]}]}; the first whose expression fits what was said last, else
 * the words are said back.
 */
typedef struct {
  gchar *text;
  gchar *reasoning; /* or NULL */
  JsonArray *tools; /* or NULL */
} SimReply;

SimReply *sim_reply_find(SimServer *server, const gchar *provider, const gchar *said,
                         const gchar *tool_result);
SimReply *sim_reply_new(SimExchange *exchange, const gchar *said, const gchar *tool_result);
void sim_reply_free(SimReply *self);

/* Server-sent events, written one by one at the profile's pace. */
typedef struct _SimStream SimStream;
SimStream *sim_stream_new(void);
void sim_stream_add(SimStream *self, const gchar *event, gchar *data); /* takes @data */
void sim_stream_add_words(SimStream *self, const gchar *event, const gchar *text,
                          gchar *(*format)(const gchar *word));
void sim_stream_start(SimStream *self, SimExchange *exchange); /* takes @self */

G_END_DECLS
