/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-config.h"

G_BEGIN_DECLS

/**
 * CordServiceRole:
 * @CORD_SERVICE_STT: hears
 * @CORD_SERVICE_LLM: thinks
 * @CORD_SERVICE_TTS: speaks
 *
 * What a service can do for a call.
 */
typedef enum {
  CORD_SERVICE_STT,
  CORD_SERVICE_LLM,
  CORD_SERVICE_TTS,
  CORD_SERVICE_ROLES,
} CordServiceRole;

/**
 * CordService:
 * @name: "deepgram": its section in the configuration, its nick as a provider
 * @title: as it is written
 * @key: (nullable): the environment variable with its key; %NULL: needs none
 * @base_url: (nullable): where it is reached unless the configuration says otherwise
 * @elements: the element for each role, %NULL where it has none
 * @models: settings with the model for each role, %NULL where there is none
 * @voice: (nullable): the setting with its voice
 * @catalogue: (nullable): path below the base URL under which it lists its models
 * @voices: (nullable): path below the base URL under which it lists its voices
 *
 * A service that can be plugged into a call.
 */
typedef struct {
  const gchar *name;
  const gchar *title;
  const gchar *key;
  const gchar *base_url;
  const gchar *elements[CORD_SERVICE_ROLES];
  const gchar *models[CORD_SERVICE_ROLES];
  const gchar *voice;
  const gchar *catalogue;
  const gchar *voices;
} CordService;

const CordService *cord_service_get_all(guint *n_services);
const CordService *cord_service_find(const gchar *name);
const CordService *cord_service_for_element(const gchar *element, CordServiceRole role);
const CordService *cord_service_for_model(const gchar *model);
const CordService *cord_service_for_voice(const gchar *voice);

gboolean cord_service_is_usable(const CordService *self, CordConfig *config);
const gchar *cord_service_get_key(const CordService *self, CordConfig *config);
const gchar *cord_service_get_base_url(const CordService *self, CordConfig *config);
const gchar *cord_service_get_model(const CordService *self, CordServiceRole role,
                                    CordConfig *config);
const gchar *cord_service_get_voice(const CordService *self, CordConfig *config);

G_END_DECLS
