"""The check of uploads: rows without a whole file, and files without a row."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.factories import Owner

from postroom.domain.check import check_store
from postroom.domain.uploads import ORPHAN_SECONDS, FileHead
from postroom.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the uploads lie."""
    return tmp_path / "data" / "uploads"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def upload(owner: Owner, folder: Path, content: bytes) -> Path:
    """Upload a file in a session of its own; return where it lies."""
    before = set(files_in(folder))
    token = await owner.domain.logins.login(owner.authorization, client="127.0.0.1")
    caller = await owner.caller(token)
    staging = owner.domain.temporary_attachments.begin(caller)
    staging.begin()
    await staging.write(content)
    await staging.end(FileHead("a.bin", "application/octet-stream"))
    await owner.domain.temporary_attachments.keep(caller, staging)
    await staging.close()
    [path] = set(files_in(folder)) - before
    return path


async def found(store: Store, *, repair: bool = False) -> list[tuple[str, str, bool]]:
    report = await check_store(store, repair=repair)
    return sorted((fault.kind, fault.what.split(": ")[-1][:24], fault.repaired) for fault in report.findings)


def remove(path: Path) -> None:
    path.unlink()


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:50] + b"\x00\x00\x00" + data[53:])


@pytest.mark.parametrize(
    ("harm", "what"), [(remove, "the file is missing"), (spoil, "the stored message is da")]
)
async def test_rows_without_a_whole_file(
    store: Store, owner: Owner, folder: Path, harm: Callable[[Path], None], what: str
) -> None:
    path = await upload(owner, folder, os.urandom(100_000))
    await upload(owner, folder, b"")
    await upload(owner, folder, b"whole" * 1000)
    assert await found(store) == []
    harm(path)
    assert await found(store) == [("upload", what, False)]
    assert await found(store, repair=True) == [("upload", what, True)]
    assert await found(store) == []
    assert len(files_in(folder)) == 2


async def test_a_file_of_another_length(store: Store, owner: Owner, folder: Path) -> None:
    path = await upload(owner, folder, b"whole" * 1000)
    other = await upload(owner, folder, b"half" * 1000)
    path.write_bytes(other.read_bytes())
    assert await found(store) == [("upload", "the file has 4000 bytes ", False)]
    assert len(files_in(folder)) == 2


async def test_files_without_a_row(store: Store, owner: Owner, folder: Path) -> None:
    await upload(owner, folder, b"needed")
    await store.uploads.put(owner.account_id, b"\x01" * 32, b"left over")
    await store.uploads.put(owner.account_id, b"\x02" * 32, b"on its way")
    long_ago = time.time() - ORPHAN_SECONDS - 10
    for path in files_in(folder):
        if not path.name.startswith("02" * 8):
            os.utime(path, (long_ago, long_ago))
    [(kind, _, repaired)] = await found(store)
    assert (kind, repaired) == ("upload", False)
    [(kind, _, repaired)] = await found(store, repair=True)
    assert (kind, repaired) == ("upload", True)
    assert await found(store) == []
    assert len(files_in(folder)) == 2
