"""The file of the server keys, ``data_dir/server.key``: the one thing that opens what the store keeps sealed.

A line is a key: its id, the date it was made on, and the secret in base64; the newest comes first. Lines that begin
with ``#`` are for people. As the id follows from the secret, a line that was damaged or cut short is noticed.

Invariants: the file is its owner's alone (mode 0600), and is refused where it is not, or where its owner is another
than this process; it is replaced whole or not at all, and is durable before anything is sealed under a key of it.
Secrets are never part of a message.
"""

import base64
import binascii
import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from postroom.auth.vault import ServerKey
from postroom.errors import Kind, PostroomError

FILE_NAME: Final = "server.key"
_MAX_FILE_BYTES: Final = 65_536
_HEAD: Final = (
    "# Server keys of Postroom, newest first. Secrets in the store cannot be read without them: keep a copy where\n"
    "# the store's backups are not. Changed by: postroom keys rotate\n"
)


class KeyFile:
    """The file of the server keys in a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME

    def find(self) -> list[ServerKey] | None:
        """Return the keys, newest first, None where there is no file. Raises: badKeyFile."""
        try:
            with self.path.open("rb") as file:
                self._check(os.fstat(file.fileno()))
                text = file.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._bad(f"cannot be read: {error.strerror or error}") from None
        return self._parse(text)

    def create(self, key: ServerKey) -> None:
        """Make the file with its first key, unless it is there already."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._written([key]) as temporary, contextlib.suppress(FileExistsError):
            self.path.hardlink_to(temporary)

    def replace(self, keys: Sequence[ServerKey]) -> None:
        """Write the file anew; what processes that were killed have left beside it goes."""
        for leftover in self.path.parent.glob("server.*.tmp"):
            leftover.unlink(missing_ok=True)
        with self._written(keys) as temporary:
            temporary.replace(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from changing the file for the time of a block. Raises: conflict if somebody is at it."""
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another process is changing {self.path}: wait until it is done"
                raise PostroomError(Kind.CONFLICT, "conflict", message) from None
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _written(self, keys: Sequence[ServerKey]) -> Iterator[Path]:
        """Write keys to a file beside this one, which is put in its place in the block; durable when it is left."""
        lines = [
            f"{key.key_id} {key.made_on} {base64.b64encode(key.secret).decode('ascii')}\n" for key in keys
        ]
        temporary = self.path.with_suffix(f".{secrets.token_hex(8)}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(_HEAD + "".join(lines))
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(self.path.parent)

    def _check(self, facts: os.stat_result) -> None:
        if not stat.S_ISREG(facts.st_mode):
            raise self._bad("is no file")
        if stat.S_IMODE(facts.st_mode) & 0o077:
            raise self._bad(f"can be read or written by others: chmod 600 {self.path}")
        if facts.st_uid != os.geteuid():
            raise self._bad(
                f"belongs to user {facts.st_uid}, and this is run by user {os.geteuid()}: run it as the owner, or "
                f"chown {os.geteuid()} {self.path}"
            )

    def _parse(self, text: bytes) -> list[ServerKey]:
        keys: list[ServerKey] = []
        if len(text) > _MAX_FILE_BYTES:
            raise self._bad("is too large")
        for number, line in enumerate(text.split(b"\n"), 1):
            if not line.strip() or line.startswith(b"#"):
                continue
            try:
                key_id, made_on, secret = line.decode("ascii").split()
                key = ServerKey(base64.b64decode(secret, validate=True), made_on)
            except (ValueError, binascii.Error):
                raise self._bad(f"is damaged: line {number} is no server key") from None
            if key.key_id != key_id:
                raise self._bad(f"is damaged: the key in line {number} is not the one that its id names")
            if key_id not in {known.key_id for known in keys}:
                keys.append(key)
        if not keys:
            raise self._bad("has no key in it")
        return keys

    def _bad(self, problem: str) -> PostroomError:
        return PostroomError(Kind.CONFLICT, "badKeyFile", f"{self.path} {problem}")


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
