// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {OpenAIRealtimeWebSocket} = require('@openai/agents-realtime');
const {Awaited, sound} = require('./harness');

module.exports = {
  sdk: '@openai/agents-realtime',
  calls: {
    'a spoken turn': async (peer) => {
      await peer.script({});
      const events = new Awaited();
      const layer = new OpenAIRealtimeWebSocket({url: `${peer.socket('openai')}/v1/realtime?model=gpt-realtime`});
      layer.on('*', (event) => events.push(event));
      layer.on('error', (error) => events.fail(error.error ?? error));
      await layer.connect({apiKey: 'sk-test', model: 'gpt-realtime', initialSessionConfig: {
        outputModalities: ['audio'], audio: {
          input: {format: {type: 'audio/pcmu'}, turnDetection: {type: 'server_vad'}},
          output: {format: {type: 'audio/pcmu'}, voice: 'marin'}}}});
      await events.until((event) => event.type === 'session.updated');
      const audio = sound(800, 1200);
      for (let i = 0; i < audio.length; i += 160) {
        const frame = audio.subarray(i, i + 160);
        layer.sendAudio(frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.length));
      }
      await events.until((event) => event.type === 'response.done');
      layer.close();
      return `${events.all.length} events`;
    },
  },
};
