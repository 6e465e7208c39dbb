"""Searches in PostgreSQL's full-text index: the neutral query in its words.

A ``tsquery`` is text, but nothing that a user has typed is ever read as such: it is rendered from marked terms, which
are letters and digits alone, between quotes. Each column is asked for all that is wanted of it by one look-up in the
GIN index; what the columns have found is put together here, so that statements stay constants.

The planner does not know what it costs to unpack a vector, and would rather look at those of a whole account or of
everybody. So it is kept from that: the account, which the marks of the terms name already, is compared as an
expression, and :data:`PREPARE` comes first in the transaction.

Source: https://www.postgresql.org/docs/current/datatype-textsearch.html.
"""

from collections.abc import Awaitable, Callable, Iterable

from postroom.search.query import ANY_FIELD, COLUMNS, Phrase, Text
from postroom.search.terms import make_mark
from postroom.store.engine.base import TextMatches

Look = Callable[[str, str], Awaitable[set[int]]]
"""Returns the contents for a statement and its ``tsquery``."""

PREPARE = "SET LOCAL enable_seqscan = off"
_IN_COLUMN = {column: f"{column} @@ $2::text::tsquery" for column in COLUMNS}
_ANYWHERE = " OR ".join(_IN_COLUMN.values())
SEARCH = {
    column: f"SELECT array_agg(content_id) FROM fulltext WHERE account_id + 0 = $1 AND ({condition})"  # noqa: S608
    for column, condition in {ANY_FIELD: _ANYWHERE, **_IN_COLUMN}.items()
}
"""Statements by the column that they look into."""
_LEXEMES = " UNION ".join(f"SELECT lexeme FROM unnest({column})" for column in COLUMNS)  # noqa: S608
LIST_WORDS = f"""
WITH found AS MATERIALIZED (SELECT content_id FROM fulltext WHERE account_id + 0 = $1 AND ({_ANYWHERE})),
     newest AS MATERIALIZED (SELECT content_id FROM found ORDER BY content_id DESC LIMIT $5),
     vectors AS (SELECT * FROM fulltext WHERE account_id = $1 AND content_id IN (SELECT content_id FROM newest))
SELECT lexeme FROM vectors CROSS JOIN LATERAL ({_LEXEMES}) AS words
WHERE starts_with(lexeme, $3) GROUP BY lexeme ORDER BY count(*) DESC, lexeme LIMIT $4
"""  # noqa: S608
"""The most frequent terms with some beginning in the newest contents that have one."""


async def search(look: Look, account_id: int, text: Text) -> TextMatches:
    """Return the contents for what is asked, found by ``look``."""
    excluded: set[int] = set()
    if not text.wanted:
        for group in text.unwanted:
            excluded |= await _find_all(look, account_id, group)
        return TextMatches(sorted(excluded), are_excluded=True)
    found = await _find_all(look, account_id, text.wanted)
    for group in text.unwanted:
        if found:
            found -= await _find_all(look, account_id, group)
    return TextMatches(sorted(found), are_excluded=False)


async def _find_all(look: Look, account_id: int, phrases: Iterable[Phrase]) -> set[int]:
    """Return the contents that have all of some phrases."""
    found: set[int] | None = None
    for column, query in _by_column(phrases, make_mark(account_id)):
        matches = await look(SEARCH[column], query)
        found = matches if found is None else found & matches
        if not found:
            return set()
    return found or set()


def _by_column(phrases: Iterable[Phrase], mark: str) -> Iterable[tuple[str, str]]:
    """Yield columns and the queries for all that is asked of them; what may be in any column is asked one by one."""
    joined: dict[str, str] = {}
    for phrase in phrases:
        query = render_phrase(phrase, mark)
        if phrase.column == ANY_FIELD:
            yield ANY_FIELD, query
        else:
            joined[phrase.column] = f"{joined[phrase.column]} & {query}" if phrase.column in joined else query
    yield from joined.items()


def render_phrase(phrase: Phrase, mark: str) -> str:
    """Return the ``tsquery`` of a phrase."""
    words = " <-> ".join(f"'{mark}{term}'" for term in phrase.terms)
    return f"({words}{':*' if phrase.is_beginning else ''})"
