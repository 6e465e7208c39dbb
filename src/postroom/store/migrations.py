"""Numbered migrations, and the check that program and database fit.

A migration is a file ``NNNN_name.sql`` (both engines) or ``NNNN_name.<engine>.sql`` in ``schema/``. Applied ones are
recorded with the hash of their text and never change. :data:`COMPATIBLE_WITH` is the oldest program schema that can
still work on a database this program has migrated: an older program finds it in the database and refuses to start
on a schema it would damage.
"""

import hashlib
import re
from importlib.resources import files
from typing import NamedTuple

from postroom.errors import Kind, PostroomError
from postroom.store.engine.base import Connection, Engine

COMPATIBLE_WITH = 1
"""Raise this with a migration that programs of an older schema cannot live with."""

_FILE = re.compile(r"(\d{4})_(\w+)(?:\.(sqlite|postgres))?\.sql")
_RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    compatible_with BIGINT NOT NULL
)
"""
_LIST = "SELECT version, name, sha256, compatible_with FROM schema_migration ORDER BY version"
_RECORD = "INSERT INTO schema_migration (version, name, sha256, compatible_with) VALUES ($1, $2, $3, $4)"


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hash of the text, kept in the database."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> list[str]:
        """Return the statements; comments are dropped."""
        text = "\n".join(line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        return [statement for part in text.split(";") if (statement := part.strip())]


def list_migrations(engine_name: str) -> list[Migration]:
    """Return the migrations of an engine, in order."""
    found: list[Migration] = []
    for entry in files("postroom.store").joinpath("schema").iterdir():
        match = _FILE.fullmatch(entry.name)
        if match and match[3] in (None, engine_name):
            found.append(Migration(int(match[1]), match[2], entry.read_text("utf-8")))
    return sorted(found)


async def migrate(engine: Engine, migrations: list[Migration] | None = None) -> None:
    """Bring the database to this program's schema, or refuse.

    Raises: schemaTooNew where a newer program has left a schema that this one would damage; schemaChanged where an
    applied migration is not the one this program knows; unavailable.
    """
    known = list_migrations(engine.name) if migrations is None else migrations
    async with engine.write() as connection:
        await engine.lock_schema(connection)
        await connection.execute(_RECORDS)
        applied = {row[0]: row for row in await connection.fetch_all(_LIST)}
        _check_fit(applied, known)
        for migration in known:
            if migration.version not in applied:
                await _apply(engine, connection, migration)


class Schema(NamedTuple):
    """How far a database is, and how far this program would bring it; 0 for nothing at all."""

    applied: int
    known: int


async def find_schema(engine: Engine) -> Schema:
    """Return the schema of a database that :func:`migrate` has seen, and change nothing.

    Raises: schemaTooNew; schemaChanged; unavailable.
    """
    known = list_migrations(engine.name)
    async with engine.peek() as connection:
        applied = {row[0]: row for row in await connection.fetch_all(_LIST)}
    _check_fit(applied, known)
    return Schema(max(applied, default=0), known[-1].version)


async def _apply(engine: Engine, connection: Connection, migration: Migration) -> None:
    for statement in migration.statements():
        await connection.execute(engine.adapt_schema(statement))
    await connection.execute(_RECORD, migration.version, migration.name, migration.sha256, COMPATIBLE_WITH)


def _check_fit(applied: dict[int, tuple[object, ...]], known: list[Migration]) -> None:
    newest = known[-1].version
    needed = max((int(str(row[3])) for row in applied.values()), default=0)
    if needed > newest:
        raise PostroomError(
            Kind.UNAVAILABLE,
            "schemaTooNew",
            f"the database was written by a newer Postroom (schema {max(applied)}, this program knows up to {newest} "
            f"and a program of schema {needed} or later is needed): install the newer version again, or restore a "
            "backup made before the upgrade",
        )
    for migration in known:
        row = applied.get(migration.version)
        if row is not None and row[2] != migration.sha256:
            raise PostroomError(
                Kind.UNAVAILABLE,
                "schemaChanged",
                f"migration {migration.version} ({migration.name}) in the database is not the one of this program: "
                "install the version of Postroom that made the database",
            )
