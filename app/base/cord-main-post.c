/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-main-post.h"

/**
 * cord_main_post:
 * @context: (nullable): where; %NULL for the main thread's
 * @func: called there, once if it returns %G_SOURCE_REMOVE
 * @data: for @func
 * @notify: (nullable): frees @data
 *
 * Has @func called by whoever runs @context, never by the caller: g_main_context_invoke() would
 * call it here and now while nobody runs @context, as before a main loop and after it. Any thread.
 */
void
cord_main_post(GMainContext *context, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  GSource *source = g_idle_source_new();

  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(source, func, data, notify);
  g_source_attach(source, context);
  g_source_unref(source);
}
