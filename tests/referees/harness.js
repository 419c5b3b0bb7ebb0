// SPDX-License-Identifier: LGPL-2.1-or-later
// What the checks have in common: the simulators as a peer, sound, and time limits.
'use strict';
const assert = require('node:assert/strict');

const LIMIT = 20000; // ms, for one call of an SDK

/** A simulator that runs: where it is, what it is told to do, what it has heard. */
class Peer {
  constructor(url) {
    this.url = url;
    this.ws = url.replace('http', 'ws');
    this.tls = url.startsWith('https');
  }

  /** Each provider's own root, as its paths may collide with another's. */
  root(provider) { return `${this.url}/${provider}`; }
  socket(provider) { return `${this.ws}/${provider}`; }

  async script(script) {
    const answer = await fetch(`${this.url}/__sim/script`, {method: 'POST', body: JSON.stringify(script)});
    assert.equal(answer.status, 200, 'the script was refused');
  }

  async journal() { return (await fetch(`${this.url}/__sim/journal`)).json(); }
}

/** Mu-law: a tone, then silence. */
function sound(toneMs, silenceMs) {
  const rate = 8; // bytes a ms
  const audio = Buffer.alloc((toneMs + silenceMs) * rate, 0xff);
  for (let i = 0; i < toneMs * rate; i++) audio[i] = [0x90, 0xff, 0x10, 0x7f][i % 4];
  return audio;
}

/** 16-bit WAV of a tone. */
function wav(ms) {
  const rate = 8000, samples = ms * 8;
  const file = Buffer.alloc(44 + samples * 2);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i++) file.writeInt16LE(i % 16 < 8 ? 8000 : -8000, 44 + i * 2);
  return file;
}

async function collect(stream) {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}

/** The rejection of a promise that must be rejected. */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted, though it should be refused');
}

function limited(promise, ms = LIMIT) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Resolves with the first value that push() was given and test() likes. */
class Awaited {
  constructor() {
    this.all = [];
    this.waiting = [];
  }

  push(value) {
    this.all.push(value);
    this.waiting = this.waiting.filter(({test, resolve}) => !test(value) || resolve(value));
  }

  fail(error) { this.waiting.splice(0).forEach(({reject}) => reject(error)); }

  until(test) {
    const found = this.all.find(test);
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => this.waiting.push({test, resolve, reject}));
  }
}

module.exports = {Awaited, Peer, assert, collect, limited, refusal, sound, wav};
