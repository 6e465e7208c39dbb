"""Taking message data from the wire into the spool: by dots (DATA) or by octets (BDAT), and never too slowly.

A sender must make progress: in each period of ``data_timeout_seconds`` at least ``data_progress_bytes`` must come, or
the message must end. So neither a stalled sender nor one that drips holds a connection for ever, while a large
message over a slow line may take as long as it needs.

Both functions read to the end of the data whatever becomes of the message; see :mod:`.spool`. Both raise
:class:`InputEndedError` where the data ends too early.
"""

from typing import Final

from postroom.delivery.data import DotDecoder
from postroom.delivery.limits import Limits
from postroom.delivery.spool import Gatherer
from postroom.delivery.wire import Wire

_PIECE_BYTES: Final = 65_536
"""Data is worked off in pieces of this size."""


async def receive_dotted(wire: Wire, spool: Gatherer, limits: Limits) -> None:
    """Read data up to ``CRLF . CRLF`` into ``spool``, without the dots of transparency (RFC 5321 §4.5.2)."""
    decoder = DotDecoder()
    progress = _Progress(wire, limits)
    while not decoder.ended:
        data = await wire.peek(_PIECE_BYTES)
        spool.write(decoder.feed(data))
        taken_bytes = len(data) - decoder.rest_bytes
        wire.consume(taken_bytes)
        progress.add(taken_bytes)


async def receive_octets(size_bytes: int, wire: Wire, spool: Gatherer | None, *, limits: Limits) -> None:
    """Read exactly ``size_bytes`` into ``spool`` (RFC 3030 §2); into nothing if there is none."""
    progress = _Progress(wire, limits)
    while size_bytes:
        data = await wire.peek(min(size_bytes, _PIECE_BYTES))
        wire.consume(len(data))
        size_bytes -= len(data)
        if spool is not None:
            spool.write(data)
        progress.add(len(data))


class _Progress:
    """Moves the deadline of the wire from period to period while enough data comes."""

    __slots__ = ("_limits", "_missing_bytes", "_wire")

    def __init__(self, wire: Wire, limits: Limits) -> None:
        self._wire = wire
        self._limits = limits
        self._missing_bytes = limits.data_progress_bytes
        wire.deadline.set(limits.data_timeout_seconds)

    def add(self, size_bytes: int) -> None:
        self._missing_bytes -= size_bytes
        if self._missing_bytes <= 0:
            self._missing_bytes = self._limits.data_progress_bytes
            self._wire.deadline.set(self._limits.data_timeout_seconds)
