/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#include "cli-store.h"
#include "cord-commands.h"
#include "cord-error.h"
#include "cord-json.h"
#include "routes-build.h"

#define TEXT_WIDTH 46 /* characters, of what a recording says */

typedef struct {
  gchar *config;
  gchar *state_dir;
  gchar *voice;
  gboolean json;
} Options;

/* What all of it works on: the element that takes the routes in calls. */
typedef struct {
  const Options *options;
  CordConfig *config;
  gchar *dir;
  GstElement *router;
} Routes;

static gboolean
routes_open(Routes *self, GError **error)
{
  const gchar *file = cord_config_get_string(self->config, "router.routes");

  self->dir = cli_routes_dir(self->config);
  self->router = gst_element_factory_make("speechrouter", NULL);
  if (self->router == NULL) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
                        _("there is no element \"speechrouter\": GStreamer does not find "
                          "Cordboard's plugins"));
    return FALSE;
  }
  gst_object_ref_sink(self->router);
  g_object_set(self->router, "location", self->dir, "routes", file, NULL);
  return TRUE;
}

static void
routes_close(Routes *self)
{
  gst_clear_object(&self->router);
  g_free(self->dir);
}

static GstStructure *
routes_read(Routes *self)
{
  GstStructure *known = NULL;

  g_object_get(self->router, "known-routes", &known, NULL);
  return known;
}

static const GstStructure *
get_route(const GstStructure *known, guint index)
{
  const GValue *all = gst_structure_get_value(known, "routes");

  return index < gst_value_array_get_size(all)
             ? gst_value_get_structure(gst_value_array_get_value(all, index))
             : NULL;
}

static gboolean
is_set(const GstStructure *structure, const gchar *name)
{
  gboolean value = FALSE;

  return gst_structure_get_boolean(structure, name, &value) && value;
}

static guint64
get_ms(const GstStructure *route)
{
  guint64 duration = 0;

  gst_structure_get_uint64(route, "duration", &duration);
  return duration / GST_MSECOND;
}

/* What is wrong with the files; told by any command that needs them. */
static void
print_problems(const GstStructure *known)
{
  const GValue *problems = gst_structure_get_value(known, "problems");

  for (guint i = 0; i < gst_value_array_get_size(problems); i++)
    fprintf(stderr, _("cordboard: %s\n"),
            g_value_get_string(gst_value_array_get_value(problems, i)));
}

/* ---- list ---- */

static JsonArray *
describe_routes(const GstStructure *known)
{
  JsonArray *array = json_array_new();
  const GstStructure *route;

  for (guint i = 0; (route = get_route(known, i)); i++) {
    JsonObject *object = json_object_new();
    guint examples = 0;

    gst_structure_get_uint(route, "examples", &examples);
    json_object_set_string_member(object, "name", gst_structure_get_string(route, "name"));
    json_object_set_boolean_member(object, "cached", is_set(route, "cached"));
    json_object_set_int_member(object, "duration_ms", (gint64)get_ms(route));
    json_object_set_boolean_member(object, "hang_up", is_set(route, "hang-up"));
    json_object_set_int_member(object, "examples", examples);
    json_object_set_string_member(object, "text", gst_structure_get_string(route, "text"));
    json_array_add_object_element(array, object);
  }
  return array;
}

static void
list_json(Routes *self, const GstStructure *known)
{
  g_autoptr(JsonObject) object = json_object_new();
  g_autofree gchar *text = NULL;

  json_object_set_boolean_member(object, "enabled",
                                 cord_config_get_boolean(self->config, "router.enabled"));
  json_object_set_string_member(object, "location", self->dir);
  cord_json_set_string(object, "source", cord_config_get_string(self->config, "router.routes"));
  json_object_set_array_member(object, "routes", describe_routes(known));
  text = cord_json_print_object(object);
  puts(text);
}

static void
print_route(const GstStructure *route)
{
  const gchar *text = gst_structure_get_string(route, "text");
  gboolean long_text = g_utf8_strlen(text, -1) > TEXT_WIDTH;
  g_autofree gchar *shown =
      g_utf8_substring(text, 0, long_text ? TEXT_WIDTH - 1 : g_utf8_strlen(text, -1));
  g_autofree gchar *length = is_set(route, "cached")
                                 ? g_strdup_printf("%.1f s", (gdouble)get_ms(route) / 1000)
                                 : g_strdup(_("no recording"));

  printf("%-16s %-13s %-9s %s%s\n", gst_structure_get_string(route, "name"), length,
         is_set(route, "hang-up") ? _("hangs up") : "", shown, long_text ? "…" : "");
}

static int
list(Routes *self)
{
  g_autoptr(GstStructure) known = routes_read(self);
  const gchar *file = cord_config_get_string(self->config, "router.routes");
  const GstStructure *route;

  print_problems(known);
  if (self->options->json) {
    list_json(self, known);
    return CORD_EXIT_OK;
  }
  for (guint i = 0; (route = get_route(known, i)); i++)
    print_route(route);
  printf(_("\nRoutes: %s\nRecordings: %s\n"), file ? file : _("built in"), self->dir);
  if (!cord_config_get_boolean(self->config, "router.enabled"))
    printf(_("Calls take no routes: ROUTER_ENABLED, router.enabled, is false.\n"));
  return CORD_EXIT_OK;
}

/* ---- test ---- */

static int
test(Routes *self, const gchar *sentence)
{
  g_autoptr(GstStructure) known = routes_read(self), match = NULL;
  const gchar *route;
  gdouble score = 0, threshold = 0;
  gboolean matches, cached;

  print_problems(known);
  g_signal_emit_by_name(self->router, "match", sentence, &match);
  matches = match && is_set(match, "matches");
  cached = match && is_set(match, "cached");
  route = match ? gst_structure_get_string(match, "route") : NULL;
  if (match)
    gst_structure_get(match, "score", G_TYPE_DOUBLE, &score, "threshold", G_TYPE_DOUBLE, &threshold,
                      NULL);
  if (self->options->json) {
    g_autoptr(JsonObject) object = json_object_new();
    g_autofree gchar *text = NULL;

    cord_json_set_string(object, "route", matches ? route : NULL);
    cord_json_set_string(object, "most_like", route);
    json_object_set_double_member(object, "score", score);
    json_object_set_double_member(object, "threshold", threshold);
    json_object_set_boolean_member(object, "cached", cached);
    text = cord_json_print_object(object);
    puts(text);
  } else if (matches && cached) {
    printf(_("%s: %.2f like it, %.2f would do\n"), route, score, threshold);
  } else if (matches) {
    printf(
        _("%s: %.2f like it, %.2f would do; it has no recording, so that calls do not take it\n"),
        route, score, threshold);
  } else if (route) {
    printf(_("no route: %.2f like \"%s\", %.2f would do\n"), score, route, threshold);
  } else {
    printf(_("no route: it is like none of them\n"));
  }
  return matches ? CORD_EXIT_OK : CORD_EXIT_FAILED;
}

/* ---- build ---- */

static GStrv
dup_names(const GstStructure *known)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  const GstStructure *route;

  for (guint i = 0; (route = get_route(known, i)); i++)
    g_strv_builder_add(names, gst_structure_get_string(route, "name"));
  return g_strv_builder_end(names);
}

/* The texts of the routes that are named, or of all. */
static gboolean
find_texts(const GstStructure *known, int argc, char *argv[], GPtrArray *clips, GError **error)
{
  g_auto(GStrv) names = dup_names(known);
  g_autofree gchar *all = g_strjoinv(", ", names);
  const GstStructure *route;

  for (int i = 0; i < argc; i++)
    if (!g_strv_contains((const gchar *const *)names, argv[i])) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
                  _("there is no route \"%s\"; these are: %s"), argv[i], all);
      return FALSE;
    }
  for (guint i = 0; (route = get_route(known, i)); i++) {
    RoutesClip *clip;
    gboolean named = argc == 0;

    for (int j = 0; j < argc; j++)
      named |= g_str_equal(argv[j], gst_structure_get_string(route, "name"));
    if (!named)
      continue;
    clip = g_new0(RoutesClip, 1);
    clip->route = g_strdup(gst_structure_get_string(route, "name"));
    clip->source = g_strdup(gst_structure_get_string(route, "text"));
    g_ptr_array_add(clips, clip);
  }
  return TRUE;
}

static gboolean
find_files(const GstStructure *known, int argc, char *argv[], GPtrArray *clips, GError **error)
{
  g_auto(GStrv) names = dup_names(known);
  g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(g_free);
  g_autofree gchar *all = g_strjoinv(", ", names);

  for (int i = 0; i < argc; i++)
    if (!routes_find_files(argv[i], (const gchar *const *)names, clips, others, error))
      return FALSE;
  for (guint i = 0; i < others->len; i++)
    fprintf(stderr, _("cordboard: %s is left out: it is not called as a route (%s)\n"),
            (const gchar *)others->pdata[i], all);
  if (clips->len > 0)
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
              _("there is no recording of a route; a file is called as its route, and these are: "
                "%s"),
              all);
  return FALSE;
}

/* A recording that cannot be made does not keep the others from being made. */
static guint
build_clips(Routes *self, GPtrArray *clips, JsonArray *array)
{
  guint failed = 0;

  for (guint i = 0; i < clips->len; i++) {
    const RoutesClip *clip = clips->pdata[i];
    g_autoptr(GError) error = NULL;
    guint ms = self->options->voice
                   ? routes_build_voice(self->dir, clip, self->options->voice, &error)
                   : routes_build_file(self->dir, clip, &error);

    if (ms == 0) {
      fprintf(stderr, _("cordboard: %s\n"), error->message);
      failed++;
    } else if (self->options->json) {
      JsonObject *object = json_object_new();

      json_object_set_string_member(object, "name", clip->route);
      json_object_set_int_member(object, "duration_ms", ms);
      json_array_add_object_element(array, object);
    } else {
      printf(_("%u of %u  %s: %.1f s\n"), i + 1, clips->len, clip->route, (gdouble)ms / 1000);
      fflush(stdout);
    }
  }
  return failed;
}

static gboolean
check_voice(const gchar *voice, GError **error)
{
  static const gchar *const known[] = { "kal16", "rms", "slt", "awb", "kal", NULL };

  if (voice == NULL || g_strv_contains(known, voice))
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
              _("there is no voice \"%s\"; there are kal16, rms, slt, awb and kal"), voice);
  return FALSE;
}

static int
build(Routes *self, int argc, char *argv[])
{
  g_autoptr(GPtrArray) clips = g_ptr_array_new_with_free_func((GDestroyNotify)routes_clip_free);
  g_autoptr(GstStructure) known = routes_read(self);
  g_autoptr(JsonObject) object = json_object_new();
  JsonArray *array = json_array_new();
  g_autoptr(GError) error = NULL;
  g_autofree gchar *text = NULL;
  gboolean found = check_voice(self->options->voice, &error) &&
                   (self->options->voice ? find_texts(known, argc, argv, clips, &error)
                                         : find_files(known, argc, argv, clips, &error));
  guint failed;

  json_object_set_array_member(object, "built", array);
  if (!found) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    return CORD_EXIT_FAILED;
  }
  failed = build_clips(self, clips, array);
  text = cord_json_print_object(object);
  if (self->options->json)
    puts(text);
  else if (failed < clips->len)
    printf(_("They are in %s; calls take them from now on.\n"), self->dir);
  return failed > 0 ? CORD_EXIT_FAILED : CORD_EXIT_OK;
}

static int
run(Routes *self, int argc, char *argv[])
{
  const gchar *what = argc > 1 ? argv[1] : "list";
  g_autoptr(GError) error = NULL;
  int code = CORD_EXIT_USAGE;

  if (!routes_open(self, &error)) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    code = CORD_EXIT_FAILED;
  } else if (g_str_equal(what, "list") && argc <= 2) {
    code = list(self);
  } else if (g_str_equal(what, "test") && argc == 3) {
    code = test(self, argv[2]);
  } else if (g_str_equal(what, "build") && (argc > 2 || self->options->voice)) {
    code = build(self, argc - 2, argv + 2);
  } else {
    fprintf(stderr, _("cordboard: routes takes list, build DIR|FILE…, build --voice NAME or test "
                      "\"SENTENCE\"\n"));
  }
  routes_close(self);
  return code;
}

/**
 * cord_cmd_routes:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard routes list | build | test`. A running server takes what was built with its next call.
 *
 * Returns: the exit code
 */
int
cord_cmd_routes(int argc, char *argv[])
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "voice", 0, 0, G_OPTION_ARG_STRING, &options.voice,
      N_("build: speak what the routes say: kal16, rms, slt, awb, kal"), N_("NAME") },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config, N_("Settings to read"),
      N_("FILE") },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.state_dir,
      N_("Folder of the database and the journal"), N_("DIR") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_("For programs"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context =
      g_option_context_new("list | build DIR|FILE… | build --voice NAME [ROUTE…] | test SENTENCE");
  g_autoptr(CordConfig) config = NULL;
  g_autoptr(GError) error = NULL;
  Routes routes = { .options = &options };
  int code;

  g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary(
      context,
      _("What callers ask so often that it is answered by a recording, without a model.\n"
        "A route has effect when it has one: build makes them of files that are called as\n"
        "their routes, stop.wav, with what they say in stop.txt beside them. test tells\n"
        "which route a sentence would take, and fails if it takes none."));
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    return CORD_EXIT_USAGE;
  }
  g_setenv("GST_PLUGIN_PATH", PLUGINDIR, FALSE);
  gst_init(NULL, NULL);
  config = cli_load_config(options.config, options.state_dir, &error);
  if (config == NULL) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    return CORD_EXIT_FAILED;
  }
  routes.config = config;
  code = run(&routes, argc, argv);
  g_free(options.voice);
  g_free(options.config);
  g_free(options.state_dir);
  return code;
}
