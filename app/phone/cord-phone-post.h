/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-phone-form.h"
#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordPhonePost:
 *
 * A signed request of the carrier and its answer. Valid until its function has been called or it
 * was cancelled.
 */
typedef struct _CordPhonePost CordPhonePost;

typedef void (*CordPhonePostFunc)(GBytes *answer, const GError *error, gpointer data);

CordPhonePost *cord_phone_post(CordWorker *worker, const gchar *url, CordPhoneForm *form,
                               const gchar *auth_token, CordPhonePostFunc func, gpointer data);
void cord_phone_post_cancel(CordPhonePost *self);

G_END_DECLS
