/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-start.h"

#include <string.h>

#define MAX_PARAMETERS 32
#define MAX_NAME 64        /* bytes */
#define MAX_VALUE 1024     /* bytes; a carrier allows 500 characters for name and value */
#define MAX_SID 128        /* bytes */
#define MAX_NEW_NAMES 1024 /* in the process's life */

static gint new_names; /* atomic */

/*
 * A structure's field names are quarks, which are never freed, and a stranger chooses these: names
 * that the process has not met before are rationed.
 */
static gboolean
name_is_usable(const gchar *name)
{
  if (*name == 0 || !g_ascii_isalpha(*name))
    return FALSE;
  for (const gchar *p = name; *p; p++)
    if (!g_ascii_isalnum(*p) && !strchr("/-_.:+", *p))
      return FALSE;
  return g_quark_try_string(name) != 0 || g_atomic_int_add(&new_names, 1) < MAX_NEW_NAMES;
}

static GstStructure *
read_parameters(const TwilioMessage *message, guint *n_ignored)
{
  GstStructure *parameters = gst_structure_new_empty("parameters");
  TwilioText rest = message->parameters, name, value;

  while (twilio_message_next_parameter(&rest, &name, &value)) {
    gchar name_copy[MAX_NAME + 8];
    g_autofree gchar *value_copy = NULL;
    if (gst_structure_n_fields(parameters) >= MAX_PARAMETERS || name.length > MAX_NAME ||
        value.length > MAX_VALUE || !value.text) {
      ++*n_ignored;
      continue;
    }
    twilio_text_copy(&name, name_copy, sizeof name_copy);
    if (!name_is_usable(name_copy)) {
      ++*n_ignored;
      continue;
    }
    value_copy = twilio_text_dup(&value);
    gst_structure_set(parameters, name_copy, G_TYPE_STRING, value_copy, NULL);
  }
  return parameters;
}

static gboolean
check_format(const TwilioMessage *message, GError **error)
{
  g_autofree gchar *encoding = twilio_text_dup(&message->encoding);

  if ((encoding == NULL || g_str_equal(encoding, "audio/x-mulaw")) &&
      (message->sample_rate < 0 || message->sample_rate == 8000) &&
      (message->channels < 0 || message->channels == 1))
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_PROTOCOL,
              "The carrier's audio is %.40s at %" G_GINT64_FORMAT " Hz in %" G_GINT64_FORMAT
              " channels, not mu-law at 8000 Hz in one",
              encoding ? encoding : "of unknown encoding", message->sample_rate, message->channels);
  return FALSE;
}

/**
 * twilio_start_new:
 * @message: a start message
 * @n_ignored: (out): parameters that were left out because of their name, size or number
 * @error: return location
 *
 * Returns: (transfer full) (nullable): what the carrier says at the start
 */
MediaStart *
twilio_start_new(const TwilioMessage *message, guint *n_ignored, GError **error)
{
  const TwilioText *stream =
      message->stream_sid.text ? &message->stream_sid : &message->inner_stream_sid;
  MediaStart *self;

  *n_ignored = 0;
  if (!stream->text || stream->length == 0 || stream->length > MAX_SID ||
      message->call_sid.length > MAX_SID || message->account_sid.length > MAX_SID) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_PROTOCOL,
                        "The carrier's start message names no stream");
    return NULL;
  }
  if (!check_format(message, error))
    return NULL;
  self = g_new0(MediaStart, 1);
  self->stream_sid = twilio_text_dup(stream);
  self->call_sid = twilio_text_dup(&message->call_sid);
  self->account_sid = twilio_text_dup(&message->account_sid);
  self->parameters = read_parameters(message, n_ignored);
  return self;
}
