/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-access.h"

#include <string.h>

#include "cord-rate-limit.h"

#define MAX_FAILURES 10                     /* wrong keys from one address … */
#define LOCK_TIME (60 * G_TIME_SPAN_SECOND) /* … within this time lock it out for as long */
#define MAX_ADDRESSES 10000                 /* that are remembered */
#define COOKIE "cordboard_key="
#define COOKIE_DAYS 30

typedef struct {
  guint failures;
  gint64 since;
} Address;

struct _CordAccess {
  GHashTable *keys;      /* hash -> CordKey */
  GHashTable *addresses; /* who has brought wrong keys */
  CordRateLimit *rates;  /* of keys and addresses */
  GStrv origins;         /* that may ask from a browser besides our own */
};

/* Keys */

/**
 * cord_key_new:
 *
 * Returns: (transfer full): a key
 */
CordKey *
cord_key_new(const gchar *id, const gchar *hash, const gchar *scopes, const gchar *expires_at)
{
  CordKey *self = g_new0(CordKey, 1);

  self->id = g_strdup(id);
  self->hash = g_strdup(hash);
  self->scopes = g_strdup(scopes);
  self->expires_at = g_strdup(expires_at);
  return self;
}

void
cord_key_free(CordKey *self)
{
  g_free(self->id);
  g_free(self->hash);
  g_free(self->scopes);
  g_free(self->expires_at);
  g_free(self);
}

/**
 * cord_key_allows:
 * @self: a key
 * @scope: what is wanted
 *
 * Returns: whether the key allows it; "admin" allows all
 */
gboolean
cord_key_allows(const CordKey *self, const gchar *scope)
{
  g_auto(GStrv) scopes = g_strsplit(self->scopes, ",", -1);

  return g_strv_contains((const gchar *const *)scopes, scope) ||
         g_strv_contains((const gchar *const *)scopes, "admin");
}

static gboolean
is_expired(const CordKey *key)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autoptr(GDateTime) end =
      key->expires_at ? g_date_time_new_from_iso8601(key->expires_at, NULL) : NULL;

  return end && g_date_time_compare(end, now) <= 0;
}

/**
 * cord_access_hash:
 * @key: a key's text
 *
 * A key is 256 random bits: what makes passwords' hashes slow has nothing to slow down here.
 *
 * Returns: (transfer full): what is kept of it
 */
gchar *
cord_access_hash(const gchar *key)
{
  return g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
}

/* Who brings wrong keys */

static gboolean
is_locked_out(CordAccess *self, const gchar *name)
{
  Address *address = g_hash_table_lookup(self->addresses, name);

  if (!address)
    return FALSE;
  if (g_get_monotonic_time() - address->since > LOCK_TIME) {
    g_hash_table_remove(self->addresses, name);
    return FALSE;
  }
  return address->failures >= MAX_FAILURES;
}

static void
note_failure(CordAccess *self, const gchar *name)
{
  Address *address = g_hash_table_lookup(self->addresses, name);

  if (!address) {
    if (g_hash_table_size(self->addresses) >= MAX_ADDRESSES)
      g_hash_table_remove_all(self->addresses);
    address = g_new0(Address, 1);
    g_hash_table_insert(self->addresses, g_strdup(name), address);
    address->since = g_get_monotonic_time();
  }
  address->failures++;
  if (address->failures >= MAX_FAILURES)
    address->since = g_get_monotonic_time();
}

/* Origins: a browser says for which page it asks */

static gboolean
is_own_origin(CordExchange *exchange, const gchar *origin)
{
  const gchar *host = cord_exchange_get_header(exchange, "Host");
  const gchar *start = strstr(origin, "://");

  return host && start && g_ascii_strcasecmp(start + 3, host) == 0;
}

static gboolean
is_friend(CordAccess *self, const gchar *origin)
{
  return g_strv_contains((const gchar *const *)self->origins, origin) ||
         g_strv_contains((const gchar *const *)self->origins, "*");
}

/**
 * cord_access_check_origin:
 * @self: the access
 * @exchange: a request
 *
 * Returns: whether it comes from no page, from one of ours, or from one that the settings name
 */
gboolean
cord_access_check_origin(CordAccess *self, CordExchange *exchange)
{
  const gchar *origin = cord_exchange_get_header(exchange, "Origin");

  return !origin || is_own_origin(exchange, origin) || is_friend(self, origin);
}

/* Tells the browser that a page named in the settings may read the answer. */
static void
add_cors(CordAccess *self, CordExchange *exchange)
{
  const gchar *origin = cord_exchange_get_header(exchange, "Origin");

  /* a cache must not give one page the answer to another */
  if (*self->origins)
    cord_exchange_set_header(exchange, "Vary", "Origin");
  if (!origin || !is_friend(self, origin))
    return;
  cord_exchange_set_header(exchange, "Access-Control-Allow-Origin", origin);
  cord_exchange_set_header(exchange, "Access-Control-Expose-Headers",
                           "ETag, Link, Location, RateLimit-Limit, RateLimit-Remaining, "
                           "RateLimit-Reset, Retry-After, X-Next-Cursor, X-Request-ID");
  if (!g_str_equal(soup_server_message_get_method(exchange->message), "OPTIONS"))
    return;
  cord_exchange_set_header(exchange, "Access-Control-Allow-Methods",
                           "GET, POST, PUT, PATCH, DELETE");
  cord_exchange_set_header(exchange, "Access-Control-Allow-Headers",
                           "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, "
                           "X-Request-ID");
  cord_exchange_set_header(exchange, "Access-Control-Max-Age", "600");
}

/**
 * cord_access_filter:
 * @exchange: a request
 * @self: the #CordAccess
 *
 * What is done for every request, whether there is a route for it or not: a #CordFilter.
 *
 * Returns: %TRUE
 */
gboolean
cord_access_filter(CordExchange *exchange, gpointer self)
{
  add_cors(self, exchange);
  return TRUE;
}

/* How often: the headers of draft-ietf-httpapi-ratelimit-headers, as most clients read them. */
static gboolean
take_turn(CordAccess *self, CordExchange *exchange, const gchar *client)
{
  CordRateState state;
  gboolean within = cord_rate_limit_take(self->rates, client, g_get_monotonic_time(), &state);
  const struct {
    const gchar *name;
    guint value;
  } headers[] = {
    { "RateLimit-Limit", state.limit },
    { "RateLimit-Remaining", state.remaining },
    { "RateLimit-Reset", state.reset },
    { "Retry-After", state.retry },
  };

  for (guint i = 0; state.limit > 0 && i < G_N_ELEMENTS(headers) - (within ? 1 : 0); i++) {
    g_autofree gchar *text = g_strdup_printf("%u", headers[i].value);

    cord_exchange_set_header(exchange, headers[i].name, text);
  }
  if (!within)
    cord_exchange_problem(exchange, 429, "More than %u requests in a minute; wait %u s.",
                          state.limit, state.retry);
  return within;
}

/* Requests */

/**
 * cord_access_dup_key:
 * @exchange: a request
 *
 * Returns: (transfer full) (nullable): the key that it brings, in the header or for our own pages
 * in the cookie
 */
gchar *
cord_access_dup_key(CordExchange *exchange)
{
  const gchar *header = cord_exchange_get_header(exchange, "Authorization");
  const gchar *cookie = cord_exchange_get_header(exchange, "Cookie");
  const gchar *start;

  if (header && g_ascii_strncasecmp(header, "Bearer ", 7) == 0)
    return g_strstrip(g_strdup(header + 7));
  start = cookie ? strstr(cookie, COOKIE) : NULL;
  if (!start || (start != cookie && start[-1] != ' ' && start[-1] != ';'))
    return NULL;
  start += strlen(COOKIE);
  return g_strndup(start, strcspn(start, "; "));
}

/**
 * cord_access_set_cookie:
 * @exchange: a request of one of our pages
 * @key: (nullable): its key; %NULL to forget it
 *
 * Has the browser bring the key with every request, and show it to no script and no other site.
 */
void
cord_access_set_cookie(CordExchange *exchange, const gchar *key)
{
  const gchar *scheme = cord_exchange_get_header(exchange, "X-Forwarded-Proto");
  gboolean secure = scheme && g_ascii_strcasecmp(scheme, "https") == 0;
  g_autofree gchar *text =
      g_strdup_printf(COOKIE "%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s", key ? key : "",
                      key ? COOKIE_DAYS * 24 * 3600 : 0, secure ? "; Secure" : "");

  cord_exchange_set_header(exchange, "Set-Cookie", text);
}

/**
 * cord_access_try_key:
 * @self: the access
 * @exchange: a request
 * @text: the key that it brings
 *
 * Returns: (transfer none) (nullable): what is known of the key; %NULL when the request was
 * answered because it is none, or because too many that were none came from there
 */
const CordKey *
cord_access_try_key(CordAccess *self, CordExchange *exchange, const gchar *text)
{
  g_autofree gchar *client = cord_exchange_dup_client(exchange);
  g_autofree gchar *hash = cord_access_hash(text);
  CordKey *key;

  if (is_locked_out(self, client)) {
    cord_exchange_set_header(exchange, "Retry-After", "60");
    cord_exchange_problem(exchange, 429, "There were too many wrong keys; wait a minute.");
    return NULL;
  }
  /* looked up by a hash: how long it takes tells nothing of the key */
  key = g_hash_table_lookup(self->keys, hash);
  if (key && !is_expired(key))
    return key;
  note_failure(self, client);
  cord_exchange_set_header(exchange, "WWW-Authenticate", "Bearer");
  cord_exchange_problem(exchange, 401, "The API key is not known or has expired.");
  return NULL;
}

static gboolean
check_key(CordAccess *self, CordExchange *exchange, const gchar *scope, const gchar *text)
{
  const CordKey *key = cord_access_try_key(self, exchange, text);

  if (!key || !take_turn(self, exchange, key->id))
    return FALSE;
  if (!cord_key_allows(key, scope)) {
    cord_exchange_problem(exchange, 403, "The API key does not have the scope \"%s\".", scope);
    return FALSE;
  }
  exchange->key_id = g_strdup(key->id);
  return TRUE;
}

static gboolean
check_address(CordAccess *self, CordExchange *exchange)
{
  g_autofree gchar *client = cord_exchange_dup_client(exchange);

  return take_turn(self, exchange, client);
}

/**
 * cord_access_authorize:
 * @exchange: a request
 * @scope: what it wants to do, see #CordAuthorize
 * @self: the #CordAccess
 *
 * Returns: whether it may; if not, it was answered
 */
gboolean
cord_access_authorize(CordExchange *exchange, const gchar *scope, gpointer self)
{
  CordAccess *access = self;
  g_autofree gchar *key = NULL;
  gboolean local;

  /* carriers prove who they are by their signature */
  if (g_str_equal(scope, "carrier"))
    return TRUE;
  if (!cord_access_check_origin(access, exchange)) {
    cord_exchange_problem(exchange, 403,
                          "Pages from elsewhere may not ask; see http.cors-origins "
                          "in the settings.");
    return FALSE;
  }
  local = cord_exchange_is_local(exchange);
  if (g_str_equal(scope, "public"))
    return local || check_address(access, exchange);
  key = cord_access_dup_key(exchange);
  if (key)
    return check_key(access, exchange, scope, key);
  if (local)
    return TRUE;
  if (!check_address(access, exchange))
    return FALSE;
  cord_exchange_set_header(exchange, "WWW-Authenticate", "Bearer");
  cord_exchange_problem(exchange, 401,
                        "An API key is wanted: Authorization: Bearer KEY. Make one on the server "
                        "with \"cordboard keys create\".");
  return FALSE;
}

/**
 * cord_access_set_keys:
 * @self: the access
 * @keys: (transfer full) (element-type CordKey): all keys there are
 */
void
cord_access_set_keys(CordAccess *self, GPtrArray *keys)
{
  g_hash_table_remove_all(self->keys);
  g_ptr_array_set_free_func(keys, NULL);
  for (guint i = 0; i < keys->len; i++) {
    CordKey *key = keys->pdata[i];

    g_hash_table_insert(self->keys, key->hash, key);
  }
  g_ptr_array_unref(keys);
}

/**
 * cord_access_count_keys:
 * @self: the access
 *
 * Returns: how many keys there are
 */
guint
cord_access_count_keys(CordAccess *self)
{
  return g_hash_table_size(self->keys);
}

/**
 * cord_access_new:
 * @cors_origins: (nullable): origins separated by commas whose pages may ask, "*" for all
 * @requests_per_minute: of one key, or without one of one address; 0 for no limit
 *
 * Returns: (transfer full): an access without keys
 */
CordAccess *
cord_access_new(const gchar *cors_origins, guint requests_per_minute)
{
  CordAccess *self = g_new0(CordAccess, 1);

  self->keys = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)cord_key_free);
  self->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->rates = cord_rate_limit_new(requests_per_minute);
  self->origins = g_strsplit(cors_origins ? cors_origins : "", ",", -1);
  for (gchar **origin = self->origins; *origin; origin++)
    g_strstrip(*origin);
  return self;
}

/**
 * cord_access_free:
 * @self: (transfer full): the access
 */
void
cord_access_free(CordAccess *self)
{
  g_hash_table_unref(self->keys);
  g_hash_table_unref(self->addresses);
  cord_rate_limit_free(self->rates);
  g_strfreev(self->origins);
  g_free(self);
}
