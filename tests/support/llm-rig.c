/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIET 5                  /* steps in which nothing happens before time passes */
#define BEAT (200 * GST_MSECOND) /* how much of it */
#define PATIENCE 6000            /* steps: nothing takes longer */
#define STREAM_HEAD                                                                                \
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

typedef struct {
  gchar *bytes;
  gsize size; /* of the pieces in which they are sent; 0: all at once */
  LlmRigEnding ending;
} Answer;

typedef struct {
  int fd;
  GString *heard;
  Answer *answer; /* under way */
  gsize sent;
} Peer;

static void
free_answer(gpointer data)
{
  Answer *answer = data;

  g_free(answer->bytes);
  g_free(answer);
}

static void
hang_up(Peer *peer)
{
  if (peer->fd >= 0)
    close(peer->fd);
  peer->fd = -1;
  g_clear_pointer(&peer->answer, free_answer);
}

static void
free_peer(gpointer data)
{
  Peer *peer = data;

  hang_up(peer);
  g_string_free(peer->heard, TRUE);
  g_free(peer);
}

/* What leaves the element */

static void
note(LlmRig *self, const GstStructure *structure)
{
  if (gst_structure_has_name(structure, CORD_EVENT_TOOL_CALL)) {
    g_free(self->last_tool);
    self->last_tool = g_strdup(gst_structure_get_string(structure, "id"));
    g_string_append_printf(self->posted, "tool %s %s;", gst_structure_get_string(structure, "name"),
                           gst_structure_get_string(structure, "arguments"));
  } else if (gst_structure_has_name(structure, CORD_EVENT_FAILOVER)) {
    g_string_append_printf(self->posted, "%s>%s;", gst_structure_get_string(structure, "from"),
                           gst_structure_get_string(structure, "to"));
  } else if (gst_structure_has_name(structure, CORD_EVENT_RESPONSE_PIECE)) {
    g_string_append_printf(self->said, "[%s]", gst_structure_get_string(structure, "text"));
  } else if (gst_structure_has_name(structure, CORD_EVENT_RESPONSE_FINISHED)) {
    g_string_append_c(self->said, '.');
  }
}

static GstBusSyncReply
on_posted(GstBus *bus, GstMessage *message, gpointer data)
{
  LlmRig *self = data;
  const GstStructure *structure = gst_message_get_structure(message);
  g_autofree gchar *text = structure ? gst_structure_to_string(structure) : NULL;

  g_string_append_printf(self->seen, "%s\n", text ? text : "");
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    g_string_append(self->posted, "error;");
  else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
    g_string_append(self->posted, "warning;");
  else if (structure)
    note(self, structure);
  gst_message_unref(message);
  return GST_BUS_DROP;
}

static void
on_logged(GstDebugCategory *category, GstDebugLevel level, const gchar *file, const gchar *function,
          gint line, GObject *object, GstDebugMessage *message, gpointer data)
{
  g_string_append_printf(((LlmRig *)data)->seen, "%s\n", gst_debug_message_get(message));
}

/* The service */

static void
listen_on_loopback(LlmRig *self)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof address;

  self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(self->listener, (struct sockaddr *)&address, size) < 0 ||
      listen(self->listener, 16) < 0 ||
      getsockname(self->listener, (struct sockaddr *)&address, &size) < 0)
    g_error("listen: %s", g_strerror(errno));
  self->port = ntohs(address.sin_port);
}

void
llm_rig_init(LlmRig *self)
{
  *self = (LlmRig){ .worker = cord_worker_new_manual() };
  self->said = g_string_new(NULL);
  self->posted = g_string_new(NULL);
  self->seen = g_string_new(NULL);
  self->peers = g_ptr_array_new_with_free_func(free_peer);
  self->requests = g_ptr_array_new_with_free_func(g_free);
  self->times = g_array_new(FALSE, FALSE, sizeof(GstClockTime));
  g_queue_init(&self->answers);
  self->models = "503 Service Unavailable";
  listen_on_loopback(self);
  gst_debug_set_threshold_for_name("llmtextgen", GST_LEVEL_LOG);
  gst_debug_add_log_function(on_logged, self, NULL);
}

/* PORT in @properties is the service's. The harness plays before we may say how. */
void
llm_rig_start(LlmRig *self, const gchar *properties, gboolean preconnect)
{
  g_autofree gchar *port = g_strdup_printf("%u", self->port);
  g_auto(GStrv) parts = g_strsplit(properties, "PORT", -1);
  g_autofree gchar *mine = g_strjoinv(port, parts);
  g_autofree gchar *launch =
      g_strdup_printf("llmtextgen name=llm api-key=" LLM_RIG_KEY " preconnect=false %s", mine);
  g_autoptr(GstContext) context = cord_worker_to_gst_context(self->worker);

  self->harness = gst_harness_new_parse(launch);
  self->element = gst_harness_find_element(self->harness, "llmtextgen");
  gst_element_set_state(self->harness->element, GST_STATE_NULL);
  gst_element_set_context(self->harness->element, context);
  g_object_set(self->element, "preconnect", preconnect, NULL);
  self->bus = gst_bus_new();
  gst_bus_set_sync_handler(self->bus, on_posted, self, NULL);
  gst_element_set_bus(self->harness->element, self->bus);
  gst_harness_play(self->harness);
  gst_harness_set_src_caps_str(self->harness, "text/x-raw,format=utf8");
}

void
llm_rig_clear(LlmRig *self)
{
  if (self->harness) {
    gst_element_set_state(self->harness->element, GST_STATE_NULL);
    gst_clear_object(&self->element);
    gst_harness_teardown(self->harness);
    gst_object_unref(self->bus);
  }
  /* what was cancelled ends by itself */
  for (guint i = 0; i < 5; i++)
    llm_rig_step(self);
  gst_debug_remove_log_function_by_data(self);
  g_ptr_array_unref(self->peers);
  g_queue_clear_full(&self->answers, free_answer);
  close(self->listener);
  g_object_unref(self->worker);
  g_assert_null(strstr(self->seen->str, LLM_RIG_KEY));
  g_ptr_array_unref(self->requests);
  g_array_unref(self->times);
  g_string_free(self->said, TRUE);
  g_string_free(self->posted, TRUE);
  g_string_free(self->seen, TRUE);
  g_free(self->last_tool);
}

static void
add_answer(LlmRig *self, gchar *bytes, LlmRigEnding ending, gsize size)
{
  Answer *answer = g_new0(Answer, 1);

  *answer = (Answer){ bytes, size, ending };
  g_queue_push_tail(&self->answers, answer);
}

void
llm_rig_raw(LlmRig *self, const gchar *bytes, LlmRigEnding ending)
{
  add_answer(self, g_strdup(bytes), ending, 0);
}

void
llm_rig_stream(LlmRig *self, const gchar *body, LlmRigEnding ending, gsize size)
{
  gsize length = strlen(body);
  gsize chunk = size ? size : MAX(length, 1);
  g_autoptr(GString) bytes = g_string_new(STREAM_HEAD);

  for (gsize at = 0; at < length; at += chunk) {
    gsize n = MIN(chunk, length - at);

    g_string_append_printf(bytes, "%zx\r\n%.*s\r\n", n, (int)n, body + at);
  }
  if (ending == LLM_RIG_COMPLETE)
    g_string_append(bytes, "0\r\n\r\n");
  add_answer(self, g_strdup(bytes->str), ending, size ? 1 : 0);
}

void
llm_rig_answer(LlmRig *self, const gchar *head, const gchar *body)
{
  add_answer(
      self,
      g_strdup_printf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body), body),
      LLM_RIG_COMPLETE, 0);
}

static void
reset(Peer *peer)
{
  struct linger linger = { 1, 0 };

  setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  hang_up(peer);
}

static gboolean
send_more(Peer *peer)
{
  static const gchar comment[] = "e\r\n: still here\n\n\r\n";
  Answer *answer = peer->answer;
  gsize left = strlen(answer->bytes) - peer->sent;
  gssize n;

  if (left > 0) {
    n = send(peer->fd, answer->bytes + peer->sent, answer->size ? answer->size : left,
             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
      peer->sent += (gsize)n;
    return TRUE;
  }
  if (answer->ending == LLM_RIG_RESET) {
    reset(peer);
  } else if (answer->ending == LLM_RIG_CLOSE) {
    hang_up(peer);
  } else if (answer->ending == LLM_RIG_COMPLETE) {
    g_clear_pointer(&peer->answer, free_answer);
  } else {
    if (answer->ending == LLM_RIG_CHATTER)
      send(peer->fd, comment, sizeof comment - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    return FALSE;
  }
  return TRUE;
}

static Answer *
make_list(LlmRig *self)
{
  Answer *answer = g_new0(Answer, 1);

  answer->bytes = g_strdup_printf("HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\n{}", self->models);
  return answer;
}

static void
take_request(LlmRig *self, Peer *peer)
{
  GstClockTime now = cord_worker_get_time(self->worker);
  const gchar *end = strstr(peer->heard->str, "\r\n\r\n");
  const gchar *length = strstr(peer->heard->str, "Content-Length: ");
  gsize size;

  if (end == NULL)
    return;
  size = (gsize)(end + 4 - peer->heard->str);
  if (length && length < end)
    size += (gsize)g_ascii_strtoull(length + 16, NULL, 10);
  if (peer->heard->len < size)
    return;
  g_ptr_array_add(self->requests, g_strndup(peer->heard->str, size));
  g_array_append_val(self->times, now);
  g_string_erase(peer->heard, 0, (gssize)size);
  g_clear_pointer(&peer->answer, free_answer);
  peer->answer =
      g_str_has_prefix(g_ptr_array_index(self->requests, self->requests->len - 1), "GET ")
          ? make_list(self)
          : g_queue_pop_head(&self->answers);
  peer->sent = 0;
  if (peer->answer == NULL)
    g_error("nobody expected: %s",
            (const gchar *)g_ptr_array_index(self->requests, self->requests->len - 1));
}

static gboolean
serve(LlmRig *self, Peer *peer)
{
  gchar bytes[4096];
  gssize n = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);

  if (n == 0 || (n < 0 && errno != EAGAIN)) {
    hang_up(peer);
    return TRUE;
  }
  if (n > 0) {
    g_string_append_len(peer->heard, bytes, n);
    take_request(self, peer);
  }
  return (peer->answer && send_more(peer)) || n > 0;
}

static gboolean
serve_all(LlmRig *self)
{
  int fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  gboolean busy = fd >= 0;

  if (fd >= 0) {
    Peer *peer = g_new0(Peer, 1);
    int yes = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    peer->fd = fd;
    peer->heard = g_string_new(NULL);
    g_ptr_array_add(self->peers, peer);
  }
  for (guint i = 0; i < self->peers->len; i++) {
    Peer *peer = self->peers->pdata[i];

    if (peer->fd >= 0)
      busy = serve(self, peer) || busy;
  }
  return busy;
}

/* Connections that are open and carry an answer that is not complete. */
guint
llm_rig_count_open(LlmRig *self)
{
  guint n = 0;

  for (guint i = 0; i < self->peers->len; i++) {
    const Peer *peer = self->peers->pdata[i];

    n += peer->fd >= 0 && peer->answer;
  }
  return n;
}

/* Time */

static gboolean
on_moment(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The kernel carries the bytes in its own time, which is not ours. */
static gboolean
let_bytes_travel(LlmRig *self, gboolean wait)
{
  g_autoptr(GSource) source = g_timeout_source_new(1);
  gboolean busy = serve_all(self);

  g_source_set_callback(source, on_moment, NULL, NULL);
  g_source_attach(source, cord_worker_get_main_context(self->worker));
  g_main_context_iteration(cord_worker_get_main_context(self->worker), wait && !busy);
  g_source_destroy(source);
  cord_worker_iterate(self->worker);
  return busy;
}

/* Until nothing happens any more; then time passes. */
void
llm_rig_step(LlmRig *self)
{
  for (guint quiet = 0; quiet < QUIET;)
    quiet = let_bytes_travel(self, quiet == QUIET - 1) ? 0 : quiet + 1;
  cord_worker_advance(self->worker, BEAT);
}

void
llm_rig_pass(LlmRig *self, GstClockTime time)
{
  for (GstClockTime passed = 0; passed < time; passed += BEAT)
    llm_rig_step(self);
}

static void
await(LlmRig *self, gboolean (*done)(LlmRig *self, guint n), guint n)
{
  for (guint i = 0; i < PATIENCE && !done(self, n); i++)
    llm_rig_step(self);
  if (!done(self, n))
    g_error("it never comes; said: %s, posted: %s", self->said->str, self->posted->str);
}

static gboolean
has_ended(LlmRig *self, guint n)
{
  return g_str_has_suffix(self->said->str, "].") || g_str_equal(self->said->str, ".");
}

void
llm_rig_await_end(LlmRig *self)
{
  await(self, has_ended, 0);
}

static gboolean
has_asked(LlmRig *self, guint n)
{
  return self->requests->len >= n;
}

void
llm_rig_await_request(LlmRig *self, guint n)
{
  await(self, has_asked, n);
}

static gboolean
has_called(LlmRig *self, guint n)
{
  return self->last_tool != NULL;
}

void
llm_rig_await_tool(LlmRig *self)
{
  await(self, has_called, 0);
}

/* The caller */

void
llm_rig_say(LlmRig *self, guint number, const gchar *text)
{
  GstBuffer *buffer = gst_buffer_new_memdup(text, strlen(text));
  g_autoptr(CordTurn) turn = cord_turn_new(number);

  cord_buffer_set_turn(buffer, turn);
  g_assert_cmpint(gst_harness_push(self->harness, buffer), ==, GST_FLOW_OK);
}

void
llm_rig_submit(LlmRig *self, const gchar *result)
{
  g_autofree gchar *id = g_steal_pointer(&self->last_tool);

  g_signal_emit_by_name(self->element, "submit-tool-result", id, result);
}

/* [piece][piece]. and nothing after it */
gchar *
llm_rig_take_said(LlmRig *self)
{
  gchar *said = g_strdup(self->said->str);

  g_string_truncate(self->said, 0);
  return said;
}
