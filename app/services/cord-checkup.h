/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-check.h"
#include "cord-store.h"

G_BEGIN_DECLS

/**
 * CordCheckup:
 *
 * What a running server knows of its services: looked at when it starts and every few minutes, so
 * that whoever asks whether it is ready waits for nobody. Main thread.
 */
#define CORD_TYPE_CHECKUP (cord_checkup_get_type())
G_DECLARE_FINAL_TYPE(CordCheckup, cord_checkup, CORD, CHECKUP, GObject)

CordCheckup *cord_checkup_new(CordStore *store, CordConfig *config);
gboolean cord_checkup_run(CordCheckup *self, GError **error);
GPtrArray *cord_checkup_get_checks(CordCheckup *self);

G_END_DECLS
