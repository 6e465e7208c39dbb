"""Opening a store, on both engines."""

from pathlib import Path

import pytest

from postroom.errors import PostroomError
from postroom.store import DATABASE_FILE, Store, open_store
from postroom.store.engine.sqlite import SQLiteEngine
from postroom.store.migrations import Migration, list_migrations, migrate


async def test_a_new_store_has_the_present_schema(store: Store) -> None:
    async with store.engine.peek() as connection:
        rows = await connection.fetch_all("SELECT version FROM schema_migration ORDER BY version")
    assert [row[0] for row in rows] == [migration.version for migration in list_migrations(store.engine.name)]


async def read_migrations(store: Store) -> list[tuple[object, ...]]:
    async with store.engine.peek() as connection:
        rows = await connection.fetch_all(
            "SELECT version, name, sha256 FROM schema_migration ORDER BY version"
        )
    return [tuple(row) for row in rows]


async def test_opening_twice_changes_nothing(store: Store) -> None:
    before = await read_migrations(store)
    await migrate(store.engine)
    assert await read_migrations(store) == before


async def test_a_schema_that_is_too_new_is_refused_with_advice(store: Store) -> None:
    async with store.engine.write() as connection:
        await connection.execute(
            "INSERT INTO schema_migration (version, name, sha256, compatible_with) VALUES ($1, $2, $3, $4)",
            9999,
            "future",
            "",
            9998,
        )
    with pytest.raises(PostroomError) as caught:
        await migrate(store.engine)
    assert caught.value.code == "schemaTooNew"
    assert "newer" in caught.value.message
    assert "restore" in caught.value.message


async def test_a_newer_but_compatible_schema_is_accepted(store: Store) -> None:
    async with store.engine.write() as connection:
        await connection.execute(
            "INSERT INTO schema_migration (version, name, sha256, compatible_with) VALUES ($1, $2, $3, $4)",
            9999,
            "future",
            "",
            1,
        )
    before = await read_migrations(store)
    await migrate(store.engine)
    assert await read_migrations(store) == before


async def test_a_changed_migration_is_refused(store: Store) -> None:
    first, *others = list_migrations(store.engine.name)
    changed = Migration(first.version, first.name, first.sql + "\n-- changed")
    with pytest.raises(PostroomError) as caught:
        await migrate(store.engine, [changed, *others])
    assert caught.value.code == "schemaChanged"


async def test_a_failing_migration_leaves_nothing(store: Store) -> None:
    known = list_migrations(store.engine.name)
    broken = Migration(9000, "broken", "CREATE TABLE half (a BIGINT NOT NULL); CREATE GARBAGE;")
    with pytest.raises(Exception, match=r"(?i)syntax"):
        await migrate(store.engine, [*known, broken])
    working = Migration(9000, "working", "CREATE TABLE half (a BIGINT NOT NULL);")
    await migrate(store.engine, [*known, working])


async def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_FILE
    path.write_bytes(b"a diary\n" * 1000)
    with pytest.raises(PostroomError, match="is not a database"):
        await open_store("sqlite:", tmp_path)
    assert path.read_bytes() == b"a diary\n" * 1000


async def test_a_place_without_wal_is_refused() -> None:
    with pytest.raises(PostroomError, match="no shared memory"):
        SQLiteEngine(Path(":memory:"))


async def test_a_wrong_url_is_refused(tmp_path: Path) -> None:
    for url in ("mysql://x", "postgresql://anna:ge/heim@db/x", "postgresql://[::1/x"):
        with pytest.raises(PostroomError) as caught:
            await open_store(url, tmp_path)
        assert caught.value.code == "badStoreURL"
        assert "'ge'" not in str(caught.value) + caught.value.private
