/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-address-guard.h"

#include <string.h>

#include "cord-error.h"

struct _CordAddressGuard {
  GPtrArray *closed; /* GInetAddressMask */
  GPtrArray *open;   /* GInetAddressMask: exceptions from those */
};

/* What IANA's registries of special addresses call not globally reachable (RFC 6890), and what
 * carries an address of IPv4 inside: that could be any of them. */
static const gchar *const special[] = {
  "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
  "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
  "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
  "::/96",         "64:ff9b::/96",    "64:ff9b:1::/48", "100::/64",       "2001::/23",
  "2001:db8::/32", "2002::/16",       "5f00::/16",      "fc00::/7",       "fe80::/10",
  "fec0::/10",     "ff00::/8",
};

static GPtrArray *
new_list(void)
{
  return g_ptr_array_new_with_free_func(g_object_unref);
}

/* An address of IPv4 in IPv6's clothes (::ffff:10.0.0.1) reaches the machine of IPv4. */
static GInetAddress *
undress(GInetAddress *address)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
  const guint8 *bytes = g_inet_address_to_bytes(address);

  if (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6 &&
      memcmp(bytes, mapped, sizeof mapped) == 0)
    return g_inet_address_new_from_bytes(bytes + sizeof mapped, G_SOCKET_FAMILY_IPV4);
  return g_object_ref(address);
}

static gboolean
is_in(GPtrArray *list, GInetAddress *address)
{
  for (guint i = 0; i < list->len; i++)
    if (g_inet_address_mask_matches(list->pdata[i], address))
      return TRUE;
  return FALSE;
}

/**
 * cord_address_guard_new:
 * @networks: (nullable): what may be reached though it is private, with commas: "10.1.0.0/16,::1"
 * @error: return location for an error
 *
 * Returns: (transfer full): a guard, or %NULL when @networks is not such a list
 */
CordAddressGuard *
cord_address_guard_new(const gchar *networks, GError **error)
{
  g_autoptr(CordAddressGuard) self = g_new0(CordAddressGuard, 1);
  g_auto(GStrv) list = g_strsplit(networks ? networks : "", ",", -1);

  self->closed = new_list();
  self->open = new_list();
  for (guint i = 0; i < G_N_ELEMENTS(special); i++)
    g_ptr_array_add(self->closed, g_inet_address_mask_new_from_string(special[i], NULL));
  for (gchar **network = list; *network; network++) {
    GInetAddressMask *mask;

    if (*g_strstrip(*network) == '\0')
      continue;
    mask = g_inet_address_mask_new_from_string(*network, NULL);
    if (mask == NULL) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                  "\"%s\" is no network; one is written like 10.0.0.0/8 or fd00::/8", *network);
      return NULL;
    }
    g_ptr_array_add(self->open, mask);
  }
  return g_steal_pointer(&self);
}

/**
 * cord_address_guard_free:
 * @self: (transfer full): a guard
 */
void
cord_address_guard_free(CordAddressGuard *self)
{
  g_clear_pointer(&self->closed, g_ptr_array_unref);
  g_clear_pointer(&self->open, g_ptr_array_unref);
  g_free(self);
}

/**
 * cord_address_guard_may_reach:
 * @self: a guard
 * @address: of a machine
 *
 * Returns: whether a user may have us connect to it
 */
gboolean
cord_address_guard_may_reach(CordAddressGuard *self, GInetAddress *address)
{
  g_autoptr(GInetAddress) plain = undress(address);

  return is_in(self->open, plain) || !is_in(self->closed, plain);
}

/**
 * cord_address_guard_check_url:
 * @self: a guard
 * @url: what a user has written
 * @error: return location for an error
 *
 * Tells early what can be told without asking the network: whether it is an http:// or https://
 * address of some host that is no forbidden address itself. A name is looked up when it is
 * connected to, and checked then.
 *
 * Returns: whether it may be kept
 */
gboolean
cord_address_guard_check_url(CordAddressGuard *self, const gchar *url, GError **error)
{
  g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
  const gchar *scheme = uri ? g_uri_get_scheme(uri) : NULL;
  const gchar *host = uri ? g_uri_get_host(uri) : NULL;
  g_autoptr(GInetAddress) address = NULL;

  if (host == NULL || *host == '\0' ||
      (g_strcmp0(scheme, "http") != 0 && g_strcmp0(scheme, "https") != 0)) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID,
                        "an http:// or https:// address is wanted");
    return FALSE;
  }
  if (g_uri_get_userinfo(uri)) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID,
                        "the address may not hold a user name or password");
    return FALSE;
  }
  address = g_inet_address_new_from_string(host);
  if (address == NULL && g_ascii_strcasecmp(host, "localhost") == 0)
    address = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
  if (address == NULL || cord_address_guard_may_reach(self, address))
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
              "%s is a private address; outgoing.private-networks in the settings names those that "
              "may be reached",
              host);
  return FALSE;
}
