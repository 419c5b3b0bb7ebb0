/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

gchar *cord_structure_to_json(const GstStructure *structure);

G_END_DECLS
