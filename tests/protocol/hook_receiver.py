"""A receiver of webhooks on loopback that answers as it is told, and what tests of webhooks work with."""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.fixtures.factories import Owner
from tests.fixtures.stores import data_dir_of

from postroom.api.schemas.webhook_messages import render_message
from postroom.app.webhook_http import HTTPSender
from postroom.config.retention import RetentionConfig
from postroom.config.webhooks import WebhooksConfig
from postroom.domain.server_secrets import ServerSecrets
from postroom.domain.webhook_runner import WebhookRunner
from postroom.domain.webhooks import HookChange, Webhooks
from postroom.model.webhook import Webhook, WebhookRef
from postroom.store import Store

CERTIFICATE = Path(__file__).parent / "loopback.pem"
"""A certificate for 127.0.0.1 and hook.test, with its key; for tests alone."""

HANG, RESET, CLOSE, ENDLESS, TRICKLE = "hang", "reset", "close", "endless", "trickle"
Answer = int | bytes | str
"""A status, all the bytes of an answer, or what else is done."""


class Taken(NamedTuple):
    """A request."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers requests by its script, then with 204."""

    script: list[Answer] = field(default_factory=list)
    default: Answer = 204
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    sent_bytes: int = 0
    port: int = 0
    on_taken: Callable[[], None] = lambda: None
    scheme: str = "http"
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?x=y"

    @property
    def ids(self) -> list[str]:
        return [taken.id for taken in self.taken]

    @property
    def places(self) -> list[tuple[int, str]]:
        """Position and kind of each message."""
        return [(taken.message["position"], taken.message["kind"]) for taken in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self.writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False if that was the last on this connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in fields)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.taken.append(Taken(line, headers, body))
        self.on_taken()
        answer = self.script.pop(0) if self.script else self.default
        if answer == HANG:
            await reader.read()
            return False
        if answer == RESET:
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer == CLOSE:
            return False
        if answer in {ENDLESS, TRICKLE}:
            await self._send_without_end(writer, slowly=answer == TRICKLE)
            return False
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
            return False
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % int(answer) if answer != 204 else NO_CONTENT
        )
        await writer.drain()
        return True

    async def _send_without_end(self, writer: asyncio.StreamWriter, *, slowly: bool) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while not writer.transport.is_closing():
            piece = b"x" if slowly else b"x" * 65536
            writer.write(piece)
            await writer.drain()
            self.sent_bytes += len(piece)
            await asyncio.sleep(0.05 if slowly else 0)


NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextlib.asynccontextmanager
async def receiving(*script: Answer, default: Answer = 204, is_tls: bool = False) -> AsyncIterator[Receiver]:
    """Start a receiver for the time of a block."""
    receiver = Receiver(list(script), default)
    context = None
    if is_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        receiver.scheme = "https"
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await receiver.serve(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for writer in receiver.writers:
            writer.transport.abort()
        await asyncio.gather(*tasks)
        await server.wait_closed()


class Clock:
    """The time of a runner: the real one, and what tests let pass."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Hooks:
    """Webhooks of an account, and a runner that works when it is told to."""

    owner: Owner
    webhooks: Webhooks
    runner: WebhookRunner
    clock: Clock

    async def make(self, url: str, *kinds: str, **change: Any) -> WebhookRef:
        """Make a hook; by default one that is told of deliveries alone."""
        made = HookChange(url, kinds or ("mail.delivered",), **change)
        hook = await self.webhooks.create(await self.owner.caller(), made)
        return WebhookRef(hook.account_id, hook.webhook_id)

    async def get(self, ref: WebhookRef) -> Webhook:
        return await self.webhooks.get(await self.owner.caller(), ref)

    async def change(self, ref: WebhookRef, **change: Any) -> Webhook:
        return await self.webhooks.change(await self.owner.caller(), ref, HookChange(**change))

    async def work(self) -> None:
        """Do all that is due."""
        await self.runner.look()
        await self.runner.settle()

    async def wait_for(self, seconds: float) -> None:
        """Let time pass, and do all that is due then."""
        self.clock.ahead += seconds
        await self.work()


async def make_hooks(
    store: Store, owner: Owner, sender: HTTPSender | None = None, *, allow_private: bool = True
) -> Hooks:
    """Return webhooks over a store."""
    clock = Clock()
    config = WebhooksConfig(allow_private=allow_private)
    secrets = await ServerSecrets.load(store, data_dir_of(store))
    webhooks = await Webhooks.open(store, config, RetentionConfig(), server_secrets=secrets, now=clock)
    sender = sender or HTTPSender(allow_private=allow_private)
    runner = WebhookRunner(store, webhooks, sender=sender, render=render_message, now=clock)
    return Hooks(owner, webhooks, runner, clock)
