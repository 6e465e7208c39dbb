"""The state of one mail transaction (RFC 5321 §3.3): from an accepted MAIL to its end."""

from dataclasses import dataclass, field

from postroom.delivery.spool import MessageSpool
from postroom.model.envelope import Envelope, Recipient


@dataclass(slots=True)
class Transaction:
    """What MAIL, RCPT and BDAT have built up."""

    sender: str
    size_bytes: int | None
    """As declared with SIZE; None if not declared."""
    smtputf8: bool
    body_8bit: bool
    recipients: list[Recipient] = field(default_factory=list)
    """The accepted ones, in the order of their RCPT commands; each gets its own reply after the data."""
    chunks: MessageSpool | None = None
    """The message so far, once BDAT has begun it."""
    message_id: str = ""

    def envelope(self, *, client: str, helo: str) -> Envelope:
        """Return the envelope for delivery."""
        return Envelope(
            sender=self.sender,
            recipients=tuple(self.recipients),
            client=client,
            helo=helo,
            smtputf8=self.smtputf8,
            body_8bit=self.body_8bit,
        )

    def close(self) -> None:
        """Give back what has been gathered of the message."""
        if self.chunks is not None:
            self.chunks.close()
            self.chunks = None
