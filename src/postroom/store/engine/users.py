"""Is a database in use by another process? Asked before it is copied, with no engine of this process open on it."""

from pathlib import Path

import apsw

_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'postroom' AND pid <> pg_backend_pid()
"""


async def is_in_use(url: str, database: Path) -> bool:
    """Tell whether another process of Postroom has a database open; ``database`` is the file of ``sqlite:``.

    Raises: unavailable.
    """
    if url == "sqlite:":
        return _has_locks(database)
    if not url.startswith(("postgresql://", "postgres://")):
        return False  # Whoever opens it is told what a URL must be.
    from postroom.store.engine.postgres import PostgresEngine  # noqa: PLC0415 (loaded where it is used)

    engine = await PostgresEngine.open(url, connections=1)
    try:
        async with engine.peek() as connection:
            return int(await connection.fetch_value(_OTHERS)) > 0
    finally:
        await engine.close()


def _has_locks(database: Path) -> bool:
    """Tell whether another connection is open: each holds a shared lock, so that nobody gets an exclusive one.

    Source: https://www.sqlite.org/pragma.html#pragma_locking_mode.
    """
    if not database.exists():
        return False
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        connection.execute("BEGIN IMMEDIATE; ROLLBACK").fetchall()
    except (apsw.BusyError, apsw.LockedError):
        return True
    finally:
        connection.close()
    return False
