/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Inside of the HTTP and WebSocket clients: what is said of an answer that refuses. */

#define CORD_HTTP_MAX_ERROR_BODY 65536 /* bytes that are read to find out why */

G_GNUC_INTERNAL gchar *cord_http_describe_body(const gchar *body, gsize length,
                                               const gchar *const *secrets);
G_GNUC_INTERNAL const gchar *cord_http_explain_tls(const GError *error, GTlsCertificateFlags wrong);
G_GNUC_INTERNAL const gchar *cord_http_explain(const GError *error, SoupMessage *message);
G_GNUC_INTERNAL GStrv cord_http_collect_secrets(GUri *uri, const gchar *const *headers);
G_GNUC_INTERNAL gchar *cord_http_hide_secrets(const gchar *text, const gchar *const *secrets);
G_GNUC_INTERNAL GstClockTime cord_http_parse_retry_after(const gchar *ms, const gchar *text);
G_GNUC_INTERNAL GstClockTime cord_http_parse_retry_delay(const gchar *body, gsize length);

G_END_DECLS
