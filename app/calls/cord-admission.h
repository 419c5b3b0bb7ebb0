/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-records.h"

G_BEGIN_DECLS

/**
 * CordAdmission:
 * @call_id: the call's id in the store
 * @call_sid: the carrier's name of it; where there is no carrier, the id again
 * @from: (nullable): the caller's number
 * @to: (nullable): the number that was called
 * @direction: "inbound", "outbound" or "browser"
 * @agent: who answers, as it was when the call came in
 * @time: when that was, microseconds since 1970
 *
 * What was decided when a call was let in. Immutable but for what its streams do; any thread.
 */
typedef struct {
  gchar *call_id;
  gchar *call_sid;
  gchar *from;
  gchar *to;
  const gchar *direction;
  CordAgent *agent;
  gint64 time;

  /*< private >*/
  gint coming;  /* atomic: a stream is at the door */
  gint claimed; /* atomic */
} CordAdmission;

CordAdmission *cord_admission_new(const gchar *call_id, const gchar *call_sid, const gchar *from,
                                  const gchar *to, CordAgent *agent);
CordAdmission *cord_admission_ref(CordAdmission *self);
void cord_admission_unref(CordAdmission *self);
gboolean cord_admission_is_browser(const CordAdmission *self);
gboolean cord_admission_expect(CordAdmission *self);
void cord_admission_give_up(CordAdmission *self);
gboolean cord_admission_claim(CordAdmission *self);
gboolean cord_admission_is_claimed(CordAdmission *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordAdmission, cord_admission_unref)

G_END_DECLS
