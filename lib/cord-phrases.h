/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

const gchar *llm_sorry_in(const gchar *language);

G_END_DECLS
