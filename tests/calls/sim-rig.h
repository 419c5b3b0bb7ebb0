/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* The simulators as a process of their own, and how a server is led to them. */
typedef struct {
  gchar *url;
  GSubprocess *process;
  SoupSession *session;
} SimRig;

SimRig *sim_rig_new(const gchar *record);
void sim_rig_free(SimRig *self);
GStrv sim_rig_dup_environ(SimRig *self);
gboolean sim_rig_knows(SimRig *self, const gchar *method, const gchar *path);
void sim_rig_script(SimRig *self, const gchar *json);
JsonNode *sim_rig_dup_journal(SimRig *self);

G_END_DECLS
