/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-docs.h"

/* Pages for people: Swagger UI and ReDoc, as far as this build holds them, and the doors of the web
 * pages that are still to come. */

#define DOCS_PATH "/org/cordboard/docs/"

/* what a page may do: nothing that is not ours */
#define POLICY                                                                                     \
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "       \
  "data:; "                                                                                        \
  "font-src 'self' data:; connect-src 'self'; worker-src blob:; form-action 'self'; "              \
  "base-uri 'none'; frame-ancestors 'none'"

#define PAGE(title, text)                                                                          \
  "<!doctype html><html lang=en><meta charset=utf-8><title>" title "</title><h1>" title            \
  "</h1><p>" text "</html>"

static const gchar no_docs[] =
    PAGE("Cordboard API",
         "This build was made without npm and holds no Swagger UI and no ReDoc. The API is "
         "described in <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1), which any viewer "
         "of such documents shows.");

typedef struct {
  const gchar *operation;
  const gchar *page; /* of the resource */
  const gchar *needs;
  const gchar *fallback;
} Page;

static const Page pages[] = {
  { "getDocs", "docs.html", "swagger-ui-bundle.js", no_docs },
  { "getRedoc", "redoc.html", "redoc.standalone.js", no_docs },
  { "getChatPage", NULL, NULL,
    PAGE("Cordboard chat",
         "The chat page is not part of this version. An agent talks in a terminal with "
         "<code>cordboard chat</code>, and over <a href=\"/docs\">the API</a> with POST "
         "/conversation/start and /conversation/process.") },
  { "getPhonePage", NULL, NULL,
    PAGE("Cordboard telephone",
         "The telephone's dashboard is not part of this version. Running calls are at <a "
         "href=\"/api/calls\">/api/calls</a>, the numbers at <a "
         "href=\"/api/phone-numbers\">/api/phone-numbers</a>, and what Twilio has to be told at "
         "/api/phone-numbers/{id}/webhooks.") },
};

/* Files of the pages: the pages themselves are not among them. */
static const struct {
  const gchar *suffix;
  const gchar *type;
} types[] = {
  { ".js", "text/javascript" },
  { ".css", "text/css" },
  { ".txt", "text/plain" },
};

/* What the bundle holds under a name; without npm some of it is empty. */
static GBytes *
look_up(const gchar *name)
{
  g_autofree gchar *path = g_strconcat(DOCS_PATH, name, NULL);
  g_autoptr(GBytes) bytes =
      g_resource_lookup_data(cord_docs_get_resource(), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  return bytes && g_bytes_get_size(bytes) > 0 ? g_steal_pointer(&bytes) : NULL;
}

static void
answer_bytes(CordExchange *exchange, const gchar *type, GBytes *bytes)
{
  cord_exchange_set_header(exchange, "Content-Security-Policy", POLICY);
  cord_exchange_answer_bytes(exchange, 200, type, bytes);
}

static void
page_handler(CordExchange *exchange, gpointer data)
{
  const Page *page = data;
  g_autoptr(GBytes) needed = page->needs ? look_up(page->needs) : NULL;
  g_autoptr(GBytes) bytes = needed ? look_up(page->page) : NULL;

  if (bytes == NULL)
    bytes = g_bytes_new_static(page->fallback, strlen(page->fallback));
  answer_bytes(exchange, "text/html; charset=utf-8", bytes);
}

static void
file_handler(CordExchange *exchange, gpointer data)
{
  const gchar *name = exchange->parameters[0];

  for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
    g_autoptr(GBytes) bytes = g_str_has_suffix(name, types[i].suffix) ? look_up(name) : NULL;

    if (bytes) {
      cord_exchange_set_header(exchange, "Cache-Control", "max-age=3600");
      answer_bytes(exchange, types[i].type, bytes);
      return;
    }
  }
  cord_exchange_problem(exchange, 404, "There is no %s here.", name);
}

/**
 * cord_api_pages_add:
 * @api: the API
 *
 * Adds the pages and what they are made of.
 */
void
cord_api_pages_add(CordApi *api)
{
  for (guint i = 0; i < G_N_ELEMENTS(pages); i++)
    cord_openapi_bind(api->openapi, pages[i].operation, page_handler, (gpointer)&pages[i]);
  cord_openapi_bind(api->openapi, "getDocsFile", file_handler, NULL);
  cord_openapi_bind(api->openapi, "getRedocFile", file_handler, NULL);
}
