// SPDX-License-Identifier: LGPL-2.1-or-later
// Drives simulators with the vendors' SDKs: main.js [--json] [--only WORD] URL [URL …]
'use strict';
globalThis.File ??= require('node:buffer').File;
const fs = require('node:fs');
const path = require('node:path');
const {parseArgs} = require('node:util');
const {Peer, limited} = require('./harness');

const VENDORS = ['openai', 'agents', 'anthropic', 'gemini', 'groq', 'deepgram', 'elevenlabs', 'cartesia', 'twilio', 'streams'];

function version(sdk) {
  for (const folder of (process.env.NODE_PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, sdk, 'package.json');
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file)).version;
  }
  return '';
}

async function check(sdk, call, run, peer) {
  const row = {sdk, version: version(sdk), call, transport: peer.tls ? 'TLS' : 'plain'};
  const began = performance.now();
  try {
    row.saw = await limited(run(peer));
    row.result = 'ok';
  } catch (error) {
    row.saw = String(error?.message ?? error);
    row.result = 'failed';
  }
  row.ms = Math.round(performance.now() - began);
  return row;
}

function show(row) {
  const saw = row.saw?.split('\n').filter((line) => line.trim()).join(' ').slice(0, 160) ?? '';
  console.log(`${row.result.padEnd(6)} ${row.transport.padEnd(5)} ${row.sdk.padEnd(26)} ${row.call.padEnd(42)} ` +
              `${String(row.ms).padStart(6)} ms  ${saw}`);
}

/** An SDK that does not load is one failure, and the others go on. */
function load(vendor, rows) {
  try {
    return require(`./${vendor}`);
  } catch (error) {
    rows.push({sdk: vendor, version: '', call: 'load', transport: '', result: 'failed', saw: error.message, ms: 0});
    return null;
  }
}

async function main() {
  const {values, positionals} = parseArgs({allowPositionals: true,
                                           options: {json: {type: 'boolean'}, only: {type: 'string'}}});
  const rows = [];
  for (const vendor of VENDORS) {
    if (values.only && values.only !== vendor) continue;
    const before = rows.length;
    const module = load(vendor, rows);
    if (!values.json) rows.slice(before).forEach(show);
    for (const peer of module ? positionals.map((url) => new Peer(url)) : [])
      for (const [name, call] of Object.entries(module.calls)) {
        if (call.only === 'tls' && !peer.tls) continue;
        rows.push(await check(module.sdk, name, call.run ?? call, peer));
        if (!values.json) show(rows.at(-1));
      }
  }
  const failed = rows.filter((row) => row.result !== 'ok').length;
  if (values.json) console.log(JSON.stringify({node: process.version, passed: rows.length - failed, failed, checks: rows}, null, 2));
  else console.log(`\n${rows.length - failed} passed, ${failed} failed`);
  return failed > 0 || rows.length === 0 ? 1 : 0;
}

// what an SDK throws after its call has ended is no verdict
process.on('unhandledRejection', () => {});
main().then((code) => process.exit(code));
