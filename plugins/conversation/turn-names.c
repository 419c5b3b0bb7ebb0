/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn-logic.h"

/**
 * turn_reason_name:
 * @reason: why a turn ended
 *
 * Returns: its name in messages
 */
const gchar *
turn_reason_name(TurnReason reason)
{
  static const gchar *const names[] = {
    [TURN_REASON_SILENCE] = "silence", [TURN_REASON_FINAL_TIMEOUT] = "final-timeout",
    [TURN_REASON_DTMF] = "dtmf",       [TURN_REASON_MAX_TURN] = "max-turn",
    [TURN_REASON_TEXT] = "text",       [TURN_REASON_EOS] = "eos",
  };

  return names[reason];
}

/**
 * turn_state_name:
 * @state: where a conversation stands
 *
 * Returns: its name in statistics
 */
const gchar *
turn_state_name(TurnState state)
{
  static const gchar *const names[] = {
    [TURN_STATE_IDLE] = "idle",
    [TURN_STATE_USER_SPEAKING] = "user-speaking",
    [TURN_STATE_WAIT_FINAL] = "wait-final",
    [TURN_STATE_ENDPOINTING] = "endpointing",
    [TURN_STATE_AGENT_PENDING] = "agent-pending",
    [TURN_STATE_AGENT_SPEAKING] = "agent-speaking",
  };

  return names[state];
}
