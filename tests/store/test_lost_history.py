"""An older state is put back: nothing that programs were told afterwards is taken for something else."""

from pathlib import Path

from tests.fixtures.factories import AddOwner, Owner
from tests.fixtures.stores import data_dir_of
from tests.store.backup_world import (
    assert_sound,
    in_store,
    list_indexed,
    opened,
    other_url,
    place_of,
    second_postgres_url,
)
from tests.store.lost_world import change, check_anew, check_goes_on, list_numbers, listen, tell

from postroom.auth.key_file import KeyFile
from postroom.domain.account_restore import restore_account
from postroom.domain.addresses import AccountAddress
from postroom.domain.backup import Backup
from postroom.domain.directory import Directory
from postroom.domain.event_feed import RESET
from postroom.domain.restoring import restore_store
from postroom.store import Store
from postroom.store.sql.lost_history import LEAP, LostHistoryRepo

__all__ = ["other_url", "second_postgres_url"]


async def test_everything_is_restored(
    add_owner: AddOwner, store: Store, other_url: str, tmp_path: Path
) -> None:
    owner = await add_owner("anna")
    folder_id = await change(owner, "Before")
    early = await tell(owner)
    await Backup(store, tmp_path / "backup").run(KeyFile(data_dir_of(store)).path)
    known = await list_numbers(store)
    await change(owner, "Lost", folder_id=folder_id)
    await add_owner("late")
    lost, told = await list_numbers(store) - known, await tell(owner)
    folder = tmp_path / "restored"
    await restore_store(tmp_path / "backup", place_of(other_url, folder))
    async with opened(other_url, folder) as restored:
        (copy,) = await in_store([owner], restored, folder)
        await check_anew(copy, told)
        # More of everything than was lost, so that its positions are passed.
        for name in ("One", "Another one"):
            await change(copy, name, folder_id=folder_id)
        assert not lost & await list_numbers(restored)
        await check_anew(copy, told)
        await check_anew(copy, early)
        await check_goes_on(copy)
        await assert_sound(restored)


async def test_an_account_is_restored(owner: Owner, directory: Directory, tmp_path: Path) -> None:
    """It has another number, which event ids do not tell."""
    anna = AccountAddress("anna", "example.test")
    await change(owner, "Before")
    await Backup(owner.store, tmp_path / "backup").run(None)
    await change(owner, "Lost")
    told = await tell(owner)
    await directory.remove_account("anna")
    await restore_account(owner.store, tmp_path / "backup", anna, new=anna)
    account = (await directory.get_account("anna")).account
    again = Owner(owner.store, owner.domain, account, owner.password)
    for name in ("One", "Another one", "One more"):
        await change(again, name)
    assert (await listen(again, told.position))[0].kind == RESET
    await check_goes_on(again)
    await assert_sound(owner.store)


async def test_a_clock_that_is_behind(owner: Owner) -> None:
    await change(owner, "Before")
    known, told = await list_numbers(owner.store), await tell(owner)
    async with owner.store.engine.write() as connection:
        await LostHistoryRepo(connection).leap(owner.account_id, now_ms=1)
    await change(owner, "Then")
    new = await list_numbers(owner.store) - known
    assert min(number for name, *_, number in new if name == "step") > LEAP
    assert min(number for name, *_, number in new if name == "item") > LEAP
    await check_anew(owner, told)
    await assert_sound(owner.store)


async def test_a_clock_that_is_ages_ahead(owner: Owner) -> None:
    """What numbers are packed into holds them all the same."""
    await change(owner, "Before")
    known, told = await list_numbers(owner.store), await tell(owner)
    async with owner.store.engine.write() as connection:
        await LostHistoryRepo(connection).leap(owner.account_id, now_ms=2**52)
    await change(owner, "Then")
    new = await list_numbers(owner.store) - known
    assert max(number for name, *_, number in new if name in {"content", "mail", "contact"}) < 2**32
    found = await list_indexed(owner.store)
    assert found[owner.account_id] == {
        number for name, *_, number in await list_numbers(owner.store) if name == "content"
    }
    await check_anew(owner, told)
    await assert_sound(owner.store)
