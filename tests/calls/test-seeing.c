/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "call-rig.h"

/* What is seen of a call while it goes on: events of all calls, events of one, figures. */

/* ---- who follows, on a thread of its own ---- */

typedef struct {
  GThread *thread;
  gchar *url;
  GCancellable *cancellable;

  GMutex lock; /* guards what follows */
  GPtrArray *names;
  GPtrArray *data;
} Follower;

static void
add_line(Follower *self, gchar **name, const gchar *line)
{
  g_mutex_lock(&self->lock);
  if (g_str_has_prefix(line, "event: ")) {
    g_free(*name);
    *name = g_strdup(line + strlen("event: "));
  } else if (g_str_has_prefix(line, "data: ") && *name) {
    g_ptr_array_add(self->names, g_steal_pointer(name));
    g_ptr_array_add(self->data, g_strdup(line + strlen("data: ")));
  }
  g_mutex_unlock(&self->lock);
}

static gpointer
follow(gpointer data)
{
  Follower *self = data;
  g_autoptr(GMainContext) context = g_main_context_new();
  g_autoptr(SoupSession) session = NULL;
  g_autoptr(SoupMessage) message = soup_message_new("GET", self->url);
  g_autoptr(GInputStream) stream = NULL;
  g_autoptr(GDataInputStream) lines = NULL;
  g_autofree gchar *name = NULL;
  gchar *line;

  g_main_context_push_thread_default(context);
  session = soup_session_new();
  stream = soup_session_send(session, message, self->cancellable, NULL);
  if (stream && soup_message_get_status(message) == 200) {
    lines = g_data_input_stream_new(stream);
    while ((line = g_data_input_stream_read_line(lines, NULL, self->cancellable, NULL))) {
      add_line(self, &name, line);
      g_free(line);
    }
  }
  g_clear_object(&lines);
  g_clear_object(&stream);
  g_clear_object(&message);
  g_clear_object(&session);
  g_main_context_pop_thread_default(context);
  return NULL;
}

static Follower *
follower_new(CallRig *rig, const gchar *path)
{
  Follower *self = g_new0(Follower, 1);

  self->url = g_strconcat(rig->url, path, NULL);
  self->cancellable = g_cancellable_new();
  self->names = g_ptr_array_new_with_free_func(g_free);
  self->data = g_ptr_array_new_with_free_func(g_free);
  self->thread = g_thread_new("follower", follow, self);
  return self;
}

static void
follower_stop(Follower *self, gboolean cancel)
{
  if (cancel)
    g_cancellable_cancel(self->cancellable);
  g_thread_join(self->thread);
}

static void
follower_free(Follower *self)
{
  g_ptr_array_unref(self->names);
  g_ptr_array_unref(self->data);
  g_object_unref(self->cancellable);
  g_free(self->url);
  g_free(self);
}

static guint
count(Follower *self, const gchar *name)
{
  guint n = 0;

  g_mutex_lock(&self->lock);
  for (guint i = 0; i < self->names->len; i++)
    n += g_str_equal(self->names->pdata[i], name);
  g_mutex_unlock(&self->lock);
  return n;
}

/* One member of each event of a name, one after the other. */
static gchar *
list(Follower *self, const gchar *name, const gchar *member)
{
  g_autoptr(GString) text = g_string_new(NULL);

  g_mutex_lock(&self->lock);
  for (guint i = 0; i < self->names->len; i++) {
    g_autoptr(JsonNode) node = json_from_string(self->data->pdata[i], NULL);

    g_assert_nonnull(node);
    if (g_str_equal(self->names->pdata[i], name))
      g_string_append_printf(text, "%s ",
                             json_object_get_string_member(json_node_get_object(node), member));
  }
  g_mutex_unlock(&self->lock);
  return g_strdup(text->str);
}

static gdouble
find_loudest(Follower *self, const gchar *side)
{
  gdouble loudest = 0;

  for (guint i = 0; i < self->names->len; i++) {
    g_autoptr(JsonNode) node = json_from_string(self->data->pdata[i], NULL);

    if (g_str_equal(self->names->pdata[i], "levels"))
      loudest = MAX(loudest, json_object_get_double_member(json_node_get_object(node), side));
  }
  return loudest;
}

static gchar *
get_text(CallRig *rig, const gchar *path)
{
  g_autofree gchar *url = g_strconcat(rig->url, path, NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = soup_session_send_and_read(rig->session, message, NULL, &error);

  g_assert_no_error(error);
  g_assert_cmpuint(soup_message_get_status(message), ==, 200);
  return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static JsonObject *
get_json(CallRig *rig, const gchar *path)
{
  g_autofree gchar *url = g_strconcat(rig->url, path, NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autoptr(GBytes) bytes = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr(JsonNode) node = NULL;

  soup_message_headers_append(soup_message_get_request_headers(message), "Accept",
                              "application/json");
  bytes = soup_session_send_and_read(rig->session, message, NULL, NULL);
  text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  node = json_from_string(text, NULL);
  return json_node_dup_object(node);
}

static void
assert_has(const gchar *text, const gchar *wanted)
{
  if (strstr(text, wanted) == NULL)
    g_error("\"%s\" is not in: %s", wanted, text);
}

static Follower *all;

static gboolean
knows_a_call(CallRig *rig)
{
  return count(all, "call-admitted") > 0;
}

/* Its id, once it is there */
static gchar *
wait_for_call(CallRig *rig)
{
  g_autofree gchar *ids = NULL;

  call_rig_wait_until(rig, knows_a_call);
  ids = list(all, "call-admitted", "call_id");
  return g_strndup(ids, strcspn(ids, " "));
}

static void
check_figures(CallRig *rig)
{
  g_autofree gchar *text = get_text(rig, "/metrics");
  g_autoptr(JsonObject) json = get_json(rig, "/metrics");

  assert_has(text, "# TYPE cordboard_turn_seconds histogram\n");
  assert_has(text, "cordboard_turn_seconds_count{stage=\"speech_to_text\",element="
                   "\"pocketsphinxstt\",provider=\"offline\"} 1\n");
  assert_has(text, "cordboard_turn_seconds_bucket{stage=\"voice_first_audio\",element="
                   "\"flitetts\",provider=\"offline\",le=\"+Inf\"} 2\n");
  assert_has(text, "stage=\"endpointing\",element=\"turntaker\",provider=\"\"");
  assert_has(text, "cordboard_calls_total 1\n");
  assert_has(text, "cordboard_calls_active 0\n");
  assert_has(text, "cordboard_tool_calls_total 1\n");
  assert_has(text, "cordboard_calls_ended_total{status=\"completed\",reason=\"agent-hangup\"} 1\n");
  assert_has(text, "\ncordboard_late_frames_total ");
  assert_has(text, "\ncordboard_store_lag_records ");
  assert_has(text, "\ncordboard_store_queue ");
  assert_has(text, "\ncordboard_journal_queue ");
  assert_has(text, "\ncordboard_http_connections ");
  assert_has(text, "\ncordboard_webhooks_dead_total 0\n");
  /* two seconds of speech at least */
  g_assert_cmpint(json_object_get_int_member(json, "frames_total"), >, 100);
  g_assert_cmpint(json_object_get_int_member(json, "total_calls"), ==, 1);
  g_assert_cmpint(json_object_get_int_member(json, "active_connections"), ==, 0);
  g_assert_cmpfloat(json_object_get_double_member(json, "mean_latency_ms"), >, 0);
  g_assert_cmpint(json_array_get_length(json_object_get_array_member(json, "latency")), >=, 5);
}

static void
test_call(void)
{
  const gchar *lines[] = { "--say", "thank you goodbye", NULL };
  CallRig *rig = call_rig_new(NULL, NULL);
  Follower *one, *late;
  g_autofree gchar *id = NULL, *path = NULL, *states = NULL, *said = NULL, *tools = NULL;
  g_autoptr(JsonObject) result = NULL;
  GSubprocess *phone;
  gboolean understood;
  int code;

  all = follower_new(rig, "/api/events");
  phone = call_rig_dial(rig, lines);
  id = wait_for_call(rig);
  path = g_strdup_printf("/api/calls/%s/events", id);
  one = follower_new(rig, path);
  result = call_rig_finish(phone, &code);
  g_assert_cmpint(code, ==, 0);
  /* the end of the call is the end of its events, and who comes then is told what there was */
  follower_stop(one, FALSE);
  late = follower_new(rig, path);
  follower_stop(late, FALSE);
  g_assert_cmpuint(count(late, "call-ended"), ==, 1);
  g_assert_cmpuint(count(late, "levels"), ==, 0);
  states = list(one, "state", "state");
  said = list(one, "turn-ended", "text");
  tools = list(one, "tool-result", "name");
  /* a machine that is too slow to understand its caller shows less */
  understood = strstr(said, "goodbye") != NULL;
  assert_has(states, understood ? "listening speaking listening processing speaking "
                                : "listening speaking ");
  g_assert_cmpstr(tools, ==, understood ? "end_call " : "");
  g_assert_cmpuint(count(one, "transcript"), >, 0);
  g_assert_cmpuint(count(one, "turn-metrics"), >, 0);
  g_assert_cmpuint(count(one, "call-ended"), ==, 1);
  g_assert_cmpuint(count(one, "levels"), >, 5);
  g_assert_cmpfloat(find_loudest(one, "caller"), >, 0.01);
  g_assert_cmpfloat(find_loudest(one, "agent"), >, 0.01);
  g_assert_cmpfloat(find_loudest(one, "agent"), <=, 1);
  g_assert_cmpuint(count(all, "call-ended"), ==, 1);
  g_assert_cmpuint(count(all, "levels"), ==, 0);
  follower_stop(all, TRUE);
  if (understood)
    check_figures(rig);
  follower_free(all);
  follower_free(one);
  follower_free(late);
  call_rig_free(rig);
}

static void
test_unknown(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  guint status;
  g_autoptr(JsonNode) node = call_rig_get(rig, "/api/calls/nobody/events", &status);

  g_assert_cmpuint(status, ==, 404);
  call_rig_free(rig);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/seeing/a-call-is-followed-while-it-goes-on", test_call);
  g_test_add_func("/seeing/a-call-that-is-not-there-has-no-events", test_unknown);
  return g_test_run();
}
