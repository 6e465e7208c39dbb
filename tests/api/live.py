"""A server over a real socket, for answers that do not end, and a client that reads events from it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import uvicorn

from postroom.api.protocol import LimitedProtocol, make_protocol
from tests.api.world import World

PATIENCE_SECONDS = 10
HEADER_BYTES = 32 * 1024


@dataclass
class Live:
    """The running server."""

    server: uvicorn.Server
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> list[LimitedProtocol]:
        """The open connections."""
        return [one for one in self.server.server_state.connections if isinstance(one, LimitedProtocol)]


@asynccontextmanager
async def serving(world: World, protocol: type[LimitedProtocol] | None = None) -> AsyncIterator[Live]:
    """Run the world's application on a free port."""
    config = uvicorn.Config(
        world.app,
        port=0,
        http=protocol or make_protocol(HEADER_BYTES),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (the server has no event to wait for)
        await asyncio.sleep(0.01)
    try:
        yield Live(server, server.servers[0].sockets[0].getsockname()[1])
    finally:
        world.domain.news.close()
        server.should_exit = True
        await asyncio.wait_for(running, PATIENCE_SECONDS)


class Told(NamedTuple):
    """An event as a client reads it; a comment has the kind ``:``."""

    kind: str
    id: str
    data: Any


@dataclass
class Events:
    """An open stream."""

    response: httpx.Response
    _lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.response.aiter_lines()

    async def next(self) -> Told | None:
        """Return the next event or comment, None at the end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            fields: dict[str, str] = {}
            async for line in self._lines:
                if line.startswith(":"):
                    fields["event"] = ":"
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields.keys() == {"retry"}:  # no event: when to come back
                    fields = {}
                else:
                    return Told(fields["event"], fields.get("id", ""), json.loads(fields.get("data", "null")))
        assert fields == {}, "the stream ended within an event"
        return None

    async def until(self, kind: str) -> Told:
        """Return the next event of a kind."""
        while (told := await self.next()) is not None:
            if told.kind == kind:
                return told
        raise AssertionError(f"the stream ended without {kind}")

    async def rest(self) -> list[Told]:
        """Return everything up to the end."""
        found: list[Told] = []
        while (told := await self.next()) is not None:
            found.append(told)
        return found


@asynccontextmanager
async def streaming(
    live: Live,
    authorization: str | None,
    *,
    last: str | None = None,
    session: str | None = None,
    **query: str,
) -> AsyncIterator[Events]:
    """Open a stream of events."""
    given = {"Authorization": authorization, "Last-Event-ID": last, "X-Axigen-Session": session}
    headers = {name: value for name, value in given.items() if value is not None}
    timeout = httpx.Timeout(PATIENCE_SECONDS)
    async with (
        httpx.AsyncClient(base_url=live.url, headers=headers, timeout=timeout) as client,
        client.stream("GET", "/api/v1/events", params=query) as response,
    ):
        if response.status_code != 200:
            await response.aread()
        yield Events(response)
