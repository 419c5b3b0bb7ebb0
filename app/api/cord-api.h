/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-address-guard.h"
#include "cord-access.h"
#include "cord-call-registry.h"
#include "cord-checkup.h"
#include "cord-config.h"
#include "cord-dialogue.h"
#include "cord-neighbours.h"
#include "cord-openapi.h"
#include "cord-outbound.h"
#include "cord-stats.h"
#include "cord-store.h"
#include "cord-twilio-client.h"
#include "cord-voice-sockets.h"
#include "cord-webhooks.h"

G_BEGIN_DECLS

/**
 * CordApi:
 * @config: the settings
 * @store: where records are read
 * @calls: the running calls
 * @directory: who answers which number
 * @vault: seals credentials
 * @journal: in front of the store
 * @outbound: the calls that we place
 * @stats: counters
 * @twilio: the carrier's REST API
 * @openapi: where the routes go
 * @access: who may use them
 * @checkup: how the services are
 * @guard: where addresses of users may lead
 * @webhooks: who is told what happens
 * @neighbours: (nullable): other servers on the same database
 * @dialogues: agents without a call
 * @sockets: conversations over WebSockets
 * @doors: what handlers are given besides; owned
 * @questions: what the store is being asked; owned
 *
 * What the routes work with. The members are borrowed.
 */
typedef struct {
  CordConfig *config;
  CordStore *store;
  CordCallRegistry *calls;
  CordDirectory *directory;
  CordVault *vault;
  CordJournal *journal;
  CordOutbound *outbound;
  CordStats *stats;
  CordTwilioClient *twilio;
  CordOpenapi *openapi;
  CordAccess *access;
  CordCheckup *checkup;
  CordAddressGuard *guard;
  CordWebhooks *webhooks;
  CordNeighbours *neighbours;
  const CordDialogueKit *dialogues;
  CordVoiceSockets *sockets;
  GPtrArray *doors;
  GHashTable *questions;
} CordApi;

void cord_api_add_all(CordApi *api);

G_END_DECLS
