"""A small LMTP client: one connection, commands pipelined (RFC 2033, RFC 2920).

For programs that deliver some mail and want to know what became of each message; it is not made for load (that is
``loadclient.c``). MAIL, RCPT and DATA of a message leave in one packet; its content follows the 354. Content is
sent as it is, with dots stuffed and a last CRLF added if there is none (RFC 5321 §4.5.2).
"""

import asyncio
import re
from types import TracebackType
from typing import NamedTuple, Self

from postroom.errors import Kind, PostroomError

_REPLY_SECONDS = 120.0


class Reply(NamedTuple):
    """A complete reply: the code, and its lines without code, joined by line ends."""

    code: int
    text: str

    @property
    def is_positive(self) -> bool:
        """True for 2xx: the server takes responsibility for the message."""
        return 200 <= self.code < 300


class LMTPClient:
    """A connection to an LMTP server, for use with ``async with``.

    ``listen`` is ``host:port`` or ``unix:/path``. Every failure of the connection, and replies that are none,
    raise ``PostroomError`` (``unavailable``); a refused message is a :class:`Reply`, not an error.
    """

    def __init__(self, listen: str, *, name: str = "client.example.test") -> None:
        self._listen = listen
        self._name = name
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.extensions: frozenset[str] = frozenset()
        """Keywords that the server announced, in upper case."""

    async def __aenter__(self) -> Self:
        """Connect, read the greeting and say LHLO."""
        try:
            self._reader, self._writer = await self._open()
        except OSError as error:
            raise _unavailable(
                f"no LMTP server answers at {self._listen}: {error.strerror or error}"
            ) from error
        try:
            _expect(await self._read_reply(), 220)
            await self._send(f"LHLO {self._name}\r\n".encode())
            reply = _expect(await self._read_reply(), 250)
        except BaseException:
            self._writer.close()
            raise
        self.extensions = frozenset(line.split(" ")[0].upper() for line in reply.text.split("\n")[1:])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say QUIT, unless something went wrong already, and close the connection."""
        try:
            if kind is None:
                await self._send(b"QUIT\r\n")
                await self._read_reply()
        finally:
            self._writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._listen.startswith("unix:"):
            return await asyncio.open_unix_connection(self._listen.removeprefix("unix:"))
        host, _, port = self._listen.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    async def deliver(self, message: bytes, *, to: str, sender: str = "") -> Reply:
        """Return the reply for ``message``: of its final dot, or of the first command that was refused.

        ``to`` is the recipient's address, ``sender`` the reverse-path ("" is the null path of bounces).
        """
        envelope = f"MAIL FROM:<{sender}> SIZE={len(message)}\r\nRCPT TO:<{to}>\r\nDATA\r\n"
        await self._send(envelope.encode())
        replies = [await self._read_reply() for _ in range(3)]
        refused = [reply for reply in replies[:2] if not reply.is_positive]
        if replies[2].code != 354:
            return (refused or replies[2:])[0]
        await self._send(stuff_dots(message))
        answer = await self._read_reply()
        return refused[0] if refused else answer

    async def _send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise _unavailable(f"the LMTP server at {self._listen} closed the connection") from error

    async def _read_reply(self) -> Reply:
        lines: list[str] = []
        while True:
            try:
                line = await asyncio.wait_for(self._reader.readline(), _REPLY_SECONDS)
            except (OSError, TimeoutError) as error:
                raise _unavailable(f"the LMTP server at {self._listen} does not answer") from error
            parsed = re.fullmatch(rb"([2-5]\d\d)([ -]?)(.*?)\r?\n", line)
            if not parsed:
                raise _unavailable(f"the LMTP server at {self._listen} gave no reply, but {line[:80]!r}")
            lines.append(parsed[3].decode(errors="replace"))
            if parsed[2] != b"-":
                return Reply(int(parsed[1]), "\n".join(lines))


def stuff_dots(message: bytes) -> bytes:
    """Return ``message`` as it goes over the wire after DATA, the final dot included (RFC 5321 §4.5.2)."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    if not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


def _expect(reply: Reply, code: int) -> Reply:
    if reply.code != code:
        raise _unavailable(f"the LMTP server answered {reply.code} {reply.text}")
    return reply


def _unavailable(message: str) -> PostroomError:
    return PostroomError(Kind.UNAVAILABLE, "lmtpFailed", message)
