"""What contacts are found by: their addresses, and their words as one types.

Words lie in an index in the order of (level, word), where the level of a contact rises with how often it was used:
by one with each of the first uses, then whenever they have doubled. So the most used of those that begin with some
letters are found in a few short ranges, however many others begin like that: each range is read no further than is
needed.

Invariants (verified by ``postroom check``): the words and addresses of a contact are those that it has; level and
uses are the same in all words of a contact, and those of the contact.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, ItemId
from postroom.store.engine.base import Connection

TOP_LEVEL = 9
EXACT_LEVELS = 4
"""Below this a level is a number of uses, so that its words need no sorting."""
MAX_WORDS = 4
"""Words of a query that are looked for here."""

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
_LIST_WORDS_BETWEEN = """
SELECT item_id, word, level, uses FROM contact_word WHERE account_id = $1 AND item_id > $2 AND item_id <= $3
"""
_LIST_ADDRESSES_BETWEEN = """
SELECT item_id, address FROM contact_address
WHERE account_id = $1 AND item_id > $2 AND item_id <= $3
"""


def _complete_statement(others: int) -> str:
    """Return the statement for a word, and ``others`` that the same contact has too."""
    # OFFSET keeps PostgreSQL from making joins of it, which takes it longer than all the rest.
    also = "".join(
        f"""
        AND EXISTS (SELECT 1 FROM contact_word AS other{number} WHERE other{number}.account_id = $1
                    AND other{number}.item_id = contact_word.item_id
                    AND other{number}.word >= ${5 + 2 * number} AND other{number}.word < ${6 + 2 * number}
                    LIMIT 1 OFFSET 0)"""
        for number in range(others)
    )
    orders = [
        (level, "word, item_id" if level < EXACT_LEVELS else "uses DESC, word, item_id")
        for level in range(TOP_LEVEL, -1, -1)
    ]
    ranges = [
        f"""
SELECT * FROM (SELECT level, uses, word, item_id FROM contact_word
               WHERE account_id = $1 AND level = {level} AND word >= $2 AND word < $3{also}
               ORDER BY {order} LIMIT $4) AS page"""
        for level, order in orders
    ]
    return " UNION ALL".join(ranges)


_COMPLETE = {others: _complete_statement(others) for others in range(MAX_WORDS)}


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


class ContactWordRepo:
    """Addresses and words of the contacts of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

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
        """Store words: of which contact, the word, how often the contact was used."""
        await self._connection.execute_many(
            _ADD_WORD,
            [(self._account_id, item_id, word, level_of(uses), uses) for item_id, word, uses in words],
        )

    async def set_words(self, item_id: ItemId, words: Iterable[bytes], *, uses: int) -> None:
        """Store the words that a contact has now."""
        await self._connection.execute(_DELETE_WORDS, self._account_id, item_id)
        await self.add_words([(item_id, word, uses) for word in words])

    async def forget(self, item_ids: Iterable[int]) -> None:
        """Remove what contacts are found by."""
        rows = [(self._account_id, item_id) for item_id in item_ids]
        await self._connection.execute_many(_DELETE_WORDS, rows)
        addresses = await self._connection.fetch_many(_LIST_ADDRESSES, rows)
        await self._connection.execute_many(_DELETE_ADDRESS, addresses)

    async def complete(self, beginnings: Sequence[bytes], *, limit: int) -> list[FoundWord]:
        """Return words that begin with the first of ``beginnings``, of contacts that have the others too.

        At most ``limit`` of each level, the first of them; there are at most :data:`MAX_WORDS` beginnings.
        """
        bounds = [(beginning, beginning + b"\xff") for beginning in beginnings]
        others = [bound for pair in bounds[1:] for bound in pair]
        rows = await self._connection.fetch_all(
            _COMPLETE[len(bounds) - 1], self._account_id, *bounds[0], limit, *others
        )
        return [FoundWord(*row) for row in rows]

    # For checks

    async def list_words_between(self, after: int, last: int) -> list[WordRow]:
        """Return the words of the contacts behind a number, up to another."""
        rows = await self._connection.fetch_all(_LIST_WORDS_BETWEEN, self._account_id, after, last)
        return [WordRow(*row) for row in rows]

    async def list_addresses_between(self, after: int, last: int) -> list[tuple[ItemId, str]]:
        """Return the addresses of the contacts behind a number, up to another."""
        rows = await self._connection.fetch_all(_LIST_ADDRESSES_BETWEEN, self._account_id, after, last)
        return [(ItemId(row[0]), row[1]) for row in rows]
