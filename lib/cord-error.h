/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * CordError:
 * @CORD_ERROR_FAILED: anything that has no code of its own
 * @CORD_ERROR_NETWORK: a connection could not be made or broke
 * @CORD_ERROR_PROTOCOL: the peer said something its protocol does not allow
 * @CORD_ERROR_NOT_AUTHORIZED: a key, token or signature is missing or wrong
 * @CORD_ERROR_QUOTA: the account is out of credit or over its rate
 * @CORD_ERROR_TIMEOUT: a deadline passed
 * @CORD_ERROR_INVALID: an argument, a setting or a document is not valid
 * @CORD_ERROR_NOT_FOUND: the named thing does not exist
 * @CORD_ERROR_TOO_LARGE: a limit on size, depth or count was passed
 * @CORD_ERROR_CLOSED: the peer, or this side, has closed
 *
 * The codes of %CORD_ERROR.
 */
typedef enum {
  CORD_ERROR_FAILED,
  CORD_ERROR_NETWORK,
  CORD_ERROR_PROTOCOL,
  CORD_ERROR_NOT_AUTHORIZED,
  CORD_ERROR_QUOTA,
  CORD_ERROR_TIMEOUT,
  CORD_ERROR_INVALID,
  CORD_ERROR_NOT_FOUND,
  CORD_ERROR_TOO_LARGE,
  CORD_ERROR_CLOSED,
} CordError;

/**
 * CORD_ERROR:
 *
 * The error domain of libcordboard; every #GError that leaves lib/ or a plugin is in it.
 */
#define CORD_ERROR (cord_error_quark())
GQuark cord_error_quark(void);

void cord_element_post_error(GstElement *element, const GError *error);
void cord_element_post_warning(GstElement *element, const GError *error);

G_END_DECLS
