-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What a model has found out about the caller while the call went on: a JSON object, or nothing.
ALTER TABLE calls ADD COLUMN extracted TEXT;
