// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {Anthropic} = require('@anthropic-ai/sdk');
const {assert, collect, refusal} = require('./harness');

const client = (peer, key = 'sk-ant-test') =>
  new Anthropic({apiKey: key, baseURL: peer.root('anthropic'), maxRetries: 0});
const hello = {model: 'claude-haiku-4-5', max_tokens: 100, messages: [{role: 'user', content: 'hello'}]};
const TOOL = {name: 'lookup', description: 'd', input_schema: {type: 'object', properties: {q: {type: 'string'}}}};

module.exports = {
  sdk: '@anthropic-ai/sdk',
  calls: {
    'messages.stream': async (peer) => {
      await peer.script({script: {anthropic: {replies: [{text: 'Good morning, world.'}]}}});
      const message = await client(peer).messages.stream({...hello, system: 's'}).finalMessage();
      assert.equal(message.content[0].text, 'Good morning, world.');
      assert.equal(message.stop_reason, 'end_turn');
      assert.ok(message.usage.output_tokens > 0);
      return message.content[0].text;
    },
    'messages.stream, tool use': async (peer) => {
      await peer.script({script: {anthropic: {replies: [
        {text: 'Let me see.', tools: [{name: 'lookup', arguments: {q: 'x'}}, {name: 'lookup'}]}]}}});
      const message = await client(peer).messages.stream({...hello, tools: [TOOL]}).finalMessage();
      const calls = message.content.filter((block) => block.type === 'tool_use');
      assert.deepEqual(calls.map((call) => call.input), [{q: 'x'}, {}]);
      assert.equal(message.stop_reason, 'tool_use');
      return `${calls.length} calls`;
    },
    'messages, a result is answered': async (peer) => {
      await peer.script({});
      const message = await client(peer).messages.stream({...hello, messages: [
        {role: 'user', content: 'hello'},
        {role: 'assistant', content: [{type: 'tool_use', id: 't1', name: 'lookup', input: {}}]},
        {role: 'user', content: [{type: 'tool_result', tool_use_id: 't1', content: 'forty-two'}]}]}).finalMessage();
      assert.match(message.content[0].text, /forty-two/);
      return 'answered';
    },
    'messages, 401': async (peer) => {
      const error = await refusal(client(peer, 'wrong').messages.stream(hello).finalMessage());
      assert.ok(error instanceof Anthropic.AuthenticationError);
      assert.equal(error.error.error.type, 'authentication_error');
      return error.constructor.name;
    },
    'messages, overloaded after 200': async (peer) => {
      const body = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
      await peer.script({faults: [{provider: 'anthropic', message: 1, fault: 'replace', body}]});
      const error = await refusal(client(peer).messages.stream(hello).finalMessage());
      assert.match(String(error.message), /overloaded/i);
      return 'told in mid stream';
    },
    'models.list': async (peer) => {
      await peer.script({});
      const models = await collect(await client(peer).models.list());
      assert.ok(models.some((model) => model.id === 'claude-sonnet-4-5'));
      return `${models.length} models`;
    },
  },
};
