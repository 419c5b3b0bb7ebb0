/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "call-rig.h"

G_BEGIN_DECLS

/* A client of the running server that keeps to no rule: bytes on a blocking socket. */

GSocket *raw_dial(CallRig *rig);
gboolean raw_send(GSocket *socket, gconstpointer bytes, gsize length);
gboolean raw_send_text(GSocket *socket, const gchar *text);
gchar *raw_receive(GSocket *socket);
gchar *raw_ask(CallRig *rig, const gchar *request);
guint raw_status(const gchar *answer);

/* As Twilio does it, up to the moment where something goes wrong. */
gchar *raw_ring(CallRig *rig, const gchar *call_sid, guint *status);
guint raw_tell(CallRig *rig, const gchar *path, const gchar *body);
gchar *raw_admit(CallRig *rig, const gchar *call_sid, gchar **path, guint *status);
GSocket *raw_open_stream(CallRig *rig, const gchar *path, gboolean sign, guint *status);
void raw_frame(GSocket *socket, guint8 first, gboolean masked, gconstpointer payload, gsize length);
void raw_message(GSocket *socket, const gchar *text);
void raw_start(GSocket *socket, const gchar *call_sid, const gchar *token);
void raw_media(GSocket *socket, guint frame);
guint raw_hear(GSocket *socket, GByteArray *heard);
gboolean raw_wait_media(GSocket *socket);
guint raw_receive_close(GSocket *socket);

gulong raw_resident_kib(CallRig *rig);

G_END_DECLS
