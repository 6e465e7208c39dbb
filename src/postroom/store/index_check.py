"""Does the full-text index have what was put into it? By what it says of itself in different places.

SQLite's own check finds an index of FTS5 whose pages cannot be read. One whose pages can be read, and which has lost
some of them, or what leads to them, it takes for whole. So two things are counted twice: the words of each column,
in the index and in the lengths that are kept of each message; and for each term the messages that have it, as the
index is read from end to end and as a search finds them. A word that was turned into another of as many messages is
found by neither.

PostgreSQL writes its log before its pages, and can have checksums of these: nothing more is done there.
"""

from collections.abc import Sequence

from postroom.store.engine.base import Engine, Row

_MAKE_COLUMNS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.fulltext_columns USING fts5vocab(main, fulltext, col)"
)
_MAKE_WORDS = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.fulltext_words USING fts5vocab(main, fulltext, row)"
_COUNT_WORDS = "SELECT col, sum(cnt) FROM temp.fulltext_columns GROUP BY col"
_NAME_COLUMNS = "SELECT name FROM pragma_table_info('fulltext')"
_LIST_LENGTHS = "SELECT id, sz FROM fulltext_docsize WHERE id > $1 ORDER BY id LIMIT $2"
_LIST_LOST = """
SELECT doc, (SELECT count(*) FROM fulltext WHERE fulltext MATCH '"' || term || '"') AS found
FROM temp.fulltext_words WHERE doc <> found
"""
_SLICE = 10_000
_HINT = "postroom reindex --search --from-scratch makes it anew"


async def find_index_faults(engine: Engine) -> list[str]:
    """Return what is wrong with the full-text index, a line each; reads all of it. Raises: unavailable.

    It must be readable: :meth:`Engine.find_damage` has found nothing.
    """
    if engine.name != "sqlite":
        return []
    async with engine.read() as connection:
        await connection.execute(_MAKE_COLUMNS)
        await connection.execute(_MAKE_WORDS)
        columns = [str(row[0]) for row in await connection.fetch_all(_NAME_COLUMNS)]
        there = {str(row[0]): int(row[1]) for row in await connection.fetch_all(_COUNT_WORDS)}
        lengths = [0] * len(columns)
        last = -1
        while rows := await connection.fetch_all(_LIST_LENGTHS, last, _SLICE):
            _add_lengths(lengths, rows)
            last = rows[-1][0]
        lost = await connection.fetch_all(_LIST_LOST)
    faults = [
        f"the full-text index has {there.get(column, 0)} words in {column.rstrip('_')}, there must be {length}"
        for column, length in zip(columns, lengths, strict=True)
        if there.get(column, 0) != length
    ]
    if lost:
        faults.append(f"the full-text index has {len(lost)} words that searches do not find everywhere")
    return [f"{fault}; {_HINT}" for fault in faults]


def _add_lengths(lengths: list[int], rows: Sequence[Row]) -> None:
    """Add what each message has of each column: numbers of seven bits a byte, the last byte below 128."""
    for _, packed in rows:
        column = number = 0
        for byte in packed:
            number = number << 7 | byte & 127
            if byte < 128:
                lengths[column] += number
                column, number = column + 1, 0
