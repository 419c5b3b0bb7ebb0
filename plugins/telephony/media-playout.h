/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "media-format.h"

G_BEGIN_DECLS

/*
 * The books of the sink: what was sent, which marks are on their way, what was played. It sends
 * nothing and knows no pads. Positions are bytes since the generation began; a generation
 * ends with a flush, and marks of an old one mean nothing any more, because the carrier echoes all
 * pending marks when it clears its queue.
 */

/* One turn whose audio, or whose end, is on its way. */
typedef struct {
  guint number;
  CordTurn *turn;    /* or NULL */
  guint64 start;     /* bytes, in the generation */
  guint64 sent;      /* bytes */
  gboolean finished; /* no more audio of it will come */
} MediaTurn;

typedef enum {
  MEDIA_ECHO_PLAYED,
  MEDIA_ECHO_OLD,       /* of a generation that was cleared: expected, ignored */
  MEDIA_ECHO_DUPLICATE, /* of a mark that has been echoed before */
  MEDIA_ECHO_UNKNOWN,
} MediaEcho;

typedef struct {
  const MediaFormat *format;
  guint generation;
  guint next_mark;
  guint64 sent;   /* bytes */
  guint64 marked; /* bytes before the last mark */
  guint64 played; /* bytes before the last echo */
  guint64 anchor; /* bytes that were played at anchor_time */
  GstClockTime anchor_time;
  guint64 earlier; /* bytes played in generations before */
  GArray *marks;   /* on their way, in order */
  GQueue turns;    /* of MediaTurn, in order */
} MediaPlayout;

void media_playout_init(MediaPlayout *self, const MediaFormat *format);
void media_playout_clear(MediaPlayout *self);

MediaTurn *media_playout_get_turn(MediaPlayout *self, guint number, CordTurn *turn);
MediaTurn *media_playout_open_turn(MediaPlayout *self);
void media_playout_count_frame(MediaPlayout *self, MediaTurn *turn, gsize length, GstClockTime now);
guint64 media_playout_unmarked(const MediaPlayout *self);
void media_playout_make_mark(MediaPlayout *self, gchar name[MEDIA_MAX_MARK_NAME]);
MediaEcho media_playout_take_echo(MediaPlayout *self, const gchar *name, GstClockTime now);
gboolean media_playout_take_deadline(MediaPlayout *self, GstClockTime grace, GstClockTime now);
gboolean media_playout_is_pending(const MediaPlayout *self);
guint64 media_playout_get_limit(const MediaPlayout *self);
guint64 media_playout_get_position(const MediaPlayout *self, GstClockTime now);
guint64 media_playout_get_ahead(const MediaPlayout *self, GstClockTime now);
MediaTurn *media_playout_take_done(MediaPlayout *self);
void media_playout_describe(const MediaPlayout *self, const MediaTurn *turn, guint64 position,
                            CordPlayoutState state, CordPlayout *out);
void media_playout_flush(MediaPlayout *self, GstClockTime now);
void media_turn_free(MediaTurn *self);

G_END_DECLS
