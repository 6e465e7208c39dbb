"""Searches in SQLite's FTS5: the neutral query in its words.

A query of FTS5 is text, but nothing that a user has typed is ever read as such: a phrase is rendered from terms,
which are letters and digits alone, between quotes. A phrase of marked terms cannot be found in the text of another
account; the range of rows says so once more.

Source: https://www.sqlite.org/fts5.html#full_text_query_syntax.
"""

from collections.abc import Iterable, Sequence

from postroom.search.query import Phrase
from postroom.search.terms import make_mark

ACCOUNT_SHIFT = 32

SEARCH = """
SELECT json_group_array(rowid & 4294967295) FROM fulltext
WHERE fulltext MATCH ?1 AND rowid BETWEEN (?2 << 32) AND (?2 << 32 | 4294967295)
"""
SEGMENT_SIZES = "SELECT count(*) FROM fulltext_idx GROUP BY segid"
"""How many pages of each segment begin with a term; pages that only go on with one are not counted."""
_SMALL_SHARE = 16
LIST_INDEXED = "SELECT id FROM fulltext_docsize WHERE id >= ? AND id < ?"
MAKE_WORDS = "CREATE VIRTUAL TABLE temp.fulltext_words USING fts5vocab(main, fulltext, row)"
"""The terms of the index and in how many contents each is."""
LIST_WORDS = """
SELECT term, doc FROM temp.fulltext_words WHERE term >= ? AND term < ? ORDER BY doc DESC, term LIMIT ?
"""


def render_all(phrases: Iterable[Phrase], account_id: int) -> str:
    """Return the expression of FTS5 for all of some phrases; there must be one."""
    mark = make_mark(account_id)
    return " AND ".join(_render(phrase, mark) for phrase in phrases)


def render_any(groups: Iterable[Iterable[Phrase]], account_id: int) -> str:
    """Return the expression of FTS5 for all phrases of any of some groups; there must be one in each."""
    return " OR ".join(f"({render_all(group, account_id)})" for group in groups)


def _render(phrase: Phrase, mark: str) -> str:
    column = f"{phrase.column} : " if phrase.column else ""
    words = " ".join(mark + term for term in phrase.terms)
    return f'{column}"{words}"{" *" if phrase.is_beginning else ""}'


def is_scattered(sizes: Sequence[int]) -> bool:
    """Tell whether segments of some sizes are worth merging into one.

    They are where all but the largest have a sixteenth of the whole. So each term is written some sixteen times
    more in the long run, in idle moments, and a large index is not written anew for a few mails.
    """
    return len(sizes) > 1 and (sum(sizes) - max(sizes)) * _SMALL_SHARE >= sum(sizes)
