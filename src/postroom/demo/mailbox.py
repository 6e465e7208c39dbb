"""The mails of the demonstration account: about 200 of many kinds, oldest first.

All text is made for this; every address lies in a domain that is reserved for examples (RFC 2606).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postroom.demo.letters import Letter, compose, message_id
from postroom.demo.newsletters import iter_newsletters
from postroom.demo.notices import iter_notices
from postroom.demo.scripts import iter_scripts
from postroom.demo.specials import iter_specials
from postroom.demo.threads import iter_threads


@dataclass(frozen=True)
class DemoMessage:
    """A mail to deliver. ``raw`` is the message (RFC 5322, CRLF line ends).

    ``detail`` is the folder that its recipient names behind a plus sign; where the account has no such folder, the
    mail goes to Inbox. ``is_unread`` and ``is_flagged`` are to be set once it is delivered.
    """

    message_id: str
    raw: bytes
    detail: str
    is_unread: bool
    is_flagged: bool
    age_seconds: float


def demo_messages(address: str, *, now: datetime | None = None) -> list[DemoMessage]:
    """Return the mails for ``address``, oldest first; their dates are counted back from ``now`` (aware)."""
    now = now or datetime.now(UTC)
    letters: list[Letter] = [
        *iter_threads(),
        *iter_newsletters(),
        *iter_notices(),
        *iter_scripts(),
        *iter_specials(address, now),
    ]
    letters.sort(key=lambda letter: -letter.age_seconds)
    return [
        DemoMessage(
            message_id=message_id(letter.key),
            raw=compose(letter, to=address, now=now - timedelta(seconds=letter.age_seconds)),
            detail=letter.detail,
            is_unread=letter.unread,
            is_flagged=letter.flagged,
            age_seconds=letter.age_seconds,
        )
        for letter in letters
    ]
