/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>
#include <json-glib/json-glib.h>

#include "cordboard.h"
#include "http-peer.h"

G_BEGIN_DECLS

/*
 * An openairealtime on a manual worker, a caller who talks, and a service that is played by hand.
 *
 * got:    what the service was sent: "session; audio 40; respond; cut item_1 at 120; " (ms)
 * came:   what left the element: "mulaw 8000; segment; started 1; audio 1 0-100; finished 1; "
 * posted: what it posted: "up; speech; silence; turn 1 'hello'; heard 1 'hi'; cut 1 'hi'; "
 */

#define REALTIME_RIG_KEY "sk-never-to-be-seen"

typedef struct {
  CordWorker *worker;
  HttpPeer peer;
  GstElement *element;
  GstHarness *harness;
  GstBus *bus;
  gboolean mulaw;
  guint64 position; /* of the caller's audio, ms */

  GString *posted;
  GString *said; /* everything that was ever posted, in full */
  GString *came;
  GByteArray *audio; /* that left the element */

  gchar *head;    /* of the last request */
  gchar *session; /* the last session.update */
  GByteArray *raw;
  GString *got;
  guint got_ms;       /* of audio that is not yet in @got */
  GByteArray *caller; /* all audio that the connection was sent */
} RealtimeRig;

void realtime_rig_begin(RealtimeRig *self);
void realtime_rig_init(RealtimeRig *self, gboolean mulaw, const gchar *properties);
void realtime_rig_plug(RealtimeRig *self, gboolean mulaw, const gchar *properties, guint port);
void realtime_rig_clear(RealtimeRig *self);

/* The caller */
void realtime_rig_talk(RealtimeRig *self, guint ms);
void realtime_rig_push(RealtimeRig *self, GstBuffer *buffer, guint ms);
void realtime_rig_played(RealtimeRig *self, guint turn, guint ms, CordPlayoutState state);
void realtime_rig_result(RealtimeRig *self, const gchar *id, const gchar *json);
void realtime_rig_final_result(RealtimeRig *self, const gchar *id, const gchar *json);

/* The service */
void realtime_rig_upgrade(RealtimeRig *self);
void realtime_rig_refuse(RealtimeRig *self, const gchar *answer);
void realtime_rig_accept(RealtimeRig *self); /* up to session.updated */
gboolean realtime_rig_somebody_comes(RealtimeRig *self);
void realtime_rig_send(RealtimeRig *self, guint8 first, const void *payload, gsize length);
void realtime_rig_tell(RealtimeRig *self, const gchar *format, ...) G_GNUC_PRINTF(2, 3);
void realtime_rig_start_speech(RealtimeRig *self, const gchar *item);
void realtime_rig_stop_speech(RealtimeRig *self, const gchar *item, guint ms);
void realtime_rig_write_down(RealtimeRig *self, const gchar *item, const gchar *text);
void realtime_rig_respond(RealtimeRig *self, const gchar *response);
void realtime_rig_speak(RealtimeRig *self, const gchar *response, const gchar *item,
                        const gchar *text, guint ms);
void realtime_rig_call(RealtimeRig *self, const gchar *response, const gchar *id,
                       const gchar *name);
void realtime_rig_finish(RealtimeRig *self, const gchar *response, const gchar *status);

/* What came of it */
void realtime_rig_wait(RealtimeRig *self, const gchar *posted);
void realtime_rig_assert_got(RealtimeRig *self, const gchar *expected);
void realtime_rig_assert_came(RealtimeRig *self, const gchar *expected);
void realtime_rig_assert_posted(RealtimeRig *self, const gchar *expected);
void realtime_rig_forget(RealtimeRig *self);

G_END_DECLS
