/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a caller is understood to have said, against examples: the first line is one, the rest is
 * what was said. */
#include <stdint.h>
#include <string.h>

#include "route-match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree gchar *text = g_strndup(size > 0 ? (const gchar *)data : "", size);
  gchar *said = strchr(text, '\n');
  g_autoptr(RouteMatcher) matcher = route_matcher_new(2);
  gdouble scores[2];

  if (said)
    *said++ = '\0';
  route_matcher_add(matcher, 0, text);
  route_matcher_add(matcher, 1, "stop");
  route_matcher_add_unlike(matcher, 1, "don't stop by");
  route_matcher_seal(matcher);
  route_matcher_score(matcher, said ? said : "", scores);
  for (guint i = 0; i < G_N_ELEMENTS(scores); i++)
    if (!(scores[i] >= 0 && scores[i] <= 1))
      g_error("a score of %g", scores[i]);
  return 0;
}
