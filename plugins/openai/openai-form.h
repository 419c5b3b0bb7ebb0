/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OpenaiForm:
 *
 * A body of multipart/form-data (RFC 7578) under construction.
 */
typedef struct _OpenaiForm OpenaiForm;

OpenaiForm *openai_form_new(void);
void openai_form_add(OpenaiForm *self, const gchar *name, const gchar *value);
void openai_form_add_wav(OpenaiForm *self, const gchar *name, const gint16 *samples,
                         gsize n_samples, guint rate);
GBytes *openai_form_end(OpenaiForm *self, gchar **content_type);

G_END_DECLS
