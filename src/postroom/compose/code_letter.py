"""Letters with codes: to who has to prove that mail reaches them. They are from the postmaster, and say that they are
automatic, so that nobody answers them (RFC 3834 §5).
"""

from typing import Final, NamedTuple

from postroom.compose.addresses import Address
from postroom.compose.message import Fields, compose_message

_AUTOMATIC: Final = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))


class CodeLetter(NamedTuple):
    """What a letter is made of; ``date`` in Unix seconds, the id with its angle brackets."""

    to: Address
    domain: str
    """Of the account that it is about."""
    subject: str
    text: str
    message_id: str
    date: int


def compose_code_letter(letter: CodeLetter) -> bytes:
    """Return a letter as a message."""
    return compose_message(
        Fields(
            from_=Address("Postmaster", "postmaster", letter.domain),
            to=(letter.to,),
            subject=letter.subject,
            body_text=letter.text,
            message_id=letter.message_id,
            date=letter.date,
            extra=(*_AUTOMATIC, ("Content-Language", "en")),
        )
    )
