-- SPDX-License-Identifier: LGPL-2.1-or-later
-- The calls that were placed, as far as they count against the limits of outbound calls: counted here,
-- because several servers may place calls out of one purse. id is the call's; key_id is the API key that
-- asked, NULL for the server's own machine.
CREATE TABLE outbound_dials (
  id        TEXT PRIMARY KEY,
  server_id TEXT NOT NULL,
  key_id    TEXT,
  placed_at TEXT NOT NULL,
  ended_at  TEXT
);
CREATE INDEX outbound_dials_placed_at ON outbound_dials (placed_at);
CREATE INDEX outbound_dials_now ON outbound_dials (server_id) WHERE ended_at IS NULL;
