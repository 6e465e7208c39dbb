"""Absence notices: answers that nobody has written (RFC 3834 §3)."""

from typing import Final, NamedTuple

from postroom.compose.addresses import Address
from postroom.compose.message import MAX_SUBJECT_CHARS, Fields, compose_message

_AUTOMATIC: Final = (("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All"))
"""Fields that keep others from answering: RFC 3834 §5, and what Exchange reads."""


class AbsenceNotice(NamedTuple):
    """An absence notice: ids with their angle brackets, ``date`` in Unix seconds."""

    from_: Address
    to: Address
    subject: str
    body: str
    """Plain text."""
    message_id: str
    date: int
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


def make_subject(subject: str, answered: str) -> str:
    """Return the subject of a notice: its own, else ``Auto:`` and that of the mail it answers (RFC 3834 §3.1.5)."""
    return subject if subject.strip() else f"Auto: {answered}".strip()


def compose_absence_notice(notice: AbsenceNotice) -> bytes:
    """Return a notice as a message. Raises: badParameter for what cannot stand in a header."""
    fields = Fields(
        from_=notice.from_,
        to=(notice.to,),
        subject=notice.subject[:MAX_SUBJECT_CHARS],
        body_text=notice.body,
        message_id=notice.message_id,
        date=notice.date,
        in_reply_to=notice.in_reply_to,
        references=notice.references,
        extra=_AUTOMATIC,
    )
    return compose_message(fields)
