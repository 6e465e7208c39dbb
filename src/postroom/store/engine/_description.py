"""What a SQLite database is, for those who look after it."""

from pathlib import Path

from postroom.store.engine.base import Connection, Description

_DESCRIBE = """
SELECT sqlite_version(), (SELECT encoding FROM pragma_encoding),
       (SELECT count(*) FROM sqlite_master WHERE name = 'schema_migration')
"""


async def describe(connection: Connection, path: Path) -> Description:
    """Return what the library and the file are, its write-ahead log included."""
    version, encoding, tables = await connection.fetch_row(_DESCRIBE) or ("", "", 0)
    files = [path, path.with_name(path.name + "-wal")]
    size_bytes = sum(file.stat().st_size for file in files if file.exists())
    return Description("SQLite", str(version), str(encoding), None, bool(tables), size_bytes)
