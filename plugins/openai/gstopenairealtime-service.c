/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "gstopenairealtime-private.h"

GST_DEBUG_CATEGORY_EXTERN(openairealtime_debug);
#define GST_CAT_DEFAULT openairealtime_debug

/*
 * The connection of openairealtime. A new one is told what was said on those before it, and what
 * the caller has said in vain.
 */

#define MAX_MESSAGE (4 * 1024 * 1024)
#define MAX_SETUP 4000 /* ms, less than what a connection has to last to be a good one */
#define KEPT 10        /* s of audio, for the next connection */
#define KEPT_QUIET 2   /* s, while nobody speaks */
#define KEPT_EARLY 60  /* s, before there is a connection: a file is read faster than that */
#define WINDOW (100 * GST_MSECOND)
#define IN_WINDOW 1        /* s of audio that are sent in it */
#define DRAIN 2000         /* ms without a word from the service after which there is no more */
#define TAIL 300           /* ms of silence after EOS, and those that end a turn */
#define TAIL_SEMANTIC 4000 /* ms */
#define MULAW_SILENCE 0xff

static gsize
input_rate(const GstOpenaiRealtime *self)
{
  return self->settings.mulaw_in ? 8000 : 48000; /* bytes a second */
}

void
gst_openai_realtime_send(GstOpenaiRealtime *self, gchar *text)
{
  if (self->service && self->ready)
    cord_service_socket_send(self->service, text);
  g_free(text);
}

/* Audio */

/* EOS */

static void
push_eos(GstOpenaiRealtime *self)
{
  g_clear_pointer(&self->drain, cord_timer_remove);
  if (self->eos)
    gst_openai_realtime_push_event(self, g_steal_pointer(&self->eos));
}

static void
on_drained(gpointer data)
{
  GstOpenaiRealtime *self = data;

  self->drain = NULL;
  if (self->expecting || self->responding)
    self->drain = cord_worker_add_timer(self->worker, DRAIN * GST_MSECOND, on_drained, self);
  else
    push_eos(self);
}

/* All audio was sent; nobody tells when the service has nothing to say of it any more. */
static void
await_end(GstOpenaiRealtime *self)
{
  if (!self->eos || !self->ready || self->audio.next)
    return;
  g_clear_pointer(&self->drain, cord_timer_remove);
  self->drain = cord_worker_add_timer(self->worker, DRAIN * GST_MSECOND, on_drained, self);
}

/* Audio */

static gboolean
may_send(GstOpenaiRealtime *self)
{
  GstClockTime now = cord_worker_get_time(self->worker);

  if (now - self->fed_since >= WINDOW) {
    self->fed_since = now;
    self->fed = 0;
  }
  return self->fed < IN_WINDOW * input_rate(self);
}

/* What lies about is not sent at once: that would be more than a socket takes. */
static void
feed(gpointer data)
{
  GstOpenaiRealtime *self = data;
  GBytes *bytes;

  self->feed = NULL;
  while (self->ready && may_send(self) && (bytes = realtime_audio_take(&self->audio))) {
    self->fed += g_bytes_get_size(bytes);
    gst_openai_realtime_send(
        self, realtime_append(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
  }
  if (self->ready && self->audio.next)
    self->feed = cord_worker_add_timer(self->worker, WINDOW, feed, self);
  else
    await_end(self);
}

void
gst_openai_realtime_send_audio(GstOpenaiRealtime *self, const guint8 *audio, gsize size)
{
  gboolean quiet = !self->speaking && !self->expecting;
  guint kept = !self->ready ? KEPT_EARLY : quiet && !self->audio.next ? KEPT_QUIET : KEPT;

  realtime_audio_push(&self->audio, audio, size, kept * input_rate(self));
  if (self->ready && !self->feed)
    feed(self);
}

/* A service that waits for silence gets some. */
void
gst_openai_realtime_begin_drain(GstOpenaiRealtime *self, GstEvent *eos)
{
  guint ms = self->settings.detection == REALTIME_SEMANTIC_VAD ? TAIL_SEMANTIC
                                                               : self->settings.silence_ms + TAIL;
  gsize size = input_rate(self) * ms / 1000 / 2 * 2;
  g_autofree guint8 *silence = g_malloc0(size);

  gst_clear_event(&self->eos);
  self->eos = eos;
  if (!self->service) {
    push_eos(self);
    return;
  }
  if (self->settings.mulaw_in)
    memset(silence, MULAW_SILENCE, size);
  gst_openai_realtime_send_audio(self, silence, size);
}

/* Signs of life */

static void
on_stall(gpointer data)
{
  GstOpenaiRealtime *self = data;
  g_autoptr(GError) error = NULL;

  self->stall = NULL;
  GST_OBJECT_LOCK(self);
  error = g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT, "OpenAI has not answered for %u ms",
                      self->answer_ms);
  GST_OBJECT_UNLOCK(self);
  cord_element_post_warning(GST_ELEMENT(self), error);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_LOST, FALSE, error);
  cord_service_socket_lose(self->service, g_steal_pointer(&error));
}

/* Something was heard of the service, or asked of it. */
void
gst_openai_realtime_watch(GstOpenaiRealtime *self)
{
  guint ms;

  GST_OBJECT_LOCK(self);
  ms = self->answer_ms;
  GST_OBJECT_UNLOCK(self);
  g_clear_pointer(&self->stall, cord_timer_remove);
  if (self->ready && (self->expecting || self->responding))
    self->stall = cord_worker_add_timer(self->worker, ms * GST_MSECOND, on_stall, self);
  await_end(self);
}

/* The session */

static void
tell_history(GstOpenaiRealtime *self)
{
  for (GList *link = self->said.head; link && link->next; link = link->next->next)
    gst_openai_realtime_send(self, realtime_item(&self->settings, link->data, link->next->data));
  for (guint i = 0; i < self->calls->len; i++)
    gst_openai_realtime_send(self, realtime_function_call(((Call *)self->calls->pdata[i])->call));
}

static void
ask_for_answer(GstOpenaiRealtime *self)
{
  gboolean greets = !self->greeted && self->settings.greeting && *self->settings.greeting;

  self->greeted = TRUE;
  /* what was not written down is heard once more, and then answered */
  if (!greets && !(self->unanswered && self->written && self->calls->len == 0))
    return;
  self->expecting = TRUE;
  gst_openai_realtime_send(self, greets ? realtime_greet(&self->settings) : realtime_respond());
}

void
gst_openai_realtime_set_ready(GstOpenaiRealtime *self)
{
  if (self->ready)
    return;
  g_clear_pointer(&self->setup, cord_timer_remove);
  self->ready = TRUE;
  tell_history(self);
  ask_for_answer(self);
  self->unanswered = FALSE;
  gst_openai_realtime_go_on(self);
  if (!self->feed)
    feed(self);
  gst_openai_realtime_watch(self);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_UP, FALSE, NULL);
}

static void
on_setup_deadline(gpointer data)
{
  GstOpenaiRealtime *self = data;

  self->setup = NULL;
  cord_service_socket_lose(self->service, g_error_new(CORD_ERROR, CORD_ERROR_TIMEOUT,
                                                      "OpenAI has not begun a session within %u ms",
                                                      MIN(self->connect_ms, MAX_SETUP)));
}

/* The service knows nothing of what was; it is ready when it says so. */
static void
on_connected(gpointer data)
{
  GstOpenaiRealtime *self = data;

  realtime_audio_rewind(&self->audio);
  g_clear_pointer(&self->setup, cord_timer_remove);
  self->setup = cord_worker_add_timer(self->worker, MIN(self->connect_ms, MAX_SETUP) * GST_MSECOND,
                                      on_setup_deadline, self);
}

static void
end_session(GstOpenaiRealtime *self)
{
  self->ready = self->speaking = self->expecting = self->responding = FALSE;
  g_clear_pointer(&self->setup, cord_timer_remove);
  g_clear_pointer(&self->stall, cord_timer_remove);
  g_clear_pointer(&self->feed, cord_timer_remove);
  g_clear_pointer(&self->drain, cord_timer_remove);
  g_queue_clear_full(&self->utterances, gst_openai_realtime_free_utterance);
}

/* What has come of an answer is what there is of it; where nothing has come it is asked for again.
 */
static void
leave_answer(GstOpenaiRealtime *self)
{
  Answer *answer = gst_openai_realtime_get_answer(self);

  self->unanswered = self->unanswered || self->expecting || (answer && answer->bytes == 0);
  if (!answer)
    return;
  answer->continues = answer->bytes == 0 || self->calls->len > 0;
  /* words without their sound are said again */
  if (answer->bytes == 0)
    g_string_truncate(answer->text, 0);
  if (!answer->continues)
    gst_openai_realtime_finish_answer(self, answer);
  else if (cord_turn_get_number(answer->turn) == 0 && answer->bytes == 0)
    self->greeted = FALSE;
}

static void
on_lost(const GError *error, gpointer data)
{
  GstOpenaiRealtime *self = data;
  gboolean over = self->ready && self->eos;

  GST_INFO_OBJECT(self, "%s", error->message);
  leave_answer(self);
  end_session(self);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_DOWN, FALSE, error);
  /* of what was heard before the end no more will come */
  if (over)
    push_eos(self);
}

static void
on_failed(const GError *error, gboolean permanent, gpointer data)
{
  GstOpenaiRealtime *self = data;
  Answer *answer = gst_openai_realtime_get_answer(self);

  if (answer)
    gst_openai_realtime_finish_answer(self, answer);
  end_session(self);
  cord_element_post_warning(GST_ELEMENT(self), error);
  cord_element_post_service(GST_ELEMENT(self), CORD_SERVICE_FAILED, permanent, error);
  push_eos(self);
}

static const CordServiceSocketFuncs funcs = { on_connected, gst_openai_realtime_take_message,
                                              on_lost, on_failed, NULL };

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

void
gst_openai_realtime_disconnect(GstOpenaiRealtime *self)
{
  end_session(self);
  g_clear_pointer(&self->service, cord_service_socket_free);
}
