"""How much room the full-text index takes, by the means of each engine."""

from postroom.store.engine.base import Engine

_STATEMENTS = {
    "sqlite": """
SELECT sum(pgsize) FROM dbstat
WHERE name IN ('fulltext_data', 'fulltext_idx', 'fulltext_docsize') AND aggregate = TRUE
""",
    "postgres": "SELECT pg_total_relation_size('fulltext')",
}


async def index_bytes(engine: Engine) -> int:
    """Return the bytes that the full-text index takes; reads all of its pages. Raises: unavailable."""
    async with engine.peek() as connection:
        return int(await connection.fetch_value(_STATEMENTS[engine.name]) or 0)
