/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openai-transcription.h"

#include <string.h>

#include "cord-http.h"
#include "cord-sse.h"
#include "openai-form.h"

#define FIRST_WAIT                                                                                 \
  ((GstClockTime)250 * GST_MSECOND)   /* before the second attempt; each later one twice that */
#define LONGEST_WAIT (5 * GST_SECOND) /* that a service may ask for: a caller waits no longer */
#define CONNECT_TIMEOUT (3 * GST_SECOND)
#define MAX_ANSWER (1024 * 1024) /* bytes */

struct _OpenaiTranscription {
  CordWorker *worker;
  OpenaiTranscriptionFuncs funcs;
  gpointer data;
  gchar *url;
  gchar *authorization;
  GBytes *body;
  gchar *content_type;
  guint retries;
  GstClockTime timeout;

  CordHttpExchange *http;
  CordTimer *retry;
  guint attempts;
  gboolean streams; /* this answer is a stream of events */
  CordSseParser events;
  GString *text; /* of the stream, or the whole answer */
  gboolean complete;
  GError *problem; /* that the stream told of */
};

void
openai_transcription_settings_clear(OpenaiTranscriptionSettings *self)
{
  g_clear_pointer(&self->base_url, g_free);
  g_clear_pointer(&self->api_key, g_free);
  g_clear_pointer(&self->model, g_free);
  g_clear_pointer(&self->language, g_free);
  g_clear_pointer(&self->prompt, g_free);
}

static gboolean
is_whisper(const gchar *model)
{
  return strstr(model, "whisper") != NULL;
}

/**
 * openai_model_streams:
 * @model: a model's name
 *
 * Returns: whether it can tell the text as it comes
 */
gboolean
openai_model_streams(const gchar *model)
{
  return !is_whisper(model);
}

static GBytes *
make_body(const OpenaiTranscriptionSettings *settings, const gint16 *samples, gsize n_samples,
          guint rate, gchar **content_type)
{
  OpenaiForm *form = openai_form_new();
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  openai_form_add(form, "model", settings->model);
  if (settings->language && *settings->language)
    openai_form_add(form, "language", settings->language);
  if (settings->prompt && *settings->prompt)
    openai_form_add(form, "prompt", settings->prompt);
  if (settings->temperature >= 0)
    openai_form_add(form, "temperature",
                    g_ascii_formatd(number, sizeof number, "%.3g", settings->temperature));
  if (is_whisper(settings->model)) {
    openai_form_add(form, "response_format", "verbose_json");
    openai_form_add(form, "timestamp_granularities[]", "word");
    openai_form_add(form, "timestamp_granularities[]", "segment");
  } else {
    openai_form_add(form, "response_format", "json");
    if (settings->stream)
      openai_form_add(form, "stream", "true");
  }
  openai_form_add_wav(form, "file", samples, n_samples, rate);
  return openai_form_end(form, content_type);
}

static void
clear_answer(OpenaiTranscription *self)
{
  cord_sse_parser_clear(&self->events);
  cord_sse_parser_init(&self->events, 0);
  g_string_truncate(self->text, 0);
  g_clear_error(&self->problem);
  self->streams = self->complete = FALSE;
}

static void
free_transcription(OpenaiTranscription *self)
{
  g_clear_pointer(&self->retry, cord_timer_remove);
  cord_sse_parser_clear(&self->events);
  g_string_free(self->text, TRUE);
  g_clear_error(&self->problem);
  g_bytes_unref(self->body);
  g_free(self->content_type);
  g_free(self->url);
  g_free(self->authorization);
  g_object_unref(self->worker);
  g_free(self);
}

/* The end; takes the transcript. */
static void
conclude(OpenaiTranscription *self, OpenaiTranscript *transcript, const GError *error,
         gboolean permanent)
{
  OpenaiTranscriptionFuncs funcs = self->funcs;
  gpointer data = self->data;
  g_autoptr(OpenaiTranscript) owned = transcript;
  g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;

  free_transcription(self);
  funcs.done(owned, copy, permanent, data);
}

static void ask(OpenaiTranscription *self);

static void
on_retry(gpointer data)
{
  OpenaiTranscription *self = data;

  self->retry = NULL;
  ask(self);
}

static void
try_again(OpenaiTranscription *self, const GError *error, gboolean may, GstClockTime wait)
{
  if (!may || self->attempts > self->retries || wait > LONGEST_WAIT) {
    conclude(self, NULL, error, !may);
    return;
  }
  wait = MAX(wait, FIRST_WAIT << (self->attempts - 1));
  self->retry = cord_worker_add_timer(self->worker, wait, on_retry, self);
}

/* The answer */

static void
on_headers(CordHttpExchange *http, guint status, gpointer data)
{
  OpenaiTranscription *self = data;
  const gchar *type = cord_http_get_header(http, "Content-Type");

  self->streams = type && g_str_has_prefix(type, "text/event-stream");
}

static gboolean
on_event(const gchar *event, const gchar *data, gpointer user_data)
{
  OpenaiTranscription *self = user_data;
  g_autofree gchar *text = NULL;

  switch (openai_transcript_parse_event(data, &text, &self->problem)) {
  case OPENAI_TRANSCRIPT_DELTA:
    g_string_append(self->text, text);
    self->funcs.partial(self->text->str, self->data);
    break;
  case OPENAI_TRANSCRIPT_DONE:
    g_string_assign(self->text, text);
    self->complete = TRUE;
    break;
  default:
    break;
  }
  return self->problem == NULL && !self->complete;
}

static void
on_chunk(CordHttpExchange *http, const guint8 *bytes, gsize length, gpointer data)
{
  OpenaiTranscription *self = data;

  if (!self->streams)
    g_string_append_len(self->text, (const gchar *)bytes, (gssize)length);
  else if (self->problem == NULL && !self->complete)
    cord_sse_parser_feed(&self->events, (const gchar *)bytes, length, on_event, self,
                         &self->problem);
}

/* The service's words, which may repeat what we have sent. */
static GError *
quote(OpenaiTranscription *self, const GError *error)
{
  g_autoptr(GString) text = g_string_new(error->message);

  if (self->authorization)
    g_string_replace(text, self->authorization + strlen("Bearer "), "(...)", 0);
  return g_error_new_literal(error->domain, error->code, text->str);
}

/* What the whole answer says. */
static OpenaiTranscript *
read_answer(OpenaiTranscription *self, GError **error)
{
  if (self->problem) {
    g_propagate_error(error, g_steal_pointer(&self->problem));
    return NULL;
  }
  if (self->streams && !self->complete) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NETWORK,
                        "the transcription broke off in the middle");
    return NULL;
  }
  /* the text of a stream is no document, whatever it looks like */
  if (self->streams) {
    OpenaiTranscript *transcript = openai_transcript_parse("", 0, NULL);

    g_free(transcript->text);
    transcript->text = g_strstrip(g_strdup(self->text->str));
    return transcript;
  }
  return openai_transcript_parse(self->text->str, self->text->len, error);
}

static void
on_finished(CordHttpExchange *http, const GError *error, gpointer data)
{
  OpenaiTranscription *self = data;
  g_autoptr(GError) problem = NULL;
  OpenaiTranscript *transcript;

  self->http = NULL;
  if (error && !self->complete) {
    try_again(self, error, cord_http_may_ask_again(http), cord_http_get_retry_after(http));
    return;
  }
  transcript = read_answer(self, &problem);
  if (transcript) {
    conclude(self, transcript, NULL, FALSE);
  } else {
    g_autoptr(GError) quoted = quote(self, problem);

    try_again(self, quoted, TRUE, 0);
  }
}

static void
ask(OpenaiTranscription *self)
{
  static const CordHttpHandlers handlers = { .headers = on_headers,
                                             .chunk = on_chunk,
                                             .finished = on_finished };
  const gchar *headers[] = { self->authorization ? "Authorization" : NULL, self->authorization,
                             NULL };
  CordHttpRequest request = {
    .url = self->url,
    .headers = headers,
    .content_type = self->content_type,
    .body = self->body,
    .connect_timeout = CONNECT_TIMEOUT,
    .first_byte_timeout = self->timeout,
    .idle_timeout = self->timeout,
    .max_body = MAX_ANSWER,
  };

  clear_answer(self);
  self->attempts++;
  self->http = cord_http_start(self->worker, &request, &handlers, self);
}

/**
 * openai_transcription_start:
 * @worker: on which the caller runs
 * @settings: whom to ask, and how
 * @samples: (array length=n_samples): of an utterance, one channel
 * @n_samples: how many
 * @rate: samples a second
 * @funcs: whom to tell; not from inside this call
 * @data: for @funcs
 *
 * Returns: (transfer full): the transcription; it frees itself before `done`
 */
OpenaiTranscription *
openai_transcription_start(CordWorker *worker, const OpenaiTranscriptionSettings *settings,
                           const gint16 *samples, gsize n_samples, guint rate,
                           const OpenaiTranscriptionFuncs *funcs, gpointer data)
{
  OpenaiTranscription *self = g_new0(OpenaiTranscription, 1);
  g_autofree gchar *base = g_strdup(settings->base_url);

  while (g_str_has_suffix(base, "/"))
    base[strlen(base) - 1] = '\0';
  self->worker = g_object_ref(worker);
  self->funcs = *funcs;
  self->data = data;
  self->url = g_strconcat(base, "/audio/transcriptions", NULL);
  if (settings->api_key && *settings->api_key)
    self->authorization = g_strdup_printf("Bearer %s", settings->api_key);
  self->retries = settings->retries;
  self->timeout = settings->timeout_ms * GST_MSECOND;
  self->text = g_string_new(NULL);
  self->body = make_body(settings, samples, n_samples, rate, &self->content_type);
  cord_sse_parser_init(&self->events, 0);
  ask(self);
  return self;
}

/**
 * openai_transcription_cancel:
 * @self: (transfer full): a transcription that is not done
 *
 * Ends it; its owner hears nothing more.
 */
void
openai_transcription_cancel(OpenaiTranscription *self)
{
  g_clear_pointer(&self->http, cord_http_cancel);
  free_transcription(self);
}
