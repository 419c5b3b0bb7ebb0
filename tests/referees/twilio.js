// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const http = require('node:http');
const twilio = require('twilio');
const {WebSocketServer} = require('ws');
const {Awaited, assert, refusal} = require('./harness');

const ACCOUNT = 'AC00000000000000000000000000000001', TOKEN = 'secret';

/** Twilio's own client, at the simulator's address. */
function client(peer, token = TOKEN) {
  const inner = new twilio.RequestClient();
  const httpClient = {request: (options) => inner.request(
    {...options, uri: options.uri.replace('https://api.twilio.com', peer.url)})};
  return twilio(ACCOUNT, token, {httpClient});
}

/** A user's server: takes webhooks and streams, and checks their signatures with the SDK. */
class UserServer {
  constructor() {
    this.posts = new Awaited();
    this.frames = new Awaited();
    this.server = http.createServer((request, response) => this.onRequest(request, response));
    this.sockets = new WebSocketServer({server: this.server});
    this.sockets.on('connection', (socket, request) => this.onSocket(socket, request));
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.host = `127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async onRequest(request, response) {
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = Object.fromEntries(new URLSearchParams(body));
    const valid = twilio.validateRequest(
      TOKEN, request.headers['x-twilio-signature'], `http://${this.host}${request.url}`, form);
    this.posts.push({path: request.url, valid, ...form});
    const twiml = new twilio.twiml.VoiceResponse();
    twiml.connect().stream({url: `ws://${this.host}/media`}).parameter({name: 'agent', value: 'sales'});
    response.setHeader('Content-Type', 'text/xml');
    response.end(request.url === '/voice' ? twiml.toString() : '<Response/>');
  }

  onSocket(socket, request) {
    const valid = twilio.validateRequest(
      TOKEN, request.headers['x-twilio-signature'], `ws://${this.host}${request.url}`, {});
    this.frames.push({event: 'upgrade', valid});
    this.stream = socket;
    socket.on('message', (data) => this.frames.push(JSON.parse(data)));
    socket.on('close', () => this.frames.push({event: 'closed'}));
  }

  close() {
    this.sockets.clients.forEach((socket) => socket.terminate());
    this.server.close();
    this.server.closeAllConnections?.();
  }
}

async function withServer(run) {
  const server = await new UserServer().listen();
  try {
    return await run(server);
  } finally {
    server.close();
  }
}

const order = (server, fields = {}) => ({
  to: '+15551230000', from: '+15551230001', url: `http://${server.host}/voice`,
  statusCallback: `http://${server.host}/status`, statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'],
  ...fields,
});

module.exports = {
  sdk: 'twilio',
  calls: {
    'calls.create, callbacks, stream, hang-up': (peer) => withServer(async (server) => {
      await peer.script({script: {twilio: {calls: [{says: 'hello'}]}}});
      const call = await client(peer).calls.create(order(server));
      assert.match(call.sid, /^CA[0-9a-f]{32}$/);
      assert.equal(call.status, 'queued');
      assert.ok(call.dateCreated instanceof Date);
      const start = await server.frames.until((frame) => frame.event === 'start');
      assert.equal(start.start.callSid, call.sid);
      assert.equal(start.start.customParameters.agent, 'sales');
      assert.deepEqual(start.start.mediaFormat, {encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1});
      await server.frames.until((frame) => frame.event === 'media' && frame.media.chunk === '10');
      server.stream.send(JSON.stringify({event: 'mark', streamSid: start.streamSid, mark: {name: 'm1'}}));
      await server.frames.until((frame) => frame.event === 'mark' && frame.mark.name === 'm1');
      const ended = await client(peer).calls(call.sid).update({status: 'completed'});
      assert.equal(ended.status, 'completed');
      await server.posts.until((post) => post.CallStatus === 'completed');
      await server.frames.until((frame) => frame.event === 'stop');
      const told = server.posts.all.filter((post) => post.path === '/status');
      assert.deepEqual(told.map((post) => post.CallStatus), ['initiated', 'ringing', 'in-progress', 'completed']);
      assert.deepEqual(told.map((post) => post.SequenceNumber), ['0', '1', '2', '3']);
      assert.ok(server.posts.all.every((post) => post.valid), 'a signature is wrong');
      assert.ok(server.frames.all[0].valid, "the stream's signature is wrong");
      return `${told.length} callbacks, ${server.frames.all.length} frames`;
    }),
    'calls.create, busy': (peer) => withServer(async (server) => {
      await peer.script({script: {twilio: {calls: [{outcome: 'busy'}]}}});
      const call = await client(peer).calls.create(order(server));
      const last = await server.posts.until((post) => post.CallStatus === 'busy');
      assert.equal(last.SequenceNumber, '2');
      assert.equal((await client(peer).calls(call.sid).fetch()).status, 'busy');
      return `SIP ${last.SipResponseCode}`;
    }),
    'machine detection, asynchronous': (peer) => withServer(async (server) => {
      await peer.script({script: {twilio: {calls: [{answered_by: 'machine_end_beep'}]}}});
      const call = await client(peer).calls.create(order(server, {
        machineDetection: 'DetectMessageEnd', asyncAmd: 'true', asyncAmdStatusCallback: `http://${server.host}/amd`}));
      const told = await server.posts.until((post) => post.path === '/amd');
      assert.equal(told.AnsweredBy, 'machine_end_beep');
      assert.equal((await client(peer).calls(call.sid).fetch()).answeredBy, 'machine_end_beep');
      await client(peer).calls(call.sid).update({status: 'completed'});
      return told.AnsweredBy;
    }),
    'calls.update, other TwiML': (peer) => withServer(async (server) => {
      await peer.script({});
      const call = await client(peer).calls.create(order(server));
      await server.frames.until((frame) => frame.event === 'media');
      await client(peer).calls(call.sid).update({twiml: '<Response><Hangup/></Response>'});
      await server.frames.until((frame) => frame.event === 'stop');
      await server.posts.until((post) => post.CallStatus === 'completed');
      return 'the stream ends';
    }),
    'recordings': (peer) => withServer(async (server) => {
      await peer.script({});
      const call = await client(peer).calls.create(order(server, {
        record: true, recordingStatusCallback: `http://${server.host}/recording`,
        recordingStatusCallbackEvent: ['in-progress', 'completed']}));
      await server.frames.until((frame) => frame.event === 'media' && frame.media.chunk === '30');
      const paused = await client(peer).calls(call.sid).recordings('Twilio.CURRENT').update({status: 'paused'});
      assert.equal(paused.status, 'paused');
      await client(peer).calls(call.sid).update({status: 'completed'});
      const told = await server.posts.until((post) => post.RecordingStatus === 'completed');
      const list = await client(peer).recordings.list();
      assert.equal(list[0].sid, told.RecordingSid);
      assert.equal((await client(peer).recordings(told.RecordingSid).fetch()).callSid, call.sid);
      return told.RecordingSid.slice(0, 8);
    }),
    'calls.list, in pages': async (peer) => {
      await peer.script({script: {twilio: {calls: [{outcome: 'busy'}]}}});
      for (let i = 0; i < 5; i++)
        await client(peer).calls.create({to: `+1555123000${i}`, from: '+15551230009', url: 'http://127.0.0.1:9/'});
      const calls = await client(peer).calls.list({pageSize: 2});
      assert.deepEqual(calls.map((call) => call.to.at(-1)), ['4', '3', '2', '1', '0']);
      assert.equal((await client(peer).calls.list({to: '+15551230003'})).length, 1);
      return `${calls.length} calls in 3 pages`;
    },
    'incomingPhoneNumbers': async (peer) => {
      await peer.script({script: {twilio: {numbers: ['+15551230001', '+15551230002']}}});
      assert.equal((await client(peer).incomingPhoneNumbers.list()).length, 2);
      const [number] = await client(peer).incomingPhoneNumbers.list({phoneNumber: '+15551230002'});
      await client(peer).incomingPhoneNumbers(number.sid).update({voiceUrl: 'https://x.example/voice', voiceMethod: 'POST'});
      const again = await client(peer).incomingPhoneNumbers(number.sid).fetch();
      assert.equal(again.voiceUrl, 'https://x.example/voice');
      return again.phoneNumber;
    },
    'refusals': async (peer) => {
      await peer.script({script: {twilio: {numbers: ['+15551230001']}}});
      const base = {to: '+15551230000', from: '+15551230001', url: 'http://127.0.0.1:9/'};
      const table = [
        [21211, {...base, to: '12'}], [21212, {...base, from: 'x'}], [21210, {...base, from: '+15559999999'}],
        [21205, {...base, url: 'nowhere'}], [21215, {...base, to: '+15005550003'}],
      ];
      for (const [code, fields] of table) {
        const error = await refusal(client(peer).calls.create(fields));
        assert.ok(error instanceof twilio.RestException);
        assert.equal(error.code, code);
        assert.equal(error.status, 400);
        assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
      }
      assert.equal((await refusal(client(peer, 'wrong').calls.create(base))).code, 20003);
      assert.equal((await refusal(client(peer).calls('CA00000000000000000000000000000000').fetch())).code, 20404);
      return `${table.length + 2} codes`;
    },
    'an ended call is not updated': async (peer) => {
      await peer.script({script: {twilio: {calls: [{outcome: 'no-answer', answer_ms: 30}]}}});
      const call = await client(peer).calls.create({to: '+15551230000', from: '+15551230001', url: 'http://127.0.0.1:9/'});
      while ((await client(peer).calls(call.sid).fetch()).status !== 'no-answer');
      assert.equal((await refusal(client(peer).calls(call.sid).update({status: 'completed'}))).code, 21220);
      return '21220';
    },
    'too many requests': async (peer) => {
      await peer.script({script: {twilio: {calls: [{refuse: {status: 429}}, {outcome: 'busy'}]}}});
      const fields = {to: '+15551230000', from: '+15551230001', url: 'http://127.0.0.1:9/'};
      const error = await refusal(client(peer).calls.create(fields));
      assert.equal(error.status, 429);
      assert.equal(error.code, 20429);
      assert.equal((await client(peer).calls.create(fields)).status, 'queued');
      return '20429';
    },
  },
};
