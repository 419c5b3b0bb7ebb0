/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "gstopenairealtime-private.h"

GST_DEBUG_CATEGORY_EXTERN(openairealtime_debug);
#define GST_CAT_DEFAULT openairealtime_debug

/* What the service's messages mean to openairealtime. */

#define KEPT_UTTERANCES 16 /* that may be written down late */
#define MAX_BEHIND 5000    /* ms that a service may be behind the caller */

void
gst_openai_realtime_free_utterance(gpointer data)
{
  g_free(((Utterance *)data)->item);
  g_free(data);
}

/* The caller */

static void
on_speech_started(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  self->speaking = TRUE;
  self->expecting = FALSE;
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_speech(CORD_EVENT_SPEECH_STARTED, self->running));
  gst_openai_realtime_interrupt(self);
}

static guint
bytes_per_ms(const GstOpenaiRealtime *self)
{
  return self->settings.mulaw_in ? 8 : 48;
}

/* When the caller made his last sound: before the silence by which that was known, and before what
 * was sent since. */
static GstClockTime
date_last_sound(const GstOpenaiRealtime *self, guint ms)
{
  GstClockTime now = cord_worker_get_time(self->worker);
  guint64 sent = (self->audio.sent - self->audio.base) / bytes_per_ms(self);
  guint64 ago = sent > ms ? MIN(sent - ms, MAX_BEHIND) : 0;

  if (self->settings.detection == REALTIME_SERVER_VAD)
    ago += self->settings.silence_ms;
  return now - MIN(now, ago * GST_MSECOND);
}

/* The service counts the audio that it was sent, not the time. */
static void
on_speech_stopped(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Utterance *utterance = g_new0(Utterance, 1);

  self->speaking = FALSE;
  self->expecting = TRUE;
  self->written = FALSE;
  realtime_audio_mark(&self->audio, (guint64)message->ms * bytes_per_ms(self));
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_speech(CORD_EVENT_SPEECH_STOPPED, self->running));
  g_clear_pointer(&self->next_turn, cord_turn_unref);
  self->next_turn = cord_turn_new(++self->turns);
  cord_turn_stamp(self->next_turn, CORD_TURN_STAMP_SPEECH_END, date_last_sound(self, message->ms));
  cord_turn_stamp(self->next_turn, CORD_TURN_STAMP_TURN_END, cord_worker_get_time(self->worker));
  utterance->item = g_strdup(message->item);
  utterance->turn = self->turns;
  g_queue_push_tail(&self->utterances, utterance);
  if (self->utterances.length > KEPT_UTTERANCES)
    gst_openai_realtime_free_utterance(g_queue_pop_head(&self->utterances));
}

/* Comes when it comes: before the answer, in the middle of it, or after the next utterance. */
static void
on_user_transcript(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Utterance *utterance = NULL;
  g_autofree gchar *text = g_strstrip(g_strdup(message->text ? message->text : ""));
  guint turn;

  for (GList *link = self->utterances.head; link && !utterance; link = link->next)
    if (g_strcmp0(((Utterance *)link->data)->item, message->item) == 0)
      utterance = link->data;
  /* of what was not said, or was told before */
  if (!utterance)
    return;
  turn = utterance->turn;
  g_queue_remove(&self->utterances, utterance);
  gst_openai_realtime_free_utterance(utterance);
  if (message->kind == REALTIME_USER_TRANSCRIPT_FAILED)
    GST_INFO_OBJECT(self, "turn %u is not written down: %s", turn,
                    message->description ? message->description : "no reason");
  if (*text == '\0')
    return;
  if (turn == self->turns) {
    self->written = TRUE;
    realtime_audio_settle(&self->audio);
  }
  gst_openai_realtime_remember(self, "user", text);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn_text(CORD_EVENT_TURN_ENDED, turn, text));
}

/* The answer */

static void
on_response_created(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  self->expecting = FALSE;
  self->responding = TRUE;
  gst_openai_realtime_begin_answer(self, message->response);
}

/* The one that the message is of: of an answer that was cut more may come. */
static Answer *
get_answer(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Answer *answer = gst_openai_realtime_get_answer(self);

  return answer && message->response && answer->response &&
                 !g_str_equal(message->response, answer->response)
             ? NULL
             : answer;
}

static void
on_text(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Answer *answer = get_answer(self, message);

  if (answer && message->text)
    g_string_append(answer->text, message->text);
}

static Part *
find_part(Answer *answer, const gchar *id)
{
  Part *part = answer->parts->len > 0 ? answer->parts->pdata[answer->parts->len - 1] : NULL;

  if (part && g_strcmp0(part->id, id) == 0)
    return part;
  part = g_new0(Part, 1);
  part->id = g_strdup(id);
  g_ptr_array_add(answer->parts, part);
  return part;
}

static void
on_audio(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Answer *answer = get_answer(self, message);

  if (!answer || message->size == 0)
    return;
  find_part(answer, message->item)->bytes += message->size;
  /* who is answered was understood */
  realtime_audio_settle(&self->audio);
  gst_openai_realtime_push_audio(self, answer, message->audio, message->size);
}

static void
on_calls(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  if (!get_answer(self, message))
    return;
  for (guint i = 0; message->calls && i < message->calls->len; i++)
    gst_openai_realtime_take_call(self, message->calls->pdata[i]);
}

/* What a next try cannot mend */
static gboolean
is_final(const gchar *code)
{
  static const gchar *const codes[] = { "invalid_api_key", "insufficient_quota", "model_not_found",
                                        NULL };

  return code && g_strv_contains(codes, code);
}

/* A service may say back what it was told, and be it the key. */
static GError *
make_error(GstOpenaiRealtime *self, gint code, const RealtimeMessage *message)
{
  g_autofree gchar *description = cord_service_socket_hide_secrets(
      self->service, message->description ? message->description : "it does not say why");

  return g_error_new(CORD_ERROR, code, "OpenAI: %s%s%s%s", description,
                     message->problem ? " (" : "", message->problem ? message->problem : "",
                     message->problem ? ")" : "");
}

static void
fail(GstOpenaiRealtime *self, gint code, const RealtimeMessage *message)
{
  cord_service_socket_fail(self->service, make_error(self, code, message));
}

static void
on_failed_response(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  g_autoptr(GError) error = NULL;

  if (is_final(message->problem)) {
    fail(self, CORD_ERROR_NOT_AUTHORIZED, message);
    return;
  }
  error = make_error(self, CORD_ERROR_NETWORK, message);
  cord_element_post_warning(GST_ELEMENT(self), error);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_LOST, FALSE, error);
}

static void
on_response_done(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  Answer *answer;

  on_calls(self, message);
  answer = get_answer(self, message);
  self->responding = FALSE;
  GST_OBJECT_LOCK(self);
  self->input_tokens += message->input_tokens;
  self->output_tokens += message->output_tokens;
  GST_OBJECT_UNLOCK(self);
  if (answer && self->calls->len > 0)
    answer->continues = TRUE;
  else if (answer)
    gst_openai_realtime_finish_answer(self, answer);
  if (g_strcmp0(message->status, "failed") == 0)
    on_failed_response(self, message);
  else
    gst_openai_realtime_go_on(self);
}

/* Most errors leave the session as it was; some are no more than two messages that crossed. */
static void
on_error(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  static const gchar *const harmless[] = { "response_cancel_not_active",
                                           "conversation_already_has_active_response",
                                           "item_truncate_invalid_item_id", NULL };
  g_autoptr(GError) error = NULL;

  /* the one that there is will have to do */
  if (g_str_equal(message->problem, "conversation_already_has_active_response"))
    self->expecting = FALSE;
  if (g_strv_contains(harmless, message->problem) ||
      strstr(message->description, "is already shorter than") ||
      strstr(message->description, "Only model output audio")) {
    GST_INFO_OBJECT(self, "%s", message->description);
    return;
  }
  if (is_final(message->problem)) {
    fail(self, CORD_ERROR_NOT_AUTHORIZED, message);
    return;
  }
  /* a session that is not taken so will not be taken so another time */
  if (!self->ready && message->refused) {
    fail(self, CORD_ERROR_INVALID, message);
    return;
  }
  error = make_error(self, CORD_ERROR_NETWORK, message);
  cord_element_post_warning(GST_ELEMENT(self), error);
  if (g_str_equal(message->problem, "session_expired"))
    cord_service_socket_lose(self->service, g_steal_pointer(&error));
}

static void
on_session_created(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  g_autofree gchar *update = realtime_session_update(&self->settings);

  cord_service_socket_send(self->service, update);
}

static void
on_session_updated(GstOpenaiRealtime *self, const RealtimeMessage *message)
{
  gst_openai_realtime_set_ready(self);
}

static void (*const handlers[])(GstOpenaiRealtime *self, const RealtimeMessage *message) = {
  [REALTIME_SESSION_CREATED] = on_session_created,
  [REALTIME_SESSION_UPDATED] = on_session_updated,
  [REALTIME_SPEECH_STARTED] = on_speech_started,
  [REALTIME_SPEECH_STOPPED] = on_speech_stopped,
  [REALTIME_USER_TRANSCRIPT] = on_user_transcript,
  [REALTIME_USER_TRANSCRIPT_FAILED] = on_user_transcript,
  [REALTIME_RESPONSE_CREATED] = on_response_created,
  [REALTIME_AUDIO] = on_audio,
  [REALTIME_TEXT] = on_text,
  [REALTIME_FUNCTION_CALL] = on_calls,
  [REALTIME_RESPONSE_DONE] = on_response_done,
  [REALTIME_ERROR] = on_error,
};

void
gst_openai_realtime_take_message(const gchar *text, gsize length, gpointer data)
{
  GstOpenaiRealtime *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(RealtimeMessage) message = realtime_message_parse(text, length, &error);

  if (!message) {
    GST_WARNING_OBJECT(self, "a message that cannot be read: %s", error->message);
    return;
  }
  if (message->kind < G_N_ELEMENTS(handlers) && handlers[message->kind])
    handlers[message->kind](self, message);
  gst_openai_realtime_watch(self);
}
