"""Mail in the queue of a store that is restored: none of it is sent twice, or lost, without a word."""

from pathlib import Path

from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner
from tests.fixtures.stores import data_dir_of
from tests.store.backup_world import (
    assert_sound,
    in_store,
    opened,
    other_url,
    place_of,
    second_postgres_url,
)
from tests.store.queue_world import QueueWorld

from postroom.auth.key_file import KeyFile
from postroom.domain.backup import Backup
from postroom.domain.queue_admin import QueueAdmin
from postroom.domain.restoring import restore_store
from postroom.model.folder import INBOX
from postroom.store import Store

__all__ = ["other_url", "second_postgres_url"]

HOUR = 3600


async def test_what_waited_is_held(add_owner: AddOwner, store: Store, other_url: str, tmp_path: Path) -> None:
    anna, ben = await add_owner("anna"), await add_owner("ben")
    world = QueueWorld(store)
    both = await world.send(anna, ["ben@example.test", "berta@other.test"])
    relayed = await world.send(anna, ["carl@other.test"], has_relay=True)
    later = await world.send(anna, ["dora@other.test"], delay=2 * HOUR)
    await Backup(store, tmp_path / "backup").run(KeyFile(data_dir_of(store)).path)
    await world.work()
    folder = tmp_path / "restored"
    done = await restore_store(tmp_path / "backup", place_of(other_url, folder))
    assert done.held == 3
    async with opened(other_url, folder) as restored:
        world = QueueWorld(restored, clock=TestClock(world.clock.now() + HOUR))
        admin = QueueAdmin(restored)
        await world.work()
        # Who has a mailbox here lacks the mail, since it was put back.
        assert await world.states(both) == ["delivered", "waiting"]
        _, copy = await in_store([anna, ben], restored, folder)
        async with restored.read(copy.account_id) as mailbox:
            assert len(await mailbox.mails.list_some(INBOX, limit=10)) == 1
        assert world.transport.sent == []
        assert await admin.retry_all(now=world.clock.now_ms()) == 0
        async with restored.directory() as directory:
            assert await directory.held_messages.count() == 3
        await world.work()
        assert world.transport.sent == []
        assert await admin.release(both, now=world.clock.now_ms()) == 1
        await world.work()
        assert world.transport.addresses() == ["berta@other.test"]
        assert await admin.cancel(relayed, now=world.clock.now_ms()) == 1
        assert await admin.release_all(now=world.clock.now_ms()) == 1
        await world.work()
        assert world.transport.addresses() == ["berta@other.test"], "its time has not come"
        world.clock.advance(HOUR)
        await world.work()
        assert world.transport.addresses() == ["berta@other.test", "dora@other.test"]
        assert await world.states(later) == ["relayed"]
        async with restored.directory() as directory:
            assert await directory.held_messages.count() == 0
        await assert_sound(restored)
