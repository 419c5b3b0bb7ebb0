/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-dialect.h"

#define TEXT(name, member)                                                                         \
  {                                                                                                \
    name, TWILIO_KIND_TEXT, G_STRUCT_OFFSET(TwilioMessage, member)                                 \
  }
#define NUMBER(name, member)                                                                       \
  {                                                                                                \
    name, TWILIO_KIND_NUMBER, G_STRUCT_OFFSET(TwilioMessage, member)                               \
  }
#define RAW(name, member)                                                                          \
  {                                                                                                \
    name, TWILIO_KIND_RAW, G_STRUCT_OFFSET(TwilioMessage, member)                                  \
  }
#define OBJECT(name, object)                                                                       \
  {                                                                                                \
    name, TWILIO_KIND_OBJECT, TWILIO_OBJECT_##object                                               \
  }
#define END                                                                                        \
  {                                                                                                \
    NULL                                                                                           \
  }

static const TwilioEventName twilio_events[] = {
  { "media", TWILIO_EVENT_MEDIA },
  { "mark", TWILIO_EVENT_MARK },
  { "dtmf", TWILIO_EVENT_DTMF },
  { "connected", TWILIO_EVENT_CONNECTED },
  { "start", TWILIO_EVENT_START },
  { "stop", TWILIO_EVENT_STOP },
  { NULL },
};

static const TwilioField twilio_top[] = {
  TEXT("event", name),
  NUMBER("sequenceNumber", sequence),
  TEXT("streamSid", stream_sid),
  OBJECT("media", MEDIA),
  OBJECT("mark", MARK),
  OBJECT("dtmf", DTMF),
  OBJECT("start", START),
  OBJECT("stop", STOP),
  END,
};
static const TwilioField twilio_start[] = {
  TEXT("accountSid", account_sid), TEXT("streamSid", inner_stream_sid), TEXT("callSid", call_sid),
  OBJECT("mediaFormat", FORMAT),   RAW("customParameters", parameters), END,
};
static const TwilioField twilio_format[] = {
  TEXT("encoding", encoding),
  NUMBER("sampleRate", sample_rate),
  NUMBER("channels", channels),
  END,
};
static const TwilioField twilio_media[] = {
  TEXT("track", track),
  NUMBER("chunk", chunk),
  NUMBER("timestamp", timestamp_ms),
  TEXT("payload", payload),
  END,
};
static const TwilioField twilio_mark[] = { TEXT("name", mark), END };
static const TwilioField twilio_dtmf[] = { TEXT("track", track), TEXT("digit", digit), END };
static const TwilioField twilio_stop[] = {
  TEXT("accountSid", account_sid),
  TEXT("callSid", call_sid),
  END,
};

const TwilioDialect twilio_dialect = {
  .name = "twilio",
  .events = twilio_events,
  .fields = {
    [TWILIO_OBJECT_TOP] = twilio_top,
    [TWILIO_OBJECT_START] = twilio_start,
    [TWILIO_OBJECT_FORMAT] = twilio_format,
    [TWILIO_OBJECT_MEDIA] = twilio_media,
    [TWILIO_OBJECT_MARK] = twilio_mark,
    [TWILIO_OBJECT_DTMF] = twilio_dtmf,
    [TWILIO_OBJECT_STOP] = twilio_stop,
  },
  .media = { "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":\"", "\"}}" },
  .mark = { "{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"", "\"}}" },
  .clear = "{\"event\":\"clear\",\"streamSid\":\"%s\"}",
};
