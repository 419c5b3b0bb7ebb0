/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-api-private.h"
#include "cord-dialogue.h"

G_BEGIN_DECLS

/* What the doors to agents without a call share. */

/* A request that takes a while, and is given up when its client goes */
typedef struct {
  CordApi *api;
  CordExchange *exchange;
  GCancellable *cancellable;
  gulong gone;
} CordApiTalk;

void cord_api_talk_begin(CordApiTalk *self, CordApi *api, CordExchange *exchange);
void cord_api_talk_end(CordApiTalk *self);

guint cord_api_talk_status(const GError *error);
void cord_api_answer_talk_error(CordExchange *exchange, const GError *error);
const gchar *cord_api_read_text(CordExchange *exchange, const gchar *name);
gboolean cord_api_read_persona(CordExchange *exchange, const gchar *name,
                               const CordPersona **persona);
CordAgent *cord_api_find_talker(CordApi *api, CordExchange *exchange, const gchar *agent_id);

G_END_DECLS
