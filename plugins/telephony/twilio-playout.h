/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

G_BEGIN_DECLS

/*
 * The books of the sink: what was sent, which marks are on their way, what was played. It sends
 * nothing and knows no pads. Positions are bytes of mu-law since the generation began; a generation
 * ends with a flush, and marks of an old one mean nothing any more, because the carrier echoes all
 * pending marks when it clears its queue.
 */

#define TWILIO_MARK_NAME_MAX 48 /* bytes */

/* One turn whose audio, or whose end, is on its way. */
typedef struct {
  guint number;
  CordTurn *turn;    /* or NULL */
  guint64 start;     /* bytes, in the generation */
  guint64 sent;      /* bytes */
  gboolean finished; /* no more audio of it will come */
} TwilioTurn;

typedef enum {
  TWILIO_ECHO_PLAYED,
  TWILIO_ECHO_OLD,       /* of a generation that was cleared: expected, ignored */
  TWILIO_ECHO_DUPLICATE, /* of a mark that has been echoed before */
  TWILIO_ECHO_UNKNOWN,
} TwilioEcho;

typedef struct {
  guint generation;
  guint next_mark;
  guint64 sent;   /* bytes */
  guint64 marked; /* bytes before the last mark */
  guint64 played; /* bytes before the last echo */
  guint64 anchor; /* bytes that were played at anchor_time */
  GstClockTime anchor_time;
  guint64 earlier; /* bytes played in generations before */
  GArray *marks;   /* on their way, in order */
  GQueue turns;    /* of TwilioTurn, in order */
} TwilioPlayout;

void twilio_playout_init(TwilioPlayout *self);
void twilio_playout_clear(TwilioPlayout *self);

TwilioTurn *twilio_playout_get_turn(TwilioPlayout *self, guint number, CordTurn *turn);
TwilioTurn *twilio_playout_open_turn(TwilioPlayout *self);
void twilio_playout_count_frame(TwilioPlayout *self, TwilioTurn *turn, gsize length,
                                GstClockTime now);
guint64 twilio_playout_unmarked(const TwilioPlayout *self);
void twilio_playout_make_mark(TwilioPlayout *self, gchar name[TWILIO_MARK_NAME_MAX]);
TwilioEcho twilio_playout_take_echo(TwilioPlayout *self, const gchar *name, GstClockTime now);
gboolean twilio_playout_take_deadline(TwilioPlayout *self, GstClockTime grace, GstClockTime now);
gboolean twilio_playout_is_pending(const TwilioPlayout *self);
guint64 twilio_playout_get_limit(const TwilioPlayout *self);
guint64 twilio_playout_get_position(const TwilioPlayout *self, GstClockTime now);
guint64 twilio_playout_get_ahead(const TwilioPlayout *self, GstClockTime now);
TwilioTurn *twilio_playout_take_done(TwilioPlayout *self);
void twilio_playout_describe(const TwilioPlayout *self, const TwilioTurn *turn, guint64 position,
                             CordPlayoutState state, CordPlayout *out);
void twilio_playout_flush(TwilioPlayout *self, GstClockTime now);
void twilio_turn_free(TwilioTurn *self);

G_END_DECLS
