/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The carrier's messages, read and written by hand: bytes in, a checked structure out, no
 * allocation on the way. What differs from carrier to carrier stands in a TwilioDialect.
 */

/** TWILIO_MESSAGE_MAX_DEPTH: how deep objects and arrays may nest. */
#define TWILIO_MESSAGE_MAX_DEPTH 32

typedef enum {
  TWILIO_EVENT_UNKNOWN,
  TWILIO_EVENT_CONNECTED,
  TWILIO_EVENT_START,
  TWILIO_EVENT_MEDIA,
  TWILIO_EVENT_MARK,
  TWILIO_EVENT_DTMF,
  TWILIO_EVENT_STOP,
} TwilioEvent;

/**
 * TwilioText:
 * @text: where it stands in the message, or %NULL if the field is absent
 * @length: in bytes
 * @escaped: whether it holds escape sequences
 *
 * The inside of a string, as it was written. It lives as long as the message's bytes.
 */
typedef struct {
  const gchar *text;
  gsize length;
  gboolean escaped;
} TwilioText;

/**
 * TwilioMessage:
 *
 * One message. Fields that are absent, or not of the expected kind, are %NULL or -1. Numbers may
 * have been written as numbers or as strings.
 */
typedef struct {
  TwilioEvent event;
  TwilioText name; /* the event as it was written */
  TwilioText stream_sid;
  gint64 sequence;
  /* start and stop */
  TwilioText inner_stream_sid;
  TwilioText call_sid;
  TwilioText account_sid;
  TwilioText encoding;
  gint64 sample_rate;
  gint64 channels;
  TwilioText parameters; /* the object, braces included */
  /* media and dtmf */
  TwilioText track;
  TwilioText payload;
  gint64 chunk;
  gint64 timestamp_ms;
  TwilioText digit;
  /* mark */
  TwilioText mark;
} TwilioMessage;

/**
 * TwilioParseError:
 * @reason: what is wrong, a static string
 * @offset: at which byte
 */
typedef struct {
  const gchar *reason;
  gsize offset;
} TwilioParseError;

typedef struct _TwilioDialect TwilioDialect;
typedef struct _TwilioFormatter TwilioFormatter;

extern const TwilioDialect twilio_dialect;

gboolean twilio_message_parse(const TwilioDialect *dialect, const gchar *text, gsize length,
                              TwilioMessage *message, TwilioParseError *error);
gboolean twilio_message_next_parameter(TwilioText *rest, TwilioText *name, TwilioText *value);
gssize twilio_message_decode_payload(const TwilioMessage *message, guint8 *out, gsize size,
                                     const gchar **reason);

gboolean twilio_text_equal(const TwilioText *text, const gchar *other);
gchar *twilio_text_dup(const TwilioText *text);
gsize twilio_text_copy(const TwilioText *text, gchar *out, gsize size);

TwilioFormatter *twilio_formatter_new(const TwilioDialect *dialect, const gchar *stream_sid);
void twilio_formatter_free(TwilioFormatter *self);
const gchar *twilio_formatter_media(TwilioFormatter *self, const guint8 *audio, gsize length,
                                    gsize *out_length);
const gchar *twilio_formatter_mark(TwilioFormatter *self, const gchar *name, gsize *out_length);
const gchar *twilio_formatter_clear(TwilioFormatter *self, gsize *out_length);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TwilioFormatter, twilio_formatter_free)

G_END_DECLS
