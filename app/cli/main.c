/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <gst/gst.h>
#include <libsoup/soup.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cord-commands.h"

static const struct {
  const gchar *name;
  int (*run)(int argc, char *argv[]);
  const gchar *help;
} commands[] = {
  { "serve", cord_cmd_serve, N_("answer calls") },
  { "call", cord_cmd_call, N_("telephone with a server, as Twilio would") },
  { "chat", cord_cmd_chat, N_("talk with an agent in writing") },
  { "doctor", cord_cmd_doctor, N_("look whether calls can be taken") },
  { "keys", cord_cmd_keys, N_("make and revoke keys of the API") },
  { "db", cord_cmd_db, N_("look after the database: migrate, back up, restore, copy") },
  { "routes", cord_cmd_routes, N_("answer by recordings what callers ask again and again") },
  { "config", cord_cmd_config, N_("show the settings in force") },
};

static void
print_help(FILE *out)
{
  fprintf(out,
          _("Usage: cordboard COMMAND [OPTION…]\n\nCordboard answers the phone.\n\nCommands:\n"));
  for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
    fprintf(out, "  %-8s %s\n", commands[i].name, _(commands[i].help));
  fprintf(out,
          _("\n\"cordboard COMMAND --help\" explains a command; --version tells the versions.\n"));
}

static void
print_version(void)
{
  g_autofree gchar *gst = gst_version_string();

  printf("cordboard %s\n%s\nlibsoup %u.%u.%u\nGLib %u.%u.%u\n", PACKAGE_VERSION, gst,
         soup_get_major_version(), soup_get_minor_version(), soup_get_micro_version(),
         glib_major_version, glib_minor_version, glib_micro_version);
}

/* The command that was probably meant: the one with the most letters in common from the start. */
static const gchar *
guess(const gchar *word)
{
  const gchar *best = NULL;
  gsize most = 0;

  for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
    gsize same = 0;

    while (word[same] && word[same] == commands[i].name[same])
      same++;
    if (same > most) {
      most = same;
      best = commands[i].name;
    }
  }
  return best;
}

static int
unknown(const gchar *word)
{
  const gchar *meant = guess(word);

  fprintf(stderr, _("cordboard: there is no command \"%s\"."), word);
  if (meant)
    fprintf(stderr, _(" Did you mean \"%s\"?"), meant);
  fprintf(stderr, _(" See cordboard --help.\n"));
  return CORD_EXIT_USAGE;
}

/* As OpenSSL's programs know it: whom to trust in place of the system's authorities. */
static gboolean
trust_file(const gchar *path)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GTlsDatabase) database = NULL;
  g_autofree gchar *absolute = NULL;

  if (path == NULL || *path == '\0')
    return TRUE;
  absolute = g_canonicalize_filename(path, NULL);
  database = g_tls_file_database_new(absolute, &error);
  if (database == NULL) {
    fprintf(stderr, "cordboard: SSL_CERT_FILE: %s\n", error->message);
    return FALSE;
  }
  g_tls_backend_set_default_database(g_tls_backend_get_default(), database);
  return TRUE;
}

int
main(int argc, char *argv[])
{
  setlocale(LC_ALL, "");
  bindtextdomain(GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
  textdomain(GETTEXT_PACKAGE);
  g_set_prgname("cordboard");

  if (argc < 2 || g_str_equal(argv[1], "help") || g_str_equal(argv[1], "--help") ||
      g_str_equal(argv[1], "-h")) {
    print_help(argc < 2 ? stderr : stdout);
    return argc < 2 ? CORD_EXIT_USAGE : CORD_EXIT_OK;
  }
  if (g_str_equal(argv[1], "--version")) {
    print_version();
    return CORD_EXIT_OK;
  }
  if (!trust_file(g_getenv("SSL_CERT_FILE")))
    return CORD_EXIT_USAGE;
  for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
    if (g_str_equal(argv[1], commands[i].name)) {
      g_autofree gchar *name = g_strconcat("cordboard ", commands[i].name, NULL);

      /* what --help calls the program */
      g_set_prgname(name);
      return commands[i].run(argc - 1, argv + 1);
    }
  }
  return unknown(argv[1]);
}
