/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deepgram-query.h"

#include <string.h>

#define MIN_UTTERANCE_END 1000 /* ms; the service refuses less */

/**
 * deepgram_model_is_flux:
 * @model: a model's name
 *
 * Returns: whether it is spoken to by /v2/listen
 */
gboolean
deepgram_model_is_flux(const gchar *model)
{
  return g_str_has_prefix(model, "flux");
}

static void
add(GString *url, const gchar *name, const gchar *value)
{
  g_autofree gchar *escaped = g_uri_escape_string(value, NULL, TRUE);

  g_string_append_printf(url, "%c%s=%s", strchr(url->str, '?') ? '&' : '?', name, escaped);
}

static void
add_number(GString *url, const gchar *name, guint value)
{
  g_autofree gchar *text = g_strdup_printf("%u", value);

  add(url, name, text);
}

static void
add_fraction(GString *url, const gchar *name, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  add(url, name, g_ascii_formatd(text, sizeof text, "%.6g", value));
}

static void
add_terms(GString *url, const gchar *name, const gchar *terms)
{
  g_auto(GStrv) parts = g_strsplit_set(terms ? terms : "", "|\n", -1);

  for (guint i = 0; parts[i]; i++) {
    if (*g_strstrip(parts[i]))
      add(url, name, parts[i]);
  }
}

static void
add_flags(GString *url, const DeepgramOptions *options, gboolean flux)
{
  const struct {
    const gchar *name;
    gboolean set;
    gboolean flux; /* known there too */
  } flags[] = {
    { "interim_results", options->interim_results, FALSE },
    { "smart_format", options->smart_format, FALSE },
    { "punctuate", options->punctuate, FALSE },
    { "vad_events", options->vad_events, FALSE },
    { "numerals", options->numerals, TRUE },
    { "profanity_filter", options->profanity_filter, TRUE },
    { "mip_opt_out", options->mip_opt_out, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
    if (flags[i].set && (!flux || flags[i].flux))
      add(url, flags[i].name, "true");
  }
}

static void
add_listen(GString *url, const DeepgramOptions *options, const gchar *language)
{
  gboolean takes_keyterm = g_str_has_prefix(options->model, "nova-3");

  add(url, "channels", "1");
  add_flags(url, options, FALSE);
  if (options->endpointing_ms > 0)
    add_number(url, "endpointing", options->endpointing_ms);
  else
    add(url, "endpointing", "false");
  if (options->utterance_end_ms > 0 && options->interim_results)
    add_number(url, "utterance_end_ms", MAX(options->utterance_end_ms, MIN_UTTERANCE_END));
  add_terms(url, takes_keyterm ? "keyterm" : "keywords", options->keyterms);
  if (language && *language)
    add(url, "language", language);
}

static void
add_flux(GString *url, const DeepgramOptions *options, const gchar *language)
{
  add_fraction(url, "eot_threshold", options->eot_threshold);
  if (options->eager_eot_threshold > 0)
    add_fraction(url, "eager_eot_threshold", options->eager_eot_threshold);
  add_number(url, "eot_timeout_ms", options->eot_timeout_ms);
  add_flags(url, options, TRUE);
  add_terms(url, "keyterm", options->keyterms);
  if (g_str_has_suffix(options->model, "-multi") && language && *language) {
    g_autofree gchar *primary = g_strndup(language, strcspn(language, "-_"));

    add(url, "language_hint", primary);
  }
}

/* Where to: the scheme of a WebSocket, whatever the address was given with. */
static GString *
begin(const gchar *base_url, const gchar *path)
{
  GString *url = g_string_new(base_url);

  while (g_str_has_suffix(url->str, "/"))
    g_string_truncate(url, url->len - 1);
  if (g_str_has_prefix(url->str, "http"))
    g_string_replace(url, "http", "ws", 1);
  g_string_append(url, path);
  return url;
}

/**
 * deepgram_build_url:
 * @options: what is asked for
 * @format: of the audio
 * @language: (nullable): that is spoken, as a BCP 47 tag
 *
 * Returns: (transfer full): the address of a stream (asyncapi.yml, /v1/listen and /v2/listen)
 */
gchar *
deepgram_build_url(const DeepgramOptions *options, const CordSttFormat *format,
                   const gchar *language)
{
  gboolean flux = deepgram_model_is_flux(options->model);
  GString *url = begin(options->base_url, flux ? "/v2/listen" : "/v1/listen");

  add(url, "model", options->model);
  add(url, "encoding", format->mulaw ? "mulaw" : "linear16");
  add_number(url, "sample_rate", format->rate);
  if (flux)
    add_flux(url, options, language);
  else
    add_listen(url, options, language);
  if (options->tag && *options->tag)
    add(url, "tag", options->tag);
  if (options->parameters && *options->parameters)
    g_string_append_printf(url, "&%s", options->parameters);
  return g_string_free(url, FALSE);
}
