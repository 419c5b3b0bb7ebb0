/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "twilio-base64.h"
#include "twilio-message.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

/* Every string of the message must be inside it and convertible; every payload must decode or not.
 */
static void
use_text(const TwilioText *text, const guint8 *data, size_t size)
{
  g_autofree gchar *copy = NULL;
  gchar small[8];

  if (!text->text)
    return;
  if ((const guint8 *)text->text < data || (const guint8 *)text->text + text->length > data + size)
    abort();
  copy = twilio_text_dup(text);
  twilio_text_copy(text, small, sizeof small);
  twilio_text_equal(text, "media");
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  TwilioMessage m;
  TwilioParseError error = { NULL, 0 };
  TwilioText name, value, rest;

  if (!twilio_message_parse(&twilio_dialect, (const gchar *)data, size, &m, &error)) {
    if (!error.reason || error.offset > size)
      abort();
    return 0;
  }
  const TwilioText *texts[] = { &m.name,     &m.stream_sid, &m.inner_stream_sid,
                                &m.call_sid, &m.encoding,   &m.account_sid,
                                &m.track,    &m.payload,    &m.digit,
                                &m.mark };
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    use_text(texts[i], data, size);
  rest = m.parameters;
  while (twilio_message_next_parameter(&rest, &name, &value)) {
    use_text(&name, data, size);
    use_text(&value, data, size);
  }
  if (m.payload.text) {
    gsize room = TWILIO_BASE64_DECODED_MAX(m.payload.length);
    g_autofree guint8 *audio = g_malloc(room);
    const gchar *reason = NULL;
    gssize length = twilio_message_decode_payload(&m, audio, room, &reason);
    if (length < 0 ? reason == NULL : (gsize)length > room)
      abort();
  }
  return 0;
}
