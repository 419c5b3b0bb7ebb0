/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordTwimlVerb:
 * @name: "Connect", "Say", …
 * @text: what stands in it
 * @attributes: (element-type utf8 utf8): its attributes
 * @stream_url: (nullable): the url of a Stream inside
 * @parameters: (element-type utf8 utf8): name to value of the Parameters of that Stream
 *
 * One instruction of a TwiML document.
 */
typedef struct {
  gchar *name;
  GString *text;
  GHashTable *attributes;
  gchar *stream_url;
  GHashTable *parameters;
} CordTwimlVerb;

GPtrArray *cord_twiml_parse(const gchar *text, gsize length, GError **error);
const gchar *cord_twiml_verb_get(const CordTwimlVerb *self, const gchar *attribute);

G_END_DECLS
