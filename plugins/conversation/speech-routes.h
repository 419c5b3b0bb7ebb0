/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SPEECH_ROUTES_MAX_SECONDS 60 /* of a recording */

/**
 * SpeechRoute:
 * @name: what it is called
 * @text: what its recording says
 * @hang_up: whether the call ends behind it
 * @threshold: how much a sentence has to be like an example; below 0: as the element has it
 * @n_examples: how many examples it has
 * @clip: (nullable): the recording, mu-law at 8 kHz; without it the route does nothing
 *
 * One thing that callers ask and that is answered by a recording.
 */
typedef struct {
  gchar *name;
  gchar *text;
  gboolean hang_up;
  gdouble threshold;
  guint n_examples;
  GBytes *clip;
} SpeechRoute;

/**
 * SpeechRoutes:
 *
 * All routes of a file, with the recordings that a folder has of them. It does not change once it
 * was read, and is shared by all who ask for the same: reference counted, any thread.
 */
typedef struct _SpeechRoutes SpeechRoutes;

SpeechRoutes *speech_routes_get(const gchar *location, const gchar *file, gboolean *fresh);
SpeechRoutes *speech_routes_ref(SpeechRoutes *self);
void speech_routes_unref(SpeechRoutes *self);

guint speech_routes_get_count(const SpeechRoutes *self);
guint speech_routes_get_active(const SpeechRoutes *self);
const SpeechRoute *speech_routes_get_route(const SpeechRoutes *self, guint index);
GPtrArray *speech_routes_get_problems(SpeechRoutes *self);
gboolean speech_routes_claim_problems(SpeechRoutes *self);

const SpeechRoute *speech_routes_match(const SpeechRoutes *self, const gchar *text,
                                       gdouble threshold, gdouble *score, gboolean *matches);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpeechRoutes, speech_routes_unref)

G_END_DECLS
