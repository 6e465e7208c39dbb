"""What a message is joined to conversations by: reference keys, and subject keys with each participant.

A key is a signed 64-bit hash (BLAKE2b). A reference key is that of a message identification and the message's thread
subject, so that a reply whose subject was changed begins a conversation of its own. A message that has no Message-ID
is named by its SHA-256 instead, and so its copies stay together. A subject key is that of the thread subject and the
address of one participant. The first 24 bits are those of the thread subject alone: what a conversation is found by
lies side by side in an index then, where a delivery would else read and write a page of it for each key.

The thread subject is the subject without marks of replies and forwards and without the ``[tags]`` of lists in front,
folded as for sorting, with white space collapsed. All is bounded: of the identifications in a field the first and the
last are taken, of the participants the first.

Source: RFC 5322 §3.6.4, RFC 5256 §2.1.
"""

import re
from functools import lru_cache
from hashlib import blake2b

from postroom.mime.address import parse_addresses
from postroom.mime.headers import Header, unfold
from postroom.mime.raw import Raw
from postroom.mime.summary import sort_key, split_subject
from postroom.model.mail import Part, Summary
from postroom.model.thread import Participant, Threading

MOST_AT_EACH_END = 32
"""Identifications taken from the beginning of a field, and from its end."""
MOST_PARTICIPANTS = 32
_LONGEST_SUBJECT_CHARS = 2000
_LONGEST_LIST_CHARS = 8000
_LONGEST_ID_CHARS = 998
_SHA256 = "sha256:"

_TAG = re.compile(r"\s*+\[[^\[\]]{1,64}\](?=\s*\S)")
_SPACES = re.compile(rb"\s+")
_ID = re.compile(r"<([^<>]*+)>")
_BARE_ID = re.compile(r"[^\s<>,;\"()]++")


def threading_of(
    raw: Raw, root: Part, summary: Summary, *, sha256: bytes, header: Header | None = None
) -> Threading:
    """Return what a message is joined by; ``root`` is its part tree, ``header`` its header where that was read."""
    answered = _answered_in(header or Header(raw, root))
    subject, is_reply = thread_subject(summary.subject)
    names = [own_id(summary, sha256=sha256), *answered]
    return Threading(
        references=tuple(dict.fromkeys(make_key(name, subject) for name in names)),
        participants=_participants(summary, subject) if subject else (),
        is_reply=is_reply and not answered,
    )


def thread_subject(text: str) -> tuple[bytes, bool]:
    """Return the thread subject of a decoded subject, and whether it has a mark of a reply or a forward."""
    text, is_reply = text[:_LONGEST_SUBJECT_CHARS], False
    while True:
        rest, is_marked = split_subject(text)
        is_reply = is_reply or is_marked
        if tag := _TAG.match(rest):
            rest = rest[tag.end() :]
        if rest == text:
            return _SPACES.sub(b" ", sort_key(rest)).strip(), is_reply
        text = rest


def make_key(name: str, subject: bytes) -> int:
    """Return the key of a message identification, or of an address, under a thread subject."""
    hashed = blake2b(name.encode("utf-8", "replace") + b"\0" + subject, digest_size=5).digest()
    return int.from_bytes(_hash_subject(subject) + hashed, "big", signed=True)


@lru_cache(maxsize=256)
def _hash_subject(subject: bytes) -> bytes:
    return blake2b(subject, digest_size=3).digest()


def own_id(summary: Summary, *, sha256: bytes) -> str:
    """Return the identification of a message; one made of its hash where it has none."""
    found = _parse_ids(summary.message_id[: 2 * _LONGEST_ID_CHARS], bare=True)
    return found[0] if found else _SHA256 + sha256.hex()


def find_answered(raw: Raw, root: Part) -> list[str]:
    """Return the identifications in In-Reply-To, then those in References; of a repeated field the first counts."""
    return _answered_in(Header(raw, root))


def _answered_in(header: Header) -> list[str]:
    # In-Reply-To may be prose; what is in no brackets there names no message.
    answered = _bounded(_parse_ids(unfold(header.first(b"in-reply-to")), bare=False))
    return list(
        dict.fromkeys(answered + _bounded(_parse_ids(unfold(header.first(b"references")), bare=True)))
    )


def _bounded(names: list[str]) -> list[str]:
    return (
        names if len(names) <= 2 * MOST_AT_EACH_END else names[:MOST_AT_EACH_END] + names[-MOST_AT_EACH_END:]
    )


def _parse_ids(text: str, *, bare: bool) -> list[str]:
    """Return the identifications in a value, without brackets; those that have none only where ``bare``."""
    found = ["".join(match.split()) for match in _ID.findall(text)]
    if not found and bare:
        found = _BARE_ID.findall(text)
    return [name for name in found if name and len(name) <= _LONGEST_ID_CHARS]


def _participants(summary: Summary, subject: bytes) -> tuple[Participant, ...]:
    addresses: dict[str, None] = {}
    for value in (summary.from_, summary.to, summary.cc):
        if len(value) > _LONGEST_LIST_CHARS:
            value = value[:_LONGEST_LIST_CHARS].rpartition(",")[0]  # noqa: PLW2901 - an address cut is another
        if value:
            for mailbox in parse_addresses(value):
                if "@" in mailbox.address:
                    addresses.setdefault(mailbox.address.lower())
        if len(addresses) >= MOST_PARTICIPANTS:
            break
    return tuple(
        Participant(address, make_key(address, subject)) for address in list(addresses)[:MOST_PARTICIPANTS]
    )
