// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {Cartesia} = require('@cartesia/cartesia-js');
const {assert, collect, refusal} = require('./harness');

const VOICE = '694f9389-aac1-45b6-b726-9d9369183238';
const client = (peer, key = 'ct-test') => new Cartesia({apiKey: key, baseURL: peer.root('cartesia'), maxRetries: 0});
const options = {
  model_id: 'sonic-3', voice: VOICE, contextId: 'c1', add_timestamps: true,
  output_format: {container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8000},
};

module.exports = {
  sdk: '@cartesia/cartesia-js',
  calls: {
    'tts.websocket, a context in pieces': {only: 'tls', run: async (peer) => {
      await peer.script({});
      const socket = await client(peer).tts.websocket();
      const context = socket.context(options);
      await context.push({transcript: 'Hello '});
      await context.push({transcript: 'there.'});
      await context.no_more_inputs();
      const events = await collect(context.receive());
      const bytes = events.filter((event) => event.type === 'chunk')
        .reduce((sum, event) => sum + (event.audio?.length ?? Buffer.from(event.data, 'base64').length), 0);
      assert.equal(bytes, 'Hello there.'.length * 60 * 8);
      assert.ok(events.some((event) => event.type === 'timestamps'));
      assert.equal(events.at(-1).type, 'done');
      socket.close();
      return `${events.length} events, ${bytes} bytes`;
    }},
    'tts.websocket, cancel': {only: 'tls', run: async (peer) => {
      await peer.script({profile: {cartesia: {first_byte_ms: 500}}});
      const socket = await client(peer).tts.websocket();
      const context = socket.context({...options, contextId: 'c2'});
      await context.push({transcript: 'Never said. '});
      await context.cancel();
      const events = await Promise.race([collect(context.receive()), new Promise((resolve) => setTimeout(resolve, 800, []))]);
      assert.ok(!events.some((event) => event.type === 'chunk'), 'it is spoken all the same');
      socket.close();
      return 'nothing is said';
    }},
    'voices.list': async (peer) => {
      await peer.script({});
      const voices = await collect(await client(peer).voices.list());
      assert.ok(voices.some((voice) => voice.id === VOICE));
      return `${voices.length} voices`;
    },
    'a wrong key': async (peer) => {
      const error = await refusal((async () => collect(await client(peer, 'wrong').voices.list()))());
      assert.equal(error.status, 401);
      return error.constructor.name;
    },
  },
};
