"""A server with a recording inbox, and a client that plays transcripts.

A transcript is lines of four kinds: ``C: text`` sends the text and CRLF; ``S: text`` expects exactly this line, where
``*`` stands for anything; ``S: (closed)`` expects the end of the connection. Non-ASCII text travels as UTF-8.
"""

import asyncio
import fnmatch
import mmap
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from postroom.delivery.limits import LMTPLimits
from postroom.delivery.server import LMTPServer, start_lmtp
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.ids import AccountId, FolderId

RECEIVED_AT = 1_700_000_000.0
_TRACE = re.compile(
    rb"Return-Path: <[^\r\n]*>\r\nReceived: from [^\r\n]+ \([^\r\n]+\)\r\n"
    rb"\tby store\.example\.test with (UTF8)?LMTP id [0-9a-f]{16};\r\n\tTue, 14 Nov 2023 22:13:20 \+0000\r\n"
)


@dataclass
class Delivery:
    """What the inbox was handed."""

    envelope: Envelope
    raw: bytes
    was_mapped: bool

    @property
    def addresses(self) -> list[str]:
        return [recipient.address for recipient in self.envelope.recipients]

    @property
    def content(self) -> bytes:
        """Return the content without the trace fields, which must be there and of the right form."""
        match = _TRACE.match(self.raw)
        assert match is not None, self.raw[:400]
        return self.raw[match.end() :]


@dataclass
class RecordingInbox:
    """Accepts mail for ``*@example.test``, refuses as told, and keeps what it is handed in memory."""

    refusals: dict[str, Exception] = field(default_factory=dict)
    """What resolving an address raises."""
    outcomes: dict[str, PostroomError] = field(default_factory=dict)
    """What delivering to an address gives."""
    failure: Exception | None = None
    """What delivering raises for all recipients."""
    gate: asyncio.Event | None = None
    """If set, deliveries wait for it."""
    deliveries: list[Delivery] = field(default_factory=list)
    asked: list[tuple[str, int | None]] = field(default_factory=list)
    """Addresses and declared sizes that were resolved."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def resolve_recipient(self, address: str, *, size_bytes: int | None) -> Recipient:
        await asyncio.sleep(0)
        self.asked.append((address, size_bytes))
        if address in self.refusals:
            raise self.refusals[address]
        if not address.endswith("@example.test"):
            raise PostroomError(Kind.NOT_FOUND, "unknownRecipient", "No such mailbox here")
        return Recipient(address, AccountId(1), FolderId(2), detail="")

    async def deliver(self, envelope: Envelope, content: bytes | mmap.mmap) -> Sequence[PostroomError | None]:
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        else:
            await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        self.deliveries.append(Delivery(envelope, bytes(content), isinstance(content, mmap.mmap)))
        return [self.outcomes.get(recipient.address) for recipient in envelope.recipients]


@dataclass
class Served:
    """A running server and its inbox."""

    server: LMTPServer
    inbox: RecordingInbox
    spool_directory: Path

    @property
    def address(self) -> str:
        return self.server.addresses[0]

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Peer"]:
        """Open a connection, and close it in the end whatever happens."""
        if self.address.startswith("unix:"):
            streams = await asyncio.open_unix_connection(self.address.removeprefix("unix:"))
        else:
            host, _, port = self.address.rpartition(":")
            streams = await asyncio.open_connection(host.strip("[]"), int(port))
        peer = Peer(*streams)
        try:
            yield peer
        finally:
            peer.writer.close()
            with suppress(ConnectionError):
                await peer.writer.wait_closed()

    async def until_open_connections(self, count: int) -> None:
        """Wait until the server has no more than ``count`` connections."""
        while len(self.server._drivers) > count:
            await asyncio.wait(list(self.server._drivers), return_when=asyncio.FIRST_COMPLETED)

    async def play(self, script: str) -> None:
        """Play a transcript on a fresh connection, which the client then leaves."""
        async with self.connect() as peer:
            await peer.play(script)

    async def talk(self, stream: bytes) -> list[str]:
        """Send ``stream`` at once, close our direction, and return the lines of all replies."""
        async with self.connect() as peer:
            peer.writer.write(stream)
            peer.writer.write_eof()
            return await peer.read_to_end()


@dataclass
class Peer:
    """One client connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def play(self, script: str) -> None:
        for number, line in enumerate(script.strip().splitlines(), 1):
            if not line.strip():
                continue
            side, _, text = line.strip().partition(":")
            text = text.strip()
            if side == "C":
                await self.send(text.encode() + b"\r\n")
            elif side == "S":
                received = await self.line()
                assert fnmatch.fnmatchcase(received, text.replace("[", "[[]")), (
                    f"{number}: {text!r}: {received!r}"
                )
            else:
                raise AssertionError(f"{number}: no transcript line: {line!r}")

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def line(self) -> str:
        """Return the next reply line without its CRLF; "(closed)" at the end of the connection."""
        line = await self.reader.readline()
        if not line:
            return "(closed)"
        assert line.endswith(b"\r\n")
        return line[:-2].decode("ascii")

    async def read_to_end(self) -> list[str]:
        lines = (await self.reader.read()).decode("ascii").split("\r\n")
        assert lines.pop() == ""
        return lines

    async def introduce(self, *, recipients: Sequence[str] = ("ann@example.test",)) -> None:
        """Open a transaction with these recipients."""
        await self.play("S: 220 *\nC: LHLO client.example.test\n" + "S: 250*\n" * 7)
        await self.play("C: MAIL FROM:<sender@example.org>\nS: 250 2.1.0 *")
        for recipient in recipients:
            await self.play(f"C: RCPT TO:<{recipient}>\nS: 250 2.1.5 *")


@asynccontextmanager
async def serve(
    directory: Path,
    *,
    listen: str = "127.0.0.1:0",
    inbox: RecordingInbox | None = None,
    limits: LMTPLimits | None = None,
) -> AsyncIterator[Served]:
    """Run a server with its spool in ``directory``."""
    inbox = inbox or RecordingInbox()
    server = await start_lmtp(
        listen,
        ingest=inbox,
        limits=limits or LMTPLimits(linger_seconds=0.5),
        hostname="store.example.test",
        spool_directory=directory,
        clock=lambda: RECEIVED_AT,
    )
    try:
        yield Served(server, inbox, directory)
    finally:
        await server.close(0.5)
    assert server.stats.faults == 0
    assert server.stats.connections_open == 0
    assert list(directory.glob("tmp*")) == []
