/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "twilio-message.h"

G_BEGIN_DECLS

/* The objects in which fields are looked for; anything else is skipped. */
typedef enum {
  TWILIO_OBJECT_TOP,
  TWILIO_OBJECT_START,
  TWILIO_OBJECT_FORMAT,
  TWILIO_OBJECT_MEDIA,
  TWILIO_OBJECT_MARK,
  TWILIO_OBJECT_DTMF,
  TWILIO_OBJECT_STOP,
  TWILIO_N_OBJECTS,
  TWILIO_OBJECT_SKIPPED = TWILIO_N_OBJECTS
} TwilioObject;

typedef enum {
  TWILIO_KIND_TEXT,   /* @where: offset of a TwilioText */
  TWILIO_KIND_NUMBER, /* @where: offset of a gint64 */
  TWILIO_KIND_RAW,    /* @where: offset of a TwilioText that gets the whole value */
  TWILIO_KIND_OBJECT, /* @where: a TwilioObject */
} TwilioKind;

typedef struct {
  const gchar *name;
  TwilioKind kind;
  guint where;
} TwilioField;

typedef struct {
  const gchar *name;
  TwilioEvent event;
} TwilioEventName;

/**
 * TwilioDialect:
 * @name: the carrier
 * @events: names of inbound events, ended by %NULL
 * @fields: for each object its fields, ended by %NULL; an object that the carrier lacks is %NULL
 * @media: outbound audio; the first %s is the stream's name, the audio goes between head and tail
 * @mark: the same for a mark's name
 * @clear: the whole message
 *
 * How one carrier speaks. Another carrier is another table.
 */
struct _TwilioDialect {
  const gchar *name;
  const TwilioEventName *events;
  const TwilioField *fields[TWILIO_N_OBJECTS];
  struct {
    const gchar *head;
    const gchar *tail;
  } media, mark;
  const gchar *clear;
};

G_END_DECLS
