/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-agent-plan.h"

G_BEGIN_DECLS

/**
 * CordPersona:
 * @name: "friendly_guide"
 * @title: for people
 * @description: what it is good for
 * @tone: how it speaks, in a few words
 * @instructions: the same for a model
 * @voices: (array zero-terminated=1): a voice for each service that has voices with names
 *
 * A manner that an agent puts on in a conversation.
 */
typedef struct {
  const gchar *name, *title, *description, *tone, *instructions;
  const gchar *voices[4];
} CordPersona;

const CordPersona *cord_persona_get_all(guint *n_personas);
const CordPersona *cord_persona_find(const gchar *name);
JsonObject *cord_persona_to_json(const CordPersona *self);
CordAgent *cord_persona_dress(const CordPersona *self, CordAgent *agent, const gchar *voice,
                              CordConfig *config);

G_END_DECLS
