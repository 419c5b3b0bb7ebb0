/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "gstopenairealtime-private.h"

GST_DEBUG_CATEGORY_EXTERN(openairealtime_debug);
#define GST_CAT_DEFAULT openairealtime_debug

#define MAX_MESSAGE (4 * 1024 * 1024)
#define MAX_WAITING (10 * 8000) /* bytes: ten seconds of mu-law */
#define KEPT_TEXTS 40           /* roles and texts that a new connection is told */

void
gst_openai_realtime_free_answer(gpointer data)
{
  Answer *answer = data;

  cord_turn_unref(answer->turn);
  g_free(answer->item);
  g_free(answer->response);
  g_string_free(answer->text, TRUE);
  g_free(answer);
}

void
gst_openai_realtime_free_call(gpointer data)
{
  Call *call = data;

  g_free(call->id);
  g_free(call->result);
  g_free(call);
}

static void
send_text(GstOpenaiRealtime *self, gchar *text)
{
  if (self->service)
    cord_service_socket_send(self->service, text);
  g_free(text);
}

static void
remember(GstOpenaiRealtime *self, const gchar *role, const gchar *text)
{
  if (!text || !*text)
    return;
  g_queue_push_tail(&self->said, g_strdup(role));
  g_queue_push_tail(&self->said, g_strdup(text));
  while (self->said.length > KEPT_TEXTS)
    g_free(g_queue_pop_head(&self->said));
}

/* Audio to the service */

void
gst_openai_realtime_send_audio(GstOpenaiRealtime *self, const guint8 *audio, gsize size)
{
  if (self->ready) {
    send_text(self, realtime_append(audio, size));
    return;
  }
  g_queue_push_tail(&self->waiting, g_bytes_new(audio, size));
  self->waiting_bytes += size;
  while (self->waiting_bytes > MAX_WAITING) {
    GBytes *oldest = g_queue_pop_head(&self->waiting);

    self->waiting_bytes -= g_bytes_get_size(oldest);
    g_bytes_unref(oldest);
  }
}

static void
send_waiting(GstOpenaiRealtime *self)
{
  GBytes *bytes;

  while ((bytes = g_queue_pop_head(&self->waiting))) {
    send_text(self, realtime_append(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
    g_bytes_unref(bytes);
  }
  self->waiting_bytes = 0;
}

/* Answers */

static Answer *
current(GstOpenaiRealtime *self)
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
begin_answer(GstOpenaiRealtime *self, const gchar *response)
{
  Answer *answer = g_new0(Answer, 1);
  guint number;

  answer->turn = self->next_turn ? g_steal_pointer(&self->next_turn) : cord_turn_new(self->turns);
  answer->response = g_strdup(response);
  answer->text = g_string_new(NULL);
  g_queue_push_tail(&self->answers, answer);
  number = cord_turn_get_number(answer->turn);
  cord_turn_stamp(answer->turn, CORD_TURN_STAMP_LLM_REQUEST, cord_worker_get_time(self->worker));
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, number));
  gst_openai_realtime_push_event(
      self, cord_event_new(cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, number)));
}

/* Without audio there is nothing that anybody could hear. */
static void
finish_answer(GstOpenaiRealtime *self, Answer *answer)
{
  guint number = cord_turn_get_number(answer->turn);

  answer->complete = TRUE;
  cord_element_post(GST_ELEMENT(self), cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED,
                                                                    number, answer->text->str));
  gst_openai_realtime_push_event(
      self, cord_event_new(cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED, number,
                                                        answer->text->str)));
  if (answer->bytes == 0) {
    g_queue_remove(&self->answers, answer);
    gst_openai_realtime_free_answer(answer);
  }
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

static gdouble
bytes_per_second(const GstOpenaiRealtime *self)
{
  return self->settings.mulaw_out ? 8000 : 48000;
}

/**
 * Playout is over, or was cut: the record and the model's memory hold what was heard.
 */
void
gst_openai_realtime_take_playout(GstOpenaiRealtime *self, const CordPlayout *playout)
{
  Answer *answer = find_turn(self, playout->turn);
  gdouble seconds = (gdouble)playout->position / GST_SECOND;
  gboolean cut = playout->state == CORD_PLAYOUT_INTERRUPTED;
  gdouble length;
  g_autofree gchar *heard = NULL;

  if (answer == NULL || playout->state == CORD_PLAYOUT_PLAYING)
    return;
  length = (gdouble)answer->bytes / bytes_per_second(self);
  heard = cut ? heard_text(answer, length > 0 ? seconds / length : 0) : g_strdup(answer->text->str);
  if (cut && answer->item)
    send_text(self, realtime_truncate(answer->item, (guint64)(MIN(seconds, length) * 1000)));
  remember(self, "assistant", heard);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_heard(playout->turn, heard, answer->text->str, cut));
  g_queue_remove(&self->answers, answer);
  gst_openai_realtime_free_answer(answer);
}

/* The caller */

static void
on_speech_started(GstOpenaiRealtime *self)
{
  gboolean floor = FALSE;

  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_speech(CORD_EVENT_SPEECH_STARTED, self->running));
  for (GList *link = self->answers.head; link; link = link->next) {
    Answer *answer = link->data;

    floor = floor || answer->bytes > 0;
    answer->cut = TRUE;
  }
  if (!floor)
    return;
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn(CORD_EVENT_INTERRUPTED, self->turns));
  /* the sink tells what was heard while it handles this */
  gst_openai_realtime_flush(self);
  while (!g_queue_is_empty(&self->answers)) {
    const Answer *answer = g_queue_peek_head(&self->answers);
    CordPlayout nothing = { .turn = cord_turn_get_number(answer->turn),
                            .state = CORD_PLAYOUT_INTERRUPTED };

    gst_openai_realtime_take_playout(self, &nothing);
  }
}

static void
on_speech_stopped(GstOpenaiRealtime *self)
{
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_speech(CORD_EVENT_SPEECH_STOPPED, self->running));
  g_clear_pointer(&self->next_turn, cord_turn_unref);
  self->next_turn = cord_turn_new(++self->turns);
  cord_turn_stamp(self->next_turn, CORD_TURN_STAMP_SPEECH_END, cord_worker_get_time(self->worker));
  cord_turn_stamp(self->next_turn, CORD_TURN_STAMP_TURN_END, cord_worker_get_time(self->worker));
}

/* May come after the answer has begun. */
static void
on_user_transcript(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  g_autofree gchar *text = g_strstrip(g_strdup(message->text));

  if (*text == '\0')
    return;
  remember(self, "user", text);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn_text(CORD_EVENT_TURN_ENDED, self->turns, text));
}

/* Functions */

static void
on_function_call(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Call *call;

  if (!message->call_id || !message->name)
    return;
  call = g_new0(Call, 1);
  call->id = g_strdup(message->call_id);
  g_ptr_array_add(self->calls, call);
  cord_element_post(GST_ELEMENT(self), cord_structure_new_tool_call(self->turns, call->id,
                                                                    message->name, message->text));
}

/* The model goes on when it has ended what it was saying and knows all results. */
static void
go_on_after_calls(GstOpenaiRealtime *self)
{
  if (self->responding || self->calls->len == 0 || !self->ready)
    return;
  for (guint i = 0; i < self->calls->len; i++)
    if (((Call *)self->calls->pdata[i])->result == NULL)
      return;
  for (guint i = 0; i < self->calls->len; i++) {
    const Call *call = self->calls->pdata[i];

    send_text(self, realtime_function_result(call->id, call->result));
  }
  g_ptr_array_set_size(self->calls, 0);
  send_text(self, g_strdup("{\"type\":\"response.create\"}"));
}

void
gst_openai_realtime_take_result(GstOpenaiRealtime *self, const gchar *id, const gchar *result)
{
  for (guint i = 0; i < self->calls->len; i++) {
    Call *call = self->calls->pdata[i];

    if (g_strcmp0(call->id, id) == 0 && call->result == NULL)
      call->result = g_strdup(result);
  }
  go_on_after_calls(self);
}

/* The service */

static void
on_response_done(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Answer *answer = current(self);

  self->responding = FALSE;
  self->input_tokens += message->input_tokens;
  self->output_tokens += message->output_tokens;
  if (answer)
    finish_answer(self, answer);
  if (g_strcmp0(message->name, "failed") == 0) {
    g_autoptr(GError) error =
        g_error_new(CORD_ERROR, CORD_ERROR_NETWORK, "the model's answer failed: %s",
                    message->description ? message->description : "it does not say why");

    cord_element_post_warning(GST_ELEMENT(self), error);
    cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_LOST, FALSE, error);
  }
  go_on_after_calls(self);
}

/* Most errors leave the session as it was; some are no more than two messages that crossed. */
static void
on_error(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  static const gchar *const harmless[] = { "response_cancel_not_active",
                                           "conversation_already_has_active_response",
                                           "item_truncate_invalid_audio_end_ms", NULL };
  static const gchar *const final[] = { "invalid_api_key", "insufficient_quota", "model_not_found",
                                        NULL };
  const gchar *code = message->name ? message->name : "";
  g_autoptr(GError) error = NULL;

  if (g_strv_contains(harmless, code))
    return;
  error = g_error_new(CORD_ERROR,
                      g_strv_contains(final, code) ? CORD_ERROR_NOT_AUTHORIZED : CORD_ERROR_NETWORK,
                      "OpenAI: %s: %s", code, message->description ? message->description : "");
  cord_element_post_warning(GST_ELEMENT(self), error);
  if (g_strv_contains(final, code))
    cord_service_socket_fail(self->service, g_steal_pointer(&error));
  else if (g_str_equal(code, "session_expired"))
    cord_service_socket_lose(self->service, g_steal_pointer(&error));
}

static void
on_ready(GstOpenaiRealtime *self)
{
  if (self->ready)
    return;
  self->ready = TRUE;
  for (GList *link = self->said.head; link && link->next; link = link->next->next)
    send_text(self, realtime_item(link->data, link->next->data));
  send_waiting(self);
  if (!self->greeted && self->settings.greeting && *self->settings.greeting)
    send_text(self, realtime_greet(&self->settings));
  self->greeted = TRUE;
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_UP, FALSE, NULL);
}

static void
on_answer_message(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Answer *answer = current(self);

  /* of an answer that was cut more may come */
  if (answer == NULL ||
      (message->response && answer->response && !g_str_equal(message->response, answer->response)))
    return;
  if (message->kind == REALTIME_ITEM_ADDED && answer->item == NULL)
    answer->item = g_strdup(message->item);
  else if (message->kind == REALTIME_TEXT)
    g_string_append(answer->text, message->text);
  else if (message->kind == REALTIME_AUDIO && message->size > 0)
    gst_openai_realtime_push_audio(self, answer, message->audio, message->size);
}

static void
on_message(const gchar *text, gsize length, gpointer data)
{
  GstOpenaiRealtime *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(RealtimeMessage) message = realtime_message_parse(text, length, &error);

  if (!message) {
    GST_WARNING_OBJECT(self, "a message that cannot be read: %s", error->message);
    return;
  }
  switch (message->kind) {
  case REALTIME_SESSION_CREATED:
    send_text(self, realtime_session_update(&self->settings));
    break;
  case REALTIME_SESSION_UPDATED:
    on_ready(self);
    break;
  case REALTIME_SPEECH_STARTED:
    on_speech_started(self);
    break;
  case REALTIME_SPEECH_STOPPED:
    on_speech_stopped(self);
    break;
  case REALTIME_USER_TRANSCRIPT:
    on_user_transcript(self, message);
    break;
  case REALTIME_RESPONSE_CREATED:
    self->responding = TRUE;
    begin_answer(self, message->response);
    break;
  case REALTIME_ITEM_ADDED:
  case REALTIME_AUDIO:
  case REALTIME_TEXT:
    on_answer_message(self, message);
    break;
  case REALTIME_FUNCTION_CALL:
    on_function_call(self, message);
    break;
  case REALTIME_RESPONSE_DONE:
    on_response_done(self, message);
    break;
  case REALTIME_ERROR:
    on_error(self, message);
    break;
  case REALTIME_OTHER:
    break;
  }
}

/* The session is a new one: it is set up when it says so. */
static void
on_connected(gpointer data)
{
  GstOpenaiRealtime *self = data;

  self->ready = FALSE;
  self->responding = FALSE;
  g_ptr_array_set_size(self->calls, 0);
}

static void
on_lost(const GError *error, gpointer data)
{
  GstOpenaiRealtime *self = data;
  Answer *answer = current(self);

  self->ready = FALSE;
  self->responding = FALSE;
  /* what has come of it is what there is */
  if (answer)
    finish_answer(self, answer);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_DOWN, FALSE, error);
}

static void
on_failed(const GError *error, gboolean permanent, gpointer data)
{
  GstOpenaiRealtime *self = data;

  self->ready = FALSE;
  cord_element_post_warning(GST_ELEMENT(self), error);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_FAILED, permanent, error);
}

static const CordServiceSocketFuncs funcs = { on_connected, on_message, on_lost, on_failed, NULL };

void
gst_openai_realtime_connect(GstOpenaiRealtime *self)
{
  g_autofree gchar *url = realtime_url(&self->settings);
  g_autofree gchar *authorization =
      self->settings.api_key ? g_strconcat("Bearer ", self->settings.api_key, NULL) : NULL;
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_auto(GStrv) headers = NULL;
  CordServiceSocketSettings settings = { .name = "OpenAI",
                                         .url = url,
                                         .connect_ms = self->connect_ms,
                                         .give_up_ms = self->give_up_ms,
                                         .max_message = MAX_MESSAGE };

  if (authorization)
    g_strv_builder_add_many(builder, "Authorization", authorization, NULL);
  if (self->settings.beta)
    g_strv_builder_add_many(builder, "OpenAI-Beta", "realtime=v1", NULL);
  headers = g_strv_builder_end(builder);
  settings.headers = (const gchar *const *)headers;
  self->service = cord_service_socket_new(self->worker, &settings, &funcs, self);
}
