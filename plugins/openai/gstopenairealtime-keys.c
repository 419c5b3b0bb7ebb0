/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstopenairealtime-private.h"

/* Keys that the caller presses: the service does not hear them, it is told. */

static void
on_pause(gpointer data)
{
  GstOpenaiRealtime *self = data;
  g_autofree gchar *text = NULL;

  self->pause = NULL;
  text = g_strdup(self->keys->str);
  g_string_truncate(self->keys, 0);
  g_clear_pointer(&self->next_turn, cord_turn_unref);
  self->next_turn = cord_turn_new(++self->turns);
  cord_turn_stamp(self->next_turn, CORD_TURN_STAMP_SPEECH_END, self->pressed);
  cord_turn_stamp(self->next_turn, CORD_TURN_STAMP_TURN_END, cord_worker_get_time(self->worker));
  gst_openai_realtime_remember(self, "user", text);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn_text(CORD_EVENT_TURN_ENDED, self->turns, text));
  self->written = TRUE;
  if (!self->ready) {
    self->unanswered = TRUE;
    return;
  }
  self->expecting = TRUE;
  gst_openai_realtime_send(self, realtime_item(&self->settings, "user", text));
  gst_openai_realtime_send(self, realtime_respond());
  gst_openai_realtime_watch(self);
}

/* Who presses a key has heard enough; a row of them ends with # or a pause. */
void
gst_openai_realtime_take_key(GstOpenaiRealtime *self, gchar key)
{
  guint ms;

  GST_OBJECT_LOCK(self);
  ms = self->keys_ms;
  GST_OBJECT_UNLOCK(self);
  if (self->responding && gst_openai_realtime_get_answer(self))
    gst_openai_realtime_send(self, realtime_cancel());
  gst_openai_realtime_interrupt(self);
  g_string_append_c(self->keys, key);
  self->pressed = cord_worker_get_time(self->worker);
  g_clear_pointer(&self->pause, cord_timer_remove);
  self->pause =
      cord_worker_add_timer(self->worker, key == '#' ? 0 : ms * GST_MSECOND, on_pause, self);
}
