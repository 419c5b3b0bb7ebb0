-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Agents, calls and what was said in them. Timestamps are RFC 3339 in UTC with milliseconds, so that
-- their order as text is their order in time. JSON is text. Keys are UUIDs.

CREATE TABLE agents (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  description   TEXT,
  system_prompt TEXT NOT NULL,
  voice_id      TEXT NOT NULL,
  language      TEXT NOT NULL,
  llm_model     TEXT NOT NULL,
  tools_enabled TEXT NOT NULL DEFAULT '[]',
  is_active     BOOLEAN NOT NULL DEFAULT TRUE,
  metadata      TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL
);

-- server_id is the server that runs the call, journal_seq the last record of its journal that
-- changed the row: an older one, replayed, changes nothing.
CREATE TABLE calls (
  id               TEXT PRIMARY KEY,
  agent_id         TEXT REFERENCES agents (id) ON DELETE SET NULL,
  direction        TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound', 'browser')),
  caller_number    TEXT,
  twilio_call_sid  TEXT UNIQUE,
  status           TEXT NOT NULL
                   CHECK (status IN ('queued', 'ringing', 'in-progress', 'completed', 'failed')),
  end_reason       TEXT,
  duration_seconds BIGINT,
  summary          TEXT,
  started_at       TEXT NOT NULL,
  ended_at         TEXT,
  metadata         TEXT,
  server_id        TEXT,
  journal_seq      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX calls_agent_id ON calls (agent_id);
CREATE INDEX calls_status ON calls (status);
CREATE INDEX calls_started_at ON calls (started_at);

CREATE TABLE transcript_entries (
  id        TEXT PRIMARY KEY,
  call_id   TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  role      TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
  content   TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  seq       BIGINT NOT NULL,
  UNIQUE (call_id, seq)
);
CREATE INDEX transcript_entries_call_id ON transcript_entries (call_id);

CREATE TABLE function_call_logs (
  id            TEXT PRIMARY KEY,
  call_id       TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  function_name TEXT NOT NULL,
  arguments     TEXT,
  result        TEXT,
  status        TEXT NOT NULL CHECK (status IN ('pending', 'completed', 'failed')),
  error_message TEXT,
  executed_at   TEXT NOT NULL,
  seq           BIGINT NOT NULL,
  UNIQUE (call_id, seq)
);
CREATE INDEX function_call_logs_call_id ON function_call_logs (call_id);

-- How far each server's journal has come; moves in the transaction that applies the records.
CREATE TABLE journal_positions (
  server_id TEXT PRIMARY KEY,
  seq       BIGINT NOT NULL
);
