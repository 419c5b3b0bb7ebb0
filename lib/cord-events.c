/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-events.h"

#include <string.h>

/* RFC 4733 event numbers are the index into this string. */
static const gchar dtmf_digits[] = "0123456789*#ABCD";

/**
 * cord_structure_new_speech:
 * @name: %CORD_EVENT_SPEECH_STARTED or %CORD_EVENT_SPEECH_STOPPED
 * @position: running time of the onset or the end of speech, ns
 *
 * Returns: (transfer full): the structure
 */
GstStructure *
cord_structure_new_speech(const gchar *name, GstClockTime position)
{
  return gst_structure_new(name, "position", G_TYPE_UINT64, position, NULL);
}

/**
 * cord_structure_new_speech_active:
 * @position: running time of the onset, ns
 * @duration: sound since then, pauses not counted, ns
 *
 * Returns: (transfer full): a %CORD_EVENT_SPEECH_ACTIVE structure
 */
GstStructure *
cord_structure_new_speech_active(GstClockTime position, GstClockTime duration)
{
  return gst_structure_new(CORD_EVENT_SPEECH_ACTIVE, "position", G_TYPE_UINT64, position,
                           "duration", G_TYPE_UINT64, duration, NULL);
}

/**
 * cord_structure_new_transcript:
 * @transcript: an interim or final transcript
 *
 * Returns: (transfer full): a %CORD_EVENT_TRANSCRIPT structure
 */
GstStructure *
cord_structure_new_transcript(CordTranscript *transcript)
{
  return gst_structure_new(CORD_EVENT_TRANSCRIPT, "text", G_TYPE_STRING,
                           cord_transcript_get_text(transcript), "final", G_TYPE_BOOLEAN,
                           cord_transcript_get_final(transcript), "transcript",
                           CORD_TYPE_TRANSCRIPT, transcript, NULL);
}

/**
 * cord_structure_new_dtmf:
 * @digit: one of 0 to 9, *, #, A to D
 *
 * A keypress as GStreamer's dtmf elements describe it, with the character as "digit" besides.
 *
 * Returns: (transfer full) (nullable): a %CORD_EVENT_DTMF structure, %NULL for another character
 */
GstStructure *
cord_structure_new_dtmf(gchar digit)
{
  const gchar *at = digit ? strchr(dtmf_digits, g_ascii_toupper(digit)) : NULL;
  gchar text[] = { g_ascii_toupper(digit), '\0' };

  if (at == NULL)
    return NULL;
  return gst_structure_new(CORD_EVENT_DTMF, "type", G_TYPE_INT, 1, "number", G_TYPE_INT,
                           (gint)(at - dtmf_digits), "method", G_TYPE_INT, 2, "digit",
                           G_TYPE_STRING, text, NULL);
}

/**
 * cord_structure_new_turn:
 * @name: one of the names that carry nothing but a turn
 * @turn: its number
 *
 * Returns: (transfer full): the structure
 */
GstStructure *
cord_structure_new_turn(const gchar *name, guint turn)
{
  return gst_structure_new(name, "turn", G_TYPE_UINT, turn, NULL);
}

/**
 * cord_structure_new_turn_started:
 * @turn: its number
 * @position: running time at which the caller began to speak, ns
 * @continues: the turn that this one takes up again, or -1
 *
 * A caller who speaks on before anything of the answer was heard has not taken a second turn: the
 * new turn's text then holds the text of turn @continues too and stands in its place.
 *
 * Returns: (transfer full): a %CORD_EVENT_TURN_STARTED structure
 */
GstStructure *
cord_structure_new_turn_started(guint turn, GstClockTime position, gint64 continues)
{
  GstStructure *structure = cord_structure_new_turn(CORD_EVENT_TURN_STARTED, turn);

  gst_structure_set(structure, "position", G_TYPE_UINT64, position, NULL);
  if (continues >= 0)
    gst_structure_set(structure, "continues", G_TYPE_UINT, (guint)continues, NULL);
  return structure;
}

/**
 * cord_structure_new_silence:
 * @turn: the turn in which the agent asks for the caller
 * @duration: how long nobody has said anything, ns
 *
 * Returns: (transfer full): a %CORD_EVENT_SILENCE structure
 */
GstStructure *
cord_structure_new_silence(guint turn, GstClockTime duration)
{
  GstStructure *structure = cord_structure_new_turn(CORD_EVENT_SILENCE, turn);

  gst_structure_set(structure, "duration", G_TYPE_UINT64, duration, NULL);
  return structure;
}

/**
 * cord_structure_new_turn_text:
 * @name: one of the names that carry a turn and a text
 * @turn: its number
 * @text: the text
 *
 * Returns: (transfer full): the structure
 */
GstStructure *
cord_structure_new_turn_text(const gchar *name, guint turn, const gchar *text)
{
  return gst_structure_new(name, "turn", G_TYPE_UINT, turn, "text", G_TYPE_STRING, text, NULL);
}

/**
 * cord_structure_set_tokens:
 * @structure: a %CORD_EVENT_RESPONSE_FINISHED structure
 * @input: tokens that the model read for the turn
 * @output: tokens that it wrote
 *
 * What the turn has cost, as the service counts; a structure without them cost nothing.
 */
void
cord_structure_set_tokens(GstStructure *structure, gint64 input, gint64 output)
{
  gst_structure_set(structure, "input-tokens", G_TYPE_INT64, input, "output-tokens", G_TYPE_INT64,
                    output, NULL);
}

/**
 * cord_structure_new_playout:
 * @playout: how far the playing of a turn has come
 *
 * Returns: (transfer full): a %CORD_EVENT_PLAYOUT structure
 */
GstStructure *
cord_structure_new_playout(const CordPlayout *playout)
{
  return gst_structure_new(CORD_EVENT_PLAYOUT, "turn", G_TYPE_UINT, playout->turn, "position",
                           G_TYPE_UINT64, playout->position, "sent", G_TYPE_UINT64, playout->sent,
                           "state", G_TYPE_INT, (gint)playout->state, "text-bytes", G_TYPE_INT64,
                           playout->text_bytes, NULL);
}

/**
 * cord_structure_new_heard:
 * @turn: the turn's number
 * @text: the part of the answer that the caller heard
 * @full_text: the whole answer
 * @interrupted: whether the caller cut it
 *
 * Returns: (transfer full): a %CORD_EVENT_HEARD structure
 */
GstStructure *
cord_structure_new_heard(guint turn, const gchar *text, const gchar *full_text,
                         gboolean interrupted)
{
  return gst_structure_new(CORD_EVENT_HEARD, "turn", G_TYPE_UINT, turn, "text", G_TYPE_STRING, text,
                           "full-text", G_TYPE_STRING, full_text, "interrupted", G_TYPE_BOOLEAN,
                           interrupted, NULL);
}

static const gchar *const service_states[] = {
  [CORD_SERVICE_UP] = "up",
  [CORD_SERVICE_DOWN] = "down",
  [CORD_SERVICE_LOST] = "lost",
  [CORD_SERVICE_FAILED] = "failed",
};

/**
 * cord_structure_new_service:
 * @service: what it is called, by rule the name of the element's factory
 * @state: how it is
 * @permanent: whether it will not get better by itself (a wrong key, no credit)
 * @reason: (nullable): why
 *
 * Returns: (transfer full): a %CORD_EVENT_SERVICE structure
 */
GstStructure *
cord_structure_new_service(const gchar *service, CordServiceState state, gboolean permanent,
                           const gchar *reason)
{
  return gst_structure_new(CORD_EVENT_SERVICE, "service", G_TYPE_STRING, service, "state",
                           G_TYPE_STRING, service_states[state], "permanent", G_TYPE_BOOLEAN,
                           permanent, "reason", G_TYPE_STRING, reason ? reason : "", NULL);
}

/**
 * cord_structure_get_service:
 * @structure: a %CORD_EVENT_SERVICE structure
 * @state: (out): how it is
 * @permanent: (out): whether it will not get better by itself
 *
 * Returns: whether it is one
 */
gboolean
cord_structure_get_service(const GstStructure *structure, CordServiceState *state,
                           gboolean *permanent)
{
  const gchar *name = gst_structure_get_string(structure, "state");

  for (guint i = 0; name && i < G_N_ELEMENTS(service_states); i++) {
    if (g_str_equal(name, service_states[i])) {
      *state = (CordServiceState)i;
      return gst_structure_get_boolean(structure, "permanent", permanent);
    }
  }
  return FALSE;
}

/**
 * cord_structure_new_failover:
 * @from: the service that was left
 * @to: the service that has taken over
 * @reason: why
 *
 * Returns: (transfer full): a %CORD_EVENT_FAILOVER structure
 */
GstStructure *
cord_structure_new_failover(const gchar *from, const gchar *to, const gchar *reason)
{
  return gst_structure_new(CORD_EVENT_FAILOVER, "from", G_TYPE_STRING, from, "to", G_TYPE_STRING,
                           to, "reason", G_TYPE_STRING, reason, NULL);
}

/**
 * cord_structure_new_tool_call:
 * @turn: the turn in which the model calls
 * @id: the call's id, to be given back with its result
 * @name: the tool
 * @arguments: a JSON object as text
 *
 * Returns: (transfer full): a %CORD_EVENT_TOOL_CALL structure
 */
GstStructure *
cord_structure_new_tool_call(guint turn, const gchar *id, const gchar *name, const gchar *arguments)
{
  return gst_structure_new(CORD_EVENT_TOOL_CALL, "turn", G_TYPE_UINT, turn, "id", G_TYPE_STRING, id,
                           "name", G_TYPE_STRING, name, "arguments", G_TYPE_STRING, arguments,
                           NULL);
}

/**
 * cord_structure_new_route:
 * @route: a turn that is answered by a recording
 *
 * Returns: (transfer full): a %CORD_EVENT_ROUTE structure
 */
GstStructure *
cord_structure_new_route(const CordRoute *route)
{
  return gst_structure_new(CORD_EVENT_ROUTE, "turn", G_TYPE_UINT, route->turn, "route",
                           G_TYPE_STRING, route->name, "score", G_TYPE_DOUBLE, route->score,
                           "hang-up", G_TYPE_BOOLEAN, route->hang_up, "duration", G_TYPE_UINT64,
                           route->duration, NULL);
}

/**
 * cord_event_new:
 * @structure: (transfer full): a structure of the vocabulary
 *
 * Returns: (transfer full): a serialized event that travels downstream in order with the data
 */
GstEvent *
cord_event_new(GstStructure *structure)
{
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, structure);
}

/**
 * cord_event_new_upstream:
 * @structure: (transfer full): a structure of the vocabulary
 *
 * Returns: (transfer full): an event that travels upstream
 */
GstEvent *
cord_event_new_upstream(GstStructure *structure)
{
  return gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure);
}

/**
 * cord_element_post:
 * @element: the element that knows the fact
 * @structure: (transfer full): a structure of the vocabulary
 *
 * Posts @structure as an element message. No lock may be held.
 */
void
cord_element_post(GstElement *element, GstStructure *structure)
{
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
}

/**
 * cord_element_post_service:
 * @element: an element
 * @state: how its service is
 * @permanent: whether it will not get better by itself
 * @error: (nullable): why
 *
 * Posts a %CORD_EVENT_SERVICE message with the name of the element's factory.
 */
void
cord_element_post_service(GstElement *element, CordServiceState state, gboolean permanent,
                          const GError *error)
{
  GstElementFactory *factory = gst_element_get_factory(element);
  const gchar *name = factory ? GST_OBJECT_NAME(factory) : G_OBJECT_TYPE_NAME(element);

  cord_element_post(
      element, cord_structure_new_service(name, state, permanent, error ? error->message : NULL));
}

/**
 * cord_event_is:
 * @event: any event
 * @name: a name of the vocabulary
 *
 * Returns: whether @event is that one
 */
gboolean
cord_event_is(GstEvent *event, const gchar *name)
{
  return (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM ||
          GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM_OOB ||
          GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM) &&
         gst_event_has_name(event, name);
}

/**
 * cord_structure_get_position:
 * @structure: a structure with a position
 *
 * Returns: the position in ns, or %GST_CLOCK_TIME_NONE
 */
GstClockTime
cord_structure_get_position(const GstStructure *structure)
{
  guint64 position;

  return gst_structure_get_uint64(structure, "position", &position) ? position
                                                                    : GST_CLOCK_TIME_NONE;
}

/**
 * cord_structure_get_duration:
 * @structure: a structure with a duration
 *
 * Returns: the duration in ns, 0 where there is none
 */
GstClockTime
cord_structure_get_duration(const GstStructure *structure)
{
  guint64 duration = 0;

  gst_structure_get_uint64(structure, "duration", &duration);
  return duration;
}

/**
 * cord_structure_get_turn:
 * @structure: a structure with a turn
 *
 * Returns: the turn's number, 0 where there is none
 */
guint
cord_structure_get_turn(const GstStructure *structure)
{
  guint turn = 0;

  gst_structure_get_uint(structure, "turn", &turn);
  return turn;
}

/**
 * cord_structure_get_continues:
 * @structure: a %CORD_EVENT_TURN_STARTED structure
 * @turn: (out): the turn that it takes up again
 *
 * Returns: whether it replaces an earlier turn
 */
gboolean
cord_structure_get_continues(const GstStructure *structure, guint *turn)
{
  return gst_structure_get_uint(structure, "continues", turn);
}

/**
 * cord_structure_get_transcript:
 * @structure: a %CORD_EVENT_TRANSCRIPT structure
 *
 * Returns: (transfer none) (nullable): its transcript
 */
CordTranscript *
cord_structure_get_transcript(const GstStructure *structure)
{
  const GValue *value = gst_structure_get_value(structure, "transcript");

  return value && G_VALUE_HOLDS(value, CORD_TYPE_TRANSCRIPT) ? g_value_get_boxed(value) : NULL;
}

/**
 * cord_structure_get_digit:
 * @structure: a %CORD_EVENT_DTMF structure, also of GStreamer's own dtmf elements
 *
 * Returns: the key, or 0
 */
gchar
cord_structure_get_digit(const GstStructure *structure)
{
  gint number;

  if (!gst_structure_get_int(structure, "number", &number) || number < 0 ||
      number >= (gint)strlen(dtmf_digits))
    return 0;
  return dtmf_digits[number];
}

/**
 * cord_structure_get_route:
 * @structure: a structure
 * @route: (out caller-allocates): where to put it; its name lives as long as @structure
 *
 * Returns: whether @structure is a complete %CORD_EVENT_ROUTE
 */
gboolean
cord_structure_get_route(const GstStructure *structure, CordRoute *route)
{
  if (!gst_structure_has_name(structure, CORD_EVENT_ROUTE))
    return FALSE;
  route->name = gst_structure_get_string(structure, "route");
  return route->name && gst_structure_get_uint(structure, "turn", &route->turn) &&
         gst_structure_get_double(structure, "score", &route->score) &&
         gst_structure_get_boolean(structure, "hang-up", &route->hang_up) &&
         gst_structure_get_uint64(structure, "duration", &route->duration);
}

/**
 * cord_structure_get_playout:
 * @structure: a structure
 * @playout: (out caller-allocates): where to put it
 *
 * Returns: whether @structure is a complete %CORD_EVENT_PLAYOUT
 */
gboolean
cord_structure_get_playout(const GstStructure *structure, CordPlayout *playout)
{
  gint state;

  if (!gst_structure_has_name(structure, CORD_EVENT_PLAYOUT) ||
      !gst_structure_get_uint(structure, "turn", &playout->turn) ||
      !gst_structure_get_uint64(structure, "position", &playout->position) ||
      !gst_structure_get_uint64(structure, "sent", &playout->sent) ||
      !gst_structure_get_int(structure, "state", &state) ||
      !gst_structure_get_int64(structure, "text-bytes", &playout->text_bytes))
    return FALSE;
  playout->state = (CordPlayoutState)state;
  return state >= CORD_PLAYOUT_PLAYING && state <= CORD_PLAYOUT_INTERRUPTED;
}
