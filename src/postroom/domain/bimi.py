"""Logos of senders (BIMI): what a delivery does about them, and the logos for those who ask.

A mail that passed DMARC under an enforced policy shows where the logo of its sender's domain is (``bimiLocation``,
the MD5 of that). That is a part of its summary, written when it is delivered, if what the domain says is known by
then; it costs lists nothing, and changes with nothing else. What is known is kept in the store, and for a minute in
memory.

If nothing is known of the domain, the delivery leaves a row (``bimi_waiting``) in its own transaction, and waits for
nothing. Behind it, :mod:`postroom.domain.bimi_runner` looks the domain up; if there is a logo, the mails that waited
are replaced, a step of history as any other: so tokens change exactly when what they stand for does. What has expired
is still used, and looked up anew behind the delivery. As the draft has it, a mail keeps the location that it came
with, wherever the domain moves its logo later.

Only deliveries from outside count, since only there somebody in front has looked.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from postroom.content.digest import Digest
from postroom.domain.clock import Clock
from postroom.mime.authentication_results import FIELD_NAME, read_results
from postroom.mime.bimi import Author, find_author
from postroom.mime.headers import parse_headers
from postroom.mime.raw import Raw
from postroom.model.bimi import Indicator, IndicatorKey
from postroom.model.ids import ContentId
from postroom.model.mail import Part, Summary
from postroom.store import Store
from postroom.store.tx import Transaction

MAX_WAITING = 20_000
"""Contents that may wait; of further ones the mails show no logo."""
MAX_REMEMBERED = 2000
REMEMBERED_MS = 60_000
STALE_MS = 7 * 86_400_000
"""How long what has expired is used, until it is known anew."""
MAX_RENEWED = 1000
"""Keys and logos that are noted to be looked up anew; others are when they are met next."""

_Name = TypeVar("_Name", IndicatorKey, str)
_decode_part = msgspec.msgpack.Decoder(Part).decode
_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_encode = msgspec.msgpack.Encoder().encode


def hash_location(location: str) -> str:
    """Return the name by which programs ask for the logo at a location."""
    return hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()


def with_location(summary: bytes, location_md5: str) -> bytes:
    """Return a stored summary that shows a location."""
    return _encode(msgspec.structs.replace(_decode_summary(summary), bimi_location=location_md5))


class Logo(NamedTuple):
    """A logo, and the name it was asked for by."""

    location_md5: str
    data: bytes


class Pending(NamedTuple):
    """What a delivery leaves to be looked up behind it."""

    author: Author
    due_at: int
    on_durable: Callable[[], None]

    async def note(self, tx: Transaction, content_id: ContentId) -> None:
        """Leave it, in the transaction of the delivery."""
        await tx.bimi_waiting.add(
            content_id, self.author.key, is_enforced=self.author.is_enforced, due_at=self.due_at
        )
        tx.after_commit(self.on_durable)


class Shown(NamedTuple):
    """A message ready to be filed, and what is left to be looked up for it, if anything is."""

    digest: Digest
    pending: Pending | None


class _Remembered(NamedTuple):
    indicator: Indicator
    until: int


class Bimi:
    """The logos of senders' domains."""

    def __init__(
        self, store: Store, *, trusted_hosts: Collection[str], is_enabled: bool, clock: Clock
    ) -> None:
        """``trusted_hosts`` are believed what they found out of a message (the authserv-ids of RFC 8601)."""
        self._store = store
        self._trusted_hosts = trusted_hosts
        self.is_enabled = is_enabled and bool(trusted_hosts)
        """Whether anything is to be looked up."""
        self._clock = clock
        self._known: OrderedDict[IndicatorKey, _Remembered] = OrderedDict()
        self.waiting = 0
        """Contents that wait, as far as this process knows."""
        self.expired_keys: dict[IndicatorKey, None] = {}
        """Keys that are to be looked up anew."""
        self.expired_logos: dict[str, None] = {}
        """Logos that are to be fetched anew."""
        self.on_work: Callable[[], None] = lambda: None
        """Called when there is something to look up."""

    # Deliveries

    async def prepare(self, digest: Digest, content: Raw) -> Shown:
        """Return a message that came in from outside with what it shows of its sender's logo. Raises: unavailable."""
        author = self._find_author(digest, content) if self.is_enabled else None
        if author is None:
            return Shown(digest, None)
        now = self._clock.now_ms()
        indicator = await self._find(author.key, now=now)
        if indicator is None or indicator.expires_at <= now - STALE_MS:
            return Shown(digest, self._make_pending(author, indicator))
        if indicator.expires_at <= now and indicator.due_at <= now:
            self._renew(self.expired_keys, author.key)
        if not indicator.location or not (author.is_enforced or indicator.is_enforcing):
            return Shown(digest, None)
        shown = with_location(digest.summary, hash_location(indicator.location))
        return Shown(digest._replace(summary=shown), None)

    def _find_author(self, digest: Digest, content: Raw) -> Author | None:
        fields = parse_headers(content, _decode_part(digest.structure))
        if not any(field.name.lower() == FIELD_NAME for field in fields):
            return None
        return find_author(fields, read_results(fields, self._trusted_hosts))

    async def _find(self, key: IndicatorKey, *, now: int) -> Indicator | None:
        """Return what is known of a key. Raises: unavailable."""
        known = self._known.get(key)
        if known is not None and known.until > now:
            return known.indicator
        async with self._store.directory() as directory:
            indicator = await directory.indicators.find(key)
        if indicator is not None and indicator.expires_at > now:
            self._known[key] = _Remembered(indicator, min(now + REMEMBERED_MS, indicator.expires_at))
            self._known.move_to_end(key)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return indicator

    def _make_pending(self, author: Author, indicator: Indicator | None) -> Pending | None:
        if self.waiting >= MAX_WAITING:
            return None
        return Pending(author, indicator.due_at if indicator is not None else 0, self._note_waiting)

    def _note_waiting(self) -> None:
        self.waiting += 1
        self.on_work()

    def _renew(self, names: dict[_Name, None], name: _Name) -> None:
        if len(names) < MAX_RENEWED:
            names[name] = None
            self.on_work()

    def forget(self, key: IndicatorKey) -> None:
        """Read what is known of a key anew: it has changed."""
        self._known.pop(key, None)

    # Logos

    async def find_logos(self, names: Sequence[str]) -> list[Logo]:
        """Return those of the logos that are there, each once, in the order asked for. Raises: unavailable."""
        wanted = list(dict.fromkeys(names))
        async with self._store.directory() as directory:
            found = {logo.location_md5: logo for logo in await directory.logos.list_good(wanted)}
        now = self._clock.now_ms()
        for logo in found.values():
            if logo.expires_at <= now:
                self._renew(self.expired_logos, logo.location_md5)
        usable = {name for name, logo in found.items() if logo.expires_at > now - STALE_MS}
        return [Logo(name, found[name].data) for name in wanted if name in usable]
