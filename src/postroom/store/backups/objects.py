"""The folder of a backup: objects named by the SHA-256 of what is in them, many to a file, and the snapshots.

::

    postroom-backup.json           says what the folder is
    packs/<sha256>.pack            objects: packed rows, messages, the server key
    blobs/                         large messages, a file each, as in the blob store
    snapshots/<time>-<hash>.json   what there was at a time: for each table the objects that hold its rows

An object is one zstd frame; its name is the hash of what it opens to. A pack is the frames, then an index (hash,
place and length of each) and a trailer. It is named by the hash of the whole file, so that a copy elsewhere can be
checked with sha256sum.

Invariants: every file is complete and durable when its name appears (temporary file, fsync, rename), and never
changes. A snapshot is written last, so what it names is there; what an interrupted backup has left is used by the
next one. Everything is its owner's alone.

Who writes has a lock on the marker. Whoever has the folder open shares a lock on the directory of the packs, so that
none goes (:mod:`postroom.domain.pruning`) that he knows of.
"""

import contextlib
import fcntl
import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec
import zstandard

from postroom.errors import Kind, PostroomError, not_found

MARKER: Final = "postroom-backup.json"
FORMAT: Final = 1
PACK_BYTES: Final = 16 << 20
"""A pack is finished when it has so many bytes."""
MAX_OBJECT_BYTES: Final = 1 << 30
_MAGIC: Final = b"PRPACK01"
_TRAILER: Final = struct.Struct("<Q32s8s")
_TEMPORARY: Final = "new-"


class Place(NamedTuple):
    """Where an object lies: the pack, by number, and the bytes in it."""

    pack: int
    start: int
    length: int


class _Entry(msgspec.Struct, array_like=True):
    sha256: bytes
    start: int
    length: int


class _Marker(msgspec.Struct):
    postroom_backup: int


class DamagedError(Exception):
    """A file of the backup is not as it was written."""


def refuse(code: str, message: str) -> PostroomError:
    """Return the error for what cannot be done with a backup or a store as it is."""
    return PostroomError(Kind.CONFLICT, code, message)


class BackupFolder:
    """An open folder of backups."""

    def __init__(self, root: Path) -> None:
        """See :meth:`open` and :meth:`create`."""
        self.root = root
        self.packs: list[Path] = []
        self.damaged: set[int] = set()
        """Packs, by number, of which nobody can say what they hold."""
        self._places: dict[bytes, Place] = {}
        self._users = -1
        self._writing: PackWriter | None = None
        self._open_pack: tuple[int, IO[bytes]] | None = None
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._decompressor = zstandard.ZstdDecompressor()
        self.added_bytes = 0
        """Bytes of the packs that were written."""

    @classmethod
    def create(cls, root: Path) -> "BackupFolder":
        """Open a folder, which is made if there is none. Raises: notABackup."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (root / MARKER).exists():
            if any(not entry.name.startswith(_TEMPORARY) for entry in root.iterdir()):
                raise refuse("notABackup", f"{root} is not empty and holds no backup: name another folder")
            write_file(root / MARKER, msgspec.json.encode(_Marker(FORMAT)))
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> "BackupFolder":
        """Open a folder that is there. Raises: notABackup, backupTooNew, notFound; conflict while it is pruned."""
        try:
            marker = msgspec.json.decode((root / MARKER).read_bytes(), type=_Marker)
        except FileNotFoundError:
            raise not_found(f"a backup in {root}") from None
        except msgspec.MsgspecError:
            raise refuse("notABackup", f"{root / MARKER} does not say what it should") from None
        if marker.postroom_backup > FORMAT:
            raise refuse("backupTooNew", f"the backup in {root} was written by a newer Postroom: use that")
        folder = cls(root)
        for name in ("packs", "snapshots"):
            (root / name).mkdir(mode=0o700, exist_ok=True)
        folder._users = _share(root / "packs")
        folder._load()
        return folder

    def _load(self) -> None:
        """Read what objects there are."""
        self.packs.clear()
        self.damaged.clear()
        self._places.clear()
        for path in sorted((self.root / "packs").glob("*.pack")):
            self._take_pack(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from writing into the folder for the time of a block. Raises: conflict."""
        # Opened to be written, without which NFS locks nothing for one alone.
        with (self.root / MARKER).open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another process is writing into {self.root}: wait until it is done"
                raise refuse("conflict", message) from None
            for folder in (self.root, self.root / "packs", self.root / "snapshots"):
                for leftover in folder.glob(f"{_TEMPORARY}*"):
                    leftover.unlink(missing_ok=True)
            self._load()
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the folder open alone for the time of a block. Raises: conflict, noLocks."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refuse("conflict", f"another process reads {self.root}: wait until it is done") from None
        except OSError as error:
            # Folders cannot be locked over NFS.
            message = f"{self.root} cannot be locked ({error.strerror}): prune it on the machine whose disk it is on"
            raise refuse("noLocks", message) from None
        try:
            self._load()
            yield
        finally:
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def _take_pack(self, path: Path) -> None:
        number = len(self.packs)
        self.packs.append(path)
        # What is damaged is found by the verification; here it only means that nothing of it is there.
        try:
            for entry in read_index(path):
                self._places[entry.sha256] = Place(number, entry.start, entry.length)
        except DamagedError:
            self.damaged.add(number)

    # Objects

    def has(self, sha256: bytes) -> bool:
        """Tell whether an object is there."""
        return sha256 in self._places or (self._writing is not None and sha256 in self._writing.names)

    def find(self, sha256: bytes) -> Place | None:
        """Return where an object lies."""
        return self._places.get(sha256)

    def add(self, sha256: bytes, frame: bytes) -> None:
        """Add an object, compressed already, if it is not there. Raises: OSError."""
        if self.has(sha256):
            return
        if self._writing is None:
            self._writing = PackWriter(self.root / "packs")
        self._writing.add(sha256, frame)
        if self._writing.size_bytes >= PACK_BYTES:
            self.flush()

    def add_raw(self, raw: bytes) -> bytes:
        """Add an object; return its name. Raises: OSError."""
        sha256 = hashlib.sha256(raw).digest()
        if not self.has(sha256):
            self.add(sha256, self._compressor.compress(raw))
        return sha256

    def flush(self) -> None:
        """Make all objects durable that were added. Raises: OSError."""
        if self._writing is not None:
            writer, self._writing = self._writing, None
            self.added_bytes += writer.size_bytes
            self._take_pack(writer.finish())

    def close(self) -> None:
        """Let go of what is open; objects that were not flushed are gone."""
        if self._writing is not None:
            self._writing.drop()
            self._writing = None
        if self._open_pack is not None:
            self._open_pack[1].close()
            self._open_pack = None
        if self._users >= 0:
            os.close(self._users)
            self._users = -1

    def get_frame(self, sha256: bytes) -> tuple[bytes, bytes]:
        """Return an object, and its frame. Raises: DamagedError."""
        place = self._places.get(sha256)
        if place is None:
            raise DamagedError(f"object {sha256.hex()} is missing")
        if self._open_pack is None or self._open_pack[0] != place.pack:
            if self._open_pack is not None:
                self._open_pack[1].close()
            self._open_pack = (place.pack, self.packs[place.pack].open("rb"))
        file = self._open_pack[1]
        file.seek(place.start)
        frame = file.read(place.length)
        try:
            if not 0 <= zstandard.frame_content_size(frame) <= MAX_OBJECT_BYTES:
                raise DamagedError(f"object {sha256.hex()} is damaged")
            raw = self._decompressor.decompress(frame)
        except zstandard.ZstdError as error:
            raise DamagedError(f"object {sha256.hex()} is damaged: {error}") from None
        if hashlib.sha256(raw).digest() != sha256:
            raise DamagedError(f"object {sha256.hex()} does not have its hash")
        return raw, frame

    def get(self, sha256: bytes) -> bytes:
        """Return an object. Raises: DamagedError."""
        return self.get_frame(sha256)[0]

    def find_damaged_packs(self) -> Iterator[tuple[str, int]]:
        """Yield for each pack what is wrong with it, "" for nothing, and its bytes; reads everything."""
        for path in self.packs:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            problem = "" if digest == path.stem else f"{path} is damaged: it does not have its hash"
            yield problem, path.stat().st_size

    def count_bytes(self) -> int:
        """Return the bytes of all packs."""
        return sum(path.stat().st_size for path in self.packs)


def _share(path: Path) -> int:
    """Keep others from removing what is in a directory; return its descriptor. Raises: conflict."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise refuse("conflict", f"{path.parent} is being pruned: wait until that is done") from None
    except OSError:
        # A file system without such locks, mounted to be read, say: it can be read all the same.
        pass
    return descriptor


def holds(frame: bytes, sha256: bytes) -> bool:
    """Tell whether a frame opens to what has that hash."""
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= MAX_OBJECT_BYTES:
            return False
        return hashlib.sha256(zstandard.ZstdDecompressor().decompress(frame)).digest() == sha256
    except zstandard.ZstdError:
        return False


def read_index(path: Path) -> list[_Entry]:
    """Return the index of a pack. Raises: DamagedError."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END) - _TRAILER.size
            file.seek(max(end, 0))
            length, digest, magic = _TRAILER.unpack(file.read())
            if magic != _MAGIC or not 0 <= length <= end:
                raise DamagedError(f"{path} does not end as a pack does")
            file.seek(end - length)
            packed = file.read(length)
        if hashlib.sha256(packed).digest() != digest:
            raise DamagedError(f"the index of {path} is damaged")
        return msgspec.msgpack.decode(packed, type=list[_Entry])
    except (struct.error, msgspec.MsgspecError):
        raise DamagedError(f"{path} is damaged") from None


class PackWriter:
    """A pack that is being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=folder)
        self._file = os.fdopen(descriptor, "wb")
        self._temporary = Path(name)
        self._digest = hashlib.sha256()
        self._entries: list[_Entry] = []
        self.names: set[bytes] = set()
        self.size_bytes = 0

    def add(self, sha256: bytes, frame: bytes) -> None:
        """Add an object, compressed already. Raises: OSError."""
        self._entries.append(_Entry(sha256, self.size_bytes, len(frame)))
        self.names.add(sha256)
        self._write(frame)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._folder)) from None
        self._digest.update(data)
        self.size_bytes += len(data)

    def finish(self) -> Path:
        """Make it durable under its name, which is returned."""
        packed = msgspec.msgpack.encode(self._entries)
        try:
            self._write(packed)
            self._write(_TRAILER.pack(len(packed), hashlib.sha256(packed).digest(), _MAGIC))
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(self._folder)) from None
        except BaseException:
            self.drop()
            raise
        path = self._folder / f"{self._digest.hexdigest()}.pack"
        self._temporary.rename(path)
        sync_folder(self._folder)
        return path

    def drop(self) -> None:
        """Remove it."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Write a file, whole and durable, or not at all. Raises: OSError."""
    descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
