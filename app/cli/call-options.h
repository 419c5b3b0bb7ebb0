/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CallWish:
 * @kind: 's', 'w' or 'd'
 * @value: of --say, --wav or --dtmf
 * @barge_in_ms: of the --barge-in before it, or -1
 *
 * What the caller is to do next.
 */
typedef struct {
  gchar kind;
  gchar *value;
  gint barge_in_ms;
} CallWish;

/**
 * CallOptions:
 *
 * What the command line of `cordboard call` says, by the names of its options.
 */
typedef struct {
  gchar *url, *status_url, *from, *to, *auth_token, *key, *voice, *record;
  gchar **expect;
  gint max_duration;
  gboolean mic, json, quiet, browser;
  gint jitter_ms;
  GPtrArray *wishes; /* CallWish, in the order of the command line */
  gint barge_in_ms;  /* for the next of them */
} CallOptions;

gboolean call_options_read(CallOptions *self, int argc, char *argv[], GError **error);
void call_options_clear(CallOptions *self);

G_END_DECLS
