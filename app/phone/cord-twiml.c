/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-twiml.h"

#include <string.h>

#include "cord-error.h"

#define MAX_DOCUMENT (64 * 1024) /* bytes; more is Twilio's error 11750 */
#define MAX_DEPTH 16

typedef struct {
  GPtrArray *verbs;
  CordTwimlVerb *verb; /* the one that is open */
  guint depth;
  gboolean in_stream;
} Reader;

static void
verb_free(gpointer data)
{
  CordTwimlVerb *verb = data;

  g_free(verb->name);
  g_string_free(verb->text, TRUE);
  g_hash_table_unref(verb->attributes);
  g_free(verb->stream_url);
  g_hash_table_unref(verb->parameters);
  g_free(verb);
}

static GHashTable *
new_table(void)
{
  return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static const gchar *
find_attribute(const gchar **names, const gchar **values, const gchar *name)
{
  for (; *names; names++, values++)
    if (g_str_equal(*names, name))
      return *values;
  return NULL;
}

static void
begin_verb(Reader *reader, const gchar *element, const gchar **names, const gchar **values)
{
  CordTwimlVerb *verb = g_new0(CordTwimlVerb, 1);

  verb->name = g_strdup(element);
  verb->text = g_string_new(NULL);
  verb->attributes = new_table();
  verb->parameters = new_table();
  for (; *names; names++, values++)
    g_hash_table_replace(verb->attributes, g_strdup(*names), g_strdup(*values));
  g_ptr_array_add(reader->verbs, verb);
  reader->verb = verb;
}

static void
begin_noun(Reader *reader, const gchar *element, const gchar **names, const gchar **values)
{
  CordTwimlVerb *verb = reader->verb;

  if (g_str_equal(element, "Stream") && !verb->stream_url) {
    verb->stream_url = g_strdup(find_attribute(names, values, "url"));
    reader->in_stream = TRUE;
  } else if (g_str_equal(element, "Parameter") && reader->in_stream) {
    const gchar *name = find_attribute(names, values, "name");
    const gchar *value = find_attribute(names, values, "value");

    if (name)
      g_hash_table_replace(verb->parameters, g_strdup(name), g_strdup(value ? value : ""));
  }
}

static void
on_start(GMarkupParseContext *context, const gchar *element, const gchar **names,
         const gchar **values, gpointer user_data, GError **error)
{
  Reader *reader = user_data;

  if (reader->depth == 0 && !g_str_equal(element, "Response"))
    g_set_error(error, CORD_ERROR, CORD_ERROR_PROTOCOL, "TwiML must begin with Response, not %s",
                element);
  else if (reader->depth >= MAX_DEPTH)
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE, "TwiML is nested too deep");
  else if (reader->depth == 1)
    begin_verb(reader, element, names, values);
  else if (reader->depth > 1)
    begin_noun(reader, element, names, values);
  reader->depth++;
}

static void
on_end(GMarkupParseContext *context, const gchar *element, gpointer user_data, GError **error)
{
  Reader *reader = user_data;

  reader->depth--;
  if (reader->depth == 1)
    reader->verb = NULL;
  if (g_str_equal(element, "Stream"))
    reader->in_stream = FALSE;
}

static void
on_text(GMarkupParseContext *context, const gchar *text, gsize length, gpointer user_data,
        GError **error)
{
  Reader *reader = user_data;

  if (reader->verb)
    g_string_append_len(reader->verb->text, text, length);
}

/**
 * cord_twiml_parse:
 * @text: a document
 * @length: bytes in it
 * @error: return location for an error
 *
 * Returns: (transfer container) (element-type CordTwimlVerb): its verbs in their order
 */
GPtrArray *
cord_twiml_parse(const gchar *text, gsize length, GError **error)
{
  static const GMarkupParser parser = { on_start, on_end, on_text, NULL, NULL };
  g_autoptr(GPtrArray) verbs = g_ptr_array_new_with_free_func(verb_free);
  Reader reader = { .verbs = verbs };
  g_autoptr(GMarkupParseContext) context = NULL;

  if (length > MAX_DOCUMENT) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE, "TwiML of more than 64 KiB");
    return NULL;
  }
  context = g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &reader, NULL);
  if (!g_markup_parse_context_parse(context, text, length, error) ||
      !g_markup_parse_context_end_parse(context, error)) {
    g_prefix_error(error, "The TwiML cannot be read: ");
    return NULL;
  }
  for (guint i = 0; i < verbs->len; i++) {
    CordTwimlVerb *verb = verbs->pdata[i];

    verb->text->len = strlen(g_strstrip(verb->text->str));
  }
  return g_steal_pointer(&verbs);
}

/**
 * cord_twiml_verb_get:
 * @self: a verb
 * @attribute: the name of an attribute
 *
 * Returns: (nullable): its value
 */
const gchar *
cord_twiml_verb_get(const CordTwimlVerb *self, const gchar *attribute)
{
  return g_hash_table_lookup(self->attributes, attribute);
}
