/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-reply.h"
#include "gstllmtextgen-private.h"

/* What the session says, on the worker */

static void
push_preamble(GstLlmTextgen *self)
{
  if (self->need_caps) {
    g_autoptr(GstCaps) caps = gst_pad_get_pad_template_caps(self->src);

    gst_pad_push_event(self->src, gst_event_new_caps(caps));
    self->need_caps = FALSE;
  }
  if (self->need_segment) {
    gst_pad_push_event(self->src, gst_event_new_segment(&self->segment));
    self->need_segment = FALSE;
  }
}

static void
on_started(CordTurn *turn, gpointer data)
{
  GstLlmTextgen *self = data;
  guint number = cord_turn_get_number(turn);

  push_preamble(self);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, number));
  gst_pad_push_event(self->src,
                     cord_event_new(cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, number)));
}

static void
on_piece(CordTurn *turn, const gchar *text, GBytes *clip, gpointer data)
{
  GstLlmTextgen *self = data;
  GString *piece = g_string_new(text);
  GstBuffer *buffer;

  cord_element_post(
      GST_ELEMENT(self),
      cord_structure_new_turn_text(CORD_EVENT_RESPONSE_PIECE, cord_turn_get_number(turn), text));
  if (self->append_newline)
    g_string_append_c(piece, '\n');
  buffer = gst_buffer_new_wrapped(piece->str, piece->len);
  g_string_free(piece, FALSE);
  GST_BUFFER_PTS(buffer) = self->position;
  cord_buffer_set_turn(buffer, turn);
  if (clip)
    cord_buffer_set_reply(buffer, text, clip);
  push_preamble(self);
  gst_pad_push(self->src, buffer);
}

static void
on_finished(CordTurn *turn, const gchar *text, gpointer data)
{
  GstLlmTextgen *self = data;
  GstStructure *structure =
      cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED, cord_turn_get_number(turn), text);
  gint64 input, output;

  llm_session_get_usage(self->session, &input, &output);
  if (input > self->told_input || output > self->told_output)
    cord_structure_set_tokens(structure, input - self->told_input, output - self->told_output);
  self->told_input = input;
  self->told_output = output;
  cord_element_post(GST_ELEMENT(self), gst_structure_copy(structure));
  gst_pad_push_event(self->src, cord_event_new(structure));
}

static void
on_heard(guint turn, const gchar *text, const gchar *full_text, gboolean interrupted, gpointer data)
{
  cord_element_post(GST_ELEMENT(data),
                    cord_structure_new_heard(turn, text, full_text, interrupted));
}

static void
on_tool_call(guint turn, const gchar *id, const gchar *name, const gchar *arguments, gpointer data)
{
  cord_element_post(GST_ELEMENT(data), cord_structure_new_tool_call(turn, id, name, arguments));
}

static void
on_problem(const GError *error, gpointer data)
{
  cord_element_post_warning(GST_ELEMENT(data), error);
}

static void
on_failover(const gchar *from, const gchar *to, const gchar *reason, gpointer data)
{
  cord_element_post(GST_ELEMENT(data), cord_structure_new_failover(from, to, reason));
}

static void
on_idle(gpointer data)
{
  GstLlmTextgen *self = data;

  if (self->eos)
    gst_pad_push_event(self->src, g_steal_pointer(&self->eos));
}

const LlmSessionFuncs gst_llm_textgen_session_funcs = {
  on_started, on_piece, on_finished, on_heard, on_tool_call, on_problem, on_failover, on_idle,
};

/* Streaming, on the worker */

static GstFlowReturn
take_buffer(GstLlmTextgen *self, GstBuffer *taken)
{
  g_autoptr(GstBuffer) buffer = taken;
  g_autofree gchar *said = cord_buffer_dup_text(buffer);
  g_autoptr(CordTurn) turn = cord_buffer_get_turn(buffer);
  gint64 continues = -1;
  const gchar *reply;
  GBytes *clip;

  turn = turn ? cord_turn_ref(turn) : cord_turn_new(++self->own_turns);
  if (GST_BUFFER_PTS_IS_VALID(buffer))
    self->position = GST_BUFFER_PTS(buffer) +
                     (GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0);
  cord_buffer_get_reply(buffer, &reply, &clip);
  if (*said == '\0' && reply == NULL)
    return GST_FLOW_OK;
  if (self->continues_turn == (gint64)cord_turn_get_number(turn))
    continues = self->continues;
  self->continues_turn = -1;
  if (reply)
    llm_session_reply(self->session, turn, said, continues, reply, clip);
  else
    llm_session_answer(self->session, turn, said, continues);
  return GST_FLOW_OK;
}

static void
greet(GstLlmTextgen *self)
{
  g_autofree gchar *greeting = NULL;
  g_autoptr(CordTurn) turn = NULL;

  if (self->greeted)
    return;
  self->greeted = TRUE;
  GST_OBJECT_LOCK(self);
  greeting = g_strdup(self->greeting);
  GST_OBJECT_UNLOCK(self);
  if (greeting == NULL || *greeting == '\0')
    return;
  turn = cord_turn_new(0);
  cord_turn_stamp(turn, CORD_TURN_STAMP_TURN_END, cord_worker_get_time(self->worker));
  llm_session_say(self->session, turn, greeting);
}

static void
take_event(GstLlmTextgen *self, GstEvent *event)
{
  guint continues;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS:
    gst_event_unref(event);
    return;
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment(event, &self->segment);
    if (self->segment.format != GST_FORMAT_TIME)
      gst_segment_init(&self->segment, GST_FORMAT_TIME);
    gst_event_unref(event);
    self->need_segment = TRUE;
    push_preamble(self);
    greet(self);
    return;
  case GST_EVENT_GAP:
    gst_event_unref(event);
    return;
  case GST_EVENT_EOS:
    gst_clear_event(&self->eos);
    self->eos = event;
    if (!llm_session_is_busy(self->session))
      on_idle(self);
    return;
  default:
    break;
  }
  if (cord_event_is(event, CORD_EVENT_TURN_STARTED) &&
      cord_structure_get_continues(gst_event_get_structure(event), &continues)) {
    self->continues_turn = cord_structure_get_turn(gst_event_get_structure(event));
    self->continues = continues;
  }
  gst_pad_push_event(self->src, event);
}

GstFlowReturn
gst_llm_textgen_on_object(GstMiniObject *object, gpointer data)
{
  if (GST_IS_BUFFER(object))
    return take_buffer(data, GST_BUFFER_CAST(object));
  take_event(data, GST_EVENT_CAST(object));
  return GST_FLOW_OK;
}

GstFlowReturn
gst_llm_textgen_sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return cord_inbox_push(GST_LLM_TEXTGEN(parent)->inbox, GST_MINI_OBJECT_CAST(buffer));
}

static void
run_interrupt(gpointer data)
{
  GstLlmTextgen *self = data;

  llm_session_interrupt(self->session);
  gst_clear_event(&self->eos);
  self->need_segment = TRUE;
}

static void
run_settle(gpointer data)
{
  llm_session_settle(((GstLlmTextgen *)data)->session);
}

gboolean
gst_llm_textgen_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstLlmTextgen *self = GST_LLM_TEXTGEN(parent);
  gboolean pushed;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    cord_inbox_set_flushing(self->inbox, TRUE);
    if (cord_worker_is_current(self->worker))
      run_interrupt(self);
    return gst_pad_push_event(self->src, event);
  case GST_EVENT_FLUSH_STOP:
    if (!cord_worker_is_current(self->worker))
      cord_worker_call(self->worker, run_interrupt, self);
    cord_inbox_set_flushing(self->inbox, FALSE);
    /* the sink tells what was heard while it handles this */
    pushed = gst_pad_push_event(self->src, event);
    cord_worker_call(self->worker, run_settle, self);
    return pushed;
  case GST_EVENT_STREAM_START:
    return gst_pad_push_event(self->src, event);
  default:
    break;
  }
  if (GST_EVENT_IS_SERIALIZED(event))
    return cord_inbox_push(self->inbox, GST_MINI_OBJECT_CAST(event)) == GST_FLOW_OK;
  return gst_pad_event_default(pad, parent, event);
}

typedef struct {
  GstLlmTextgen *self;
  CordPlayout playout;
} Playout;

static void
run_playout(gpointer data)
{
  Playout *playout = data;

  if (playout->self->session)
    llm_session_playout(playout->self->session, &playout->playout);
}

static void
free_playout(gpointer data)
{
  gst_object_unref(((Playout *)data)->self);
  g_free(data);
}

gboolean
gst_llm_textgen_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstLlmTextgen *self = GST_LLM_TEXTGEN(parent);
  CordPlayout playout;

  if (cord_event_is(event, CORD_EVENT_PLAYOUT) &&
      cord_structure_get_playout(gst_event_get_structure(event), &playout)) {
    if (cord_worker_is_current(self->worker)) {
      if (self->session)
        llm_session_playout(self->session, &playout);
    } else {
      Playout *posted = g_new0(Playout, 1);

      posted->self = gst_object_ref(self);
      posted->playout = playout;
      cord_worker_post(self->worker, run_playout, posted, free_playout);
    }
  }
  return gst_pad_event_default(pad, parent, event);
}
