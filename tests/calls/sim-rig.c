/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sim-rig.h"

#include <string.h>
#include <sys/prctl.h>

#define GREETING "Simulating on "

/* Where each service is below the simulators' address, as its own base URL ends. */
static const struct {
  const gchar *variable;
  const gchar *path;
} places[] = {
  { "DEEPGRAM", "/deepgram" },   { "ELEVENLABS", "/elevenlabs" },  { "CARTESIA", "/cartesia" },
  { "OPENAI", "/openai/v1" },    { "ANTHROPIC", "/anthropic/v1" }, { "GEMINI", "/gemini/v1beta" },
  { "GROQ", "/groq/openai/v1" }, { "DEEPSEEK", "/deepseek" },      { "LOCAL", "/openai/v1" },
};

static const gchar *const keys[] = {
  "DEEPGRAM_API_KEY=k", "ELEVENLABS_API_KEY=k", "CARTESIA_API_KEY=k",
  "OPENAI_API_KEY=k",   "LOCAL_API_KEY=k",      "ANTHROPIC_API_KEY=k",
  "GOOGLE_API_KEY=k",   "GROQ_API_KEY=k",       "DEEPSEEK_API_KEY=k",
};

static void
die_with_the_test(gpointer data)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

SimRig *
sim_rig_new(const gchar *record)
{
  SimRig *self = g_new0(SimRig, 1);
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr(GDataInputStream) output = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *line = NULL;

  g_subprocess_launcher_set_child_setup(launcher, die_with_the_test, NULL, NULL);
  self->process = g_subprocess_launcher_spawn(launcher, &error, g_getenv("CORDBOARD_SIMULATORS"),
                                              record ? "--record" : NULL, record, NULL);
  g_assert_no_error(error);
  output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(self->process));
  line = g_data_input_stream_read_line(output, NULL, NULL, &error);
  g_assert_no_error(error);
  g_assert_nonnull(line);
  g_assert_true(g_str_has_prefix(line, GREETING));
  self->url = g_strdup(line + strlen(GREETING));
  self->session = soup_session_new();
  return self;
}

void
sim_rig_free(SimRig *self)
{
  g_subprocess_send_signal(self->process, SIGTERM);
  g_subprocess_wait(self->process, NULL, NULL);
  g_object_unref(self->process);
  g_object_unref(self->session);
  g_free(self->url);
  g_free(self);
}

/* Keys for all services, and where they are. */
GStrv
sim_rig_dup_environ(SimRig *self)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    g_strv_builder_add(builder, keys[i]);
  for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
    g_autofree gchar *line =
        g_strdup_printf("%s_BASE_URL=%s%s", places[i].variable, self->url, places[i].path);

    g_strv_builder_add(builder, line);
  }
  return g_strv_builder_end(builder);
}

static gchar *
ask(SimRig *self, const gchar *method, const gchar *path, const gchar *body, gboolean upgrade)
{
  g_autofree gchar *url = g_strconcat(self->url, path, NULL);
  g_autoptr(SoupMessage) message = soup_message_new(method, url);
  g_autoptr(GBytes) answer = NULL;
  g_autoptr(GError) error = NULL;

  if (upgrade)
    soup_message_headers_append(soup_message_get_request_headers(message), "Upgrade", "websocket");
  if (body) {
    g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));

    soup_message_set_request_body_from_bytes(message, "application/json", bytes);
  }
  answer = soup_session_send_and_read(self->session, message, NULL, &error);
  g_assert_no_error(error);
  return g_strndup(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer));
}

/* Whether anybody answers there, whatever he says; GET stands for a WebSocket. */
gboolean
sim_rig_knows(SimRig *self, const gchar *method, const gchar *path)
{
  g_autofree gchar *answer = ask(self, method, path, NULL, g_str_equal(method, "GET"));

  return strstr(answer, "no such route") == NULL;
}

void
sim_rig_script(SimRig *self, const gchar *json)
{
  g_autofree gchar *answer = ask(self, "POST", "/__sim/script", json, FALSE);

  g_assert_cmpstr(answer, ==, "{}");
}

JsonNode *
sim_rig_dup_journal(SimRig *self)
{
  g_autofree gchar *answer = ask(self, "GET", "/__sim/journal", NULL, FALSE);

  return json_from_string(answer, NULL);
}
