/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim.h"

G_BEGIN_DECLS

/* One function a module: it adds the module's routes. */
typedef void (*SimModule)(SimServer *server);
extern const SimModule sim_modules[];

void sim_cartesia_add(SimServer *server);
void sim_deepgram_add(SimServer *server);
void sim_deepgram_flux_add(SimServer *server);
void sim_elevenlabs_add(SimServer *server);
void sim_openai_realtime_add(SimServer *server);
void sim_openai_speech_add(SimServer *server);
void sim_anthropic_add(SimServer *server);
void sim_gemini_add(SimServer *server);
void sim_openai_transcriptions_add(SimServer *server);
void sim_models_add(SimServer *server);
void sim_openai_chat_add(SimServer *server);
void sim_twilio_add(SimServer *server);

/* Deepgram: who may open a stream */
gboolean sim_deepgram_admit(SimExchange *exchange);

G_END_DECLS
