// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {OpenAI, toFile} = require('openai');
const {OpenAIRealtimeWS} = require('openai/realtime/ws');
const {OpenAIRealtimeWS: OpenAIRealtimeBeta} = require('openai/beta/realtime/ws');
const {Awaited, assert, collect, refusal, sound, wav} = require('./harness');

const TOOL = {
  type: 'function',
  function: {name: 'lookup', description: 'd', parameters: {type: 'object', properties: {q: {type: 'string'}}}},
};

const client = (peer, key = 'sk-test') => new OpenAI({apiKey: key, baseURL: `${peer.root('openai')}/v1`, maxRetries: 0});
const hello = {model: 'gpt-4o-mini', stream: true, messages: [{role: 'user', content: 'hello'}]};

function open(Client, peer, model) {
  const events = new Awaited();
  const socket = new Client({model}, client(peer));
  socket.on('event', (event) => events.push(event));
  socket.on('error', (error) => events.fail(error));
  return {socket, events};
}

/** Says something, in frames of 20 ms, and is silent for a while. */
function speak(socket) {
  const audio = sound(800, 1200);
  for (let i = 0; i < audio.length; i += 160)
    socket.send({type: 'input_audio_buffer.append', audio: audio.subarray(i, i + 160).toString('base64')});
}

/** What every spoken turn has, and these. */
function assertTypes(events, more) {
  const types = new Set(events.all.map((event) => event.type));
  for (const type of ['input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped',
                      'input_audio_buffer.committed', 'response.created', 'response.output_item.added',
                      'response.output_item.done', ...more])
    assert.ok(types.has(type), `${type} is missing`);
}

module.exports = {
  sdk: 'openai',
  calls: {
    'chat.completions stream': async (peer) => {
      await peer.script({script: {openai: {replies: [{text: 'Good morning, world.'}]}}});
      const chunks = await collect(await client(peer).chat.completions.create(
        {...hello, stream_options: {include_usage: true}}));
      const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
      assert.equal(text, 'Good morning, world.');
      assert.equal(chunks.findLast((chunk) => chunk.choices.length).choices[0].finish_reason, 'stop');
      assert.ok(chunks.at(-1).usage.total_tokens > 0);
      return `${chunks.length} chunks`;
    },
    'chat.completions.stream, tool calls': async (peer) => {
      await peer.script({script: {openai: {replies: [
        {tools: [{name: 'lookup', arguments: {q: 'x'}}, {name: 'lookup', arguments: {q: 'y'}}]}]}}});
      const final = await client(peer).chat.completions.stream({...hello, tools: [TOOL]}).finalChatCompletion();
      const calls = final.choices[0].message.tool_calls;
      assert.deepEqual(calls.map((call) => JSON.parse(call.function.arguments)), [{q: 'x'}, {q: 'y'}]);
      assert.equal(final.choices[0].finish_reason, 'tool_calls');
      return `${calls.length} calls`;
    },
    'chat.completions, a result is answered': async (peer) => {
      await peer.script({});
      const chunks = await collect(await client(peer).chat.completions.create({...hello, messages: [
        {role: 'user', content: 'hello'},
        {role: 'assistant', content: null, tool_calls: [{id: 'c1', type: 'function', function: {name: 'f', arguments: '{}'}}]},
        {role: 'tool', tool_call_id: 'c1', content: 'forty-two'}]}));
      assert.match(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), /forty-two/);
      return 'answered';
    },
    'chat.completions, 401': async (peer) => {
      const error = await refusal(client(peer, 'wrong').chat.completions.create(hello));
      assert.ok(error instanceof OpenAI.AuthenticationError);
      assert.equal(error.code, 'invalid_api_key');
      return error.constructor.name;
    },
    'chat.completions, 429 and retry': async (peer) => {
      const body = JSON.stringify({error: {message: 'slow', type: 'requests', param: null, code: 'rate_limit_exceeded'}});
      await peer.script({faults: [{provider: 'openai', fault: 'status', status: 429, headers: {'retry-after-ms': '1'}, body}]});
      const patient = new OpenAI({apiKey: 'k', baseURL: `${peer.root('openai')}/v1`, maxRetries: 1});
      const chunks = await collect(await patient.chat.completions.create(hello));
      assert.ok(chunks.length > 2);
      await peer.script({faults: [{provider: 'openai', fault: 'status', status: 429, body}]});
      assert.ok(await refusal(client(peer).chat.completions.create(hello)) instanceof OpenAI.RateLimitError);
      return 'asked again';
    },
    'DeepSeek, reasoning and a call': async (peer) => {
      await peer.script({script: {deepseek: {replies: [
        {text: '', reasoning: 'Hm, hm.', tools: [{name: 'lookup', arguments: {q: 'x'}}]}]}}});
      const deepseek = new OpenAI({apiKey: 'k', baseURL: peer.root('deepseek'), maxRetries: 0});
      const chunks = await collect(await deepseek.chat.completions.create({...hello, model: 'deepseek-chat'}));
      const deltas = chunks.map((chunk) => chunk.choices[0]?.delta ?? {});
      assert.equal(deltas.map((delta) => delta.reasoning_content ?? '').join(''), 'Hm, hm.');
      const pieces = deltas.flatMap((delta) => delta.tool_calls ?? []);
      assert.deepEqual(JSON.parse(pieces.map((piece) => piece.function.arguments).join('')), {q: 'x'});
      assert.ok(chunks.at(-1).usage.total_tokens > 0);
      assert.ok((await collect(await deepseek.models.list())).some((model) => model.id === 'deepseek-chat'));
      return `${pieces.length} pieces`;
    },
    'models.list': async (peer) => {
      await peer.script({});
      const models = await collect(await client(peer).models.list());
      assert.ok(models.some((model) => model.id === 'gpt-4o-mini'));
      return `${models.length} models`;
    },
    'audio.transcriptions, verbose_json': async (peer) => {
      await peer.script({script: {openai: {transcriptions: ['good morning']}}});
      const text = await client(peer).audio.transcriptions.create({
        model: 'whisper-1', file: await toFile(wav(500), 'a.wav', {type: 'audio/wav'}), language: 'en',
        response_format: 'verbose_json', timestamp_granularities: ['word']});
      assert.match(text.text, /good morning/i);
      assert.equal(text.words.length, 2);
      return text.text;
    },
    'audio.transcriptions, stream': async (peer) => {
      await peer.script({script: {openai: {transcriptions: ['good morning']}}});
      const events = await collect(await client(peer).audio.transcriptions.create({
        model: 'gpt-4o-mini-transcribe', stream: true, file: await toFile(wav(500), 'a.wav', {type: 'audio/wav'})}));
      assert.equal(events.at(-1).type, 'transcript.text.done');
      assert.equal(events.filter((event) => event.type === 'transcript.text.delta').map((event) => event.delta).join(''),
                   events.at(-1).text);
      return `${events.length} events`;
    },
    'audio.transcriptions, too short': async (peer) => {
      const error = await refusal(client(peer).audio.transcriptions.create(
        {model: 'whisper-1', file: await toFile(wav(20), 'a.wav', {type: 'audio/wav'})}));
      assert.ok(error instanceof OpenAI.BadRequestError);
      return error.constructor.name;
    },
    'audio.speech': async (peer) => {
      const answer = await client(peer).audio.speech.create(
        {model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'hello there', response_format: 'pcm'});
      const audio = await answer.arrayBuffer();
      assert.equal(audio.byteLength, 'hello there'.length * 60 * 48);
      return `${audio.byteLength} bytes`;
    },
    'realtime, GA': {only: 'tls', run: async (peer) => {
      await peer.script({});
      const {socket, events} = open(OpenAIRealtimeWS, peer, 'gpt-realtime');
      await events.until((event) => event.type === 'session.created');
      socket.send({type: 'session.update', session: {
        type: 'realtime', output_modalities: ['audio'], audio: {
          input: {format: {type: 'audio/pcmu'}, turn_detection: {type: 'server_vad'}},
          output: {format: {type: 'audio/pcmu'}, voice: 'marin'}}}});
      await events.until((event) => event.type === 'session.updated');
      speak(socket);
      const done = await events.until((event) => event.type === 'response.done');
      assertTypes(events, ['response.output_audio.delta', 'response.output_audio.done',
                           'response.output_audio_transcript.done']);
      assert.equal(done.response.status, 'completed');
      socket.close();
      return `${events.all.length} events`;
    }},
    'realtime, GA: a function call': {only: 'tls', run: async (peer) => {
      await peer.script({script: {openai: {replies: [{match: 'look', text: '', tools: [{name: 'lookup', arguments: {q: 'x'}}]}],
                                           utterances: ['please look']}}});
      const {socket, events} = open(OpenAIRealtimeWS, peer, 'gpt-realtime');
      await events.until((event) => event.type === 'session.created');
      socket.send({type: 'session.update', session: {
        type: 'realtime', tools: [{type: 'function', ...TOOL.function}], audio: {input: {format: {type: 'audio/pcmu'}}}}});
      await events.until((event) => event.type === 'session.updated');
      speak(socket);
      const call = await events.until((event) => event.type === 'response.function_call_arguments.done');
      assert.deepEqual(JSON.parse(call.arguments), {q: 'x'});
      await events.until((event) => event.type === 'response.done');
      socket.send({type: 'conversation.item.create',
                   item: {type: 'function_call_output', call_id: call.call_id, output: '"forty-two"'}});
      socket.send({type: 'response.create'});
      const said = await events.until((event) => event.type === 'response.output_audio_transcript.done');
      assert.match(said.transcript, /forty-two/);
      await events.until((event) => event.type === 'response.done' && event.response.output.some((item) => item.type === 'message'));
      socket.send({type: 'conversation.item.truncate', item_id: said.item_id, content_index: 0, audio_end_ms: 100});
      const cut = await events.until((event) => event.type === 'conversation.item.truncated');
      assert.equal(cut.audio_end_ms, 100);
      socket.close();
      return said.transcript;
    }},
    'realtime, beta': {only: 'tls', run: async (peer) => {
      await peer.script({});
      const {socket, events} = open(OpenAIRealtimeBeta, peer, 'gpt-4o-realtime-preview');
      await events.until((event) => event.type === 'session.created');
      socket.send({type: 'session.update', session: {
        modalities: ['audio', 'text'], input_audio_format: 'g711_ulaw', output_audio_format: 'g711_ulaw',
        turn_detection: {type: 'server_vad'}}});
      await events.until((event) => event.type === 'session.updated');
      speak(socket);
      await events.until((event) => event.type === 'response.done');
      assertTypes(events, ['conversation.item.created', 'response.audio.delta', 'response.audio_transcript.done']);
      socket.close();
      return `${events.all.length} events`;
    }},
  },
};
