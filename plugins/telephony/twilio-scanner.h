/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "twilio-message.h"

G_BEGIN_DECLS

/*
 * The JSON half of the messages' parser: RFC 8259, linear, without allocation, bounded in depth.
 * Every function leaves @p behind what it read, or FALSE and the reason.
 */
typedef struct {
  const gchar *start;
  const gchar *p;
  const gchar *end;
  const gchar *reason;
} TwilioScanner;

/* Called with @p at a member's value; must read exactly that value. */
typedef gboolean (*TwilioMemberFunc)(TwilioScanner *scanner, const TwilioText *name, guint depth,
                                     gpointer data);

gboolean twilio_scanner_fail(TwilioScanner *self, const gchar *reason);
void twilio_scanner_skip_space(TwilioScanner *self);
gboolean twilio_scanner_read_string(TwilioScanner *self, TwilioText *text);
gboolean twilio_scanner_read_object(TwilioScanner *self, guint depth, TwilioMemberFunc member,
                                    gpointer data);
gboolean twilio_scanner_skip_value(TwilioScanner *self, guint depth);

G_END_DECLS
