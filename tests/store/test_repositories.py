"""What repositories give and take, method by method, on both engines: one contract.

Domains, accounts and addresses have their own module, as have the counted chunks.
"""

import pytest

from postroom.domain.mailbox import create_mailbox
from postroom.model.account import Account, Session
from postroom.model.conversation import ConversationId
from postroom.model.folder import DEFAULT_FOLDERS, INBOX, ROOT
from postroom.model.ids import AccountId, ContentId, FolderId, ItemId, LabelId, Modseq, SessionId, Uid
from postroom.model.listing import Sort, SortField
from postroom.model.mail import Mail
from postroom.store import Store
from postroom.store.sorting import Anchor, SortKeys
from postroom.store.sql.contents import Content
from postroom.store.sql.directory import ALIAS, MAIN, AccountChange, Address
from postroom.store.sql.folders import FolderCount, NewFolder
from postroom.store.sql.labels import LabelCount
from postroom.store.sql.mailboxes import Advance, MailboxState
from postroom.store.sql.mails import Located
from postroom.store.sql.operations import Grave, Operation
from postroom.store.tx import Transaction

ANNA, BERTA = AccountId(7), AccountId(8)
BIG = 1 << 62


@pytest.fixture
async def mailboxes(store: Store) -> Store:
    """A store with two mailboxes."""
    for account_id in (ANNA, BERTA):
        async with store.transaction(account_id) as tx:
            await create_mailbox(tx, "en", uid_validity=5)
    return store


def make_content(number: int, *, data: bytes | None = b"data") -> Content:
    return Content(ContentId(number), bytes([number]) * 32, 100 + number, 1, b"structure", data, b"threading")


def make_mail(uid: int, folder_id: FolderId = INBOX, *, content_id: int = 1, labels: str = "") -> Mail:
    return Mail(
        folder_id=folder_id,
        uid=Uid(uid),
        item_id=ItemId(folder_id * 1000 + uid),
        content_id=ContentId(content_id),
        modseq=Modseq(uid),
        entered_modseq=Modseq(uid),
        replaced_modseq=Modseq(0),
        date=1000 + uid,
        size=10 * uid,
        is_unread=uid % 2,
        is_flagged=0,
        is_draft=1,
        is_deleted=0,
        refw=3,
        labels=labels,
        summary=b"summary",
        conversation_id=ConversationId(0),
    )


def keys_of(mail: Mail) -> SortKeys:
    return SortKeys(
        date=mail.date,
        size_bytes=mail.size,
        is_unread=mail.is_unread,
        is_flagged=mail.is_flagged,
        importance=mail.uid % 3,
        has_attachments=0,
        subject=b"\x00\xff" + bytes([mail.uid]),
        from_=b"from",
        to=b"",
    )


async def insert(tx: Transaction, *mails: Mail) -> None:
    for mail in mails:
        await tx.mails.insert([Located(mail, keys_of(mail))])


def make_operation(number: int, *, done_at: int = 0, session_id: SessionId | None = None) -> Operation:
    return Operation(
        modseq=Modseq(number),
        done_at=done_at,
        session_id=session_id,
        kind="kind",
        history_id=0,
        is_head=0,
        is_stacked=0,
        is_reversible=0,
        state="",
        folder_id=0,
        mail_count=0,
        data='{"a":"ä"}',
    )


# The mailbox


async def test_mailbox(mailboxes: Store) -> None:
    async with mailboxes.transaction(ANNA) as tx:
        assert await tx.mailbox.find() == MailboxState(Modseq(1), Modseq(1), Modseq(1), Modseq(0), 0, 0)
        advanced = await tx.mailbox.advance(step=1, items=2, size_bytes=BIG, contents=3, item_ids=5)
        assert advanced == Advance(Modseq(2), ContentId(1), ItemId(1), 2, BIG)
        advanced = await tx.mailbox.advance(step=0, items=-1, size_bytes=-BIG, contents=0, item_ids=0)
        assert advanced == Advance(Modseq(2), ContentId(4), ItemId(6), 1, 0)
        assert await tx.mailbox.find() == MailboxState(Modseq(2), Modseq(2), Modseq(1), Modseq(0), 1, 0)
        first = await tx.mailbox.take_folder_id()
        assert first == INBOX + len(DEFAULT_FOLDERS)
        assert await tx.mailbox.take_folder_id() == first + 1
        await tx.mailbox.set_usage(total_items=9, size_bytes=99)
        state = await tx.mailbox.find()
    assert state is not None
    assert state[-2:] == (9, 99)
    async with mailboxes.read(BERTA) as other:
        assert await other.mailbox.find() == MailboxState(Modseq(1), Modseq(1), Modseq(1), Modseq(0), 0, 0)
    async with mailboxes.read(AccountId(99)) as nobody:
        assert await nobody.mailbox.find() is None


# Folders


async def test_folders(mailboxes: Store) -> None:
    new = NewFolder(FolderId(50), INBOX, "Später", "später", "", "mails", 0, 1, 77, Modseq(4), 1)
    async with mailboxes.transaction(ANNA) as tx:
        await tx.folders.create(new)
        folders = await tx.folders.list_all()
        assert [folder.folder_id for folder in folders] == [*range(2, 13), 50]
        made = folders[-1]
        assert made[:9] == (ANNA, 50, INBOX, "Später", "", "mails", 0, 1, 77)
        assert made[9:] == (0, 0, 0, 4, 4, 4, 1, 0, 4)
        assert await tx.folders.find(FolderId(50)) == made
        assert await tx.folders.find(FolderId(51)) is None
        assert await tx.folders.find_named(INBOX, "später") == 50
        assert await tx.folders.find_named(ROOT, "später") is None
        assert await tx.folders.find_named(ROOT, "inbox") == INBOX
    async with mailboxes.read(BERTA) as other:
        assert await other.folders.find(FolderId(50)) is None


async def test_folder_counters(mailboxes: Store) -> None:
    async with mailboxes.transaction(ANNA) as tx:
        counted = await tx.folders.count(INBOX, items=3, unread=2, size_bytes=BIG, uids=3, modseq=Modseq(9))
        assert counted == (1, 3, 2, 1, 0)
        counted = await tx.folders.count(INBOX, items=1, unread=0, size_bytes=0, uids=1, modseq=Modseq(10))
        assert counted == (4, 4, 2, 1, 0)
        counted = await tx.folders.count(INBOX, items=-1, unread=-1, size_bytes=-5, uids=0, modseq=Modseq(11))
        assert counted is not None
        assert counted[1:] == (3, 1, 1, 0)
        gone = FolderId(99)
        assert (
            await tx.folders.count(gone, items=1, unread=1, size_bytes=1, uids=1, modseq=Modseq(12)) is None
        )
        folder = await tx.folders.find(INBOX)
        assert folder is not None
        assert folder[9:] == (3, 1, BIG - 5, 1, 1, 11, 1, 0, 1)
        assert await tx.folders.find_unread(INBOX) == 1
        assert await tx.folders.find_unread(gone) is None
        await tx.folders.set_counters(INBOX, items=0, unread=0, size_bytes=0, modseq=Modseq(13))
        counts = await tx.folders.list_counts()
        assert FolderCount(INBOX, "inbox", 0, 0, "mails") in counts
        assert len(counts) == len(DEFAULT_FOLDERS)


# Labels: made by hand, since nothing makes them yet


async def test_labels(mailboxes: Store) -> None:
    async with mailboxes.engine.write() as connection:
        statement = "INSERT INTO label VALUES ($1, $2, $3, $3, 0, 0, 1)"
        await connection.execute_many(statement, [(ANNA, 2, "b"), (ANNA, 1, "a"), (BERTA, 1, "c")])
    async with mailboxes.transaction(ANNA) as tx:
        first, second = await tx.labels.list_counts()
        assert (first, second) == (LabelCount(LabelId(1), 0, 0), LabelCount(LabelId(2), 0, 0))
        await tx.labels.count(second.label_id, items=2, unread=1, modseq=Modseq(5))
        await tx.labels.count(second.label_id, items=-1, unread=0, modseq=Modseq(6))
        assert [label[1:] for label in await tx.labels.list_counts()] == [(0, 0), (1, 1)]
    async with mailboxes.read(BERTA) as other:
        assert [label[1:] for label in await other.labels.list_counts()] == [(0, 0)]


# Mails


async def test_a_mail_is_stored_as_it_is(mailboxes: Store) -> None:
    mail = make_mail(5, labels="3 7")._replace(summary=bytes(range(256)), size=BIG, date=BIG)
    async with mailboxes.transaction(ANNA) as tx:
        await insert(tx, mail)
        assert await tx.mails.find(INBOX, Uid(5)) == mail
        assert await tx.mails.find_keys(INBOX, Uid(5)) == keys_of(mail)
        assert mail.label_ids() == [3, 7]
        for folder_id, uid in ((INBOX, 6), (INBOX + 1, 5)):
            assert await tx.mails.find(FolderId(folder_id), Uid(uid)) is None
            assert await tx.mails.find_keys(FolderId(folder_id), Uid(uid)) is None
        changed = mail._replace(is_unread=0, is_flagged=1, modseq=Modseq(50))
        await tx.mails.set_flags([changed])
        assert await tx.mails.find(INBOX, Uid(5)) == changed
        await tx.mails.delete([mail.item_id])
        assert await tx.mails.find(INBOX, Uid(5)) is None
        await tx.mails.delete([mail.item_id])


async def test_mails_of_other_accounts_and_folders_are_left_alone(mailboxes: Store) -> None:
    async with mailboxes.transaction(ANNA) as tx:
        await insert(tx, make_mail(1), make_mail(1, FolderId(3)))
    async with mailboxes.transaction(BERTA) as tx:
        await insert(tx, make_mail(1))
        await tx.mails.set_flags([make_mail(1)._replace(is_flagged=1, item_id=ItemId(77))])
        await tx.mails.delete([make_mail(1).item_id])
    async with mailboxes.read(ANNA) as mailbox:
        assert await mailbox.mails.find(INBOX, Uid(1)) == make_mail(1)
        assert await mailbox.mails.find(FolderId(3), Uid(1)) == make_mail(1, FolderId(3))
        page = await mailbox.mails.list_page(INBOX, Sort(), anchor=None, skip=0, limit=10)
        assert page == [make_mail(1)]


async def test_pages(mailboxes: Store) -> None:
    mails = [make_mail(uid) for uid in range(1, 8)]
    ascending, descending = Sort(SortField.DATE, descending=False), Sort(SortField.DATE, descending=True)
    by_subject = Sort(SortField.SUBJECT, descending=True)
    async with mailboxes.transaction(ANNA) as tx:
        await insert(tx, *mails)

        async def uids(
            sort: Sort, anchor: Anchor | None = None, *, skip: int = 0, limit: int = 100
        ) -> list[int]:
            page = await tx.mails.list_page(INBOX, sort, anchor=anchor, skip=skip, limit=limit)
            return [mail.uid for mail in page]

        assert await uids(ascending) == [1, 2, 3, 4, 5, 6, 7]
        assert await uids(descending, skip=2, limit=3) == [5, 4, 3]
        assert await uids(ascending, skip=7) == []
        assert await uids(ascending, limit=0) == []
        # From the anchor on when ascending, before it when descending.
        assert await uids(ascending, Anchor(1004, 1004, 4)) == [4, 5, 6, 7]
        assert await uids(descending, Anchor(1004, 1004, 4), skip=1) == [2, 1]
        assert await uids(by_subject, Anchor(keys_of(mails[3]).subject, 1004, 4)) == [3, 2, 1]
        assert await uids(Sort(SortField.IS_UNREAD, descending=False)) == [2, 4, 6, 1, 3, 5, 7]
        assert await uids(Sort(SortField.IMPORTANCE, descending=True)) == [5, 2, 7, 4, 1, 6, 3]
        assert await uids(Sort(SortField.TO, descending=True)) == [7, 6, 5, 4, 3, 2, 1]


async def test_recounting(mailboxes: Store) -> None:
    sent = FolderId(4)
    async with mailboxes.transaction(ANNA) as tx:
        await insert(
            tx,
            make_mail(1, labels="1"),
            make_mail(2, content_id=2),
            make_mail(1, sent, content_id=2, labels="1 2"),
        )
        assert sorted(await tx.recounts.recount_folders()) == [(INBOX, 2, 1, 30), (sent, 1, 1, 10)]
        assert all(type(number) is int for row in await tx.recounts.recount_folders() for number in row)
        assert await tx.recounts.recount_contents() == {1: 1, 2: 2}
        labelled = await tx.recounts.list_labelled()
        assert sorted(labelled) == [(INBOX, 1, "1", 1), (sent, 1, "1 2", 1)]
        assert await tx.mails.find_content_in(INBOX, ContentId(2)) == 2
        assert await tx.mails.find_content_in(sent, ContentId(1)) is None
    async with mailboxes.read(BERTA) as other:
        assert await other.recounts.recount_folders() == []
        assert await other.recounts.recount_contents() == {}
        assert await other.recounts.list_labelled() == []


# Contents


async def test_contents(mailboxes: Store) -> None:
    first, second = make_content(1), make_content(2, data=None)
    async with mailboxes.transaction(ANNA) as tx:
        assert await tx.contents.add([first]) == [1]
        assert await tx.contents.add([second]) == [2]
        # The same message under another number: the one that is there gets a reference more.
        assert await tx.contents.add([first._replace(content_id=ContentId(3), structure=b"other")]) == [1]
        assert await tx.contents.find(ContentId(1)) == first._replace(refs=2)
        assert await tx.contents.find(ContentId(2)) == second
        assert await tx.contents.find(ContentId(3)) is None
        assert await tx.contents.find_head(ContentId(1)) == first._replace(refs=2, data=None)
        assert await tx.contents.find_head(ContentId(3)) is None
        assert await tx.contents.find_by_hash(first.sha256) == 1
        assert await tx.contents.find_by_hash(b"x" * 32) is None
        assert sorted(await tx.contents.list_references()) == [(1, 2), (2, 1)]
        assert [one.content_id for one in await tx.contents.list_after(0, limit=10)] == [1, 2]
        assert [one.content_id for one in await tx.contents.list_after(0, limit=1)] == [1]
        assert await tx.contents.list_after(1, limit=10) == [second]
        assert await tx.contents.release(ContentId(1)) == 1
        assert await tx.contents.release(ContentId(1)) == 0
        assert await tx.contents.find(ContentId(1)) is None
        await tx.contents.set_refs(ContentId(2), 5)
        assert await tx.contents.list_references() == [(2, 5)]
    async with mailboxes.transaction(BERTA) as tx:
        assert await tx.contents.find_by_hash(second.sha256) is None
        assert await tx.contents.add([second._replace(content_id=ContentId(9))]) == [9]
        await tx.contents.delete(ContentId(2))
    async with mailboxes.read(ANNA) as mailbox:
        assert await mailbox.contents.list_references() == [(2, 5)]


# The operation log and the tombstones


async def test_operations(mailboxes: Store) -> None:
    entries = [
        make_operation(number, done_at=1000 + number, session_id=SessionId(BIG) if number % 2 else None)
        for number in range(2, 8)
    ]
    async with mailboxes.transaction(ANNA) as tx:
        for entry in reversed(entries):
            await tx.operations.log(entry)
        assert await tx.operations.list_after(Modseq(0), limit=100) == entries
        assert await tx.operations.list_after(Modseq(3), limit=2) == entries[2:4]
        assert await tx.operations.list_after(Modseq(7), limit=2) == []
        assert await tx.operations.purge(before=1005, limit=2) == 2
        assert await tx.operations.purge(before=1005, limit=2) == 1
        assert await tx.operations.purge(before=1005, limit=2) == 0
        assert await tx.operations.list_after(Modseq(0), limit=100) == entries[3:]
    async with mailboxes.read(BERTA) as other:
        assert await other.operations.list_after(Modseq(0), limit=100) == []


async def test_tombstones(mailboxes: Store) -> None:
    async with mailboxes.transaction(ANNA) as tx:
        await insert(tx, make_mail(1), make_mail(2))
        await tx.operations.bury([Grave(INBOX, 2, Modseq(1), Modseq(5))], removed_at=1)
        graves = [Grave(INBOX, uid, Modseq(uid), Modseq(6)) for uid in (2, 3)]
        await tx.operations.bury(graves, removed_at=2)
        assert await tx.operations.list_buried_alive() == [(INBOX, 2)]
        await tx.operations.unbury(INBOX, Uid(2))
        assert await tx.operations.list_buried_alive() == []
    async with mailboxes.engine.peek() as connection:
        assert await connection.fetch_all("SELECT * FROM tombstone") == [(ANNA, INBOX, 3, 3, 6, 2, 0)]


# Removal of a mailbox


async def test_removal_in_slices(mailboxes: Store) -> None:
    async with mailboxes.transaction(ANNA) as tx:
        await insert(tx, *(make_mail(uid) for uid in range(1, 6)))
        for number in range(1, 4):
            await tx.contents.add([make_content(number, data=None if number == 2 else b"x")])
            await tx.operations.log(make_operation(number))
            await tx.operations.bury([Grave(INBOX, 50 + number, Modseq(1), Modseq(1))], removed_at=0)
        await tx.orders.rebuild(INBOX, total_items=5)
    async with mailboxes.transaction(BERTA) as tx:
        await insert(tx, make_mail(1))
        await tx.contents.add([make_content(1)])
    async with mailboxes.transaction(ANNA) as tx:
        await tx.removals.close_mailbox()
        removed = await tx.removals.remove_contents(limit=2)
        assert len(removed) == 2
        removed += await tx.removals.remove_contents(limit=2)
        assert sorted(removed) == [(number, bytes([number]) * 32, number == 2) for number in (1, 2, 3)]
        assert await tx.removals.remove_contents(limit=2) == []
        counts: list[int] = []
        while not counts or counts[-1]:
            counts.append(await tx.removals.remove_rows(limit=2))
        assert sum(counts) == 5 + 3 + 3
        assert max(counts) == 2
    async with mailboxes.engine.peek() as connection:
        for table in (
            "mailbox",
            "folder",
            "mail",
            "content",
            "tombstone",
            "operation",
            "order_chunk",
            "label",
        ):
            count = "SELECT count(*) FROM " + table + " WHERE account_id = $1"  # noqa: S608
            assert await connection.fetch_value(count, ANNA) == 0
        assert await connection.fetch_value("SELECT count(*) FROM mail") == 1
        assert await connection.fetch_value("SELECT count(*) FROM content") == 1
        assert await connection.fetch_value("SELECT count(*) FROM folder") == len(DEFAULT_FOLDERS)


# The directory tables


def make_account(number: int, address: str) -> Account:
    return Account(
        account_id=AccountId(number),
        address=address,
        full_name="Jörg \U0001f600",
        class_name="default",
        language="de",
        state="active",
        password_hash="$argon2id$",
        must_change_password=0,
        auth_version=1,
        session_version=1,
        created_at=BIG,
        login_count=0,
    )


async def test_accounts(store: Store) -> None:
    first, second = make_account(1, "b@x.test"), make_account(2, "a@x.test")
    async with store.directory_transaction() as tx:
        directory = tx.directory
        assert [await directory.take_account_id() for _ in range(3)] == [1, 2, 3]
        await directory.create(first)
        await directory.create(second)
        assert await directory.find(first.account_id) == first
        assert await directory.find(AccountId(3)) is None
        assert await directory.list_after(0, limit=10) == [first, second]
        assert await directory.list_after(1, limit=10) == [second]
        assert await directory.list_after(0, limit=1) == [first]
        assert await directory.list_by_address("", limit=10) == [second, first]
        assert await directory.list_by_address("a@x.test", limit=10) == [first]
        await directory.update(first.account_id, AccountChange())
        assert await directory.find(first.account_id) == first
        await directory.update(first.account_id, AccountChange(full_name="", must_change_password=1))
        await directory.raise_versions(first.account_id, auth=2, sessions=0)
        await directory.raise_versions(first.account_id, auth=0, sessions=3)
        version = first.auth_version + 2
        assert [await directory.count_login(first.account_id, version) for _ in range(2)] == [1, 2]
        assert await directory.count_login(first.account_id, version + 1) is None
        changed = first._replace(
            full_name="", must_change_password=1, auth_version=3, session_version=4, login_count=2
        )
        assert await directory.find(first.account_id) == changed
        assert await directory.find(second.account_id) == second


async def test_addresses(store: Store) -> None:
    async with store.directory_transaction() as tx:
        directory = tx.directory
        await directory.create(make_account(1, "b@x.test"))
        assert await directory.create_address(AccountId(1), Address("b@x.test", MAIN))
        assert await directory.create_address(AccountId(1), Address("z@x.test", ALIAS))
        assert await directory.create_address(AccountId(1), Address("a@x.test", ALIAS))
        assert not await directory.create_address(AccountId(2), Address("a@x.test", ALIAS))
        addresses = await directory.list_addresses(AccountId(1))
        assert addresses == [("b@x.test", MAIN), ("a@x.test", ALIAS), ("z@x.test", ALIAS)]
        assert await directory.find_owner("a@x.test") == 1
        assert await directory.find_owner("A@x.test") is None
        assert not await directory.delete_alias(AccountId(1), "b@x.test")
        assert not await directory.delete_alias(AccountId(2), "a@x.test")
        assert await directory.delete_alias(AccountId(1), "a@x.test")
        await directory.delete(AccountId(1))
        assert await directory.find_owner("b@x.test") is None
        assert await directory.find(AccountId(1)) is None


async def test_addresses_of_a_domain_are_counted_literally(store: Store) -> None:
    async with store.directory_transaction() as tx:
        for number, address in enumerate(("a@x_y.test", "a@xzy.test", "a@sub.x_y.test", "a@%.test")):
            await tx.directory.create_address(AccountId(number), Address(address, MAIN))
        counts = [await tx.directory.domains.count_addresses(name) for name in ("x_y.test", "%.test", "test")]
        assert counts == [1, 1, 0]


async def test_meta(store: Store) -> None:
    async with store.directory_transaction() as tx:
        assert await tx.meta.find("a") is None
        assert await tx.meta.get_or_put("a", "1") == "1"
        assert await tx.meta.get_or_put("a", "2") == "1"
        await tx.meta.put("a", "3")
        await tx.meta.put("b", "")
        assert [await tx.meta.find(name) for name in "abc"] == ["3", "", None]


def make_session(
    number: int, account_id: AccountId = ANNA, *, used_at: int = 0, expires_at: int = 0
) -> Session:
    return Session(SessionId(number), account_id, 1, used_at, expires_at, 1, "{}")


async def test_sessions(store: Store) -> None:
    session = make_session(BIG, used_at=10)
    async with store.directory_transaction() as tx:
        sessions = tx.sessions
        await sessions.create(b"hash", session)
        assert await sessions.find(b"hash") == session
        assert await sessions.find(b"other") is None
        await sessions.touch(session.session_id, used_at=30)
        await sessions.touch(session.session_id, used_at=20)
        await sessions.set_sorts(session.session_id, '{"a":1}')
        assert await sessions.find(b"hash") == session._replace(last_used_at=30, sorts='{"a":1}')
        assert await sessions.delete(session.session_id)
        assert not await sessions.delete(session.session_id)
        assert await sessions.find(b"hash") is None


async def test_ends_of_sessions(store: Store) -> None:
    async with store.directory_transaction() as tx:
        sessions = tx.sessions
        for number, used_at in enumerate((50, 10, 40, 20, 30)):
            session = make_session(number, used_at=used_at, expires_at=100 + used_at)
            await sessions.create(bytes([number]), session)
        await sessions.create(b"b", make_session(9, BERTA, expires_at=115))
        assert await sessions.count(ANNA) == 5
        assert await sessions.delete_beyond(ANNA, keep=5) == []
        assert len(await sessions.delete_beyond(ANNA, keep=3)) == 2
        left = [number for number in range(5) if await sessions.find(bytes([number])) is not None]
        assert left == [0, 2, 4]
        await sessions.delete_expired(130, limit=10)
        assert [await sessions.count(account_id) for account_id in (ANNA, BERTA)] == [3, 0]
        await sessions.delete_expired(131, limit=10)
        assert await sessions.count(ANNA) == 2
        assert len(await sessions.delete_beyond(ANNA, keep=0)) == 2
        await sessions.create(b"b", make_session(9, BERTA, expires_at=115))
        await sessions.delete_of_account(BERTA)
        assert await sessions.count(BERTA) == 0


async def test_the_badge(mailboxes: Store) -> None:
    async with mailboxes.directory_transaction() as tx:
        await tx.directory.create(make_account(ANNA, "a@x.test"))
        await tx.directory.raise_versions(ANNA, auth=1, sessions=2)
        mailbox = tx.mailbox(ANNA)
        await mailbox.folders.count(INBOX, items=3, unread=2, size_bytes=0, uids=3, modseq=Modseq(2))
    assert await mailboxes.find_badge(ANNA) == (2, 3, 2)
    assert await mailboxes.find_badge(BERTA) is None  # a mailbox, but no account
    if mailboxes.engine.answers_now:
        assert mailboxes.find_badge_now(ANNA) == (2, 3, 2)
    assert mailboxes.find_badge_now(BERTA) is None
