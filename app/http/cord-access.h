/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-http-server.h"

G_BEGIN_DECLS

/**
 * CordKey:
 * @id: its row
 * @hash: SHA-256 of the key, hexadecimal
 * @scopes: what it allows: "read", "write", "call", "admin", separated by commas
 * @expires_at: (nullable): RFC 3339
 *
 * An API key, of which nobody but its owner knows the text.
 */
typedef struct {
  gchar *id;
  gchar *hash;
  gchar *scopes;
  gchar *expires_at;
} CordKey;

CordKey *cord_key_new(const gchar *id, const gchar *hash, const gchar *scopes,
                      const gchar *expires_at);
void cord_key_free(CordKey *self);
gboolean cord_key_allows(const CordKey *self, const gchar *scope);

/**
 * CordAccess:
 *
 * Who may ask what: whoever sits at this machine without a key, everybody else with one. Main
 * thread.
 */
typedef struct _CordAccess CordAccess;

CordAccess *cord_access_new(const gchar *cors_origins);
void cord_access_free(CordAccess *self);
void cord_access_set_keys(CordAccess *self, GPtrArray *keys);
guint cord_access_count_keys(CordAccess *self);
gboolean cord_access_authorize(CordExchange *exchange, const gchar *scope, gpointer self);
gboolean cord_access_check_origin(CordAccess *self, CordExchange *exchange);
void cord_access_add_cors(CordAccess *self, CordExchange *exchange);
gchar *cord_access_hash(const gchar *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordAccess, cord_access_free)

G_END_DECLS
