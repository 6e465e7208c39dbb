"""Searches in PostgreSQL's full-text index: the neutral query in its words.

A ``tsquery`` is text, but nothing that a user has typed is ever read as such: it is rendered from marked terms, which
are letters and digits alone, between quotes. Each phrase is looked up in the GIN index; what the phrases have found
is put together here, so that statements stay constants.

A vector has bounds: of its bytes, of positions, and of the positions of one term. So a long text is kept in parts,
each of which has the beginning of the next at its end: a phrase lies in one part whole. Longer phrases than that are
looked up as several that overlap. Only a term that is there more than 255 times in one part has no positions beyond.

The planner does not know what it costs to unpack a vector, and would rather look at those of a whole account or of
everybody. So it is kept from that: the account, which the marks of the terms name already, is compared as an
expression, and :data:`PREPARE` comes first in the transaction.

Source: https://www.postgresql.org/docs/current/datatype-textsearch.html.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from postroom.search.query import ANY_FIELD, COLUMNS, Phrase, Text
from postroom.search.terms import make_mark
from postroom.store.engine.base import TextMatches

Look = Callable[[str, str], Awaitable[set[int]]]
"""Returns the contents for a statement and its ``tsquery``."""

PART_TERMS = 3500
"""Terms of a part; as many of the longest fit into a vector."""
OVERLAP = 64
"""Terms of the next part at the end of each."""

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
     newest AS MATERIALIZED (SELECT DISTINCT content_id FROM found ORDER BY content_id DESC LIMIT $5),
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
    mark = make_mark(account_id)
    for piece in (piece for phrase in phrases for piece in _cut_phrase(phrase)):
        matches = await look(SEARCH[piece.column], render_phrase(piece, mark))
        found = matches if found is None else found & matches
        if not found:
            return set()
    return found or set()


def _cut_phrase(phrase: Phrase) -> Iterator[Phrase]:
    """Yield phrases that lie in one part whole, which one after the other make a phrase."""
    terms = phrase.terms
    for start in range(0, max(1, len(terms) - OVERLAP // 2), OVERLAP // 2):
        is_last = start + OVERLAP >= len(terms)
        yield Phrase(phrase.column, terms[start : start + OVERLAP], is_last and phrase.is_beginning)


def cut_terms(fields: Sequence[list[str]]) -> Iterator[list[list[str]]]:
    """Yield the parts of a message: of each field the terms that go into its vector there."""
    for start in range(0, max(1, *map(len, fields)), PART_TERMS):
        yield [terms[start : start + PART_TERMS + OVERLAP] for terms in fields]


def render_phrase(phrase: Phrase, mark: str) -> str:
    """Return the ``tsquery`` of a phrase."""
    words = " <-> ".join(f"'{mark}{term}'" for term in phrase.terms)
    return f"({words}{':*' if phrase.is_beginning else ''})"
