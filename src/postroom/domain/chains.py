"""Chains of pages: telling a client all changes of a list since it last asked, in the order in which they were made.

The changes of a list have an order: items by the modseq of their last change, removed ones by that of their removal,
and a number of their own. A delta is what comes after the client's place in it, page by page. Between two pages of a
chain anything may happen: an item that changes moves to the end of the order, so that the client is told of it once
more; it can't be missed. The base of a chain is where the client stood before its first page. What came after the
base is new, also where a page before told of it; so what a client is told of as new may be known to it, and replaces
what it has.

A removal is told where the client may have the item: it had come by the base, or an earlier page of the chain may
have told of it. That is so if it had come by the client's place and was still there at the first page. What came and
went unseen is in none. When nothing is left, the token is the one that the list has, for this very state.

A token is of no use if its history is not this one, or if removals after it are forgotten; then the client starts
from nothing. A chain from nothing needs no removals but those since its first page.
"""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from postroom.domain.tokens import SyncToken
from postroom.store.sql.deltas import MAX_UID, Place

MAX_EXAMINED = 5000
"""Changes looked at for one page: of many that are not to be told, a page may be short, even empty."""


class _Ordered(Protocol):
    @property
    def modseq(self) -> int:
        """Of the change."""

    @property
    def uid(self) -> int:
        """The number in the order of changes of one modseq."""

    @property
    def entered_modseq(self) -> int:
        """When the item came into the list."""


class _State(Protocol):
    @property
    def uid_validity(self) -> int:
        """Changes when all ids are given out anew."""

    @property
    def content_modseq(self) -> int:
        """Of the last change."""

    @property
    def forgotten_modseq(self) -> int:
        """Removals up to here may be forgotten."""

    @property
    def mailbox_modseq(self) -> int:
        """Where the account's history stands."""


_Item_co = TypeVar("_Item_co", bound=_Ordered, covariant=True)
_Gone_co = TypeVar("_Gone_co", bound=_Ordered, covariant=True)
_Row = TypeVar("_Row", bound=_Ordered)


class Source(Protocol[_Item_co, _Gone_co]):
    """Where the changes of a list are read."""

    async def list_changed(self, *, after: tuple[int, int], limit: int) -> Sequence[_Item_co]:
        """Return up to ``limit`` items that changed after a place, in their order."""

    async def list_removed(self, *, after: tuple[int, int], limit: int) -> Sequence[_Gone_co]:
        """Return up to ``limit`` removals after a place, in their order."""


class Start(NamedTuple):
    """Where a page starts; see above for ``base``. ``first``: where history stood at the first page."""

    base: int
    place: Place
    first: int


class Page(NamedTuple, Generic[_Row]):
    """Changes to be told, the place behind them, and whether there are more."""

    rows: list[_Row]
    end: Place
    has_more: bool


def is_lost(token: SyncToken, content: _State) -> bool:
    """Tell whether a token is of another history, or of one that is no longer known."""
    if token.validity != content.uid_validity or token.modseq > content.content_modseq:
        return True
    if token.chain is None:
        return token.modseq < content.forgotten_modseq
    if token.chain.modseq > content.content_modseq or token.chain.first > content.mailbox_modseq:
        return True
    # Of the modseq where the client stands inside a chain, some removals may be still to come.
    told = max(token.modseq, token.chain.modseq - 1)
    return content.forgotten_modseq > (told if token.modseq else max(told, token.chain.first))


def find_start(token: SyncToken | None, content: _State) -> Start:
    """Return where a client with that token goes on."""
    if token is not None and token.chain is not None:
        return Start(token.modseq, Place(token.chain.modseq, token.chain.uid), token.chain.first)
    base = 0 if token is None else token.modseq
    return Start(base, Place(base, MAX_UID), content.mailbox_modseq)


async def read_page(
    source: Source[_Item_co, _Gone_co], start: Start, *, limit: int
) -> Page[_Item_co | _Gone_co]:
    """Return up to ``limit`` of the changes to be told, in their order."""
    told: list[_Item_co | _Gone_co] = []
    place, examined = start.place, 0
    while examined < MAX_EXAMINED:
        wanted = limit - len(told) + 1
        rows = await _list_changes(source, start, after=place, limit=wanted)
        for row, is_removed in rows:
            if not is_removed or _may_be_known(row, start):
                if len(told) == limit:
                    return Page(told, place, True)
                told.append(row)
            place = Place(row.modseq, row.uid)
        if len(rows) < wanted:
            return Page(told, place, False)
        examined += len(rows)
    return Page(told, place, True)


async def _list_changes(
    source: Source[_Item_co, _Gone_co], start: Start, *, after: Place, limit: int
) -> list[tuple[_Item_co | _Gone_co, bool]]:
    """Return the first ``limit`` changes after a place, and whether each is a removal.

    Removals that can't concern the client are left out.
    """
    changed = await source.list_changed(after=after, limit=limit)
    # Who starts from nothing has nothing that was gone by the first page.
    after = after if start.base else max(after, Place(start.first, MAX_UID))
    removed = await source.list_removed(after=after, limit=limit)
    changes: list[tuple[_Item_co | _Gone_co, bool]] = [(row, False) for row in changed]
    changes += [(row, True) for row in removed]
    # Where one of the lists was cut, what is missing comes after all that is left here.
    return sorted(changes, key=lambda change: (change[0].modseq, change[0].uid))[:limit]


def _may_be_known(removed: _Ordered, start: Start) -> bool:
    """Tell whether the client may have an item that was removed."""
    if removed.entered_modseq <= start.base:
        return True
    return removed.modseq > start.first and (removed.entered_modseq, removed.uid) <= start.place
