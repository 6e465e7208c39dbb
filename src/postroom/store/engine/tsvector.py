"""Rendering prepared terms as a PostgreSQL tsvector literal.

The terms come split already (:mod:`postroom.search.terms`), so PostgreSQL's own parser must not touch them: a
literal carries each term with its positions, for phrases. Positions beyond 16,383 all become the last one, as the
server itself does; at most 255 positions are kept for a term.

Source: https://www.postgresql.org/docs/current/datatype-textsearch.html.
"""

MAX_POSITION = 16383
MAX_POSITIONS_OF_A_TERM = 255
MAX_TERM_BYTES = 2000
MAX_VECTOR_BYTES = 900_000
"""A tsvector must stay below 1 MiB; what comes after is not indexed."""


def render_tsvector(terms: str) -> str:
    """Return the tsvector literal of ``terms`` (separated by spaces, in the order of the text)."""
    positions: dict[str, list[int]] = {}
    for number, term in enumerate(terms.split(), start=1):
        known = positions.setdefault(term, [])
        if len(known) < MAX_POSITIONS_OF_A_TERM:
            known.append(min(number, MAX_POSITION))
    rendered: list[str] = []
    size_bytes = 0
    for term, places in positions.items():
        term_bytes = len(term.encode())
        size_bytes += term_bytes + 2 * len(places) + 8
        if term_bytes > MAX_TERM_BYTES:
            continue
        if size_bytes > MAX_VECTOR_BYTES:
            break
        quoted = term.replace("\\", "\\\\").replace("'", "''").replace("\x00", "")
        rendered.append(f"'{quoted}':{','.join(map(str, dict.fromkeys(places)))}")
    return " ".join(rendered)
