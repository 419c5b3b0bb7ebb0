# SPDX-License-Identifier: LGPL-2.1-or-later
"""The least that echoes Twilio Media Streams in FastAPI: what Cordboard is compared with."""
import json
import sys

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.post("/api/twilio/incoming")
async def incoming(request: Request):
    url = "ws://%s/ws" % request.headers["host"]
    return Response(
        '<Response><Connect><Stream url="%s"/></Connect></Response>' % url, media_type="text/xml"
    )


@app.websocket("/ws")
async def stream(socket: WebSocket):
    await socket.accept()
    try:
        while True:
            message = json.loads(await socket.receive_text())
            if message["event"] == "media":
                payload = message["media"]["payload"]
                sid = message["streamSid"]
                await socket.send_text(
                    json.dumps({"event": "media", "streamSid": sid, "media": {"payload": payload}})
                )
            elif message["event"] == "stop":
                break
    except WebSocketDisconnect:
        pass


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
