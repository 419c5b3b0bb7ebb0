/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "openai-realtime-message.h"

G_BEGIN_DECLS

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
 * @semantic_vad: the model finds out whether the caller is done by what he says
 * @eagerness: of it: low, medium, high, auto
 * @threshold: of the server's voice detection, 0 to 1
 * @silence_ms: after which the caller is done
 * @prefix_ms: of audio before his first sound
 * @mulaw_in: what is sent is mu-law at 8 kHz, else S16LE at 24 kHz
 * @mulaw_out: and what is wanted
 * @max_tokens: the longest answer, 0: the model's own
 *
 * How to speak.
 */
typedef struct {
  gchar *base_url, *api_key, *model, *voice, *instructions, *greeting, *language;
  gchar *transcription_model, *tools, *eagerness;
  gboolean beta, semantic_vad, mulaw_in, mulaw_out;
  gdouble threshold;
  guint silence_ms, prefix_ms, max_tokens;
} RealtimeSettings;

void realtime_settings_clear(RealtimeSettings *self);
gchar *realtime_url(const RealtimeSettings *settings);
gchar *realtime_session_update(const RealtimeSettings *settings);
gchar *realtime_append(const guint8 *audio, gsize size);
gchar *realtime_greet(const RealtimeSettings *settings);
gchar *realtime_truncate(const gchar *item, guint64 ms);
gchar *realtime_item(const RealtimeSettings *settings, const gchar *role, const gchar *text);
gchar *realtime_respond(void);
gchar *realtime_function_call(const RealtimeCall *call);
gchar *realtime_function_result(const gchar *call_id, const gchar *output);

G_END_DECLS
