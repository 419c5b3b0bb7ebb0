/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-error.h"
#include "cord-voice-sockets-private.h"
#include "cord-websocket-server.h"
#include "cord-main-post.h"

#define MAX_QUEUED (32 * 1024 * 1024) /* bytes that a client leaves unread */
#define KEEP_ALIVE (15 * GST_SECOND)

static void
clear_socket(gpointer data)
{
  CordVoiceSocket *self = data;

  g_clear_object(&self->dialogue);
  g_clear_object(&self->websocket);
  g_object_unref(self->cancellable);
  g_object_unref(self->worker);
  g_queue_clear_full(&self->waiting, (GDestroyNotify)cord_voice_message_free);
  g_clear_pointer(&self->current, cord_voice_message_free);
  g_clear_pointer(&self->answer, cord_answer_free);
  g_free(self->session_id);
  g_free(self->agent_id);
  g_free(self->persona);
}

CordVoiceSocket *
cord_voice_socket_ref(CordVoiceSocket *self)
{
  return g_atomic_rc_box_acquire(self);
}

void
cord_voice_socket_unref(gpointer self)
{
  g_atomic_rc_box_release_full(self, clear_socket);
}

/* From one thread to the other */

typedef struct {
  CordVoiceSocket *socket;
  CordVoiceMessage *message;
  gchar *text;
} Parcel;

static Parcel *
parcel_new(CordVoiceSocket *socket)
{
  Parcel *parcel = g_new0(Parcel, 1);

  parcel->socket = cord_voice_socket_ref(socket);
  return parcel;
}

static void
parcel_free(gpointer data)
{
  Parcel *parcel = data;

  cord_voice_socket_unref(parcel->socket);
  g_clear_pointer(&parcel->message, cord_voice_message_free);
  g_free(parcel->text);
  g_free(parcel);
}

static void
send_on_worker(gpointer data)
{
  Parcel *parcel = data;

  if (parcel->socket->websocket)
    cord_websocket_send_text(parcel->socket->websocket, parcel->text, -1, NULL);
}

/**
 * cord_voice_socket_send:
 * @self: a socket; any thread
 * @text: (transfer full): a message to its client
 */
void
cord_voice_socket_send(CordVoiceSocket *self, gchar *text)
{
  Parcel *parcel = parcel_new(self);

  parcel->text = text;
  cord_worker_post(self->worker, send_on_worker, parcel, parcel_free);
}

/* The worker's side */

static gboolean
on_said(gpointer data)
{
  Parcel *parcel = data;

  if (parcel->socket->sockets)
    cord_voice_socket_hear(parcel->socket, g_steal_pointer(&parcel->message));
  return G_SOURCE_REMOVE;
}

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  CordVoiceSocket *self = user_data;
  g_autoptr(GError) error = NULL;
  CordVoiceMessage *message = NULL;
  Parcel *parcel;

  if (type == CORD_WEBSOCKET_TEXT)
    message = cord_voice_message_new((const gchar *)data, length, &error);
  else
    error = g_error_new_literal(CORD_ERROR, CORD_ERROR_INVALID,
                                "messages are JSON here; send audio as \"audio_chunk\"");
  if (message == NULL) {
    cord_voice_socket_send(self, cord_voice_message_format("error", "message", error->message));
    return;
  }
  parcel = parcel_new(self);
  parcel->message = message;
  cord_main_post(NULL, on_said, parcel, parcel_free);
}

static gboolean
on_gone(gpointer data)
{
  cord_voice_socket_leave(((Parcel *)data)->socket);
  return G_SOURCE_REMOVE;
}

/* The WebSocket's reference goes with it. */
static void
let_go(CordVoiceSocket *self)
{
  g_autoptr(CordWebsocket) websocket = g_steal_pointer(&self->websocket);

  if (websocket == NULL)
    return;
  cord_websocket_set_handlers(websocket, NULL, NULL);
  cord_main_post(NULL, on_gone, parcel_new(self), parcel_free);
  cord_voice_socket_unref(self);
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  let_go(user_data);
}

static void
close_on_worker(gpointer data)
{
  CordVoiceSocket *self = ((Parcel *)data)->socket;
  g_autoptr(CordWebsocket) websocket = self->websocket ? g_object_ref(self->websocket) : NULL;

  if (websocket == NULL)
    return;
  let_go(self);
  cord_websocket_close(websocket, 1001, "disconnected");
}

static void
on_taken(CordWebsocket *websocket, gpointer data)
{
  static const CordWebsocketHandlers handlers = { .message = on_message, .closed = on_closed };
  CordVoiceSocket *self = data;

  if (g_atomic_int_get(&self->gone)) {
    cord_websocket_close(websocket, 1001, NULL);
    return;
  }
  cord_voice_socket_ref(self);
  self->websocket = g_object_ref(websocket);
  cord_websocket_set_max_message(websocket, CORD_VOICE_MAX_MESSAGE);
  cord_websocket_set_max_queued(websocket, MAX_QUEUED);
  cord_websocket_set_keep_alive(websocket, KEEP_ALIVE);
  cord_websocket_set_handlers(websocket, &handlers, self);
  cord_websocket_start(websocket);
}

/* Whether or not it was taken; any thread. */
static void
taking_over(gpointer data)
{
  CordVoiceSocket *self = data;

  if (self->websocket == NULL)
    cord_main_post(NULL, on_gone, parcel_new(self), parcel_free);
  cord_voice_socket_unref(self);
}

/* The main thread's side */

/* Nothing more is done for it. */
void
cord_voice_socket_leave(CordVoiceSocket *self)
{
  CordVoiceSockets *sockets = g_steal_pointer(&self->sockets);

  g_atomic_int_set(&self->gone, TRUE);
  g_cancellable_cancel(self->cancellable);
  if (sockets)
    g_hash_table_remove(sockets->sockets, self->session_id);
}

/**
 * cord_voice_sockets_take:
 * @self: the sockets
 * @message: a request that is a WebSocket's handshake
 * @options: what it said
 *
 * Returns: whether it was
 */
gboolean
cord_voice_sockets_take(CordVoiceSockets *self, SoupServerMessage *message,
                        const CordVoiceSocketOptions *options)
{
  CordVoiceSocket *socket = g_atomic_rc_box_new0(CordVoiceSocket);

  socket->sockets = self;
  socket->kit = self->kit;
  socket->worker = g_object_ref(self->worker);
  socket->session_id = g_strdup(options->session_id);
  socket->agent_id = g_strdup(options->agent_id);
  socket->persona = g_strdup(options->persona);
  socket->format = options->format;
  socket->time = g_get_real_time();
  socket->cancellable = g_cancellable_new();
  g_queue_init(&socket->waiting);
  g_hash_table_insert(self->sockets, socket->session_id, socket);
  return cord_websocket_server_take(message, self->worker, on_taken, cord_voice_socket_ref(socket),
                                    taking_over);
}

guint
cord_voice_sockets_get_count(CordVoiceSockets *self)
{
  return g_hash_table_size(self->sockets);
}

gboolean
cord_voice_sockets_has(CordVoiceSockets *self, const gchar *session_id)
{
  return g_hash_table_contains(self->sockets, session_id);
}

/**
 * cord_voice_sockets_disconnect:
 * @self: the sockets
 * @session_id: one of them
 *
 * Returns: whether it is open; it is then closed with 1001
 */
gboolean
cord_voice_sockets_disconnect(CordVoiceSockets *self, const gchar *session_id)
{
  CordVoiceSocket *socket = g_hash_table_lookup(self->sockets, session_id);

  if (socket == NULL)
    return FALSE;
  cord_worker_post(self->worker, close_on_worker, parcel_new(socket), parcel_free);
  cord_voice_socket_leave(socket);
  return TRUE;
}

void
cord_voice_sockets_foreach(CordVoiceSockets *self, CordVoiceSocketFunc func, gpointer data)
{
  GHashTableIter iter;
  gpointer socket;

  g_hash_table_iter_init(&iter, self->sockets);
  while (g_hash_table_iter_next(&iter, NULL, &socket)) {
    CordVoiceSocket *each = socket;
    CordAgent *agent = each->dialogue ? cord_dialogue_get_agent(each->dialogue) : NULL;

    func(each->session_id, agent ? agent->name : NULL, each->time, data);
  }
}

/**
 * cord_voice_sockets_new:
 * @kit: what conversations need; outlives the sockets
 *
 * Returns: (transfer full): no sockets
 */
CordVoiceSockets *
cord_voice_sockets_new(const CordDialogueKit *kit)
{
  CordVoiceSockets *self = g_new0(CordVoiceSockets, 1);

  self->kit = kit;
  self->worker = cord_worker_acquire("voice-sockets");
  self->sockets = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, cord_voice_socket_unref);
  return self;
}

static void
nothing(gpointer data)
{
}

/**
 * cord_voice_sockets_free:
 * @self: (transfer full): the sockets
 *
 * Closes those that are open.
 */
void
cord_voice_sockets_free(CordVoiceSockets *self)
{
  g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init(&iter, self->sockets);
  while (g_hash_table_iter_next(&iter, &id, NULL))
    g_ptr_array_add(ids, g_strdup(id));
  for (guint i = 0; i < ids->len; i++)
    cord_voice_sockets_disconnect(self, ids->pdata[i]);
  /* until the worker has done so */
  cord_worker_call(self->worker, nothing, NULL);
  g_hash_table_unref(self->sockets);
  g_object_unref(self->worker);
  g_free(self);
}
