/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * CordErrandFunc:
 * @errand: the pipeline
 * @structure: an element message of it
 * @data: of the order
 *
 * What the elements of an errand say. On the errand's thread.
 */
typedef void (*CordErrandFunc)(GstElement *errand, const GstStructure *structure, gpointer data);

/**
 * CordErrandOrder:
 * @input: what goes in at the beginning
 * @timeout_ms: how long all of it may take
 * @max_output: what comes out at most, bytes
 * @separator: (nullable): what stands between two buffers of the result
 * @told: (nullable): hears what the elements say
 * @data: for @told
 *
 * What is to be done.
 */
typedef struct {
  GBytes *input;
  guint timeout_ms;
  gsize max_output;
  const gchar *separator;
  CordErrandFunc told;
  gpointer data;
} CordErrandOrder;

/**
 * CordErrandResult:
 * @bytes: all that came out
 * @caps: (nullable): what it is; %NULL when nothing came
 * @complaint: (nullable): what an element had to complain of, though it went on
 */
typedef struct {
  GByteArray *bytes;
  GstCaps *caps;
  GError *complaint;
} CordErrandResult;

CordErrandResult *cord_errand_run(GstElement *errand, const CordErrandOrder *order,
                                  GCancellable *cancellable, GError **error);
void cord_errand_limit(GstElement *errand, GstElement *element, GstClockTime max,
                       const gchar *what);
void cord_errand_result_free(CordErrandResult *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordErrandResult, cord_errand_result_free)

G_END_DECLS
