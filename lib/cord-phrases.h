/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What elements say of their own accord, where nobody has told them what. */

/**
 * CordPhrase:
 * @CORD_PHRASE_SORRY: no answer is to be had
 * @CORD_PHRASE_STILL_THERE: the caller says nothing
 */
typedef enum {
  CORD_PHRASE_SORRY,
  CORD_PHRASE_STILL_THERE,
} CordPhrase;

const gchar *cord_phrase_in(CordPhrase phrase, const gchar *language);

G_END_DECLS
