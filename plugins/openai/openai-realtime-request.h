/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "openai-realtime-message.h"

G_BEGIN_DECLS

typedef enum {
  REALTIME_SERVER_VAD,
  REALTIME_SEMANTIC_VAD,
} RealtimeDetection;

typedef enum {
  REALTIME_EAGERNESS_AUTO,
  REALTIME_EAGERNESS_LOW,
  REALTIME_EAGERNESS_MEDIUM,
  REALTIME_EAGERNESS_HIGH,
} RealtimeEagerness;

typedef enum {
  REALTIME_NOISE_KEPT,
  REALTIME_NOISE_NEAR_FIELD,
  REALTIME_NOISE_FAR_FIELD,
} RealtimeNoise;

/**
 * RealtimeSettings:
 * @base_url: with its version, "https://api.openai.com/v1"
 * @api_key: (nullable): the key
 * @model: the model
 * @voice: who speaks
 * @instructions: (nullable): what the model is told to be
 * @greeting: (nullable): what is said first
 * @language: (nullable): of the caller, ISO 639-1
 * @transcription_model: who writes down what the caller says
 * @tools: (nullable): what may be called, a JSON array as OpenAI's chat completions have it
 * @beta: the older dialect
 * @detection: how the service finds out that the caller is done
 * @eagerness: of the one by what he says
 * @noise: what is taken off his audio
 * @threshold: of the server's voice detection, 0 to 1
 * @speed: of the voice, 1: its own
 * @silence_ms: after which the caller is done
 * @idle_ms: of silence after which the agent says something, 0: never
 * @prefix_ms: of audio before his first sound
 * @mulaw_in: what is sent is mu-law at 8 kHz, else S16LE at 24 kHz
 * @mulaw_out: and what is wanted
 * @max_tokens: the longest answer, 0: the model's own
 *
 * How to speak.
 */
typedef struct {
  gchar *base_url, *api_key, *model, *voice, *instructions, *greeting, *language;
  gchar *transcription_model, *tools;
  gboolean beta, mulaw_in, mulaw_out;
  RealtimeDetection detection;
  RealtimeEagerness eagerness;
  RealtimeNoise noise;
  gdouble threshold, speed;
  guint silence_ms, prefix_ms, idle_ms, max_tokens;
} RealtimeSettings;

void realtime_settings_clear(RealtimeSettings *self);
gchar *realtime_url(const RealtimeSettings *settings);
gchar *realtime_session_update(const RealtimeSettings *settings);
gchar *realtime_append(const guint8 *audio, gsize size);
gchar *realtime_greet(const RealtimeSettings *settings);
gchar *realtime_truncate(const gchar *item, guint64 ms);
gchar *realtime_item(const RealtimeSettings *settings, const gchar *role, const gchar *text);
gchar *realtime_respond(void);
gchar *realtime_cancel(void);
gchar *realtime_function_call(const RealtimeCall *call);
gchar *realtime_function_result(const gchar *call_id, const gchar *output);

G_END_DECLS
