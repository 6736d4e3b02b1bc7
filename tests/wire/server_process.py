"""A swept server for tests: `python server_process.py FOLDER PORT`; killed and started again like a real one.

Prints "ready" once it listens. Uses the store file `FOLDER/swept.db` and the key in `FOLDER/key`.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from swept.clock import SystemClock
from swept.engine import Engine
from swept.server.app import create_app
from swept.server.context import Settings
from swept.store.sql import open_store
from swept.think import InlineThinker


class Announcing(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        os.write(1, b"ready\n")


def main(folder: Path, port: int) -> None:
    clock = SystemClock()
    store = open_store(f"sqlite:///{folder / 'swept.db'}")
    engine = Engine(store, clock, InlineThinker())
    engine.start()
    settings = Settings(key=(folder / "key").read_text(), files=folder / "files")
    app = create_app(store, engine, settings)
    over = threading.Event()

    def tick() -> None:
        while not over.wait(1.0):
            engine.tick(clock.now())

    threading.Thread(target=tick, daemon=True).start()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning")
    Announcing(config).run()
    over.set()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
