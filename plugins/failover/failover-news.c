/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-events.h"
#include "failover-group-private.h"

/* What members of a group post, on any thread. */

static FailoverHealth
health_of(FailoverMember *member)
{
  return (FailoverHealth)g_atomic_int_get(&member->health);
}

static FailoverMember *
find_member(FailoverGroup *self, GstMessage *message)
{
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    if (GST_MESSAGE_SRC(message) &&
        gst_object_has_as_ancestor(GST_MESSAGE_SRC(message), GST_OBJECT(member->element)))
      return member;
  }
  return NULL;
}

static void
note(FailoverMember *member, FailoverHealth health, const gchar *reason)
{
  if (health_of(member) == FAILOVER_DEAD)
    return;
  GST_OBJECT_LOCK(member->group->bin);
  g_free(member->reason);
  member->reason = g_strdup(reason);
  GST_OBJECT_UNLOCK(member->group->bin);
  g_atomic_int_set(&member->health, health);
  g_atomic_int_set(&member->complained, health >= FAILOVER_ILL);
  failover_group_consider(member->group);
}

static gboolean
has_alternative(FailoverMember *member)
{
  GPtrArray *members = member->group->members;

  for (guint i = 0; i < members->len; i++) {
    FailoverMember *other = members->pdata[i];

    if (other != member && health_of(other) < FAILOVER_ILL)
      return TRUE;
  }
  return FALSE;
}

static void
take_service(FailoverMember *member, const GstStructure *structure)
{
  const gchar *reason = gst_structure_get_string(structure, "reason");
  CordServiceState state;
  gboolean permanent;

  if (!cord_structure_get_service(structure, &state, &permanent))
    return;
  if (permanent)
    note(member, FAILOVER_DEAD, reason);
  else if (state == CORD_SERVICE_UP)
    note(member, FAILOVER_WELL, NULL);
  else if (state == CORD_SERVICE_DOWN)
    note(member, health_of(member) == FAILOVER_ILL ? FAILOVER_ILL : FAILOVER_SHAKY, reason);
  else if (state == CORD_SERVICE_FAILED || has_alternative(member))
    note(member, FAILOVER_ILL, reason);
}

/**
 * failover_group_has_alternative:
 * @self: a group
 * @message: of one of it
 *
 * Returns: whether somebody else can do what that one could not
 */
gboolean
failover_group_has_alternative(FailoverGroup *self, GstMessage *message)
{
  FailoverMember *member = find_member(self, message);

  return member && has_alternative(member);
}

static gboolean
will_not_heal(const GError *error)
{
  return g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED) ||
         g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS) ||
         g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
}

static gboolean
is_last(FailoverGroup *self, FailoverMember *member)
{
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *other = self->members->pdata[i];

    if (other != member && health_of(other) != FAILOVER_DEAD)
      return FALSE;
  }
  return TRUE;
}

/**
 * failover_group_take_message:
 * @self: a group
 * @message: that an element of its bin has posted
 *
 * Returns: whether the message ends here: an error that is none while there is somebody else
 */
gboolean
failover_group_take_message(FailoverGroup *self, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure(message);
  FailoverMember *member = find_member(self, message);
  g_autoptr(GError) error = NULL;

  if (member == NULL || self->worker == NULL)
    return FALSE;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && structure &&
      gst_structure_has_name(structure, CORD_EVENT_SERVICE)) {
    take_service(member, structure);
    return FALSE;
  }
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
    return FALSE;
  gst_message_parse_error(message, &error, NULL);
  note(member, will_not_heal(error) ? FAILOVER_DEAD : FAILOVER_ILL, error->message);
  return !is_last(self, member) || health_of(member) != FAILOVER_DEAD;
}
