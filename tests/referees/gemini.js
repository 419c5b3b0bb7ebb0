// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
const {GoogleGenAI} = require('@google/genai');
const {assert, collect, refusal} = require('./harness');

const client = (peer, key = 'AIza-test') =>
  new GoogleGenAI({apiKey: key, httpOptions: {baseUrl: peer.root('gemini')}});
const hello = {model: 'gemini-2.5-flash', contents: 'hello'};
const TOOL = {functionDeclarations: [
  {name: 'lookup', description: 'd', parametersJsonSchema: {type: 'object', properties: {q: {type: 'string'}}}}]};

module.exports = {
  sdk: '@google/genai',
  calls: {
    'generateContentStream': async (peer) => {
      await peer.script({script: {gemini: {replies: [{text: 'Good morning, world.'}]}}});
      const chunks = await collect(await client(peer).models.generateContentStream(
        {...hello, config: {systemInstruction: 's', temperature: 0.2}}));
      assert.equal(chunks.map((chunk) => chunk.text ?? '').join(''), 'Good morning, world.');
      assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
      assert.ok(chunks.at(-1).usageMetadata.totalTokenCount > 0);
      return `${chunks.length} chunks`;
    },
    'generateContentStream, function calls': async (peer) => {
      await peer.script({script: {gemini: {replies: [
        {tools: [{name: 'lookup', arguments: {q: 'x'}}, {name: 'lookup', arguments: {q: 'y'}}]}]}}});
      const chunks = await collect(await client(peer).models.generateContentStream({...hello, config: {tools: [TOOL]}}));
      const calls = chunks.flatMap((chunk) => chunk.functionCalls ?? []);
      assert.deepEqual(calls.map((call) => call.args), [{q: 'x'}, {q: 'y'}]);
      return `${calls.length} calls`;
    },
    'a function response, with its signature': async (peer) => {
      await peer.script({script: {gemini: {replies: [{tools: [{name: 'lookup', arguments: {}}]}]}}});
      const asked = await collect(await client(peer).models.generateContentStream(hello));
      const call = asked.flatMap((chunk) => chunk.candidates[0].content?.parts ?? []).find((part) => part.functionCall);
      assert.ok(call.thoughtSignature);
      const turn = (part) => [
        {role: 'user', parts: [{text: 'hello'}]}, {role: 'model', parts: [part]},
        {role: 'user', parts: [{functionResponse: {name: 'lookup', response: {output: 'forty-two'}}}]}];
      const chunks = await collect(await client(peer).models.generateContentStream({...hello, contents: turn(call)}));
      assert.match(chunks.map((chunk) => chunk.text ?? '').join(''), /forty-two/);
      const error = await refusal(client(peer).models.generateContentStream(
        {...hello, contents: turn({functionCall: call.functionCall})}));
      assert.equal(error.status, 400);
      return 'answered; without it refused';
    },
    'a wrong key': async (peer) => {
      const error = await refusal(client(peer, 'wrong').models.generateContentStream(hello));
      assert.equal(error.status, 400);
      assert.match(error.message, /API_KEY_INVALID/);
      return `${error.name} ${error.status}`;
    },
    'models.list': async (peer) => {
      await peer.script({});
      const models = await collect(await client(peer).models.list());
      assert.ok(models.some((model) => model.name === 'models/gemini-2.5-flash'));
      return `${models.length} models`;
    },
  },
};
