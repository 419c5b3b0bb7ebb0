-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A database that was made by version 1 of the schema, for postgres.
CREATE TABLE schema_migration (version TEXT PRIMARY KEY, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL);
INSERT INTO schema_migration VALUES ('0001-initial.sql', 'a8987c228ac7759cae853117f054b83e45ae1fdcbee5aa89c5a8516f18798120', '2026-01-31T11:59:59.000Z');
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

-- As a server of version 1 left it.
INSERT INTO agents (id, name, description, system_prompt, voice_id, language, llm_model, tools_enabled, is_active, metadata, created_at, updated_at)
VALUES ('11111111-1111-4111-8111-111111111111', 'Front desk', NULL, 'Be brief.', 'slt', 'en-US', 'scripted', '["lookup"]', TRUE, '{"cordboard":{"greeting":"Hello."}}', '2026-01-31T12:00:00.000Z', '2026-01-31T12:00:00.000Z');
INSERT INTO calls (id, agent_id, direction, caller_number, twilio_call_sid, status, end_reason, duration_seconds, summary, started_at, ended_at, metadata, server_id, journal_seq)
VALUES ('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111', 'inbound', '+15550100', 'CA00000000000000000000000000000001', 'completed', 'hangup', 42, 'An appointment.', '2026-01-31T12:00:01.000Z', '2026-01-31T12:00:43.000Z', '{"a":1}', '99999999-9999-4999-8999-999999999999', 7);
INSERT INTO calls (id, agent_id, direction, caller_number, twilio_call_sid, status, started_at, server_id, journal_seq)
VALUES ('33333333-3333-4333-8333-333333333333', NULL, 'outbound', NULL, NULL, 'in-progress', '2026-01-31T12:05:00.000Z', '99999999-9999-4999-8999-999999999999', 8);
INSERT INTO transcript_entries (id, call_id, role, content, timestamp, seq)
VALUES ('44444444-4444-4444-8444-444444444441', '22222222-2222-4222-8222-222222222222', 'assistant', 'Hello.', '2026-01-31T12:00:02.000Z', 3),
       ('44444444-4444-4444-8444-444444444442', '22222222-2222-4222-8222-222222222222', 'user', 'Größe ''41'', “please”.', '2026-01-31T12:00:05.000Z', 4);
INSERT INTO function_call_logs (id, call_id, function_name, arguments, result, status, executed_at, seq)
VALUES ('55555555-5555-4555-8555-555555555555', '22222222-2222-4222-8222-222222222222', 'lookup', '{"day":"Monday"}', '[1,2]', 'completed', '2026-01-31T12:00:06.000Z', 5);
INSERT INTO journal_positions (server_id, seq) VALUES ('99999999-9999-4999-8999-999999999999', 8);
