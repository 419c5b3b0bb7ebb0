// SPDX-License-Identifier: LGPL-2.1-or-later
// The least that echoes Twilio Media Streams in Node with ws: what Cordboard is compared with.
const http = require('http');
const {WebSocketServer} = require('ws');

const server = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/xml');
  response.end(`<Response><Connect><Stream url="ws://${request.headers.host}/ws"/></Connect></Response>`);
});
const sockets = new WebSocketServer({server, perMessageDeflate: false});
sockets.on('connection', (socket) => {
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.event === 'media') {
      socket.send(JSON.stringify({
        event: 'media', streamSid: message.streamSid, media: {payload: message.media.payload},
      }));
    }
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
