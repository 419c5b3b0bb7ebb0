/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstfailover.h"

#include "cord-error.h"
#include "cord-events.h"

/*
 * What all elements have that stand for several of which one is at work: the properties, the life,
 * and what is told of it. The subclass knows what streams through it.
 */

#define DEFAULT_FAILOVER_AFTER 800   /* ms */
#define DEFAULT_PROBE_INTERVAL 10000 /* ms */

enum {
  PROP_0,
  PROP_CONTEXT,
  PROP_ELEMENTS,
  PROP_FAILOVER_AFTER,
  PROP_PROBE_INTERVAL,
  PROP_ACTIVE,
};

G_DEFINE_ABSTRACT_TYPE(GstFailover, gst_failover, GST_TYPE_BIN)

/* What is told */

static void
tell(GstFailover *self, CordServiceState state, const gchar *reason)
{
  GstElementFactory *factory = gst_element_get_factory(GST_ELEMENT(self));

  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_service(factory ? GST_OBJECT_NAME(factory) : "failover",
                                               state, FALSE, reason));
}

/* How one of them is does not matter to others; that nobody stands in for it does. */
static void
tell_of_loss(GstFailover *self, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure(message);
  CordServiceState state;
  gboolean permanent;

  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && structure &&
      gst_structure_has_name(structure, CORD_EVENT_SERVICE) &&
      cord_structure_get_service(structure, &state, &permanent) && state == CORD_SERVICE_LOST &&
      !failover_group_has_alternative(self->group, message))
    tell(self, state, gst_structure_get_string(structure, "reason"));
}

static void
handle_message(GstBin *bin, GstMessage *message)
{
  GstFailover *self = GST_FAILOVER(bin);
  GstBinClass *parent_class = GST_BIN_CLASS(gst_failover_parent_class);
  g_autoptr(GError) error = NULL;
  g_autofree gchar *debug = NULL;

  tell_of_loss(self, message);
  if (!failover_group_take_message(self->group, message)) {
    parent_class->handle_message(bin, message);
    return;
  }
  /* no error while there is somebody else */
  gst_message_parse_error(message, &error, &debug);
  parent_class->handle_message(bin,
                               gst_message_new_warning(GST_MESSAGE_SRC(message), error, debug));
  gst_message_unref(message);
}

/* Life */

static void
run_clear(gpointer data)
{
  GST_FAILOVER_GET_CLASS(data)->clear(data);
}

static void
get_ready(GstFailover *self)
{
  g_autoptr(GError) problem = NULL;

  GST_OBJECT_LOCK(self);
  problem = self->problem ? g_error_copy(self->problem) : NULL;
  GST_OBJECT_UNLOCK(self);
  if (problem)
    cord_element_post_warning(GST_ELEMENT(self), problem);
  self->worker = cord_worker_for_element(GST_ELEMENT(self), self->context);
  failover_group_prepare(self->group, self->worker);
}

static void
start_up(GstFailover *self)
{
  GST_OBJECT_LOCK(self);
  failover_group_set_times(self->group, self->failover_after_ms, self->probe_interval_ms);
  GST_OBJECT_UNLOCK(self);
  cord_worker_call(self->worker, run_clear, self);
  failover_group_start(self->group);
  cord_inbox_open(self->inbox, self->worker);
}

static GstStateChangeReturn
change_state(GstElement *element, GstStateChange transition)
{
  GstFailover *self = GST_FAILOVER(element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    get_ready(self);
  else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start_up(self);
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_inbox_close(self->inbox);

  result = GST_ELEMENT_CLASS(gst_failover_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    failover_group_stop(self->group);
    cord_worker_call(self->worker, run_clear, self);
  } else if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
    failover_group_unprepare(self->group);
    g_clear_object(&self->worker);
  }
  return result;
}

static void
set_elements(GstFailover *self, const gchar *elements)
{
  GError *problem = NULL;
  GstState state;

  GST_OBJECT_LOCK(self);
  state = GST_STATE(self);
  GST_OBJECT_UNLOCK(self);
  if (state != GST_STATE_NULL) {
    g_warning("failover: the elements can be changed in NULL only");
    return;
  }
  failover_group_set_elements(self->group, elements, &problem);
  GST_OBJECT_LOCK(self);
  g_free(self->elements);
  self->elements = g_strdup(elements);
  g_clear_error(&self->problem);
  self->problem = problem;
  GST_OBJECT_UNLOCK(self);
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstFailover *self = GST_FAILOVER(object);

  if (id == PROP_ELEMENTS) {
    set_elements(self, g_value_get_string(value));
    return;
  }
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_CONTEXT:
    g_free(self->context);
    self->context = g_value_dup_string(value);
    break;
  case PROP_FAILOVER_AFTER:
    self->failover_after_ms = g_value_get_uint(value);
    break;
  case PROP_PROBE_INTERVAL:
    self->probe_interval_ms = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstFailover *self = GST_FAILOVER(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_CONTEXT:
    g_value_set_string(value, self->context);
    break;
  case PROP_ELEMENTS:
    g_value_set_string(value, self->elements);
    break;
  case PROP_FAILOVER_AFTER:
    g_value_set_uint(value, self->failover_after_ms);
    break;
  case PROP_PROBE_INTERVAL:
    g_value_set_uint(value, self->probe_interval_ms);
    break;
  case PROP_ACTIVE:
    g_value_set_string(value, self->active);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

/* The pads come from the subclass's templates, which its instance does not see in init. */
static void
constructed(GObject *object)
{
  GstFailover *self = GST_FAILOVER(object);
  GstFailoverClass *klass = GST_FAILOVER_GET_CLASS(self);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  self->group = failover_group_new(GST_BIN(self), klass->group_funcs, self);
  self->inbox = cord_inbox_new(klass->on_object, self);
  self->sink =
      gst_pad_new_from_template(gst_element_class_get_pad_template(element_class, "sink"), "sink");
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  self->src =
      gst_pad_new_from_template(gst_element_class_get_pad_template(element_class, "src"), "src");
  gst_pad_use_fixed_caps(self->src);
  gst_element_add_pad(GST_ELEMENT(self), self->src);
  klass->set_pad_functions(self);
  G_OBJECT_CLASS(gst_failover_parent_class)->constructed(object);
}

static void
dispose(GObject *object)
{
  GstFailover *self = GST_FAILOVER(object);

  if (self->group)
    failover_group_set_elements(self->group, NULL, NULL);
  G_OBJECT_CLASS(gst_failover_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
  GstFailover *self = GST_FAILOVER(object);

  failover_group_free(self->group);
  cord_inbox_free(self->inbox);
  g_free(self->context);
  g_free(self->elements);
  g_free(self->active);
  g_clear_error(&self->problem);
  G_OBJECT_CLASS(gst_failover_parent_class)->finalize(object);
}

static void
install(GObjectClass *klass, guint id, GParamSpec *spec)
{
  spec->flags |= G_PARAM_STATIC_STRINGS;
  g_object_class_install_property(klass, id, spec);
}

static void
install_properties(GObjectClass *klass)
{
  install(klass, PROP_CONTEXT,
          g_param_spec_string("context", "Context", "Name of the media thread to share", NULL,
                              G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY));
  /**
   * GstFailover:elements:
   *
   * The elements, described as for gst-launch, the best first, with ";" between them. They are made
   * at once, and can be reached by #GstChildProxy until the element leaves NULL.
   */
  install(klass, PROP_ELEMENTS,
          g_param_spec_string("elements", "Elements",
                              "Elements with their properties, the best first, with ; between them",
                              NULL, G_PARAM_READWRITE));
  install(klass, PROP_FAILOVER_AFTER,
          g_param_spec_uint("failover-after", "Fail over after",
                            "How long the service at work may be gone (ms)", 0, 60000,
                            DEFAULT_FAILOVER_AFTER, G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY));
  install(klass, PROP_PROBE_INTERVAL,
          g_param_spec_uint("probe-interval", "Probe interval",
                            "After how long an element that has failed is tried again (ms; each "
                            "later time after twice that)",
                            100, 3600000, DEFAULT_PROBE_INTERVAL,
                            G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY));
  install(
      klass, PROP_ACTIVE,
      g_param_spec_string("active", "Active", "Which element is at work", NULL, G_PARAM_READABLE));
}

/**
 * gst_failover_set_active:
 * @self: an element, on its worker
 * @member: (nullable): who is at work from now on
 *
 * For the subclass, when its group tells it.
 */
void
gst_failover_set_active(GstFailover *self, FailoverMember *member)
{
  gboolean was_mute;

  GST_OBJECT_LOCK(self);
  g_free(self->active);
  self->active = member ? g_strdup(member->name) : NULL;
  was_mute = self->nobody;
  self->nobody = member == NULL;
  GST_OBJECT_UNLOCK(self);
  if (member == NULL)
    tell(self, CORD_SERVICE_FAILED, "none of the services works");
  else if (was_mute)
    tell(self, CORD_SERVICE_UP, NULL);
}

static void
gst_failover_class_init(GstFailoverClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->constructed = constructed;
  object_class->dispose = dispose;
  object_class->finalize = finalize;
  GST_ELEMENT_CLASS(klass)->change_state = change_state;
  GST_BIN_CLASS(klass)->handle_message = handle_message;
  install_properties(object_class);
  gst_type_mark_as_plugin_api(GST_TYPE_FAILOVER, 0);
}

static void
gst_failover_init(GstFailover *self)
{
  self->failover_after_ms = DEFAULT_FAILOVER_AFTER;
  self->probe_interval_ms = DEFAULT_PROBE_INTERVAL;
}
