/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordApology:
 *
 * What a caller hears when no service can speak for the agent: recordings by language. Read once,
 * then immutable; any thread.
 */
typedef struct _CordApology CordApology;

CordApology *cord_apology_load(const gchar *data_dir);
CordApology *cord_apology_ref(CordApology *self);
void cord_apology_unref(CordApology *self);
GBytes *cord_apology_get_audio(CordApology *self, const gchar *language);

const gchar *cord_apology_get_text(const gchar *language);

G_END_DECLS
