/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"

G_BEGIN_DECLS

/* What an event of a call is called when something was found out in it */
#define CORD_EXTRACTION "extraction"

/**
 * CordExtractor:
 *
 * Finds out in the background what callers want: after each turn, and once more at the end, a model
 * reads the transcript. What it found goes into the journal and to those who follow the call. Of a
 * call one question is under way at a time, and of all calls a few; what a call cannot have asked
 * now is asked with what was said since. Calls go on and end without waiting for any of it.
 *
 * Main thread; the work is done on threads of a pool. The settings are "extraction.…".
 */
typedef struct _CordExtractor CordExtractor;

/**
 * CordExtractorFunc:
 * @call_id: a call that has ended
 * @data: what cord_extractor_set_done() was given
 *
 * Nothing more will be found out in it.
 */
typedef void (*CordExtractorFunc)(const gchar *call_id, gpointer data);

/**
 * CordExtractorCounts:
 * @found: questions that were answered
 * @failed: questions that were not
 * @busy: questions under way
 * @waiting: calls that wait for theirs
 */
typedef struct {
  guint64 found, failed;
  guint busy, waiting;
} CordExtractorCounts;

CordExtractor *cord_extractor_new(CordCallRegistry *calls, CordJournal *journal,
                                  CordConfig *config);
void cord_extractor_set_done(CordExtractor *self, CordExtractorFunc done, gpointer data);
gboolean cord_extractor_expects(CordExtractor *self, const gchar *call_id);
void cord_extractor_get_counts(CordExtractor *self, CordExtractorCounts *counts);
void cord_extractor_close(CordExtractor *self);
void cord_extractor_free(CordExtractor *self);

G_END_DECLS
