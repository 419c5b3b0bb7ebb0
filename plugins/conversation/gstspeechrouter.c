/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-speechrouter
 * @title: speechrouter
 * @short_description: Answers what callers ask so often by a recording
 *
 * Stands between turntaker and llmtextgen. Where what the caller has said is like the examples of a
 * route that has a recording, the turn is given its answer (cord_buffer_set_reply()): llmtextgen
 * asks no model then, and the text-to-speech element plays the recording. A `cordboard/route`
 * message tells of it. Everything else passes untouched, as do turns that have their answer
 * already.
 *
 * The routes are those of a key file, #GstSpeechRouter:routes, one group a route:
 *
 * |[
 * [pricing]
 * examples=how much does it cost;what are your prices
 * unlike=what did it cost you to learn that
 * text=Our prices begin at ten dollars.
 * hang-up=false
 * threshold=0.7
 * ]|
 *
 * Its recording is `pricing.mulaw`, mu-law at 8 kHz without a header, at most a minute, in the
 * folder #GstSpeechRouter:location; what `pricing.txt` beside it says is stronger than `text`. A
 * route without a recording is not active. Sentences are compared by their words, with neither
 * model nor network, in any language that puts spaces between them. What is in a sentence and in no
 * example makes it less like one, so that what is mentioned in passing is not routed; "don't stop"
 * is not "stop".
 *
 * The files are read when the element is made ready (PAUSED), or before that when somebody asks for
 * #GstSpeechRouter:known-routes, and only if they have changed since any element has read them: all
 * share what was read.
 *
 * |[
 * echo "how much is it" | gst-launch-1.0 -m fdsrc ! text/x-raw,format=utf8 !
 *   speechrouter location=/var/lib/cordboard/routes ! fakesink
 * ]|
 */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include "conversation-elements.h"

#include "cordboard.h"
#include "speech-routes.h"

#define DEFAULT_THRESHOLD 0.7
#define DEFAULT_ENABLED TRUE

#define TEXT_CAPS "text/x-raw, format = (string) utf8"

#define GST_TYPE_SPEECH_ROUTER (gst_speech_router_get_type())
G_DECLARE_FINAL_TYPE(GstSpeechRouter, gst_speech_router, GST, SPEECH_ROUTER, GstElement)

struct _GstSpeechRouter {
  GstElement parent_instance;

  GstPad *sink_pad, *src_pad;

  /* object lock */
  gchar *location;
  gchar *file;
  gdouble threshold;
  gboolean enabled;
  SpeechRoutes *known;  /* that somebody has asked for before PAUSED */
  SpeechRoutes *routes; /* from PAUSED on */
  guint64 n_turns;
  guint64 n_routed;
};

enum {
  PROP_0,
  PROP_LOCATION,
  PROP_ROUTES,
  PROP_THRESHOLD,
  PROP_ENABLED,
  PROP_KNOWN_ROUTES,
  PROP_STATS,
  N_PROPS
};
static GParamSpec *props[N_PROPS];

enum { SIGNAL_MATCH, N_SIGNALS };
static guint signals[N_SIGNALS];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));

G_DEFINE_FINAL_TYPE(GstSpeechRouter, gst_speech_router, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(speechrouter, "speechrouter", GST_RANK_NONE, GST_TYPE_SPEECH_ROUTER)

GST_DEBUG_CATEGORY_STATIC(speechrouter_debug);
#define GST_CAT_DEFAULT speechrouter_debug

/* The first to use them says what is wrong with the files; the others know the same. */
static void
post_problems(GstSpeechRouter *self, SpeechRoutes *routes)
{
  GPtrArray *problems = speech_routes_get_problems(routes);

  if (!speech_routes_claim_problems(routes))
    return;
  for (guint i = 0; i < problems->len; i++) {
    g_autoptr(GError) error =
        g_error_new_literal(CORD_ERROR, CORD_ERROR_INVALID, problems->pdata[i]);

    cord_element_post_warning(GST_ELEMENT(self), error);
  }
}

/* As the properties say now. */
static SpeechRoutes *
read_routes(GstSpeechRouter *self)
{
  g_autofree gchar *location = NULL, *file = NULL;
  SpeechRoutes *routes;
  gboolean fresh;

  GST_OBJECT_LOCK(self);
  location = g_strdup(self->location);
  file = g_strdup(self->file);
  GST_OBJECT_UNLOCK(self);
  routes = speech_routes_get(location, file, &fresh);
  GST_DEBUG_OBJECT(self, "%u of %u routes have a recording%s", speech_routes_get_active(routes),
                   speech_routes_get_count(routes), fresh ? "" : ", as before");
  return routes;
}

static void
set_routes(GstSpeechRouter *self, SpeechRoutes *routes)
{
  g_autoptr(SpeechRoutes) old = NULL;

  GST_OBJECT_LOCK(self);
  old = self->routes;
  self->routes = routes;
  if (routes)
    self->n_turns = self->n_routed = 0;
  GST_OBJECT_UNLOCK(self);
}

/* Whoever makes elements ready for a media thread has them read the files before. */
static void
keep_known(GstSpeechRouter *self, SpeechRoutes *routes)
{
  g_autoptr(SpeechRoutes) old = NULL;

  GST_OBJECT_LOCK(self);
  old = self->known;
  self->known = self->routes ? NULL : speech_routes_ref(routes);
  GST_OBJECT_UNLOCK(self);
}

static void
use_routes(GstSpeechRouter *self)
{
  SpeechRoutes *routes;

  GST_OBJECT_LOCK(self);
  routes = g_steal_pointer(&self->known);
  GST_OBJECT_UNLOCK(self);
  if (routes == NULL)
    routes = read_routes(self);
  post_problems(self, routes);
  set_routes(self, routes);
}

/* The routes to look at, if there are any to take. */
static SpeechRoutes *
dup_routes(GstSpeechRouter *self, gdouble *threshold)
{
  SpeechRoutes *routes = NULL;

  GST_OBJECT_LOCK(self);
  *threshold = self->threshold;
  self->n_turns++;
  if (self->enabled && self->routes && speech_routes_get_active(self->routes) > 0)
    routes = speech_routes_ref(self->routes);
  GST_OBJECT_UNLOCK(self);
  return routes;
}

static void
answer(GstSpeechRouter *self, GstBuffer *buffer, const SpeechRoute *route, gdouble score)
{
  CordTurn *turn = cord_buffer_get_turn(buffer);
  CordRoute taken = {
    .turn = turn ? cord_turn_get_number(turn) : 0,
    .name = route->name,
    .score = score,
    .hang_up = route->hang_up,
    .duration = gst_util_uint64_scale(g_bytes_get_size(route->clip), GST_SECOND, CORD_G711_RATE),
  };

  GST_INFO_OBJECT(self, "turn %u takes the route \"%s\" (%.2f)", taken.turn, route->name, score);
  cord_buffer_set_reply(buffer, route->text, route->clip);
  GST_OBJECT_LOCK(self);
  self->n_routed++;
  GST_OBJECT_UNLOCK(self);
  cord_element_post(GST_ELEMENT(self), cord_structure_new_route(&taken));
}

static GstFlowReturn
gst_speech_router_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSpeechRouter *self = GST_SPEECH_ROUTER(parent);
  gdouble threshold, score;
  g_autoptr(SpeechRoutes) routes = dup_routes(self, &threshold);
  const SpeechRoute *route;
  gboolean matches;

  if (routes && !cord_buffer_get_reply(buffer, NULL, NULL)) {
    g_autofree gchar *text = cord_buffer_dup_text(buffer);

    route = speech_routes_match(routes, text, threshold, &score, &matches);
    GST_DEBUG_OBJECT(self, "most like \"%s\" (%.2f)", route ? route->name : "nothing", score);
    if (matches && route->clip) {
      buffer = gst_buffer_make_writable(buffer);
      answer(self, buffer, route, score);
    }
  }
  return gst_pad_push(self->src_pad, buffer);
}

/* ---- for those who want to know ---- */

static GstStructure *
describe_route(const SpeechRoute *route)
{
  GstClockTime duration =
      route->clip ? gst_util_uint64_scale(g_bytes_get_size(route->clip), GST_SECOND, CORD_G711_RATE)
                  : 0;

  return gst_structure_new("route", "name", G_TYPE_STRING, route->name, "text", G_TYPE_STRING,
                           route->text, "hang-up", G_TYPE_BOOLEAN, route->hang_up, "cached",
                           G_TYPE_BOOLEAN, route->clip != NULL, "duration", G_TYPE_UINT64, duration,
                           "examples", G_TYPE_UINT, route->n_examples, NULL);
}

static GstStructure *
describe_routes(GstSpeechRouter *self)
{
  g_autoptr(SpeechRoutes) routes = read_routes(self);
  GPtrArray *problems = speech_routes_get_problems(routes);
  GstStructure *structure = gst_structure_new_empty("speechrouter-routes");
  GValue all = G_VALUE_INIT, one = G_VALUE_INIT;

  keep_known(self, routes);
  g_value_init(&all, GST_TYPE_ARRAY);
  for (guint i = 0; i < speech_routes_get_count(routes); i++) {
    g_value_init(&one, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&one, describe_route(speech_routes_get_route(routes, i)));
    gst_value_array_append_and_take_value(&all, &one);
  }
  gst_structure_take_value(structure, "routes", &all);
  g_value_init(&all, GST_TYPE_ARRAY);
  for (guint i = 0; i < problems->len; i++) {
    g_value_init(&one, G_TYPE_STRING);
    g_value_set_string(&one, problems->pdata[i]);
    gst_value_array_append_and_take_value(&all, &one);
  }
  gst_structure_take_value(structure, "problems", &all);
  return structure;
}

static GstStructure *
on_match(GstSpeechRouter *self, const gchar *text)
{
  g_autoptr(SpeechRoutes) routes = read_routes(self);
  gdouble threshold, score;
  gboolean matches;
  const SpeechRoute *route;

  GST_OBJECT_LOCK(self);
  threshold = self->threshold;
  GST_OBJECT_UNLOCK(self);
  route = speech_routes_match(routes, text ? text : "", threshold, &score, &matches);
  if (route == NULL)
    return NULL;
  return gst_structure_new(
      "speechrouter-match", "route", G_TYPE_STRING, route->name, "score", G_TYPE_DOUBLE, score,
      "threshold", G_TYPE_DOUBLE, route->threshold >= 0 ? route->threshold : threshold, "matches",
      G_TYPE_BOOLEAN, matches, "cached", G_TYPE_BOOLEAN, route->clip != NULL, NULL);
}

static GstStructure *
get_stats(GstSpeechRouter *self)
{
  GstStructure *stats;

  GST_OBJECT_LOCK(self);
  stats = gst_structure_new("speechrouter-stats", "turns", G_TYPE_UINT64, self->n_turns, "routed",
                            G_TYPE_UINT64, self->n_routed, "routes", G_TYPE_UINT,
                            self->routes ? speech_routes_get_count(self->routes) : 0, "active",
                            G_TYPE_UINT, self->routes ? speech_routes_get_active(self->routes) : 0,
                            NULL);
  GST_OBJECT_UNLOCK(self);
  return stats;
}

/* ---- the element ---- */

static GstStateChangeReturn
gst_speech_router_change_state(GstElement *element, GstStateChange transition)
{
  GstSpeechRouter *self = GST_SPEECH_ROUTER(element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    use_routes(self);
  ret = GST_ELEMENT_CLASS(gst_speech_router_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    set_routes(self, NULL);
  return ret;
}

static void
gst_speech_router_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSpeechRouter *self = GST_SPEECH_ROUTER(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_LOCATION:
    g_free(self->location);
    self->location = g_value_dup_string(value);
    g_clear_pointer(&self->known, speech_routes_unref);
    break;
  case PROP_ROUTES:
    g_free(self->file);
    self->file = g_value_dup_string(value);
    g_clear_pointer(&self->known, speech_routes_unref);
    break;
  case PROP_THRESHOLD:
    self->threshold = g_value_get_double(value);
    break;
  case PROP_ENABLED:
    self->enabled = g_value_get_boolean(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
get_setting(GstSpeechRouter *self, guint id, GValue *value, GParamSpec *pspec)
{
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_LOCATION:
    g_value_set_string(value, self->location);
    break;
  case PROP_ROUTES:
    g_value_set_string(value, self->file);
    break;
  case PROP_THRESHOLD:
    g_value_set_double(value, self->threshold);
    break;
  case PROP_ENABLED:
    g_value_set_boolean(value, self->enabled);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(self, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_speech_router_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSpeechRouter *self = GST_SPEECH_ROUTER(object);

  if (id == PROP_KNOWN_ROUTES)
    g_value_take_boxed(value, describe_routes(self));
  else if (id == PROP_STATS)
    g_value_take_boxed(value, get_stats(self));
  else
    get_setting(self, id, value, pspec);
}

static void
gst_speech_router_finalize(GObject *object)
{
  GstSpeechRouter *self = GST_SPEECH_ROUTER(object);

  g_clear_pointer(&self->known, speech_routes_unref);
  g_clear_pointer(&self->routes, speech_routes_unref);
  g_free(self->location);
  g_free(self->file);
  G_OBJECT_CLASS(gst_speech_router_parent_class)->finalize(object);
}

static void
gst_speech_router_init(GstSpeechRouter *self)
{
  self->threshold = DEFAULT_THRESHOLD;
  self->enabled = DEFAULT_ENABLED;
  self->sink_pad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink_pad, gst_speech_router_chain);
  GST_PAD_SET_PROXY_CAPS(self->sink_pad);
  gst_element_add_pad(GST_ELEMENT(self), self->sink_pad);
  self->src_pad = gst_pad_new_from_static_template(&src_template, "src");
  GST_PAD_SET_PROXY_CAPS(self->src_pad);
  gst_element_add_pad(GST_ELEMENT(self), self->src_pad);
}

static void
install_settings(void)
{
  /**
   * GstSpeechRouter:location:
   *
   * The folder with a recording `ROUTE.mulaw` for each route that is to be taken. Without it, or
   * while it is not there, no route is.
   */
  props[PROP_LOCATION] = g_param_spec_string(
      "location", "Location", "Folder of the recordings, ROUTE.mulaw (none: no route is taken)",
      NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  /**
   * GstSpeechRouter:routes:
   *
   * The key file of the routes; without it there are `pricing`, `who_are_you` and `stop`, in
   * English and German.
   */
  props[PROP_ROUTES] = g_param_spec_string(
      "routes", "Routes", "Key file of the routes (none: pricing, who_are_you and stop)", NULL,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  /**
   * GstSpeechRouter:threshold:
   *
   * How much a sentence has to be like an example, for routes that do not say it themselves. 1 is
   * word by word, politeness aside. Valid from the next turn on.
   */
  props[PROP_THRESHOLD] = g_param_spec_double(
      "threshold", "Threshold",
      "How much a sentence has to be like an example to be routed (0 to 1)", 0, 1,
      DEFAULT_THRESHOLD, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  /**
   * GstSpeechRouter:enabled:
   *
   * Whether any route is taken. Valid from the next turn on.
   */
  props[PROP_ENABLED] =
      g_param_spec_boolean("enabled", "Enabled", "Whether any route is taken", DEFAULT_ENABLED,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
}

static void
install_reports(void)
{
  /**
   * GstSpeechRouter:known-routes:
   *
   * A "speechrouter-routes" structure: "routes", an array of structures with "name", "text",
   * "hang-up", "cached" (whether there is a recording), "duration" (ns) and how many "examples";
   * and "problems", an array of sentences. In any state; to read it reads the files if they have
   * changed.
   */
  props[PROP_KNOWN_ROUTES] =
      g_param_spec_boxed("known-routes", "Known routes", "All routes and which have a recording",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * GstSpeechRouter:stats:
   *
   * A "speechrouter-stats" structure: "turns" that came, "routed" ones, "routes", and how many of
   * them are "active".
   */
  props[PROP_STATS] =
      g_param_spec_boxed("stats", "Statistics", "Turns that came and were routed, routes",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

static void
gst_speech_router_class_init(GstSpeechRouterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(speechrouter_debug, "speechrouter", 0, "semantic routes");
  object_class->set_property = gst_speech_router_set_property;
  object_class->get_property = gst_speech_router_get_property;
  object_class->finalize = gst_speech_router_finalize;
  element_class->change_state = gst_speech_router_change_state;
  install_settings();
  install_reports();
  g_object_class_install_properties(object_class, N_PROPS, props);
  /**
   * GstSpeechRouter::match:
   * @self: a router
   * @text: what somebody may say
   *
   * Tells what would become of a sentence, in any state and whether there are recordings or not.
   *
   * Returns: (nullable): a "speechrouter-match" structure: the "route" that it is most like, the
   *   "score", the "threshold", whether that "matches" and whether the route is "cached"; %NULL
   * where it is like none
   */
  signals[SIGNAL_MATCH] = g_signal_new_class_handler(
      "match", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(on_match),
      NULL, NULL, NULL, GST_TYPE_STRUCTURE, 1, G_TYPE_STRING);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Semantic router", "Filter/Text",
      "Answers what callers ask so often by recordings, in place of a model",
      "Cordboard developers");
}
