/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sim-modules.h"

const SimModule sim_modules[] = {
  sim_anthropic_add,
  sim_cartesia_add,
  sim_deepgram_add,
  sim_deepgram_flux_add,
  sim_elevenlabs_add,
  sim_gemini_add,
  sim_openai_transcriptions_add,
  sim_models_add,
  sim_openai_chat_add,
  sim_openai_realtime_add,
  sim_openai_speech_add,
  sim_twilio_add,
  NULL,
};

void
sim_server_add_all(SimServer *self)
{
  for (guint i = 0; sim_modules[i]; i++)
    sim_modules[i](self);
}
