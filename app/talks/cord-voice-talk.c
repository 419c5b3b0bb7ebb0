/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-error.h"
#include "cord-store.h"
#include "cord-voice-sockets-private.h"

/* The conversation of a voice socket: one message after the other is heard, answered and spoken.
 * Each step holds the socket until it has come back. Main thread. */

static void next(CordVoiceSocket *self);

static void
send_error(CordVoiceSocket *self, const gchar *message)
{
  cord_voice_socket_send(self, cord_voice_message_format("error", "message", message));
}

/* The message is through, well or not. Takes the step's reference. */
static void
finish(CordVoiceSocket *self, const GError *error)
{
  if (error && !g_atomic_int_get(&self->gone))
    send_error(self, error->message);
  g_clear_pointer(&self->current, cord_voice_message_free);
  g_clear_pointer(&self->answer, cord_answer_free);
  next(self);
  cord_voice_socket_unref(self);
}

static void
on_spoken(GObject *source, GAsyncResult *result, gpointer data)
{
  CordVoiceSocket *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) audio = cord_talks_speak_finish(CORD_TALKS(source), result, &error);

  if (audio)
    cord_voice_socket_send(
        self, cord_voice_message_format_audio(audio, cord_audio_format_get_name(self->format)));
  finish(self, error);
}

static void
on_said(GObject *source, GAsyncResult *result, gpointer data)
{
  CordVoiceSocket *self = data;
  g_autoptr(GError) error = NULL;

  self->answer = cord_dialogue_say_finish(CORD_DIALOGUE(source), result, &error);
  if (self->answer == NULL) {
    finish(self, error);
    return;
  }
  cord_voice_socket_send(
      self, cord_voice_message_format("conversation_response", "text", self->answer->text));
  if (*self->answer->text)
    cord_talks_speak_async(self->kit->talks, cord_dialogue_get_agent(self->dialogue),
                           self->answer->text, self->format, self->cancellable, on_spoken, self);
  else
    finish(self, NULL);
}

static void
say(CordVoiceSocket *self, const gchar *text)
{
  cord_dialogue_say_async(self->dialogue, text, NULL, NULL, NULL, self->cancellable, on_said, self);
}

static void
on_heard(GObject *source, GAsyncResult *result, gpointer data)
{
  CordVoiceSocket *self = data;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *text = cord_talks_hear_finish(CORD_TALKS(source), result, &error);

  if (text == NULL) {
    finish(self, error);
    return;
  }
  cord_voice_socket_send(self, cord_voice_message_format("transcription", "text", text));
  if (*text)
    say(self, text);
  else
    finish(self, NULL);
}

static void
answer_current(CordVoiceSocket *self)
{
  if (self->current->text)
    say(self, self->current->text);
  else
    cord_talks_hear_async(self->kit->talks, cord_dialogue_get_agent(self->dialogue),
                          self->current->audio, self->cancellable, on_heard, self);
}

static void
on_started(GObject *source, GAsyncResult *result, gpointer data)
{
  CordVoiceSocket *self = data;
  g_autoptr(GError) error = NULL;

  self->dialogue = cord_dialogue_open_finish(result, &error);
  if (self->dialogue)
    answer_current(self);
  else
    finish(self, error);
}

/* A name that no conversation has begins one. */
static void
on_opened(GObject *source, GAsyncResult *result, gpointer data)
{
  CordVoiceSocket *self = data;
  g_autoptr(GError) error = NULL;

  self->dialogue = cord_dialogue_open_finish(result, &error);
  if (self->dialogue)
    answer_current(self);
  else if (g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND))
    cord_dialogue_start_async(self->kit, self->agent_id, self->persona, NULL, NULL, on_started,
                              self);
  else
    finish(self, error);
}

static void
next(CordVoiceSocket *self)
{
  if (g_atomic_int_get(&self->gone) || self->current)
    return;
  self->current = g_queue_pop_head(&self->waiting);
  if (self->current == NULL)
    return;
  cord_voice_socket_ref(self);
  if (self->dialogue)
    answer_current(self);
  else
    cord_dialogue_open_async(self->kit, self->session_id, on_opened, self);
}

/**
 * cord_voice_socket_hear:
 * @self: a socket
 * @message: (transfer full): what its client says
 *
 * Answers it when what came before has been answered.
 */
void
cord_voice_socket_hear(CordVoiceSocket *self, CordVoiceMessage *message)
{
  if (g_queue_get_length(&self->waiting) >= CORD_VOICE_MAX_WAITING) {
    cord_voice_message_free(message);
    send_error(self, "too much is waiting to be answered; wait for an answer");
    return;
  }
  g_queue_push_tail(&self->waiting, message);
  next(self);
}
