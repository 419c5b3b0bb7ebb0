/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-phone-pace.h"
#include "cord-phone-talk.h"

G_BEGIN_DECLS

/**
 * CallReport:
 *
 * What `cordboard call` shows and keeps: the live transcript, as the server tells it, and the times
 * of each turn. The worker adds to it; it is printed when the worker is done.
 */
typedef struct _CallReport CallReport;

CallReport *call_report_new(gboolean quiet, gboolean coloured);
void call_report_free(CallReport *self);
void call_report_event(CallReport *self, const gchar *name, const gchar *json);
void call_report_told(CallReport *self, const gchar *json);
void call_report_line(CallReport *self, const CordPhoneLine *line);
gchar *call_report_get_transcript(CallReport *self);
void call_report_print_table(CallReport *self, CordPhoneTalk *talk, const CordPhonePace *pace);
gchar *call_report_to_json(CallReport *self, CordPhoneTalk *talk, const CordPhonePace *pace,
                           const gchar *call_sid, const gchar *error);

G_END_DECLS
