/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CordAddressGuard:
 *
 * Which machines an address that a user has written down may lead to. The Internet may be reached;
 * what is behind the firewall (this machine, private and link-local networks, the metadata services
 * of clouds) may not, unless the administrator has named its network. An address is to be checked
 * when it is connected to, because a name may mean something else by then. Immutable; any thread.
 */
typedef struct _CordAddressGuard CordAddressGuard;

CordAddressGuard *cord_address_guard_new(const gchar *networks, GError **error);
void cord_address_guard_free(CordAddressGuard *self);
gboolean cord_address_guard_may_reach(CordAddressGuard *self, GInetAddress *address);
gboolean cord_address_guard_check_url(CordAddressGuard *self, const gchar *url, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordAddressGuard, cord_address_guard_free)

G_END_DECLS
