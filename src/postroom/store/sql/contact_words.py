"""What contacts are found by: their addresses, and their words as one types.

Words lie in an index in the order of (level, word), where the level of a contact rises with how often it was used:
by one with each of the first uses, then whenever they have doubled. So the most used of those that begin with some
letters are found in a few short ranges, however many others begin like that: each range is read no further than is
needed. Of several beginnings that few contacts have together, or none, the ranges would be read to their ends. So it
is looked first which contacts can have them all (:mod:`postroom.store.letter_sets`): if these are at most
:data:`FEW`, they alone are looked at; if they are more, some of them soon come in the ranges.

Invariants (verified by ``postroom check``): the words and addresses of a contact are those that it has; level and
uses are the same in all words of a contact, and those of the contact; a contact is in a set of letters if and only if
it has a word that begins so, and no set is empty. Whoever changes words has the mailbox locked, since sets are read
and written anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, ItemId
from postroom.store.engine.base import Connection
from postroom.store.letter_sets import Place, Words, gather, intersect, list_members, pack, shorten, unpack

TOP_LEVEL = 9
EXACT_LEVELS = 4
"""Below this a level is a number of uses, so that its words need no sorting."""
MAX_WORDS = 4
"""Words of a query that are looked for here."""
FEW = 256
"""Contacts that are looked at one by one."""
_AT_ONCE = 64

_ADD_ADDRESS = """
INSERT INTO contact_address (account_id, address, item_id, uses, used_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, address, item_id) DO NOTHING
"""
_USE_ADDRESS = """
UPDATE contact_address SET uses = uses + 1, used_at = $3 WHERE account_id = $1 AND address = $2 RETURNING item_id
"""
_USE_CONTACT = "UPDATE contact SET uses = uses + 1 WHERE account_id = $1 AND item_id = $2 RETURNING uses"
_USE_WORDS = "UPDATE contact_word SET level = $3, uses = $4 WHERE account_id = $1 AND item_id = $2"
_LIST_ADDRESSES = (
    "SELECT account_id, address, item_id FROM contact_address WHERE account_id = $1 AND item_id = $2"
)
_DELETE_ADDRESS = "DELETE FROM contact_address WHERE account_id = $1 AND address = $2 AND item_id = $3"
_ADD_WORD = "INSERT INTO contact_word (account_id, item_id, word, level, uses) VALUES ($1, $2, $3, $4, $5)"
_DELETE_WORDS = "DELETE FROM contact_word WHERE account_id = $1 AND item_id = $2"
_LIST_WORDS = "SELECT account_id, item_id, word FROM contact_word WHERE account_id = $1 AND item_id = $2"
_LIST_WORDS_BETWEEN = """
SELECT item_id, word, level, uses FROM contact_word WHERE account_id = $1 AND item_id > $2 AND item_id <= $3
"""
_LIST_ADDRESSES_BETWEEN = """
SELECT item_id, address FROM contact_address
WHERE account_id = $1 AND item_id > $2 AND item_id <= $3
"""

_FIND_SETS = f"""
SELECT letters, span, members FROM contact_letters
WHERE account_id = $1 AND letters IN ({", ".join(f"${number}" for number in range(2, 2 + MAX_WORDS))})
"""
_FIND_SET = """
SELECT letters, span, members FROM contact_letters WHERE account_id = $1 AND letters = $2 AND span = $3
"""
_LIST_SETS = "SELECT letters, span, members FROM contact_letters WHERE account_id = $1"
_PUT_SET = """
INSERT INTO contact_letters (account_id, letters, span, members) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, letters, span) DO UPDATE SET members = excluded.members
"""
_DELETE_SET = "DELETE FROM contact_letters WHERE account_id = $1 AND letters = $2 AND span = $3"
_DELETE_SETS = "DELETE FROM contact_letters WHERE account_id = $1"


def _also(others: int, first: int) -> str:
    """Return the condition that a contact has ``others`` too, whose bounds are the parameters from ``first`` on."""
    # OFFSET keeps PostgreSQL from making joins of it, which takes it longer than all the rest.
    return "".join(
        f"""
        AND EXISTS (SELECT 1 FROM contact_word AS other{number} WHERE other{number}.account_id = $1
                    AND other{number}.item_id = contact_word.item_id
                    AND other{number}.word >= ${first + 2 * number} AND other{number}.word < ${first + 1 + 2 * number}
                    LIMIT 1 OFFSET 0)"""
        for number in range(others)
    )


def _complete_statement(others: int) -> str:
    """Return the statement for a word, and ``others`` that the same contact has too."""
    orders = [
        (level, "word, item_id" if level < EXACT_LEVELS else "uses DESC, word, item_id")
        for level in range(TOP_LEVEL, -1, -1)
    ]
    ranges = [
        f"""
SELECT * FROM (SELECT level, uses, word, item_id FROM contact_word
               WHERE account_id = $1 AND level = {level} AND word >= $2 AND word < $3{_also(others, 5)}
               ORDER BY {order} LIMIT $4) AS page"""
        for level, order in orders
    ]
    # Ranges are read one after the other, so that no more of them are read than it takes.
    return " UNION ALL".join(ranges) + "\nLIMIT $4"


def _among_statement(others: int) -> str:
    """Return the statement for the same words of some contacts, in any order."""
    bounds = 4 + 2 * others
    places = ", ".join(f"${number}" for number in range(bounds, bounds + _AT_ONCE))
    return f"""
SELECT level, uses, word, item_id FROM contact_word
WHERE account_id = $1 AND item_id IN ({places}) AND word >= $2 AND word < $3{_also(others, 4)}"""


_COMPLETE = {others: _complete_statement(others) for others in range(MAX_WORDS)}
_COMPLETE_AMONG = {others: _among_statement(others) for others in range(1, MAX_WORDS)}


def level_of(uses: int) -> int:
    """Return the level of what was used so often."""
    return uses if uses < EXACT_LEVELS else min(uses.bit_length() + 1, TOP_LEVEL)


class FoundWord(NamedTuple):
    """A word that begins as was asked for, and the contact that it is of."""

    level: int
    uses: int
    word: bytes
    item_id: ItemId


class WordRow(NamedTuple):
    """A word as stored."""

    item_id: ItemId
    word: bytes
    level: int
    uses: int


class ContactLettersRepo:
    """The sets of contacts of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def change(self, *, before: Words, after: Words) -> None:
        """Take note of the words that some contacts had, and of those that they have now."""
        had, has = gather(before), gather(after)
        changed = [place for place in had.keys() | has.keys() if had.get(place, 0) != has.get(place, 0)]
        rows = await self._connection.fetch_many(_FIND_SET, [(self._account_id, *place) for place in changed])
        stored = {Place(letters, span): unpack(members) for letters, span, members in rows}
        await self._put(
            {place: stored.get(place, 0) & ~had.get(place, 0) | has.get(place, 0) for place in changed}
        )

    async def rebuild(self, bits: dict[Place, int]) -> None:
        """Store these sets in place of all that there are."""
        await self._connection.execute(_DELETE_SETS, self._account_id)
        await self._put(bits)

    async def list_all(self) -> dict[Place, int]:
        """Return all sets."""
        rows = await self._connection.fetch_all(_LIST_SETS, self._account_id)
        return {Place(letters, span): unpack(members) for letters, span, members in rows}

    async def find_common(self, beginnings: Sequence[bytes], *, limit: int) -> list[ItemId] | None:
        """Return the contacts that may have words with all of these beginnings; None if more than ``limit`` may."""
        wanted = list(dict.fromkeys(shorten(one) for one in beginnings))[:MAX_WORDS]
        padded = wanted + wanted[-1:] * (MAX_WORDS - len(wanted))
        spans: dict[int, list[bytes]] = defaultdict(list)
        for _, span, members in await self._connection.fetch_all(_FIND_SETS, self._account_id, *padded):
            spans[span].append(members)
        common: dict[int, int] = {}
        for span, sets in spans.items():
            if len(sets) == len(wanted):
                common[span] = intersect(sets)
        if sum(bits.bit_count() for bits in common.values()) > limit:
            return None
        return [number for span in sorted(common) for number in list_members(span, common[span])]

    async def _put(self, bits: dict[Place, int]) -> None:
        puts = [(self._account_id, *place, pack(some)) for place, some in bits.items() if some]
        empty = [(self._account_id, *place) for place, some in bits.items() if not some]
        await self._connection.execute_many(_PUT_SET, puts)
        await self._connection.execute_many(_DELETE_SET, empty)


class ContactWordRepo:
    """Addresses and words of the contacts of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id
        self._letters = ContactLettersRepo(connection, account_id)

    async def use(self, address: str, *, now: int) -> bool:
        """Note that something is sent to an address; False if no contact has it."""
        rows = await self._connection.fetch_all(_USE_ADDRESS, self._account_id, address, now)
        for (item_id,) in rows:
            uses = await self._connection.fetch_value(_USE_CONTACT, self._account_id, item_id)
            if uses is not None:
                await self._connection.execute(_USE_WORDS, self._account_id, item_id, level_of(uses), uses)
        return bool(rows)

    async def add_addresses(self, addresses: Iterable[tuple[str, ItemId]], *, uses: int, now: int) -> None:
        """Store addresses, each with the number of its contact, of which use was made so often."""
        rows = [(self._account_id, address, item_id, uses, now) for address, item_id in addresses]
        await self._connection.execute_many(_ADD_ADDRESS, rows)

    async def set_addresses(self, item_id: ItemId, addresses: Iterable[str]) -> None:
        """Store the addresses that a contact has now; of those that stay, it stays known how often they were used."""
        wanted = dict.fromkeys(addresses)
        rows = await self._connection.fetch_all(_LIST_ADDRESSES, self._account_id, item_id)
        known = {row[1] for row in rows}
        gone = [(self._account_id, address, item_id) for address in sorted(known - wanted.keys())]
        await self._connection.execute_many(_DELETE_ADDRESS, gone)
        await self.add_addresses([(one, item_id) for one in wanted if one not in known], uses=0, now=0)

    async def add_words(self, words: Iterable[tuple[ItemId, bytes, int]]) -> None:
        """Store words of new contacts: of which contact, the word, how often the contact was used."""
        new = list(words)
        await self._insert(new)
        await self._letters.change(before=(), after=[(item_id, word) for item_id, word, _ in new])

    async def set_words(self, item_id: ItemId, words: Iterable[bytes], *, uses: int) -> None:
        """Store the words that a contact has now."""
        now = list(words)
        before = await self._connection.fetch_all(_LIST_WORDS, self._account_id, item_id)
        await self._connection.execute(_DELETE_WORDS, self._account_id, item_id)
        await self._insert([(item_id, word, uses) for word in now])
        await self._letters.change(
            before=[(item_id, row[2]) for row in before], after=[(item_id, word) for word in now]
        )

    async def forget(self, item_ids: Iterable[int]) -> None:
        """Remove what contacts are found by."""
        rows = [(self._account_id, item_id) for item_id in item_ids]
        words = await self._connection.fetch_many(_LIST_WORDS, rows)
        await self._connection.execute_many(_DELETE_WORDS, rows)
        await self._letters.change(before=[(row[1], row[2]) for row in words], after=())
        addresses = await self._connection.fetch_many(_LIST_ADDRESSES, rows)
        await self._connection.execute_many(_DELETE_ADDRESS, addresses)

    async def complete(self, beginnings: Sequence[bytes], *, limit: int) -> list[FoundWord]:
        """Return words that begin with the first of ``beginnings``, of contacts that have the others too.

        They are the first ``limit`` by uses, then by word and number; there are at most :data:`MAX_WORDS` beginnings.
        """
        bounds = [(beginning, beginning + b"\xff") for beginning in beginnings]
        others = [bound for pair in bounds[1:] for bound in pair]
        if others:
            few = await self._letters.find_common(beginnings, limit=FEW)
            if few is not None:
                found = await self._complete_among(few, [*bounds[0], *others], others=len(bounds) - 1)
                return sorted(found, key=lambda row: (-row.uses, row.word, row.item_id))[:limit]
        rows = await self._connection.fetch_all(
            _COMPLETE[len(bounds) - 1], self._account_id, *bounds[0], limit, *others
        )
        return [FoundWord(*row) for row in rows]

    async def _complete_among(
        self, item_ids: Sequence[ItemId], bounds: Sequence[bytes], *, others: int
    ) -> list[FoundWord]:
        found: list[FoundWord] = []
        for start in range(0, len(item_ids), _AT_ONCE):
            some = item_ids[start : start + _AT_ONCE]
            # The statement is one for all; nothing has the number 0.
            places = [*some, *[0] * (_AT_ONCE - len(some))]
            rows = await self._connection.fetch_all(
                _COMPLETE_AMONG[others], self._account_id, *bounds, *places
            )
            found += [FoundWord(*row) for row in rows]
        return found

    async def _insert(self, words: Sequence[tuple[ItemId, bytes, int]]) -> None:
        await self._connection.execute_many(
            _ADD_WORD,
            [(self._account_id, item_id, word, level_of(uses), uses) for item_id, word, uses in words],
        )

    # For checks

    async def list_words_between(self, after: int, last: int) -> list[WordRow]:
        """Return the words of the contacts behind a number, up to another."""
        rows = await self._connection.fetch_all(_LIST_WORDS_BETWEEN, self._account_id, after, last)
        return [WordRow(*row) for row in rows]

    async def list_addresses_between(self, after: int, last: int) -> list[tuple[ItemId, str]]:
        """Return the addresses of the contacts behind a number, up to another."""
        rows = await self._connection.fetch_all(_LIST_ADDRESSES_BETWEEN, self._account_id, after, last)
        return [(ItemId(row[0]), row[1]) for row in rows]
