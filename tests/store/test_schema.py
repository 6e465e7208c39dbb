"""The two engines have one schema, and rows of one work in the other."""

from pathlib import Path

import pytest
from tests.fixtures.factories import DATE, make_filing, mark_mail, remove_mail

from postroom.domain.examination import examine
from postroom.domain.filing import Flags, file_mail
from postroom.domain.mailbox import create_mailbox
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId
from postroom.model.listing import Sort
from postroom.store import Store, open_store
from postroom.store.migrations import list_migrations
from postroom.store.sorting import SORT_COLUMNS
from postroom.store.sql import orders

ANNA = AccountId(3)
TYPES = {"bytea": "blob"}
_COLUMNS = {
    "sqlite": """
SELECT t.name, c.name, lower(c.type), c."notnull", c.pk > 0 FROM sqlite_schema t, pragma_table_info(t.name) c
WHERE t.type = 'table' AND t.name NOT LIKE 'fulltext%' AND t.name NOT LIKE 'sqlite_%'
""",
    "postgres": """
SELECT c.table_name, c.column_name, c.data_type, (c.is_nullable = 'NO')::int,
       EXISTS (SELECT 1 FROM information_schema.key_column_usage k
               JOIN information_schema.table_constraints USING (constraint_name)
               WHERE k.table_name = c.table_name AND k.column_name = c.column_name
                 AND constraint_type = 'PRIMARY KEY')::int
FROM information_schema.columns c WHERE table_schema = 'public' AND table_name <> 'fulltext'
""",
}
_INDEXES = {
    "sqlite": """
SELECT i.name, i.tbl_name, (SELECT group_concat(name, ',') FROM pragma_index_info(i.name)) FROM sqlite_schema i
WHERE i.type = 'index' AND i.sql IS NOT NULL
""",
    "postgres": """
SELECT i.relname, t.relname,
       (SELECT string_agg(a.attname, ',' ORDER BY k.place)
        FROM unnest(x.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = 'public' AND t.relname <> 'fulltext'
  AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid)
""",
}


@pytest.fixture
async def both(postgres_url: str, tmp_path: Path) -> list[Store]:
    """A store of each engine."""
    return [await open_store(url, tmp_path / url[:6]) for url in ("sqlite:", postgres_url)]


async def rows(store: Store, statements: dict[str, str]) -> set[tuple[object, ...]]:
    async with store.engine.peek() as connection:
        return set(await connection.fetch_all(statements[store.engine.name]))


async def test_the_same_columns_and_indexes(both: list[Store]) -> None:
    lite, post = both
    try:
        columns = [
            {(*row[:2], TYPES.get(str(row[2]), row[2]), *row[3:]) for row in await rows(store, _COLUMNS)}
            for store in both
        ]
        assert columns[0] == columns[1]
        assert len(columns[0]) > 90
        assert await rows(lite, _INDEXES) == await rows(post, _INDEXES)
        assert len(await rows(lite, _INDEXES)) > 14
    finally:
        for store in both:
            await store.close()


def test_the_same_migrations() -> None:
    names = [
        [(migration.version, migration.name) for migration in list_migrations(name)]
        for name in ("sqlite", "postgres")
    ]
    assert names[0] == names[1]


async def fill(store: Store) -> None:
    async with store.transaction(ANNA) as tx:
        await create_mailbox(tx, "ja", uid_validity=7)
        for number in range(60):
            filing = make_filing(
                number % 50, subject=f"Ä {number % 7}\ud7ff", importance=number % 3, size_bytes=number % 11
            )
            flags = Flags(is_unread=number % 2 == 0, is_flagged=number % 5 == 0)
            mail = await file_mail(tx, filing, INBOX, date=DATE + number % 13, flags=flags)
            if number % 9 == 0:
                await mark_mail(tx, INBOX, mail.uid, is_unread=False, is_flagged=True)
            if number % 10 == 0:
                await remove_mail(tx, INBOX, mail.uid)
        state = await tx.advance()
        await tx.log("fill", {"text": "ä"}, modseq=state.modseq)


async def port(source: Store, target: Store) -> None:
    """Copy all rows of the ordinary tables."""
    columns: dict[str, list[str]] = {}
    for table, column in sorted((str(row[0]), str(row[1])) for row in await rows(source, _COLUMNS)):
        columns.setdefault(table, []).append(column)
    del columns["schema_migration"]
    async with source.engine.read() as reading, target.engine.write() as writing:
        for table, names in columns.items():
            places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
            found = await reading.fetch_all(f"SELECT {', '.join(names)} FROM {table}")  # noqa: S608
            await writing.execute_many(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})",  # noqa: S608
                found,
            )


async def describe(store: Store) -> list[object]:
    """Return what clients see of the mailbox."""
    async with store.read(ANNA) as mailbox:
        seen: list[object] = [await mailbox.mailbox.find(), await mailbox.folders.list_all()]
        seen.append(await mailbox.operations.list_after(0, limit=100))  # type: ignore[arg-type]
        seen.append(await mailbox.contents.list_after(0, limit=100))
        for sort in [Sort(field, descending) for field in SORT_COLUMNS for descending in (False, True)]:
            for start in range(0, 60, 9):
                position = await mailbox.orders.find_position(INBOX, sort, start)
                seen.append(
                    await mailbox.mails.list_page(
                        INBOX, sort, anchor=position.anchor, skip=position.skip, limit=9
                    )
                )
    return seen


@pytest.mark.parametrize("back", [False, True])
async def test_rows_of_one_engine_work_in_the_other(
    both: list[Store], monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)
    source, target = both[::-1] if back else both
    try:
        await fill(source)
        await port(source, target)
        assert await describe(target) == await describe(source)
        async with target.read(ANNA) as mailbox:
            total, faults = await examine(mailbox, "x")
        assert total == 54
        assert {fault.kind for fault in faults} == {"fulltext"}  # its rows are each engine's own
        async with target.transaction(ANNA) as tx:
            await file_mail(tx, make_filing(1), INBOX, date=DATE, flags=Flags())
    finally:
        for store in both:
            await store.close()


async def test_tables_of_contacts_are_vacuumed_soon(postgres_url: str, tmp_path: Path) -> None:
    """However many contacts others have: pages are found in an index alone only where that was done."""
    store = await open_store(postgres_url, tmp_path)
    asked = "SELECT reloptions::text FROM pg_class WHERE relname IN ('contact', 'contact_word')"
    try:
        async with store.engine.peek() as connection:
            options = [str(row[0]) for row in await connection.fetch_all(asked)]
    finally:
        await store.close()
    assert len(options) == 2
    assert all("autovacuum_vacuum_insert_scale_factor=0," in one for one in options)
