"""Snapshots: what there was at a time, as a list of objects; and how rows are cut into objects.

The rows of a table, in the order of its key, are cut behind each row whose key hashes to a certain value. So where a
row is added, changed or removed, one object is another and all others are those of the snapshot before: only what is
new is stored, and yet each snapshot is complete by itself.
"""

import datetime
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from postroom.errors import not_found
from postroom.store.backups.catalogue import Table
from postroom.store.backups.objects import BackupFolder, DamagedError, refuse, write_file
from postroom.store.backups.rows import RowSum, pack_row

_CUT: Final = 128
"""An object ends on average behind so many rows."""
MAX_ROWS: Final = 2048
MAX_BYTES: Final = 4 << 20
_HASH_CHARACTERS: Final = 16
_decode_rows = msgspec.msgpack.Decoder(list[list[Any]]).decode


class Chunk(msgspec.Struct, array_like=True):
    """An object with rows of a table; ``low`` and ``high`` are the lowest and highest account in it."""

    sha256: str
    rows: int
    low: int
    high: int


class TableRows(msgspec.Struct):
    """The rows of a table."""

    columns: list[str]
    rows: int = 0
    sum: str = ""
    chunks: list[Chunk] = []


class SnapshotFile(msgspec.Struct):
    """What there was at a time. ``account``: the address, where it is of one account; "" for the whole store."""

    format: int
    program: str
    schema: int
    engine: str
    made_at: int
    account: str
    account_id: int
    messages: int
    messages_bytes: int
    server_key: str
    """The object with the file of the server keys, "" where it was left out."""
    lost: list[str]
    """Large messages that the store itself had lost."""
    tables: dict[str, TableRows]


class Chunker:
    """Cuts the rows of one table into objects."""

    def __init__(self, folder: BackupFolder, table: Table) -> None:
        self._folder = folder
        self._key = [table.place(column) for column in table.key]
        self._owner = table.place("account_id")
        self._rows: list[bytes] = []
        self._size = 0
        self._low = self._high = 0
        self._sum = RowSum()
        self._chunks: list[Chunk] = []
        self._columns = list(table.columns)

    def add(self, row: Sequence[Any]) -> None:
        """Take the next row."""
        packed = pack_row(row)
        self._sum.add(packed)
        owner = row[self._owner] if self._owner >= 0 else 0
        self._low = min(self._low, owner) if self._rows else owner
        self._high = max(self._high, owner) if self._rows else owner
        self._rows.append(packed)
        self._size += len(packed)
        key = zlib.crc32(pack_row([row[place] for place in self._key]))
        if key % _CUT == 0 or len(self._rows) >= MAX_ROWS or self._size >= MAX_BYTES:
            self._cut()

    def _cut(self) -> None:
        # Rows that are packed already, as an array of MessagePack with a length of 32 bits.
        raw = b"\xdd" + len(self._rows).to_bytes(4, "big") + b"".join(self._rows)
        sha256 = self._folder.add_raw(raw)
        self._chunks.append(Chunk(sha256.hex(), len(self._rows), self._low, self._high))
        self._rows, self._size = [], 0

    def finish(self) -> TableRows:
        """Return what the table's rows are."""
        if self._rows:
            self._cut()
        return TableRows(self._columns, self._sum.rows, self._sum.text(), self._chunks)


def read_chunk(folder: BackupFolder, chunk: Chunk) -> list[list[Any]]:
    """Return the rows of an object. Raises: DamagedError."""
    try:
        rows = _decode_rows(folder.get(bytes.fromhex(chunk.sha256)))
    except (msgspec.MsgspecError, ValueError):
        raise DamagedError(f"object {chunk.sha256} has no rows in it") from None
    if len(rows) != chunk.rows:
        raise DamagedError(f"object {chunk.sha256} has {len(rows)} rows, there must be {chunk.rows}")
    return rows


def iter_rows(
    folder: BackupFolder, table: TableRows, *, account_id: int | None = None
) -> Iterator[list[Any]]:
    """Yield the rows of a table, those of an account alone where one is named. Raises: DamagedError."""
    owner = table.columns.index("account_id") if account_id is not None else -1
    for chunk in table.chunks:
        if account_id is None:
            yield from read_chunk(folder, chunk)
        elif chunk.low <= account_id <= chunk.high:
            yield from (row for row in read_chunk(folder, chunk) if row[owner] == account_id)


def write_snapshot(folder: BackupFolder, snapshot: SnapshotFile) -> str:
    """Write a snapshot, which is there from then on; return its name. Raises: OSError."""
    data = msgspec.json.encode(snapshot)
    made = datetime.datetime.fromtimestamp(snapshot.made_at / 1000, datetime.UTC)
    stamp = f"{made:%Y%m%dT%H%M%S}.{snapshot.made_at % 1000:03}Z"
    name = f"{stamp}-{hashlib.sha256(data).hexdigest()[:_HASH_CHARACTERS]}"
    write_file(folder.root / "snapshots" / f"{name}.json", data)
    return name


def list_snapshots(root: Path) -> list[str]:
    """Return the names of the snapshots, the oldest first."""
    return sorted(path.stem for path in (root / "snapshots").glob("[0-9]*.json"))


def read_snapshot(root: Path, name: str) -> SnapshotFile:
    """Return a snapshot. Raises: DamagedError."""
    path = root / "snapshots" / f"{name}.json"
    data = path.read_bytes()
    if not name.endswith(f"-{hashlib.sha256(data).hexdigest()[:_HASH_CHARACTERS]}"):
        raise DamagedError(f"{path} is damaged: it does not have its hash")
    try:
        return msgspec.json.decode(data, type=SnapshotFile)
    except msgspec.MsgspecError as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None


def find_snapshot(root: Path, names: Iterable[str], wanted: str) -> str:
    """Return the snapshot whose name begins like that, the newest one for "". Raises: notFound, conflict."""
    found = [name for name in names if name.startswith(wanted)]
    if not found:
        raise not_found(f"a snapshot {wanted} in {root}".replace("  ", " "))
    if wanted and len(found) > 1:
        raise refuse("conflict", f"several snapshots in {root} begin with {wanted}: {', '.join(found)}")
    return found[-1]
