/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-transcript.h"
#include "cord-turn.h"

G_BEGIN_DECLS

/*
 * The vocabulary: what is not data. Every fact is one GstStructure with the same name and fields,
 * whether it travels as an event between elements or as an element message on the bus. Times are
 * GstClockTime in ns. Downstream events are serialized. "position" in an event about the caller is
 * a running time, in an event about the agent's audio it is the time played since the turn's first
 * frame.
 *
 * name                         direction   message  fields
 * cordboard/speech-started     downstream  yes      position
 * cordboard/speech-active      downstream  no       position, duration
 * cordboard/speech-stopped     downstream  yes      position
 * cordboard/transcript         downstream  yes      transcript (boxed), text, final
 * dtmf-event                   downstream  yes      type=1, number, method=2, digit
 * cordboard/turn-started       downstream  yes      turn, position, continues
 * cordboard/turn-ended         -           yes      turn, text, reason
 * cordboard/interrupted        -           yes      turn
 * cordboard/silence            -           yes      turn, duration
 * cordboard/response-started   downstream  yes      turn
 * cordboard/response-piece     -           yes      turn, text
 * cordboard/response-finished  downstream  yes      turn, text, input-tokens, output-tokens
 * cordboard/playout            upstream    yes      turn, position, sent, state, text-bytes
 * cordboard/heard              -           yes      turn, text, full-text, interrupted
 * cordboard/turn-metrics       -           yes      turn and the stamps of CordTurn
 * cordboard/tool-call          -           yes      turn, id, name, arguments
 * cordboard/route              -           yes      turn, route, score, hang-up, duration
 * cordboard/service            -           yes      service, state, permanent, reason
 * cordboard/failover           -           yes      from, to, reason
 * cordboard/call-started       -           yes      call-sid, stream-sid, account-sid, parameters
 * cordboard/call-stopped       -           yes      reason
 *
 * "duration" is how much of the speech since "position" was sound; it comes several times a second.
 * That of a silence is how long nobody said anything; in its turn the agent asks for the caller.
 * "continues" is there only where a turn takes up one that the agent had not begun to answer.
 */

#define CORD_EVENT_SPEECH_STARTED "cordboard/speech-started"
#define CORD_EVENT_SPEECH_ACTIVE "cordboard/speech-active"
#define CORD_EVENT_SPEECH_STOPPED "cordboard/speech-stopped"
#define CORD_EVENT_TRANSCRIPT "cordboard/transcript"
#define CORD_EVENT_DTMF "dtmf-event"
#define CORD_EVENT_TURN_STARTED "cordboard/turn-started"
#define CORD_EVENT_TURN_ENDED "cordboard/turn-ended"
#define CORD_EVENT_INTERRUPTED "cordboard/interrupted"
#define CORD_EVENT_SILENCE "cordboard/silence"
#define CORD_EVENT_RESPONSE_STARTED "cordboard/response-started"
#define CORD_EVENT_RESPONSE_PIECE "cordboard/response-piece"
#define CORD_EVENT_RESPONSE_FINISHED "cordboard/response-finished"
#define CORD_EVENT_PLAYOUT "cordboard/playout"
#define CORD_EVENT_HEARD "cordboard/heard"
#define CORD_EVENT_TURN_METRICS "cordboard/turn-metrics"
#define CORD_EVENT_TOOL_CALL "cordboard/tool-call"
#define CORD_EVENT_ROUTE "cordboard/route"
#define CORD_EVENT_SERVICE "cordboard/service"
#define CORD_EVENT_FAILOVER "cordboard/failover"
#define CORD_EVENT_CALL_STARTED "cordboard/call-started"
#define CORD_EVENT_CALL_STOPPED "cordboard/call-stopped"

/**
 * CORD_QUERY_VOICE_ACTIVITY:
 *
 * The name of a custom query that goes upstream: it is answered by an element that sends
 * speech-started and speech-stopped.
 */
#define CORD_QUERY_VOICE_ACTIVITY "cordboard-voice-activity"

/**
 * CordPlayoutState:
 * @CORD_PLAYOUT_PLAYING: audio of the turn is on its way; position is what was played so far
 * @CORD_PLAYOUT_DONE: the carrier acknowledged the turn's last frame
 * @CORD_PLAYOUT_INTERRUPTED: a flush cut the turn; position is what was played until then
 *
 * How far the playing of a turn has come. Exactly one of the last two ends each turn that had
 * audio.
 */
typedef enum {
  CORD_PLAYOUT_PLAYING,
  CORD_PLAYOUT_DONE,
  CORD_PLAYOUT_INTERRUPTED,
} CordPlayoutState;

/**
 * CordServiceState:
 * @CORD_SERVICE_UP: the service is there
 * @CORD_SERVICE_DOWN: it is not, and is being tried again
 * @CORD_SERVICE_LOST: what it was asked for has come to nothing, though it may do the next
 * @CORD_SERVICE_FAILED: it is not, and is not tried again by itself
 *
 * How an element's service is. Posted by the element when it changes; whoever has another service
 * to go to listens.
 */
typedef enum {
  CORD_SERVICE_UP,
  CORD_SERVICE_DOWN,
  CORD_SERVICE_LOST,
  CORD_SERVICE_FAILED,
} CordServiceState;

/**
 * CordPlayout:
 * @turn: the turn's number
 * @position: audio of this turn that the caller has heard, ns
 * @sent: audio of this turn that was handed to the carrier, ns
 * @state: how far it has come
 * @text_bytes: length in bytes of the turn's text that was heard, or -1 until the voice element has
 *   filled it in on the event's way upstream
 *
 * What cord_event_parse_playout() reads.
 */
typedef struct {
  guint turn;
  GstClockTime position;
  GstClockTime sent;
  CordPlayoutState state;
  gint64 text_bytes;
} CordPlayout;

/**
 * CordRoute:
 * @turn: the number of the turn that takes it
 * @name: which route
 * @score: how much what was said is like it, from 0 to 1
 * @hang_up: whether the call ends when its recording was heard
 * @duration: of the recording, ns
 *
 * A turn that is answered by a recording; what cord_structure_get_route() reads.
 */
typedef struct {
  guint turn;
  const gchar *name;
  gdouble score;
  gboolean hang_up;
  GstClockTime duration;
} CordRoute;

/* Structures, one builder each */
GstStructure *cord_structure_new_speech(const gchar *name, GstClockTime position);
GstStructure *cord_structure_new_speech_active(GstClockTime position, GstClockTime duration);
GstStructure *cord_structure_new_transcript(CordTranscript *transcript);
GstStructure *cord_structure_new_dtmf(gchar digit);
GstStructure *cord_structure_new_turn(const gchar *name, guint turn);
GstStructure *cord_structure_new_turn_started(guint turn, GstClockTime position, gint64 continues);
GstStructure *cord_structure_new_turn_text(const gchar *name, guint turn, const gchar *text);
GstStructure *cord_structure_new_silence(guint turn, GstClockTime duration);
void cord_structure_set_tokens(GstStructure *structure, gint64 input, gint64 output);
GstStructure *cord_structure_new_playout(const CordPlayout *playout);
GstStructure *cord_structure_new_heard(guint turn, const gchar *text, const gchar *full_text,
                                       gboolean interrupted);
GstStructure *cord_structure_new_tool_call(guint turn, const gchar *id, const gchar *name,
                                           const gchar *arguments);
GstStructure *cord_structure_new_route(const CordRoute *route);
GstStructure *cord_structure_new_service(const gchar *service, CordServiceState state,
                                         gboolean permanent, const gchar *reason);
GstStructure *cord_structure_new_failover(const gchar *from, const gchar *to, const gchar *reason);

/* The same structure as event or message; each takes the structure */
GstEvent *cord_event_new(GstStructure *structure);
GstEvent *cord_event_new_upstream(GstStructure *structure);
void cord_element_post(GstElement *element, GstStructure *structure);
void cord_element_post_service(GstElement *element, CordServiceState state, gboolean permanent,
                               const GError *error);

/* Reading */
gboolean cord_event_is(GstEvent *event, const gchar *name);
GstClockTime cord_structure_get_position(const GstStructure *structure);
GstClockTime cord_structure_get_duration(const GstStructure *structure);
guint cord_structure_get_turn(const GstStructure *structure);
gboolean cord_structure_get_continues(const GstStructure *structure, guint *turn);
CordTranscript *cord_structure_get_transcript(const GstStructure *structure);
gchar cord_structure_get_digit(const GstStructure *structure);
gboolean cord_structure_get_playout(const GstStructure *structure, CordPlayout *playout);
gboolean cord_structure_get_route(const GstStructure *structure, CordRoute *route);
gboolean cord_structure_get_service(const GstStructure *structure, CordServiceState *state,
                                    gboolean *permanent);

G_END_DECLS
