"""Small servers on loopback, for tests of the clients."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve, *, socket_path: Path | None = None) -> AsyncIterator[int]:
    """Serve until the block ends, and leave no connection open behind it; yields the TCP port."""
    tasks: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(cast("asyncio.Task[None]", asyncio.current_task()))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    if socket_path:
        server = await asyncio.start_unix_server(guarded, socket_path)
    else:
        server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    async with server:
        yield 0 if socket_path else server.sockets[0].getsockname()[1]
        await asyncio.gather(*tasks)


class HTTPStub:
    """Answers by path and remembers what it was asked."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line[15:])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ),
                0,
            )
            self.requests.append(head + await reader.readexactly(length))
            answer = self.answers[head.split(b" ")[1].decode()]
            # In two pieces, so that the client has to put a split header block and body together.
            writer.write(answer[:25])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(answer[25:])
            if b"close" in answer:
                return


class LMTPStub:
    """Accepts what is to user@example.test, refuses other recipients, and some content."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.connections = 0
        self.greeting = b"220 stub LMTP\r\n"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.greeting)
        accepted = False
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"LHLO":
                writer.write(b"250-stub\r\n250-PIPELINING\r\n250 SIZE\r\n")
            elif verb == b"MAIL":
                writer.write(b"250 2.1.0 ok\r\n")
            elif verb == b"RCPT":
                accepted = b"<user@example.test>" in line
                writer.write(b"250 2.1.5 ok\r\n" if accepted else b"550 5.1.1 no such user\r\n")
            elif verb == b"DATA" and accepted:
                writer.write(b"354 go on\r\n")
                writer.write(await self.receive(reader))
            elif verb == b"DATA":
                writer.write(b"503 5.5.1 no recipients\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return

    async def receive(self, reader: asyncio.StreamReader) -> bytes:
        lines: list[bytes] = []
        while (line := await reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        message = b"".join(lines)
        self.messages.append(message)
        return b"452 4.2.2 full\r\n" if b"refuse me" in message else b"250 2.0.0 delivered\r\n"
