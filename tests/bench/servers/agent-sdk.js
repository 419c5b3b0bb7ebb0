// SPDX-License-Identifier: LGPL-2.1-or-later
// A voice agent as one writes it in a page with the vendors' SDKs: what Cordboard is compared with.
// Deepgram hears, OpenAI answers, ElevenLabs speaks; who speaks meanwhile interrupts.
const http = require('http');
const {WebSocketServer} = require('ws');
const {DeepgramClient} = require('@deepgram/sdk');
const {default: OpenAI} = require('openai');
const {ElevenLabsClient} = require('@elevenlabs/elevenlabs-js');

const {DEEPGRAM_BASE_URL: hearing, ELEVENLABS_BASE_URL: speaking, OPENAI_BASE_URL: thinking} = process.env;
const deepgram = new DeepgramClient({
  apiKey: 'k',
  environment: {base: hearing, production: hearing.replace('http', 'ws'), agent: hearing, agentRest: hearing},
});
const openai = new OpenAI({apiKey: 'k', baseURL: thinking});
const elevenlabs = new ElevenLabsClient({apiKey: 'k', baseUrl: speaking});
const GREETING = 'Hello, this is a sentence of about four seconds of speech in the test voice.';
const PROMPT = 'You are a friendly agent on the telephone. Answer in a sentence.';

class Call {
  constructor(socket) {
    this.socket = socket;
    this.messages = [{role: 'system', content: PROMPT}];
    this.abort = new AbortController();
    socket.on('message', (data) => this.onMessage(JSON.parse(data)));
    socket.on('close', () => this.end());
  }

  async onMessage(message) {
    if (message.event === 'start') {
      this.streamSid = message.streamSid;
      this.speak([GREETING], this.abort.signal).catch(() => {});
      await this.listen();
    } else if (message.event === 'media' && this.ear?.readyState === 1) {
      this.ear.sendMedia(Buffer.from(message.media.payload, 'base64'));
    }
  }

  async listen() {
    this.ear = await deepgram.listen.v1.connect({
      model: 'nova-3', encoding: 'mulaw', sample_rate: 8000, interim_results: 'true', smart_format: 'true',
      endpointing: 300, reconnectAttempts: 0, Authorization: 'Token k',
    });
    this.ear.on('message', (message) => {
      const text = message.type === 'Results' && message.channel.alternatives[0].transcript;
      if (!text) return;
      this.interrupt();
      if (message.speech_final) this.answer(text, this.abort.signal).catch(() => {});
    });
    this.ear.on('error', () => {});
    this.ear.connect();
  }

  interrupt() {
    if (!this.speaking) return;
    this.abort.abort();
    this.abort = new AbortController();
    this.speaking = false;
    this.socket.send(JSON.stringify({event: 'clear', streamSid: this.streamSid}));
  }

  async answer(text, signal) {
    this.messages.push({role: 'user', content: text});
    const tokens = await openai.chat.completions.create(
      {model: 'gpt-4o-mini', messages: this.messages, stream: true}, {signal});
    await this.speak(this.clauses(tokens), signal);
  }

  async* clauses(tokens) {
    let clause = '', all = '';
    for await (const chunk of tokens) {
      const token = chunk.choices[0]?.delta?.content ?? '';
      clause += token;
      all += token;
      if (/[,.!?] ?$/.test(token)) {
        yield clause;
        clause = '';
      }
    }
    if (clause.trim()) yield clause;
    this.messages.push({role: 'assistant', content: all});
  }

  async speak(clauses, signal) {
    this.speaking = true;
    for await (const text of clauses) {
      const audio = await elevenlabs.textToSpeech.stream(
        '21m00Tcm4TlvDq8ikWAM', {text, modelId: 'eleven_turbo_v2', outputFormat: 'ulaw_8000'},
        {abortSignal: signal});
      for await (const chunk of audio) {
        if (signal.aborted) return;
        this.socket.send(JSON.stringify({
          event: 'media', streamSid: this.streamSid, media: {payload: Buffer.from(chunk).toString('base64')},
        }));
      }
    }
  }

  end() {
    this.abort.abort();
    this.ear?.close();
  }
}

process.on('unhandledRejection', () => {});
const server = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/xml');
  response.end(`<Response><Connect><Stream url="ws://${request.headers.host}/ws"/></Connect></Response>`);
});
new WebSocketServer({server, perMessageDeflate: false}).on('connection', (socket) => new Call(socket));
server.listen(Number(process.argv[2]), '127.0.0.1');
