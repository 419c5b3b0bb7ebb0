/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordTextCutter:
 *
 * Cuts text that comes in fragments into pieces that can be spoken: first a short clause, so that
 * the voice can begin, then sentences. What is meant for the eye (markdown, code, emoji) is left
 * out. The pieces do not depend on how the text was fragmented.
 */
typedef struct _CordTextCutter CordTextCutter;

CordTextCutter *cord_text_cutter_new(void);
void cord_text_cutter_free(CordTextCutter *self);
void cord_text_cutter_set_verbatim(CordTextCutter *self, gboolean verbatim);
void cord_text_cutter_reset(CordTextCutter *self);
void cord_text_cutter_feed(CordTextCutter *self, const gchar *text);
void cord_text_cutter_finish(CordTextCutter *self);
gchar *cord_text_cutter_pop(CordTextCutter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordTextCutter, cord_text_cutter_free)

G_END_DECLS
