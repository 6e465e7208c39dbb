"""What the servers need from the domain.

The protocol edge knows no more of the mailboxes than these interfaces. Their methods are called from the event
loop; one connection never has two of them running at once.
"""

import mmap
from collections.abc import Callable, Sequence
from typing import Protocol

from postroom.errors import PostroomError
from postroom.model.account import Caller
from postroom.model.envelope import Envelope, Recipient
from postroom.model.submission import Submitted

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


class Submission(Protocol):
    """The use cases of mail programs that send."""

    async def login(self, name: str, password: str, *, client: str) -> Caller:
        """Return who has that name and password; ``client`` is the source address.

        Raises :class:`PostroomError` with one of the codes ``notAuthenticated``, ``passwordChangeRequired``,
        ``secondFactorRequired``, ``tooManyRequests``, ``unavailable``.
        """
        ...

    async def is_current(self, caller: Caller) -> bool:
        """Tell whether a login still holds."""
        ...

    def max_recipients(self, caller: Caller) -> int:
        """Return how many recipients a message may have."""
        ...

    async def check_sender(self, caller: Caller, sender: str) -> str:
        """Return a reverse-path as it goes on; raises ``senderNotOwn``, ``unavailable``."""
        ...

    async def route(self, address: str) -> tuple[str, str]:
        """Return a recipient's address as it goes on, and its destination.

        Raises ``badRecipient``, ``unavailable``.
        """
        ...

    async def submit(self, caller: Caller, submitted: Submitted, content: bytes | mmap.mmap) -> int:
        """Put ``content`` into the outgoing queue; return its number there. It is durable then.

        Raises ``senderNotOwn``, ``badMessage``, ``notAuthenticated``, ``unavailable``; nothing is stored then.
        """
        ...
