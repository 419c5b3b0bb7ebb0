/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "cord-service.h"

G_BEGIN_DECLS

/**
 * CordCatalogue:
 *
 * What a service says it has: the names of its models, as it answered when it was asked with the
 * key that is configured.
 */
typedef struct _CordCatalogue CordCatalogue;

void cord_catalogue_ask_async(const CordService *service, CordConfig *config,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
CordCatalogue *cord_catalogue_ask_finish(GAsyncResult *result, GError **error);
CordCatalogue *cord_catalogue_new_from_json(const gchar *text, gssize length, GError **error);
void cord_catalogue_free(CordCatalogue *self);
gboolean cord_catalogue_is_empty(const CordCatalogue *self);
gboolean cord_catalogue_has(const CordCatalogue *self, const gchar *model);
GStrv cord_catalogue_list_near(const CordCatalogue *self, const gchar *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordCatalogue, cord_catalogue_free)

G_END_DECLS
