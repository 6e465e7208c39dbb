"""Records of the outgoing queue: messages on their way, their recipients, and what became of them.

A message has recipients, each with a state of its own; those that go the same way (:data:`LOCAL`, :data:`RELAY`, or
the exchangers of one domain) form a group, which is claimed and tried as one. Terms are those of RFC 5321, 3461 and
3463. Times are Unix milliseconds.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, NewType, Protocol

from postroom.model.ids import AccountId, ContentId, ItemId

ProcessingId = NewType("ProcessingId", int)
"""The number of a message in the outgoing queue."""

LOCAL, RELAY = "local", "relay"
"""Destinations that are no domain: mailboxes here, and the configured smart host."""

SENT, SCHEDULED, SUBMITTED = "sent", "scheduled", "submitted"
VACATION, RECEIPT, NOTICE = "vacation", "receipt", "notice"
"""Kinds: by an API call, at a time, by SMTP submission, an absence notice, a read receipt, a letter of the server."""

WAITING, DELIVERED, RELAYED, FAILED, WITHDRAWN = "waiting", "delivered", "relayed", "failed", "withdrawn"
"""States of a recipient: not settled; in a mailbox here; taken on by another server; given up; taken back."""

HELD: Final = 2**62
"""The next try of a group that waits for an operator (:mod:`postroom.store.sql.held_messages`)."""


class Outgoing(NamedTuple):
    """A message in the queue; the columns are explained in the schema."""

    processing_id: ProcessingId
    account_id: AccountId
    kind: str
    sender: str
    content_id: ContentId
    size_bytes: int
    item_id: ItemId
    refw_item_id: ItemId
    refw: int
    needs_smtputf8: int
    is_8bit: int
    ret: str
    envid: str
    created_at: int
    release_at: int
    started_at: int
    delay_told_at: int
    finished_at: int
    message_key: int = 0


class OutgoingRecipient(NamedTuple):
    """A recipient of a message in the queue."""

    processing_id: ProcessingId
    number: int
    destination: str
    address: str
    notify: str
    orcpt: str
    state: str = WAITING
    status: str = ""
    answer: str = ""
    remote: str = ""
    is_repeated: int = 0
    """It was sent to once more after a lapse, and how that ended is not known."""


class OutgoingGroup(NamedTuple):
    """The waiting recipients of a message that go the same way."""

    processing_id: ProcessingId
    destination: str
    account_id: AccountId
    next_try_at: int
    attempts: int
    leased_until: int
    failure: str
    lapses: int = 0
    """Attempts of which nobody knows how they ended."""

    @property
    def is_held(self) -> bool:
        """It waits for an operator."""
        return self.next_try_at == HELD


class Outbound(NamedTuple):
    """A message as it leaves: its content is complete (no Bcc), and all recipients go the same way."""

    sender: str
    """The reverse-path, "" for the null path."""
    recipients: tuple[OutgoingRecipient, ...]
    content: bytes
    needs_smtputf8: bool
    """An address or a header field is in UTF-8 (RFC 6531): a server that cannot take that is no way for it."""
    is_8bit: bool
    """The content is 8bit (RFC 6152)."""
    ret: str = ""
    envid: str = ""


class Outcome(NamedTuple):
    """What an attempt came to for one recipient: ``relayed``, ``failed``, or ``waiting`` to be tried again."""

    number: int
    state: str
    status: str
    """The enhanced status code (RFC 3463), made from the reply code where the server gave none."""
    answer: str
    """The reply, or what happened instead, in a line."""
    remote: str
    """The server's host name, "" where none was reached."""
    passes_dsn: bool = False
    """The server has taken over the duty to report (RFC 3461 §5.2.1)."""


class Witness(Protocol):
    """Is told how far a message has come while it is handed over."""

    async def before_end(self, recipients: Sequence[OutgoingRecipient]) -> None:
        """Note that the message is about to be ended for these recipients: from then on the server may take it.

        If this raises, the end is not sent.
        """

    async def after_some(self, outcomes: Sequence[Outcome]) -> None:
        """Note who has got the message, while it is still to be handed over for others. Raises nothing of its own."""
