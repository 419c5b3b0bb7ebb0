/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* A server of this build in a folder of its own, and phones that call it. */
typedef struct {
  gchar *dir;
  gchar *url;
  gchar *data_dir; /* NULL: the stock agents */
  gchar *token;    /* NULL: no TWILIO_AUTH_TOKEN */
  GStrv environ;   /* NAME=value, of the server alone */
  GSubprocess *server;
  SoupSession *session;
} CallRig;

CallRig *call_rig_new(const gchar *data_dir, const gchar *token);
CallRig *call_rig_new_with(const gchar *data_dir, const gchar *token, GStrv environ);
void call_rig_free(CallRig *self);
void call_rig_start(CallRig *self);
void call_rig_kill(CallRig *self);
void call_rig_stop(CallRig *self);

GSubprocess *call_rig_dial(CallRig *self, const gchar *const *arguments);
JsonObject *call_rig_finish(GSubprocess *phone, int *code);
JsonObject *call_rig_call(CallRig *self, const gchar *const *arguments, int *code);
JsonNode *call_rig_get(CallRig *self, const gchar *path, guint *status);
guint call_rig_post(CallRig *self, const gchar *path, const gchar *body, const gchar *signature,
                    gchar **answer);
JsonNode *call_rig_send(CallRig *self, const gchar *method, const gchar *url, const gchar *json,
                        guint *status);
void call_rig_wait_until(CallRig *self, gboolean (*holds)(CallRig *self));
gchar *call_rig_said(JsonObject *result, const gchar *role);

G_END_DECLS
