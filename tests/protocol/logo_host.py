"""A web server on loopback that has logos, by HTTPS, and a name server that knows of it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "loopback.pem"
"""A certificate for 127.0.0.1 and hook.test, with its key; for tests alone."""

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 96 96">'
    b'<title>Example</title><rect width="96" height="96" fill="#fff"/></svg>'
)
HANG, DRIP, ENDLESS = b"hang", b"drip", b"endless"


def answer(body: bytes = SVG, *fields: str, status: int = 200) -> bytes:
    """Return an HTTP answer."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(head).encode() + body


@dataclass
class LogoHost:
    """Answers by path."""

    answers: dict[str, bytes] = field(default_factory=dict)
    requests: list[list[str]] = field(default_factory=list)
    port: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def url(self, path: str = "/logo.svg", host: str = "127.0.0.1") -> str:
        """Return the URL of a file."""
        return f"https://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [request[0].split(" ")[1] for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.requests.append(head.strip().split("\r\n"))
                await self._answer(self.answers.get(self.paths[-1], answer(b"", status=404)), reader, writer)
        finally:
            self.writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if data == HANG:
            await reader.read()
            return
        if data in {DRIP, ENDLESS}:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + SVG[:50])
            while not writer.transport.is_closing():
                writer.write(b" " if data == DRIP else b" " * 65_536)
                await writer.drain()
                await asyncio.sleep(0.02 if data == DRIP else 0)
            return
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def hosting(answers: dict[str, bytes] | None = None, *, is_tls: bool = True) -> AsyncIterator[LogoHost]:
    """Start a web server for the time of a block."""
    host = LogoHost(answers if answers is not None else {"/logo.svg": answer()})
    context = None
    if is_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await host.serve(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for writer in tuple(host.writers):
            writer.transport.abort()
        await asyncio.gather(*tasks)
        await server.wait_closed()
