// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {ElevenLabsClient} = require('@elevenlabs/elevenlabs-js');
const {assert, collect, refusal} = require('./harness');

const VOICE = '21m00Tcm4TlvDq8ikWAM';
const client = (peer, key = 'xi-test') =>
  new ElevenLabsClient({apiKey: key, baseUrl: peer.root('elevenlabs'), maxRetries: 0});
const hello = {text: 'hello there', modelId: 'eleven_flash_v2_5', outputFormat: 'ulaw_8000',
               voiceSettings: {stability: 0.5, similarityBoost: 0.8, speed: 1}};

module.exports = {
  sdk: '@elevenlabs/elevenlabs-js',
  calls: {
    'textToSpeech.stream, ulaw_8000': async (peer) => {
      await peer.script({});
      const audio = Buffer.concat(await collect(await client(peer).textToSpeech.stream(
        VOICE, {...hello, optimizeStreamingLatency: 3})));
      assert.equal(audio.length, 'hello there'.length * 60 * 8);
      return `${audio.length} bytes`;
    },
    'textToSpeech.stream, pcm_16000': async (peer) => {
      const audio = Buffer.concat(await collect(await client(peer).textToSpeech.stream(
        VOICE, {...hello, outputFormat: 'pcm_16000'})));
      assert.equal(audio.length, 'hello there'.length * 60 * 32);
      return `${audio.length} bytes`;
    },
    'textToSpeech.stream, 401': async (peer) => {
      const error = await refusal(client(peer, 'wrong').textToSpeech.stream(VOICE, hello));
      assert.equal(error.statusCode, 401);
      return error.constructor.name;
    },
    'voices.getAll': async (peer) => {
      const answer = await client(peer).voices.getAll();
      assert.ok(answer.voices.some((voice) => voice.voiceId === VOICE));
      return `${answer.voices.length} voices`;
    },
    'models.list': async (peer) => {
      const models = await client(peer).models.list();
      assert.ok(models.some((model) => model.modelId === 'eleven_turbo_v2'));
      return `${models.length} models`;
    },
  },
};
