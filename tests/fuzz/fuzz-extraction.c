/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-error.h"
#include "cord-extraction.h"

/* What a model writes when it was asked for what was found out in a call. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void
check_string(JsonObject *object, const gchar *name, glong max)
{
  JsonNode *node = json_object_get_member(object, name);
  const gchar *text;

  if (node == NULL)
    abort();
  if (JSON_NODE_HOLDS_NULL(node))
    return;
  text = json_node_get_string(node);
  if (text == NULL || *text == '\0' || !g_utf8_validate(text, -1, NULL) ||
      g_utf8_strlen(text, -1) > max || strpbrk(text, "\r\n\t"))
    abort();
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autofree gchar *text = g_memdup2(data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) object = cord_extraction_parse(text, size, &error);
  JsonNode *consent;

  if ((object == NULL) != (error != NULL) || (error && error->domain != CORD_ERROR))
    abort();
  if (object == NULL)
    return 0;
  check_string(object, "intent", 200);
  check_string(object, "name", 100);
  check_string(object, "phone", 40);
  check_string(object, "next_step", 300);
  consent = json_object_get_member(object, "consent_to_follow_up");
  if (json_object_get_size(object) != 5 ||
      (!JSON_NODE_HOLDS_NULL(consent) && json_node_get_value_type(consent) != G_TYPE_BOOLEAN))
    abort();
  return 0;
}
