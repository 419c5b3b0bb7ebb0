/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-script.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "llm-pattern.h"

#define ACCEPT 0.62   /* the score from which a rule is meant */
#define IN_STATE 0.12 /* the advantage of a rule that waits for just this state */
#define MAX_RULES 500
#define MAX_TOKEN_DELAY_MS 1000

typedef struct {
  GPtrArray *patterns; /* LlmPattern */
  gchar *state;        /* the state it wants, or NULL */
  gchar *next_state;   /* the state it leaves, or NULL */
  GStrv replies;
  guint used;
  gchar *tool;
  JsonObject *arguments; /* of the tool, or NULL */
} Rule;

struct _LlmScript {
  LlmWordLists *lists;
  GPtrArray *rules; /* Rule */
  GStrv fallbacks;
  GString *hints;
  guint token_delay_ms;

  gchar *state;
  GHashTable *slots;
  guint misses; /* in a row */
};

static void
free_rule(gpointer data)
{
  Rule *rule = data;

  g_ptr_array_unref(rule->patterns);
  g_strfreev(rule->replies);
  g_free(rule->state);
  g_free(rule->next_state);
  g_free(rule->tool);
  g_clear_pointer(&rule->arguments, json_object_unref);
  g_free(rule);
}

static GStrv
read_strings(JsonObject *object, const gchar *name, GError **error)
{
  JsonArray *array = cord_json_get_array(object, name, error);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  if (array == NULL)
    return NULL;
  for (guint i = 0; i < json_array_get_length(array); i++) {
    JsonNode *node = json_array_get_element(array, i);

    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "\"%s\" is not a list of strings", name);
      return NULL;
    }
    g_strv_builder_add(builder, json_node_get_string(node));
  }
  if (json_array_get_length(array) == 0) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "\"%s\" is empty", name);
    return NULL;
  }
  return g_strv_builder_end(builder);
}

static gboolean
read_lists(LlmScript *self, JsonObject *root, GError **error)
{
  JsonObject *lists = cord_json_peek_object(root, "lists");
  g_autoptr(GList) names = lists ? json_object_get_members(lists) : NULL;

  for (GList *l = names; l; l = l->next) {
    g_auto(GStrv) phrases = read_strings(lists, l->data, error);
    GPtrArray *words = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    g_hash_table_insert(self->lists, g_strdup(l->data), words);
    if (phrases == NULL)
      return FALSE;
    for (guint i = 0; phrases[i]; i++)
      g_ptr_array_add(words, llm_words_split(phrases[i]));
  }
  return TRUE;
}

static gboolean
read_patterns(LlmScript *self, Rule *rule, JsonObject *object, GError **error)
{
  g_auto(GStrv) texts = read_strings(object, "patterns", error);

  for (guint i = 0; texts && texts[i]; i++) {
    LlmPattern *pattern = llm_pattern_new(texts[i], self->lists, error);
    g_autofree gchar *hint = NULL;

    if (pattern == NULL)
      return FALSE;
    g_ptr_array_add(rule->patterns, pattern);
    hint = llm_pattern_to_hint(texts[i], self->lists);
    if (hint)
      g_string_append_printf(self->hints, "%s\n", hint);
  }
  return texts != NULL;
}

static gboolean
read_rule(LlmScript *self, JsonObject *object, GError **error)
{
  Rule *rule = g_new0(Rule, 1);
  JsonObject *tool = cord_json_peek_object(object, "tool");

  rule->patterns = g_ptr_array_new_with_free_func((GDestroyNotify)llm_pattern_free);
  g_ptr_array_add(self->rules, rule);
  if (!read_patterns(self, rule, object, error))
    return FALSE;
  rule->replies = read_strings(object, "replies", error);
  rule->state = g_strdup(cord_json_peek_string(object, "when", NULL));
  rule->next_state = g_strdup(cord_json_peek_string(object, "then", NULL));
  if (tool) {
    JsonObject *arguments = cord_json_peek_object(tool, "arguments");

    rule->tool = g_strdup(cord_json_get_string(tool, "name", error));
    rule->arguments = arguments ? json_object_ref(arguments) : NULL;
    if (rule->tool == NULL)
      return FALSE;
  }
  return rule->replies != NULL;
}

static gboolean
read_rules(LlmScript *self, JsonObject *root, GError **error)
{
  JsonArray *rules = cord_json_get_array(root, "rules", error);

  if (rules == NULL)
    return FALSE;
  if (json_array_get_length(rules) > MAX_RULES) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE, "more than %d rules", MAX_RULES);
    return FALSE;
  }
  for (guint i = 0; i < json_array_get_length(rules); i++) {
    JsonNode *node = json_array_get_element(rules, i);

    if (!JSON_NODE_HOLDS_OBJECT(node)) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "rule %u is not an object", i + 1);
      return FALSE;
    }
    if (!read_rule(self, json_node_get_object(node), error)) {
      g_prefix_error(error, "rule %u: ", i + 1);
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * llm_script_new:
 * @json: the script
 * @error: return location for an error that names the rule
 *
 * Returns: (transfer full): a script at its beginning, or %NULL
 */
LlmScript *
llm_script_new(const gchar *json, GError **error)
{
  g_autoptr(LlmScript) self = g_new0(LlmScript, 1);
  g_autoptr(JsonObject) root = NULL;

  self->lists =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  self->rules = g_ptr_array_new_with_free_func(free_rule);
  self->slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->hints = g_string_new(NULL);
  root = cord_json_parse_object(json, -1, error);
  if (root == NULL || !read_lists(self, root, error) || !read_rules(self, root, error)) {
    g_prefix_error(error, "script: ");
    return NULL;
  }
  self->fallbacks = read_strings(root, "fallback", error);
  if (self->fallbacks == NULL) {
    g_prefix_error(error, "script: ");
    return NULL;
  }
  self->token_delay_ms =
      (guint)CLAMP(cord_json_peek_int(root, "token_delay_ms", 0), 0, MAX_TOKEN_DELAY_MS);
  return g_steal_pointer(&self);
}

/**
 * llm_script_free:
 * @self: (transfer full): a script
 */
void
llm_script_free(LlmScript *self)
{
  g_hash_table_unref(self->lists);
  g_ptr_array_unref(self->rules);
  g_hash_table_unref(self->slots);
  g_string_free(self->hints, TRUE);
  g_strfreev(self->fallbacks);
  g_free(self->state);
  g_free(self);
}

/**
 * llm_script_restart:
 * @self: a script
 *
 * Forgets the conversation.
 */
void
llm_script_restart(LlmScript *self)
{
  g_clear_pointer(&self->state, g_free);
  g_hash_table_remove_all(self->slots);
  self->misses = 0;
  for (guint i = 0; i < self->rules->len; i++)
    ((Rule *)self->rules->pdata[i])->used = 0;
}

/* {slot} becomes what it holds; {slot|otherwise} has something to say when it holds nothing. */
static gchar *
fill_in(LlmScript *self, const gchar *text)
{
  g_autoptr(GString) out = g_string_new(NULL);

  for (const gchar *p = text; *p; p++) {
    const gchar *end = *p == '{' ? strchr(p, '}') : NULL;
    g_auto(GStrv) parts = NULL;
    g_autofree gchar *inside = NULL;
    const gchar *value;

    if (end == NULL) {
      g_string_append_c(out, *p);
      continue;
    }
    inside = g_strndup(p + 1, (gsize)(end - p - 1));
    parts = g_strsplit(inside, "|", 2);
    value = parts[0] ? g_hash_table_lookup(self->slots, parts[0]) : NULL;
    if (value == NULL && parts[0])
      value = parts[1];
    g_string_append(out, value ? value : "");
    p = end;
  }
  return g_strdup(out->str);
}

static gchar *
fill_in_arguments(LlmScript *self, JsonObject *arguments)
{
  g_autoptr(JsonObject) filled = json_object_new();
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  if (arguments)
    json_object_iter_init(&iter, arguments);
  while (arguments && json_object_iter_next(&iter, &name, &node)) {
    if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING) {
      g_autofree gchar *value = fill_in(self, json_node_get_string(node));

      json_object_set_string_member(filled, name, value);
    } else {
      json_object_set_member(filled, name, json_node_copy(node));
    }
  }
  return cord_json_print_object(filled);
}

static Rule *
find_rule(LlmScript *self, GStrv words, GHashTable **slots)
{
  Rule *found = NULL;
  gdouble highest = ACCEPT;

  for (guint i = 0; i < self->rules->len; i++) {
    Rule *rule = self->rules->pdata[i];

    if (rule->state && g_strcmp0(rule->state, self->state) != 0)
      continue;
    for (guint j = 0; j < rule->patterns->len; j++) {
      g_autoptr(GHashTable) filled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
      gdouble score = llm_pattern_match(rule->patterns->pdata[j], words, self->lists, filled);

      score += rule->state ? IN_STATE : 0;
      if (score <= highest)
        continue;
      highest = score;
      found = rule;
      g_clear_pointer(slots, g_hash_table_unref);
      *slots = g_steal_pointer(&filled);
    }
  }
  return found;
}

static void
keep_slots(LlmScript *self, GHashTable *slots)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init(&iter, slots);
  while (g_hash_table_iter_next(&iter, &name, &value))
    g_hash_table_replace(self->slots, g_strdup(name), g_strdup(value));
}

/**
 * llm_script_answer:
 * @self: a script
 * @said: what the caller said
 * @reply: (out): what to answer
 *
 * Answers by the rule that fits best; where none does, asks again, each time a little differently.
 *
 * Returns: whether a rule fitted
 */
gboolean
llm_script_answer(LlmScript *self, const gchar *said, LlmScriptReply *reply)
{
  g_auto(GStrv) words = llm_words_split(said);
  g_autoptr(GHashTable) slots = NULL;
  Rule *rule = find_rule(self, words, &slots);

  *reply = (LlmScriptReply){ NULL };
  if (rule == NULL) {
    guint last = g_strv_length(self->fallbacks) - 1;

    reply->text = fill_in(self, self->fallbacks[MIN(self->misses, last)]);
    self->misses++;
    return FALSE;
  }
  self->misses = 0;
  keep_slots(self, slots);
  reply->text = fill_in(self, rule->replies[rule->used++ % g_strv_length(rule->replies)]);
  reply->tool = g_strdup(rule->tool);
  reply->arguments = rule->tool ? fill_in_arguments(self, rule->arguments) : NULL;
  if (rule->next_state) {
    g_free(self->state);
    self->state = *rule->next_state ? g_strdup(rule->next_state) : NULL;
  }
  return TRUE;
}

/**
 * llm_script_get_hints:
 * @self: a script
 *
 * Returns: (transfer full): what its rules expect to hear, one phrase a line, for speech-to-text
 */
gchar *
llm_script_get_hints(LlmScript *self)
{
  return g_strdup(self->hints->str);
}

/**
 * llm_script_get_token_delay_ms:
 * @self: a script
 *
 * Returns: how long each word of an answer takes, to imitate a model; 0: no time
 */
guint
llm_script_get_token_delay_ms(LlmScript *self)
{
  return self->token_delay_ms;
}

/**
 * llm_script_get_slot:
 * @self: a script
 * @name: a slot
 *
 * Returns: (transfer none) (nullable): what it holds
 */
const gchar *
llm_script_get_slot(LlmScript *self, const gchar *name)
{
  return g_hash_table_lookup(self->slots, name);
}

/**
 * llm_script_reply_clear:
 * @reply: a reply
 *
 * Frees what is in it.
 */
void
llm_script_reply_clear(LlmScriptReply *reply)
{
  g_clear_pointer(&reply->text, g_free);
  g_clear_pointer(&reply->tool, g_free);
  g_clear_pointer(&reply->arguments, g_free);
}
