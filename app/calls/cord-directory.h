/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-records.h"
#include "cord-store.h"
#include "cord-vault.h"

G_BEGIN_DECLS

/* For what the vault seals the secrets of phone numbers */
#define CORD_VAULT_NUMBER "phone_numbers.credentials"

/**
 * CordDirectory:
 *
 * Who answers which number, and by which secret its carrier is known: the agents and phone numbers
 * of the store, kept in memory, so that a call is answered while the database is not there. It
 * follows the store by asking again when something was written, and every few seconds for what
 * others wrote. Main thread.
 */
#define CORD_TYPE_DIRECTORY (cord_directory_get_type())
G_DECLARE_FINAL_TYPE(CordDirectory, cord_directory, CORD, DIRECTORY, GObject)

/**
 * CordNumber:
 * @id: UUID
 * @number: E.164
 * @agent_id: (nullable): who answers; %NULL for the first active agent
 * @account_sid: (nullable): the carrier's account
 * @auth_token: (nullable): the account's secret
 * @is_active: whether calls to it are taken
 *
 * A registered phone number.
 */
typedef struct {
  gchar *id;
  gchar *number;
  gchar *agent_id;
  gchar *account_sid;
  gchar *auth_token;
  gboolean is_active;
} CordNumber;

CordDirectory *cord_directory_new(CordStore *store, CordVault *vault, GError **error);
void cord_directory_refresh(CordDirectory *self, GSourceFunc done, gpointer data);
const CordNumber *cord_directory_find_number(CordDirectory *self, const gchar *number);
const gchar *cord_directory_find_number_of(CordDirectory *self, const gchar *agent_id);
CordAgent *cord_directory_find_agent(CordDirectory *self, const gchar *agent_id);
CordAgent *cord_directory_choose_agent(CordDirectory *self, const gchar *called_number,
                                       GError **error);
guint cord_directory_get_generation(CordDirectory *self);

G_END_DECLS
