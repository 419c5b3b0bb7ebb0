/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A PostgreSQL of the test's own, that can be stopped, killed and given a full disk. */
typedef struct {
  gchar *dir;
  gchar *uri;
  gchar *bin;
  gboolean mounted; /* dir is a file system of its own */
  GPid pid;
} PgRig;

PgRig *pg_rig_new(guint disk_mib, const gchar **why_not);
void pg_rig_free(PgRig *self);
void pg_rig_start(PgRig *self);
void pg_rig_kill(PgRig *self);
void pg_rig_stop_time(PgRig *self);
void pg_rig_go_on(PgRig *self);
void pg_rig_fill_disk(PgRig *self);
void pg_rig_free_disk(PgRig *self);
gchar *pg_rig_ask(PgRig *self, const gchar *sql);

G_END_DECLS
