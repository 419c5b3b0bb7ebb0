/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "llm-session.h"

G_BEGIN_DECLS

/* How a model does, as all calls of a worker see it: one that has failed rests, and is asked for
 * its list of models before a caller has to wait for it again. */
typedef struct _LlmHealth LlmHealth;

LlmHealth *llm_health_get(CordWorker *worker, const LlmCandidate *candidate);
LlmHealth *llm_health_ref(LlmHealth *self);
void llm_health_unref(LlmHealth *self);
gboolean llm_health_is_good(LlmHealth *self);
void llm_health_succeeded(LlmHealth *self);
void llm_health_failed(LlmHealth *self, GstClockTime at_least);
void llm_health_probe(LlmHealth *self, const LlmCandidate *candidate);

G_END_DECLS
