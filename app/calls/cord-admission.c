/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-admission.h"

/**
 * cord_admission_new:
 * @call_id: the call's id in the store
 * @call_sid: the carrier's name of it
 * @from: (nullable): the caller's number
 * @to: (nullable): the number that was called
 * @agent: who answers
 *
 * Returns: (transfer full): the admission
 */
CordAdmission *
cord_admission_new(const gchar *call_id, const gchar *call_sid, const gchar *from, const gchar *to,
                   CordAgent *agent)
{
  CordAdmission *self = g_atomic_rc_box_new0(CordAdmission);

  self->call_id = g_strdup(call_id);
  self->call_sid = g_strdup(call_sid);
  self->from = g_strdup(from);
  self->to = g_strdup(to);
  self->direction = "inbound";
  self->agent = cord_agent_ref(agent);
  self->time = g_get_real_time();
  return self;
}

/**
 * cord_admission_ref:
 * @self: an admission
 *
 * Returns: (transfer full): @self
 */
CordAdmission *
cord_admission_ref(CordAdmission *self)
{
  return g_atomic_rc_box_acquire(self);
}

static void
clear(gpointer data)
{
  CordAdmission *self = data;

  g_free(self->call_id);
  g_free(self->call_sid);
  g_free(self->from);
  g_free(self->to);
  cord_agent_unref(self->agent);
}

/**
 * cord_admission_unref:
 * @self: (transfer full): an admission
 */
void
cord_admission_unref(CordAdmission *self)
{
  g_atomic_rc_box_release_full(self, clear);
}

/**
 * cord_admission_is_browser:
 * @self: an admission
 *
 * Returns: whether the caller is in a browser and has no telephone
 */
gboolean
cord_admission_is_browser(const CordAdmission *self)
{
  return g_str_equal(self->direction, "browser");
}

/**
 * cord_admission_expect:
 * @self: an admission
 *
 * Opens the door for one stream, which is still to show its token.
 *
 * Returns: whether no other is in it, and none has come before
 */
gboolean
cord_admission_expect(CordAdmission *self)
{
  return !cord_admission_is_claimed(self) &&
         g_atomic_int_compare_and_exchange(&self->coming, FALSE, TRUE);
}

/**
 * cord_admission_give_up:
 * @self: an admission
 *
 * The stream that was expected went without showing its token: the next may try.
 */
void
cord_admission_give_up(CordAdmission *self)
{
  g_atomic_int_set(&self->coming, FALSE);
}

/**
 * cord_admission_claim:
 * @self: an admission
 *
 * Takes the call for a stream.
 *
 * Returns: whether it was the first stream to come
 */
gboolean
cord_admission_claim(CordAdmission *self)
{
  return g_atomic_int_compare_and_exchange(&self->claimed, FALSE, TRUE);
}

/**
 * cord_admission_is_claimed:
 * @self: an admission
 *
 * Returns: whether a stream has come for it
 */
gboolean
cord_admission_is_claimed(CordAdmission *self)
{
  return g_atomic_int_get(&self->claimed);
}
