// SPDX-License-Identifier: LGPL-2.1-or-later
// Somebody else's consumer of Twilio's media streams, between our telephone and our Realtime.
'use strict';
const http = require('node:http');
const {TwilioRealtimeTransportLayer} = require('@openai/agents-extensions');
const {WebSocketServer} = require('ws');
const {Awaited, assert} = require('./harness');

const ACCOUNT = 'AC00000000000000000000000000000001';

async function ask(peer, path, form) {
  const answer = await fetch(`${peer.url}/2010-04-01/Accounts/${ACCOUNT}/${path}`, {
    method: form ? 'POST' : 'GET', body: form && new URLSearchParams(form),
    headers: {authorization: `Basic ${Buffer.from(`${ACCOUNT}:secret`).toString('base64')}`}});
  return answer.json();
}

module.exports = {
  sdk: '@openai/agents-extensions',
  calls: {
    'a telephone talks to Realtime': async (peer) => {
      await peer.script({script: {twilio: {calls: [{says: 'hello there'}]}, openai: {replies: [{text: 'Good morning.'}]}}});
      const events = new Awaited();
      const server = http.createServer();
      new WebSocketServer({server}).on('connection', (twilioWebSocket) => {
        const layer = new TwilioRealtimeTransportLayer({twilioWebSocket});
        layer.on('*', (event) => events.push(event));
        layer.on('error', (error) => events.fail(error.error ?? error));
        layer.connect({apiKey: 'sk-test', url: `${peer.socket('openai')}/v1/realtime?model=gpt-realtime`}).catch((error) => events.fail(error));
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const twiml = `<Response><Connect><Stream url="ws://127.0.0.1:${server.address().port}/"/></Connect></Response>`;
        const call = await ask(peer, 'Calls.json', {To: '+15551230000', From: '+15551230001', Twiml: twiml, Record: 'true'});
        await events.until((event) => event.type === 'twilio_message' && event.message.event === 'start');
        const said = await events.until((event) => event.type === 'response.output_audio_transcript.done');
        assert.equal(said.transcript, 'Good morning.');
        // what it has sent is played and its marks come back
        await events.until((event) => event.type === 'twilio_message' && event.message.event === 'mark');
        await ask(peer, `Calls/${call.sid}.json`, {Status: 'completed'});
        const {recordings} = await ask(peer, 'Recordings.json');
        assert.equal(recordings[0].status, 'completed');
        return `${events.all.length} events`;
      } finally {
        server.close();
        server.closeAllConnections?.();
      }
    },
  },
};
