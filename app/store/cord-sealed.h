/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-store.h"

G_BEGIN_DECLS

/**
 * CordReseal:
 * @purpose: for what it was sealed: the table and the column, "phone_numbers.credentials"
 * @sealed: what the column holds
 * @data: as given
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): what it is to hold, %NULL without an error to leave it
 */
typedef gchar *(*CordReseal)(const gchar *purpose, const gchar *sealed, gpointer data,
                             GError **error);

/**
 * CordSealedCounts:
 * @n_sealed: what was there
 * @n_changed: what was sealed anew
 * @n_failed: what could not be opened, and was left as it is
 */
typedef struct {
  guint n_sealed;
  guint n_changed;
  guint n_failed;
} CordSealedCounts;

/* Seals anew all that is sealed in the store; blocks */
gboolean cord_sealed_replace(CordStore *store, CordReseal reseal, gpointer data,
                             CordSealedCounts *counts, GError **error);

G_END_DECLS
