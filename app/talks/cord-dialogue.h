/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-directory.h"
#include "cord-persona.h"
#include "cord-talks.h"

G_BEGIN_DECLS

/**
 * CordDialogue:
 *
 * A conversation in writing: a row of conversation_sessions and the agent that answers. Nothing of
 * it is kept between two turns but the row, so that any server of the database may take the next.
 *
 * Main thread. Errors are those of #CordTalks and of the store; %CORD_STORE_ERROR_CHANGED when
 * somebody else has said something in the meantime, %CORD_ERROR_CLOSED when the agent has ended the
 * conversation, %CORD_ERROR_NOT_FOUND when there is no agent.
 */
#define CORD_TYPE_DIALOGUE (cord_dialogue_get_type())
G_DECLARE_FINAL_TYPE(CordDialogue, cord_dialogue, CORD, DIALOGUE, GObject)

/**
 * CordDialogueKit:
 * @talks: does the work
 * @store: where conversations are kept
 * @directory: who there is
 * @config: which services there are
 *
 * What dialogues need. The members are borrowed.
 */
typedef struct {
  CordTalks *talks;
  CordStore *store;
  CordDirectory *directory;
  CordConfig *config;
} CordDialogueKit;

void cord_dialogue_start_async(const CordDialogueKit *kit, const gchar *agent_id,
                               const gchar *persona, const gchar *customer_id,
                               const gchar *idempotency_key, GAsyncReadyCallback callback,
                               gpointer user_data);
void cord_dialogue_open_async(const CordDialogueKit *kit, const gchar *id,
                              GAsyncReadyCallback callback, gpointer user_data);
CordDialogue *cord_dialogue_open_finish(GAsyncResult *result, GError **error);

void cord_dialogue_say_async(CordDialogue *self, const gchar *text, const gchar *idempotency_key,
                             CordAnswerPieceFunc piece, gpointer piece_data,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
CordAnswer *cord_dialogue_say_finish(CordDialogue *self, GAsyncResult *result, GError **error);

void cord_dialogue_set_persona(CordDialogue *self, const CordPersona *persona);
const gchar *cord_dialogue_get_id(CordDialogue *self);
CordAgent *cord_dialogue_get_agent(CordDialogue *self);
const CordPersona *cord_dialogue_get_persona(CordDialogue *self);
const gchar *cord_dialogue_get_greeting(CordDialogue *self);
guint cord_dialogue_get_turns(CordDialogue *self);

G_END_DECLS
