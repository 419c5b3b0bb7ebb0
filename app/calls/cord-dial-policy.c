/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-dial-policy.h"

#include <string.h>

#include "cord-countries.h"
#include "cord-error.h"

struct _CordDialPolicy {
  GStrv countries, allowed, denied;
};

/* What stands between commas; none of it is empty. */
static GStrv
split(const gchar *text)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_auto(GStrv) list = g_strsplit(text ? text : "", ",", -1);

  for (gchar **each = list; *each; each++)
    if (*g_strstrip(*each))
      g_strv_builder_add(builder, *each);
  return g_strv_builder_end(builder);
}

static gboolean
has_prefix(const gchar *number, GStrv prefixes)
{
  for (gchar **prefix = prefixes; *prefix; prefix++)
    if (g_str_has_prefix(number, *prefix))
      return TRUE;
  return FALSE;
}

static gboolean
check_countries(GStrv countries, GError **error)
{
  for (gchar **country = countries; *country; country++) {
    g_autofree gchar *upper = g_ascii_strup(*country, -1);

    if (!cord_countries_has(upper)) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                  "outbound.countries: \"%s\" is no country; one is written like US or DE",
                  *country);
      return FALSE;
    }
    g_free(*country);
    *country = g_steal_pointer(&upper);
  }
  return TRUE;
}

/* A prefix that no number can have would let nothing through, or everything. */
static gboolean
check_prefixes(const gchar *name, GStrv prefixes, GError **error)
{
  for (gchar **prefix = prefixes; *prefix; prefix++) {
    if (**prefix == '+' && strspn(*prefix + 1, "0123456789") == strlen(*prefix + 1))
      continue;
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                "%s: \"%s\" is no prefix; one is written like +49 or +1900", name, *prefix);
    return FALSE;
  }
  return TRUE;
}

/**
 * cord_dial_policy_new:
 * @limits: what may be dialled; copied
 * @error: return location for an error
 *
 * Returns: (transfer full): a policy, or %NULL when @limits are none
 */
CordDialPolicy *
cord_dial_policy_new(const CordDialLimits *limits, GError **error)
{
  g_autoptr(CordDialPolicy) self = g_new0(CordDialPolicy, 1);

  self->countries = split(limits->countries);
  self->allowed = split(limits->allowed);
  self->denied = split(limits->denied);
  if (!check_countries(self->countries, error) ||
      !check_prefixes("outbound.allowed", self->allowed, error) ||
      !check_prefixes("outbound.denied", self->denied, error))
    return NULL;
  return g_steal_pointer(&self);
}

/**
 * cord_dial_policy_free:
 * @self: (transfer full): a policy
 */
void
cord_dial_policy_free(CordDialPolicy *self)
{
  g_strfreev(self->countries);
  g_strfreev(self->allowed);
  g_strfreev(self->denied);
  g_free(self);
}

static gboolean
is_in_countries(CordDialPolicy *self, const gchar *number)
{
  const gchar *country = cord_countries_find(number);

  return *self->countries == NULL ||
         (country && g_strv_contains((const gchar *const *)self->countries, country));
}

/**
 * cord_dial_policy_check_number:
 * @self: a policy
 * @number: E.164
 * @error: return location for an error: %CORD_ERROR_NOT_AUTHORIZED
 *
 * Returns: whether the number may be dialled at all
 */
gboolean
cord_dial_policy_check_number(CordDialPolicy *self, const gchar *number, GError **error)
{
  if (!has_prefix(number, self->denied) && is_in_countries(self, number) &&
      (*self->allowed == NULL || has_prefix(number, self->allowed)))
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
              "%s may not be dialled: see outbound.countries, outbound.allowed and "
              "outbound.denied in the settings",
              number);
  return FALSE;
}
