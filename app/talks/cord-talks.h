/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-audio-format.h"
#include "cord-call-pipeline.h"
#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordTalks:
 *
 * Agents without a call: they answer what was written, hear what was recorded and read texts out,
 * with the elements that their calls have. Each piece of work is a pipeline that lives as long as
 * the work, on a thread of its own from a pool; media threads are not disturbed. There is an end to
 * how much is done at once, after which the rest is refused with %CORD_ERROR_QUOTA.
 *
 * Main thread; answers come there. Errors are what the elements say, those of cord_errand_run(), or
 * %CORD_ERROR_INVALID for audio that cannot be read.
 */
#define CORD_TYPE_TALKS (cord_talks_get_type())
G_DECLARE_FINAL_TYPE(CordTalks, cord_talks, CORD, TALKS, GObject)

/**
 * CordAnswer:
 * @text: the answer
 * @ended: whether the agent has ended the conversation (its tool "end_call")
 * @input_tokens: what the model read
 * @output_tokens: and wrote
 *
 * An agent's turn.
 */
typedef struct {
  gchar *text;
  gboolean ended;
  gint64 input_tokens, output_tokens;
} CordAnswer;

void cord_answer_free(CordAnswer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordAnswer, cord_answer_free)

/**
 * CordAnswerPieceFunc:
 * @piece: the next of the answer
 * @data: what cord_talks_answer_async() was given
 *
 * Called on the main thread, until the answer is finished.
 */
typedef void (*CordAnswerPieceFunc)(const gchar *piece, gpointer data);

CordTalks *cord_talks_new(CordPipelines *pipelines, CordConfig *config);
void cord_talks_close(CordTalks *self);

void cord_talks_answer_async(CordTalks *self, CordAgent *agent, const gchar *history,
                             const gchar *text, CordAnswerPieceFunc piece, gpointer piece_data,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
CordAnswer *cord_talks_answer_finish(CordTalks *self, GAsyncResult *result, GError **error);

void cord_talks_hear_async(CordTalks *self, CordAgent *agent, GBytes *audio,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
gchar *cord_talks_hear_finish(CordTalks *self, GAsyncResult *result, GError **error);

void cord_talks_speak_async(CordTalks *self, CordAgent *agent, const gchar *text,
                            CordAudioFormat format, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
GBytes *cord_talks_speak_finish(CordTalks *self, GAsyncResult *result, GError **error);

G_END_DECLS
