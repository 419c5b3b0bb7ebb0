-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What the platform keeps besides agents and calls.

CREATE TABLE system_prompts (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  content     TEXT NOT NULL,
  description TEXT,
  category    TEXT,
  variables   TEXT,
  is_default  BOOLEAN NOT NULL DEFAULT FALSE,
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
);

CREATE TABLE custom_functions (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  description TEXT,
  parameters  TEXT NOT NULL DEFAULT '{}',
  webhook_url TEXT,
  method      TEXT NOT NULL DEFAULT 'POST',
  headers     TEXT,
  is_active   BOOLEAN NOT NULL DEFAULT TRUE,
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
);

-- credentials is sealed; only the server's key opens it.
CREATE TABLE phone_numbers (
  id          TEXT PRIMARY KEY,
  number      TEXT NOT NULL UNIQUE,
  label       TEXT,
  agent_id    TEXT REFERENCES agents (id) ON DELETE SET NULL,
  account_sid TEXT,
  credentials TEXT,
  is_active   BOOLEAN NOT NULL DEFAULT TRUE,
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
);

CREATE TABLE customers (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  phone      TEXT,
  email      TEXT,
  metadata   TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);

CREATE TABLE conversation_sessions (
  id          TEXT PRIMARY KEY,
  customer_id TEXT,
  agent_id    TEXT REFERENCES agents (id) ON DELETE SET NULL,
  persona     TEXT,
  state       TEXT,
  history     TEXT,
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
);
CREATE INDEX conversation_sessions_customer_id ON conversation_sessions (customer_id);

-- Of a key only its hash is kept; prefix is for people to tell keys apart.
CREATE TABLE api_keys (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  prefix       TEXT NOT NULL,
  hash         TEXT NOT NULL UNIQUE,
  scopes       TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  expires_at   TEXT,
  last_used_at TEXT
);

-- The answer to a POST that may be sent twice. status 0: it is being worked on.
CREATE TABLE idempotency_keys (
  key        TEXT PRIMARY KEY,
  request    TEXT NOT NULL,
  status     BIGINT NOT NULL,
  answer     TEXT,
  created_at TEXT NOT NULL
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Outgoing webhooks: what is to be delivered, and what could not be.
CREATE TABLE webhook_deliveries (
  id           TEXT PRIMARY KEY,
  event        TEXT NOT NULL,
  url          TEXT NOT NULL,
  body         TEXT NOT NULL,
  status       TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
  attempts     BIGINT NOT NULL,
  last_error   TEXT,
  next_attempt TEXT,
  created_at   TEXT NOT NULL,
  updated_at   TEXT NOT NULL
);
CREATE INDEX webhook_deliveries_status ON webhook_deliveries (status, next_attempt);
