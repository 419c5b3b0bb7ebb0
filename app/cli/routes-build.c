/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "routes-build.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cord-error.h"
#include "cord-g711.h"
#include "cord-phone-audio.h"

#define MAX_TEXT 4096 /* bytes, of what a recording says */

/**
 * routes_clip_free:
 * @self: (transfer full): a recording to be made
 */
void
routes_clip_free(RoutesClip *self)
{
  g_free(self->route);
  g_free(self->source);
  g_free(self);
}

/* ---- finding ---- */

/* "stop.wav" is of route "stop". */
static gchar *
to_route(const gchar *path)
{
  gchar *name = g_path_get_basename(path);
  gchar *dot = strrchr(name, '.');

  if (dot)
    *dot = '\0';
  return name;
}

static gboolean
has_ending(const gchar *path, const gchar *ending)
{
  const gchar *dot = strrchr(path, '.');

  return dot && g_ascii_strcasecmp(dot, ending) == 0;
}

static const RoutesClip *
find_clip(GPtrArray *clips, const gchar *route)
{
  for (guint i = 0; i < clips->len; i++)
    if (g_str_equal(((RoutesClip *)clips->pdata[i])->route, route))
      return clips->pdata[i];
  return NULL;
}

static gboolean
add_clip(GPtrArray *clips, const gchar *route, const gchar *path, GError **error)
{
  const RoutesClip *same = find_clip(clips, route);
  RoutesClip *clip;

  if (same) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                _("%s and %s would both be the recording of \"%s\""), same->source, path, route);
    return FALSE;
  }
  clip = g_new0(RoutesClip, 1);
  clip->route = g_strdup(route);
  clip->source = g_strdup(path);
  g_ptr_array_add(clips, clip);
  return TRUE;
}

static gboolean
find_in_folder(const gchar *folder, const gchar *const *routes, GPtrArray *clips, GPtrArray *others,
               GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
  const gchar *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(folder, name, NULL);
    g_autofree gchar *route = to_route(name);

    /* what a recording says lies beside it */
    if (*name == '.' || has_ending(name, ".txt") || !g_file_test(path, G_FILE_TEST_IS_REGULAR))
      continue;
    if (!g_strv_contains(routes, route))
      g_ptr_array_add(others, g_strdup(path));
    else if (!add_clip(clips, route, path, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * routes_find_files:
 * @path: a file called as its route, or a folder of such files
 * @routes: the names of the routes
 * @clips: (element-type RoutesClip): what is found is added to it
 * @others: (element-type utf8): files of the folder that are of no route
 * @error: return location for an error
 *
 * Returns: whether they could be found; a file that is named must be of a route
 */
gboolean
routes_find_files(const gchar *path, const gchar *const *routes, GPtrArray *clips,
                  GPtrArray *others, GError **error)
{
  g_autofree gchar *route = to_route(path);
  g_autofree gchar *known = NULL;

  if (g_file_test(path, G_FILE_TEST_IS_DIR))
    return find_in_folder(path, routes, clips, others, error);
  if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, _("there is no file %s"), path);
    return FALSE;
  }
  if (g_strv_contains(routes, route))
    return add_clip(clips, route, path, error);
  known = g_strjoinv(", ", (gchar **)routes);
  g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
              _("%s: there is no route \"%s\"; a file is called as its route, and these are: %s"),
              path, route, known);
  return FALSE;
}

/* ---- making ---- */

static gboolean
is_mulaw(const gchar *path)
{
  return has_ending(path, ".mulaw") || has_ending(path, ".ulaw") || has_ending(path, ".ul");
}

static GBytes *
read_raw(const gchar *path, GError **error)
{
  GStatBuf info;
  gchar *data;
  gsize size;

  if (g_stat(path, &info) == 0 && info.st_size > (goffset)ROUTES_MAX_SECONDS * CORD_G711_RATE) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE,
                _("it is longer than %d seconds; what callers hear should be short"),
                ROUTES_MAX_SECONDS);
    return NULL;
  }
  return g_file_get_contents(path, &data, &size, error) ? g_bytes_new_take(data, size) : NULL;
}

static gboolean
check_length(GBytes *audio, GError **error)
{
  gsize size = g_bytes_get_size(audio);

  if (size > 0 && size <= ROUTES_MAX_SECONDS * CORD_G711_RATE)
    return TRUE;
  if (size == 0)
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, _("there is no sound in it"));
  else
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE,
                _("it is longer than %d seconds; what callers hear should be short"),
                ROUTES_MAX_SECONDS);
  return FALSE;
}

static gboolean
write_file(const gchar *dir, const gchar *route, const gchar *ending, gconstpointer data,
           gsize size, GError **error)
{
  g_autofree gchar *name = g_strconcat(route, ending, NULL);
  g_autofree gchar *path = g_build_filename(dir, name, NULL);

  return g_file_set_contents_full(path, data, (gssize)size,
                                  G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                  0644, error);
}

/* Where nobody says what the new recording says, what the old one said is wrong. */
static gboolean
write_text(const gchar *dir, const gchar *route, const gchar *text, GError **error)
{
  g_autofree gchar *name = g_strconcat(route, ".txt", NULL);
  g_autofree gchar *path = g_build_filename(dir, name, NULL);

  if (text)
    return write_file(dir, route, ".txt", text, strlen(text), error);
  if (g_remove(path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), _("%s cannot be removed: %s"), path,
              g_strerror(errno));
  return FALSE;
}

static guint
write_clip(const gchar *dir, const gchar *route, GBytes *audio, const gchar *text, GError **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data(audio, &size);

  if (g_mkdir_with_parents(dir, 0700) < 0) {
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                _("cannot make the folder %s: %s; choose another with --state-dir"), dir,
                g_strerror(errno));
    return 0;
  }
  if (!write_text(dir, route, text, error) || !write_file(dir, route, ".mulaw", data, size, error))
    return 0;
  return (guint)(size * 1000 / CORD_G711_RATE);
}

/* "stop.txt" beside "stop.wav" tells what that says. */
static gboolean
read_text(const gchar *source, gchar **text, GError **error)
{
  const gchar *dot = strrchr(source, '.');
  g_autofree gchar *stem = dot ? g_strndup(source, (gsize)(dot - source)) : g_strdup(source);
  g_autofree gchar *path = g_strconcat(stem, ".txt", NULL);

  *text = NULL;
  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!g_file_get_contents(path, text, NULL, error))
    return FALSE;
  g_strstrip(*text);
  if (g_utf8_validate(*text, -1, NULL) && strlen(*text) <= MAX_TEXT)
    return TRUE;
  g_clear_pointer(text, g_free);
  g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, _("%s is no text of at most %d bytes"), path,
              MAX_TEXT);
  return FALSE;
}

/**
 * routes_build_file:
 * @dir: the folder of the recordings
 * @clip: a route and its file: whatever GStreamer decodes, or raw mu-law (.mulaw, .ulaw, .ul)
 * @error: return location for an error
 *
 * Returns: the length of the recording, ms; 0: it could not be made
 */
guint
routes_build_file(const gchar *dir, const RoutesClip *clip, GError **error)
{
  g_autofree gchar *text = NULL;
  g_autoptr(GBytes) audio = is_mulaw(clip->source) ? read_raw(clip->source, error)
                                                   : cord_phone_render_file(clip->source, error);

  if (audio == NULL || !check_length(audio, error) || !read_text(clip->source, &text, error)) {
    g_prefix_error(error, "%s: ", clip->source);
    return 0;
  }
  return write_clip(dir, clip->route, audio, text, error);
}

/**
 * routes_build_voice:
 * @dir: the folder of the recordings
 * @clip: a route and what is to be spoken
 * @voice: of flitetts
 * @error: return location for an error
 *
 * Returns: the length of the recording, ms; 0: it could not be made
 */
guint
routes_build_voice(const gchar *dir, const RoutesClip *clip, const gchar *voice, GError **error)
{
  g_autoptr(GBytes) audio = cord_phone_render_text(clip->source, voice, error);

  if (audio == NULL || !check_length(audio, error)) {
    g_prefix_error(error, _("route \"%s\": "), clip->route);
    return 0;
  }
  return write_clip(dir, clip->route, audio, clip->source, error);
}
