// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {Groq, toFile} = require('groq-sdk');
const {assert, collect, refusal, wav} = require('./harness');

const client = (peer, key = 'gsk-test') => new Groq({apiKey: key, baseURL: peer.root('groq'), maxRetries: 0});
const hello = {model: 'llama-3.3-70b-versatile', stream: true, messages: [{role: 'user', content: 'hello'}]};

module.exports = {
  sdk: 'groq-sdk',
  calls: {
    'chat.completions stream': async (peer) => {
      await peer.script({script: {groq: {replies: [{text: 'Good morning, world.'}]}}});
      const chunks = await collect(await client(peer).chat.completions.create(hello));
      assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), 'Good morning, world.');
      assert.ok(chunks.at(-1).x_groq.usage.total_tokens > 0);
      return `${chunks.length} chunks`;
    },
    'chat.completions, a call comes whole': async (peer) => {
      await peer.script({script: {groq: {replies: [{tools: [{name: 'lookup', arguments: {q: 'x'}}]}]}}});
      const chunks = await collect(await client(peer).chat.completions.create(hello));
      const calls = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
      assert.equal(calls.length, 1);
      assert.deepEqual(JSON.parse(calls[0].function.arguments), {q: 'x'});
      return calls[0].function.name;
    },
    'chat.completions, 401': async (peer) => {
      const error = await refusal(client(peer, 'wrong').chat.completions.create(hello));
      assert.ok(error instanceof Groq.AuthenticationError);
      return error.constructor.name;
    },
    'audio.transcriptions': async (peer) => {
      await peer.script({script: {groq: {transcriptions: ['good morning']}}});
      const text = await client(peer).audio.transcriptions.create(
        {model: 'whisper-large-v3', file: await toFile(wav(500), 'a.wav', {type: 'audio/wav'})});
      assert.match(text.text, /good morning/i);
      return text.text;
    },
    'models.list': async (peer) => {
      const models = await client(peer).models.list();
      assert.ok(models.data.some((model) => model.id === 'whisper-large-v3'));
      return `${models.data.length} models`;
    },
  },
};
