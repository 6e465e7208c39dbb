"""What the filters of incoming mail go by, read where a message is digested: once, and apart from who gets it.

Nothing is decided here: what an account thinks of a message is in :mod:`postroom.domain.spam_filters`. Most messages
have few of these traits, and to see that costs some look-ups in a header that is split already.
"""

import re
from html import unescape
from typing import Final, NamedTuple

from postroom.mime.address import parse_addresses
from postroom.mime.authentication_results import FIELD_NAME as AUTHENTICATION_RESULTS
from postroom.mime.dangerous import has_dangerous
from postroom.mime.headers import Header, HeaderField, parse_headers, unfold
from postroom.mime.raw import Raw
from postroom.model.mail import Part, Summary

FILTER_FIELD: Final = "X-Postroom-Filter"
"""The field in which it is recorded what moved a mail to Spam."""
MOST_AUTHORS = 20
"""Addresses of From that are compared."""
_LONGEST_LIST_BYTES = 16 << 10
_MOST_TRACES = 60
_SPAM_FIELDS = ("X-Spam-Flag", "X-Spam-Status", "X-Spam")
_LIST_FIELDS = (
    *(b"list-id", b"list-post", b"list-help", b"list-owner", b"list-archive", b"list-subscribe"),
    *(b"mailing-list", b"x-mailing-list", b"x-beenthere"),
)
_BULK = frozenset(("bulk", "list", "junk"))
_REMOTE = re.compile(
    r"""\b(?:src|srcset|background|poster)\s*+=\s*+["']?\s*+(?:https?:)?//|url\(\s*+["']?\s*+(?:https?:)?//""",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"<(?:img|image|input|picture|source|video|body|table|t[rdh]|div|span|style)\b", re.IGNORECASE
)


class Traits(NamedTuple):
    """What a message has that filters may object to."""

    authors: list[str] = []  # noqa: RUF012 - never changed
    """The addresses of From."""
    spam_field: str = ""
    """The field by which a filter in front has called it spam; "" if none."""
    traces: list[HeaderField] = []  # noqa: RUF012 - never changed
    """Received and Authentication-Results in order, where there are any of the latter."""
    received: bytes = b""
    """The second Received, which the server in front has written: the first is ours."""
    has_dangerous: bool = False
    """It has programs or scripts attached."""
    shows_images_alone: bool = False
    """It is HTML without text, with images of other servers."""
    is_bulk: bool = False
    """It has the headers of bulk mail or of a list, and no List-Unsubscribe."""
    is_named: bool = True
    """It has a Message-ID."""
    has_filter_field: bool = False
    """It came with a field that only we may write."""


def read_traits(raw: Raw, root: Part, header: Header, *, summary: Summary, html: str | None) -> Traits:
    """Return the traits of a message; ``html`` is its HTML body, if that was read for want of text."""
    received = header.values(b"received")
    return Traits(
        authors=_find_authors(header),
        spam_field=_find_spam_field(header),
        traces=_find_traces(raw, root, header),
        received=received[1] if len(received) > 1 else b"",
        has_dangerous=has_dangerous(raw, root),
        shows_images_alone=not summary.snippet and html is not None and has_remote_images(html),
        is_bulk=_is_bulk(header),
        is_named=bool(summary.message_id),
        has_filter_field=FILTER_FIELD.lower().encode() in header,
    )


def has_remote_images(html: str) -> bool:
    """Tell whether HTML shows images of other servers."""
    if _IMAGE.search(html) is None:
        return False
    return _REMOTE.search(unescape(html) if "&" in html else html) is not None


def _find_authors(header: Header) -> list[str]:
    found: dict[str, None] = {}
    for value in header.values(b"from")[:MOST_AUTHORS]:
        for mailbox in parse_addresses(value[:_LONGEST_LIST_BYTES]):
            if "@" in mailbox.address:
                found[mailbox.address] = None
    return list(found)[:MOST_AUTHORS]


def _find_spam_field(header: Header) -> str:
    for name in _SPAM_FIELDS:
        if any(_word(value) == "yes" for value in header.values(name.lower().encode())):
            return name
    return ""


def _find_traces(raw: Raw, root: Part, header: Header) -> list[HeaderField]:
    if AUTHENTICATION_RESULTS.encode() not in header:
        return []
    wanted = {"received", AUTHENTICATION_RESULTS}
    return [field for field in parse_headers(raw, root) if field.name.lower() in wanted][:_MOST_TRACES]


def _is_bulk(header: Header) -> bool:
    if any(value.strip() for value in header.values(b"list-unsubscribe")):
        return False
    # What answers by itself calls itself bulk, and is none.
    if any(_word(value) == "auto-replied" for value in header.values(b"auto-submitted")):
        return False
    is_called_bulk = any(_word(value) in _BULK for value in header.values(b"precedence"))
    return is_called_bulk or any(name in header for name in _LIST_FIELDS)


def _word(value: bytes) -> str:
    """Return the first word of a value in lower case."""
    return re.split(r"[\s;,(]", unfold(value[:200]).strip().lower(), maxsplit=1)[0]
