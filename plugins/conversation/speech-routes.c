/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "speech-routes.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "route-match.h"
#include "speech-routes-stock.h"

#define STOCK "/org/cordboard/routes/routes.conf"
#define RATE 8000                                   /* bytes a second */
#define MAX_CLIP (SPEECH_ROUTES_MAX_SECONDS * RATE) /* bytes */
#define MAX_FILE (256 * 1024)                       /* bytes, of a file of routes */
#define MAX_TEXT 4096                               /* bytes, of what a recording says */
#define MAX_ROUTES 100
#define MAX_EXAMPLES 2000
#define MAX_NAME 64
#define MAX_KEPT 16 /* different folders and files, of all elements */

struct _SpeechRoutes {
  gatomicrefcount references;
  gint told;         /* atomic: somebody has been told of the problems */
  GPtrArray *routes; /* SpeechRoute */
  RouteMatcher *matcher;
  guint n_active;
  GPtrArray *problems; /* sentences about what could not be used */
  gchar *location;
  gchar *file;
  gchar *stamp; /* of all that was read */
};

static GMutex kept_lock; /* leaf; guards what follows */
static GHashTable *kept; /* location and file -> SpeechRoutes */

static void
free_route(gpointer data)
{
  SpeechRoute *route = data;

  g_free(route->name);
  g_free(route->text);
  g_clear_pointer(&route->clip, g_bytes_unref);
  g_free(route);
}

/**
 * speech_routes_ref:
 * @self: routes
 *
 * Returns: (transfer full): @self
 */
SpeechRoutes *
speech_routes_ref(SpeechRoutes *self)
{
  g_atomic_ref_count_inc(&self->references);
  return self;
}

/**
 * speech_routes_unref:
 * @self: (transfer full): routes
 */
void
speech_routes_unref(SpeechRoutes *self)
{
  if (!g_atomic_ref_count_dec(&self->references))
    return;
  g_ptr_array_unref(self->routes);
  g_clear_pointer(&self->matcher, route_matcher_free);
  g_ptr_array_unref(self->problems);
  g_free(self->location);
  g_free(self->file);
  g_free(self->stamp);
  g_free(self);
}

G_GNUC_PRINTF(2, 3)
static void
complain(SpeechRoutes *self, const gchar *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  g_ptr_array_add(self->problems, g_strdup_vprintf(format, arguments));
  va_end(arguments);
}

/* Where the recording of a route is, and what it says. */
static gchar *
get_path(const SpeechRoutes *self, const SpeechRoute *route, const gchar *suffix)
{
  g_autofree gchar *name = g_strconcat(route->name, suffix, NULL);

  return g_build_filename(self->location, name, NULL);
}

/* ---- what has changed since ---- */

static void
add_stamp(GString *stamp, const gchar *path)
{
  GStatBuf info;

  if (path && g_stat(path, &info) == 0)
    g_string_append_printf(stamp, "%lld.%ld %lld %llu;", (long long)info.st_mtim.tv_sec,
                           info.st_mtim.tv_nsec, (long long)info.st_size,
                           (unsigned long long)info.st_ino);
  else
    g_string_append(stamp, "-;");
}

static gchar *
make_stamp(const SpeechRoutes *self)
{
  GString *stamp = g_string_new(NULL);

  add_stamp(stamp, self->file);
  add_stamp(stamp, self->location);
  for (guint i = 0; self->location && i < self->routes->len; i++) {
    g_autofree gchar *clip = get_path(self, self->routes->pdata[i], ".mulaw");
    g_autofree gchar *text = get_path(self, self->routes->pdata[i], ".txt");

    add_stamp(stamp, clip);
    add_stamp(stamp, text);
  }
  return g_string_free(stamp, FALSE);
}

/* ---- the file of routes ---- */

static GKeyFile *
open_file(const gchar *path, GError **error)
{
  g_autoptr(GKeyFile) file = g_key_file_new();
  g_autofree gchar *text = NULL;
  g_autoptr(GBytes) stock = NULL;
  gsize size;

  if (path == NULL) {
    stock = g_resource_lookup_data(speech_routes_stock_get_resource(), STOCK,
                                   G_RESOURCE_LOOKUP_FLAGS_NONE, error);
    return stock && g_key_file_load_from_bytes(file, stock, G_KEY_FILE_NONE, error)
               ? g_steal_pointer(&file)
               : NULL;
  }
  if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "there is no file %s", path);
    return NULL;
  }
  if (!g_file_get_contents(path, &text, &size, error))
    return NULL;
  if (size > MAX_FILE) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "it has more than %d bytes", MAX_FILE);
    return NULL;
  }
  return g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, error)
             ? g_steal_pointer(&file)
             : NULL;
}

/* It becomes the name of a file. */
static gboolean
is_name(const gchar *name)
{
  gsize length = strlen(name);

  return length > 0 && length <= MAX_NAME &&
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == length;
}

static void
add_examples(SpeechRoutes *self, GKeyFile *file, SpeechRoute *route, guint *total)
{
  g_auto(GStrv) keys = g_key_file_get_keys(file, route->name, NULL, NULL);

  for (guint i = 0; keys && keys[i]; i++) {
    gboolean unlike = g_str_has_prefix(keys[i], "unlike");
    g_auto(GStrv) examples = NULL;

    if (!unlike && !g_str_has_prefix(keys[i], "examples"))
      continue;
    examples = g_key_file_get_string_list(file, route->name, keys[i], NULL, NULL);
    for (guint j = 0; examples && examples[j] && *total < MAX_EXAMPLES; j++, (*total)++) {
      if (unlike) {
        route_matcher_add_unlike(self->matcher, self->routes->len, examples[j]);
      } else {
        route_matcher_add(self->matcher, self->routes->len, examples[j]);
        route->n_examples++;
      }
    }
  }
}

static gdouble
read_threshold(SpeechRoutes *self, GKeyFile *file, const gchar *name)
{
  g_autoptr(GError) error = NULL;
  gdouble threshold;

  if (!g_key_file_has_key(file, name, "threshold", NULL))
    return -1;
  threshold = g_key_file_get_double(file, name, "threshold", &error);
  if (error == NULL && threshold >= 0 && threshold <= 1)
    return threshold;
  complain(self, "route \"%s\": its threshold is not from 0 to 1", name);
  return -1;
}

static void
add_route(SpeechRoutes *self, GKeyFile *file, const gchar *name, guint *total)
{
  SpeechRoute *route;

  if (!is_name(name)) {
    complain(self, "\"%s\" is no name for a route: letters, digits, _ and - are", name);
    return;
  }
  route = g_new0(SpeechRoute, 1);
  route->name = g_strdup(name);
  route->text = g_key_file_get_string(file, name, "text", NULL);
  route->hang_up = g_key_file_get_boolean(file, name, "hang-up", NULL);
  route->threshold = read_threshold(self, file, name);
  add_examples(self, file, route, total);
  if (route->n_examples == 0)
    complain(self, "route \"%s\" has no examples, so that nothing is like it", name);
  /* the model is to know that something was said */
  if (route->text == NULL || *g_strstrip(route->text) == '\0') {
    g_free(route->text);
    route->text = g_strdup_printf("[%s]", name);
  }
  g_ptr_array_add(self->routes, route);
}

static void
read_routes(SpeechRoutes *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GKeyFile) file = open_file(self->file, &error);
  g_auto(GStrv) names = file ? g_key_file_get_groups(file, NULL) : NULL;
  guint n = names ? g_strv_length(names) : 0, total = 0;

  if (file == NULL)
    complain(self, "the routes in %s cannot be used: %s", self->file ? self->file : STOCK,
             error->message);
  if (n > MAX_ROUTES)
    complain(self, "only the first %d routes are used", MAX_ROUTES);
  self->matcher = route_matcher_new(MIN(n, MAX_ROUTES));
  for (guint i = 0; i < MIN(n, MAX_ROUTES); i++)
    add_route(self, file, names[i], &total);
  route_matcher_seal(self->matcher);
  if (total >= MAX_EXAMPLES)
    complain(self, "only the first %d examples are used", MAX_EXAMPLES);
}

/* ---- the recordings ---- */

static GBytes *
read_clip(const gchar *path, GError **error)
{
  g_autofree gchar *data = NULL;
  GStatBuf info;
  gsize size;

  if (g_stat(path, &info) < 0) {
    int reason = errno;

    g_set_error_literal(error, G_FILE_ERROR, g_file_error_from_errno(reason), g_strerror(reason));
    return NULL;
  }
  /* a pipe would be waited for */
  if (!S_ISREG(info.st_mode) || info.st_size == 0 || info.st_size > MAX_CLIP) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s",
                !S_ISREG(info.st_mode) ? "it is no file"
                : info.st_size == 0    ? "it is empty"
                                       : "it is longer than a minute");
    return NULL;
  }
  if (!g_file_get_contents(path, &data, &size, error))
    return NULL;
  size = MIN(size, MAX_CLIP);
  return g_bytes_new_take(g_steal_pointer(&data), size);
}

/* What lies beside a recording was made with it. */
static void
read_text(const SpeechRoutes *self, SpeechRoute *route)
{
  g_autofree gchar *path = get_path(self, route, ".txt");
  g_autofree gchar *text = NULL;

  if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) || !g_file_get_contents(path, &text, NULL, NULL) ||
      !g_utf8_validate(text, -1, NULL) || strlen(text) > MAX_TEXT || *g_strstrip(text) == '\0')
    return;
  g_free(route->text);
  route->text = g_steal_pointer(&text);
}

static void
read_clips(SpeechRoutes *self)
{
  for (guint i = 0; self->location && i < self->routes->len; i++) {
    SpeechRoute *route = self->routes->pdata[i];
    g_autofree gchar *path = get_path(self, route, ".mulaw");
    g_autoptr(GError) error = NULL;

    route->clip = read_clip(path, &error);
    if (route->clip) {
      self->n_active++;
      read_text(self, route);
    } else if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
      complain(self, "route \"%s\" is not used: %s: %s", route->name, path, error->message);
    }
  }
}

static SpeechRoutes *
read_all(const gchar *location, const gchar *file)
{
  SpeechRoutes *self = g_new0(SpeechRoutes, 1);

  g_atomic_ref_count_init(&self->references);
  self->routes = g_ptr_array_new_with_free_func(free_route);
  self->problems = g_ptr_array_new_with_free_func(g_free);
  self->location = g_strdup(location);
  self->file = g_strdup(file);
  read_routes(self);
  /* what changes while it is read is found changed later */
  self->stamp = make_stamp(self);
  read_clips(self);
  return self;
}

static gboolean
is_current(const SpeechRoutes *self)
{
  g_autofree gchar *stamp = make_stamp(self);

  return g_str_equal(stamp, self->stamp);
}

/**
 * speech_routes_get:
 * @location: (nullable): the folder of the recordings; none: no route has one
 * @file: (nullable): the routes; none: those that are built in
 * @fresh: (out): whether it was read now
 *
 * Reads what there is, unless that is known and has not changed since. Any thread; it looks at the
 * dates of files, and reads them when they are new.
 *
 * Returns: (transfer full): the routes; none where there are no good ones
 */
SpeechRoutes *
speech_routes_get(const gchar *location, const gchar *file, gboolean *fresh)
{
  g_autofree gchar *key = g_strjoin("\n", location ? location : "", file ? file : "", NULL);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&kept_lock);
  SpeechRoutes *self;

  if (kept == NULL)
    kept =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)speech_routes_unref);
  self = g_hash_table_lookup(kept, key);
  *fresh = self == NULL || !is_current(self);
  if (*fresh) {
    if (g_hash_table_size(kept) >= MAX_KEPT)
      g_hash_table_remove_all(kept);
    self = read_all(location, file);
    g_hash_table_replace(kept, g_steal_pointer(&key), self);
  }
  return speech_routes_ref(self);
}

/**
 * speech_routes_get_count:
 * @self: routes
 *
 * Returns: how many there are
 */
guint
speech_routes_get_count(const SpeechRoutes *self)
{
  return self->routes->len;
}

/**
 * speech_routes_get_active:
 * @self: routes
 *
 * Returns: how many have a recording
 */
guint
speech_routes_get_active(const SpeechRoutes *self)
{
  return self->n_active;
}

/**
 * speech_routes_get_route:
 * @self: routes
 * @index: which of them
 *
 * Returns: (transfer none): a route
 */
const SpeechRoute *
speech_routes_get_route(const SpeechRoutes *self, guint index)
{
  return self->routes->pdata[index];
}

/**
 * speech_routes_get_problems:
 * @self: routes
 *
 * Returns: (transfer none) (element-type utf8): what could not be used and why
 */
GPtrArray *
speech_routes_get_problems(SpeechRoutes *self)
{
  return self->problems;
}

/**
 * speech_routes_claim_problems:
 * @self: routes
 *
 * Returns: whether nobody has claimed yet to tell of the problems
 */
gboolean
speech_routes_claim_problems(SpeechRoutes *self)
{
  return self->problems->len > 0 && g_atomic_int_compare_and_exchange(&self->told, FALSE, TRUE);
}

/**
 * speech_routes_match:
 * @self: routes
 * @text: what somebody said
 * @threshold: how much it has to be like an example of a route that does not say itself
 * @score: (out): how much it is like the route
 * @matches: (out): whether that is enough
 *
 * Returns: (nullable) (transfer none): the route that it is most like, with a recording or without;
 *   %NULL where it is like none
 */
const SpeechRoute *
speech_routes_match(const SpeechRoutes *self, const gchar *text, gdouble threshold, gdouble *score,
                    gboolean *matches)
{
  gdouble scores[MAX_ROUTES];
  const SpeechRoute *best = NULL;

  *score = 0;
  *matches = FALSE;
  route_matcher_score(self->matcher, text, scores);
  for (guint i = 0; i < self->routes->len; i++) {
    const SpeechRoute *route = self->routes->pdata[i];

    if (scores[i] <= *score)
      continue;
    best = route;
    *score = scores[i];
  }
  if (best)
    *matches = *score >= (best->threshold >= 0 ? best->threshold : threshold);
  return best;
}
