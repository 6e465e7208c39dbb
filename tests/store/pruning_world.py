"""Folders of backups of a made-up store that changes at random, and what each snapshot must be read as."""

import hashlib
import random
from contextlib import closing
from pathlib import Path
from typing import Any

from postroom.domain.backup import OWNER, open_blobs
from postroom.store.backups.catalogue import Table
from postroom.store.backups.objects import BackupFolder
from postroom.store.backups.snapshots import (
    Chunker,
    SnapshotFile,
    iter_rows,
    list_snapshots,
    read_snapshot,
    write_snapshot,
)

CONTENT = Table(
    "content", ("account_id", "content_id", "data", "sha256", "size_bytes"), ("account_id", "content_id")
)
MAIL = Table("mail", ("account_id", "subject", "uid"), ("account_id", "uid"))
DAY = 86_400_000
START = 1_750_000_000_000

Read = tuple[list[list[Any]], list[list[Any]], dict[bytes, bytes]]
"""The rows of both tables, and the messages."""


class World:
    """A store of messages and rows, and its backups."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)  # noqa: S311
        self.snapshots: dict[str, Read] = {}
        self._messages: dict[int, tuple[bytes, bool]] = {}
        self._subjects: dict[int, str] = {}
        self._next = 1

    def change(self, count: int) -> None:
        """Let messages come and go."""
        for _ in range(count):
            if self._messages and self.chance.random() < 0.4:
                number = self.chance.choice(list(self._messages))
                del self._messages[number], self._subjects[number]
            raw = self.chance.randbytes(8) * self.chance.randrange(1, 30)
            self._messages[self._next] = raw, self.chance.random() < 0.1
            self._subjects[self._next] = f"Subject {self.chance.randrange(1000)}"
            self._next += 1

    async def back_up(self, made_at: int, account: str = "") -> str:
        """Make a backup of what there is; return its name."""
        folder = BackupFolder.create(self.root)
        blobs = open_blobs(self.root)
        with closing(folder), folder.locked():
            contents, mails = Chunker(folder, CONTENT), Chunker(folder, MAIL)
            for number, (raw, is_large) in self._messages.items():
                sha256 = hashlib.sha256(raw).digest()
                if is_large:
                    await blobs.put(OWNER, sha256, raw)
                else:
                    folder.add_raw(raw)
                contents.add((1, number, None if is_large else 1, sha256, len(raw)))
                mails.add((1, self._subjects[number], number))
            key = folder.add_raw(f"key {made_at // (5 * DAY)}".encode()).hex()
            tables = {"content": contents.finish(), "mail": mails.finish()}
            folder.flush()
            name = write_snapshot(
                folder,
                SnapshotFile(
                    1, "test", 1, "sqlite", made_at, account, 0, len(self._messages), 0, key, [], tables
                ),
            )  # fmt: skip
        self.snapshots[name] = await read(self.root, name)
        return name


async def read(root: Path, name: str) -> Read:
    """Read everything of a snapshot, as a restore does."""
    snapshot, blobs = read_snapshot(root, name), open_blobs(root)
    folder = BackupFolder.open(root)
    with closing(folder):
        contents, mails = (list(iter_rows(folder, snapshot.tables[table])) for table in ("content", "mail"))
        messages: dict[bytes, bytes] = {}
        for _, _, data, sha256, size_bytes in contents:
            if data is None:
                reader = await blobs.open(OWNER, sha256)
                messages[sha256] = await reader.read(0, size_bytes)
                reader.close()
            else:
                messages[sha256] = folder.get(sha256)
        assert all(hashlib.sha256(raw).digest() == sha256 for sha256, raw in messages.items())
        folder.get(bytes.fromhex(snapshot.server_key))
    return contents, mails, messages


async def check_whole(world: World) -> None:
    """Check that each snapshot that is there is what it was."""
    for name in list_snapshots(world.root):
        assert await read(world.root, name) == world.snapshots[name]


async def measure(root: Path) -> tuple[list[str], int, set[bytes]]:
    """Return the snapshots, how many objects there are, and the large messages."""
    folder = BackupFolder.open(root)
    folder.close()
    blobs = {blob.sha256 async for blob in open_blobs(root).iter_all()}
    return list_snapshots(root), len(folder._places), blobs
