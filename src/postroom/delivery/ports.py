"""What the LMTP server needs from the domain.

The protocol edge knows no more of the mailboxes than this interface. Both methods are called from the event
loop; one connection never has two of them running at once.
"""

import mmap
from collections.abc import Callable, Sequence
from typing import Protocol

from postroom.errors import PostroomError
from postroom.model.envelope import Envelope, Recipient

Clock = Callable[[], float]
"""Returns the time in Unix seconds."""


class Ingest(Protocol):
    """The use cases of delivery."""

    async def resolve_recipient(self, address: str, *, size_bytes: int | None) -> Recipient:
        """Return where mail for ``address`` goes; ``size_bytes`` is the declared size, None if not declared.

        Raises :class:`PostroomError` with one of the codes ``unknownRecipient``, ``recipientDisabled``,
        ``messageQuotaExceeded``, ``sizeQuotaExceeded``, ``payloadTooLarge``, ``unavailable``.
        """
        ...

    async def deliver(self, envelope: Envelope, content: bytes | mmap.mmap) -> Sequence[PostroomError | None]:
        """Store ``content`` for every recipient, and return one outcome each, in order; None means delivered.

        Returns only when what it calls delivered is durable. ``content`` is valid until it returns. May raise
        :class:`PostroomError` when the same failure concerns all recipients; then nothing is stored.
        """
        ...
