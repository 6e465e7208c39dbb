"""An SMTP server on loopback that takes mail as it should, but for what its script says.

The script maps stages to answers. Stages are commands in upper case (``EHLO``, ``MAIL``, ``RCPT``, ``DATA``,
``AUTH``, ``STARTTLS``, ``RSET``, ``QUIT``), ``RCPT <address>`` for one recipient, ``GREETING``, and ``DOT`` for the
final dot; ``CONTENT`` is when the content begins. An answer is a reply (``"550 5.1.1 no"``, lines with CRLF between
them), bytes that are sent as they are, or what else is done; in a list each is used once, and then the server does
what is right.
"""

import asyncio
import base64
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "loopback.pem"
"""A certificate for 127.0.0.1 and hook.test, with its key; for tests alone."""

EXTENSIONS = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")


class Deed(Enum):
    """What a server does instead of replying."""

    DROP = "closes the connection"
    RESET = "resets the connection"
    HANG = "says nothing any more"
    ENDLESS = "sends a line without end"
    HANG_AFTER = "takes the mail, and says nothing any more"
    DROP_AFTER = "takes the mail, and closes the connection in the place of a reply"


Answer = str | bytes | Deed
Script = dict[str, Answer | list[Answer]]


@dataclass
class Taken:
    """A mail that the server has taken."""

    mail: str
    """The argument of MAIL."""
    rcpts: list[str]
    content: bytes
    is_encrypted: bool
    connection: int
    login: tuple[str, str] | None

    @property
    def recipients(self) -> list[str]:
        return [rcpt[rcpt.index("<") + 1 : rcpt.rindex(">")] for rcpt in self.rcpts]

    @property
    def sender(self) -> str:
        return self.mail[self.mail.index("<") + 1 : self.mail.rindex(">")]


class _Gone(Exception):  # noqa: N818 (it ends a connection, and is no error)
    """The connection is over."""


@dataclass
class SMTPPeer:
    """The server."""

    script: Script = field(default_factory=dict)
    extensions: tuple[str, ...] = EXTENSIONS
    tls: ssl.SSLContext | None = None
    """STARTTLS is offered."""
    login: tuple[str, str] | None = None
    """The name and the password that are right; None: no AUTH."""
    mechanisms: str = "PLAIN LOGIN"
    on_taken: Callable[[Taken], None] = lambda taken: None
    on_hang: Callable[[], None] = lambda: None
    """Is called when the server begins to say nothing any more."""
    is_strict_about_pipelining: bool = True
    """Commands that come before the reply to the last one are a fault, unless PIPELINING was offered."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """All command lines, of all connections."""
    faults: list[str] = field(default_factory=list)
    connections: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """A command has come, or a connection has ended."""

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    def answer_to(self, stage: str) -> Answer | None:
        """Return what the script has for a stage."""
        answer = self.script.get(stage)
        if isinstance(answer, list):
            return answer.pop(0) if answer else None
        return answer

    def commands(self, verb: str) -> list[str]:
        """Return the lines with a command."""
        return [line for line in self.lines if line.upper().startswith(verb)]


def server_context(certificate: Path = CERTIFICATE) -> ssl.SSLContext:
    """Return a context for servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@dataclass
class _Connection:
    """One client."""

    peer: SMTPPeer
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_encrypted: bool = False
    is_pipelining: bool = False
    mail: str | None = None
    rcpts: list[str] = field(default_factory=list)
    login: tuple[str, str] | None = None

    async def run(self) -> None:
        await self.act("GREETING", "220 peer.example.net ESMTP")
        while True:
            line = await self.line()
            self.peer.lines.append(line)
            self.peer.changed.set()
            verb, _, argument = line.partition(" ")
            if self.peer.is_strict_about_pipelining and not self.is_pipelining:
                await asyncio.sleep(0)
                if self.buffered():
                    self.peer.faults.append(f"pipelined after {line}")
            await self.command(verb.upper(), argument)

    async def command(self, verb: str, argument: str) -> None:
        commands = {
            "EHLO": self.ehlo,
            "HELO": self.helo,
            "STARTTLS": self.starttls,
            "AUTH": self.auth,
            "MAIL": self.mail_from,
            "RCPT": self.rcpt_to,
            "DATA": self.data,
            "RSET": self.rset,
            "QUIT": self.quit,
        }
        if verb not in commands:
            self.peer.faults.append(f"unknown command {verb}")
            await self.send("500 5.5.1 unknown")
            return
        await commands[verb](argument)

    async def ehlo(self, argument: str) -> None:
        offered = [*self.peer.extensions]
        if self.peer.tls is not None and not self.is_encrypted:
            offered.append("STARTTLS")
        if self.peer.login is not None:
            offered.append(f"AUTH {self.peer.mechanisms}")
        lines = ["peer.example.net", *offered]
        reply = [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]
        self.is_pipelining = await self.act("EHLO", "\r\n".join(reply)) and "PIPELINING" in offered

    async def helo(self, argument: str) -> None:
        await self.act("HELO", "250 peer.example.net")

    async def starttls(self, argument: str) -> None:
        if not await self.act("STARTTLS", "220 2.0.0 go on") or self.peer.tls is None:
            return
        await self.writer.start_tls(self.peer.tls)
        self.is_encrypted = True

    async def auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if mechanism == "PLAIN":
            _, name, password = base64.b64decode(initial).decode().split("\0")
        else:
            words = []
            for prompt in ("Username:", "Password:"):
                await self.send("334 " + base64.b64encode(prompt.encode()).decode())
                words.append(base64.b64decode(await self.line()).decode())
            name, password = words
        if (name, password) == self.peer.login:
            self.login = self.peer.login
            await self.act("AUTH", "235 2.7.0 welcome")
        else:
            await self.act("AUTH", "535 5.7.8 wrong")

    async def mail_from(self, argument: str) -> None:
        if self.mail is not None:
            self.peer.faults.append("MAIL inside of a transaction")
        if await self.act("MAIL", "250 2.1.0 ok"):
            self.mail = argument.removeprefix("FROM:")

    async def rcpt_to(self, argument: str) -> None:
        rcpt = argument.removeprefix("TO:")
        address = re.sub(r"^<(.*)>.*", r"\1", rcpt)
        if self.mail is None:
            await self.send("503 5.5.1 MAIL first")
            return
        stage = f"RCPT {address}" if f"RCPT {address}" in self.peer.script else "RCPT"
        if await self.act(stage, "250 2.1.5 ok"):
            self.rcpts.append(rcpt)

    async def data(self, argument: str) -> None:
        if not self.rcpts and "DATA" not in self.peer.script:
            await self.send("554 5.5.1 no valid recipients")
            return
        if not await self.act("DATA", "354 go on", good="3"):
            return
        if self.peer.answer_to("CONTENT") is not None:
            await self.reader.readexactly(100)
            raise _Gone
        content = await self.content()
        if not self.rcpts:
            assert content == b"", "a mail for nobody"
            await self.send("554 5.5.1 no valid recipients")
            return
        await self.dot(content)
        self.mail, self.rcpts = None, []

    async def content(self) -> bytes:
        lines = []
        while (line := await self.reader.readuntil(b"\r\n")) != b".\r\n":
            assert line.count(b"\n") == line.count(b"\r") == 1, line
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    async def dot(self, content: bytes) -> None:
        assert self.mail is not None
        mail = Taken(self.mail, self.rcpts, content, self.is_encrypted, self.number, self.login)
        answer = self.peer.answer_to("DOT")
        is_taken = answer in {None, Deed.DROP_AFTER, Deed.HANG_AFTER}
        if is_taken or (isinstance(answer, str) and answer[0] == "2"):
            self.peer.taken.append(mail)
            self.peer.on_taken(mail)
        await self.do(answer, "250 2.0.0 taken as 4711")

    async def rset(self, argument: str) -> None:
        self.mail, self.rcpts = None, []
        await self.act("RSET", "250 2.0.0 ok")

    async def quit(self, argument: str) -> None:
        await self.act("QUIT", "221 2.0.0 bye")
        raise _Gone

    async def act(self, stage: str, right: str, *, good: str = "2") -> bool:
        """Do what the script says, or reply ``right``; tell whether the command was accepted."""
        return await self.do(self.peer.answer_to(stage), right, good=good)

    async def do(self, answer: Answer | None, right: str, *, good: str = "2") -> bool:
        if answer in {Deed.DROP, Deed.DROP_AFTER}:
            raise _Gone
        if answer is Deed.RESET:
            raw: socket.socket = self.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise _Gone
        if answer in {Deed.HANG, Deed.HANG_AFTER}:
            self.peer.on_hang()
            await self.reader.read()
            raise _Gone
        if answer is Deed.ENDLESS:
            self.writer.write(b"220 " + b"x" * 1_000_000)
            await self.writer.drain()
            await self.reader.read()
            raise _Gone
        if isinstance(answer, bytes):
            self.writer.write(answer)
            await self.writer.drain()
            return answer[:1] == good.encode()
        reply = right if answer is None else str(answer.value if isinstance(answer, Deed) else answer)
        await self.send(reply)
        if reply.startswith("421"):
            raise _Gone
        return reply.startswith(good)

    async def send(self, reply: str) -> None:
        self.writer.write(reply.encode() + b"\r\n")
        if not (self.is_pipelining and self.buffered()):
            await self.writer.drain()

    def buffered(self) -> bool:
        return bool(self.reader._buffer)  # type: ignore[attr-defined]

    async def line(self) -> str:
        line = await self.reader.readuntil(b"\r\n")
        return line[:-2].decode("utf-8")


@contextlib.asynccontextmanager
async def smtp_peer(
    script: Mapping[str, Answer | list[Answer]] | None = None,
    *,
    extensions: tuple[str, ...] = EXTENSIONS,
    tls: ssl.SSLContext | None = None,
    implicit_tls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[SMTPPeer]:
    """Run a server for the time of a block. What it finds wrong with its clients is raised at the end."""
    peer = SMTPPeer(dict(script or {}), extensions, tls, login)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer.connections += 1
        peer.writers.add(writer)
        connection = _Connection(
            peer, peer.connections, reader, writer, is_encrypted=implicit_tls is not None
        )
        try:
            with contextlib.suppress(_Gone, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await connection.run()
        except (AssertionError, ValueError) as error:
            peer.faults.append(repr(error))
        finally:
            tasks.discard(task)
            writer.close()
            # uvloop never says that a connection is closed on which TLS has failed.
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.5):
                    await writer.wait_closed()
            peer.writers.discard(writer)
            peer.changed.set()

    server = await asyncio.start_server(serve, host, 0, ssl=implicit_tls, limit=1 << 20)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for writer in list(peer.writers):
            writer.transport.abort()
        # On uvloop a handshake of TLS that the client has given up does not end by itself.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await server.wait_closed()
    assert peer.faults == []
