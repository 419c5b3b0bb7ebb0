/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rig-notes.h"

#include <string.h>

#include "cord-events.h"
#include "cord-turn.h"

#define MS(time) ((guint)((time) / GST_MSECOND))

/* What is posted */

static void
note_service(GString *posted, const GstStructure *structure)
{
  gboolean permanent = FALSE;

  gst_structure_get_boolean(structure, "permanent", &permanent);
  g_string_append_printf(posted, "%s%s;", gst_structure_get_string(structure, "state"),
                         permanent ? " for good" : "");
}

static void
note_failover(GString *posted, const GstStructure *structure)
{
  g_string_append_printf(posted, "%s>%s;", gst_structure_get_string(structure, "from"),
                         gst_structure_get_string(structure, "to"));
}

void
rig_notes_message(GString *posted, GString *said, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure(message);
  g_autofree gchar *text = structure ? gst_structure_to_string(structure) : NULL;

  g_string_append_printf(said, "%s\n", text ? text : "");
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    g_string_append(posted, "error;");
  else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
    g_string_append(posted, "warning;");
  else if (structure && gst_structure_has_name(structure, CORD_EVENT_SERVICE))
    note_service(posted, structure);
  else if (structure && gst_structure_has_name(structure, CORD_EVENT_FAILOVER))
    note_failover(posted, structure);
}

void
rig_notes_wait(CordWorker *worker, GString *posted, const gchar *text)
{
  gchar *at;

  while ((at = strstr(posted->str, text)) == NULL)
    g_main_context_iteration(cord_worker_get_main_context(worker), TRUE);
  g_string_erase(posted, at - posted->str, (gssize)strlen(text));
}

/* What leaves the element */

typedef struct {
  GString *came;
  GByteArray *audio;
} Output;

static void
note_audio(Output *self, GstBuffer *buffer)
{
  CordTurn *turn = cord_buffer_get_turn(buffer);
  GstMapInfo map;

  gst_buffer_map(buffer, &map, GST_MAP_READ);
  if (self->audio)
    g_byte_array_append(self->audio, map.data, (guint)map.size);
  gst_buffer_unmap(buffer, &map);
  g_string_append_printf(self->came, "%saudio %d %u-%u; ",
                         GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) ? "+" : "",
                         turn ? (gint)cord_turn_get_number(turn) : -1, MS(GST_BUFFER_PTS(buffer)),
                         MS(GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer)));
}

static void
note_caps(Output *self, GstEvent *event)
{
  const GstStructure *structure;
  GstCaps *caps;
  gint rate = 0;

  gst_event_parse_caps(event, &caps);
  structure = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(structure, "rate", &rate);
  g_string_append_printf(self->came, "%s %d; ",
                         gst_structure_has_name(structure, "audio/x-mulaw") ? "mulaw" : "pcm",
                         rate);
}

static void
note_event(Output *self, GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure(event);

  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS)
    note_caps(self, event);
  else if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
    g_string_append(self->came, "segment; ");
  else if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
    g_string_append(self->came, "eos; ");
  else if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP)
    g_string_append(self->came, "flushed; ");
  else if (cord_event_is(event, CORD_EVENT_RESPONSE_STARTED))
    g_string_append_printf(self->came, "started %u; ", cord_structure_get_turn(structure));
  else if (cord_event_is(event, CORD_EVENT_RESPONSE_FINISHED))
    g_string_append_printf(self->came, "finished %u; ", cord_structure_get_turn(structure));
}

static GstPadProbeReturn
on_output(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstMiniObject *object = GST_PAD_PROBE_INFO_DATA(info);

  if (GST_IS_BUFFER(object))
    note_audio(data, GST_BUFFER_CAST(object));
  else
    note_event(data, GST_EVENT_CAST(object));
  return GST_PAD_PROBE_OK;
}

void
rig_notes_watch(GstPad *pad, GString *came, GByteArray *audio, gboolean flushes)
{
  Output *output = g_new0(Output, 1);

  *output = (Output){ came, audio };
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM | (flushes ? GST_PAD_PROBE_TYPE_EVENT_FLUSH : 0),
      on_output, output, g_free);
}
