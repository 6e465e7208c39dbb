"""Import into and export from an account, and its removal, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.auth.passwords import PasswordHasher
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.export import Exporter
from postroom.domain.ingest import Ingest
from postroom.domain.mail_files import iter_mail_files
from postroom.domain.mail_source import FoundMessage
from postroom.domain.transfer import Importer, ImportOptions
from postroom.errors import PostroomError
from postroom.model.account import Account
from postroom.model.folder import INBOX, Folder
from postroom.model.listing import Sort
from postroom.store import Store

CLASSES = {"default": AccountClass(), "small": AccountClass(messages=3)}
TABLES = ("mailbox", "folder", "label", "content", "mail", "order_chunk", "tombstone", "operation")


class Watcher:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.bytes = 0
        self.problems: list[tuple[str, str]] = []

    def advance(self, read_bytes: int) -> None:
        self.bytes += read_bytes

    def report(self, origin: str, reason: str) -> None:
        self.problems.append((Path(origin).name, reason))


class Box:
    """An account to import into and export from."""

    def __init__(self, store: Store, directory: Directory, account: Account) -> None:
        self.store, self.directory, self.account = store, directory, account
        self.watcher = Watcher()

    async def bring(self, *sources: Path, options: ImportOptions | None = None) -> tuple[int, int, int]:
        importer = Importer(
            self.store,
            Ingest(self.store, CLASSES),
            self.account.account_id,
            options=options or ImportOptions(),
            watcher=self.watcher,
        )
        report = await importer.run(sources)
        return report.done, report.skipped, report.failed

    def exporter(self) -> Exporter:
        return Exporter(self.store, self.account.account_id, watcher=Watcher())

    async def folders(self) -> dict[str, Folder]:
        async with self.store.read(self.account.account_id) as mailbox:
            return {folder.name: folder for folder in await mailbox.folders.list_all()}


@pytest.fixture
async def directory(store: Store) -> AsyncIterator[Directory]:
    hasher = PasswordHasher(AuthConfig(argon2_time_cost=1, argon2_memory_kib=64))
    made = Directory(store, hasher, CLASSES)
    await made.add_domain("example.test")
    yield made
    hasher.close()


@pytest.fixture
async def box(store: Store, directory: Directory) -> Box:
    return Box(store, directory, await directory.add_account("a@example.test", AccountSettings(password="x")))


def write_mbox(path: Path, count: int, *, size: int = 10) -> Path:
    separator = "From x Thu Jan  1 00:05:{:02} 1970\n"
    texts = [separator.format(n % 60) + f"Subject: {n}\n\n{'x' * size}{n}\n\n" for n in range(count)]
    path.write_text("".join(texts))
    return path


async def test_import_and_repetition(box: Box, tmp_path: Path) -> None:
    source = write_mbox(tmp_path / "m.mbox", 100)
    assert await box.bring(source) == (100, 0, 0)
    assert await box.bring(source) == (0, 100, 0)
    assert box.watcher.bytes == 2 * source.stat().st_size
    inbox = (await box.folders())["Inbox"]
    assert (inbox.total_items, inbox.unread_items) == (100, 100)
    assert await box.bring(source, options=ImportOptions(duplicates=True, mark_read=True)) == (100, 0, 0)
    inbox = (await box.folders())["Inbox"]
    assert (inbox.total_items, inbox.unread_items) == (200, 100)


async def test_folders_are_found_or_made(box: Box, tmp_path: Path) -> None:
    source = write_mbox(tmp_path / "m.mbox", 1)
    for folder in ("Sent Items", "a/B", "A/b", "Drafts/below", "Notes", "junk", "Inbox/x"):
        await box.bring(source, options=ImportOptions(folder=folder))
    folders = await box.folders()
    filled = {name: folder.total_items for name, folder in folders.items() if folder.total_items}
    assert filled == {"Sent": 1, "B": 1, "Drafts": 1, "Notes (mail)": 1, "Spam": 1, "x": 1}
    assert folders["B"].parent_id == folders["a"].folder_id
    assert folders["x"].parent_id == INBOX
    assert not folders["a"].is_special


async def test_bad_messages_are_reported(box: Box, tmp_path: Path) -> None:
    write_mbox(tmp_path / "a.mbox", 3)
    (tmp_path / "b.eml").write_bytes(b"")
    (tmp_path / "c.eml").write_bytes(b"Subject: c\r\n\r\nx\r\n")
    assert await box.bring(tmp_path, tmp_path / "gone") == (4, 0, 2)
    assert box.watcher.problems == [("b.eml", "empty"), ("gone", "does not exist")]


async def test_a_full_mailbox_ends_it(box: Box, tmp_path: Path) -> None:
    await box.directory.set_account("a@example.test", AccountSettings(class_name="small"))
    with pytest.raises(PostroomError) as caught:
        await box.bring(write_mbox(tmp_path / "a.mbox", 50))
    assert caught.value.code == "messageQuotaExceeded"
    assert (await box.folders())["Inbox"].total_items == 3


@pytest.mark.parametrize("target", ["out", "out.mbox"])
async def test_export_and_import_give_the_same(box: Box, tmp_path: Path, target: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "wire.eml").write_bytes(b"Subject: w\r\n\r\nbare\nline feed\r\nFrom x\r\n")
    (source / "large.eml").write_bytes(
        b"Subject: l\n\n" + bytes(range(256)).replace(b"\r", b"") * 800 + b"\n"
    )
    write_mbox(source / "m.mbox", 5)
    assert await box.bring(source, options=ImportOptions(folder="Sent/Old.2")) == (7, 0, 0)
    exporter = box.exporter()
    write = exporter.write_mbox if target.endswith(".mbox") else exporter.write_maildir
    report = await write(tmp_path / target, await exporter.list_folders("Sent/Old.2"))
    assert (report.done, report.failed) == (7, 0)
    assert await box.bring(tmp_path / target, options=ImportOptions(folder="sent/old.2")) == (0, 7, 0)


async def test_a_maildir_of_all_folders(box: Box, tmp_path: Path) -> None:
    for folder in ("", "Trash", "Bücher/v1.0", "Inbox/below"):
        await box.bring(write_mbox(tmp_path / "m.mbox", 2), options=ImportOptions(folder=folder))
    target = tmp_path / "out"
    exporter = box.exporter()
    assert (await exporter.write_maildir(target, await exporter.list_folders())).done == 8
    found = [entry for entry in iter_mail_files(target) if isinstance(entry, FoundMessage)]
    assert {entry.folder for entry in found} == {(), ("Trash",), ("Bücher", "v1.0"), ("INBOX", "below")}
    assert sorted(entry.date for entry in found) == [300] * 4 + [301] * 4
    other = await box.directory.add_account("b@example.test", AccountSettings(password="x", language="de"))
    copy = Box(box.store, box.directory, other)
    assert await copy.bring(target) == (8, 0, 0)
    filled = {name: one.total_items for name, one in (await copy.folders()).items() if one.total_items}
    assert filled == {"Posteingang": 2, "Papierkorb": 2, "v1.0": 2, "below": 2}


async def test_an_export_is_repeated(box: Box, tmp_path: Path) -> None:
    await box.bring(write_mbox(tmp_path / "m.mbox", 3))
    target = tmp_path / "out"
    folders = await box.exporter().list_folders()
    await box.exporter().write_maildir(target, folders)
    async with box.store.read(box.account.account_id) as mailbox:
        mail = (await mailbox.mails.list_page(INBOX, Sort(), anchor=None, skip=0, limit=1))[0]
    async with box.store.transaction(box.account.account_id) as tx:
        await tx.mails.set_flags([mail._replace(is_unread=0, is_flagged=1)])
    await box.bring(write_mbox(tmp_path / "m.mbox", 4))
    exporter = box.exporter()
    report = await exporter.write_maildir(target, folders)
    assert (report.done, report.skipped) == (1, 3)
    names = sorted(path.name.partition(":2,")[2] for path in (target / "cur").iterdir())
    assert names == ["", "", "", "FS"]


async def test_exports_overwrite_nothing(box: Box, tmp_path: Path) -> None:
    (tmp_path / "x.mbox").write_text("mine")
    exporter = box.exporter()
    folders = await exporter.list_folders()
    for write, target in ((exporter.write_mbox, tmp_path / "x.mbox"), (exporter.write_maildir, tmp_path)):
        with pytest.raises(PostroomError) as caught:
            await write(target, folders)
        assert caught.value.code == "conflict"
    assert (tmp_path / "x.mbox").read_text() == "mine"
    with pytest.raises(PostroomError):
        await exporter.list_folders("nothing/here")


async def test_removal_leaves_nothing(box: Box, tmp_path: Path) -> None:
    await box.bring(write_mbox(tmp_path / "m.mbox", 20))
    (tmp_path / "blob.eml").write_bytes(
        b"Subject: x\r\n\r\n" + b"".join(b"%x\r\n" % (n**7) for n in range(40_000))
    )
    await box.bring(tmp_path / "blob.eml")
    account_id = box.account.account_id
    assert len([blob async for blob in box.store.blobs.iter_all()]) == 1
    async with box.store.engine.read() as connection:
        assert len(await connection.list_indexed(account_id)) == 21
    await box.directory.remove_account("a@example.test")
    assert [blob async for blob in box.store.blobs.iter_all()] == []
    async with box.store.engine.read() as connection:
        assert await connection.list_indexed(account_id) == set()
        for table in TABLES:
            count = f"SELECT count(*) FROM {table} WHERE account_id = $1"  # noqa: S608 (names from above)
            counted = await connection.fetch_value(count, account_id)
            assert counted == 0, table
