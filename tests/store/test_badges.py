"""What the unread counter reads: remembered between commits, and never longer, whoever commits."""

import subprocess
import sys
from pathlib import Path

from tests.fixtures.factories import Owner, mark_mail

from postroom.model.folder import INBOX
from postroom.store import Store, open_store
from postroom.store.engine.wal_index import WalIndex

_MARK_READ = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(5000)
connection.execute("UPDATE folder SET unread_items = unread_items - 1 WHERE folder_id = 2")
"""


async def test_a_badge_follows_every_commit(owner: Owner) -> None:
    store = owner.store
    for expected in range(1, 6):
        await owner.add_mail()
        badge = store.find_badge_now(owner.account_id) or await store.find_badge(owner.account_id)
        assert badge is not None
        assert badge.unread == expected
        assert store.find_badge_now(owner.account_id) in (None, badge)


async def test_a_badge_follows_a_commit_of_another_store(
    owner: Owner, tmp_path: Path, store_url: str
) -> None:
    ref = await owner.add_mail()
    first = owner.store.find_badge_now(owner.account_id)
    other = await open_store(store_url, tmp_path / "data")
    async with other.transaction(owner.account_id) as tx:
        await mark_mail(tx, INBOX, ref.uid, is_unread=False, is_flagged=None)
    await other.close()
    badge = owner.store.find_badge_now(owner.account_id) or await owner.store.find_badge(owner.account_id)
    assert badge is not None
    assert badge.unread == 0
    assert first is None or first.unread == 1


async def test_a_badge_follows_a_commit_of_another_process(owner: Owner, tmp_path: Path) -> None:
    if not owner.store.engine.answers_now:
        return  # Nothing is remembered on this engine.
    await owner.add_mail()
    assert owner.store.find_badge_now(owner.account_id) == owner.store.find_badge_now(owner.account_id)
    path = tmp_path / "data" / "postroom.sqlite"
    subprocess.run([sys.executable, "-c", _MARK_READ, str(path)], check=True)
    badge = owner.store.find_badge_now(owner.account_id)
    assert badge is not None
    assert badge.unread == 0


async def test_nothing_is_read_while_nothing_is_committed(owner: Owner) -> None:
    store = owner.store
    if not store.engine.answers_now:
        return
    state = store.engine.read_state_now()
    assert state is not None
    assert store.engine.read_state_now() == state
    await owner.add_mail()
    assert store.engine.read_state_now() != state


async def test_an_account_that_is_not_there_has_no_badge(store: Store) -> None:
    async with store.directory() as directory:
        assert await directory.directory.list_after(0, limit=1) == []
    assert store.find_badge_now(77) is None  # type: ignore[arg-type]
    assert await store.find_badge(77) is None  # type: ignore[arg-type]


async def test_the_file_is_shared_and_closed_with_the_last_user(tmp_path: Path) -> None:
    one = await open_store("sqlite:", tmp_path / "one")
    two = await open_store("sqlite:", tmp_path / "one")
    assert len([path for path in WalIndex._shared if tmp_path in path.parents]) == 1
    await one.close()
    assert len([path for path in WalIndex._shared if tmp_path in path.parents]) == 1
    await two.close()
    assert not [path for path in WalIndex._shared if tmp_path in path.parents]
