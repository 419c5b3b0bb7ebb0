/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-chat.h"
#include "sim-ear.h"

G_BEGIN_DECLS

/* Inside of OpenAI's Realtime: what it hears (sim-openai-realtime.c), how it is set up
 * (sim-realtime-session.c), the conversation (sim-realtime-item.c) and what is answered
 * (sim-realtime-answer.c). */

/* Of the conversation */
typedef struct {
  gchar *id;
  const gchar *type; /* "message", "function_call", "function_call_output" */
  gchar *role;       /* of a message */
  gchar *text;       /* said, written, arguments or output */
  gboolean audio;    /* it was spoken */
  guint ms;          /* of audio */
  gchar *call_id;
  gchar *name;        /* of a function */
  const gchar *state; /* "in_progress", "completed", "incomplete" */
} SimItem;

/* An answer under way */
typedef struct {
  gchar *id;
  gboolean spoken; /* else written */
  SimReply *reply;
  GQueue words;       /* gchar */
  GPtrArray *outputs; /* SimItem, of the conversation */
  SimItem *message;   /* that is being said */
  guint tools;        /* called so far */
} SimAnswer;

typedef struct {
  SimSocket *socket;
  SimServer *server;
  SimEar ear;
  gboolean beta;
  gchar *conversation;
  JsonObject *session; /* as session.updated says it */
  GPtrArray *items;    /* SimItem */

  guint buffered;    /* ms of audio since the last commit */
  gchar *input_item; /* of the speech that was announced, or NULL */
  guint quiet;       /* ms since anybody spoke */

  SimAnswer *answer;
  guint answers;   /* so far; those that wait know theirs */
  gboolean voiced; /* the voice cannot be changed any more */
} SimRealtime;

/* @members: of the event, with a comma between two */
void sim_realtime_tell(SimRealtime *self, const gchar *type, const gchar *members);
gboolean sim_realtime_is_mulaw(SimRealtime *self, gboolean input);
void sim_realtime_refuse(SimRealtime *self, JsonObject *message, const gchar *code,
                         const gchar *param, const gchar *text);

/* What stands in the session at "audio.output.voice" and the like */
JsonNode *sim_realtime_setting(SimRealtime *self, const gchar *ga, const gchar *beta);
JsonObject *sim_realtime_setting_object(SimRealtime *self, const gchar *ga, const gchar *beta);
JsonObject *sim_realtime_first_session(SimRealtime *self);
void sim_realtime_read_session(SimRealtime *self);
void sim_realtime_tell_session(SimRealtime *self, const gchar *type);
void sim_realtime_update_session(SimRealtime *self, JsonObject *message);

SimItem *sim_realtime_add_item(SimRealtime *self, const gchar *id, const gchar *type,
                               const gchar *role, const gchar *text);
SimItem *sim_realtime_find_item(SimRealtime *self, const gchar *id);
gchar *sim_realtime_print_item(SimRealtime *self, const SimItem *item);
/* conversation.item.added, .done or .created */
void sim_realtime_tell_item(SimRealtime *self, const SimItem *item, gboolean done);
void sim_realtime_item_free(gpointer data);
void sim_realtime_create_item(SimRealtime *self, JsonObject *message);
void sim_realtime_delete_item(SimRealtime *self, JsonObject *message);
void sim_realtime_retrieve_item(SimRealtime *self, JsonObject *message);
void sim_realtime_truncate_item(SimRealtime *self, JsonObject *message);

/* @message: (nullable): response.create; NULL: the caller has said something */
void sim_realtime_respond(SimRealtime *self, JsonObject *message);
void sim_realtime_cancel(SimRealtime *self, const gchar *reason);
void sim_realtime_answer_free(SimAnswer *answer);

G_END_DECLS
