"""The common SQL in SQLite's words."""

import re
from functools import cache


@cache
def translate(sql: str) -> str:
    """Return a statement of the common SQL in SQLite's words: it has one writer, and so no locks of rows."""
    return re.sub(
        r"\bBYTEA\b", "BLOB", re.sub(r"\$(\d+)", r"?\1", sql.replace(" FOR UPDATE SKIP LOCKED", ""))
    )
