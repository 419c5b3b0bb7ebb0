/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call.h"

G_BEGIN_DECLS

/* What the files of a call share: its life, what is made of its pipeline's messages, its apology.
 * All of it on the call's worker. */

typedef enum {
  CORD_CALL_PREPARED,    /* no stream yet */
  CORD_CALL_WAITING,     /* for the carrier's start and its token */
  CORD_CALL_RUNNING,     /* the agent has it */
  CORD_CALL_APOLOGIZING, /* a recording has it; then it ends */
  CORD_CALL_ENDING,      /* no more messages are read */
  CORD_CALL_ENDED,
} CordCallPhase;

typedef struct _CordCallLevels CordCallLevels;

struct _CordCall {
  GObject parent_instance;

  CordWorker *worker;
  CordPipelines *pipelines;
  CordApology *apology;
  CordJournal *journal;
  CordCallOwner owner;
  gpointer owner_data;

  CordCallPhase phase;
  CordLeg leg;
  CordAdmission *expected;  /* whose call it is to be; NULL: its token tells */
  CordAdmission *admission; /* whose call it is */
  gchar *session;
  GstElement *pipeline;
  GstElement *source;
  GstElement *rest; /* all behind the source */
  GError *failure;  /* why there is no rest that could be used */
  CordWebsocket *websocket;
  GstClockTime started;
  const gchar *status;
  gchar *end_reason;
  GString *answer; /* what a browser has been told of the answer that is coming */
  guint answer_turn;
  const gchar *state;     /* as those who follow the call see it; NULL: none yet */
  gboolean voice_watched; /* the agent's next sound will be noticed */
  CordCallLevels *levels; /* while somebody looks */
  gchar *media;           /* what its media have come to, once it is over */
  gchar *expected_end;    /* what it is called when the other side ends it; NULL: what that says */
  gint goodbye_turn;      /* hang up when this turn was heard; -1: none */
  CordTimer *goodbye;
  guint lost;            /* what services have failed to do, since the agent was last heard */
  gboolean model_failed; /* the model, in this turn */
  guint model_failures;  /* turns in a row */
  gboolean voice_heard;  /* the agent has been heard at all */
};

#define cord_call_log(self, level, ...)                                                            \
  g_log_structured("calls", level, "CALL_ID",                                                      \
                   (self)->admission  ? (self)->admission->call_id                                 \
                   : (self)->expected ? (self)->expected->call_id                                  \
                                      : "-",                                                       \
                   "CALL_SID",                                                                     \
                   (self)->admission  ? (self)->admission->call_sid                                \
                   : (self)->expected ? (self)->expected->call_sid                                 \
                                      : "-",                                                       \
                   "MESSAGE", __VA_ARGS__)

/* Ends the call for a reason; the first reason stands. What follows is posted. */
void cord_call_end(CordCall *self, const gchar *status, const gchar *reason);

/* An element's message in a call that runs */
void cord_call_tell(CordCall *self, const GstStructure *structure);

/* The same to the page of a browser */
void cord_call_tell_browser(CordCall *self, const GstStructure *structure);
void cord_call_tell_browser_tool(CordCall *self, const gchar *name, const gchar *arguments,
                                 const gchar *result);

/* What it shows of itself; cord-call-signs.c */
void cord_call_show_state(CordCall *self, const GstStructure *structure);
gchar *cord_call_describe_media(CordCall *self);
void cord_call_levels_free(CordCallLevels *self);

/* The model could not answer */
void cord_call_note_model_failure(CordCall *self, const GError *error);

/* Says by a recording that it cannot go on, and hangs up */
void cord_call_apologize(CordCall *self, const gchar *reason);

G_END_DECLS
