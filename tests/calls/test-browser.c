/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <string.h>

#include "call-rig.h"

/* Calls from a browser and conversations by messages, over a whole server. */

#define HOW_LONG 120 /* s: nothing here takes a tenth of that on a machine that is not busy */

/* A page's socket: what came over it, and how it ended. */
typedef struct {
  SoupWebsocketConnection *socket;
  GError *error;
  GPtrArray *texts;
  gsize audio; /* bytes */
  gboolean closed;
} Page;

static void
on_message(SoupWebsocketConnection *socket, gint type, GBytes *message, gpointer data)
{
  Page *page = data;

  if (type == SOUP_WEBSOCKET_DATA_BINARY)
    page->audio += g_bytes_get_size(message);
  else
    g_ptr_array_add(page->texts,
                    g_strndup(g_bytes_get_data(message, NULL), g_bytes_get_size(message)));
}

static void
on_closed(SoupWebsocketConnection *socket, gpointer data)
{
  ((Page *)data)->closed = TRUE;
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  Page *page = data;

  page->socket = soup_session_websocket_connect_finish(SOUP_SESSION(source), result, &page->error);
  if (page->socket == NULL)
    return;
  g_signal_connect(page->socket, "message", G_CALLBACK(on_message), page);
  g_signal_connect(page->socket, "closed", G_CALLBACK(on_closed), page);
}

static Page *
page_open(CallRig *rig, const gchar *path, const gchar *origin)
{
  Page *page = g_new0(Page, 1);
  g_autofree gchar *url = g_strconcat("ws", rig->url + strlen("http"), path, NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);

  page->texts = g_ptr_array_new_with_free_func(g_free);
  soup_session_websocket_connect_async(rig->session, message, origin, NULL, G_PRIORITY_DEFAULT,
                                       NULL, on_connected, page);
  while (page->socket == NULL && page->error == NULL)
    g_main_context_iteration(NULL, TRUE);
  if (page->socket)
    soup_websocket_connection_set_max_incoming_payload_size(page->socket, 0);
  return page;
}

static void
page_free(Page *page)
{
  g_clear_object(&page->socket);
  g_clear_error(&page->error);
  g_ptr_array_unref(page->texts);
  g_free(page);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Page, page_free)

static const gchar *
find(Page *page, const gchar *part)
{
  for (guint i = 0; i < page->texts->len; i++) {
    if (strstr(page->texts->pdata[i], part))
      return page->texts->pdata[i];
  }
  return NULL;
}

static gboolean
on_too_long(gpointer data)
{
  g_error("\"%s\" did not come", (const gchar *)data);
  return G_SOURCE_REMOVE;
}

/* Until a message with @part has come; NULL: until the end. */
static const gchar *
wait_for(Page *page, const gchar *part)
{
  guint limit = g_timeout_add_seconds(HOW_LONG, on_too_long, (gpointer)(part ? part : "the end"));

  while (part ? !find(page, part) : !page->closed)
    g_main_context_iteration(NULL, TRUE);
  g_source_remove(limit);
  return part ? find(page, part) : NULL;
}

static void
wait_until_gone(CallRig *rig)
{
  for (;;) {
    guint status;
    g_autoptr(JsonNode) node = call_rig_get(rig, "/ws/status", &status);

    if (json_object_get_int_member(json_node_get_object(node), "active_connections") == 0)
      return;
  }
}

/* The newest call, as the store has it when it has ended. */
static JsonObject *
last_call(CallRig *rig)
{
  for (;;) {
    guint status;
    g_autoptr(JsonNode) node = call_rig_get(rig, "/api/calls", &status);
    JsonArray *calls = json_node_get_array(node);
    JsonObject *call =
        json_array_get_length(calls) > 0 ? json_array_get_object_element(calls, 0) : NULL;

    /* the store hears of a call after the page does */
    if (call && !json_object_get_null_member(call, "ended_at"))
      return json_object_ref(call);
  }
}

static void
assert_member(JsonObject *object, const gchar *name, const gchar *value)
{
  g_assert_cmpstr(json_object_get_string_member(object, name), ==, value);
}

static void
test_talk(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *url = g_strconcat("ws", rig->url + strlen("http"), "/ws/voice-browser", NULL);
  const gchar *arguments[] = { "--browser",
                               "--url",
                               url,
                               "--jitter",
                               "150",
                               "--say",
                               "what are your opening hours",
                               "--barge-in",
                               "900",
                               "--say",
                               "what does a cleaning cost",
                               NULL };
  int code;
  g_autoptr(JsonObject) result = call_rig_call(rig, arguments, &code);
  g_autofree gchar *caller = call_rig_said(result, "user");
  g_autofree gchar *agent = call_rig_said(result, "assistant");
  g_autofree gchar *path = NULL;
  g_autoptr(JsonObject) call = NULL;
  g_autoptr(JsonNode) transcript = NULL;
  guint status;

  g_assert_cmpint(code, ==, 0);
  g_assert_nonnull(strstr(caller, "opening hours"));
  g_assert_nonnull(strstr(caller, "cleaning cost"));
  g_assert_nonnull(strstr(agent, "ninety dollars"));
  /* the answer about the hours was cut short */
  g_assert_null(strstr(agent, "five in the afternoon"));
  call = last_call(rig);
  assert_member(call, "direction", "browser");
  assert_member(call, "status", "completed");
  assert_member(call, "end_reason", "browser_disconnect");
  g_assert_true(json_object_get_null_member(call, "twilio_call_sid"));
  path = g_strdup_printf("/api/calls/%s/transcript", json_object_get_string_member(call, "id"));
  transcript = call_rig_get(rig, path, &status);
  g_assert_cmpuint(json_array_get_length(json_node_get_array(transcript)), >=, 5);
  call_rig_free(rig);
}

static void
test_first_and_last_words(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autoptr(Page) page = page_open(rig, "/ws/voice-browser", NULL);
  g_autoptr(JsonObject) call = NULL;

  wait_for(page, "session_started");
  g_assert_cmpstr(page->texts->pdata[0], ==,
                  "{\"type\":\"session_started\",\"agent\":\"Dental practice\"}");
  wait_for(page, "\"role\":\"assistant\"");
  while (page->audio < 640)
    g_main_context_iteration(NULL, TRUE);
  soup_websocket_connection_send_text(page->socket, "{\"type\":\"end\"}");
  wait_for(page, NULL);
  g_assert_nonnull(strstr(find(page, "session_ended"), "browser_disconnect"));
  call = last_call(rig);
  assert_member(call, "end_reason", "browser_disconnect");
  call_rig_free(rig);
}

/* A server that takes one call at a time. */
static CallRig *
new_with_one_line(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *folder = g_build_filename(rig->dir, "cordboard", NULL);
  g_autofree gchar *file = g_build_filename(folder, "cordboard.conf", NULL);

  g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
  g_assert_true(g_file_set_contents(file, "[server]\nmax-calls=1\n", -1, NULL));
  call_rig_stop(rig);
  call_rig_start(rig);
  return rig;
}

static void
test_who_may_not(void)
{
  CallRig *rig = new_with_one_line();
  g_autoptr(Page) evil = page_open(rig, "/ws/voice-browser", "http://evil.example");
  g_autoptr(Page) stranger = page_open(rig, "/ws/voice-browser?agent_id=nobody", NULL);
  g_autoptr(Page) talk = NULL, no_talk = NULL, first = NULL, second = NULL, third = NULL;
  guint status;
  g_autoptr(JsonNode) no_socket = call_rig_get(rig, "/ws/voice-browser", &status);

  g_assert_nonnull(evil->error);
  g_assert_nonnull(stranger->error);
  g_assert_cmpuint(status, ==, 400);
  talk = page_open(rig, "/ws/voice-agent/one", NULL);
  g_assert_no_error(talk->error);
  no_talk = page_open(rig, "/ws/voice-agent/other", NULL);
  g_assert_nonnull(no_talk->error);
  first = page_open(rig, "/ws/voice-browser", NULL);
  wait_for(first, "session_started");
  second = page_open(rig, "/ws/voice-browser", NULL);
  g_assert_nonnull(second->error);
  third = page_open(rig, "/ws/voice-agent/any", NULL);
  g_assert_nonnull(third->error);
  call_rig_free(rig);
}

static void
test_bad_ends(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autoptr(Page) junk = page_open(rig, "/ws/voice-browser", NULL);
  g_autoptr(Page) rude = page_open(rig, "/ws/voice-browser", NULL);
  g_autoptr(JsonObject) call = NULL;
  g_autoptr(JsonNode) health = NULL;
  guint status;

  wait_for(junk, "session_started");
  soup_websocket_connection_send_text(junk->socket, "not JSON");
  wait_for(junk, NULL);
  g_assert_cmpuint(soup_websocket_connection_get_close_code(junk->socket), ==, 1007);
  wait_for(rude, "session_started");
  /* the machine under the page has gone */
  g_io_stream_close(soup_websocket_connection_get_io_stream(rude->socket), NULL, NULL);
  wait_until_gone(rig);
  call = last_call(rig);
  assert_member(call, "direction", "browser");
  health = call_rig_get(rig, "/health", &status);
  g_assert_cmpuint(status, ==, 200);
  call_rig_free(rig);
}

/* A server knows of a socket a moment after its client does. */
static JsonNode *
wait_for_sessions(CallRig *rig, guint n)
{
  for (;;) {
    guint status;
    g_autoptr(JsonNode) node = call_rig_get(rig, "/ws/status", &status);
    JsonArray *sessions = json_object_get_array_member(json_node_get_object(node), "sessions");

    if (json_array_get_length(sessions) == n)
      return g_steal_pointer(&node);
  }
}

static void
test_status_and_disconnect(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autoptr(Page) page = page_open(rig, "/ws/voice-browser", NULL);
  g_autoptr(Page) talk = page_open(rig, "/ws/voice-agent/mine", NULL);
  g_autofree gchar *nobody = g_strconcat(rig->url, "/ws/disconnect/nobody", NULL);
  g_autoptr(JsonNode) node = NULL, problem = NULL;
  JsonArray *sessions;
  guint status;

  wait_for(page, "\"role\":\"assistant\"");
  node = wait_for_sessions(rig, 2);
  sessions = json_object_get_array_member(json_node_get_object(node), "sessions");
  for (guint i = 0; i < 2; i++) {
    const gchar *id =
        json_object_get_string_member(json_array_get_object_element(sessions, i), "session_id");
    g_autofree gchar *url = g_strconcat(rig->url, "/ws/disconnect/", id, NULL);
    g_autoptr(JsonNode) answer = call_rig_send(rig, "POST", url, NULL, &status);

    g_assert_cmpuint(status, ==, 200);
    assert_member(json_node_get_object(answer), "session_id", id);
  }
  wait_for(page, NULL);
  wait_for(talk, NULL);
  g_assert_nonnull(strstr(find(page, "session_ended"), "disconnected"));
  wait_until_gone(rig);
  problem = call_rig_send(rig, "POST", nobody, NULL, &status);
  g_assert_cmpuint(status, ==, 404);
  call_rig_free(rig);
}

static guint
control(CallRig *rig, const gchar *id, const gchar *what, const gchar *json)
{
  g_autofree gchar *url = g_strdup_printf("%s/api/calls/%s/%s", rig->url, id, what);
  guint status;
  g_autoptr(JsonNode) answer = call_rig_send(rig, "POST", url, json, &status);

  return status;
}

static void
test_control(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autoptr(Page) page = page_open(rig, "/ws/voice-browser", NULL);
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(JsonObject) call = NULL;
  const gchar *id;

  wait_for(page, "\"role\":\"assistant\"");
  node = wait_for_sessions(rig, 1);
  id = json_object_get_string_member(
      json_array_get_object_element(
          json_object_get_array_member(json_node_get_object(node), "sessions"), 0),
      "session_id");
  g_assert_cmpuint(control(rig, id, "recording", "{\"action\":\"start\"}"), ==, 409);
  g_assert_cmpuint(control(rig, id, "hangup", NULL), ==, 200);
  wait_for(page, NULL);
  g_assert_nonnull(strstr(find(page, "session_ended"), "api_hangup"));
  call = last_call(rig);
  assert_member(call, "end_reason", "api-hangup");
  call_rig_free(rig);
}

static void
forget(Page *page)
{
  g_ptr_array_set_size(page->texts, 0);
}

/* What an answer says, spoken: the recording of the next question. */
static gchar *
take_audio(Page *page)
{
  g_autoptr(JsonNode) node = json_from_string(wait_for(page, "audio_response"), NULL);

  return g_strdup(json_object_get_string_member(json_node_get_object(node), "audio_base64"));
}

static void
test_messages(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autoptr(Page) page = page_open(rig, "/ws/voice-agent/my-own-name?format=wav", NULL);
  g_autofree gchar *audio = NULL, *chunk = NULL;

  soup_websocket_connection_send_text(
      page->socket, "{\"type\":\"text_input\",\"text\":\"what does a cleaning cost\"}");
  g_assert_nonnull(strstr(wait_for(page, "conversation_response"), "ninety dollars"));
  audio = take_audio(page);
  forget(page);
  chunk =
      g_strdup_printf("{\"type\":\"audio_chunk\",\"audio_data\":\"%s\",\"format\":\"wav\"}", audio);
  soup_websocket_connection_send_text(page->socket, chunk);
  /* what exactly is the recogniser's business */
  g_assert_null(strstr(wait_for(page, "\"transcription\""), "\"text\":\"\""));
  wait_for(page, "audio_response");
  forget(page);
  soup_websocket_connection_send_text(page->socket, "{\"type\":\"audio_chunk\"}");
  wait_for(page, "audio_data");
  soup_websocket_connection_send_text(page->socket, "[");
  wait_for(page, "not JSON");
  forget(page);
  soup_websocket_connection_send_text(page->socket,
                                      "{\"type\":\"text_input\",\"text\":\"good bye\"}");
  wait_for(page, "audio_response");
  soup_websocket_connection_close(page->socket, 1000, NULL);
  wait_for(page, NULL);
  wait_until_gone(rig);
  call_rig_free(rig);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
  g_test_add_func("/browser/a caller talks and interrupts though his audio comes in bursts",
                  test_talk);
  g_test_add_func("/browser/a page is told who speaks first and why it is over last",
                  test_first_and_last_words);
  g_test_add_func("/browser/pages from elsewhere and calls beyond the limit are refused",
                  test_who_may_not);
  g_test_add_func("/browser/what makes no sense or breaks off ends one call and nothing else",
                  test_bad_ends);
  g_test_add_func("/browser/open sockets are listed and can be closed", test_status_and_disconnect);
  g_test_add_func("/browser/a call is hung up by the API, and by no carrier", test_control);
  g_test_add_func("/browser/a conversation by messages hears, answers and speaks", test_messages);
  return g_test_run();
}
