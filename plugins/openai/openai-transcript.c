/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openai-transcript.h"

#include <math.h>
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"

#define MAX_TIME 1e6 /* s */
/* Whisper's own rule for what it has made up */
#define NO_SPEECH 0.6 /* probability above which … */
#define UNSURE (-1.0) /* … and mean log probability below which there was nothing to hear */

/*
 * What /v1/audio/transcriptions answers: json and verbose_json, plain text, and the events of a
 * stream.
 */

static GstClockTime
get_time(JsonObject *object, const gchar *name)
{
  gdouble seconds = cord_json_peek_double(object, name, -1);

  return seconds >= 0 && seconds < MAX_TIME ? (GstClockTime)(seconds * GST_SECOND + 0.5)
                                            : GST_CLOCK_TIME_NONE;
}

static void
clear_word(gpointer data)
{
  g_free(((OpenaiWord *)data)->text);
}

static JsonObject *
peek_element(JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element(array, index);

  return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static void
read_words(OpenaiTranscript *self, JsonObject *root)
{
  JsonArray *words = cord_json_peek_array(root, "words");

  for (guint i = 0; words && i < json_array_get_length(words); i++) {
    JsonObject *item = peek_element(words, i);
    const gchar *text = item ? cord_json_peek_string(item, "word", "") : "";
    OpenaiWord word;

    if (*text == '\0')
      continue;
    word.text = g_strstrip(g_strdup(text));
    word.start = get_time(item, "start");
    word.end = get_time(item, "end");
    g_array_append_val(self->words, word);
  }
}

static gboolean
is_made_up(JsonObject *segment)
{
  return cord_json_peek_double(segment, "no_speech_prob", 0) > NO_SPEECH &&
         cord_json_peek_double(segment, "avg_logprob", 0) < UNSURE;
}

/* Takes the words of a segment that is none out again. */
static void
drop_words(OpenaiTranscript *self, JsonObject *segment)
{
  GstClockTime start = get_time(segment, "start");
  GstClockTime end = get_time(segment, "end");

  for (guint i = self->words->len; i-- > 0;) {
    const OpenaiWord *word = &g_array_index(self->words, OpenaiWord, i);

    if (word->start != GST_CLOCK_TIME_NONE && word->start >= start && word->start < end)
      g_array_remove_index(self->words, i);
  }
}

static void
read_segments(OpenaiTranscript *self, JsonObject *root)
{
  JsonArray *segments = cord_json_peek_array(root, "segments");
  g_autoptr(GString) text = g_string_new(NULL);
  gboolean dropped = FALSE;
  gdouble sum = 0;
  guint n = 0;

  for (guint i = 0; segments && i < json_array_get_length(segments); i++) {
    JsonObject *segment = peek_element(segments, i);

    if (segment == NULL)
      continue;
    if (is_made_up(segment)) {
      dropped = TRUE;
      drop_words(self, segment);
      continue;
    }
    g_string_append(text, cord_json_peek_string(segment, "text", ""));
    if (json_object_has_member(segment, "avg_logprob")) {
      sum += exp(MIN(0, cord_json_peek_double(segment, "avg_logprob", 0)));
      n++;
    }
  }
  if (n > 0)
    self->confidence = sum / n;
  if (dropped) {
    g_free(self->text);
    self->text = g_strdup(text->str);
  }
}

static GError *
make_error(JsonObject *problem)
{
  return g_error_new(CORD_ERROR, CORD_ERROR_FAILED, "the transcription failed: %s",
                     cord_json_peek_string(problem, "message", "no reason was given"));
}

static OpenaiTranscript *
new_transcript(void)
{
  OpenaiTranscript *self = g_new0(OpenaiTranscript, 1);

  self->confidence = -1;
  self->words = g_array_new(FALSE, FALSE, sizeof(OpenaiWord));
  g_array_set_clear_func(self->words, clear_word);
  return self;
}

static OpenaiTranscript *
read_object(JsonObject *root, GError **error)
{
  JsonObject *problem = cord_json_peek_object(root, "error");
  const gchar *text = cord_json_peek_string(root, "text", NULL);
  OpenaiTranscript *self;

  if (problem) {
    g_propagate_error(error, make_error(problem));
    return NULL;
  }
  if (text == NULL) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_PROTOCOL,
                        "the answer to a transcription has no text");
    return NULL;
  }
  self = new_transcript();
  self->text = g_strdup(text);
  self->language = g_strdup(cord_json_peek_string(root, "language", NULL));
  read_words(self, root);
  read_segments(self, root);
  g_strstrip(self->text);
  return self;
}

/**
 * openai_transcript_parse:
 * @body: of an answer
 * @length: of @body
 * @error: return location for an error
 *
 * Returns: (transfer full): what it says, or %NULL
 */
OpenaiTranscript *
openai_transcript_parse(const gchar *body, gsize length, GError **error)
{
  g_autoptr(JsonObject) root = NULL;
  OpenaiTranscript *self;

  while (length > 0 && g_ascii_isspace(*body)) {
    body++;
    length--;
  }
  if (length > 0 && *body == '{') {
    root = cord_json_parse_object(body, (gssize)length, error);
    return root ? read_object(root, error) : NULL;
  }
  /* servers that answer with the bare text; a page is none */
  if (length > 0 && (*body == '<' || !g_utf8_validate(body, (gssize)length, NULL))) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_PROTOCOL,
                        "the answer to a transcription is neither JSON nor text");
    return NULL;
  }
  self = new_transcript();
  self->text = g_strstrip(g_strndup(length > 0 ? body : "", length));
  return self;
}

/**
 * openai_transcript_parse_event:
 * @data: of a server-sent event
 * @text: (out) (nullable) (transfer full): the delta, or all the text
 * @error: set where the event tells that the transcription has failed
 *
 * Returns: what the event is
 */
OpenaiTranscriptEvent
openai_transcript_parse_event(const gchar *data, gchar **text, GError **error)
{
  g_autoptr(JsonObject) root = cord_json_parse_object(data, -1, NULL);
  const gchar *type = root ? cord_json_peek_string(root, "type", "") : "";
  JsonObject *problem = root ? cord_json_peek_object(root, "error") : NULL;

  *text = NULL;
  if (problem)
    g_propagate_error(error, make_error(problem));
  else if (g_str_equal(type, "transcript.text.delta"))
    *text = g_strdup(cord_json_peek_string(root, "delta", ""));
  else if (g_str_equal(type, "transcript.text.done"))
    *text = g_strdup(cord_json_peek_string(root, "text", ""));
  if (*text == NULL)
    return OPENAI_TRANSCRIPT_OTHER;
  return g_str_has_suffix(type, "done") ? OPENAI_TRANSCRIPT_DONE : OPENAI_TRANSCRIPT_DELTA;
}

void
openai_transcript_free(OpenaiTranscript *self)
{
  g_free(self->text);
  g_array_unref(self->words);
  g_free(self->language);
  g_free(self);
}
