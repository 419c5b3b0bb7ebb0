/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-events.h"
#include "cord-stt-base-private.h"

#define PRIV(self) cord_stt_base_get_private(self)

/* Services that hear the whole stream and say by themselves where speech begins and ends. */

/**
 * cord_stt_base_set_listening: (skip)
 * @self: an element, in its start
 * @continuous: whether it gets all audio, by `listen`, and not only that of utterances
 * @cutter: who cuts
 *
 * How the element works until it is stopped. By itself: only utterances, cut upstream. A service
 * that cuts must hear everything.
 */
void
cord_stt_base_set_listening(CordSttBase *self, gboolean continuous, CordSttCutter cutter)
{
  CordSttBasePrivate *priv = PRIV(self);

  g_return_if_fail(continuous || cutter == CORD_STT_CUT_UPSTREAM);
  g_return_if_fail(!continuous || CORD_STT_BASE_GET_CLASS(self)->listen);
  priv->continuous = continuous;
  priv->cutter = cutter;
}

/**
 * cord_stt_base_service_cuts: (skip)
 * @self: an element, on its worker
 *
 * Returns: whether it is the service that says where utterances begin and end
 */
gboolean
cord_stt_base_service_cuts(CordSttBase *self)
{
  const CordSttBasePrivate *priv = PRIV(self);

  return priv->cutter == CORD_STT_CUT_SERVICE ||
         (priv->cutter == CORD_STT_CUT_AUTO && !priv->voice_detected);
}

static void
push_speech(CordSttBase *self, const gchar *name, GstClockTime position)
{
  cord_element_post(GST_ELEMENT(self), cord_structure_new_speech(name, position));
  gst_pad_push_event(PRIV(self)->src, cord_event_new(cord_structure_new_speech(name, position)));
}

/**
 * cord_stt_base_speech_started: (skip)
 * @self: an element, on its worker
 * @position: running time at which the caller began to speak
 *
 * The service has heard somebody begin to speak: an utterance begins, and is told downstream.
 *
 * Returns: the utterance
 */
guint
cord_stt_base_speech_started(CordSttBase *self, GstClockTime position)
{
  CordSttBasePrivate *priv = PRIV(self);

  cord_stt_stream_end(self, MIN(position, priv->position));
  push_speech(self, CORD_EVENT_SPEECH_STARTED, position);
  cord_stt_stream_begin(self, position);
  return priv->last_id;
}

/**
 * cord_stt_base_speech_active: (skip)
 * @self: an element, on its worker
 * @duration: how much of the utterance under way was sound, ns
 *
 * The caller is still speaking.
 */
void
cord_stt_base_speech_active(CordSttBase *self, GstClockTime duration)
{
  CordSttBasePrivate *priv = PRIV(self);

  if (priv->open)
    gst_pad_push_event(
        priv->src, cord_event_new(cord_structure_new_speech_active(priv->open->start, duration)));
}

/**
 * cord_stt_base_speech_stopped: (skip)
 * @self: an element, on its worker
 * @position: running time of the caller's last sound
 *
 * The utterance under way is over and its results are in; what was believed of its end without
 * becoming final is taken.
 */
void
cord_stt_base_speech_stopped(CordSttBase *self, GstClockTime position)
{
  Utterance *open = PRIV(self)->open;

  if (open == NULL)
    return;
  if (open->interim)
    g_ptr_array_add(open->finals, g_steal_pointer(&open->interim));
  open->done = TRUE;
  push_speech(self, CORD_EVENT_SPEECH_STOPPED, MAX(position, open->start));
  cord_stt_stream_end(self, position);
}

/* Two would contradict each other. */
gboolean
cord_stt_service_takes_event(CordSttBase *self, GstEvent *event)
{
  static const gchar *const names[] = {
    CORD_EVENT_SPEECH_STARTED,
    CORD_EVENT_SPEECH_ACTIVE,
    CORD_EVENT_SPEECH_STOPPED,
  };

  if (PRIV(self)->cutter != CORD_STT_CUT_SERVICE)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    if (cord_event_is(event, names[i])) {
      gst_event_unref(event);
      return TRUE;
    }
  }
  return FALSE;
}

static void
on_drain_deadline(gpointer data)
{
  CordSttBase *self = data;

  PRIV(self)->drain = NULL;
  cord_stt_base_speech_stopped(self, PRIV(self)->position);
  cord_stt_stream_push_eos(self);
}

/* At EOS. A stream from a file is over before the service has heard it. */
gboolean
cord_stt_service_drain(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  GstClockTime passed = cord_worker_get_time(priv->worker) - priv->first_came;
  GstClockTime spoken = priv->position - MIN(priv->position, priv->first_at);
  guint timeout_ms;

  if (!cord_stt_base_service_cuts(self) || CORD_STT_BASE_GET_CLASS(self)->drain == NULL ||
      !priv->asked)
    return FALSE;
  GST_OBJECT_LOCK(self);
  timeout_ms = priv->final_timeout_ms;
  GST_OBJECT_UNLOCK(self);
  g_clear_pointer(&priv->drain, cord_timer_remove);
  priv->drain =
      cord_worker_add_timer(priv->worker, timeout_ms * GST_MSECOND + spoken - MIN(spoken, passed),
                            on_drain_deadline, self);
  CORD_STT_BASE_GET_CLASS(self)->drain(self);
  return TRUE;
}

/**
 * cord_stt_base_drained: (skip)
 * @self: an element, on its worker
 *
 * The service has said all it has to say of the audio until EOS.
 */
void
cord_stt_base_drained(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);

  if (priv->drain == NULL)
    return;
  g_clear_pointer(&priv->drain, cord_timer_remove);
  cord_stt_base_speech_stopped(self, priv->position);
  cord_stt_stream_push_eos(self);
}
