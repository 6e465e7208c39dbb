"""News of commits: whoever listens is told, whichever process commits, and of nothing that did not happen."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.fixtures.factories import AddOwner, Owner
from tests.fixtures.postgres import PostgresServer, run_in_thread

from postroom.domain.event_feed import Selection
from postroom.domain.news import News
from postroom.domain.sharing import Sharing
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId
from postroom.store import Store, open_store
from postroom.store.engine import foreign_commits, postgres_news

SOON_SECONDS = 5.0
COMMIT_SECONDS = 0.1
CHILD = Path(__file__).parent / "writer_child.py"


@dataclass
class Heard:
    """What a listener was told."""

    accounts: list[int | None] = field(default_factory=list)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, accounts: Iterable[int] | None) -> None:
        self.accounts += [None] if accounts is None else list(accounts)
        self.woken.set()

    async def wait(self) -> list[int | None]:
        """Return what was told, as soon as there is something."""
        async with asyncio.timeout(SOON_SECONDS):
            await self.woken.wait()
        self.woken.clear()
        told, self.accounts = self.accounts, []
        return told

    async def settle(self) -> None:
        """Forget what was told up to now."""
        await asyncio.sleep(foreign_commits.POLL_SECONDS * 2)
        self.woken.clear()
        self.accounts.clear()


@pytest.fixture
async def heard(store: Store, owner: Owner) -> Heard:
    """A listener."""
    made = Heard()
    await store.listen(made)
    await made.settle()
    assert owner.account_id
    return made


@dataclass
class Child:
    """The other process."""

    process: asyncio.subprocess.Process

    async def write(self) -> None:
        """Have a change committed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        assert await asyncio.wait_for(self.process.stdout.readline(), 30) == b"done\n"


@pytest.fixture
async def child(store_url: str, tmp_path: Path, owner: Owner) -> AsyncIterator[Child]:
    """Another process at the same store."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(CHILD, store_url, tmp_path / "data", str(owner.account_id)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield Child(process)
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_commits_of_this_process(store: Store, owner: Owner, heard: Heard) -> None:
    async with store.transaction(owner.account_id) as tx:
        await tx.advance()
        assert heard.accounts == []
    assert heard.accounts == [owner.account_id]


async def test_commits_on_several_mailboxes(store: Store, add_owner: AddOwner, heard: Heard) -> None:
    other = await add_owner("berta")
    await heard.settle()
    numbers = [other.account_id, AccountId(1)]
    async with store.transactions(numbers) as transactions:
        for tx in transactions:
            await tx.advance()
    assert sorted(filter(None, heard.accounts)) == sorted(numbers)


async def test_what_fails_is_not_told(store: Store, owner: Owner, heard: Heard) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with store.transaction(owner.account_id) as tx:
            await tx.advance()
            raise ZeroDivisionError
    async with store.read(owner.account_id) as mailbox:
        assert await mailbox.mailbox.find() is not None
    await asyncio.sleep(foreign_commits.POLL_SECONDS * 2)
    assert heard.accounts == []


async def test_changed_logins_are_told(store: Store, owner: Owner, heard: Heard) -> None:
    async with store.directory_transaction() as tables:
        await tables.meta.put("name", "value")
    assert heard.accounts == []
    async with store.directory_transaction() as tables:
        await tables.directory.raise_versions(owner.account_id, auth=1, sessions=0)
    assert heard.accounts == [owner.account_id]


async def test_own_commits_are_told_once(store: Store, owner: Owner, heard: Heard) -> None:
    for _ in range(20):
        async with store.transaction(owner.account_id) as tx:
            await tx.advance()
    await asyncio.sleep(foreign_commits.POLL_SECONDS * 2)
    assert heard.accounts == [owner.account_id] * 20


async def test_commits_of_another_process(store: Store, owner: Owner, heard: Heard, child: Child) -> None:
    await child.write()
    await heard.settle()
    for _ in range(3):
        await child.write()
        told = await heard.wait()
        assert set(told) == {None if store.engine.name == "sqlite" else owner.account_id}
        await heard.settle()


async def test_commits_of_another_process_beside_own(
    store: Store, owner: Owner, heard: Heard, child: Child
) -> None:
    """None of the other's is missed, however busy this process is."""
    other = AccountId(owner.account_id + 1)
    async with store.directory_transaction() as tables:
        await tables.mailbox(other).mailbox.create(next_folder_id=20)
    await child.write()
    await heard.settle()
    is_over = False

    async def be_busy() -> None:
        while not is_over:
            async with store.transaction(other) as tx:
                await tx.advance()
            await asyncio.sleep(0)

    busy = [asyncio.create_task(be_busy()) for _ in range(3)]
    for _ in range(5):
        await child.write()
        async with asyncio.timeout(SOON_SECONDS):
            while not {None, owner.account_id} & set(await heard.wait()):
                pass
    is_over = True
    await asyncio.gather(*busy)


async def test_streams_tell_of_another_process(owner: Owner, child: Child) -> None:
    stream = await owner.domain.event_streams.open(await owner.caller(), Selection(frozenset({"folders"})))
    await child.write()
    events = await asyncio.wait_for(stream.next_events(), SOON_SECONDS)
    assert events is not None
    assert [event.kind for event in events] == ["folders"]
    stream.close()


async def test_streams_tell_of_permissions_that_another_process_gives(
    owner: Owner, add_owner: AddOwner, store_url: str, tmp_path: Path
) -> None:
    reader = await add_owner("berta")
    selection = Selection(frozenset({"folders", "mails"}))
    stream = await reader.domain.event_streams.open(await reader.caller(), selection)
    other = await open_store(store_url, tmp_path / "data")
    sharing, names = Sharing(other), (owner.account.address, "Inbox")

    async def next_kinds() -> list[str]:
        events = await asyncio.wait_for(stream.next_events(), SOON_SECONDS)
        return [event.kind for event in events or ()]

    await sharing.put_named(*names, reader.account.address, rights="lr")
    assert await next_kinds() == ["mails", "folders"]
    async with other.transaction(owner.account_id) as tx:
        await tx.lock()
        folder = await tx.folders.find_role("inbox")
        assert folder is not None
        state = await tx.advance()
        await tx.folders.count(folder, items=0, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    assert await next_kinds() == ["mails", "folders"]
    await sharing.delete_named(*names, reader.account.address)
    assert await next_kinds() == ["folders"]
    await sharing.put_named(*names, "*", rights="l")
    assert await next_kinds() == ["folders"]
    stream.close()
    await other.close()


async def test_a_reader_is_told_of_an_owners_commit_soon(owner: Owner, add_owner: AddOwner) -> None:
    reader = await add_owner("berta")
    sharing = Sharing(owner.store)
    await sharing.put_named(owner.account.address, "Inbox", reader.account.address, rights="lr")
    stream = await reader.domain.event_streams.open(await reader.caller(), Selection(frozenset({"mails"})))
    await stream.next_events()
    took: list[float] = []
    for _ in range(5):
        await asyncio.sleep(0.05)
        await owner.add_mail()
        started = time.monotonic()
        events = await asyncio.wait_for(stream.next_events(), SOON_SECONDS)
        took.append(time.monotonic() - started)
        assert events is not None
        assert [event.kind for event in events] == ["mails"]
    assert min(took) < COMMIT_SECONDS
    stream.close()


async def test_who_closes_at_once_is_heard(
    store: Store, owner: Owner, heard: Heard, store_url: str, tmp_path: Path
) -> None:
    other = await open_store(store_url, tmp_path / "data")
    await heard.settle()
    async with other.transaction(owner.account_id) as tx:
        await tx.advance()
    await other.close()
    assert set(await heard.wait()) <= {None, owner.account_id}
    assert store.engine.name


async def test_a_lost_connection_is_news_of_everything(
    postgres_url: str, postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_news, "RETRY_SECONDS", 0.05)
    store, other = [await open_store(postgres_url, tmp_path, connections=2) for _ in range(2)]
    heard = Heard()
    await store.listen(heard)
    database = urlsplit(postgres_url).path.removeprefix("/")
    run_in_thread(
        lambda: postgres_server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"  # noqa: S608
        )
    )
    assert await heard.wait() == [None]
    other.engine.tell(7)
    assert await heard.wait() == [7]
    await store.close()
    await other.close()


async def test_many_accounts_are_told_in_few_statements(postgres_url: str, tmp_path: Path) -> None:
    store, other = [await open_store(postgres_url, tmp_path, connections=2) for _ in range(2)]
    heard = Heard()
    await store.listen(heard)
    numbers = list(range(2**60, 2**60 + 1000))
    for number in numbers:
        other.engine.tell(number)
    told: list[int | None] = []
    while len(told) < len(numbers):
        told += await heard.wait()
    assert sorted(filter(None, told)) == numbers
    await store.close()
    await other.close()


async def test_payloads_of_other_versions(postgres_url: str, tmp_path: Path) -> None:
    store = await open_store(postgres_url, tmp_path, connections=2)
    heard = Heard()
    await store.listen(heard)
    async with store.engine.peek() as connection:
        await connection.execute("SELECT pg_notify('postroom_news', $1)", "whatever")
    assert await heard.wait() == [None]
    await store.close()


async def test_listening_that_fails_is_tried_again(tmp_path: Path) -> None:
    store = await open_store("sqlite:", tmp_path)
    news = News(store)
    calls = 0

    async def fail(_: object) -> None:
        nonlocal calls
        calls += 1
        raise PostroomError(Kind.UNAVAILABLE, "unavailable", "not now")

    working = store.listen
    store.listen = fail  # type: ignore[method-assign, assignment]
    for _ in range(2):
        with pytest.raises(PostroomError):
            await news.listen(AccountId(1), lambda: None)
    assert calls == 2
    store.listen = working  # type: ignore[method-assign]
    await news.listen(AccountId(1), lambda: None)
    await store.close()
