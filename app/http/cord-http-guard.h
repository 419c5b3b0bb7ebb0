/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Looks at what a client sends before libsoup does: whether it is HTTP/1.1 whose framing everybody
 * reads alike, and not too much of it. Pure and incremental.
 */

/**
 * CordHttpPhase:
 * @CORD_HTTP_IDLE: nothing of the next request has come
 * @CORD_HTTP_HEAD: its head is coming
 * @CORD_HTTP_BODY: its body is coming
 * @CORD_HTTP_ANSWER: a whole request has passed and is being answered
 * @CORD_HTTP_PASS: the connection is no HTTP any more; everything passes
 * @CORD_HTTP_REFUSED: a rule was broken; nothing passes
 */
typedef enum {
  CORD_HTTP_IDLE,
  CORD_HTTP_HEAD,
  CORD_HTTP_BODY,
  CORD_HTTP_ANSWER,
  CORD_HTTP_PASS,
  CORD_HTTP_REFUSED,
} CordHttpPhase;

/**
 * CordHttpGuard:
 *
 * The members are private but for @phase, and @status and @reason once it is refused.
 */
typedef struct {
  CordHttpPhase phase;
  guint status;
  const gchar *reason;

  gsize max_body;
  GByteArray *head;
  guint step;        /* of the body */
  guint64 remaining; /* of the body or chunk, bytes */
  guint64 body;      /* of a chunked body so far, bytes */
  gsize line;        /* of a chunk's size or a trailer, bytes so far */
  gsize trailers;    /* bytes */
  gboolean digits;
} CordHttpGuard;

void cord_http_guard_init(CordHttpGuard *self, gsize max_body);
void cord_http_guard_clear(CordHttpGuard *self);
gsize cord_http_guard_feed(CordHttpGuard *self, const guint8 *data, gsize length,
                           GByteArray *passed);
void cord_http_guard_next(CordHttpGuard *self);

G_END_DECLS
