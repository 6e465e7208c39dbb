"""Reading the documents of messages in a process that may be killed, as the event loop sees it.

Algorithm: a process is started for the first message of an account and serves the messages of that account alone, so
that a document that gets hold of it meets nobody else's mail; for another account, and after some messages, a new one
is started. If it dies of a document, or takes too long, it is ended, and a new one reads the message without that
document; after some that were so, only what is known to be harmless is read.

Invariants: at most one process; it never outlives :meth:`Extractor.close`; what it answers is decoded into fixed
types and bounded in size; the message is passed on in pieces, and is never whole in the server's memory.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
import structlog

from postroom.content.confine import PATIENCE
from postroom.content.extract import Begun, Extracted, ExtractTask
from postroom.content.frames import LENGTH, pack_frame
from postroom.search.terms import IndexTerms

MOST_KILLED = 3
"""Documents of a message that may cost a process, each."""
MESSAGES_A_PROCESS = 50
GRACE_SECONDS = 15
"""Beyond the time of a document: starting the process, taking the message apart."""
MAX_ANSWER_BYTES = 64 << 20
_PIECE_BYTES = 256 * 1024
_KEPT_VARIABLES = ("LANG", "LC_ALL", "PATH", "VIRTUAL_ENV")

_log = structlog.get_logger("postroom.extraction")
_read_answer = msgspec.msgpack.Decoder(Begun | Extracted).decode
_encode = msgspec.msgpack.Encoder().encode


class Limits(NamedTuple):
    """What reading may cost."""

    document_seconds: float = 20
    message_seconds: float = 60
    memory_bytes: int = 512 << 20
    document_bytes: int = 32 << 20


class Source(Protocol):
    """An open raw message."""

    size_bytes: int

    async def read(self, start: int, end: int) -> bytes:
        """Return the bytes ``[start:end]``, cut to the message."""


class Result(NamedTuple):
    """What came of reading the documents of a message.

    Attributes:
        terms: what the message is to be found by; None where its documents hold no text that could be read.
        read: documents that were read.
        failed: documents that could not be read, or were left out as too large.
        killed: of these, those that cost the process; what is so may go well another time.
    """

    terms: IndexTerms | None
    read: int
    failed: int
    killed: int


class _Died(Exception):  # noqa: N818 - told to the caller below, and to nobody else
    """The process died, or was to be ended; ``begun`` are the documents that it has begun."""

    def __init__(self, begun: Sequence[int]) -> None:
        super().__init__()
        self.begun = begun


class _Process:
    """One process and the way to it."""

    def __init__(
        self,
        owner: int,
        process: "subprocess.Popen[bytes]",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.owner = owner
        self.messages = 0
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, owner: int, *, memory_bytes: int) -> "_Process":
        """Start a process. Raises: OSError."""
        ours, its = socket.socketpair()
        try:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            ours.close()
            its.close()
            raise
        try:
            with its:
                # Nothing is waited for from here on: there is no moment at which it is there and nobody knows of it.
                process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own module
                    [sys.executable, "-P", "-m", "postroom.content.extract_process", str(memory_bytes)],
                    stdin=its.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env=make_environment(),
                )
        except BaseException:
            writer.transport.abort()
            raise
        return cls(owner, process, reader, writer)

    async def read(self, task: ExtractTask, source: Source) -> tuple[Extracted, list[int]]:
        """Return what was found in a message, and the documents that were begun. Raises: _Died."""
        begun: list[int] = []
        self.messages += 1
        try:
            async with asyncio.timeout(task.message_seconds + GRACE_SECONDS):
                await self._send(task, source)
            while True:
                async with asyncio.timeout(task.document_seconds * PATIENCE + GRACE_SECONDS):
                    answer = await self._receive()
                if isinstance(answer, Extracted):
                    return answer, begun
                begun.append(answer.part_id)
        except (
            TimeoutError,
            OSError,
            EOFError,
            msgspec.ValidationError,
            msgspec.DecodeError,
        ) as error:
            raise _Died(begun) from error

    async def _send(self, task: ExtractTask, source: Source) -> None:
        content = _encode(task)
        self._writer.write(pack_frame(content))
        self._writer.write(LENGTH.pack(source.size_bytes))
        sent = 0
        while sent < source.size_bytes:
            piece = await source.read(sent, min(sent + _PIECE_BYTES, source.size_bytes))
            if not piece:
                raise EOFError
            self._writer.write(piece)
            await self._writer.drain()
            sent += len(piece)

    async def _receive(self) -> Begun | Extracted:
        (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        if size > MAX_ANSWER_BYTES:
            raise EOFError
        content = await self._reader.readexactly(size)
        # Some megabytes of text take a while; the loop is not held up by it.
        return (
            await asyncio.to_thread(_read_answer, content) if size > _PIECE_BYTES else _read_answer(content)
        )

    async def end(self) -> None:
        """End the process, whatever it is doing, and wait until it is gone."""
        self._writer.transport.abort()
        self._process.kill()
        gone = asyncio.ensure_future(asyncio.to_thread(self._process.wait))
        try:
            await asyncio.shield(gone)
        except asyncio.CancelledError:
            # It takes no time worth speaking of, and nobody else would look after the process.
            await asyncio.wait([gone])
            raise


class Extractor:
    """Reads the documents of messages, one message after the other."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: _Process | None = None
        self._lock = asyncio.Lock()

    @property
    def worst_seconds(self) -> float:
        """How long a message can take at the worst."""
        limits = self._limits
        once = limits.message_seconds + 2 * PATIENCE * limits.document_seconds + 3 * GRACE_SECONDS
        return (MOST_KILLED + 2) * once

    async def read(self, owner: int, source: Source) -> Result | None:
        """Return what the documents of a message hold; None if that cannot be told, not even without some of them.

        Args:
            owner: whose message it is: a number that tells owners apart.
            source: the message.

        Raises: OSError where no process can be started; whatever the source raises.
        """
        limits = self._limits
        task = ExtractTask(
            skip=[],
            only=None,
            max_bytes=limits.document_bytes,
            document_seconds=limits.document_seconds,
            message_seconds=limits.message_seconds,
        )
        async with self._lock:
            return await self._read(owner, source, task)

    async def _read(self, owner: int, source: Source, task: ExtractTask) -> Result | None:
        killed: list[int] = []
        harmless: set[int] = set()
        while True:
            process = await self._find_process(owner)
            try:
                found, _ = await process.read(task, source)
            except _Died as death:
                await self.close()
                if not death.begun or task.only is not None:
                    return None
                *survived, culprit = death.begun
                _log.warning("a document ended the process that read it", part_id=culprit)
                harmless.update(survived)
                killed.append(culprit)
                task = msgspec.structs.replace(
                    task, skip=killed, only=sorted(harmless) if len(killed) >= MOST_KILLED else None
                )
            except BaseException:
                # The message came only in part.
                await self.close()
                raise
            else:
                return Result(found.terms, found.read, found.failed, len(killed))

    async def _find_process(self, owner: int) -> _Process:
        known = self._process
        if known is not None and known.owner == owner and known.messages < MESSAGES_A_PROCESS:
            return known
        await self.close()
        self._process = await _Process.start(owner, memory_bytes=self._limits.memory_bytes)
        return self._process

    async def close(self) -> None:
        """End the process, if there is one; another read starts a new one."""
        process, self._process = self._process, None
        if process is not None:
            await process.end()


def make_environment() -> dict[str, str]:
    """Return what the process is told of ours: where its modules are, and no secrets."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    paths = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100 - "" stands for the working directory
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}
