/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-journal.h"

G_BEGIN_DECLS

guint64 cord_journal_append(CordJournal *self, const gchar *type, JsonObject *fields);

G_END_DECLS
