# SPDX-License-Identifier: LGPL-2.1-or-later
"""The least that answers for agents and calls with FastAPI and asyncpg: what Cordboard is compared with."""
import contextlib
import json
import sys
from typing import Any, List, Optional

import asyncpg
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

port, database = int(sys.argv[1]), sys.argv[2]


class Agent(BaseModel):
    id: str
    name: str
    description: Optional[str]
    system_prompt: str
    voice_id: str
    language: str
    llm_model: str
    tools_enabled: List[str]
    is_active: bool
    metadata: Any
    created_at: str
    updated_at: str


def to_agent(row):
    values = dict(row)
    return Agent(**dict(values, tools_enabled=json.loads(values["tools_enabled"]),
                        metadata=json.loads(values["metadata"] or "null")))


@contextlib.asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(database, min_size=4, max_size=4) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/api/agents")
async def agents() -> List[Agent]:
    rows = await app.state.pool.fetch("SELECT * FROM agents ORDER BY created_at DESC")
    return [to_agent(row) for row in rows]


@app.get("/api/agents/{id}")
async def agent(id: str) -> Agent:
    row = await app.state.pool.fetchrow("SELECT * FROM agents WHERE id = $1", id)
    if row is None:
        raise HTTPException(404)
    return to_agent(row)


uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
