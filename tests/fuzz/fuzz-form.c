/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-form.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CordForm) form = cord_form_parse((const gchar *)data, size, &error);

  if ((form == NULL) == (error == NULL))
    g_error("a form and an error, or neither");
  for (guint i = 0; form && i < cord_form_get_length(form); i++) {
    if (!g_utf8_validate(cord_form_get_name(form, i), -1, NULL) ||
        !g_utf8_validate(cord_form_get_value(form, i), -1, NULL))
      g_error("a field that is no text");
  }
  return 0;
}
