"""One process of the click server: puts the parts together and serves until SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from tracking.clickserver.application import Application, tell
from tracking.clickserver.keeper import Keeper
from tracking.clickserver.protocol import HttpServer, Request
from tracking.clickserver.recorder import Recorder
from tracking.clickserver.spool import Spool
from tracking.clickserver.store import connect

GRACE_SECONDS = 3.4  # for answering what is in hand at the end: longer than a commit may take, shorter than supervisors wait

LOAD_SECONDS = 2.0


@dataclass(frozen=True)
class Options:
    host: str
    port: int
    database_url: str
    spool: Path
    visitor_key: bytes
    secure: bool  # visitors come by https


def run(options: Options, listening: socket.socket) -> None:
    gc.set_threshold(20_000)  # what a click needs is freed by counting references; only closed connections leave cycles behind
    uvloop.run(serve(options, listening))


async def serve(options: Options, listening: socket.socket) -> None:
    """Answer until SIGTERM or SIGINT; then stop accepting, finish the batch, answer everything in hand."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    keeper = Keeper(partial(connect, options.database_url))
    recorder: Recorder[Request] = Recorder(partial(connect, options.database_url), Spool(options.spool), tell)
    server = HttpServer(Application(keeper, recorder, options.visitor_key, options.secure).handle)
    keeper.start()
    await recorder.start()
    stopped = asyncio.create_task(stop.wait())
    # Visitors are let in once the links are known; without PostgreSQL, all the same, and told to come again.
    await asyncio.wait(
        [stopped, asyncio.create_task(keeper.loaded.wait())], timeout=LOAD_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    await server.start(listening)
    ended, _ = await asyncio.wait([stopped, *keeper.tasks, *recorder.tasks], return_when=asyncio.FIRST_COMPLETED)
    await server.stop(GRACE_SECONDS)
    await recorder.stop()
    await keeper.stop()
    for task in ended:
        task.result()  # raises what ended it, if it was not the signal
