/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-metadata.h"

#include "cord-json.h"

/* Nobody else writes it until the transaction ends, on either database. */
#define SQL_LOCK "UPDATE calls SET metadata = metadata WHERE id = $1"
#define SQL_READ "SELECT metadata, twilio_call_sid FROM calls WHERE id = $1"
#define SQL_WRITE "UPDATE calls SET metadata = $2 WHERE id = $1"

/* NULL without an error: there is no such call, or @call_sid is not its. */
static JsonObject *
read_locked(CordDatabase *database, const gchar *call_id, const gchar *call_sid, GError **error)
{
  g_autoptr(CordRows) rows = NULL;
  const gchar *sid, *text;
  JsonObject *object;

  if (!cord_database_run(database, SQL_LOCK, CORD_PARAMS(call_id), error))
    return NULL;
  rows = cord_database_query(database, SQL_READ, CORD_PARAMS(call_id), error);
  if (rows == NULL || cord_rows_length(rows) == 0)
    return NULL;
  sid = cord_rows_get(rows, 0, 1);
  if (sid && call_sid && !g_str_equal(sid, call_sid))
    return NULL;
  text = cord_rows_get(rows, 0, 0);
  object = text ? cord_json_parse_object(text, -1, NULL) : NULL;
  return object ? object : json_object_new();
}

/**
 * cord_call_metadata_merge:
 * @database: the store's database, inside a transaction
 * @call_id: a call
 * @members: a JSON object: what is new
 * @merged: (out) (transfer full) (nullable): the metadata with it; %NULL: there is no such call
 * @error: return location for an error
 *
 * Returns: whether the database answered
 */
gboolean
cord_call_metadata_merge(CordDatabase *database, const gchar *call_id, const gchar *members,
                         gchar **merged, GError **error)
{
  g_autoptr(JsonObject) added = cord_json_parse_object(members, -1, NULL);
  g_autoptr(GError) inner = NULL;
  g_autoptr(JsonObject) metadata = read_locked(database, call_id, NULL, &inner);
  g_autoptr(GList) names = added ? json_object_get_members(added) : NULL;

  *merged = NULL;
  if (inner) {
    g_propagate_error(error, g_steal_pointer(&inner));
    return FALSE;
  }
  for (GList *l = names; metadata && l; l = l->next)
    json_object_set_member(metadata, l->data, json_object_dup_member(added, l->data));
  *merged = metadata ? cord_json_print_object(metadata) : NULL;
  return TRUE;
}

/* That a recording goes on is old news once it has ended. */
static gboolean
is_old(JsonObject *known, JsonObject *news)
{
  return g_strcmp0(cord_json_peek_string(news, "status", NULL), "in-progress") == 0 &&
         g_strcmp0(cord_json_peek_string(known, "status", "in-progress"), "in-progress") != 0;
}

static gboolean
is_of(JsonObject *recording, const gchar *sid)
{
  return g_strcmp0(cord_json_peek_string(recording, "sid", NULL), sid) == 0;
}

/* All there are, each once; those of old records had one, and no list. */
static JsonArray *
take_recordings(JsonObject *metadata)
{
  JsonArray *list = cord_json_peek_array(metadata, "recordings");
  JsonObject *last = cord_json_peek_object(metadata, "recording");

  if (list)
    return json_array_ref(list);
  list = json_array_new();
  if (last)
    json_array_add_object_element(list, json_object_ref(last));
  return list;
}

/* Whether anything was new. */
static gboolean
note(JsonObject *metadata, JsonObject *recording)
{
  JsonArray *list = take_recordings(metadata);
  const gchar *sid = cord_json_peek_string(recording, "sid", NULL);
  JsonArray *noted = json_array_new();
  gboolean known = FALSE, news = TRUE;
  guint length;

  for (guint i = 0; i < json_array_get_length(list); i++) {
    JsonNode *node = json_array_get_element(list, i);
    JsonObject *each = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    gboolean same = each && is_of(each, sid);

    known = known || same;
    news = news && !(same && is_old(each, recording));
    if (each)
      json_array_add_object_element(noted, json_object_ref(same && news ? recording : each));
  }
  if (!known)
    json_array_add_object_element(noted, json_object_ref(recording));
  length = json_array_get_length(noted);
  json_object_set_object_member(metadata, "recording",
                                json_object_ref(json_array_get_object_element(noted, length - 1)));
  json_object_set_array_member(metadata, "recordings", noted);
  json_array_unref(list);
  return news;
}

/**
 * cord_call_metadata_add_recording:
 * @database: the store's database, inside a transaction
 * @call_id: a call
 * @call_sid: (nullable): its name at the carrier; a call of another name is not meant
 * @recording: a JSON object, what the carrier says of a recording
 * @error: return location for an error
 *
 * Notes it in the call's metadata: all under "recordings", the last one under "recording". What
 * comes twice or too late changes nothing.
 *
 * Returns: whether the database answered
 */
gboolean
cord_call_metadata_add_recording(CordDatabase *database, const gchar *call_id,
                                 const gchar *call_sid, const gchar *recording, GError **error)
{
  g_autoptr(JsonObject) news = recording ? cord_json_parse_object(recording, -1, NULL) : NULL;
  g_autoptr(GError) inner = NULL;
  g_autoptr(JsonObject) metadata = read_locked(database, call_id, call_sid, &inner);
  g_autofree gchar *text = NULL;

  if (inner) {
    g_propagate_error(error, g_steal_pointer(&inner));
    return FALSE;
  }
  if (metadata == NULL || news == NULL || !note(metadata, news))
    return TRUE;
  text = cord_json_print_object(metadata);
  return cord_database_run(database, SQL_WRITE, CORD_PARAMS(call_id, text), error);
}
