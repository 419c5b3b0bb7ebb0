/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <string.h>

#include "cordboard.h"

#define MULAW "audio/x-mulaw,rate=8000,channels=1"
#define RAW(rate) "audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=" #rate
#define RAW_ANY_RATE "audio/x-raw,format=S16LE,layout=interleaved,channels=1"

static GstHarness *
start(const gchar *in, const gchar *out)
{
  GstHarness *h = gst_harness_new("mulawcodec");

  if (out)
    gst_harness_set_sink_caps_str(h, out);
  gst_harness_set_src_caps_str(h, in);
  return h;
}

static GstBuffer *
new_buffer(gconstpointer data, gsize size, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);

  gst_buffer_fill(buffer, 0, data, size);
  GST_BUFFER_PTS(buffer) = pts;
  return buffer;
}

/* Speech-like enough: two tones and noise, the same every time */
static GBytes *
new_samples(gsize n)
{
  gint16 *samples = g_new(gint16, n);
  g_autoptr(GRand) rand = g_rand_new_with_seed(711);

  for (gsize i = 0; i < n; i++)
    samples[i] = (gint16)GINT16_TO_LE(
        (gint16)((gint)(i * 1237 % 20000) - 10000 + g_rand_int_range(rand, -6000, 6000)));
  return g_bytes_new_take(samples, n * sizeof *samples);
}

static GBytes *
new_codes(gsize n)
{
  guint8 *codes = g_malloc(n);

  for (gsize i = 0; i < n; i++)
    codes[i] = (guint8)(i * 37 % 256);
  return g_bytes_new_take(codes, n);
}

static void
collect(GstHarness *h, GByteArray *all)
{
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull(h))) {
    GstMapInfo map;

    g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
    g_byte_array_append(all, map.data, map.size);
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
  }
}

static GBytes *
convert(const gchar *in, const gchar *out, GBytes *input)
{
  GstHarness *h = start(in, out);
  GByteArray *all = g_byte_array_new();
  gsize size;
  gconstpointer data = g_bytes_get_data(input, &size);

  g_assert_cmpint(gst_harness_push(h, new_buffer(data, size, 0)), ==, GST_FLOW_OK);
  gst_harness_push_event(h, gst_event_new_eos());
  collect(h, all);
  gst_harness_teardown(h);
  return g_byte_array_free_to_bytes(all);
}

static void
assert_action(GstHarness *h, const gchar *action)
{
  g_autoptr(GstStructure) stats = NULL;

  gst_harness_get(h, "mulawcodec", "stats", &stats, NULL);
  g_assert_cmpstr(gst_structure_get_string(stats, "action"), ==, action);
}

static void
test_codes_equal_the_library(void)
{
  g_autoptr(GBytes) samples = NULL, encoded = NULL, decoded = NULL;
  g_autofree gint16 *sweep = g_new(gint16, 65536);
  g_autofree guint8 *codes = g_new(guint8, 65536);
  gint16 back[256];

  for (gint i = 0; i < 65536; i++)
    sweep[i] = (gint16)(i - 32768);
  cord_g711_encode(sweep, codes, 65536);
  samples = g_bytes_new(sweep, 2 * 65536);
  encoded = convert(RAW(8000), MULAW, samples);
  g_assert_cmpmem(g_bytes_get_data(encoded, NULL), g_bytes_get_size(encoded), codes, 65536);

  for (gint i = 0; i < 256; i++)
    codes[i] = (guint8)i;
  cord_g711_decode(codes, back, 256);
  g_bytes_unref(samples);
  samples = g_bytes_new(codes, 256);
  decoded = convert(MULAW, RAW(8000), samples);
  g_assert_cmpmem(g_bytes_get_data(decoded, NULL), g_bytes_get_size(decoded), back, sizeof back);
}

static void
assert_passes_untouched(const gchar *caps, const gchar *downstream)
{
  static const guint8 silence[320];
  GstHarness *h = start(caps, downstream);
  GstBuffer *in = new_buffer(silence, sizeof silence, 0), *out;

  gst_harness_push(h, gst_buffer_ref(in));
  out = gst_harness_pull(h);
  g_assert_true(in == out);
  assert_action(h, "pass-through");
  gst_buffer_unref(in);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}

static void
test_passes_the_same_format(void)
{
  assert_passes_untouched(MULAW, MULAW);
  assert_passes_untouched(MULAW, MULAW ";" RAW_ANY_RATE);
  assert_passes_untouched(MULAW, RAW_ANY_RATE ";" MULAW);
  assert_passes_untouched(RAW(16000), RAW(16000));
  assert_passes_untouched(RAW(24000), MULAW ";" RAW_ANY_RATE);
}

typedef struct {
  const gchar *mode;
  const gchar *in;
  const gchar *downstream;
  const gchar *out; /* NULL: refused */
} CapsCase;

static const CapsCase caps_cases[] = {
  { "auto", MULAW, "ANY", RAW(8000) },
  { "auto", RAW(8000), "ANY", MULAW },
  { "auto", RAW(48000), "ANY", MULAW },
  { "encode", MULAW, "ANY", MULAW },
  { "encode", RAW(16000), "ANY", MULAW },
  { "encode", RAW(16000), RAW_ANY_RATE, NULL },
  { "encode", RAW(16000), RAW_ANY_RATE ";" MULAW, MULAW },
  { "decode", MULAW, "ANY", RAW(8000) },
  { "decode", MULAW, MULAW ";" RAW(16000), RAW(16000) },
  { "decode", MULAW, MULAW, NULL },
  { "decode", RAW(24000), "ANY", RAW(24000) },
  { "auto", MULAW, RAW_ANY_RATE, RAW(8000) },
  { "auto", MULAW, RAW(16000), RAW(16000) },
  { "auto", MULAW, RAW_ANY_RATE ",rate={48000,16000}", RAW(16000) },
  { "auto", RAW(24000), MULAW, MULAW },
  { "auto", RAW(24000), MULAW ";" RAW(16000), MULAW },
  { "auto", RAW(24000), RAW(16000) ";" MULAW, RAW(16000) },
  { "auto", RAW(24000), RAW(8000), RAW(8000) },
  { "auto", MULAW, "audio/x-alaw,rate=8000,channels=1", NULL },
  { "auto", MULAW, "audio/x-raw,format=F32LE,channels=1", NULL },
};

static void
check_caps_case(const CapsCase *c)
{
  static const guint8 silence[960];
  GstHarness *h = gst_harness_new("mulawcodec");
  GstFlowReturn flow;

  gst_util_set_object_arg(G_OBJECT(h->element), "mode", c->mode);
  gst_harness_set_sink_caps_str(h, c->downstream);
  gst_harness_set_src_caps_str(h, c->in);
  flow = gst_harness_push(h, new_buffer(silence, sizeof silence, 0));
  if (c->out) {
    g_autoptr(GstCaps) got = gst_pad_get_current_caps(h->sinkpad);
    g_autoptr(GstCaps) want = gst_caps_from_string(c->out);

    g_assert_cmpint(flow, ==, GST_FLOW_OK);
    g_test_message("%s: %s to %s gives %s", c->mode, c->in, c->downstream, c->out);
    g_assert_true(gst_caps_is_equal(got, want));
  } else {
    g_assert_cmpint(flow, ==, GST_FLOW_NOT_NEGOTIATED);
  }
  gst_harness_teardown(h);
}

static void
test_caps_decide(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(caps_cases); i++)
    check_caps_case(&caps_cases[i]);
}

static gchar *
query_sink_caps(const gchar *downstream)
{
  GstHarness *h = gst_harness_new("mulawcodec");
  g_autoptr(GstCaps) caps = NULL;
  gchar *text;

  gst_harness_set_sink_caps_str(h, downstream);
  caps = gst_pad_peer_query_caps(h->srcpad, NULL);
  text = gst_caps_to_string(caps);
  gst_harness_teardown(h);
  return text;
}

static void
test_upstream_learns_what_passes(void)
{
  g_autofree gchar *to_mulaw = query_sink_caps(MULAW);
  g_autofree gchar *to_raw = query_sink_caps(RAW(16000));
  g_autofree gchar *to_nobody = query_sink_caps("audio/x-alaw");

  g_assert_true(g_str_has_prefix(to_mulaw, "audio/x-mulaw"));
  g_assert_nonnull(strstr(to_mulaw, "audio/x-raw"));
  g_assert_true(g_str_has_prefix(to_raw, "audio/x-raw"));
  g_assert_nonnull(strstr(strchr(to_raw, ';'), "audio/x-mulaw"));
  g_assert_cmpstr(to_nobody, ==, "EMPTY");
}

static void
test_other_formats_are_refused(void)
{
  static const gchar *const refused[] = {
    "audio/x-mulaw,rate=16000,channels=1",
    "audio/x-mulaw,rate=8000,channels=2",
    RAW(44100),
    "audio/x-raw,format=F32LE,layout=interleaved,channels=1,rate=8000",
  };

  for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
    GstHarness *h = gst_harness_new("mulawcodec");
    g_autoptr(GstCaps) caps = gst_caps_from_string(refused[i]);

    g_assert_false(gst_pad_peer_query_accept_caps(h->srcpad, caps));
    gst_harness_teardown(h);
  }
}

static void
test_mode_changes_in_mid_stream(void)
{
  static const guint8 silence[160];
  GstHarness *h = start(MULAW, NULL);
  g_autoptr(GstCaps) caps = NULL;

  gst_harness_push(h, new_buffer(silence, sizeof silence, 0));
  assert_action(h, "decode");
  gst_harness_set(h, "mulawcodec", "mode", 1, NULL);
  gst_harness_push(h, new_buffer(silence, sizeof silence, 20 * GST_MSECOND));
  assert_action(h, "pass-through");
  caps = gst_pad_get_current_caps(h->sinkpad);
  g_assert_true(gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-mulaw"));
  gst_harness_teardown(h);
}

static const struct {
  const gchar *in;
  const gchar *out;
} pairs[] = {
  { MULAW, RAW(8000) },       { RAW(8000), MULAW },       { MULAW, RAW(16000) },
  { RAW(16000), MULAW },      { MULAW, RAW(24000) },      { RAW(24000), MULAW },
  { MULAW, RAW(48000) },      { RAW(48000), MULAW },      { RAW(8000), RAW(16000) },
  { RAW(16000), RAW(8000) },  { RAW(24000), RAW(8000) },  { RAW(48000), RAW(8000) },
  { RAW(8000), RAW(24000) },  { RAW(8000), RAW(48000) },  { RAW(16000), RAW(24000) },
  { RAW(24000), RAW(16000) }, { RAW(48000), RAW(24000) },
};

static GBytes *
convert_in_pieces(const gchar *in, const gchar *out, GBytes *input, guint32 seed)
{
  GstHarness *h = start(in, out);
  GByteArray *all = g_byte_array_new();
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  gsize size, at = 0;
  const guint8 *data = g_bytes_get_data(input, &size);

  while (at < size) {
    const gsize want = seed == 0 ? 1 : (gsize)g_rand_int_range(rand, 0, seed % 2 ? 1000 : 7);
    const gsize piece = MIN(want, size - at);

    g_assert_cmpint(gst_harness_push(h, new_buffer(data + at, piece, GST_CLOCK_TIME_NONE)), ==,
                    GST_FLOW_OK);
    at += piece;
    collect(h, all);
  }
  gst_harness_push_event(h, gst_event_new_eos());
  collect(h, all);
  gst_harness_teardown(h);
  return g_byte_array_free_to_bytes(all);
}

static void
test_cuts_leave_no_trace(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
    g_autoptr(GBytes) input =
        g_str_has_prefix(pairs[i].in, MULAW) ? new_codes(5000) : new_samples(5000);
    g_autoptr(GBytes) whole = convert(pairs[i].in, pairs[i].out, input);

    for (guint32 seed = 0; seed < 6; seed++) {
      g_autoptr(GBytes) pieces = convert_in_pieces(pairs[i].in, pairs[i].out, input, seed);

      g_assert_true(g_bytes_equal(whole, pieces));
    }
  }
}

static gint
get_rate(const gchar *caps)
{
  return atoi(strstr(caps, "rate=") + strlen("rate="));
}

static void
test_nothing_is_lost_at_the_end(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
    const gint in_rate = get_rate(pairs[i].in), out_rate = get_rate(pairs[i].out);

    for (gsize n = 1; n < 2000; n = n * 3 + 1) {
      const gboolean mulaw = g_str_has_prefix(pairs[i].in, MULAW);
      g_autoptr(GBytes) input = mulaw ? new_codes(n) : new_samples(n);
      g_autoptr(GBytes) output = convert(pairs[i].in, pairs[i].out, input);
      const gsize bytes = g_str_has_prefix(pairs[i].out, MULAW) ? 1 : 2;

      g_assert_cmpuint(g_bytes_get_size(output), ==,
                       bytes * gst_util_uint64_scale_int_ceil(n, out_rate, in_rate));
    }
  }
}

static void
test_decoding_comes_before_resampling(void)
{
  g_autoptr(GBytes) codes = new_codes(4000);
  g_autoptr(GBytes) decoded = convert(MULAW, RAW(8000), codes);
  g_autoptr(GBytes) at_once = convert(MULAW, RAW(16000), codes);
  g_autoptr(GBytes) in_steps = convert(RAW(8000), RAW(16000), decoded);

  g_assert_true(g_bytes_equal(at_once, in_steps));
}

static void
test_half_a_sample_waits(void)
{
  static const guint8 bytes[] = { 0x34, 0x12, 0x78, 0x56 };
  GstHarness *h = start(RAW(8000), MULAW);
  GstBuffer *out;
  guint8 codes[2];

  gst_harness_push(h, new_buffer(bytes, 0, 0));
  gst_harness_push(h, new_buffer(bytes, 1, 0));
  g_assert_null(gst_harness_try_pull(h));
  gst_harness_push(h, new_buffer(bytes + 1, 3, 0));
  out = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_extract(out, 0, codes, 2), ==, 2);
  g_assert_cmpuint(codes[0], ==, cord_g711_encode_sample(0x1234));
  g_assert_cmpuint(codes[1], ==, cord_g711_encode_sample(0x5678));
  g_assert_cmpuint(GST_BUFFER_DURATION(out), ==, 250 * GST_USECOND);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}

static void
test_no_caps_no_audio(void)
{
  GstHarness *h = gst_harness_new("mulawcodec");
  GstPad *pad = gst_element_get_static_pad(h->element, "sink");
  GstSegment segment;

  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h, gst_event_new_stream_start("test"));
  gst_harness_push_event(h, gst_event_new_segment(&segment));
  g_assert_cmpint(gst_pad_chain(pad, gst_buffer_new_allocate(NULL, 160, NULL)), ==,
                  GST_FLOW_NOT_NEGOTIATED);
  gst_object_unref(pad);
  gst_harness_teardown(h);
}

int
main(int argc, char **argv)
{
  int result;

  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/mulawcodec/codes equal those of the ITU-T", test_codes_equal_the_library);
  g_test_add_func("/mulawcodec/passes the same buffer where formats agree",
                  test_passes_the_same_format);
  g_test_add_func("/mulawcodec/caps and mode decide what is done", test_caps_decide);
  g_test_add_func("/mulawcodec/upstream learns first what passes untouched",
                  test_upstream_learns_what_passes);
  g_test_add_func("/mulawcodec/other formats are refused", test_other_formats_are_refused);
  g_test_add_func("/mulawcodec/the mode may change in mid-stream", test_mode_changes_in_mid_stream);
  g_test_add_func("/mulawcodec/cuts between buffers leave no trace", test_cuts_leave_no_trace);
  g_test_add_func("/mulawcodec/nothing is lost at the end", test_nothing_is_lost_at_the_end);
  g_test_add_func("/mulawcodec/decoding comes before resampling",
                  test_decoding_comes_before_resampling);
  g_test_add_func("/mulawcodec/half a sample waits for its other half", test_half_a_sample_waits);
  g_test_add_func("/mulawcodec/without caps audio is refused", test_no_caps_no_audio);
  result = g_test_run();
  gst_deinit();
  return result;
}
