/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deepgram-message.h"

#include "cord-json.h"

#define MAX_TIME 1e7 /* s: no stream is longer */

/*
 * The messages of Deepgram's /v1/listen and /v2/listen (deepgram-api-specs, asyncapi.yml). What is
 * missing is taken for empty, what is not known for nothing: the service adds to them.
 */

static GstClockTime
to_time(gdouble seconds)
{
  return seconds >= 0 && seconds < MAX_TIME ? (GstClockTime)(seconds * GST_SECOND + 0.5)
                                            : GST_CLOCK_TIME_NONE;
}

static GstClockTime
get_time(JsonObject *object, const gchar *name)
{
  return to_time(cord_json_peek_double(object, name, -1));
}

static void
clear_word(gpointer data)
{
  g_free(((DeepgramWord *)data)->text);
}

static JsonObject *
peek_element(JsonArray *array, guint index)
{
  JsonNode *node =
      array && index < json_array_get_length(array) ? json_array_get_element(array, index) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static void
read_words(DeepgramMessage *self, JsonObject *object)
{
  JsonArray *array = cord_json_peek_array(object, "words");
  guint n = array ? json_array_get_length(array) : 0;

  for (guint i = 0; i < n; i++) {
    JsonObject *item = peek_element(array, i);
    const gchar *plain = item ? cord_json_peek_string(item, "word", "") : "";
    DeepgramWord word;

    if (item == NULL || *plain == '\0')
      continue;
    word.text = g_strdup(cord_json_peek_string(item, "punctuated_word", plain));
    word.start = get_time(item, "start");
    word.end = get_time(item, "end");
    word.confidence = cord_json_peek_double(item, "confidence", -1);
    g_array_append_val(self->words, word);
    if (self->language == NULL)
      self->language = g_strdup(cord_json_peek_string(item, "language", NULL));
  }
}

/* A list of languages, the most likely first */
static void
read_languages(DeepgramMessage *self, JsonObject *object)
{
  JsonArray *array = cord_json_peek_array(object, "languages");
  JsonNode *first = array && json_array_get_length(array) ? json_array_get_element(array, 0) : NULL;

  if (first && JSON_NODE_HOLDS_VALUE(first) && json_node_get_value_type(first) == G_TYPE_STRING)
    self->language = g_strdup(json_node_get_string(first));
}

static void
read_results(DeepgramMessage *self, JsonObject *root)
{
  JsonObject *channel = cord_json_peek_object(root, "channel");
  JsonArray *alternatives = channel ? cord_json_peek_array(channel, "alternatives") : NULL;
  JsonObject *best = peek_element(alternatives, 0);
  gdouble start = cord_json_peek_double(root, "start", 0);

  self->start = to_time(start);
  self->end = to_time(start + MAX(0, cord_json_peek_double(root, "duration", 0)));
  self->speech_final = cord_json_peek_boolean(root, "speech_final", FALSE);
  self->is_final = self->speech_final || cord_json_peek_boolean(root, "is_final", FALSE);
  self->from_finalize = cord_json_peek_boolean(root, "from_finalize", FALSE);
  self->text = g_strdup(best ? cord_json_peek_string(best, "transcript", "") : "");
  if (best == NULL)
    return;
  self->confidence = cord_json_peek_double(best, "confidence", -1);
  read_languages(self, best);
  read_words(self, best);
}

static DeepgramTurnEvent
read_event(const gchar *name)
{
  static const struct {
    const gchar *name;
    DeepgramTurnEvent event;
  } events[] = {
    { "StartOfTurn", DEEPGRAM_TURN_START },   { "EagerEndOfTurn", DEEPGRAM_TURN_EAGER_END },
    { "TurnResumed", DEEPGRAM_TURN_RESUMED }, { "EndOfTurn", DEEPGRAM_TURN_END },
    { "ForcedEndOfTurn", DEEPGRAM_TURN_END },
  };

  for (guint i = 0; i < G_N_ELEMENTS(events); i++) {
    if (g_str_equal(name, events[i].name))
      return events[i].event;
  }
  return DEEPGRAM_TURN_UPDATE;
}

static void
read_turn(DeepgramMessage *self, JsonObject *root)
{
  gdouble sum = 0;

  self->event = read_event(cord_json_peek_string(root, "event", ""));
  self->turn = cord_json_peek_int(root, "turn_index", 0);
  self->start = get_time(root, "audio_window_start");
  self->end = get_time(root, "audio_window_end");
  self->text = g_strdup(cord_json_peek_string(root, "transcript", ""));
  self->is_final = self->speech_final = self->event == DEEPGRAM_TURN_END;
  read_languages(self, root);
  read_words(self, root);
  for (guint i = 0; i < self->words->len; i++)
    sum += deepgram_message_get_word(self, i)->confidence;
  if (self->words->len > 0 && sum >= 0)
    self->confidence = sum / self->words->len;
}

static void
read_speech_started(DeepgramMessage *self, JsonObject *root)
{
  self->start = get_time(root, "timestamp");
}

/* "last_word_end" is -1 where there was no word */
static void
read_utterance_end(DeepgramMessage *self, JsonObject *root)
{
  self->end = get_time(root, "last_word_end");
}

static void
read_error(DeepgramMessage *self, JsonObject *root)
{
  const gchar *text = cord_json_peek_string(root, "description", NULL);

  if (text == NULL)
    text = cord_json_peek_string(root, "message", NULL);
  self->description =
      g_strdup_printf("%s %s", cord_json_peek_string(root, "code", "error"), text ? text : "");
  g_strstrip(self->description);
}

/**
 * deepgram_message_parse:
 * @text: of a WebSocket message
 * @length: of @text in bytes
 * @error: return location for an error
 *
 * Returns: (transfer full): what it says, or %NULL where it is no JSON object
 */
DeepgramMessage *
deepgram_message_parse(const gchar *text, gsize length, GError **error)
{
  static const struct {
    const gchar *type;
    DeepgramKind kind;
    void (*read)(DeepgramMessage *self, JsonObject *root);
  } types[] = {
    { "Results", DEEPGRAM_RESULTS, read_results },
    { "SpeechStarted", DEEPGRAM_SPEECH_STARTED, read_speech_started },
    { "UtteranceEnd", DEEPGRAM_UTTERANCE_END, read_utterance_end },
    { "Metadata", DEEPGRAM_METADATA, NULL },
    { "Connected", DEEPGRAM_CONNECTED, NULL },
    { "TurnInfo", DEEPGRAM_TURN, read_turn },
    { "Error", DEEPGRAM_ERROR, read_error },
  };
  g_autoptr(JsonObject) root = cord_json_parse_object(text, (gssize)length, error);
  DeepgramMessage *self;
  const gchar *type;

  if (root == NULL)
    return NULL;
  self = g_new0(DeepgramMessage, 1);
  self->start = self->end = GST_CLOCK_TIME_NONE;
  self->confidence = -1;
  self->words = g_array_new(FALSE, FALSE, sizeof(DeepgramWord));
  g_array_set_clear_func(self->words, clear_word);
  type = cord_json_peek_string(root, "type", "");
  for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
    if (!g_str_equal(type, types[i].type))
      continue;
    self->kind = types[i].kind;
    if (types[i].read)
      types[i].read(self, root);
  }
  return self;
}

void
deepgram_message_free(DeepgramMessage *self)
{
  g_array_unref(self->words);
  g_free(self->text);
  g_free(self->language);
  g_free(self->description);
  g_free(self);
}

guint
deepgram_message_count_words(const DeepgramMessage *self)
{
  return self->words->len;
}

const DeepgramWord *
deepgram_message_get_word(const DeepgramMessage *self, guint index)
{
  return &g_array_index(self->words, DeepgramWord, index);
}
