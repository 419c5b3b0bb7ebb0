/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "gstopenairealtime-private.h"

/* What openairealtime answers, what was heard of it, and what the model wants done meanwhile. */

#define KEPT_TEXTS 40 /* roles and texts that a new connection is told */

static void
free_part(gpointer data)
{
  g_free(((Part *)data)->id);
  g_free(data);
}

void
gst_openai_realtime_free_answer(gpointer data)
{
  Answer *answer = data;

  cord_turn_unref(answer->turn);
  g_free(answer->response);
  g_ptr_array_unref(answer->parts);
  g_string_free(answer->text, TRUE);
  g_free(answer);
}

void
gst_openai_realtime_free_call(gpointer data)
{
  Call *call = data;

  realtime_call_free(call->call);
  g_free(call->result);
  g_free(call);
}

void
gst_openai_realtime_remember(GstOpenaiRealtime *self, const gchar *role, const gchar *text)
{
  if (!text || !*text)
    return;
  g_queue_push_tail(&self->said, g_strdup(role));
  g_queue_push_tail(&self->said, g_strdup(text));
  while (self->said.length > KEPT_TEXTS)
    g_free(g_queue_pop_head(&self->said));
}

/* The one that more may be said of */
Answer *
gst_openai_realtime_get_answer(GstOpenaiRealtime *self)
{
  Answer *answer = g_queue_peek_tail(&self->answers);

  return answer && !answer->complete && !answer->cut ? answer : NULL;
}

static Answer *
find_turn(GstOpenaiRealtime *self, guint turn)
{
  for (GList *link = self->answers.head; link; link = link->next)
    if (cord_turn_get_number(((Answer *)link->data)->turn) == turn)
      return link->data;
  return NULL;
}

static void
drop_answer(GstOpenaiRealtime *self, Answer *answer)
{
  g_queue_remove(&self->answers, answer);
  gst_openai_realtime_free_answer(answer);
}

/* Of what the model says unasked, each has a turn of its own: nobody could tell them apart. */
static CordTurn *
take_turn(GstOpenaiRealtime *self)
{
  if (self->next_turn)
    return g_steal_pointer(&self->next_turn);
  if (self->answered == (gint64)self->turns)
    self->turns++;
  return cord_turn_new(self->turns);
}

void
gst_openai_realtime_begin_answer(GstOpenaiRealtime *self, const gchar *response)
{
  Answer *answer = gst_openai_realtime_get_answer(self);
  guint number;

  if (answer && answer->continues) {
    g_free(answer->response);
    answer->response = g_strdup(response);
    answer->continues = FALSE;
    if (answer->text->len > 0 && answer->text->str[answer->text->len - 1] != ' ')
      g_string_append_c(answer->text, ' ');
    return;
  }
  if (answer)
    gst_openai_realtime_finish_answer(self, answer);
  answer = g_new0(Answer, 1);
  answer->turn = take_turn(self);
  answer->response = g_strdup(response);
  answer->parts = g_ptr_array_new_with_free_func(free_part);
  answer->text = g_string_new(NULL);
  answer->start = GST_CLOCK_TIME_NONE;
  g_queue_push_tail(&self->answers, answer);
  number = cord_turn_get_number(answer->turn);
  self->answered = number;
  cord_turn_stamp(answer->turn, CORD_TURN_STAMP_LLM_REQUEST, cord_worker_get_time(self->worker));
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, number));
  gst_openai_realtime_push_event(
      self, cord_event_new(cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, number)));
}

/* Without audio there is nothing that anybody could hear. */
void
gst_openai_realtime_finish_answer(GstOpenaiRealtime *self, Answer *answer)
{
  guint number = cord_turn_get_number(answer->turn);

  answer->complete = TRUE;
  cord_element_post(GST_ELEMENT(self), cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED,
                                                                    number, answer->text->str));
  gst_openai_realtime_push_event(
      self, cord_event_new(cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED, number,
                                                        answer->text->str)));
  if (answer->bytes == 0)
    drop_answer(self, answer);
}

/* What was heard */

static gdouble
bytes_per_second(const GstOpenaiRealtime *self)
{
  return self->settings.mulaw_out ? 8000 : 48000;
}

/* Whole words of the text that fit into the share of the audio that was heard. */
static gchar *
heard_text(const Answer *answer, gdouble share)
{
  gsize length = (gsize)((gdouble)answer->text->len * CLAMP(share, 0, 1));
  const gchar *text = answer->text->str;

  if (length >= answer->text->len)
    return g_strdup(text);
  while (length > 0 && text[length] != ' ')
    length--;
  return g_strndup(text, length);
}

/* More than there is must not be asked for. */
static void
truncate_parts(GstOpenaiRealtime *self, const Answer *answer, gdouble heard)
{
  for (guint i = 0; i < answer->parts->len; i++) {
    const Part *part = answer->parts->pdata[i];
    gdouble length = (gdouble)part->bytes / bytes_per_second(self);
    gdouble share = CLAMP(heard, 0, length);

    heard -= length;
    if (share < length && part->id)
      gst_openai_realtime_send(self, realtime_truncate(part->id, (guint64)(share * 1000)));
  }
}

/**
 * Playout is over, or was cut: the record and the model's memory hold what was heard.
 */
static void
settle(GstOpenaiRealtime *self, Answer *answer, GstClockTime position, gboolean cut)
{
  gdouble seconds = (gdouble)position / GST_SECOND;
  gdouble length = (gdouble)answer->bytes / bytes_per_second(self);
  g_autofree gchar *heard =
      cut ? heard_text(answer, length > 0 ? seconds / length : 0) : g_strdup(answer->text->str);

  if (cut)
    truncate_parts(self, answer, seconds);
  gst_openai_realtime_remember(self, "assistant", heard);
  cord_element_post(GST_ELEMENT(self), cord_structure_new_heard(cord_turn_get_number(answer->turn),
                                                                heard, answer->text->str, cut));
  drop_answer(self, answer);
}

void
gst_openai_realtime_take_playout(GstOpenaiRealtime *self, const CordPlayout *playout)
{
  Answer *answer = find_turn(self, playout->turn);

  self->reports = TRUE;
  if (answer && playout->state != CORD_PLAYOUT_PLAYING)
    settle(self, answer, playout->position, playout->state == CORD_PLAYOUT_INTERRUPTED);
}

/* Where nobody tells what was heard, audio is heard when it comes. */
static void
settle_unreported(GstOpenaiRealtime *self, Answer *answer)
{
  GstClockTime length =
      (GstClockTime)((gdouble)answer->bytes / bytes_per_second(self) * GST_SECOND);
  GstClockTime heard = 0;

  if (!self->reports && self->running > answer->start)
    heard = self->running - answer->start;
  settle(self, answer, MIN(heard, length), !answer->complete || heard < length);
}

/* The caller speaks: nothing of what he has not heard yet is to be heard any more. */
void
gst_openai_realtime_interrupt(GstOpenaiRealtime *self)
{
  Answer *answer = gst_openai_realtime_get_answer(self);

  if (answer && answer->bytes == 0) {
    cord_element_post(
        GST_ELEMENT(self),
        cord_structure_new_heard(cord_turn_get_number(answer->turn), "", answer->text->str, TRUE));
    gst_openai_realtime_finish_answer(self, answer);
  }
  if (g_queue_is_empty(&self->answers))
    return;
  for (GList *link = self->answers.head; link; link = link->next)
    ((Answer *)link->data)->cut = TRUE;
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn(CORD_EVENT_INTERRUPTED, (guint)self->answered));
  /* the sink tells what was heard while it handles this */
  gst_openai_realtime_flush(self);
  while (!g_queue_is_empty(&self->answers))
    settle_unreported(self, g_queue_peek_head(&self->answers));
}

/* Functions */

static Call *
find_call(GstOpenaiRealtime *self, const gchar *id)
{
  for (guint i = 0; i < self->calls->len; i++) {
    Call *call = self->calls->pdata[i];

    if (g_strcmp0(call->call->id, id) == 0)
      return call;
  }
  return NULL;
}

/* Told of it twice: when it is complete, and when the answer is. */
void
gst_openai_realtime_take_call(GstOpenaiRealtime *self, const RealtimeCall *wanted)
{
  const Answer *answer = gst_openai_realtime_get_answer(self);
  Call *call;

  /* what a cut answer wanted nobody wants any more */
  if (!answer || find_call(self, wanted->id))
    return;
  call = g_new0(Call, 1);
  call->call = g_new0(RealtimeCall, 1);
  *call->call =
      (RealtimeCall){ g_strdup(wanted->id), g_strdup(wanted->name), g_strdup(wanted->arguments) };
  g_ptr_array_add(self->calls, call);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_tool_call(cord_turn_get_number(answer->turn), wanted->id,
                                                 wanted->name, wanted->arguments));
}

/* The model goes on when it has ended what it was saying and knows all results. While the caller
 * speaks, or is to be answered anyway, it is not asked to; nor when it has said all there is to
 * say.
 */
void
gst_openai_realtime_go_on(GstOpenaiRealtime *self)
{
  Answer *answer = gst_openai_realtime_get_answer(self);
  gboolean done = answer && answer->bytes > 0;

  if (self->responding || self->calls->len == 0 || !self->ready)
    return;
  for (guint i = 0; i < self->calls->len; i++)
    if (((Call *)self->calls->pdata[i])->result == NULL)
      return;
  for (guint i = 0; i < self->calls->len; i++) {
    const Call *call = self->calls->pdata[i];

    gst_openai_realtime_send(self, realtime_function_result(call->call->id, call->result));
    done = done && call->final;
  }
  g_ptr_array_set_size(self->calls, 0);
  if (!self->speaking && !self->expecting && !done) {
    self->expecting = TRUE;
    gst_openai_realtime_send(self, realtime_respond());
    gst_openai_realtime_watch(self);
  } else if (answer && answer->continues) {
    gst_openai_realtime_finish_answer(self, answer);
  }
}

void
gst_openai_realtime_take_result(GstOpenaiRealtime *self, const gchar *id, const gchar *result,
                                gboolean final)
{
  Call *call = find_call(self, id);

  if (call && call->result == NULL) {
    call->result = g_strdup(result);
    call->final = final;
  }
  gst_openai_realtime_go_on(self);
}
