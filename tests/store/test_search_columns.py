"""What searches remember of folders is what is there, whatever has happened to their mails meanwhile."""

import random

import pytest
from tests.fixtures.factories import DATE, Owner, make_message

from postroom.content.digest import digest_message
from postroom.domain import Domain, search_columns
from postroom.domain import search as search_module
from postroom.domain.filing import Flags, file_mail, mark_mails, move_mails, remove_mails
from postroom.domain.search import Search
from postroom.domain.search_columns import RememberedColumns
from postroom.model.folder import INBOX, SENT
from postroom.model.ids import FolderRef
from postroom.search.query import END, Bounds, Criterion, parse_query
from postroom.store.sql.mail_filters import MailFilterRepo
from postroom.store.tx import Transaction

ALL = Bounds(-END, END)
ASKED = [
    [Criterion("subject", "word1")],
    [Criterion("subject", "word1", True)],
    [Criterion("unread", None)],
    [Criterion("anyfield", "wor"), Criterion("unread", "false")],
    [Criterion("replied", None, True), Criterion("flag", "followup")],
    [Criterion("after", "20-06-2025"), Criterion("subject", "word2", True)],
    [Criterion("larger", 300), Criterion("before", "01-07-2025")],
]


@pytest.fixture
def _by_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "FEW", -1)
    for name in ("_LOOKUP_COST", "_ROW_COST"):
        monkeypatch.setattr(search_module, name, 1_000_000)


async def change_something(tx: Transaction, chance: random.Random) -> None:
    """Do to some mails what people do."""
    await tx.lock()
    here = chance.choice((INBOX, SENT))
    items = await tx.mails.list_some(here, limit=1000)
    some = chance.sample(items, min(len(items), chance.randint(1, 6)))
    kind = chance.random()
    if kind < 0.4 or len(items) < 10:
        for _ in range(chance.randint(1, 6)):
            digest = digest_message(make_message(subject=f"word{chance.randrange(4)}"))
            flags = Flags(is_unread=chance.random() < 0.5, is_flagged=chance.random() < 0.5)
            date = DATE + chance.randrange(40) * 43_200
            await file_mail(tx, digest, chance.choice((INBOX, SENT)), date=date, flags=flags)
    elif kind < 0.6:
        await move_mails(tx, some, SENT if here == INBOX else INBOX)
    elif kind < 0.8:
        await mark_mails(tx, some, lambda mail: mail._replace(is_unread=1 - mail.is_unread))
    else:
        await remove_mails(tx, some)


@pytest.mark.usefixtures("_by_sets")
@pytest.mark.parametrize("most_changes", [3, 200])
async def test_it_is_what_is_read_anew(
    owner: Owner, domain: Domain, most_changes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_columns, "MOST_CHANGES", most_changes)
    chance, caller = random.Random(most_changes), await owner.caller()  # noqa: S311
    found_any = 0
    for _ in range(40):
        async with owner.store.transaction(owner.account_id) as tx:
            await change_something(tx, chance)
        for criteria in chance.sample(ASKED, 3):
            query = parse_query(criteria, int)
            refs = [FolderRef(owner.account_id, folder) for folder in chance.choice(([INBOX], [INBOX, SENT]))]
            anew = Search(owner.store, domain.search_folders)
            expected = await anew.run(caller, refs, query, recursive=False)
            assert await domain.search.run(caller, refs, query, recursive=False) == expected, criteria
            found_any += len(expected.item_ids) > 0
    assert found_any > 60


@pytest.mark.usefixtures("_by_sets")
async def test_a_search_in_a_folder_that_is_as_before_reads_nothing_of_it(
    owner: Owner, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, read = await owner.caller(), 0
    fetch = MailFilterRepo._fetch

    async def count(self: MailFilterRepo, sql: str, *args: object) -> list[list[int]]:
        nonlocal read
        read += 1
        return await fetch(self, sql, *args)

    monkeypatch.setattr(MailFilterRepo, "_fetch", count)
    await owner.add_many(30)
    refs = [FolderRef(owner.account_id, INBOX)]
    counts = []
    for number in range(4):
        query = parse_query([Criterion("subject", f"none{number}", True), Criterion("unread", None)], int)
        await domain.search.run(caller, refs, query, recursive=False)
        counts.append(read)
        if number == 1:
            await owner.add_mail(make_message())
    # After the delivery only what is unread is read anew, which may have changed of any mail.
    assert counts == [2, 2, 3, 3]


async def test_an_older_snapshot_sees_what_it_shows(owner: Owner) -> None:
    remembered = RememberedColumns(owner.store)
    await owner.add_many(5)
    async with owner.store.read(owner.account_id) as older:
        before = await older.folders.find(INBOX)
        assert before is not None
        await owner.add_many(3)
        async with owner.store.read(owner.account_id) as newer:
            after = await newer.folders.find(INBOX)
            assert after is not None
            assert len((await remembered.find(newer, after, ALL, forgotten=0)).uids) == 8
        assert len((await remembered.find(older, before, ALL, forgotten=0)).uids) == 5
        async with owner.store.read(owner.account_id) as newer:
            assert len((await remembered.find(newer, after, ALL, forgotten=0)).uids) == 8


async def test_where_tombstones_are_missing_it_is_read_anew(owner: Owner) -> None:
    remembered = RememberedColumns(owner.store)
    mails = await owner.add_many(5)
    for forgotten, expected in ((0, 5), (10**6, 4)):
        async with owner.store.transaction(owner.account_id) as tx:
            folder = await tx.folders.find(INBOX)
            assert folder is not None
            assert len((await remembered.find(tx, folder, ALL, forgotten=forgotten)).uids) == expected
            if not forgotten:
                located = await tx.mails.locate_items([mails[0].item_id])
                await remove_mails(tx, list(located.values()))
                await tx._connection.execute("DELETE FROM tombstone WHERE account_id = $1", owner.account_id)


async def test_the_memory_is_bounded(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_columns, "MOST_REMEMBERED", 300)
    remembered = RememberedColumns(owner.store)
    for number in range(6):
        folder_id = await owner.add_folder(f"Folder {number}")
        await owner.add_many(3, folder_id=folder_id)
        async with owner.store.read(owner.account_id) as mailbox:
            folder = await mailbox.folders.find(folder_id)
            assert folder is not None
            await remembered.find(mailbox, folder, ALL, forgotten=0)
            await remembered.find_with(mailbox, folder, "unread", value=1)
    assert len(remembered._known) == 2
    assert 200 < remembered._known.weight < 300
