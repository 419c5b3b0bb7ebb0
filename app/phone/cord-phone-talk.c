/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-talk.h"

#include "cord-phone-audio.h"

#define FRAME_MS 20
#define QUIET_MS 700       /* after which the agent has finished */
#define GREETING_MS 5000   /* a greeting is waited for that long */
#define ANSWER_MS 9000     /* and an answer that long */
#define LAST_QUIET_MS 1500 /* after the last answer, before the caller hangs up */
#define MAX_GAP_MS 500     /* a shorter hole within the agent's speech is a gap */

struct _CordPhoneTalk {
  CordPhoneTalkSaid said;
  CordPhoneTalkDone done;
  gpointer data;
  GPtrArray *lines; /* CordPhoneLine */
  guint next;
  gboolean finished;

  GByteArray *sent, *heard; /* NULL: not kept */
  GArray *exchanges;        /* CordPhoneExchangeStats */

  guint64 now_ms;
  gboolean speaking;       /* the caller */
  guint64 speech_end_ms;   /* of the caller's last sound */
  guint64 barge_in_ms;     /* when he cut in; 0: he did not */
  gboolean agent_answered; /* since the caller has finished */
  guint64 agent_began_ms;
  guint64 agent_last_ms; /* when the agent was last heard; 0: never */
  guint gaps;
};

static void
free_line(gpointer data)
{
  CordPhoneLine *line = data;

  g_free(line->text);
  g_free(line->keys);
  g_clear_pointer(&line->audio, g_bytes_unref);
  g_free(line);
}

/**
 * cord_phone_talk_new:
 * @said: (nullable): told when a line begins
 * @done: told when all was said and answered
 * @data: for both
 *
 * Returns: (transfer full): a caller with nothing to say
 */
CordPhoneTalk *
cord_phone_talk_new(CordPhoneTalkSaid said, CordPhoneTalkDone done, gpointer data)
{
  CordPhoneTalk *self = g_new0(CordPhoneTalk, 1);

  self->said = said;
  self->done = done;
  self->data = data;
  self->lines = g_ptr_array_new_with_free_func(free_line);
  self->exchanges = g_array_new(FALSE, TRUE, sizeof(CordPhoneExchangeStats));
  return self;
}

/**
 * cord_phone_talk_free:
 * @self: (transfer full): a caller
 */
void
cord_phone_talk_free(CordPhoneTalk *self)
{
  g_ptr_array_unref(self->lines);
  g_array_unref(self->exchanges);
  g_clear_pointer(&self->sent, g_byte_array_unref);
  g_clear_pointer(&self->heard, g_byte_array_unref);
  g_free(self);
}

/**
 * cord_phone_talk_add:
 * @self: a caller
 * @text: (nullable): what it is, for people
 * @audio: (nullable): what he says
 * @keys: (nullable): or presses
 * @barge_in_ms: how long after the agent has begun to speak, or -1 for after its end
 */
void
cord_phone_talk_add(CordPhoneTalk *self, const gchar *text, GBytes *audio, const gchar *keys,
                    gint barge_in_ms)
{
  CordPhoneLine *line = g_new0(CordPhoneLine, 1);

  *line = (CordPhoneLine){ g_strdup(text), audio ? g_bytes_ref(audio) : NULL, g_strdup(keys),
                           barge_in_ms };
  g_ptr_array_add(self->lines, line);
}

/**
 * cord_phone_talk_keep_audio:
 * @self: a caller
 *
 * Has both sides of the call recorded.
 */
void
cord_phone_talk_keep_audio(CordPhoneTalk *self)
{
  self->sent = g_byte_array_new();
  self->heard = g_byte_array_new();
}

static void
hear(CordPhoneTalk *self, gsize length)
{
  if (length == 0)
    return;
  if (self->agent_last_ms == 0 || self->now_ms - self->agent_last_ms > MAX_GAP_MS)
    self->agent_began_ms = self->now_ms;
  else if (self->now_ms - self->agent_last_ms > FRAME_MS)
    self->gaps++;
  self->agent_last_ms = self->now_ms;
  if (!self->speaking && !self->agent_answered && self->exchanges->len > 0) {
    CordPhoneExchangeStats *stats =
        &g_array_index(self->exchanges, CordPhoneExchangeStats, self->exchanges->len - 1);

    stats->latency_ms = (gint)(self->now_ms - self->speech_end_ms);
    /* counts anew for an answer */
    self->agent_began_ms = self->now_ms;
  }
  if (!self->speaking)
    self->agent_answered = TRUE;
}

static gboolean
agent_is_quiet(CordPhoneTalk *self, CordPhone *phone, guint ms)
{
  return cord_phone_get_queued(phone) == 0 && cord_phone_get_pending_marks(phone) == 0 &&
         self->now_ms - self->agent_last_ms >= ms;
}

static gboolean
may_speak(CordPhoneTalk *self, CordPhone *phone)
{
  const CordPhoneLine *line = self->lines->pdata[self->next];
  guint64 waited = self->now_ms - self->speech_end_ms;

  if (line->barge_in_ms >= 0)
    return self->agent_answered && cord_phone_get_queued(phone) > 0 &&
           self->now_ms - self->agent_began_ms >= (guint)line->barge_in_ms;
  if (self->agent_answered)
    return agent_is_quiet(self, phone, QUIET_MS);
  return waited >= (self->next == 0 ? GREETING_MS : ANSWER_MS);
}

static void
speak(CordPhoneTalk *self, CordPhone *phone)
{
  const CordPhoneLine *line = self->lines->pdata[self->next];
  CordPhoneExchangeStats stats = { self->next, -1, -1 };

  g_array_append_val(self->exchanges, stats);
  self->next++;
  self->agent_answered = FALSE;
  self->barge_in_ms = line->barge_in_ms >= 0 ? self->now_ms : 0;
  if (self->said)
    self->said(line, self->data);
  for (const gchar *key = line->keys; key && *key; key++)
    cord_phone_press(phone, *key);
  self->speech_end_ms = self->now_ms;
  if (line->audio) {
    self->speaking = TRUE;
    cord_phone_speak(phone, line->audio);
  }
}

static void
check_speech_end(CordPhoneTalk *self, CordPhone *phone)
{
  const CordPhoneLine *line;

  if (!self->speaking || cord_phone_is_speaking(phone))
    return;
  line = self->lines->pdata[self->next - 1];
  self->speaking = FALSE;
  self->speech_end_ms =
      self->now_ms - MIN(self->now_ms, cord_phone_trailing_silence_ms(line->audio));
}

/**
 * cord_phone_talk_frame:
 * @self: a caller
 * @phone: his phone
 * @sent: 20 ms that were sent
 * @heard: 20 ms that were heard
 * @heard_length: how much of them was the agent's, bytes
 */
void
cord_phone_talk_frame(CordPhoneTalk *self, CordPhone *phone, const guint8 *sent,
                      const guint8 *heard, gsize heard_length)
{
  self->now_ms += FRAME_MS;
  if (self->sent) {
    g_byte_array_append(self->sent, sent, CORD_PHONE_FRAME);
    g_byte_array_append(self->heard, heard, CORD_PHONE_FRAME);
  }
  check_speech_end(self, phone);
  hear(self, heard_length);
  if (self->speaking || self->finished)
    return;
  if (self->next < self->lines->len) {
    if (may_speak(self, phone))
      speak(self, phone);
  } else if (self->agent_answered ? agent_is_quiet(self, phone, LAST_QUIET_MS)
                                  : self->now_ms - self->speech_end_ms >= ANSWER_MS) {
    self->finished = TRUE;
    self->done(self->data);
  }
}

/**
 * cord_phone_talk_cleared:
 * @self: a caller
 *
 * The agent has fallen silent because it was interrupted.
 */
void
cord_phone_talk_cleared(CordPhoneTalk *self)
{
  CordPhoneExchangeStats *stats;

  if (self->exchanges->len == 0)
    return;
  stats = &g_array_index(self->exchanges, CordPhoneExchangeStats, self->exchanges->len - 1);
  if (self->barge_in_ms > 0 && stats->clear_ms < 0)
    stats->clear_ms = (gint)(self->now_ms - self->barge_in_ms);
}

/**
 * cord_phone_talk_get_sent:
 * @self: a caller
 *
 * Returns: (transfer none) (nullable): what he said, mu-law
 */
GByteArray *
cord_phone_talk_get_sent(CordPhoneTalk *self)
{
  return self->sent;
}

/**
 * cord_phone_talk_get_heard:
 * @self: a caller
 *
 * Returns: (transfer none) (nullable): what he heard, mu-law
 */
GByteArray *
cord_phone_talk_get_heard(CordPhoneTalk *self)
{
  return self->heard;
}

/**
 * cord_phone_talk_get_exchanges: (skip)
 * @self: a caller
 * @n: (out): how many
 *
 * Returns: (transfer none): what was measured of each line
 */
const CordPhoneExchangeStats *
cord_phone_talk_get_exchanges(CordPhoneTalk *self, guint *n)
{
  *n = self->exchanges->len;
  return (const CordPhoneExchangeStats *)self->exchanges->data;
}

/**
 * cord_phone_talk_get_gaps:
 * @self: a caller
 *
 * Returns: how often the agent's audio had a hole of less than half a second
 */
guint
cord_phone_talk_get_gaps(CordPhoneTalk *self)
{
  return self->gaps;
}

/**
 * cord_phone_talk_has_heard:
 * @self: a caller
 *
 * Returns: whether the agent has said anything
 */
gboolean
cord_phone_talk_has_heard(CordPhoneTalk *self)
{
  return self->agent_last_ms > 0;
}
