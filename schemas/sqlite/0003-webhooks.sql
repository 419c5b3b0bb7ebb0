-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Outgoing webhooks: who is told what, and what is still to be told. Nothing was ever written to the
-- table that was there before.

-- agent_id NULL: of all agents; events NULL or []: all. sealed_secret is sealed; only the server's key
-- opens it.
CREATE TABLE webhooks (
  id            TEXT PRIMARY KEY,
  url           TEXT NOT NULL,
  agent_id      TEXT REFERENCES agents (id) ON DELETE CASCADE,
  events        TEXT,
  description   TEXT,
  sealed_secret TEXT NOT NULL,
  is_active     BOOLEAN NOT NULL DEFAULT TRUE,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL
);
CREATE INDEX webhooks_agent_id ON webhooks (agent_id);

-- One row for each webhook that an event is for. seq is the event's place in the journal of the server
-- that ran the call: the events of a call are told in their order. A row that is being sent has its
-- next attempt after the longest time that may take: whoever sends it may die.
DROP TABLE webhook_deliveries;
CREATE TABLE webhook_deliveries (
  id              TEXT PRIMARY KEY,
  webhook_id      TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event           TEXT NOT NULL,
  call_id         TEXT,
  body            TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
  attempts        BIGINT NOT NULL DEFAULT 0,
  response_status BIGINT,
  last_error      TEXT,
  next_attempt    TEXT NOT NULL,
  seq             BIGINT NOT NULL,
  created_at      TEXT NOT NULL,
  updated_at      TEXT NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (status, next_attempt);
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook_id, call_id, seq);
CREATE INDEX webhook_deliveries_created_at ON webhook_deliveries (created_at);
