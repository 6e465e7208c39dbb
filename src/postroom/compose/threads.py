"""Threads: what an answer's In-Reply-To and References hold (RFC 5322 §3.6.4)."""

import re
from collections.abc import Iterable
from typing import Final

MAX_REFERENCES_CHARS: Final = 2000
LONGEST_ID_CHARS: Final = 900
"""A longer id does not fit on a line."""

_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+>")


def parse_message_ids(text: str) -> list[str]:
    """Return the message ids in a text, with their angle brackets; what is none is passed over."""
    return [found for found in _ID.findall(text) if len(found) <= LONGEST_ID_CHARS]


def make_references(
    message_id: str, references: str | Iterable[str], *, in_reply_to: str = ""
) -> tuple[str, ...]:
    """Return the References of an answer or a forwarded copy: under 2,000 characters as they stand in the field.

    The first id, which begins the thread, and the last ones are kept.

    Args:
        message_id: the Message-ID of the mail that is answered, "" if it has none.
        references: its References, as the field's value or as ids.
        in_reply_to: its In-Reply-To, which counts where it has no References and this holds one id only.
    """
    before = parse_message_ids(references if isinstance(references, str) else " ".join(references))
    if not before:
        before = parse_message_ids(in_reply_to)
        before = before if len(before) == 1 else []
    ids = list(dict.fromkeys([*before, *parse_message_ids(message_id)[:1]]))
    last = parse_message_ids(message_id)[:1]
    if last and ids[-1] != last[0]:
        ids.remove(last[0])
        ids.append(last[0])
    return _limit(ids)


def _limit(ids: list[str]) -> tuple[str, ...]:
    if sum(map(len, ids)) + len(ids) < MAX_REFERENCES_CHARS:
        return tuple(ids)
    room = MAX_REFERENCES_CHARS - 1 - len(ids[0])
    kept: list[str] = []
    for reference in reversed(ids[1:]):
        room -= len(reference) + 1
        if room < 0:
            break
        kept.append(reference)
    return (ids[0], *reversed(kept))
