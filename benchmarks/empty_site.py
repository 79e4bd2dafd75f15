"""An empty Quart handler on the same server with the same settings: what ingest is held against."""

from __future__ import annotations

import asyncio
import logging
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, request

from hogsend.process.event_loop import tune_interpreter

app = Quart("empty")


@app.post("/")
async def empty() -> tuple[dict[str, bool], int]:
    await request.get_data()
    return {"stored": True}, 202


def main() -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("empty")
    config.include_server_header = False
    tune_interpreter()
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
