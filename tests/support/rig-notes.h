/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "cord-worker.h"

G_BEGIN_DECLS

/* What rigs write down of an element, in words that tests compare. */

/* Of a message on the bus: "up;", "failed for good;", "a>b;", "warning;" … and all of it in @said
 */
void rig_notes_message(GString *posted, GString *said, GstMessage *message);

/* Of a pad: "mulaw 8000; segment; started 1; +audio 1 0-20; finished 1; ", with "flushed; " where
 * that is wanted, and the audio; @audio: (nullable) */
void rig_notes_watch(GstPad *pad, GString *came, GByteArray *audio, gboolean flushes);

/* Lets the worker work until that was posted; it is then forgotten, and what came before it */
void rig_notes_wait(CordWorker *worker, GString *posted, const gchar *text);

G_END_DECLS
