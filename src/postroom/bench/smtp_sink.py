"""An SMTP server that takes every message and keeps none: what the benchmark's server relays to.

It runs in a thread with an event loop of its own, speaks PIPELINING and 8BITMIME (RFC 2920, 6152), and notes when the
messages came.
"""

import asyncio
import time
from threading import Event, Thread
from types import TracebackType
from typing import Self

_SECONDS = 5.0


class SMTPSink:
    """The server, for the time of a ``with`` block; ``arrivals`` are times of the monotonic clock."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.arrivals: list[float] = []
        self._thread = Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._is_listening = Event()
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._is_listening.wait(_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; connections that are open are dropped."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_SECONDS)

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._is_listening.set()
        await self._stopping.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink.example.test ESMTP\r\n")
        try:
            while line := await reader.readline():
                command = line[:4].upper()
                if command == b"EHLO":
                    writer.write(b"250-sink.example.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
                elif command == b"DATA":
                    writer.write(b"354 go on\r\n")
                    while (await reader.readline()) != b".\r\n":
                        pass
                    self.arrivals.append(time.perf_counter())
                    writer.write(b"250 2.0.0 taken\r\n")
                elif command == b"QUIT":
                    writer.write(b"221 2.0.0 bye\r\n")
                    return
                else:
                    writer.write(b"250 2.0.0 ok\r\n")
        except (ConnectionError, asyncio.CancelledError):  # the end of the loop cancels
            return
        finally:
            writer.close()
