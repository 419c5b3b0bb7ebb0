/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-stream-tokens.h"

#include <string.h>

#include "cord-error.h"
#include "cord-secret.h"

#define SELECTOR_BYTES 8  /* finds the token; may leak through timing */
#define VERIFIER_BYTES 16 /* proves it; compared in constant time */
#define SELECTOR_LENGTH (2 * SELECTOR_BYTES)
#define SWEEP_S 1 /* how often lapsed tokens are looked for */

typedef struct {
  gchar *selector;
  gchar *verifier;
  gchar *call_sid;
  gint64 expires_us;
  gpointer data;
  GDestroyNotify notify;
} Token;

struct _CordStreamTokens {
  GObject parent_instance;

  guint lifetime_ms;
  guint max_tokens;
  GMainContext *context;
  GSource *sweep;

  GMutex lock; /* leaf; guards both below */
  GHashTable *tokens;
  GQueue order; /* Token, oldest first */
};

G_DEFINE_FINAL_TYPE(CordStreamTokens, cord_stream_tokens, G_TYPE_OBJECT)

static void
free_token(Token *token)
{
  g_free(token->selector);
  g_free(token->verifier);
  g_free(token->call_sid);
  g_free(token);
}

/* The lock is not held: the notify may come back to us. */
static void
lapse(Token *token)
{
  if (token->notify)
    token->notify(token->data);
  free_token(token);
}

static void
unlink_token(CordStreamTokens *self, Token *token)
{
  g_queue_remove(&self->order, token);
  g_hash_table_remove(self->tokens, token->selector);
}

/* The oldest token if it is over, or if room must be made for another one. */
static Token *
steal_oldest(CordStreamTokens *self, gint64 now_us, guint max_tokens)
{
  Token *token;

  g_mutex_lock(&self->lock);
  token = g_queue_peek_head(&self->order);
  if (token && (token->expires_us <= now_us || self->order.length > max_tokens))
    unlink_token(self, token);
  else
    token = NULL;
  g_mutex_unlock(&self->lock);
  return token;
}

/**
 * cord_stream_tokens_expire:
 * @self: the tokens
 * @now_us: the monotonic time, us
 *
 * Forgets what is too old at @now_us. Called by a timer.
 *
 * Returns: how many lapsed
 */
guint
cord_stream_tokens_expire(CordStreamTokens *self, gint64 now_us)
{
  guint count = 0;
  Token *token;

  while ((token = steal_oldest(self, now_us, G_MAXUINT))) {
    lapse(token);
    count++;
  }
  return count;
}

static gboolean
on_sweep(gpointer data)
{
  CordStreamTokens *self = data;

  cord_stream_tokens_expire(self, g_get_monotonic_time());
  if (cord_stream_tokens_get_count(self) > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer(&self->sweep, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
start_sweep(CordStreamTokens *self)
{
  if (self->sweep)
    return;
  self->sweep = g_timeout_source_new_seconds(SWEEP_S);
  g_source_set_callback(self->sweep, on_sweep, self, NULL);
  g_source_attach(self->sweep, self->context);
}

/**
 * cord_stream_tokens_mint:
 * @self: the tokens
 * @call_sid: the call that may use it
 * @data: what cord_stream_tokens_take() hands out
 * @notify: (nullable): frees @data when the token lapses, on this thread
 *
 * Returns: (transfer full): a new token
 */
gchar *
cord_stream_tokens_mint(CordStreamTokens *self, const gchar *call_sid, gpointer data,
                        GDestroyNotify notify)
{
  Token *token = g_new0(Token, 1);
  gint64 now = g_get_monotonic_time();
  gchar *text;
  Token *oldest;

  *token = (Token){ cord_secret_new(SELECTOR_BYTES),
                    cord_secret_new(VERIFIER_BYTES),
                    g_strdup(call_sid),
                    now + self->lifetime_ms * G_TIME_SPAN_MILLISECOND,
                    data,
                    notify };
  text = g_strconcat(token->selector, token->verifier, NULL);
  g_mutex_lock(&self->lock);
  g_hash_table_insert(self->tokens, token->selector, token);
  g_queue_push_tail(&self->order, token);
  g_mutex_unlock(&self->lock);
  while ((oldest = steal_oldest(self, now, self->max_tokens)))
    lapse(oldest);
  start_sweep(self);
  return text;
}

/**
 * cord_stream_tokens_take:
 * @self: the tokens
 * @token: what a stream brought
 * @call_sid: the call that the stream says it belongs to
 * @data: (out): what was given when it was minted, now the caller's
 * @error: return location for an error
 *
 * Uses a token up. A token that is shown with a wrong call is used up too.
 *
 * Returns: whether it was good
 */
gboolean
cord_stream_tokens_take(CordStreamTokens *self, const gchar *token, const gchar *call_sid,
                        gpointer *data, GError **error)
{
  g_autofree gchar *selector = g_strndup(token, SELECTOR_LENGTH);
  const gchar *verifier = token + strlen(selector);
  gboolean good = FALSE;
  Token *found;

  g_mutex_lock(&self->lock);
  found = g_hash_table_lookup(self->tokens, selector);
  if (found && cord_secret_equal(found->verifier, verifier) &&
      found->expires_us > g_get_monotonic_time()) {
    good = g_strcmp0(found->call_sid, call_sid) == 0;
    if (good)
      unlink_token(self, found);
    else
      found->expires_us = 0; /* lapses on its own thread */
  }
  g_mutex_unlock(&self->lock);
  if (!good) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                        "its token is unknown, was used before, is too old or is another call's");
    return FALSE;
  }
  *data = found->data;
  free_token(found);
  return TRUE;
}

/**
 * cord_stream_tokens_get_count:
 * @self: the tokens
 *
 * Returns: how many are waiting for their stream
 */
guint
cord_stream_tokens_get_count(CordStreamTokens *self)
{
  guint count;

  g_mutex_lock(&self->lock);
  count = self->order.length;
  g_mutex_unlock(&self->lock);
  return count;
}

static void
cord_stream_tokens_finalize(GObject *object)
{
  CordStreamTokens *self = CORD_STREAM_TOKENS(object);
  Token *token;

  if (self->sweep)
    g_source_destroy(self->sweep);
  g_clear_pointer(&self->sweep, g_source_unref);
  while ((token = steal_oldest(self, G_MAXINT64, 0)))
    lapse(token);
  g_hash_table_unref(self->tokens);
  g_main_context_unref(self->context);
  g_mutex_clear(&self->lock);
  G_OBJECT_CLASS(cord_stream_tokens_parent_class)->finalize(object);
}

static void
cord_stream_tokens_class_init(CordStreamTokensClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_stream_tokens_finalize;
}

static void
cord_stream_tokens_init(CordStreamTokens *self)
{
  g_mutex_init(&self->lock);
  g_queue_init(&self->order);
  self->tokens = g_hash_table_new(g_str_hash, g_str_equal);
  self->context = g_main_context_ref_thread_default();
}

/**
 * cord_stream_tokens_new:
 * @lifetime_ms: how long a token is good, ms
 * @max_tokens: how many there may be at once
 *
 * Returns: (transfer full): no tokens yet
 */
CordStreamTokens *
cord_stream_tokens_new(guint lifetime_ms, guint max_tokens)
{
  CordStreamTokens *self = g_object_new(CORD_TYPE_STREAM_TOKENS, NULL);

  self->lifetime_ms = lifetime_ms;
  self->max_tokens = max_tokens;
  return self;
}
