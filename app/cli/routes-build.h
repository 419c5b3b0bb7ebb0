/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes recordings of routes. What is written appears whole or not at all. */

#define ROUTES_MAX_SECONDS 60 /* of a recording */

/**
 * RoutesClip:
 * @route: whose recording it is
 * @source: the file that it comes from, or the text that is spoken
 */
typedef struct {
  gchar *route;
  gchar *source;
} RoutesClip;

void routes_clip_free(RoutesClip *self);

/* Which files are of which routes */
gboolean routes_find_files(const gchar *path, const gchar *const *routes, GPtrArray *clips,
                           GPtrArray *others, GError **error);

/* One recording. Returns its length in ms, 0 for an error */
guint routes_build_file(const gchar *dir, const RoutesClip *clip, GError **error);
guint routes_build_voice(const gchar *dir, const RoutesClip *clip, const gchar *voice,
                         GError **error);

G_END_DECLS
