/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cord-error.h"
#include "cord-json.h"

/* What the scan lets through, json-glib must read, and write as what the scan lets through. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(JsonNode) again = NULL;
  g_autofree gchar *text = NULL;
  gboolean good = cord_json_scan((const gchar *)data, size, CORD_JSON_MAX_DEPTH, &error);

  if (good != (error == NULL) || (error && error->domain != CORD_ERROR))
    abort();
  g_clear_error(&error);
  node = cord_json_parse((const gchar *)data, (gssize)size, 0, 0, &error);
  if (good != (node != NULL) || good != (error == NULL))
    abort();
  if (node == NULL)
    return 0;
  text = cord_json_print(node);
  again = cord_json_parse(text, -1, 0, 0, NULL);
  if (again == NULL || !json_node_equal(node, again))
    abort();
  if (JSON_NODE_HOLDS_OBJECT(node)) {
    JsonObject *object = json_node_get_object(node);

    cord_json_peek_string(object, "a", NULL);
    cord_json_peek_int(object, "a", 0);
    cord_json_peek_object(object, "a");
  }
  return 0;
}
