"""One process of the click server: puts the parts together and serves until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
import uvloop

from tracking.clickserver.http import Application, BoundedProtocol
from tracking.clickserver.keeper import Keeper
from tracking.clickserver.recorder import Recorder
from tracking.clickserver.spool import Spool
from tracking.clickserver.store import connect

GRACE_SECONDS = 3  # for answering what is in hand at the end


@dataclass(frozen=True)
class Options:
    host: str
    port: int
    database_url: str
    spool: Path
    visitor_key: bytes
    secure: bool  # visitors come by https


class Server(uvicorn.Server):
    """uvicorn's server, told by us when to stop: by its own doing it would end the process with the signal that it caught."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def ask_to_stop(self) -> None:
        self.should_exit = True


def run(options: Options, listening: socket.socket) -> None:
    uvloop.run(serve(options, listening))


async def serve(options: Options, listening: socket.socket) -> None:
    """Answer until SIGTERM or SIGINT; then stop accepting, finish the batch, answer everything in hand."""
    keeper = Keeper(partial(connect, options.database_url))
    recorder = Recorder(partial(connect, options.database_url), Spool(options.spool))
    application = Application(keeper, recorder, options.visitor_key, options.secure)
    server = Server(
        uvicorn.Config(
            application,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # visits.visitor_address knows better whom to believe
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_SECONDS,
            limit_concurrency=20_000,
            backlog=4096,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.ask_to_stop)
    keeper.start()
    await recorder.start()
    try:
        await server.serve([listening])
    finally:
        await recorder.stop()
        await keeper.stop()
