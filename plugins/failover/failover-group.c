/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failover-group-private.h"

#include "cord-error.h"
#include "cord-events.h"

#define MAX_DOUBLINGS 4           /* of the time between two attempts */
#define NO_NEWS (10 * GST_SECOND) /* after which an element that says nothing is well */

/*
 * Elements of which one does the work. The first that is well does it; one that fails is left, and
 * tried again in the background, in growing intervals. An element tells how its service is by
 * messages (cordboard/service, ERROR). What is done about it is done a little later, not in the
 * middle of what that element is just doing; but it is not heard any more from that moment on.
 */

static void
free_member(gpointer data)
{
  FailoverMember *member = data;

  gst_pad_set_active(member->feed, FALSE);
  gst_pad_set_active(member->drain, FALSE);
  gst_object_unref(member->feed);
  gst_object_unref(member->drain);
  g_free(member->name);
  g_free(member->reason);
  g_free(member);
}

FailoverGroup *
failover_group_new(GstBin *bin, const FailoverGroupFuncs *funcs, gpointer data)
{
  FailoverGroup *self = g_new0(FailoverGroup, 1);

  self->bin = bin;
  self->funcs = funcs;
  self->data = data;
  self->members = g_ptr_array_new_with_free_func(free_member);
  return self;
}

void
failover_group_free(FailoverGroup *self)
{
  g_ptr_array_unref(self->members);
  g_free(self);
}

static void
remove_all(FailoverGroup *self)
{
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    gst_element_set_state(member->element, GST_STATE_NULL);
    gst_bin_remove(self->bin, member->element);
  }
  g_ptr_array_set_size(self->members, 0);
}

static gchar *
name_of(GstElement *element)
{
  GstElementFactory *factory = gst_element_get_factory(element);

  /* several elements in a row are a bin */
  return g_strdup(factory ? GST_OBJECT_NAME(factory) : GST_OBJECT_NAME(element));
}

static gboolean
add_member(FailoverGroup *self, const gchar *description, GError **error)
{
  g_autoptr(GError) problem = NULL;
  GstElement *element = gst_parse_bin_from_description_full(
      description, TRUE, NULL, GST_PARSE_FLAG_NO_SINGLE_ELEMENT_BINS, &problem);
  g_autoptr(GstPad) sink = element ? gst_element_get_static_pad(element, "sink") : NULL;
  g_autoptr(GstPad) src = element ? gst_element_get_static_pad(element, "src") : NULL;
  FailoverMember *member;

  if (sink == NULL || src == NULL) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                "\"%s\" is no element with a sink and a source"
                "%s%s",
                description, problem ? ": " : "", problem ? problem->message : "");
    if (element)
      gst_object_unref(gst_object_ref_sink(element));
    return FALSE;
  }
  member = g_new0(FailoverMember, 1);
  member->group = self;
  member->element = element;
  member->name = name_of(element);
  member->index = self->members->len;
  member->feed = gst_pad_new("feed", GST_PAD_SRC);
  member->drain = gst_pad_new("drain", GST_PAD_SINK);
  gst_object_ref_sink(member->feed);
  gst_object_ref_sink(member->drain);
  member->feed->element_private = member->drain->element_private = member;
  g_ptr_array_add(self->members, member);
  gst_bin_add(self->bin, element);
  /* who is wanted, and when, is decided here */
  gst_element_set_locked_state(element, TRUE);
  gst_pad_link_full(member->feed, sink, GST_PAD_LINK_CHECK_NOTHING);
  gst_pad_link_full(src, member->drain, GST_PAD_LINK_CHECK_NOTHING);
  return TRUE;
}

/**
 * failover_group_set_elements:
 * @self: a group whose bin is in NULL
 * @elements: (nullable): descriptions as for gst-launch, with ";" between them, the best first
 * @error: return location for an error
 *
 * Returns: whether all could be made; the rest is there all the same
 */
gboolean
failover_group_set_elements(FailoverGroup *self, const gchar *elements, GError **error)
{
  g_auto(GStrv) descriptions = g_strsplit(elements ? elements : "", ";", -1);
  gboolean good = TRUE;

  remove_all(self);
  for (guint i = 0; descriptions[i]; i++) {
    if (*g_strstrip(descriptions[i]))
      good = add_member(self, descriptions[i], good ? error : NULL) && good;
  }
  return good;
}

/**
 * failover_group_get_members:
 * @self: a group
 *
 * Returns: (transfer none) (element-type FailoverMember): all of them, the best first
 */
GPtrArray *
failover_group_get_members(FailoverGroup *self)
{
  return self->members;
}

/**
 * failover_group_get_active:
 * @self: a group, on the worker
 *
 * Returns: (nullable): who does the work
 */
FailoverMember *
failover_group_get_active(FailoverGroup *self)
{
  return self->active;
}

void
failover_group_set_times(FailoverGroup *self, guint outage_ms, guint probe_ms)
{
  self->outage_ms = outage_ms;
  self->probe_ms = probe_ms;
}

static FailoverHealth
health_of(FailoverMember *member)
{
  return (FailoverHealth)g_atomic_int_get(&member->health);
}

/**
 * failover_group_is_heard:
 * @self: a group
 * @member: one of it
 *
 * Returns: whether what it says counts: it does the work and has not failed
 */
gboolean
failover_group_is_heard(FailoverGroup *self, FailoverMember *member)
{
  return self->active == member && health_of(member) < FAILOVER_ILL;
}

gboolean
failover_group_is_well(FailoverMember *member)
{
  return health_of(member) == FAILOVER_WELL;
}

/* On the worker */

static void
set_timer(FailoverMember *member, GstClockTime delay, CordFunc func)
{
  g_clear_pointer(&member->timer, cord_timer_remove);
  member->timer = cord_worker_add_timer(member->group->worker, delay, func, member);
}

static void
on_outage(gpointer data)
{
  FailoverMember *member = data;

  member->timer = NULL;
  g_atomic_int_compare_and_exchange(&member->health, FAILOVER_SHAKY, FAILOVER_ILL);
  failover_group_consider(member->group);
}

static void
on_no_news(gpointer data)
{
  FailoverMember *member = data;

  member->timer = NULL;
  if (health_of(member) == FAILOVER_ILL && !member->waits) {
    g_atomic_int_set(&member->health, FAILOVER_WELL);
    failover_group_consider(member->group);
  }
}

static void
wake(FailoverMember *member)
{
  gst_element_set_locked_state(member->element, FALSE);
  gst_element_sync_state_with_parent(member->element);
}

static void
put_to_sleep(FailoverMember *member)
{
  gst_element_set_locked_state(member->element, TRUE);
  gst_element_set_state(member->element, GST_STATE_READY);
}

/* It is tried without audio: whether its service is there it finds out when it starts. */
static void
on_probe(gpointer data)
{
  FailoverMember *member = data;

  member->timer = NULL;
  member->waits = FALSE;
  g_atomic_int_set(&member->complained, FALSE);
  set_timer(member, NO_NEWS, on_no_news);
  wake(member);
}

static void
probe_later(FailoverMember *member)
{
  GstClockTime interval = member->group->probe_ms * GST_MSECOND;

  member->waits = TRUE;
  put_to_sleep(member);
  set_timer(member, interval << MIN(member->attempts, MAX_DOUBLINGS), on_probe);
  member->attempts++;
}

static FailoverMember *
choose(FailoverGroup *self)
{
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    if (health_of(member) == FAILOVER_WELL ||
        (health_of(member) == FAILOVER_SHAKY && member == self->active))
      return member;
  }
  /* a bad one is better than none */
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    if (health_of(member) == FAILOVER_SHAKY)
      return member;
  }
  return NULL;
}

static void
tell(FailoverGroup *self, FailoverMember *from, FailoverMember *to)
{
  g_autofree gchar *reason = NULL;

  if (from == NULL)
    return;
  GST_OBJECT_LOCK(self->bin);
  reason = g_strdup(from->reason ? from->reason : "a better one is back");
  GST_OBJECT_UNLOCK(self->bin);
  cord_element_post(GST_ELEMENT(self->bin),
                    cord_structure_new_failover(from->name, to ? to->name : "", reason));
}

static void
activate(FailoverGroup *self, FailoverMember *member)
{
  FailoverMember *before = self->active;

  self->active = member;
  if (member) {
    member->attempts = 0;
    wake(member);
  }
  tell(self, before, member);
  self->funcs->activated(member, self->data);
  /* one that was only standing in has no need to stay connected */
  if (before && health_of(before) == FAILOVER_WELL)
    put_to_sleep(before);
}

/**
 * failover_group_race:
 * @self: a group, on the worker
 *
 * Returns: (nullable): another one that is well, and gets ready to do the work too
 */
FailoverMember *
failover_group_race(FailoverGroup *self)
{
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    if (member != self->active && health_of(member) == FAILOVER_WELL) {
      wake(member);
      return member;
    }
  }
  return NULL;
}

/**
 * failover_group_settle:
 * @self: a group, on the worker
 * @rival: who was raced
 * @won: whether it does the work from now on; its owner knows
 *
 * The other one is not needed any more.
 */
void
failover_group_settle(FailoverGroup *self, FailoverMember *rival, gboolean won)
{
  FailoverMember *loser = won ? self->active : rival;

  if (won) {
    cord_element_post(GST_ELEMENT(self->bin),
                      cord_structure_new_failover(loser->name, rival->name, "it was faster"));
    self->active = rival;
  }
  if (health_of(loser) == FAILOVER_WELL)
    put_to_sleep(loser);
}

static void
bury(FailoverMember *member)
{
  g_clear_pointer(&member->timer, cord_timer_remove);
  put_to_sleep(member);
}

static void
care_for(FailoverGroup *self)
{
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    if (health_of(member) == FAILOVER_SHAKY && member == self->active && member->timer == NULL)
      set_timer(member, self->outage_ms * GST_MSECOND, on_outage);
    else if (health_of(member) == FAILOVER_WELL)
      g_clear_pointer(&member->timer, cord_timer_remove);
    else if (health_of(member) == FAILOVER_DEAD)
      bury(member);
    else if (health_of(member) == FAILOVER_ILL && !member->waits &&
             (member->timer == NULL || g_atomic_int_get(&member->complained)))
      probe_later(member);
  }
}

static void
run_consider(gpointer data)
{
  FailoverGroup *self = data;
  FailoverMember *best;

  g_atomic_int_set(&self->considering, FALSE);
  if (!self->running)
    return;
  best = choose(self);
  if (best != self->active) {
    gboolean must = self->active == NULL || health_of(self->active) >= FAILOVER_ILL;

    if (must || self->funcs->may_go_back(self->data))
      activate(self, best);
  }
  care_for(self);
}

static void
unref_bin(gpointer data)
{
  gst_object_unref(((FailoverGroup *)data)->bin);
}

/**
 * failover_group_consider:
 * @self: a group that is prepared; any thread
 *
 * Looks, a little later, whether somebody else should do the work.
 */
void
failover_group_consider(FailoverGroup *self)
{
  if (!g_atomic_int_compare_and_exchange(&self->considering, FALSE, TRUE))
    return;
  gst_object_ref(self->bin);
  cord_worker_post(self->worker, run_consider, self, unref_bin);
}

/* Life */

/**
 * failover_group_prepare:
 * @self: a group
 * @worker: where everything happens, also in the elements
 *
 * NULL to READY.
 */
void
failover_group_prepare(FailoverGroup *self, CordWorker *worker)
{
  GstContext *context = cord_worker_to_gst_context(worker);

  self->worker = g_object_ref(worker);
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    gst_element_set_context(member->element, context);
    gst_element_set_state(member->element, GST_STATE_READY);
  }
  gst_context_unref(context);
}

static void
run_start(gpointer data)
{
  FailoverGroup *self = data;

  self->running = TRUE;
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    g_atomic_int_set(&member->health, FAILOVER_WELL);
    g_clear_pointer(&member->reason, g_free);
    member->waits = FALSE;
    member->attempts = 0;
    gst_pad_set_active(member->feed, TRUE);
    gst_pad_set_active(member->drain, TRUE);
  }
  self->active = choose(self);
  if (self->active)
    gst_element_set_locked_state(self->active->element, FALSE);
  self->funcs->activated(self->active, self->data);
}

/**
 * failover_group_start:
 * @self: a group
 *
 * READY to PAUSED, before the bin takes its elements there.
 */
void
failover_group_start(FailoverGroup *self)
{
  cord_worker_call(self->worker, run_start, self);
}

static void
run_stop(gpointer data)
{
  FailoverGroup *self = data;

  self->running = FALSE;
  self->active = NULL;
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    g_clear_pointer(&member->timer, cord_timer_remove);
    gst_pad_set_active(member->feed, FALSE);
    gst_pad_set_active(member->drain, FALSE);
  }
}

/**
 * failover_group_stop:
 * @self: a group
 *
 * PAUSED to READY: nobody works any more.
 */
void
failover_group_stop(FailoverGroup *self)
{
  cord_worker_call(self->worker, run_stop, self);
  for (guint i = 0; i < self->members->len; i++)
    put_to_sleep(self->members->pdata[i]);
}

static void
nothing(gpointer data)
{
}

/**
 * failover_group_unprepare:
 * @self: a group
 *
 * READY to NULL.
 */
void
failover_group_unprepare(FailoverGroup *self)
{
  for (guint i = 0; i < self->members->len; i++) {
    FailoverMember *member = self->members->pdata[i];

    gst_element_set_state(member->element, GST_STATE_NULL);
  }
  /* what was posted is over */
  cord_worker_call(self->worker, nothing, NULL);
  g_clear_object(&self->worker);
}
