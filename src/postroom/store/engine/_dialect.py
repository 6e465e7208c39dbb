"""The common SQL in SQLite's words."""

import re
from functools import cache


@cache
def translate(sql: str) -> str:
    """Return a statement of the common SQL in SQLite's words: it has one writer, and so no locks of rows."""
    sql = sql.replace(" FOR UPDATE SKIP LOCKED", "").replace("numbers($", "json_each($")
    return re.sub(r"\bBYTEA\b", "BLOB", re.sub(r"\$(\d+)", r"?\1", sql))
