/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * What is to be found out in a call: how a model is asked for it, and what counts of its answer.
 *
 *   intent                 string   what the caller wants
 *   name                   string   who he is
 *   phone                  string   where he can be reached; E.164 where it clearly is that
 *   next_step              string   what was agreed to happen next
 *   consent_to_follow_up   boolean  whether he agreed to be contacted again
 *
 * Each of them is null until it was said.
 */
const gchar *cord_extraction_get_prompt(void);
JsonObject *cord_extraction_parse(const gchar *text, gsize length, GError **error);
gchar *cord_extraction_normalize_phone(const gchar *text);

G_END_DECLS
