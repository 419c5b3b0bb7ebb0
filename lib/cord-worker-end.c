/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-worker-loop.h"

/*
 * What is put off to the end of a turn of the loop. Sockets are written there: some system calls
 * in a row find the kernel's code in the processor's cache, where each would drive out ours, and be
 * driven out by it, when it was called in the middle of a frame's way. Not more than a few are put
 * off together, so that nobody waits and what they touch stays in the cache, too.
 */

/* Runs @func with @data when what is dispatched now has been; FALSE when nothing is. On the loop's
 * thread. */
gboolean
cord_loop_at_end(CordLoop *loop, CordFunc func, gpointer data)
{
  if (!loop->dispatching)
    return FALSE;
  if (loop->n_endings == CORD_LOOP_ENDINGS)
    cord_loop_run_endings(loop);
  loop->endings[loop->n_endings++] = (CordLoopEnding){ func, data };
  return TRUE;
}

void
cord_loop_not_at_end(CordLoop *loop, gpointer data)
{
  for (guint i = 0; i < loop->n_endings; i++) {
    if (loop->endings[i].data == data)
      loop->endings[i].func = NULL;
  }
}

void
cord_loop_run_endings(CordLoop *loop)
{
  /* one may end others, or put off something new */
  for (guint i = 0; i < loop->n_endings; i++) {
    CordLoopEnding ending = loop->endings[i];

    loop->endings[i].func = NULL;
    if (ending.func)
      ending.func(ending.data);
  }
  loop->n_endings = 0;
}
