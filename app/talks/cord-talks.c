/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-talks.h"

#include <string.h>

#include "cord-errand.h"
#include "cord-error.h"
#include "cord-events.h"
#include "cord-main-post.h"
#include "cord-tools.h"

#define WORKER "talks" /* the media thread of all this work; calls have their own */
#define INPUT "giostreamsrc name=in blocksize=1048576"
#define FEED "feed" /* what leads from there to the agent */
#define TEXT INPUT " ! capsfilter caps=text/x-raw,format=utf8 name=" FEED
#define OUTPUT "appsink name=out"
/* telephone audio stays what it is: ears have models of their own for it */
#define HEARD "audio/x-raw,format=S16LE,channels=1,rate={(int)16000,(int)8000}"
#define MAX_TEXT (64 * 1024)          /* bytes of an answer, or of what was heard */
#define MAX_SPOKEN (64 * 1024 * 1024) /* bytes of a text that was read out */
#define SKIP 2                        /* GST_AUTOPLUG_SELECT_SKIP, which has no header */
#define TRY 0

struct _CordTalks {
  GObject parent_instance;
  CordPipelines *pipelines;
  CordWorker *worker;
  GThreadPool *pool;
  guint at_once;
  guint timeout_ms;
  guint max_audio; /* s */
  gboolean closed;
  GPtrArray *under_way; /* GCancellable */
};

G_DEFINE_FINAL_TYPE(CordTalks, cord_talks, G_TYPE_OBJECT)

/* One piece of work, from the main thread to one of the pool and back. */
typedef struct _Work Work;
typedef gpointer (*WorkFunc)(CordTalks *self, Work *work, GCancellable *cancellable,
                             GError **error);

struct _Work {
  WorkFunc run;
  GDestroyNotify free_result;
  CordAgent *agent;
  GBytes *input;
  gchar *history;
  CordAudioFormat format;
  CordAnswer *answer;
  CordAnswerPieceFunc piece;
  gpointer piece_data;
};

/**
 * cord_answer_free:
 * @self: (transfer full): an answer
 */
void
cord_answer_free(CordAnswer *self)
{
  g_free(self->text);
  g_free(self);
}

static void
free_work(gpointer data)
{
  Work *work = data;

  g_clear_pointer(&work->agent, cord_agent_unref);
  g_clear_pointer(&work->input, g_bytes_unref);
  g_clear_pointer(&work->answer, cord_answer_free);
  g_free(work->history);
  g_free(work);
}

/* On a thread of the pool */

/* Only the last pad of what is before the element leads out: a decoder's is linked later. */
static GstElement *
parse_before(const gchar *before, GError **error)
{
  GstElement *bin =
      gst_parse_bin_from_description_full(before, FALSE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr(GstElement) feed = bin ? gst_bin_get_by_name(GST_BIN(bin), FEED) : NULL;
  g_autoptr(GstPad) pad = feed ? gst_element_get_static_pad(feed, "src") : NULL;

  if (pad)
    gst_element_add_pad(bin, gst_ghost_pad_new("src", pad));
  return bin ? gst_object_ref_sink(bin) : NULL;
}

/* A pipeline from "in" to "out" around one element of the agent. */
static GstElement *
build(CordTalks *self, Work *work, CordServiceRole role, const gchar *before, const gchar *after,
      GError **error)
{
  GstElement *element = cord_pipelines_make(self->pipelines, work->agent, role, error);
  g_autoptr(GstContext) context = cord_worker_to_gst_context(self->worker);
  g_autoptr(GstElement) first = NULL;
  g_autoptr(GstElement) last = NULL;
  GstElement *pipeline;

  if (element == NULL)
    return NULL;
  gst_object_ref_sink(element);
  first = parse_before(before, error);
  last = first ? gst_parse_bin_from_description_full(after, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS,
                                                     error)
               : NULL;
  if (last == NULL) {
    gst_object_unref(element);
    return NULL;
  }
  gst_object_ref_sink(last);
  pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
  gst_bin_add_many(GST_BIN(pipeline), first, element, last, NULL);
  gst_object_unref(element);
  gst_element_link_many(first, element, last, NULL);
  gst_element_set_context(pipeline, context);
  return pipeline;
}

static CordErrandResult *
run(CordTalks *self, GstElement *pipeline, Work *work, gsize max_output, const gchar *separator,
    CordErrandFunc told, GCancellable *cancellable, GError **error)
{
  const CordErrandOrder order = {
    work->input, self->timeout_ms, max_output, separator, told, work
  };
  CordErrandResult *result = cord_errand_run(pipeline, &order, cancellable, error);

  gst_object_unref(pipeline);
  return result;
}

static gchar *
to_text(const CordErrandResult *result)
{
  /* an array that was never written to has no data */
  return result->bytes->len == 0
             ? g_strdup("")
             : g_utf8_make_valid((const gchar *)result->bytes->data, (gssize)result->bytes->len);
}

/* What a service complained of counts when nothing came of it. */
static gboolean
is_empty(CordErrandResult *result, GError **error)
{
  if (result->bytes->len > 0 || result->complaint == NULL)
    return FALSE;
  g_propagate_error(error, g_steal_pointer(&result->complaint));
  return TRUE;
}

/* Answering */

typedef struct {
  CordAnswerPieceFunc func;
  gpointer data;
  gchar *text;
} Piece;

static gboolean
on_piece(gpointer data)
{
  Piece *piece = data;

  piece->func(piece->text, piece->data);
  return G_SOURCE_REMOVE;
}

static void
free_piece(gpointer data)
{
  Piece *piece = data;

  g_free(piece->text);
  g_free(piece);
}

static void
hand_out_piece(const Work *work, const gchar *text)
{
  Piece *piece;

  if (work->piece == NULL || text == NULL)
    return;
  piece = g_new0(Piece, 1);
  *piece = (Piece){ work->piece, work->piece_data, g_strdup(text) };
  cord_main_post(NULL, on_piece, piece, free_piece);
}

/* A call knows one tool; so does a conversation. */
static void
run_tool(GstElement *pipeline, Work *work, const GstStructure *structure)
{
  g_autoptr(GstElement) llm = gst_bin_get_by_name(GST_BIN(pipeline), "llm");
  g_autofree gchar *result = NULL;

  gboolean known = cord_tools_run(gst_structure_get_string(structure, "name"), &result);

  work->answer->ended |= known;
  g_signal_emit_by_name(llm, cord_tools_get_signal(known),
                        gst_structure_get_string(structure, "id"), result);
}

static void
on_told(GstElement *pipeline, const GstStructure *structure, gpointer data)
{
  Work *work = data;

  if (gst_structure_has_name(structure, CORD_EVENT_RESPONSE_PIECE))
    hand_out_piece(work, gst_structure_get_string(structure, "text"));
  else if (gst_structure_has_name(structure, CORD_EVENT_TOOL_CALL))
    run_tool(pipeline, work, structure);
  else if (gst_structure_has_name(structure, CORD_EVENT_RESPONSE_FINISHED))
    gst_structure_get(structure, "input-tokens", G_TYPE_INT64, &work->answer->input_tokens,
                      "output-tokens", G_TYPE_INT64, &work->answer->output_tokens, NULL);
}

static gpointer
answer(CordTalks *self, Work *work, GCancellable *cancellable, GError **error)
{
  GstElement *pipeline = build(self, work, CORD_SERVICE_LLM, TEXT, OUTPUT, error);
  g_autoptr(GstElement) llm = pipeline ? gst_bin_get_by_name(GST_BIN(pipeline), "llm") : NULL;
  g_autoptr(CordErrandResult) result = NULL;

  if (pipeline == NULL)
    return NULL;
  /* an answer that is none is an error here, not an apology */
  g_object_set(llm, "greeting", NULL, "history", work->history, "fallback-text", "", NULL);
  result = run(self, pipeline, work, MAX_TEXT, " ", on_told, cancellable, error);
  if (result == NULL || is_empty(result, error))
    return NULL;
  work->answer->text = to_text(result);
  return g_steal_pointer(&work->answer);
}

/* Hearing */

static gint
select_decoder(GstElement *decodebin, GstPad *pad, GstCaps *caps, GstElementFactory *factory,
               gpointer data)
{
  return cord_audio_may_decode(factory) ? TRY : SKIP;
}

static void
clarify(GError **error)
{
  /* whatever decodebin says of it, it comes to this */
  if (error && *error &&
      ((*error)->domain == GST_STREAM_ERROR ||
       g_error_matches(*error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN))) {
    g_clear_error(error);
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID,
                        "the audio cannot be read: WAV, MP3, FLAC, Ogg, WebM and MP4 can");
  }
}

static gpointer
hear(CordTalks *self, Work *work, GCancellable *cancellable, GError **error)
{
  GstElement *pipeline =
      build(self, work, CORD_SERVICE_STT,
            INPUT " ! decodebin name=decoder caps=audio/x-raw expose-all-streams=false ! "
                  "audioconvert ! audioresample ! " HEARD " ! "
                  "voicedetect name=" FEED,
            OUTPUT, error);
  g_autoptr(GstElement) decoder = NULL;
  g_autoptr(GstElement) feed = NULL;
  g_autoptr(CordErrandResult) result = NULL;

  if (pipeline == NULL)
    return NULL;
  decoder = gst_bin_get_by_name(GST_BIN(pipeline), "decoder");
  feed = gst_bin_get_by_name(GST_BIN(pipeline), FEED);
  g_signal_connect(decoder, "autoplug-select", G_CALLBACK(select_decoder), NULL);
  cord_errand_limit(pipeline, feed, self->max_audio * GST_SECOND, "the audio");
  result = run(self, pipeline, work, MAX_TEXT, " ", NULL, cancellable, error);
  if (result == NULL)
    clarify(error);
  if (result == NULL || is_empty(result, error))
    return NULL;
  return to_text(result);
}

/* Speaking */

static gpointer
speak(CordTalks *self, Work *work, GCancellable *cancellable, GError **error)
{
  g_autofree gchar *after = g_strdup_printf("audioconvert ! audioresample ! %s ! " OUTPUT,
                                            cord_audio_format_get_elements(work->format));
  GstElement *pipeline = build(self, work, CORD_SERVICE_TTS, TEXT, after, error);
  g_autoptr(CordErrandResult) result = NULL;

  if (pipeline == NULL)
    return NULL;
  result = run(self, pipeline, work, MAX_SPOKEN, NULL, NULL, cancellable, error);
  if (result == NULL || is_empty(result, error))
    return NULL;
  if (result->bytes->len == 0) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "there is nothing in it to say");
    return NULL;
  }
  if (work->format == CORD_AUDIO_WAV)
    cord_audio_add_wav_header(result->bytes, result->caps);
  return g_byte_array_free_to_bytes(g_byte_array_ref(result->bytes));
}

/* The pool */

static gboolean
on_done(gpointer data)
{
  GTask *task = data;
  CordTalks *self = g_task_get_source_object(task);

  g_ptr_array_remove_fast(self->under_way, g_task_get_cancellable(task));
  return G_SOURCE_REMOVE;
}

static void
run_task(gpointer data, gpointer user_data)
{
  g_autoptr(GTask) task = data;
  Work *work = g_task_get_task_data(task);
  GError *error = NULL;
  gpointer result;

  if (g_task_return_error_if_cancelled(task))
    result = NULL;
  else
    result = work->run(g_task_get_source_object(task), work, g_task_get_cancellable(task), &error);
  /* before the answer, so that who has it finds room for the next */
  cord_main_post(NULL, on_done, g_object_ref(task), g_object_unref);
  if (result)
    g_task_return_pointer(task, result, work->free_result);
  else if (error)
    g_task_return_error(task, error);
}

static void
start(CordTalks *self, Work *work, GCancellable *cancellable, GAsyncReadyCallback callback,
      gpointer user_data)
{
  g_autoptr(GCancellable) own = cancellable ? g_object_ref(cancellable) : g_cancellable_new();
  g_autoptr(GTask) task = g_task_new(self, own, callback, user_data);

  g_task_set_task_data(task, work, free_work);
  if (self->pipelines == NULL || self->closed) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_FAILED,
                            "nobody can be talked with now; see /ready");
  } else if (self->under_way->len >= self->at_once) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_QUOTA,
                            "too much is being said at once; try again later");
  } else {
    g_ptr_array_add(self->under_way, g_steal_pointer(&own));
    g_thread_pool_push(self->pool, g_steal_pointer(&task), NULL);
  }
}

static Work *
work_new(WorkFunc func, GDestroyNotify free_result, CordAgent *agent, GBytes *input)
{
  Work *work = g_new0(Work, 1);

  work->run = func;
  work->free_result = free_result;
  work->agent = cord_agent_ref(agent);
  work->input = input;
  return work;
}

/**
 * cord_talks_close:
 * @self: talks
 *
 * Ends what is under way; whoever waits for it gets an error. Blocks until that is done. What is
 * asked afterwards is refused.
 */
void
cord_talks_close(CordTalks *self)
{
  if (self->closed)
    return;
  self->closed = TRUE;
  for (guint i = 0; i < self->under_way->len; i++)
    g_cancellable_cancel(self->under_way->pdata[i]);
  g_thread_pool_free(self->pool, FALSE, TRUE);
  /* who waits is told */
  while (g_main_context_iteration(NULL, FALSE))
    ;
}

static void
cord_talks_finalize(GObject *object)
{
  CordTalks *self = CORD_TALKS(object);

  cord_talks_close(self);
  g_ptr_array_unref(self->under_way);
  g_clear_object(&self->worker);
  G_OBJECT_CLASS(cord_talks_parent_class)->finalize(object);
}

static void
cord_talks_class_init(CordTalksClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_talks_finalize;
}

static void
cord_talks_init(CordTalks *self)
{
  self->worker = cord_worker_acquire(WORKER);
  self->under_way = g_ptr_array_new_with_free_func(g_object_unref);
}

/**
 * cord_talks_new:
 * @pipelines: (nullable): what agents are made of; outlives this. Without them all is refused
 * @config: the settings "talks.…"
 *
 * Returns: (transfer full): agents to talk with
 */
CordTalks *
cord_talks_new(CordPipelines *pipelines, CordConfig *config)
{
  CordTalks *self = g_object_new(CORD_TYPE_TALKS, NULL);

  self->pipelines = pipelines;
  self->at_once = (guint)cord_config_get_int(config, "talks.at-once");
  self->timeout_ms = (guint)cord_config_get_int(config, "talks.timeout") * 1000;
  self->max_audio = (guint)cord_config_get_int(config, "talks.max-audio");
  self->pool = g_thread_pool_new(run_task, NULL, (gint)self->at_once, FALSE, NULL);
  return self;
}

/**
 * cord_talks_answer_async:
 * @self: talks
 * @agent: who answers
 * @history: (nullable): what was said before, as llmtextgen's property "history" has it
 * @text: what is said now
 * @piece: (nullable): hears the answer piece by piece
 * @piece_data: for @piece
 * @cancellable: (nullable): a cancellable
 * @callback: called when the answer is there
 * @user_data: for @callback
 */
void
cord_talks_answer_async(CordTalks *self, CordAgent *agent, const gchar *history, const gchar *text,
                        CordAnswerPieceFunc piece, gpointer piece_data, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  Work *work =
      work_new(answer, (GDestroyNotify)cord_answer_free, agent, g_bytes_new(text, strlen(text)));

  work->history = g_strdup(history);
  work->answer = g_new0(CordAnswer, 1);
  work->piece = piece;
  work->piece_data = piece_data;
  start(self, work, cancellable, callback, user_data);
}

CordAnswer *
cord_talks_answer_finish(CordTalks *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * cord_talks_hear_async:
 * @self: talks
 * @agent: who listens
 * @audio: a file: WAV, MP3, FLAC, Ogg with Opus or Vorbis, WebM, MP4 where its decoder is installed
 * @cancellable: (nullable): a cancellable
 * @callback: called when it was understood
 * @user_data: for @callback
 */
void
cord_talks_hear_async(CordTalks *self, CordAgent *agent, GBytes *audio, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  start(self, work_new(hear, g_free, agent, g_bytes_ref(audio)), cancellable, callback, user_data);
}

/**
 * cord_talks_hear_finish:
 * @self: talks
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: (transfer full): what was said, empty when nothing was; or %NULL
 */
gchar *
cord_talks_hear_finish(CordTalks *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * cord_talks_speak_async:
 * @self: talks
 * @agent: whose voice
 * @text: what to say
 * @format: as what
 * @cancellable: (nullable): a cancellable
 * @callback: called when it was said
 * @user_data: for @callback
 */
void
cord_talks_speak_async(CordTalks *self, CordAgent *agent, const gchar *text, CordAudioFormat format,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Work *work =
      work_new(speak, (GDestroyNotify)g_bytes_unref, agent, g_bytes_new(text, strlen(text)));

  work->format = format;
  start(self, work, cancellable, callback, user_data);
}

/**
 * cord_talks_speak_finish:
 * @self: talks
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: (transfer full): a file, or %NULL
 */
GBytes *
cord_talks_speak_finish(CordTalks *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}
