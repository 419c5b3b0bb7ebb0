/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-modules.h"

/*
 * Which models and voices there are, in each vendor's words; and what each says to a wrong key. Any
 * key is right but one that contains "wrong"; a script may name the models: {"models": ["…"]}.
 */

typedef struct {
  const gchar *provider;
  const gchar *path;
  const gchar *header;  /* where the key is */
  const gchar *refusal; /* status 401 unless it says another */
  guint status;
  const gchar *list; /* printf with the models */
  const gchar *item; /* printf with one name */
  const gchar *const names[6];
} Catalogue;

#define OPENAI_REFUSAL                                                                             \
  "{\"error\":{\"message\":\"Incorrect API key provided\",\"type\":\"invalid_request_error\","     \
  "\"param\":null,\"code\":\"invalid_api_key\"}}"
#define OPENAI_ITEM "{\"id\":\"%s\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"x\"}"

static const Catalogue catalogues[] = {
  { "openai",
    "/v1/models",
    "authorization",
    OPENAI_REFUSAL,
    401,
    "{\"object\":\"list\",\"data\":[%s]}",
    OPENAI_ITEM,
    { "gpt-4", "gpt-4o-mini", "whisper-1", "gpt-4o-mini-tts", "gpt-realtime" } },
  { "groq",
    "/openai/v1/models",
    "authorization",
    OPENAI_REFUSAL,
    401,
    "{\"object\":\"list\",\"data\":[%s]}",
    OPENAI_ITEM,
    { "llama-3.3-70b-versatile", "mixtral-8x7b-32768", "whisper-large-v3" } },
  { "deepseek",
    "/models",
    "authorization",
    OPENAI_REFUSAL,
    401,
    "{\"object\":\"list\",\"data\":[%s]}",
    OPENAI_ITEM,
    { "deepseek-chat", "deepseek-reasoner" } },
  { "anthropic",
    "/v1/models",
    "x-api-key",
    "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid "
    "x-api-key\"}}",
    401,
    "{\"data\":[%s],\"has_more\":false}",
    "{\"type\":\"model\",\"id\":\"%s\",\"display_name\":\"x\","
    "\"created_at\":\"2025-01-01T00:00:00Z\"}",
    { "claude-sonnet-4-5", "claude-haiku-4-5" } },
  { "gemini",
    "/v1beta/models",
    "x-goog-api-key",
    "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\","
    "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\","
    "\"reason\":\"API_KEY_INVALID\"}]}}",
    400,
    "{\"models\":[%s]}",
    "{\"name\":\"models/%s\",\"supportedGenerationMethods\":[\"generateContent\"]}",
    { "gemini-2.5-flash", "gemini-2.5-pro" } },
  { "deepgram",
    "/v1/projects",
    "authorization",
    "{\"err_code\":\"INVALID_AUTH\",\"err_msg\":\"Invalid credentials.\",\"request_id\":\"x\"}",
    401,
    "{\"projects\":[%s]}",
    "{\"project_id\":\"%s\",\"name\":\"x\"}",
    { "p1" } },
  { "deepgram",
    "/v1/models",
    "authorization",
    "{\"err_code\":\"INVALID_AUTH\",\"err_msg\":\"Invalid credentials.\",\"request_id\":\"x\"}",
    401,
    "{\"stt\":[%s],\"tts\":[]}",
    "{\"name\":\"%s\",\"canonical_name\":\"%1$s\"}",
    { "nova-2", "nova-3", "flux-general-en" } },
  { "elevenlabs",
    "/v1/voices",
    "xi-api-key",
    "{\"detail\":{\"status\":\"invalid_api_key\",\"message\":\"Invalid API key\"}}",
    401,
    "{\"voices\":[%s]}",
    "{\"voice_id\":\"%s\",\"name\":\"x\"}",
    { "21m00Tcm4TlvDq8ikWAM" } },
  { "elevenlabs",
    "/v1/models",
    "xi-api-key",
    "{\"detail\":{\"status\":\"invalid_api_key\",\"message\":\"Invalid API key\"}}",
    401,
    "[%s]",
    "{\"model_id\":\"%s\",\"can_do_text_to_speech\":true}",
    { "eleven_turbo_v2", "eleven_flash_v2_5" } },
  { "cartesia",
    "/voices",
    "x-api-key",
    "{\"error\":\"Invalid API key\"}",
    401,
    "{\"data\":[%s],\"has_more\":false}",
    "{\"id\":\"%s\",\"name\":\"x\"}",
    { "694f9389-aac1-45b6-b726-9d9369183238" } },
};

static const Catalogue *
find_catalogue(SimExchange *exchange)
{
  for (guint i = 0; i < G_N_ELEMENTS(catalogues); i++)
    if (g_str_equal(catalogues[i].provider, sim_exchange_get_provider(exchange)) &&
        g_str_equal(catalogues[i].path, sim_exchange_get_path(exchange)))
      return &catalogues[i];
  return NULL;
}

static gboolean
has_key(SimExchange *exchange, const Catalogue *catalogue)
{
  const gchar *key = sim_exchange_get_header(exchange, catalogue->header);

  /* Anthropic and Cartesia take both, and their newer SDKs use the other */
  if (!key && g_str_equal(catalogue->header, "x-api-key"))
    key = sim_exchange_get_header(exchange, "authorization");
  return key && *key && !strstr(key, "wrong");
}

static void
append_item(GString *items, const Catalogue *catalogue, const gchar *name)
{
  g_auto(GStrv) parts = g_strsplit(catalogue->item, "%s", -1);
  g_autofree gchar *first = g_strjoinv(name, parts);
  g_auto(GStrv) again = g_strsplit(first, "%1$s", -1);
  g_autofree gchar *item = g_strjoinv(name, again);

  g_string_append_printf(items, "%s%s", items->len > 0 ? "," : "", item);
}

/* Cartesia's clients ask on after the last of a page until nothing comes. */
static gchar *
make_list(SimExchange *exchange, const Catalogue *catalogue)
{
  JsonObject *script =
      sim_server_get_script(sim_exchange_get_server(exchange), catalogue->provider);
  JsonArray *scripted = script ? cord_json_peek_array(script, "models") : NULL;
  const gchar *after = sim_exchange_get_query(exchange, "starting_after");
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  g_autoptr(GString) items = g_string_new(NULL);
  g_auto(GStrv) parts = g_strsplit(catalogue->list, "%s", -1);

  for (guint i = 0; scripted && i < json_array_get_length(scripted); i++)
    g_ptr_array_add(names, (gpointer)json_array_get_string_element(scripted, i));
  for (guint i = 0; !scripted && catalogue->names[i]; i++)
    g_ptr_array_add(names, (gpointer)catalogue->names[i]);
  for (guint i = 0; i < names->len; i++) {
    if (!after)
      append_item(items, catalogue, names->pdata[i]);
    else if (g_str_equal(after, names->pdata[i]))
      after = NULL;
  }
  return g_strjoinv(items->str, parts);
}

/* Which of the vendor's lists it is, is told by the one star of the route. */
static void
answer(SimExchange *exchange, const Catalogue *catalogue)
{
  g_autofree gchar *list = NULL;

  if (!has_key(exchange, catalogue)) {
    sim_exchange_answer(exchange, catalogue->status, "application/json", catalogue->refusal, -1);
    return;
  }
  list = make_list(exchange, catalogue);
  sim_exchange_answer(exchange, 200, "application/json", list, -1);
}

/* OpenAI and Anthropic share a path; Deepgram and ElevenLabs, too. The header tells who is meant.
 */
static void
shared_request(SimExchange *exchange)
{
  static const gchar *const order[] = { "xi-api-key", "x-api-key" };

  for (guint i = 0; i < G_N_ELEMENTS(order); i++)
    for (guint j = 0; j < G_N_ELEMENTS(catalogues); j++)
      if (sim_exchange_get_header(exchange, order[i]) &&
          g_str_equal(catalogues[j].header, order[i]) &&
          g_str_equal(catalogues[j].path, "/v1/models")) {
        answer(exchange, &catalogues[j]);
        return;
      }
  answer(exchange, &catalogues[0]);
}

static void
own_request(SimExchange *exchange)
{
  const Catalogue *catalogue = find_catalogue(exchange);

  if (!catalogue)
    for (guint i = 0; i < G_N_ELEMENTS(catalogues) && !catalogue; i++)
      if (g_str_equal(catalogues[i].provider, sim_exchange_get_provider(exchange)))
        catalogue = &catalogues[i];
  answer(exchange, catalogue);
}

void
sim_models_add(SimServer *server)
{
  static SimRoute routes[G_N_ELEMENTS(catalogues)];

  for (guint i = 0; i < G_N_ELEMENTS(catalogues); i++) {
    gboolean shared = i == 0;

    routes[i] = (SimRoute){ .provider = catalogues[i].provider,
                            .method = "GET",
                            .path = catalogues[i].path,
                            .request = shared ? shared_request : own_request };
    sim_server_add(server, &routes[i]);
  }
}
