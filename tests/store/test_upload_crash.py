# ruff: noqa: S311
"""``kill -9`` in the middle of uploads and removals: what was acknowledged is there whole, and nothing else stays."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.crashes import Parent, begin_task, crash_parent
from tests.fixtures.factories import CHEAP_AUTH, DOMAIN, PASSWORD, basic
from tests.store.upload_crash_child import ADDRESS, SIZE

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.uploads import ORPHAN_SECONDS, collect_orphans
from postroom.model.upload import TemporaryAttachmentId, WantedAttachment
from postroom.store import Store, open_store

ROUNDS = 12


@pytest.fixture
def killed() -> Iterator[Parent]:
    """The process whose children are killed."""
    with crash_parent("tests.store.upload_crash_child") as process:
        yield process


def work_until_killed(process: Parent, task: str, *, seconds: float) -> dict[int, str]:
    """Let a child work for a time after it has begun; return the letters of the files that must be there."""
    child, files = 0, dict[int, str]()
    for words in begin_task(process, task):
        word, *rest = (one.decode() for one in words)
        if word == "pid":
            child = int(rest[0])
        elif word == "begun":
            kill_at = time.monotonic() + seconds
        elif word == "+":
            files[int(rest[0])] = rest[1]
        elif word == "-":
            del files[int(rest[0])]
        elif word == "dead":
            assert int(rest[0]) == -signal.SIGKILL
            return files
        if child and word != "pid" and time.monotonic() >= kill_at:
            os.kill(child, signal.SIGKILL)
            child = 0
    raise AssertionError("the process has ended")


async def prepare(folder: Path) -> str:
    """Make an account; return the token of a session."""
    store, hasher = await open_store("sqlite:", folder), PasswordHasher(CHEAP_AUTH)
    config = Config(data_dir=folder, auth=CHEAP_AUTH)
    directory = Directory(store, hasher, config.classes)
    await directory.add_domain(DOMAIN)
    await directory.add_account(ADDRESS, AccountSettings(password=PASSWORD))
    domain = await make_domain(store, config, hasher)
    token = await domain.logins.login(basic(ADDRESS, PASSWORD), client="127.0.0.1")
    hasher.close()
    await store.close()
    return token


async def read_all(folder: Path, token: str, numbers: list[int]) -> list[bytes]:
    """Return the contents of files."""
    store, hasher = await open_store("sqlite:", folder), PasswordHasher(CHEAP_AUTH)
    domain = await make_domain(store, Config(data_dir=folder, auth=CHEAP_AUTH), hasher)
    caller = await domain.logins.authenticate(basic(ADDRESS, PASSWORD), token, client="127.0.0.1")
    wanted = [WantedAttachment(TemporaryAttachmentId(number)) for number in numbers]
    files = await domain.temporary_attachments.take(caller, wanted)
    hasher.close()
    await store.close()
    return [file.content for file in files]


async def list_rows(store: Store) -> list[tuple[int, bytes]]:
    async with store.engine.read() as connection:
        rows = await connection.fetch_all("SELECT attachment_id, blob_name FROM temporary_attachment")
    return [(row[0], row[1]) for row in rows]


async def test_a_crash_leaves_nothing_but_what_was_acknowledged(tmp_path: Path, killed: Parent) -> None:
    chance = random.Random(7)
    folder = tmp_path / "data"
    token = await prepare(folder)
    expected: dict[int, str] = {}
    for _ in range(ROUNDS):
        expected |= work_until_killed(killed, f"{folder} {token}", seconds=chance.uniform(0, 0.12))
        contents = await read_all(folder, token, list(expected))
        assert contents == [letter.encode() * SIZE for letter in expected.values()]
        if len(expected) > 20:
            break
    store = await open_store("sqlite:", folder)
    long_ago = time.time() - ORPHAN_SECONDS - 1
    for path in (folder / "uploads").rglob("*"):
        if path.is_file():
            os.utime(path, (long_ago, long_ago))
    await collect_orphans(store)
    rows = await list_rows(store)
    # Of what was under way at a crash, the one upload or removal may have been done.
    assert set(expected) <= {number for number, _ in rows}
    assert len(rows) <= len(expected) + 2 * ROUNDS
    names = {path.name for path in (folder / "uploads").rglob("*") if path.is_file()}
    assert names == {name.hex() for _, name in rows}
    await store.close()
