/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <gst/gst.h>
#include <stdio.h>

#include "cli-store.h"
#include "cord-access.h"
#include "cord-api.h"
#include "cord-commands.h"
#include "cord-error.h"
#include "cord-extractor.h"
#include "cord-keys.h"
#include "cord-listener.h"
#include "cord-log.h"
#include "cord-neighbours.h"
#include "cord-schemas.h"
#include "cord-store-watch.h"
#include "cord-webhook-events.h"
#include "serve-host.h"

#define JOURNAL_CLOSE_MS 5000
#define JOURNAL_OPEN_MS 5000
#define LAST_WORDS_MS 100
#define LINGER_MS 2000 /* of a refused client */
#define KEY_SECONDS 5  /* between two looks at the keys */
#define OPENAPI_PATH "/org/cordboard/schemas/openapi.json"
#define MAX_STREAM_TOKENS 100000

/* What the command line may say; the rest is in the configuration. */
typedef struct {
  gchar *config_file;
  gboolean version;
  CordConfig *config;
} Options;

typedef struct {
  CordConfig *config;
  GMainLoop *loop;
  CordStore *store;
  CordVault *vault;
  CordDirectory *directory;
  CordJournal *journal;
  CordCallRegistry *calls;
  CordHttpServer *http;
  CordListener *listener;
  CordOutbound *outbound;
  CordStats *stats;
  CordTwilioClient *twilio;
  CordTalks *talks;
  CordDialogueKit dialogues;
  CordVoiceSockets *sockets;
  CordAccess *access;
  CordOpenapi *openapi;
  CordCheckup *checkup;
  CordAddressGuard *guard;
  CordWebhooks *webhooks;
  CordWebhookEvents *events;
  CordExtractor *extractor;
  CordStoreWatch *changes;
  CordNeighbours *neighbours;
  CordApi api;
  guint key_timer;
  guint signals; /* that asked to stop */
} Server;

static const gchar *
data_dir(void)
{
  const gchar *set = g_getenv("CORDBOARD_DATA_DIR");

  return set && *set ? set : PKGDATADIR;
}

static gboolean
open_store(Server *server, GError **error)
{
  g_autofree gchar *dir = cli_state_dir(server->config);
  g_autofree gchar *journal = g_build_filename(dir, "journal", NULL);
  g_autofree gchar *agents = g_build_filename(data_dir(), "agents", NULL);

  if (g_mkdir_with_parents(dir, 0700) < 0) {
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot make the folder %s: %s",
                dir, g_strerror(errno));
    return FALSE;
  }
  server->store = cli_open_store(server->config, error);
  if (server->store == NULL)
    return FALSE;
  if (!g_file_test(agents, G_FILE_TEST_IS_DIR))
    g_warning("there is no folder %s: no stock agent can be made; CORDBOARD_DATA_DIR "
              "names the folder in which it is looked for",
              agents);
  else if (!cord_store_seed_agents(server->store, agents, error))
    return FALSE;
  server->vault = cli_open_vault(server->config, error);
  server->directory =
      server->vault ? cord_directory_new(server->store, server->vault, error) : NULL;
  if (server->directory == NULL)
    return FALSE;
  server->journal = cord_journal_open(journal, server->store, error);
  if (server->journal)
    cord_journal_set_discreet(server->journal,
                              !cord_config_get_boolean(server->config, "store.transcripts"));
  if (server->journal && !cord_journal_catch_up(server->journal, JOURNAL_OPEN_MS))
    g_warning("the store has not taken all of the journal yet: calls are answered, lists of "
              "earlier calls may be behind");
  return server->journal != NULL;
}

/* A model that nobody has would be noticed by the first caller; a network that is not there may
 * come back before him. */
static gboolean
check_services(Server *server, GError **error)
{
  server->checkup = cord_checkup_new(server->store, server->config);
  return cord_checkup_run(server->checkup, error);
}

/* Calls know of no state folder. */
static void
set_routes_dir(CordConfig *config)
{
  g_autofree gchar *dir = cli_routes_dir(config);

  cord_config_set(config, "router.location", dir, _("state folder"), NULL);
}

static void
open_calls(Server *server)
{
  CordConfig *config = server->config;
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(
      (guint)cord_config_get_int(config, "twilio.token-lifetime") * 1000, MAX_STREAM_TOKENS);
  CordCallOptions options = {
    .workers = (guint)cord_config_get_int(config, "server.workers"),
    .max_calls = (guint)cord_config_get_int(config, "server.max-calls"),
    .max_lateness_us = (guint)cord_config_get_int(config, "server.max-lateness") * 1000,
    .max_prepared = (guint)cord_config_get_int(config, "server.max-prepared"),
    .pipelines = cord_config_get_string(config, "server.pipelines"),
    .data_dir = data_dir(),
    .config = config,
  };

  set_routes_dir(config);
  server->calls = cord_call_registry_new(server->directory, server->journal, tokens, &options);
}

static gboolean
expects_more(const gchar *call_id, gpointer data)
{
  return cord_extractor_expects(data, call_id);
}

static void
on_extracted(const gchar *call_id, gpointer data)
{
  cord_webhook_events_complete(data, call_id);
}

static gboolean
open_others(Server *server, GError **error)
{
  CordConfig *config = server->config;

  server->guard =
      cord_address_guard_new(cord_config_get_string(config, "outgoing.private-networks"), error);
  if (server->guard == NULL) {
    g_prefix_error(error, "outgoing.private-networks: ");
    return FALSE;
  }
  server->webhooks = cord_webhooks_open(config, server->store, server->vault, server->guard);
  server->events = cord_webhook_events_new(server->calls, server->journal, server->webhooks);
  server->extractor = cord_extractor_new(server->calls, server->journal, config);
  cord_extractor_set_done(server->extractor, on_extracted, server->events);
  cord_webhook_events_set_more(server->events, expects_more, server->extractor);
  server->outbound =
      cord_outbound_open(config, server->store, server->journal, server->calls, error);
  return server->outbound != NULL;
}

/* What the counters cannot know of: what is in front of the calls, and behind them. */
static void
add_figures(GString *text, JsonObject *object, gpointer data)
{
  Server *server = data;
  CordWebhookCounts counts;
  CordExtractorCounts extractions;

  cord_webhooks_get_counts(server->webhooks, &counts);
  cord_stats_add(text, object, "http_connections", "gauge", "Connections to the server",
                 server->listener ? cord_listener_get_count(server->listener) : 0);
  cord_stats_add(text, object, "outbound_active", "gauge", "Calls that were placed and go on",
                 cord_outbound_get_count(server->outbound));
  cord_stats_add(text, object, "webhooks_busy", "gauge", "Webhooks that are told now", counts.busy);
  cord_stats_add(text, object, "webhooks_delivered_total", "counter",
                 "Events that webhooks have taken", counts.delivered);
  cord_stats_add(text, object, "webhooks_failed_total", "counter",
                 "Attempts to tell webhooks that failed", counts.failed);
  cord_stats_add(text, object, "webhooks_dead_total", "counter",
                 "Events that webhooks are not told any more", counts.dead);
  cord_extractor_get_counts(server->extractor, &extractions);
  cord_stats_add(text, object, "extractions_total", "counter",
                 "Times that a model told what callers want", extractions.found);
  cord_stats_add(text, object, "extractions_failed_total", "counter", "Times that it did not",
                 extractions.failed);
  cord_stats_add(text, object, "extractions_busy", "gauge", "Models that are asked for it now",
                 extractions.busy);
  cord_stats_add(text, object, "extractions_waiting", "gauge", "Calls that wait for that",
                 extractions.waiting);
}

static void
open_stats(Server *server)
{
  const CordStatsSources sources = {
    .calls = server->calls,
    .journal = server->journal,
    .store = server->store,
    .config = server->config,
    .add_more = add_figures,
    .data = server,
  };

  server->stats = cord_stats_new(&sources);
}

static gpointer
to_key(gconstpointer source, gpointer data)
{
  const CordKeyRow *row = source;

  return cord_key_new(row->id, row->hash, row->scopes, row->expires_at);
}

static void
set_keys(Server *server, GPtrArray *rows)
{
  cord_access_set_keys(server->access, g_ptr_array_copy(rows, to_key, NULL));
}

static void
on_keys(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GPtrArray) rows = cord_keys_list_finish(CORD_STORE(source), result, NULL);

  /* while the store does not answer, the keys that are known stay good */
  if (rows)
    set_keys(data, rows);
}

/* Keys are made and revoked by another process, maybe on another machine. */
static gboolean
reload_keys(gpointer data)
{
  Server *server = data;

  cord_keys_list_async(server->store, on_keys, server);
  return G_SOURCE_CONTINUE;
}

/* Somebody has written, maybe we: what is kept in memory is read again. */
static void
on_changed(CordStoreWatch *changes, const gchar *table, const gchar *id, const gchar *server_id,
           const gchar *how, gpointer data)
{
  Server *server = data;

  if (!table || g_str_equal(table, "agents") || g_str_equal(table, "phone_numbers"))
    cord_directory_refresh(server->directory, NULL, NULL);
  if (!table || g_str_equal(table, "api_keys"))
    reload_keys(server);
  if (!table || g_str_equal(table, "webhook_deliveries"))
    cord_webhooks_wake(server->webhooks);
}

/* Without it others are noticed as well, but seconds later. */
static gboolean
open_changes(Server *server, GError **error)
{
  if (!cord_store_is_shared(server->store))
    return TRUE;
  server->changes = cord_store_watch_new(server->store, error);
  if (server->changes == NULL)
    return FALSE;
  g_signal_connect(server->changes, "changed", G_CALLBACK(on_changed), server);
  server->neighbours = cord_neighbours_new(server->store, server->changes,
                                           cord_journal_get_server_id(server->journal));
  return TRUE;
}

static gboolean
open_api(Server *server, GError **error)
{
  g_autoptr(GBytes) document = g_resource_lookup_data(cord_schemas_get_resource(), OPENAPI_PATH,
                                                      G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  g_autoptr(GPtrArray) keys = document ? cord_keys_list(server->store, error) : NULL;

  if (keys == NULL || !open_changes(server, error))
    return FALSE;
  server->access = cord_access_new(cord_config_get_string(server->config, "http.cors-origins"),
                                   (guint)cord_config_get_int(server->config, "http.rate-limit"));
  set_keys(server, keys);
  server->openapi = cord_openapi_new(server->http, document, error);
  if (server->openapi == NULL)
    return FALSE;
  cord_openapi_set_authorize(server->openapi, cord_access_authorize, server->access);
  cord_http_server_set_filter(server->http, cord_access_filter, server->access);
  server->twilio =
      cord_twilio_client_new(cord_config_get_string(server->config, "twilio.base-url"));
  open_stats(server);
  server->talks = cord_talks_new(cord_call_registry_get_pipelines(server->calls), server->config);
  server->dialogues =
      (CordDialogueKit){ server->talks, server->store, server->directory, server->config };
  server->sockets = cord_voice_sockets_new(&server->dialogues);
  server->api = (CordApi){
    .config = server->config,
    .store = server->store,
    .calls = server->calls,
    .directory = server->directory,
    .vault = server->vault,
    .journal = server->journal,
    .outbound = server->outbound,
    .stats = server->stats,
    .twilio = server->twilio,
    .openapi = server->openapi,
    .access = server->access,
    .checkup = server->checkup,
    .dialogues = &server->dialogues,
    .sockets = server->sockets,
    .guard = server->guard,
    .webhooks = server->webhooks,
    .neighbours = server->neighbours,
  };
  cord_api_add_all(&server->api);
  server->key_timer = g_timeout_add_seconds(KEY_SECONDS, reload_keys, server);
  return TRUE;
}

/* Others can reach it: then nobody may ask without a key. */
static gboolean
check_exposure(Server *server, GSocketAddress *address, GError **error)
{
  GInetAddress *inet = G_IS_INET_SOCKET_ADDRESS(address)
                           ? g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address))
                           : NULL;

  if (inet == NULL || g_inet_address_get_is_loopback(inet) ||
      cord_access_count_keys(server->access) > 0)
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
              _("%s can be reached from other machines, and there is no API key: make one with "
                "\"cordboard keys create\", or listen on 127.0.0.1"),
              cord_config_get_string(server->config, "server.listen"));
  return FALSE;
}

static gboolean
open_http(Server *server, gchar **where, GError **error)
{
  CordConfig *config = server->config;
  CordListenerLimits limits = {
    .connections = (guint)cord_config_get_int(config, "http.max-connections"),
    .connections_per_address =
        (guint)cord_config_get_int(config, "http.max-connections-per-address"),
    .bodies = (gsize)cord_config_get_int(config, "http.max-bodies"),
    .guard = {
      .head_ms = (guint)cord_config_get_int(config, "http.header-timeout") * 1000,
      .body_ms = (guint)cord_config_get_int(config, "http.body-timeout") * 1000,
      .idle_ms = (guint)cord_config_get_int(config, "http.idle-timeout") * 1000,
      .write_ms = (guint)cord_config_get_int(config, "http.write-timeout") * 1000,
      .linger_ms = LINGER_MS,
      .max_body = (gsize)cord_config_get_int(config, "http.max-body"),
    },
  };
  g_autoptr(GSocketAddress) address = NULL;

  server->http = cord_http_server_new();
  if (!open_api(server, error))
    return FALSE;
  server->listener = cord_listener_new(cord_http_server_get_soup(server->http), &limits);
  address = cord_listener_listen(server->listener, cord_config_get_string(config, "server.listen"),
                                 error);
  if (address == NULL || !check_exposure(server, address, error))
    return FALSE;
  *where = g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(address));
  return TRUE;
}

static gboolean
on_last_words(gpointer data)
{
  g_main_loop_quit(((Server *)data)->loop);
  return G_SOURCE_REMOVE;
}

static void
on_drained(GObject *source, GAsyncResult *result, gpointer data)
{
  cord_call_registry_drain_finish(CORD_CALL_REGISTRY(source), result, NULL);
  /* whoever follows a call is still to be told of its end */
  g_timeout_add(LAST_WORDS_MS, on_last_words, data);
}

static gboolean
on_signal(gpointer data)
{
  Server *server = data;
  gint64 seconds = cord_config_get_int(server->config, "server.drain-timeout");

  server->signals++;
  if (server->signals > 1) {
    g_message("hanging up");
    cord_call_registry_hang_up_all(server->calls, "shutdown");
    return G_SOURCE_CONTINUE;
  }
  g_message("no more calls are taken; %u are left and have %" G_GINT64_FORMAT " s to end",
            cord_call_registry_get_count(server->calls), seconds);
  serve_tell_host("STOPPING=1\nSTATUS=Waiting for calls to end");
  cord_listener_stop(server->listener);
  cord_call_registry_drain_async(server->calls, (guint)seconds * 1000, on_drained, server);
  return G_SOURCE_CONTINUE;
}

static void
close_server(Server *server)
{
  /* while what it knows can still be written */
  if (server->extractor)
    cord_extractor_close(server->extractor);
  if (server->webhooks)
    cord_webhooks_stop(server->webhooks);
  if (server->journal)
    cord_journal_close(server->journal, JOURNAL_CLOSE_MS);
  g_clear_handle_id(&server->key_timer, g_source_remove);
  if (server->changes)
    g_signal_handlers_disconnect_by_data(server->changes, server);
  g_clear_pointer(&server->sockets, cord_voice_sockets_free);
  if (server->talks)
    cord_talks_close(server->talks);
  g_clear_object(&server->http);
  g_clear_object(&server->listener);
  g_clear_object(&server->twilio);
  g_clear_object(&server->outbound);
  g_clear_pointer(&server->stats, cord_stats_free);
  g_clear_pointer(&server->openapi, cord_openapi_free);
  g_clear_pointer(&server->access, cord_access_free);
  g_clear_pointer(&server->api.doors, g_ptr_array_unref);
  g_clear_pointer(&server->api.questions, g_hash_table_unref);
  g_clear_pointer(&server->neighbours, cord_neighbours_free);
  g_clear_object(&server->changes);
  g_clear_pointer(&server->extractor, cord_extractor_free);
  g_clear_pointer(&server->events, cord_webhook_events_free);
  g_clear_object(&server->webhooks);
  g_clear_object(&server->talks);
  g_clear_object(&server->calls);
  g_clear_object(&server->checkup);
  g_clear_object(&server->journal);
  g_clear_object(&server->directory);
  g_clear_object(&server->store);
  g_clear_pointer(&server->vault, cord_vault_free);
  g_clear_pointer(&server->guard, cord_address_guard_free);
  g_clear_pointer(&server->loop, g_main_loop_unref);
}

static int
run(CordConfig *config)
{
  Server server = { .config = config };
  g_autofree gchar *where = NULL;
  g_autoptr(GError) error = NULL;
  int code = CORD_EXIT_OK;

  server.loop = g_main_loop_new(NULL, FALSE);
  if (open_store(&server, &error) && check_services(&server, &error)) {
    open_calls(&server);
    if (open_others(&server, &error) && open_http(&server, &where, &error)) {
      g_unix_signal_add(SIGTERM, on_signal, &server);
      g_unix_signal_add(SIGINT, on_signal, &server);
      printf("Listening on http://%s\n", where);
      fflush(stdout);
      serve_tell_host("READY=1\nSTATUS=Answering calls");
      serve_start_watchdog();
      g_main_loop_run(server.loop);
    }
  }
  if (error) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    code = CORD_EXIT_FAILED;
  }
  close_server(&server);
  return code;
}

static gboolean
set_option(const gchar *name, const gchar *value, gpointer data, GError **error)
{
  static const struct {
    const gchar *option;
    const gchar *setting;
  } options[] = {
    { "--listen", "server.listen" },         { "--state-dir", "server.state-dir" },
    { "--workers", "server.workers" },       { "--drain-timeout", "server.drain-timeout" },
    { "--log-format", "server.log-format" }, { "--max-calls", "server.max-calls" },
    { "--pipelines", "server.pipelines" },
  };
  GHashTable *given = data;

  for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
    if (g_str_equal(name, options[i].option))
      g_hash_table_replace(given, (gpointer)options[i].setting, g_strdup(value));
  }
  return TRUE;
}

/* Reads the command line into the strongest layer of the configuration. */
static CordConfig *
read_options(int argc, char *argv[], GError **error)
{
  g_autoptr(GHashTable) given = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  g_autofree gchar *file = NULL;
  gpointer set = (gpointer)set_option;
  const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_CALLBACK, set, N_("Where to listen (127.0.0.1:8000)"),
      N_("ADDRESS:PORT") },
    { "state-dir", 0, 0, G_OPTION_ARG_CALLBACK, set, N_("Folder of the database and the journal"),
      N_("DIR") },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &file, N_("Settings to read"), N_("FILE") },
    { "workers", 0, 0, G_OPTION_ARG_CALLBACK, set, N_("Media threads (one a core)"), N_("N") },
    { "max-calls", 0, 0, G_OPTION_ARG_CALLBACK, set, N_("Calls at once (no limit)"), N_("N") },
    { "drain-timeout", 0, 0, G_OPTION_ARG_CALLBACK, set,
      N_("How long calls may go on after SIGTERM (30)"), N_("SECONDS") },
    { "log-format", 0, 0, G_OPTION_ARG_CALLBACK, set, N_("text, json or auto"), N_("FORMAT") },
    { "pipelines", 0, 0, G_OPTION_ARG_CALLBACK, set, N_("Folder of pipeline files of your own"),
      N_("DIR") },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  GOptionGroup *group = g_option_group_new("serve", "", "", given, NULL);
  g_autoptr(CordConfig) config = cord_config_new();
  GHashTableIter iter;
  gpointer name, value;

  g_option_group_add_entries(group, entries);
  g_option_group_set_translation_domain(group, GETTEXT_PACKAGE);
  g_option_context_set_main_group(context, group);
  g_option_context_set_summary(context, _("Answers calls."));
  if (!g_option_context_parse(context, &argc, &argv, error) ||
      !cord_config_load(config, file, ".env", error))
    return NULL;
  g_hash_table_iter_init(&iter, given);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    if (!cord_config_set(config, name, value, _("command line"), error))
      return NULL;
  }
  return g_steal_pointer(&config);
}

/**
 * cord_cmd_serve:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard serve`.
 *
 * Returns: the exit code
 */
int
cord_cmd_serve(int argc, char *argv[])
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CordConfig) config = read_options(argc, argv, &error);
  CordLogFormat format;
  int status;

  if (config == NULL) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    return CORD_EXIT_USAGE;
  }
  if (!cord_log_format_from_string(cord_config_get_string(config, "server.log-format"), &format)) {
    fprintf(stderr, _("cordboard: the log format is text, json or auto\n"));
    return CORD_EXIT_USAGE;
  }
  cord_config_export(config);
  cord_log_init(format);
  serve_raise_limits();
  /* GStreamer looks there by itself only when it has the same prefix */
  g_setenv("GST_PLUGIN_PATH", PLUGINDIR, FALSE);
  gst_init(NULL, NULL);
  status = run(config);
  /* tracers report when GStreamer is told that it is over */
  if (g_getenv("GST_TRACERS"))
    gst_deinit();
  return status;
}
