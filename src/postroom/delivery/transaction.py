"""The state of one mail transaction (RFC 5321 §3.3): from an accepted MAIL to its end."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from postroom.delivery.commands import Mail
from postroom.delivery.spool import Gatherer

R = TypeVar("R")
"""What an accepted recipient is to the protocol at hand."""


@dataclass(slots=True)
class Transaction(Generic[R]):
    """What MAIL, RCPT and BDAT have built up."""

    mail: Mail
    """The MAIL command: the reverse-path and the extensions in use."""
    recipients: list[R] = field(default_factory=list)
    """The accepted ones, in the order of their RCPT commands."""
    gathered: Gatherer | None = None
    """The message so far, once DATA or BDAT has begun it."""
    message_id: str = ""

    def close(self) -> None:
        """Give back what has been gathered of the message."""
        if self.gathered is not None:
            self.gathered.close()
            self.gathered = None
