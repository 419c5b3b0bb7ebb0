/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

void cord_main_post(GMainContext *context, GSourceFunc func, gpointer data, GDestroyNotify notify);

G_END_DECLS
