/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-talk.h"
#include "cord-error.h"
#include "cord-json.h"
#include "cord-multipart.h"

/* Voice in one request: what was recorded becomes text, text becomes audio, or both with an answer
 * between them. */

static const gchar *const fields[] = { "session_id", "persona", "agent_id", "customer_id",
                                       "voice",      "format",  "language", NULL };
static const gchar *const files[] = { "audio_file", "file", "audio", NULL };

/* One request under way. */
typedef struct {
  CordApiTalk talk;
  CordMultipart *form;
  const CordPersona *persona;
  CordAudioFormat format;
  CordDialogue *dialogue;
  CordAgent *agent;
  gchar *heard;
  CordAnswer *answer;
} Voice;

static void
free_voice(Voice *voice)
{
  cord_api_talk_end(&voice->talk);
  g_clear_pointer(&voice->form, cord_multipart_free);
  g_clear_object(&voice->dialogue);
  g_clear_pointer(&voice->agent, cord_agent_unref);
  g_clear_pointer(&voice->answer, cord_answer_free);
  g_free(voice->heard);
  g_free(voice);
}

static Voice *
voice_new(CordApi *api, CordExchange *exchange)
{
  Voice *voice = g_new0(Voice, 1);

  cord_api_talk_begin(&voice->talk, api, exchange);
  return voice;
}

static void
fail(Voice *voice, const GError *error)
{
  cord_api_answer_talk_error(voice->talk.exchange, error);
  free_voice(voice);
}

/* A form, or the audio itself. */
static CordMultipart *
read_form(CordExchange *exchange)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(exchange->message);
  const gchar *type = soup_message_headers_get_content_type(headers, NULL);
  g_autoptr(GBytes) body =
      soup_message_body_flatten(soup_server_message_get_request_body(exchange->message));
  g_autoptr(GError) error = NULL;
  CordMultipart *form;

  if (type && (g_str_has_prefix(type, "audio/") || g_str_has_prefix(type, "video/webm"))) {
    form = g_new0(CordMultipart, 1);
    form->fields = g_hash_table_new(g_str_hash, g_str_equal);
    form->file = g_steal_pointer(&body);
    return form;
  }
  if (type == NULL || g_ascii_strcasecmp(type, "multipart/form-data") != 0) {
    cord_exchange_problem(exchange, 415,
                          "Send the recording as multipart/form-data, field \"audio_file\", or as "
                          "the body with its audio type.");
    return NULL;
  }
  form = cord_multipart_read(headers, body, fields, files, &error);
  if (form == NULL)
    cord_exchange_problem(exchange, 422, "%s.", error->message);
  return form;
}

/* What was uploaded, with what all such requests may say besides; NULL when it was answered. */
static Voice *
read_upload(CordApi *api, CordExchange *exchange)
{
  g_autoptr(CordMultipart) form = read_form(exchange);
  const gchar *format;
  CordAudioFormat known = CORD_AUDIO_MP3;
  const CordPersona *persona;
  Voice *voice;

  if (form == NULL)
    return NULL;
  if (form->file == NULL || g_bytes_get_size(form->file) == 0) {
    cord_exchange_problem(exchange, 422, "The recording is missing (audio_file).");
    return NULL;
  }
  format = cord_multipart_get(form, "format");
  if (format && !cord_audio_format_find(format, &known)) {
    cord_exchange_problem(exchange, 422, "The format is wav, mp3 or opus.");
    return NULL;
  }
  if (!cord_api_read_persona(exchange, cord_multipart_get(form, "persona"), &persona))
    return NULL;
  voice = voice_new(api, exchange);
  voice->form = g_steal_pointer(&form);
  voice->format = known;
  voice->persona = persona;
  return voice;
}

/* From audio to text */

static void
on_heard_alone(GObject *source, GAsyncResult *result, gpointer data)
{
  Voice *voice = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) object = NULL;
  g_autofree gchar *json = NULL;

  voice->heard = cord_talks_hear_finish(CORD_TALKS(source), result, &error);
  if (voice->heard == NULL) {
    fail(voice, error);
    return;
  }
  object = json_object_new();
  json_object_set_string_member(object, "text", voice->heard);
  json_object_set_string_member(object, "language", voice->agent->language);
  json = cord_json_print_object(object);
  cord_exchange_answer(voice->talk.exchange, 200, "application/json", json);
  free_voice(voice);
}

static void
hear_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  Voice *voice = read_upload(api, exchange);

  if (voice == NULL)
    return;
  voice->agent = cord_api_find_talker(api, exchange, cord_multipart_get(voice->form, "agent_id"));
  if (voice->agent)
    cord_talks_hear_async(api->dialogues->talks, voice->agent, voice->form->file,
                          voice->talk.cancellable, on_heard_alone, voice);
  else
    free_voice(voice);
}

/* From text to audio */

static void
on_spoken_alone(GObject *source, GAsyncResult *result, gpointer data)
{
  Voice *voice = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) audio = cord_talks_speak_finish(CORD_TALKS(source), result, &error);

  if (audio == NULL) {
    fail(voice, error);
    return;
  }
  cord_exchange_answer_bytes(voice->talk.exchange, 200, cord_audio_format_get_type(voice->format),
                             audio);
  free_voice(voice);
}

static void
speak_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *text = cord_api_read_text(exchange, "text");
  const gchar *format = cord_api_read_text(exchange, "format");
  g_autoptr(CordAgent) agent = NULL;
  const CordPersona *persona;
  Voice *voice;

  if (text == NULL) {
    cord_exchange_problem(exchange, 422, "There is nothing to read: text is missing.");
    return;
  }
  agent = cord_api_find_talker(api, exchange, cord_api_read_text(exchange, "agent_id"));
  if (agent == NULL ||
      !cord_api_read_persona(exchange, cord_api_read_text(exchange, "persona"), &persona))
    return;
  voice = voice_new(api, exchange);
  cord_audio_format_find(format ? format : "mp3", &voice->format);
  voice->agent =
      cord_persona_dress(persona, agent, cord_api_read_text(exchange, "voice"), api->config);
  cord_talks_speak_async(api->dialogues->talks, voice->agent, text, voice->format,
                         voice->talk.cancellable, on_spoken_alone, voice);
}

/* Both, with an answer between them */

static const gchar *
get_voice(Voice *voice)
{
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(voice->agent, voice->talk.api->config);

  return g_intern_string(cord_agent_plan_get(plan, CORD_SERVICE_TTS)->voice);
}

static void
answer_all(Voice *voice, GBytes *audio)
{
  g_autoptr(JsonObject) object = json_object_new();
  const CordPersona *persona = cord_dialogue_get_persona(voice->dialogue);
  g_autofree gchar *base64 =
      audio ? g_base64_encode(g_bytes_get_data(audio, NULL), g_bytes_get_size(audio)) : NULL;
  g_autofree gchar *json = NULL;

  json_object_set_string_member(object, "session_id", cord_dialogue_get_id(voice->dialogue));
  json_object_set_string_member(object, "user_input", voice->heard);
  json_object_set_string_member(object, "agent_response", voice->answer->text);
  cord_json_set_string(object, "persona", persona ? persona->name : NULL);
  cord_json_set_string(object, "voice", get_voice(voice));
  json_object_set_boolean_member(object, "ended", voice->answer->ended);
  cord_json_set_string(object, "audio_base64", base64);
  json_object_set_string_member(object, "audio_format", cord_audio_format_get_name(voice->format));
  json = cord_json_print_object(object);
  cord_exchange_answer(voice->talk.exchange, 200, "application/json", json);
}

static void
on_spoken(GObject *source, GAsyncResult *result, gpointer data)
{
  Voice *voice = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) audio = cord_talks_speak_finish(CORD_TALKS(source), result, &error);

  /* what was said is said: without its sound it is still an answer */
  if (audio == NULL)
    g_message("request %s: the answer could not be spoken: %s", voice->talk.exchange->id,
              error->message);
  answer_all(voice, audio);
  free_voice(voice);
}

static void
on_said(GObject *source, GAsyncResult *result, gpointer data)
{
  Voice *voice = data;
  g_autoptr(GError) error = NULL;

  voice->answer = cord_dialogue_say_finish(CORD_DIALOGUE(source), result, &error);
  if (voice->answer == NULL) {
    fail(voice, error);
  } else if (*voice->answer->text == '\0') {
    answer_all(voice, NULL);
    free_voice(voice);
  } else {
    cord_talks_speak_async(voice->talk.api->dialogues->talks, voice->agent, voice->answer->text,
                           voice->format, voice->talk.cancellable, on_spoken, voice);
  }
}

static void
on_heard(GObject *source, GAsyncResult *result, gpointer data)
{
  Voice *voice = data;
  g_autoptr(GError) error = NULL;

  voice->heard = cord_talks_hear_finish(CORD_TALKS(source), result, &error);
  if (voice->heard == NULL) {
    fail(voice, error);
  } else if (*voice->heard == '\0') {
    cord_exchange_problem(voice->talk.exchange, 422, "Nothing was understood in the recording.");
    free_voice(voice);
  } else {
    cord_dialogue_say_async(voice->dialogue, voice->heard, NULL, NULL, NULL,
                            voice->talk.cancellable, on_said, voice);
  }
}

static void
on_opened(GObject *source, GAsyncResult *result, gpointer data)
{
  Voice *voice = data;
  CordApi *api = voice->talk.api;
  g_autoptr(GError) error = NULL;

  voice->dialogue = cord_dialogue_open_finish(result, &error);
  if (voice->dialogue == NULL) {
    fail(voice, error);
    return;
  }
  if (voice->persona)
    cord_dialogue_set_persona(voice->dialogue, voice->persona);
  voice->agent = cord_persona_dress(NULL, cord_dialogue_get_agent(voice->dialogue),
                                    cord_multipart_get(voice->form, "voice"), api->config);
  cord_talks_hear_async(api->dialogues->talks, voice->agent, voice->form->file,
                        voice->talk.cancellable, on_heard, voice);
}

static void
process_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  Voice *voice = read_upload(api, exchange);
  const gchar *id = voice ? cord_multipart_get(voice->form, "session_id") : NULL;

  if (id)
    cord_dialogue_open_async(api->dialogues, id, on_opened, voice);
  else if (voice)
    cord_dialogue_start_async(api->dialogues, cord_multipart_get(voice->form, "agent_id"),
                              cord_multipart_get(voice->form, "persona"),
                              cord_multipart_get(voice->form, "customer_id"), NULL, on_opened,
                              voice);
}

/**
 * cord_api_voice_add:
 * @api: the API
 *
 * Adds what hears and speaks in one request.
 */
void
cord_api_voice_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "speechToText", hear_handler, api);
  cord_api_bind_tool(api, "speechToTextTool", hear_handler);
  cord_openapi_bind(api->openapi, "textToSpeech", speak_handler, api);
  cord_api_bind_tool(api, "textToSpeechTool", speak_handler);
  cord_openapi_bind(api->openapi, "processVoice", process_handler, api);
}
