/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "call-rig.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/prctl.h>

/* A test that fails leaves nobody behind. */
static void
die_with_the_test(gpointer data)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static const gchar *const foreign[] = {
  "APP_URL",           "PUBLIC_HOST",      "DATABASE_URL",       "OPENAI_API_KEY",
  "OPENAI_BASE_URL",   "DEEPGRAM_API_KEY", "ELEVENLABS_API_KEY", "CARTESIA_API_KEY",
  "ANTHROPIC_API_KEY", "GOOGLE_API_KEY",   "GROQ_API_KEY",       "DEEPSEEK_API_KEY",
};

static GSubprocessLauncher *
new_launcher(CallRig *self, GSubprocessFlags flags)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new(flags);

  g_subprocess_launcher_set_child_setup(launcher, die_with_the_test, NULL, NULL);
  g_subprocess_launcher_setenv(launcher, "XDG_CONFIG_HOME", self->dir, TRUE);
  /* the keys of whoever runs the tests are not theirs */
  for (guint i = 0; i < G_N_ELEMENTS(foreign); i++)
    g_subprocess_launcher_unsetenv(launcher, foreign[i]);
  g_subprocess_launcher_set_cwd(launcher, self->dir);
  if (self->token)
    g_subprocess_launcher_setenv(launcher, "TWILIO_AUTH_TOKEN", self->token, TRUE);
  else
    g_subprocess_launcher_unsetenv(launcher, "TWILIO_AUTH_TOKEN");
  if (self->data_dir)
    g_subprocess_launcher_setenv(launcher, "CORDBOARD_DATA_DIR", self->data_dir, TRUE);
  return launcher;
}

/* A machine that is busy with other things must not turn the tests' callers away. */
static void
be_patient(CallRig *self)
{
  g_autofree gchar *folder = g_build_filename(self->dir, "cordboard", NULL);
  g_autofree gchar *path = g_build_filename(folder, "cordboard.conf", NULL);

  g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
  g_assert_true(g_file_set_contents(path, "[server]\nmax-lateness=0\n", -1, NULL));
}

CallRig *
call_rig_new(const gchar *data_dir, const gchar *token)
{
  return call_rig_new_with(data_dir, token, NULL);
}

CallRig *
call_rig_new_with(const gchar *data_dir, const gchar *token, GStrv environ)
{
  CallRig *self = g_new0(CallRig, 1);

  self->dir = g_dir_make_tmp("cordboard-calls-XXXXXX", NULL);
  self->data_dir = g_strdup(data_dir);
  self->token = g_strdup(token);
  self->environ = g_strdupv(environ);
  self->session = soup_session_new();
  be_patient(self);
  call_rig_start(self);
  return self;
}

/* Starts the server and waits for its ready line. */
void
call_rig_start(CallRig *self)
{
  g_autoptr(GSubprocessLauncher) launcher = new_launcher(self, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr(GDataInputStream) output = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *line = NULL;

  for (guint i = 0; self->environ && self->environ[i]; i++) {
    g_auto(GStrv) pair = g_strsplit(self->environ[i], "=", 2);

    g_subprocess_launcher_setenv(launcher, pair[0], pair[1], TRUE);
  }
  self->server = g_subprocess_launcher_spawn(launcher, &error, g_getenv("CORDBOARD"), "serve",
                                             "--listen", "127.0.0.1:0", "--state-dir", self->dir,
                                             "--drain-timeout", "1", NULL);
  g_assert_no_error(error);
  output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(self->server));
  line = g_data_input_stream_read_line(output, NULL, NULL, &error);
  g_assert_no_error(error);
  g_assert_nonnull(line);
  g_assert_true(g_str_has_prefix(line, "Listening on http://"));
  g_free(self->url);
  self->url = g_strdup(line + strlen("Listening on "));
}

static gboolean
look_again(gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Asks twenty times a second: the server says nothing of its store by itself. */
void
call_rig_wait_until(CallRig *self, gboolean (*holds)(CallRig *self))
{
  while (!holds(self)) {
    gboolean again = FALSE;

    g_timeout_add(50, look_again, &again);
    while (!again)
      g_main_context_iteration(NULL, TRUE);
  }
}

void
call_rig_kill(CallRig *self)
{
  g_subprocess_force_exit(self->server);
  g_subprocess_wait(self->server, NULL, NULL);
  g_clear_object(&self->server);
}

void
call_rig_stop(CallRig *self)
{
  g_autoptr(GError) error = NULL;

  g_subprocess_send_signal(self->server, SIGTERM);
  g_subprocess_wait_check(self->server, NULL, &error);
  g_assert_no_error(error);
  g_clear_object(&self->server);
}

static void
remove_folder(const gchar *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree gchar *child = g_build_filename(path, name, NULL);

    if (g_file_test(child, G_FILE_TEST_IS_DIR))
      remove_folder(child);
    else
      g_unlink(child);
  }
  g_rmdir(path);
}

void
call_rig_free(CallRig *self)
{
  if (self->server)
    call_rig_stop(self);
  remove_folder(self->dir);
  g_object_unref(self->session);
  g_free(self->dir);
  g_free(self->url);
  g_free(self->data_dir);
  g_free(self->token);
  g_strfreev(self->environ);
  g_free(self);
}

GSubprocess *
call_rig_dial(CallRig *self, const gchar *const *arguments)
{
  g_autoptr(GSubprocessLauncher) launcher = new_launcher(self, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_autofree gchar *url = g_strconcat(self->url, "/api/twilio/incoming", NULL);
  g_auto(GStrv) argv = NULL;
  g_autoptr(GError) error = NULL;
  GSubprocess *phone;

  g_strv_builder_add_many(builder, g_getenv("CORDBOARD"), "call", "--json", "--max-duration", "120",
                          "--url", url, NULL);
  g_strv_builder_addv(builder, (const gchar **)arguments);
  argv = g_strv_builder_end(builder);
  phone = g_subprocess_launcher_spawnv(launcher, (const gchar *const *)argv, &error);
  g_assert_no_error(error);
  return phone;
}

/* Takes the phone; the result of the call. */
JsonObject *
call_rig_finish(GSubprocess *phone, int *code)
{
  g_autofree gchar *text = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = NULL;

  g_subprocess_communicate_utf8(phone, NULL, NULL, &text, NULL, &error);
  g_assert_no_error(error);
  *code = g_subprocess_get_exit_status(phone);
  g_object_unref(phone);
  g_test_message("%s", text);
  node = json_from_string(text, &error);
  g_assert_no_error(error);
  return json_node_dup_object(node);
}

JsonObject *
call_rig_call(CallRig *self, const gchar *const *arguments, int *code)
{
  return call_rig_finish(call_rig_dial(self, arguments), code);
}

static guint
send_request(CallRig *self, SoupMessage *message, gchar **answer)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = soup_session_send_and_read(self->session, message, NULL, &error);

  g_assert_no_error(error);
  *answer = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  return soup_message_get_status(message);
}

JsonNode *
call_rig_get(CallRig *self, const gchar *path, guint *status)
{
  g_autofree gchar *url = g_strconcat(self->url, path, NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autofree gchar *answer = NULL;

  *status = send_request(self, message, &answer);
  return json_from_string(answer, NULL);
}

/* Any request with JSON, also to others than the server. */
JsonNode *
call_rig_send(CallRig *self, const gchar *method, const gchar *url, const gchar *json,
              guint *status)
{
  g_autoptr(SoupMessage) message = soup_message_new(method, url);
  g_autofree gchar *answer = NULL;

  if (json) {
    g_autoptr(GBytes) bytes = g_bytes_new(json, strlen(json));

    soup_message_set_request_body_from_bytes(message, "application/json", bytes);
  }
  *status = send_request(self, message, &answer);
  return json_from_string(answer, NULL);
}

guint
call_rig_post(CallRig *self, const gchar *path, const gchar *body, const gchar *signature,
              gchar **answer)
{
  g_autofree gchar *url = g_strconcat(self->url, path, NULL);
  g_autoptr(SoupMessage) message = soup_message_new("POST", url);
  g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));

  soup_message_set_request_body_from_bytes(message, "application/x-www-form-urlencoded", bytes);
  if (signature)
    soup_message_headers_append(soup_message_get_request_headers(message), "X-Twilio-Signature",
                                signature);
  return send_request(self, message, answer);
}

/* All that one side has said, a line each. */
gchar *
call_rig_said(JsonObject *result, const gchar *role)
{
  JsonArray *lines = json_object_get_array_member(result, "transcript");
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < json_array_get_length(lines); i++) {
    JsonObject *line = json_array_get_object_element(lines, i);

    if (g_str_equal(json_object_get_string_member(line, "role"), role))
      g_string_append_printf(text, "%s\n", json_object_get_string_member(line, "content"));
  }
  return g_string_free(text, FALSE);
}
