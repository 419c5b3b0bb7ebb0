/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-pipeline.h"

#include <string.h>

#include "cord-agent-elements.h"
#include "cord-error.h"
#include "cord-pipelines.h"

#define RESOURCES "/org/cordboard/pipelines"
#define SUFFIX ".pipeline"
#define SOURCE "$source !"

struct _CordPipelines {
  CordConfig *config;
  GHashTable *texts; /* name -> launch text */
  gchar *data_dir;
  CordScripts *scripts;
};

/* Comment lines go; the rest is what gst-launch-1.0 takes, placeholders aside. */
static gchar *
strip_comments(const gchar *text)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  GString *out = g_string_new(NULL);

  for (guint i = 0; lines[i]; i++) {
    gchar *line = g_strstrip(lines[i]);

    if (*line == '\0' || *line == '#')
      continue;
    if (out->len > 0)
      g_string_append_c(out, ' ');
    g_string_append(out, line);
  }
  return g_string_free(out, FALSE);
}

static gboolean
add_text(CordPipelines *self, const gchar *file, const gchar *text, GError **error)
{
  g_autofree gchar *stripped = strip_comments(text);

  if (!g_str_has_prefix(stripped, SOURCE)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                "%s does not begin with \"" SOURCE "\": a call's pipeline starts at the phone leg",
                file);
    return FALSE;
  }
  g_hash_table_replace(self->texts, g_strndup(file, strlen(file) - strlen(SUFFIX)),
                       g_strdup(stripped + strlen(SOURCE)));
  return TRUE;
}

static gboolean
load_built_in(CordPipelines *self, GError **error)
{
  g_auto(GStrv) names = NULL;

  /* named, so that a static library is linked with it */
  g_resources_register(cord_pipelines_get_resource());
  names = g_resources_enumerate_children(RESOURCES, 0, error);
  for (guint i = 0; names && names[i]; i++) {
    g_autofree gchar *path = g_strconcat(RESOURCES "/", names[i], NULL);
    g_autoptr(GBytes) bytes = g_resources_lookup_data(path, 0, error);

    if (bytes == NULL || !add_text(self, names[i], g_bytes_get_data(bytes, NULL), error))
      return FALSE;
  }
  return names != NULL;
}

static gboolean
load_folder(CordPipelines *self, const gchar *directory, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(directory, 0, error);
  const gchar *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(directory, name, NULL);
    g_autofree gchar *text = NULL;

    if (!g_str_has_suffix(name, SUFFIX))
      continue;
    if (!g_file_get_contents(path, &text, NULL, error) || !add_text(self, name, text, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * cord_pipelines_load:
 * @directory: (nullable): a folder of pipeline files that are added to, or replace, the built-in
 * ones
 * @data_dir: where the files are that agents name
 * @config: which services there are
 * @error: return location for an error
 *
 * Reads the pipeline files. Blocks; for the start of the server.
 *
 * Returns: (transfer full): the pipelines, or %NULL
 */
CordPipelines *
cord_pipelines_load(const gchar *directory, const gchar *data_dir, CordConfig *config,
                    GError **error)
{
  g_autoptr(CordPipelines) self = g_new0(CordPipelines, 1);

  self->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->data_dir = g_strdup(data_dir);
  self->scripts = cord_scripts_new();
  self->config = g_object_ref(config);
  if (!load_built_in(self, error) || (directory && !load_folder(self, directory, error)))
    return NULL;
  return g_steal_pointer(&self);
}

/**
 * cord_pipelines_free:
 * @self: (transfer full): the pipelines
 */
void
cord_pipelines_free(CordPipelines *self)
{
  g_hash_table_unref(self->texts);
  g_free(self->data_dir);
  cord_scripts_free(self->scripts);
  g_clear_object(&self->config);
  g_free(self);
}

/* Only the name of an existing element may enter launch text. */
static gboolean
substitute(GString *text, const gchar *placeholder, const CordAgentPlan *plan, CordServiceRole role,
           GError **error)
{
  const gchar *factory;

  if (strstr(text->str, placeholder) == NULL)
    return TRUE;
  factory = cord_agent_elements_get_factory(plan, role, error);
  if (factory)
    g_string_replace(text, placeholder, factory, 0);
  return factory != NULL;
}

/* The elements at the two ends of a pipeline. */
static const struct {
  const gchar *source, *sink;
} legs[] = {
  [CORD_LEG_PHONE] = { "twiliosrc", "twiliosink" },
  [CORD_LEG_BROWSER] = { "voicewssrc", "voicewssink" },
};

/**
 * cord_leg_get_source:
 * @leg: a leg
 *
 * Returns: the element by which the caller comes in
 */
const gchar *
cord_leg_get_source(CordLeg leg)
{
  return legs[leg].source;
}

/**
 * cord_leg_get_sink:
 * @leg: a leg
 *
 * Returns: the element by which the agent goes out
 */
const gchar *
cord_leg_get_sink(CordLeg leg)
{
  return legs[leg].sink;
}

/**
 * cord_pipelines_build:
 * @self: the pipelines
 * @agent: whose settings fill the placeholders and properties
 * @leg: where the caller is
 * @session: the name by which the sink finds its source
 * @fresh: whether files that the agent names are read anew, which blocks; of an agent that was
 * built before they are not, on a media thread
 * @error: return location for an error
 *
 * Builds all of a call's pipeline behind its source.
 *
 * Returns: (transfer floating): a bin with one sink pad, or %NULL
 */
GstElement *
cord_pipelines_build(CordPipelines *self, CordAgent *agent, CordLeg leg, const gchar *session,
                     gboolean fresh, GError **error)
{
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(agent, self->config);
  const CordAgentElements elements = { self->config, self->data_dir, agent,
                                       plan,         self->scripts,  fresh };
  const gchar *name = plan->pipeline;
  const gchar *template = g_hash_table_lookup(self->texts, name);
  g_autofree gchar *out = g_strconcat(cord_leg_get_sink(leg), " name=sink", NULL);
  g_autoptr(GString) text = NULL;
  g_autoptr(GstElement) bin = NULL;
  g_autoptr(GstElement) sink = NULL;

  if (template == NULL) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND, "there is no pipeline \"%s\"", name);
    return NULL;
  }
  text = g_string_new(template);
  g_string_replace(text, "$sink", out, 0);
  if (!substitute(text, "$stt", plan, CORD_SERVICE_STT, error) ||
      !substitute(text, "$tts", plan, CORD_SERVICE_TTS, error))
    return NULL;
  bin = gst_parse_bin_from_description_full(text->str, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS,
                                            error);
  if (bin == NULL) {
    g_prefix_error(error, "pipeline \"%s\": ", name);
    return NULL;
  }
  gst_object_ref_sink(bin);
  sink = gst_bin_get_by_name(GST_BIN(bin), "sink");
  if (sink)
    g_object_set(sink, "session", session, NULL);
  if (!cord_agent_elements_set_up_all(&elements, GST_BIN(bin), error))
    return NULL;
  g_object_force_floating(G_OBJECT(bin));
  return g_steal_pointer(&bin);
}

/**
 * cord_pipelines_make:
 * @self: the pipelines
 * @agent: whose settings count
 * @role: what the element is for
 * @error: return location for an error
 *
 * Makes one element of an agent's conversation as it would be in a call: "stt", "llm" or "tts".
 *
 * Returns: (transfer floating): the element, or %NULL
 */
GstElement *
cord_pipelines_make(CordPipelines *self, CordAgent *agent, CordServiceRole role, GError **error)
{
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(agent, self->config);
  const CordAgentElements elements = { self->config, self->data_dir, agent,
                                       plan,         self->scripts,  TRUE };

  return cord_agent_elements_make(&elements, role, error);
}
