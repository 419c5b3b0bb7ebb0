/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket-codec.h"

#include <string.h>

#define KEY "\x12\x34\x56\x78"
#define BYTES(literal) (const guint8 *)literal, sizeof literal - 1

typedef struct {
  const gchar *name;
  const guint8 *bytes;
  gsize length;
  const gchar *heard; /* opcode:payload; … */
  guint16 fault;      /* 0: none */
} Case;

/* Without a mask they are what a server sends: the reader is a client. */
static const Case client_cases[] = {
  { "a text", BYTES("\x81\x05Hello"), "1:Hello;", 0 },
  { "an empty text", BYTES("\x81\x00"), "1:;", 0 },
  { "a binary", BYTES("\x82\x03\x61\xff\x62"),
    "2:a\xff"
    "b;",
    0 },
  { "two messages",
    BYTES("\x81\x01"
          "a\x82\x01"
          "b"),
    "1:a;2:b;", 0 },
  { "fragments", BYTES("\x01\x03Hel\x80\x02lo"), "1:Hello;", 0 },
  { "many fragments",
    BYTES("\x02\x01"
          "a\x00\x01"
          "b\x00\x00\x80\x01"
          "c"),
    "2:abc;", 0 },
  { "a ping between fragments",
    BYTES("\x01\x01"
          "a\x89\x01p\x80\x01"
          "b"),
    "9:p;1:ab;", 0 },
  { "a pong that nobody asked for", BYTES("\x8a\x02hi"), "10:hi;", 0 },
  { "a character across fragments", BYTES("\x01\x02\xe2\x82\x80\x01\xac"), "1:\xe2\x82\xac;", 0 },
  { "an empty message in fragments", BYTES("\x01\x00\x00\x00\x80\x00"), "1:;", 0 },
  { "a close",
    BYTES("\x88\x05\x03\xe8"
          "bye"),
    "8:\x03\xe8"
    "bye;",
    0 },
  { "the highest character", BYTES("\x81\x04\xf4\x8f\xbf\xbf"), "1:\xf4\x8f\xbf\xbf;", 0 },
  { "half a header", BYTES("\x81"), "", 0 },
  { "half a payload", BYTES("\x81\x05Hel"), "", 0 },

  { "RSV1",
    BYTES("\xc1\x01"
          "a"),
    "", 1002 },
  { "RSV2",
    BYTES("\xa1\x01"
          "a"),
    "", 1002 },
  { "RSV3",
    BYTES("\x91\x01"
          "a"),
    "", 1002 },
  { "RSV on a ping", BYTES("\xc9\x00"), "", 1002 },
  { "a masked frame", BYTES("\x81\x81" KEY "s"), "", 1002 },
  { "opcode 3", BYTES("\x83\x00"), "", 1002 },
  { "opcode 7", BYTES("\x87\x00"), "", 1002 },
  { "opcode 11", BYTES("\x8b\x00"), "", 1002 },
  { "opcode 15", BYTES("\x8f\x00"), "", 1002 },
  { "a ping in fragments", BYTES("\x09\x00"), "", 1002 },
  { "a close in fragments", BYTES("\x08\x00"), "", 1002 },
  { "a ping of 126 bytes, before they come", BYTES("\x89\x7e\x00\x7e"), "", 1002 },
  { "a continuation of nothing",
    BYTES("\x80\x01"
          "a"),
    "", 1002 },
  { "a continuation after the end",
    BYTES("\x01\x01"
          "a\x80\x01"
          "b\x80\x01"
          "c"),
    "1:ab;", 1002 },
  { "a message in a message",
    BYTES("\x01\x01"
          "a\x81\x01"
          "b"),
    "", 1002 },
  { "16 bits for a length of 125", BYTES("\x82\x7e\x00\x7d"), "", 1002 },
  { "64 bits for a length of 65535", BYTES("\x82\x7f\0\0\0\0\0\0\xff\xff"), "", 1002 },
  { "the top bit of a length", BYTES("\x82\x7f\x80\0\0\0\0\0\0\0"), "", 1002 },
  { "a length over the limit, before it comes", BYTES("\x82\x7e\x04\x01"), "", 1009 },
  { "an exabyte", BYTES("\x82\x7f\x10\0\0\0\0\0\0\0"), "", 1009 },
  { "a byte that is no UTF-8", BYTES("\x81\x01\xff"), "", 1007 },
  { "an overlong slash", BYTES("\x81\x02\xc0\xaf"), "", 1007 },
  { "a surrogate", BYTES("\x81\x03\xed\xa0\x80"), "", 1007 },
  { "beyond U+10FFFF", BYTES("\x81\x04\xf4\x90\x80\x80"), "", 1007 },
  { "a character cut by the end", BYTES("\x81\x02\xe2\x82"), "", 1007 },
  { "no UTF-8 in a fragment, before the end", BYTES("\x01\x02\xe2\x28"), "", 1007 },
  { "no UTF-8 across fragments",
    BYTES("\x01\x01\xe2\x00\x01"
          "a"),
    "", 1007 },
  { "a bad frame after a good one",
    BYTES("\x81\x01"
          "a\x83\x00"),
    "1:a;", 1002 },
};

/* The same with masks: the reader is a server. */
static const Case server_cases[] = {
  { "a masked text", BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "1:Hello;", 0 },
  { "a mask of zeroes", BYTES("\x81\x85\0\0\0\0Hello"), "1:Hello;", 0 },
  { "an empty masked text", BYTES("\x81\x80" KEY), "1:;", 0 },
  { "a masked ping", BYTES("\x89\x81\0\0\0\0p"), "9:p;", 0 },
  { "a frame without a mask", BYTES("\x81\x05Hello"), "", 1002 },
  { "a ping without a mask", BYTES("\x89\x00"), "", 1002 },
};

static gboolean
on_parsed(CordWebsocketMessageType type, guint8 *data, gsize length, gpointer user_data)
{
  GString *heard = user_data;

  g_assert_nonnull(data);
  g_string_append_printf(heard, "%d:", type);
  g_string_append_len(heard, (const gchar *)data, (gssize)length);
  g_string_append_c(heard, ';');
  return TRUE;
}

/* Feeds as a connection does: what is left is fed again with what follows. */
static guint16
feed_cut(CordWebsocketRole role, const Case *c, gsize cut, GString *heard)
{
  g_autoptr(GByteArray) pending = g_byte_array_new();
  CordWebsocketParser parser;
  CordWebsocketFault fault = { 0, NULL };
  gsize consumed;

  cord_websocket_parser_init(&parser, role, 1024);
  for (gsize at = 0; at < c->length && fault.code == 0;) {
    gsize size = cut > c->length ? 1 : at == 0 && cut > 0 ? cut : c->length - at;
    g_autofree guint8 *exact = NULL;

    g_byte_array_append(pending, c->bytes + at, (guint)size);
    at += size;
    exact = g_memdup2(pending->data, pending->len);
    if (cord_websocket_parser_feed(&parser, exact, pending->len, &consumed, on_parsed, heard,
                                   &fault))
      g_byte_array_remove_range(pending, 0, (guint)consumed);
    else
      g_assert_nonnull(fault.reason);
  }
  cord_websocket_parser_clear(&parser);
  return fault.code;
}

static void
run_case(CordWebsocketRole role, const Case *c)
{
  /* whole, cut in two at every byte, and byte by byte */
  for (gsize cut = 0; cut <= c->length + 1; cut++) {
    g_autoptr(GString) heard = g_string_new(NULL);
    guint16 fault = feed_cut(role, c, cut, heard);

    g_assert_cmpstr(heard->str, ==, c->heard);
    g_assert_cmpuint(fault, ==, c->fault);
  }
}

static void
test_client_case(gconstpointer data)
{
  run_case(CORD_WEBSOCKET_CLIENT, data);
}

static void
test_server_case(gconstpointer data)
{
  run_case(CORD_WEBSOCKET_SERVER, data);
}

static gboolean
count(CordWebsocketMessageType type, guint8 *data, gsize length, gpointer user_data)
{
  (*(guint *)user_data)++;
  return TRUE;
}

static void
test_fragments(gconstpointer data)
{
  gsize payload = GPOINTER_TO_SIZE(data);
  g_autofree guint8 *frame = g_malloc0(2 + payload);
  CordWebsocketParser parser;
  CordWebsocketFault fault = { 0, NULL };
  gsize consumed;
  guint n = 0, messages = 0;

  cord_websocket_parser_init(&parser, CORD_WEBSOCKET_CLIENT, 65536);
  frame[0] = CORD_WEBSOCKET_BINARY;
  frame[1] = (guint8)payload;
  while (n < 100000 && cord_websocket_parser_feed(&parser, frame, 2 + payload, &consumed, count,
                                                  &messages, &fault)) {
    frame[0] = 0;
    n++;
  }
  g_assert_cmpuint(fault.code, ==, payload ? CORD_WEBSOCKET_CLOSE_TOO_BIG : 1008);
  g_assert_cmpuint(n, <=, 1024);
  g_assert_cmpuint(messages, ==, 0);
  cord_websocket_parser_clear(&parser);
}

/* Every length at which the header changes, in both roles, at every alignment of the payload. */
static void
test_round_trip(void)
{
  static const gsize lengths[] = { 0, 1, 7, 8, 9, 125, 126, 127, 300, 65535, 65536, 70000 };

  for (guint i = 0; i < G_N_ELEMENTS(lengths) * 2; i++) {
    gsize length = lengths[i / 2];
    CordWebsocketRole sender = i % 2 ? CORD_WEBSOCKET_CLIENT : CORD_WEBSOCKET_SERVER;
    CordWebsocketRole reader = i % 2 ? CORD_WEBSOCKET_SERVER : CORD_WEBSOCKET_CLIENT;
    g_autofree guint8 *frame = g_malloc(CORD_WEBSOCKET_MAX_HEADER + length);
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(GString) expected = g_string_new("2:");
    gsize header =
        cord_websocket_format_header(frame, sender, CORD_WEBSOCKET_BINARY, length, 0xa1b2c3d4);
    CordWebsocketParser parser;
    CordWebsocketFault fault;
    gsize consumed;

    for (gsize k = 0; k < length; k++) {
      frame[header + k] = (guint8)(k * 7);
      g_string_append_c(expected, (gchar)(k * 7));
    }
    g_string_append_c(expected, ';');
    if (sender == CORD_WEBSOCKET_CLIENT)
      cord_websocket_mask(frame + header, length, 0xa1b2c3d4);
    cord_websocket_parser_init(&parser, reader, 70000);
    g_assert_true(cord_websocket_parser_feed(&parser, frame, header + length, &consumed, on_parsed,
                                             heard, &fault));
    g_assert_cmpuint(consumed, ==, header + length);
    g_assert_true(g_string_equal(heard, expected));
    cord_websocket_parser_clear(&parser);
  }
}

static gboolean
is_outside_place(CordWebsocketMessageType type, guint8 *data, gsize length, gpointer user_data)
{
  g_assert_true(data == (guint8 *)user_data + 2);
  return FALSE;
}

static void
test_in_place(void)
{
  guint8 frame[] = "\x81\x05Hello\x81\x05World";
  CordWebsocketParser parser;
  CordWebsocketFault fault;
  gsize consumed;

  cord_websocket_parser_init(&parser, CORD_WEBSOCKET_CLIENT, 100);
  g_assert_true(cord_websocket_parser_feed(&parser, frame, sizeof frame - 1, &consumed,
                                           is_outside_place, frame, &fault));
  g_assert_cmpuint(consumed, ==, 7);
  g_assert_null(parser.fragments);
}

static void
test_close_codes(void)
{
  static const guint16 good[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                  1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999 };
  static const guint16 bad[] = { 0,    1,    999,  1004, 1005, 1006, 1015,
                                 1016, 1100, 2000, 2999, 5000, 65535 };

  for (guint i = 0; i < G_N_ELEMENTS(good) + G_N_ELEMENTS(bad); i++) {
    gboolean valid = i < G_N_ELEMENTS(good);
    guint16 sent = valid ? good[i] : bad[i - G_N_ELEMENTS(good)];
    guint8 payload[] = { (guint8)(sent >> 8), (guint8)sent, 'o', 'k' };
    g_autofree gchar *reason = NULL;
    CordWebsocketFault fault = { 0, NULL };
    guint16 code;

    g_assert_cmpint(cord_websocket_close_parse(payload, 4, &code, &reason, &fault), ==, valid);
    g_assert_cmpuint(fault.code, ==, valid ? 0 : 1002);
    if (valid)
      g_assert_cmpstr(reason, ==, "ok");
  }
}

static void
test_close_payloads(void)
{
  g_autofree gchar *reason = NULL;
  CordWebsocketFault fault;
  guint16 code;

  g_assert_true(cord_websocket_close_parse(NULL, 0, &code, &reason, &fault));
  g_assert_cmpuint(code, ==, CORD_WEBSOCKET_CLOSE_NO_STATUS);
  g_assert_false(cord_websocket_close_parse((const guint8 *)"\x03", 1, &code, &reason, &fault));
  g_assert_cmpuint(fault.code, ==, 1002);
  g_assert_false(
      cord_websocket_close_parse((const guint8 *)"\x03\xe8\xc3", 3, &code, &reason, &fault));
  g_assert_cmpuint(fault.code, ==, 1007);
}

/* Against the decoder of GLib, for every pair and many longer rows of bytes. */
static void
test_utf8(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);

  for (guint i = 0; i < 400000; i++) {
    guint8 bytes[12];
    gsize length = i < 65536 ? 2 : 1 + i % 12;
    guint32 state = 0;
    gboolean valid, expected;

    bytes[0] = (guint8)(i >> 8);
    bytes[1] = (guint8)i;
    for (gsize k = i < 65536 ? 2 : 0; k < length; k++)
      bytes[k] = (guint8)(g_rand_int(rand) >> 8 & (k % 3 ? 0xbf : 0xff));
    if (memchr(bytes, 0, length))
      continue;
    expected = g_utf8_validate((const gchar *)bytes, (gssize)length, NULL);
    valid = cord_utf8_check(&state, bytes, length) && state == 0;
    g_assert_cmpint(valid, ==, expected);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(client_cases); i++) {
    g_autofree gchar *path =
        g_strdup_printf("/websocket-codec/%s/%s", client_cases[i].fault ? "is refused" : "is read",
                        client_cases[i].name);

    g_test_add_data_func(path, &client_cases[i], test_client_case);
  }
  for (guint i = 0; i < G_N_ELEMENTS(server_cases); i++) {
    g_autofree gchar *path =
        g_strdup_printf("/websocket-codec/by a server/%s", server_cases[i].name);

    g_test_add_data_func(path, &server_cases[i], test_server_case);
  }
  g_test_add_data_func("/websocket-codec/fragments without end fail by their size",
                       GSIZE_TO_POINTER(125), test_fragments);
  g_test_add_data_func("/websocket-codec/empty fragments without end fail by their number", NULL,
                       test_fragments);
  g_test_add_func("/websocket-codec/what is written is read", test_round_trip);
  g_test_add_func("/websocket-codec/a whole frame is handed on where it lies", test_in_place);
  g_test_add_func("/websocket-codec/only codes that may be sent are valid", test_close_codes);
  g_test_add_func("/websocket-codec/a close frame without sense is refused", test_close_payloads);
  g_test_add_func("/websocket-codec/UTF-8 is what GLib thinks it is", test_utf8);
  return g_test_run();
}
