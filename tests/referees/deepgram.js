// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {DeepgramClient} = require('@deepgram/sdk');
const {Awaited, assert, refusal, sound} = require('./harness');

function client(peer) {
  const root = peer.root('deepgram'), socket = peer.socket('deepgram');
  return new DeepgramClient({apiKey: 'dgkey', environment: {base: root, production: socket, agent: socket, agentRest: root}});
}

/** Connects, speaks, and says when the socket is closed. */
async function talk(connection, audio, close) {
  const messages = new Awaited();
  connection.on('message', (message) => messages.push(message));
  connection.on('error', (error) => messages.fail(error));
  connection.on('close', (event) => messages.push({type: 'closed', code: event?.code}));
  connection.connect();
  await connection.waitForOpen();
  for (let i = 0; i < audio.length; i += 160) connection.sendMedia(audio.subarray(i, i + 160));
  await close(messages);
  await messages.until((message) => message.type === 'closed');
  return messages.all;
}

module.exports = {
  sdk: '@deepgram/sdk',
  calls: {
    'listen.v1': async (peer) => {
      await peer.script({script: {deepgram: {utterances: ['good morning world']}}});
      const connection = await client(peer).listen.v1.connect({
        model: 'nova-3', encoding: 'mulaw', sample_rate: 8000, channels: 1, interim_results: 'true', smart_format: 'true',
        endpointing: 300, utterance_end_ms: 1000, vad_events: 'true', language: 'en-US', keyterm: ['foo', 'bar'],
        reconnectAttempts: 0, Authorization: 'Token dgkey'});
      const all = await talk(connection, sound(1200, 2000), async (messages) => {
        connection.sendKeepAlive({type: 'KeepAlive'});
        await messages.until((message) => message.type === 'UtteranceEnd');
        connection.sendFinalize({type: 'Finalize'});
        connection.sendCloseStream({type: 'CloseStream'});
      });
      const results = all.filter((message) => message.type === 'Results');
      const final = results.filter((message) => message.is_final)
        .map((message) => message.channel.alternatives[0].transcript).filter((text) => text).join(' ');
      assert.match(final, /good morning world/i);
      assert.ok(results.some((message) => message.speech_final));
      assert.ok(results.some((message) => !message.is_final), 'there is no interim result');
      for (const type of ['SpeechStarted', 'UtteranceEnd', 'Metadata'])
        assert.ok(all.some((message) => message.type === type), `${type} is missing`);
      return `${all.length} messages: ${final}`;
    },
    'listen.v2 (Flux)': async (peer) => {
      await peer.script({script: {deepgram: {utterances: ['good morning world']}}});
      const connection = await client(peer).listen.v2.connect({
        model: 'flux-general-en', encoding: 'mulaw', sample_rate: 8000, eot_threshold: 0.7, eager_eot_threshold: 0.5,
        eot_timeout_ms: 5000, keyterm: 'foo', reconnectAttempts: 0, Authorization: 'Token dgkey'});
      const all = await talk(connection, sound(1200, 2500), async (messages) => {
        connection.sendConfigure({type: 'Configure', thresholds: {eot_threshold: 0.8}});
        await messages.until((message) => message.event === 'EndOfTurn');
        connection.sendCloseStream({type: 'CloseStream'});
      });
      // what is told before somebody speaks has no words
      const events = all.filter((message) => message.type === 'TurnInfo' && message.transcript)
        .map((message) => message.event);
      assert.equal(events[0], 'StartOfTurn');
      assert.ok(events.includes('Update'));
      assert.ok(all.some((message) => message.type === 'Connected'));
      assert.ok(all.some((message) => message.type === 'ConfigureSuccess'));
      assert.match(all.find((message) => message.event === 'EndOfTurn').transcript, /good morning world/i);
      const numbers = all.filter((message) => 'sequence_id' in message).map((message) => message.sequence_id);
      assert.deepEqual(numbers, numbers.map((_, i) => i));
      return [...new Set(events)].join(' ');
    },
    'manage.v1.projects': async (peer) => {
      await peer.script({});
      const answer = await client(peer).manage.v1.projects.list();
      assert.ok(answer.projects.length > 0);
      return `${answer.projects.length} projects`;
    },
    'a wrong key': async (peer) => {
      const root = peer.root('deepgram');
      const stranger = new DeepgramClient({apiKey: 'wrong', maxRetries: 0, environment: {base: root, production: root, agent: root, agentRest: root}});
      const error = await refusal(stranger.manage.v1.projects.list());
      assert.equal(error.statusCode, 401);
      return error.constructor.name;
    },
  },
};
