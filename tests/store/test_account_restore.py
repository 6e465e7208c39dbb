"""One account, restored from a backup of everything or of itself, into a store that has others."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message, open_owner
from tests.fixtures.stores import data_dir_of
from tests.store.backup_world import StopError, assert_sound, dump, large_message, place_of, stop_after

from postroom.domain import copying
from postroom.domain.account_restore import restore_account
from postroom.domain.addresses import AccountAddress
from postroom.domain.backup import Backup, Blob, is_whole
from postroom.domain.backup_check import verify_backup
from postroom.domain.blob_hold import META_NAME as HOLD
from postroom.domain.check import check_store
from postroom.domain.copying import Rows
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.restoring import restore_store
from postroom.errors import PostroomError
from postroom.model.folder import INBOX
from postroom.model.ids import FolderRef
from postroom.model.listing import MailListRequest, SortField
from postroom.store import Store
from postroom.store.backups.rows import CONTENT, insert_rows
from postroom.store.blobs.base import BlobStore
from postroom.store.engine.base import WriteConnection

ANNA = AccountAddress("anna", "example.test")
RITA = AccountAddress("rita", "example.test")


async def fill(owner: Owner) -> None:
    """Give an account mail of every sort, and labels."""
    for number in range(30):
        await owner.add_mail(
            make_message(subject=f"Letter {number % 7}", body=f"{owner.account_id} {number}\r\n")
        )
    await owner.add_mail(large_message(owner.account_id))
    more = await owner.add_folder("More")
    for number in range(10):
        await owner.add_mail(make_message(subject=f"More {number}"), folder_id=more)


async def list_subjects(owner: Owner) -> list[tuple[int, str, int]]:
    """Return what the list of the Inbox shows."""
    page = await owner.domain.mails.list(
        await owner.caller(),
        FolderRef(owner.account_id, INBOX),
        MailListRequest(SortField.DATE, True, limit=100),
    )
    return [(mail.uid, str(mail.date), mail.size) for mail in page.mails]


async def find_owner(owner: Owner, directory: Directory, address: str) -> Owner:
    """Return an account as its owner, who logs in with the old password."""
    return Owner(owner.store, owner.domain, (await directory.get_account(address)).account, owner.password)


@pytest.mark.parametrize("is_alone", [False, True])
async def test_beside_the_old_account(
    is_alone: bool, owner: Owner, add_owner: AddOwner, directory: Directory, tmp_path: Path
) -> None:
    ben = await add_owner("ben")
    await fill(owner)
    await fill(ben)
    await Backup(owner.store, tmp_path / "backup", account=owner.account if is_alone else None).run(None)
    assert (await verify_backup(tmp_path / "backup")).problems == []
    before = await list_subjects(owner)
    await owner.add_mail()
    done = await restore_account(owner.store, tmp_path / "backup", ANNA, new=RITA)
    assert done.messages == 41
    rita = await find_owner(owner, directory, "rita@example.test")
    assert rita.account_id == done.account_id != owner.account_id
    assert await list_subjects(rita) == before
    await assert_sound(owner.store)
    await rita.add_mail()
    await assert_sound(owner.store)
    with pytest.raises(PostroomError, match="conflict"):
        await restore_account(owner.store, tmp_path / "backup", ANNA, new=RITA)


async def test_snapshots_of_others_are_passed_over(owner: Owner, add_owner: AddOwner, tmp_path: Path) -> None:
    """By default the newest snapshot is taken that can be used."""
    store, target = owner.store, tmp_path / "backup"
    ben = await add_owner("ben")
    alone = await Backup(store, target, account=owner.account).run(None)
    await Backup(store, target, account=ben.account).run(None)
    assert (await restore_account(store, target, ANNA, new=RITA)).name == alone.name
    with pytest.raises(PostroomError, match="backupOfAccount"):
        await restore_store(target, place_of("sqlite:", tmp_path / "restored"))
    everything = await Backup(store, target).run(None)
    other = await Backup(store, target, account=ben.account).run(None)
    tina = AccountAddress("tina", "example.test")
    assert (await restore_account(store, target, ANNA, new=tina)).name == everything.name
    assert (await restore_store(target, place_of("sqlite:", tmp_path / "restored"))).name == everything.name
    with pytest.raises(PostroomError, match=f"notFound.*{other.name}"):
        await restore_account(store, target, ANNA, new=ANNA, wanted=other.name)


async def test_of_an_account_that_was_removed(
    owner: Owner, add_owner: AddOwner, directory: Directory, tmp_path: Path
) -> None:
    await directory.set_account("anna", AccountSettings(aliases=["info", "shop"]))
    await fill(owner)
    await Backup(owner.store, tmp_path / "backup").run(None)
    before = await list_subjects(owner)
    with pytest.raises(PostroomError, match="conflict"):
        await restore_account(owner.store, tmp_path / "backup", ANNA, new=ANNA)
    await directory.remove_account("anna")
    await add_owner("shop")
    done = await restore_account(owner.store, tmp_path / "backup", ANNA, new=ANNA)
    assert done.notes == ["alias shop@example.test is taken: it was left out"]
    again = await find_owner(owner, directory, "info@example.test")
    assert again.account.address == "anna@example.test"
    assert await list_subjects(again) == before
    await assert_sound(owner.store)


async def test_in_another_store(owner: Owner, tmp_path: Path) -> None:
    """From either engine into a store of SQLite that has an account of its own."""
    await fill(owner)
    await Backup(owner.store, tmp_path / "backup", account=owner.account).run(None)
    other = await open_owner(tmp_path / "other")
    try:
        done = await restore_account(other.store, tmp_path / "backup", ANNA, new=RITA)
        async with other.store.directory() as tables:
            account = await tables.directory.find(done.account_id)
        assert account is not None
        assert (account.address, account.password_hash) == (str(RITA), owner.account.password_hash)
        await assert_sound(other.store)
    finally:
        await other.store.close()


async def test_interrupted(owner: Owner, directory: Directory, tmp_path: Path) -> None:
    """Nothing is seen of an account until it is whole, and the same call goes on with it."""
    await fill(owner)
    await Backup(owner.store, tmp_path / "backup").run(None)
    before, ends = await list_subjects(owner), 0
    for _ in range(40):
        try:
            await restore_account(owner.store, tmp_path / "backup", ANNA, new=RITA, progress=stop_after(2))
        except StopError:
            ends += 1
            if not await _is_there(directory):
                await assert_sound(owner.store)
        else:
            break
    assert ends > 2
    assert await list_subjects(await find_owner(owner, directory, "rita@example.test")) == before
    await assert_sound(owner.store)


async def _is_there(directory: Directory) -> bool:
    try:
        await directory.get_account(str(RITA))
    except PostroomError:
        return False
    return True


async def test_another_snapshot_behind_an_interruption(
    owner: Owner, directory: Directory, tmp_path: Path
) -> None:
    """What the first one has written goes."""
    await fill(owner)
    first = await Backup(owner.store, tmp_path / "backup").run(None)
    await owner.add_mail()
    await Backup(owner.store, tmp_path / "backup").run(None)
    with pytest.raises(StopError):
        await restore_account(
            owner.store, tmp_path / "backup", ANNA, new=RITA, wanted=first.name, progress=stop_after(3)
        )
    await restore_account(owner.store, tmp_path / "backup", ANNA, new=RITA)
    rita = await find_owner(owner, directory, "rita@example.test")
    assert await list_subjects(rita) == await list_subjects(owner)
    await _assert_nothing_of_others(owner.store, {owner.account_id, rita.account_id})


async def test_a_repair_comes_in_between(
    owner: Owner, directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves the large messages alone that an interrupted restore has copied, and whose rows are on the way."""
    await fill(owner)
    store, before = owner.store, await list_subjects(owner)
    await Backup(store, tmp_path / "backup").run(None)

    async def die(connection: WriteConnection, name: str, columns: Sequence[str], *, rows: Rows) -> None:
        if name == CONTENT:
            raise StopError
        await insert_rows(connection, name, columns, rows=rows)

    async def look(blobs: BlobStore, blob: Blob) -> bool:
        found = await is_whole(blobs, blob)
        assert found
        await check_store(store, repair=True)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(copying, "insert_rows", die)
        with pytest.raises(StopError):
            await restore_account(store, tmp_path / "backup", ANNA, new=RITA)
    copied = [path for path in (data_dir_of(store) / "blobs").rglob("*") if path.is_file()]
    assert len(copied) == 2
    for path in copied:
        os.utime(path, (1, 1))
    async with store.directory_transaction() as tx:
        await tx.meta.remove(HOLD)
    monkeypatch.setattr(copying, "is_whole", look)
    await restore_account(store, tmp_path / "backup", ANNA, new=RITA)
    assert await list_subjects(await find_owner(owner, directory, str(RITA))) == before
    await assert_sound(store)


async def _assert_nothing_of_others(store: Store, numbers: set[int]) -> None:
    async with store.engine.peek() as connection:
        for table in ("mail", "content", "folder", "reference_key", "tombstone", "operation"):
            sql = f"SELECT DISTINCT account_id FROM {table}"  # noqa: S608
            assert {row[0] for row in await connection.fetch_all(sql)} <= numbers
    assert (await check_store(store)).findings == []


async def test_refusals(owner: Owner, tmp_path: Path) -> None:
    await Backup(owner.store, tmp_path / "backup").run(None)
    before = await dump(owner.store)
    with pytest.raises(PostroomError, match="notFound"):
        await restore_account(owner.store, tmp_path / "backup", RITA, new=RITA)
    with pytest.raises(PostroomError, match="domain other"):
        await restore_account(
            owner.store, tmp_path / "backup", ANNA, new=AccountAddress("anna", "other.test")
        )
    assert await dump(owner.store) == before
