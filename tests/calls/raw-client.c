/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "raw-client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "cord-twilio-signature.h"
#include "ws-peer.h"

#define PATIENCE_S 20 /* after which a test has failed */

static const gchar *
address_of(CallRig *rig)
{
  return rig->url + strlen("http://");
}

GSocket *
raw_dial(CallRig *rig)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocketAddress) address =
      g_inet_socket_address_new_from_string("127.0.0.1", (guint)atoi(strrchr(rig->url, ':') + 1));
  GSocket *socket =
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error(error);
  g_socket_set_timeout(socket, PATIENCE_S);
  g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  if (!g_socket_connect(socket, address, NULL, NULL))
    g_clear_object(&socket);
  return socket;
}

/* Whether the server took all of it. */
gboolean
raw_send(GSocket *socket, gconstpointer bytes, gsize length)
{
  gsize at = 0;

  while (at < length) {
    gssize n = g_socket_send(socket, (const gchar *)bytes + at, length - at, NULL, NULL);

    if (n <= 0)
      return FALSE;
    at += (gsize)n;
  }
  return TRUE;
}

gboolean
raw_send_text(GSocket *socket, const gchar *text)
{
  return raw_send(socket, text, strlen(text));
}

/* All that comes until the server closes; a server that does neither has failed. */
gchar *
raw_receive(GSocket *socket)
{
  GString *got = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  gchar bytes[4096];
  gssize n;

  while ((n = g_socket_receive(socket, bytes, sizeof bytes, NULL, &error)) > 0)
    g_string_append_len(got, bytes, n);
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    g_error("the server neither answers nor closes; so far: %s", got->str);
  return g_string_free(got, FALSE);
}

gchar *
raw_ask(CallRig *rig, const gchar *request)
{
  g_autoptr(GSocket) socket = raw_dial(rig);

  g_assert_nonnull(socket);
  raw_send_text(socket, request);
  return raw_receive(socket);
}

guint
raw_status(const gchar *answer)
{
  return g_str_has_prefix(answer, "HTTP/1.1 ") ? (guint)atoi(answer + strlen("HTTP/1.1 ")) : 0;
}

/* What stands between two texts of an answer, or NULL. */
static gchar *
cut_out(const gchar *answer, const gchar *before, const gchar *after)
{
  const gchar *value = strstr(answer, before), *end;

  if (value == NULL)
    return NULL;
  value += strlen(before);
  end = strstr(value, after);
  return end ? g_strndup(value, (gsize)(end - value)) : NULL;
}

static guint
post_signed(CallRig *rig, const gchar *path, const gchar *body, gchar **answer)
{
  g_autofree gchar *url = g_strconcat(rig->url, path, NULL);
  g_autoptr(CordForm) form = cord_form_parse(body, strlen(body), NULL);
  g_autofree gchar *signature = rig->token ? cord_twilio_sign(rig->token, url, form) : NULL;

  return call_rig_post(rig, path, body, signature, answer);
}

/* The signed webhook: what it is answered with. */
gchar *
raw_ring(CallRig *rig, const gchar *call_sid, guint *status)
{
  g_autofree gchar *body = g_strdup_printf(
      "CallSid=%s&AccountSid=AC0&From=%%2B15005550006&To=%%2B15005550001", call_sid);
  gchar *answer = NULL;

  *status = post_signed(rig, "/api/twilio/incoming", body, &answer);
  return answer;
}

guint
raw_tell(CallRig *rig, const gchar *path, const gchar *body)
{
  g_autofree gchar *answer = NULL;

  return post_signed(rig, path, body, &answer);
}

/* The token of the stream that the webhook is answered with, or NULL, and the stream's path. */
gchar *
raw_admit(CallRig *rig, const gchar *call_sid, gchar **path, guint *status)
{
  g_autofree gchar *answer = raw_ring(rig, call_sid, status);
  gchar *token = cut_out(answer, "value=\"", "\"");

  if (token && path) {
    g_autofree gchar *rest = cut_out(answer, "url=\"ws://", "\"");

    g_free(*path);
    *path = g_strdup(strchr(rest, '/'));
  }
  return token;
}

static gboolean
receive_head(GSocket *socket, guint *status)
{
  GString *head = g_string_new(NULL);
  gchar byte;

  while (!g_str_has_suffix(head->str, "\r\n\r\n") &&
         g_socket_receive(socket, &byte, 1, NULL, NULL) == 1)
    g_string_append_c(head, byte);
  *status = raw_status(head->str);
  g_string_free(head, TRUE);
  return *status == 101;
}

/* The handshake; NULL when the server refuses it. */
GSocket *
raw_open_stream(CallRig *rig, const gchar *path, gboolean sign, guint *status)
{
  GSocket *socket = raw_dial(rig);
  g_autofree gchar *url = g_strconcat("ws://", address_of(rig), path, NULL);
  g_autofree gchar *signature = rig->token && sign ? cord_twilio_sign(rig->token, url, NULL) : NULL;
  g_autofree gchar *request = g_strdup_printf(
      "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
      path, address_of(rig), signature ? "x-twilio-signature: " : "", signature ? signature : "",
      signature ? "\r\n" : "");

  *status = 0;
  if (socket == NULL)
    return NULL;
  raw_send_text(socket, request);
  if (!receive_head(socket, status))
    g_clear_object(&socket);
  return socket;
}

void
raw_frame(GSocket *socket, guint8 first, gboolean masked, gconstpointer payload, gsize length)
{
  g_autoptr(GBytes) frame = ws_peer_make(first, masked, payload, length);
  gsize size;
  gconstpointer bytes = g_bytes_get_data(frame, &size);

  raw_send(socket, bytes, size);
}

void
raw_message(GSocket *socket, const gchar *text)
{
  raw_frame(socket, WS_FIN | 1, TRUE, text, strlen(text));
}

void
raw_start(GSocket *socket, const gchar *call_sid, const gchar *token)
{
  g_autofree gchar *start = g_strdup_printf(
      "{\"event\":\"start\",\"sequenceNumber\":\"1\",\"streamSid\":\"MZ1\",\"start\":{"
      "\"accountSid\":\"AC0\",\"streamSid\":\"MZ1\",\"callSid\":\"%s\",\"tracks\":[\"inbound\"],"
      "\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1},"
      "\"customParameters\":{\"token\":\"%s\"}}}",
      call_sid, token);

  raw_message(socket, "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}");
  raw_message(socket, start);
}

static gboolean
receive_exactly(GSocket *socket, guint8 *bytes, gsize length)
{
  for (gsize at = 0; at < length;) {
    gssize n = g_socket_receive(socket, (gchar *)bytes + at, length - at, NULL, NULL);

    if (n <= 0)
      return FALSE;
    at += (gsize)n;
  }
  return TRUE;
}

/* One frame: its first byte and its length; 0 when there is none to come. */
static guint8
receive_frame(GSocket *socket, guint8 payload[65536], gsize *length)
{
  guint8 head[4];

  if (!receive_exactly(socket, head, 2))
    return 0;
  *length = head[1] & 0x7f;
  g_assert_cmpuint(*length, <=, 126);
  if (*length == 126) {
    if (!receive_exactly(socket, head + 2, 2))
      return 0;
    *length = (gsize)head[2] << 8 | head[3];
  }
  return receive_exactly(socket, payload, *length) ? head[0] : 0;
}

/* Waits for the agent's first sound: then the stream has been taken. */
gboolean
raw_wait_media(GSocket *socket)
{
  guint8 payload[65536];
  gsize length;

  return receive_frame(socket, payload, &length) == (WS_FIN | 1);
}

/* The code with which the server closes, whatever it said before; 0 when it just goes. */
guint
raw_receive_close(GSocket *socket)
{
  guint8 payload[65536];
  gsize length;
  guint8 first;

  while ((first = receive_frame(socket, payload, &length)) != 0) {
    if (first == (WS_FIN | 8))
      return length >= 2 ? (guint)payload[0] << 8 | payload[1] : 1005;
  }
  return 0;
}

/* 20 ms of silence. */
void
raw_media(GSocket *socket, guint frame)
{
  guint8 silence[160];
  g_autofree gchar *payload = NULL, *message = NULL;

  memset(silence, 0xff, sizeof silence);
  payload = g_base64_encode(silence, sizeof silence);
  message =
      g_strdup_printf("{\"event\":\"media\",\"sequenceNumber\":\"%u\",\"streamSid\":\"MZ1\","
                      "\"media\":{\"track\":\"inbound\",\"chunk\":\"%u\",\"timestamp\":\"%u\","
                      "\"payload\":\"%s\"}}",
                      frame + 2, frame + 1, frame * 20, payload);
  raw_message(socket, message);
}

/* Plays it all at once: what the agent says is added, its marks are echoed as they come. The code
 * with which the server closes. */
guint
raw_hear(GSocket *socket, GByteArray *heard)
{
  guint8 bytes[65536];
  gsize length;
  guint8 first;

  while ((first = receive_frame(socket, bytes, &length)) != 0) {
    g_autofree gchar *text = g_strndup((const gchar *)bytes, length);
    g_autofree gchar *payload = cut_out(text, "\"payload\":\"", "\"");

    if (first == (WS_FIN | 8))
      return length >= 2 ? (guint)bytes[0] << 8 | bytes[1] : 1005;
    if (payload) {
      gsize size;
      g_autofree guchar *audio = g_base64_decode(payload, &size);

      g_byte_array_append(heard, audio, (guint)size);
    } else if (strstr(text, "\"mark\"")) {
      raw_message(socket, text);
    }
  }
  return 0;
}

/* What the server holds of the machine's memory. */
gulong
raw_resident_kib(CallRig *rig)
{
  g_autofree gchar *path =
      g_strdup_printf("/proc/%s/status", g_subprocess_get_identifier(rig->server));
  g_autofree gchar *text = NULL;
  const gchar *line;

  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  line = strstr(text, "VmRSS:");
  g_assert_nonnull(line);
  return strtoul(line + strlen("VmRSS:"), NULL, 10);
}
