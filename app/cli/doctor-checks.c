/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor-checks.h"

#include <errno.h>
#include <gst/gst.h>
#include <libsoup/soup.h>
#include <string.h>

#include "cli-store.h"
#include "cordboard.h"

#define SENTENCE "your code is four two"
#define SELF_TEST                                                                                  \
  "flitetts voice=kal16 text=\"" SENTENCE "\" ! pocketsphinxstt hints=\"" SENTENCE                 \
  "|your code is one nine\" ! fakesink sync=false"
#define SELF_TEST_TIMEOUT (20 * GST_SECOND)
#define REQUEST_TIMEOUT_S 5

/* ---- the store ---- */

static void
on_agents(GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref(result);
}

/**
 * doctor_check_store:
 * @checks: where findings go
 * @config: the settings
 * @agents: (out) (transfer full) (nullable): the agents in it
 */
void
doctor_check_store(GPtrArray *checks, CordConfig *config, GPtrArray **agents)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *dir = cli_state_dir(config);
  g_autoptr(CordStore) store = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  guint active = 0;

  if (g_mkdir_with_parents(dir, 0700) < 0) {
    cord_check_advise(cord_checks_add(checks, "store", "state folder", CORD_CHECK_FAILED,
                                      "%s cannot be made: %s", dir, g_strerror(errno)),
                      "name another one with --state-dir or server.state-dir");
    return;
  }
  store = cli_open_store(config, &error);
  if (store) {
    cord_store_list_agents_async(store, NULL, on_agents, &result);
    while (result == NULL)
      g_main_context_iteration(NULL, TRUE);
    *agents = cord_store_list_agents_finish(store, result, &error);
  }
  if (error) {
    cord_check_advise(
        cord_checks_add(checks, "store", "database", CORD_CHECK_FAILED, "%s", error->message),
        "look at DATABASE_URL and at who may write to %s", dir);
    return;
  }
  cord_checks_add(checks, "store", "database", CORD_CHECK_OK, "answers");
  for (guint i = 0; i < (*agents)->len; i++)
    active += ((CordAgent *)(*agents)->pdata[i])->is_active;
  if (active == 0)
    cord_check_advise(
        cord_checks_add(checks, "store", "agents", CORD_CHECK_WARNING, "none may take calls"),
        "start the server once for the stock agent, or make one of your own");
  else
    cord_checks_add(checks, "store", "agents", CORD_CHECK_OK, "%u may take calls", active);
}

/* ---- speech on this machine ---- */

static gchar *
run_self_test(GError **error)
{
  g_autoptr(GstElement) pipeline =
      gst_parse_launch_full(SELF_TEST, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr(GstBus) bus = NULL;
  gchar *heard = NULL;
  gboolean over = FALSE;

  if (pipeline == NULL)
    return NULL;
  bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while (!over) {
    g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
        bus, SELF_TEST_TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
    const GstStructure *structure = message ? gst_message_get_structure(message) : NULL;
    gboolean final = FALSE;

    over = message == NULL || GST_MESSAGE_TYPE(message) != GST_MESSAGE_ELEMENT;
    if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
      gst_message_parse_error(message, error, NULL);
    if (!over && gst_structure_has_name(structure, CORD_EVENT_TRANSCRIPT) &&
        gst_structure_get_boolean(structure, "final", &final) && final) {
      g_free(heard);
      heard = g_strdup(gst_structure_get_string(structure, "text"));
    }
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return heard;
}

/**
 * doctor_check_audio:
 * @checks: where findings go
 *
 * Speaks a sentence and listens to it, with what this machine has.
 */
void
doctor_check_audio(GPtrArray *checks)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *heard = run_self_test(&error);

  if (error)
    cord_check_advise(
        cord_checks_add(checks, "audio", "offline speech", CORD_CHECK_WARNING, "%s",
                        error->message),
        "install flite, pocketsphinx and pocketsphinx-en-us to talk without any service");
  else if (g_strcmp0(heard, SENTENCE) != 0)
    cord_check_advise(cord_checks_add(checks, "audio", "offline speech", CORD_CHECK_WARNING,
                                      "\"%s\" was heard as \"%s\"", SENTENCE, heard ? heard : ""),
                      "look whether pocketsphinx-en-us is complete");
  else
    cord_checks_add(checks, "audio", "offline speech", CORD_CHECK_OK,
                    "a sentence was spoken and understood");
}

/* ---- addresses ---- */

static guint
get(const gchar *url, gchar **body, GError **error)
{
  g_autoptr(SoupSession) session =
      soup_session_new_with_options("timeout", REQUEST_TIMEOUT_S, NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autoptr(GBytes) bytes = NULL;

  if (message == NULL) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s is no address", url);
    return 0;
  }
  bytes = soup_session_send_and_read(session, message, NULL, error);
  if (bytes == NULL)
    return 0;
  *body = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  return soup_message_get_status(message);
}

static gboolean
is_healthy(const gchar *base, GError **error)
{
  gsize length = strlen(base);
  g_autofree gchar *url =
      g_strconcat(base, length > 0 && base[length - 1] == '/' ? "health" : "/health", NULL);
  g_autofree gchar *body = NULL;

  return get(url, &body, error) == 200 && strstr(body, "healthy") != NULL;
}

/**
 * doctor_check_port:
 * @checks: where findings go
 * @config: the settings
 *
 * Looks whether the server could listen, or does.
 */
void
doctor_check_port(GPtrArray *checks, CordConfig *config)
{
  const gchar *listen = cord_config_get_string(config, "server.listen");
  g_autofree gchar *url = g_strconcat("http://", listen, NULL);
  g_autoptr(GSocketConnectable) where = g_network_address_parse(listen, 8000, NULL);
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GSocketAddress) address = NULL;
  g_autoptr(GError) error = NULL;

  if (where)
    address = g_inet_socket_address_new_from_string(
        g_network_address_get_hostname(G_NETWORK_ADDRESS(where)),
        g_network_address_get_port(G_NETWORK_ADDRESS(where)));
  if (address == NULL) {
    cord_check_advise(
        cord_checks_add(checks, "port", listen, CORD_CHECK_FAILED, "is no address and port"),
        "set server.listen to something like 127.0.0.1:8000");
    return;
  }
  socket = g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM,
                        G_SOCKET_PROTOCOL_TCP, &error);
  if (socket && g_socket_bind(socket, address, TRUE, &error) && g_socket_listen(socket, &error))
    cord_checks_add(checks, "port", listen, CORD_CHECK_OK, "is free");
  else if (is_healthy(url, NULL))
    cord_checks_add(checks, "port", listen, CORD_CHECK_OK, "a server answers");
  else
    cord_check_advise(
        cord_checks_add(checks, "port", listen, CORD_CHECK_FAILED, "%s", error->message),
        "stop the program that has it, or choose another with --listen");
}

/**
 * doctor_check_public:
 * @checks: where findings go
 * @config: the settings
 *
 * Goes the way that a carrier goes.
 */
void
doctor_check_public(GPtrArray *checks, CordConfig *config)
{
  g_autofree gchar *url = cord_config_dup_address(config, "server.app-url");
  g_autoptr(GError) error = NULL;
  CordCheck *check;

  if (!cord_config_is_set(config, "server.app-url"))
    return;
  if (is_healthy(url, &error)) {
    cord_checks_add(checks, "address", "public", CORD_CHECK_OK, "a server answers at %s", url);
    return;
  }
  check = cord_checks_add(checks, "address", "public", CORD_CHECK_WARNING, "%s/health: %s", url,
                          error ? error->message : "this is not Cordboard");
  cord_check_advise(check, "start the server, and look at the proxy in front of it");
}
