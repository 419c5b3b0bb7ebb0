/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-error.h"
#include "cord-events.h"
#include "cord-g711.h"
#include "cord-transcript.h"
#include "cord-turn.h"
#include "cord-inbox.h"
#include "cord-json.h"
#include "cord-llm-conversation.h"
#include "cord-llm-provider.h"
#include "cord-stt-base.h"
#include "cord-text-cutter.h"
#include "cord-tts-base.h"
#include "cord-websocket-client.h"
#include "cord-websocket-server.h"
#include "cord-websocket.h"
#include "cord-worker.h"
