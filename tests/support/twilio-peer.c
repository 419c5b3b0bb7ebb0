/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct _TwilioPeer {
  int fd;
  gint64 sequence;
  gint64 chunk;
  GByteArray *input;
  GPtrArray *heard;
  guint n_echoed; /* messages of heard whose marks were echoed */
  gboolean browser;
  gboolean closed;
};

static void
message_free(gpointer data)
{
  TwilioPeerMessage *message = data;

  g_free(message->text);
  g_free(message->name);
  g_clear_pointer(&message->audio, g_bytes_unref);
  g_free(message);
}

static TwilioPeer *
peer_new(int fd)
{
  TwilioPeer *self = g_new0(TwilioPeer, 1);

  self->fd = fd;
  self->sequence = 1;
  self->chunk = 1;
  self->input = g_byte_array_new();
  self->heard = g_ptr_array_new_with_free_func(message_free);
  return self;
}

/**
 * twilio_peer_new:
 * @far_end: (out) (transfer full): the end for the code under test
 *
 * Returns: (transfer full): a carrier
 */
TwilioPeer *
twilio_peer_new(GSocketConnection **far_end)
{
  g_autoptr(GSocket) socket = NULL;
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
    g_error("socketpair: %s", g_strerror(errno));
  socket = g_socket_new_from_fd(pair[1], NULL);
  g_socket_set_blocking(socket, FALSE);
  *far_end = g_socket_connection_factory_create_connection(socket);
  return peer_new(pair[0]);
}

/**
 * twilio_peer_dial:
 * @port: on this machine
 * @path: of the WebSocket
 * @status: (out): what the server answered
 *
 * Connects over TCP as a carrier does, and waits for the answer.
 *
 * Returns: (transfer full) (nullable): a carrier, or %NULL unless @status is 101
 */
TwilioPeer *
twilio_peer_dial(guint port, const gchar *path, guint *status)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  g_autofree gchar *request = g_strdup_printf(
      "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      path);
  gchar answer[4096] = "";
  gsize length = 0;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    g_error("connect: %s", g_strerror(errno));
  if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
    g_error("send: %s", g_strerror(errno));
  while (!strstr(answer, "\r\n\r\n") && length < sizeof answer - 1 &&
         recv(fd, answer + length, 1, 0) == 1)
    answer[++length] = 0;
  *status = length > 12 ? atoi(answer + 9) : 0;
  if (*status != 101) {
    close(fd);
    return NULL;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return peer_new(fd);
}

void
twilio_peer_free(TwilioPeer *self)
{
  if (self->fd >= 0)
    close(self->fd);
  g_byte_array_unref(self->input);
  g_ptr_array_unref(self->heard);
  g_free(self);
}

/**
 * twilio_peer_send_bytes:
 * @self: a carrier
 * @data: (array length=length): bytes, framed or not
 * @length: how many
 */
void
twilio_peer_send_bytes(TwilioPeer *self, const void *data, gsize length)
{
  const guint8 *p = data;

  while (length > 0) {
    gssize n = send(self->fd, p, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
      g_error("the test says more than the socket holds: let the worker run");
    if (n <= 0)
      return;
    p += n;
    length -= n;
  }
}

/**
 * twilio_peer_send_frame:
 * @self: a carrier
 * @first_byte: FIN, reserved bits and opcode
 * @data: (array length=length): the payload
 * @length: in bytes
 *
 * Sends one WebSocket frame as a client does, masked.
 */
void
twilio_peer_send_frame(TwilioPeer *self, guint8 first_byte, const void *data, gsize length)
{
  static const guint8 mask[4] = { 0x12, 0x34, 0x56, 0x78 };
  g_autofree guint8 *frame = g_malloc(length + 14);
  gsize head = 2;

  frame[0] = first_byte;
  if (length < 126) {
    frame[1] = 0x80 | length;
  } else {
    guint n = length < 65536 ? 2 : 8;
    frame[1] = 0x80 | (n == 2 ? 126 : 127);
    for (guint i = 0; i < n; i++)
      frame[2 + i] = (guint64)length >> 8 * (n - 1 - i);
    head += n;
  }
  memcpy(frame + head, mask, 4);
  head += 4;
  for (gsize i = 0; i < length; i++)
    frame[head + i] = ((const guint8 *)data)[i] ^ mask[i % 4];
  twilio_peer_send_bytes(self, frame, head + length);
}

void
twilio_peer_send_text(TwilioPeer *self, const gchar *text)
{
  twilio_peer_send_frame(self, 0x81, text, strlen(text));
}

void
twilio_peer_send_connected(TwilioPeer *self)
{
  twilio_peer_send_text(self,
                        "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}");
}

static void
send_event(TwilioPeer *self, const gchar *event, const gchar *inside)
{
  g_autofree gchar *text =
      g_strdup_printf("{\"event\":\"%s\",\"sequenceNumber\":\"%" G_GINT64_FORMAT
                      "\",\"streamSid\":\"%s\",\"%s\":{%s}}",
                      event, self->sequence++, TWILIO_PEER_STREAM, event, inside);
  twilio_peer_send_text(self, text);
}

/**
 * twilio_peer_send_start:
 * @self: a carrier
 * @parameters: (nullable): the custom parameters as a JSON object
 */
void
twilio_peer_send_start(TwilioPeer *self, const gchar *parameters)
{
  g_autofree gchar *inside = g_strdup_printf(
      "\"accountSid\":\"AC1\",\"streamSid\":\"%s\",\"callSid\":\"CA1\",\"tracks\":[\"inbound\"],"
      "\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1},"
      "\"customParameters\":%s",
      TWILIO_PEER_STREAM, parameters ? parameters : "{}");
  send_event(self, "start", inside);
}

/**
 * twilio_peer_send_media:
 * @self: a carrier
 * @timestamp_ms: of the audio
 * @value: each of its bytes
 * @length: how many
 */
void
twilio_peer_send_media(TwilioPeer *self, gint64 timestamp_ms, guint8 value, gsize length)
{
  g_autofree guint8 *audio = g_malloc(MAX(length, 1));
  g_autofree gchar *payload = NULL, *inside = NULL;

  memset(audio, value, length);
  payload = g_base64_encode(audio, length);
  inside = g_strdup_printf("\"track\":\"inbound\",\"chunk\":\"%" G_GINT64_FORMAT
                           "\",\"timestamp\":\"%" G_GINT64_FORMAT "\",\"payload\":\"%s\"",
                           self->chunk++, timestamp_ms, payload);
  send_event(self, "media", inside);
}

void
twilio_peer_send_mark(TwilioPeer *self, const gchar *name)
{
  g_autofree gchar *inside = g_strdup_printf("\"name\":\"%s\"", name);
  g_autofree gchar *message = g_strdup_printf("{\"type\":\"mark\",%s}", inside);

  if (self->browser)
    twilio_peer_send_text(self, message);
  else
    send_event(self, "mark", inside);
}

void
twilio_peer_send_dtmf(TwilioPeer *self, const gchar *digit)
{
  g_autofree gchar *inside = g_strdup_printf("\"track\":\"inbound_track\",\"digit\":\"%s\"", digit);
  send_event(self, "dtmf", inside);
}

void
twilio_peer_send_stop(TwilioPeer *self)
{
  send_event(self, "stop", "\"accountSid\":\"AC1\",\"callSid\":\"CA1\"");
}

void
twilio_peer_send_close(TwilioPeer *self, guint code)
{
  guint8 body[2] = { code >> 8, code & 0xff };
  twilio_peer_send_frame(self, 0x88, body, sizeof body);
}

/**
 * twilio_peer_hang_up:
 * @self: a carrier
 * @only_write: whether it goes on listening
 *
 * Ends the connection below WebSocket.
 */
void
twilio_peer_hang_up(TwilioPeer *self, gboolean only_write)
{
  shutdown(self->fd, only_write ? SHUT_WR : SHUT_RDWR);
}

void
twilio_peer_skip_sequence(TwilioPeer *self, gint64 by)
{
  self->sequence += by;
}

/** twilio_peer_be_browser: it echoes marks as a page does. */
void
twilio_peer_be_browser(TwilioPeer *self)
{
  self->browser = TRUE;
}

static const gchar *
get_member(JsonObject *object, const gchar *inside, const gchar *name)
{
  JsonObject *inner;

  if (!json_object_has_member(object, inside))
    return NULL;
  inner = json_object_get_object_member(object, inside);
  return json_object_get_string_member_with_default(inner, name, NULL);
}

static void
hear_page(TwilioPeerMessage *message, JsonObject *object)
{
  const gchar *type = json_object_get_string_member(object, "type");

  if (g_str_equal(type, "mark")) {
    message->kind = TWILIO_PEER_MARK;
    message->name = g_strdup(json_object_get_string_member(object, "name"));
  } else if (g_str_equal(type, "clear")) {
    message->kind = TWILIO_PEER_CLEAR;
  }
}

static void
hear_text(TwilioPeer *self, const guint8 *data, gsize length)
{
  TwilioPeerMessage *message = g_new0(TwilioPeerMessage, 1);
  g_autoptr(JsonParser) parser = json_parser_new();
  g_autoptr(GError) error = NULL;
  const gchar *event, *payload;
  JsonObject *object;

  message->text = g_strndup((const gchar *)data, length);
  message->kind = TWILIO_PEER_OTHER;
  g_ptr_array_add(self->heard, message);
  if (!json_parser_load_from_data(parser, message->text, -1, &error))
    g_error("not JSON: %s", message->text);
  object = json_node_get_object(json_parser_get_root(parser));
  event = json_object_get_string_member_with_default(object, "event", NULL);
  if (event == NULL) {
    hear_page(message, object);
    return;
  }
  g_assert_cmpstr(json_object_get_string_member(object, "streamSid"), ==, TWILIO_PEER_STREAM);
  if (g_str_equal(event, "media")) {
    gsize size;
    guint8 *audio;
    message->kind = TWILIO_PEER_MEDIA;
    payload = get_member(object, "media", "payload");
    audio = g_base64_decode(payload, &size);
    message->audio = g_bytes_new_take(audio, size);
  } else if (g_str_equal(event, "mark")) {
    message->kind = TWILIO_PEER_MARK;
    message->name = g_strdup(get_member(object, "mark", "name"));
  } else if (g_str_equal(event, "clear")) {
    message->kind = TWILIO_PEER_CLEAR;
  }
}

static void
hear_frame(TwilioPeer *self, guint opcode, const guint8 *data, gsize length)
{
  TwilioPeerMessage *message;

  if (opcode == 1) {
    hear_text(self, data, length);
  } else if (opcode == 2) {
    message = g_new0(TwilioPeerMessage, 1);
    message->kind = TWILIO_PEER_MEDIA;
    message->audio = g_bytes_new(data, length);
    g_ptr_array_add(self->heard, message);
  } else if (opcode == 8) {
    message = g_new0(TwilioPeerMessage, 1);
    message->kind = TWILIO_PEER_CLOSE;
    message->code = length >= 2 ? data[0] << 8 | data[1] : 1005;
    message->text = length > 2 ? g_strndup((const gchar *)data + 2, length - 2) : g_strdup("");
    g_ptr_array_add(self->heard, message);
  }
}

static gboolean
take_frame(TwilioPeer *self)
{
  const guint8 *p = self->input->data;
  gsize have = self->input->len, head = 2;
  guint64 length;

  if (have < 2)
    return FALSE;
  g_assert_cmpint(p[1] & 0x80, ==, 0); /* a server does not mask */
  length = p[1] & 0x7f;
  if (length >= 126) {
    guint n = length == 126 ? 2 : 8;
    if (have < head + n)
      return FALSE;
    length = 0;
    for (guint i = 0; i < n; i++)
      length = length << 8 | p[2 + i];
    head += n;
  }
  if (have < head + length)
    return FALSE;
  hear_frame(self, p[0] & 0x0f, p + head, length);
  g_byte_array_remove_range(self->input, 0, head + length);
  return TRUE;
}

/**
 * twilio_peer_hear:
 * @self: a carrier
 *
 * Returns: (transfer none) (element-type TwilioPeerMessage): all that has been said so far
 */
GPtrArray *
twilio_peer_hear(TwilioPeer *self)
{
  guint8 buffer[16384];
  gssize n;

  while ((n = recv(self->fd, buffer, sizeof buffer, 0)) > 0) {
    g_byte_array_append(self->input, buffer, n);
    while (take_frame(self))
      ;
  }
  if (n == 0)
    self->closed = TRUE;
  return self->heard;
}

guint
twilio_peer_count(TwilioPeer *self, TwilioPeerKind kind)
{
  GPtrArray *heard = twilio_peer_hear(self);
  guint count = 0;

  for (guint i = 0; i < heard->len; i++)
    count += ((TwilioPeerMessage *)heard->pdata[i])->kind == kind;
  return count;
}

TwilioPeerMessage *
twilio_peer_last(TwilioPeer *self, TwilioPeerKind kind)
{
  GPtrArray *heard = twilio_peer_hear(self);

  for (guint i = heard->len; i > 0; i--)
    if (((TwilioPeerMessage *)heard->pdata[i - 1])->kind == kind)
      return heard->pdata[i - 1];
  return NULL;
}

/**
 * twilio_peer_echo_marks:
 * @self: a carrier
 *
 * Echoes all marks heard since the last time.
 *
 * Returns: how many
 */
guint
twilio_peer_echo_marks(TwilioPeer *self)
{
  GPtrArray *heard = twilio_peer_hear(self);
  guint count = 0;

  for (; self->n_echoed < heard->len; self->n_echoed++) {
    TwilioPeerMessage *message = heard->pdata[self->n_echoed];
    if (message->kind != TWILIO_PEER_MARK)
      continue;
    twilio_peer_send_mark(self, message->name);
    count++;
  }
  return count;
}

void
twilio_peer_forget(TwilioPeer *self)
{
  twilio_peer_hear(self);
  g_ptr_array_set_size(self->heard, 0);
  self->n_echoed = 0;
}

/** twilio_peer_is_closed: whether the far end has ended the connection. */
gboolean
twilio_peer_is_closed(TwilioPeer *self)
{
  twilio_peer_hear(self);
  return self->closed;
}

/**
 * twilio_peer_wait:
 * @self: a carrier that has dialled
 * @kind: what to wait for
 *
 * Returns: (transfer none): the first message of that kind since it was last made to forget
 */
TwilioPeerMessage *
twilio_peer_wait(TwilioPeer *self, TwilioPeerKind kind)
{
  struct pollfd wait = { .fd = self->fd, .events = POLLIN };

  while (twilio_peer_count(self, kind) == 0) {
    if (self->closed || poll(&wait, 1, 10000) <= 0)
      g_error("the far end says nothing more");
  }
  for (guint i = 0; i < self->heard->len; i++)
    if (((TwilioPeerMessage *)self->heard->pdata[i])->kind == kind)
      return self->heard->pdata[i];
  g_assert_not_reached();
}
