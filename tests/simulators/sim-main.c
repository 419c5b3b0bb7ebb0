/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <stdio.h>

#include "sim-private.h"

static gboolean
on_signal(gpointer loop)
{
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static gboolean
load(SimServer *server, const gchar *path, GError **error)
{
  g_autofree gchar *text = NULL;

  return !path || (g_file_get_contents(path, &text, NULL, error) &&
                   sim_server_set_script(server, text, error));
}

static int
serve(gint port, const gchar *cert, const gchar *key, const gchar *script, const gchar *record,
      const gchar *replay)
{
  g_autoptr(CordWorker) worker = cord_worker_acquire("simulators");
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(GError) error = NULL;
  SimServer *server = sim_server_new(worker, (guint16)port, cert, key, &error);

  if (!server) {
    fprintf(stderr, "cordboard-simulators: %s\n", error->message);
    return 1;
  }
  if (!replay) {
    sim_server_add_all(server);
  } else if (!sim_server_replay(server, replay, &error)) {
    fprintf(stderr, "cordboard-simulators: %s\n", error->message);
    return 1;
  }
  if (record)
    sim_server_record(server, record);
  if (!load(server, script, &error)) {
    fprintf(stderr, "cordboard-simulators: %s: %s\n", script, error->message);
    return 1;
  }
  printf("Simulating on %s://127.0.0.1:%u\n", cert ? "https" : "http", sim_server_get_port(server));
  fflush(stdout);
  g_unix_signal_add(SIGTERM, on_signal, loop);
  g_unix_signal_add(SIGINT, on_signal, loop);
  g_main_loop_run(loop);
  /* its connections belong to a thread that goes with the process */
  return 0;
}

int
main(int argc, char *argv[])
{
  gint port = 0;
  g_autofree gchar *cert = NULL, *key = NULL, *script = NULL, *record = NULL, *replay = NULL;
  const GOptionEntry entries[] = {
    { "port", 0, 0, G_OPTION_ARG_INT, &port, "Port on 127.0.0.1 (any)", "PORT" },
    { "tls-cert", 0, 0, G_OPTION_ARG_FILENAME, &cert, "Certificate, PEM", "FILE" },
    { "tls-key", 0, 0, G_OPTION_ARG_FILENAME, &key, "Its key, PEM", "FILE" },
    { "script", 0, 0, G_OPTION_ARG_FILENAME, &script, "Contents, times and faults, JSON", "FILE" },
    { "record", 0, 0, G_OPTION_ARG_FILENAME, &record, "Folder for every byte both ways", "DIR" },
    { "replay", 0, 0, G_OPTION_ARG_FILENAME, &replay, "Plays such a folder back, and nothing else",
      "DIR" },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;

  g_option_context_set_summary(context, "Local stand-ins for the services that Cordboard uses.");
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    fprintf(stderr, "cordboard-simulators: %s\n", error->message);
    return 2;
  }
  gst_init(NULL, NULL);
  return serve(port, cert, key, script, record, replay);
}
