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
 * Who may ask what, and how often: whoever sits at this machine without a key, everybody else with
 * one. Main thread.
 */
typedef struct _CordAccess CordAccess;

CordAccess *cord_access_new(const gchar *cors_origins, guint requests_per_minute);
void cord_access_free(CordAccess *self);
void cord_access_set_keys(CordAccess *self, GPtrArray *keys);
guint cord_access_count_keys(CordAccess *self);

/* What the server asks it */
gboolean cord_access_filter(CordExchange *exchange, gpointer self);
gboolean cord_access_authorize(CordExchange *exchange, const gchar *scope, gpointer self);

/* What handlers ask it */
gboolean cord_access_check_origin(CordAccess *self, CordExchange *exchange);
const CordKey *cord_access_try_key(CordAccess *self, CordExchange *exchange, const gchar *text);
gchar *cord_access_dup_key(CordExchange *exchange);
void cord_access_set_cookie(CordExchange *exchange, const gchar *key);
gchar *cord_access_hash(const gchar *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordAccess, cord_access_free)

G_END_DECLS
