"""Mails from the postmaster: what the server itself writes to people.

They say that they are automatic, so that nobody answers them (RFC 3834 §5).
"""

from typing import Final, NamedTuple

from postroom.compose.addresses import Address
from postroom.compose.message import Fields, compose_message

_AUTOMATIC: Final = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))
_RETURN_PATH: Final = b"Return-Path: <>\r\n"


class PostmasterMail(NamedTuple):
    """What such a mail is made of; ``date`` in Unix seconds, the id with its angle brackets."""

    to: Address
    domain: str
    """Of the account that it is about."""
    language: str
    """Of subject and text."""
    subject: str
    text: str
    message_id: str
    date: int


def compose_postmaster_mail(mail: PostmasterMail) -> bytes:
    """Return the mail as a message, to be sent."""
    return compose_message(
        Fields(
            from_=Address("Postmaster", "postmaster", mail.domain),
            to=(mail.to,),
            subject=mail.subject,
            body_text=mail.text,
            message_id=mail.message_id,
            date=mail.date,
            extra=(*_AUTOMATIC, ("Content-Language", mail.language)),
        )
    )


def compose_filed_mail(mail: PostmasterMail) -> bytes:
    """Return the mail as a message, to be filed: with the Return-Path of final delivery."""
    return _RETURN_PATH + compose_postmaster_mail(mail)
