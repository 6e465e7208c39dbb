"""Writes the mail of an account to files: a Maildir with its folders, or an mbox file.

Names of the files of a Maildir are made from the numbers of the mails, so that an export that is repeated adds what
is new and renames what has other flags, and writes nothing twice. An mbox file is written beside its place and
takes it when it is complete. The message is as it was, but for line ends, which are LF where that loses nothing.
"""

import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

from postroom.domain.filing import Flags
from postroom.domain.mail_source import without_crlf
from postroom.domain.maildir import encode_utf7, is_maildir, render_flags
from postroom.domain.mbox import render_mbox_message
from postroom.domain.transfer import TransferReport, Watcher, find_child
from postroom.errors import Kind, PostroomError, not_found
from postroom.model.folder import INBOX, ROOT, Folder
from postroom.model.ids import AccountId, FolderId
from postroom.model.listing import Sort, SortField
from postroom.model.mail import Mail
from postroom.store import Store
from postroom.store.messages import iter_raw
from postroom.store.sorting import Anchor

_PAGE = 200
_LONGEST_DIRECTORY_BYTES = 200
_BY_DATE = Sort(SortField.DATE, descending=False)
_ROLE_NAMES = {"inbox": "INBOX", "drafts": "Drafts", "sent": "Sent", "trash": "Trash", "junk": "Junk"}
_INFO = re.compile(r":2,[A-Za-z]*$")


class _Message(NamedTuple):
    mail: Mail
    raw: bytes

    @property
    def flags(self) -> Flags:
        mail = self.mail
        return Flags(
            is_unread=bool(mail.is_unread),
            is_flagged=bool(mail.is_flagged),
            is_draft=bool(mail.is_draft),
            is_deleted=bool(mail.is_deleted),
            refw=mail.refw,
        )


class Exporter:
    """One export of one account."""

    def __init__(self, store: Store, account_id: AccountId, *, watcher: Watcher) -> None:
        self._store = store
        self._account_id = account_id
        self._watcher = watcher
        self.report = TransferReport()
        """Stands for what was done so far, also after a failure or an interruption."""

    async def list_folders(self, name: str = "") -> list[Folder]:
        """Return the folders to be exported: all mail folders, or the named one (levels separated by ``/``).

        Raises: notFound.
        """
        async with self._store.read(self._account_id) as mailbox:
            folders = await mailbox.folders.list_all()
        if not name:
            return [folder for folder in folders if folder.folder_type == "mails"]
        found: Folder | None = None
        for level in name.split("/"):
            found = find_child(folders, found, level.strip())
            if found is None:
                raise not_found(f"folder {name}")
        return [found] if found is not None else []

    async def write_maildir(self, target: Path, folders: Sequence[Folder]) -> TransferReport:
        """Write folders to a Maildir; a single one becomes its main folder.

        Raises: conflict (``target`` holds something else), unavailable; OSError where a file cannot be written.
        """
        _require_maildir(target)
        names = {folders[0].folder_id: ""} if len(folders) == 1 else name_directories(folders)
        for folder in folders:
            await self._write_folder(target / names[folder.folder_id], folder)
        return self.report

    async def write_mbox(self, target: Path, folders: Sequence[Folder]) -> TransferReport:
        """Write the mails of folders, one folder after the other, to an mboxrd file.

        Raises: conflict (``target`` exists), unavailable; OSError where the file cannot be written.
        """
        _require_absent(target)
        partial = target.with_name(target.name + ".part")
        with partial.open("wb") as file:
            for folder in folders:
                async for message in self._iter_messages(folder):
                    file.write(render_mbox_message(message.raw, date=message.mail.date, flags=message.flags))
                    self.report.done += 1
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
        return self.report

    async def _write_folder(self, directory: Path, folder: Folder) -> None:
        present = _prepare_directory(directory)
        async for message in self._iter_messages(folder):
            content = without_crlf(message.raw)
            place = f"A{self._account_id}F{folder.folder_id}V{folder.uid_validity}U{message.mail.uid}"
            base = f"{message.mail.date}.{place}.postroom,S={len(content)}"
            name = f"{base}:2,{render_flags(message.flags)}"
            if base not in present:
                _write_file(directory, name, content, date=message.mail.date)
                self.report.done += 1
                continue
            if present[base] != name:
                (directory / "cur" / present[base]).rename(directory / "cur" / name)
            self.report.skipped += 1

    async def _iter_messages(self, folder: Folder) -> AsyncIterator[_Message]:
        """Yield the mails of a folder with their messages, by date; damaged ones are reported and left out."""
        anchor: Anchor | None = None
        while True:
            async with self._store.read(self._account_id) as mailbox:
                page = await mailbox.mails.list_page(
                    folder.folder_id, _BY_DATE, anchor=anchor, skip=0, limit=_PAGE
                )
            for mail in page:
                raw = await self._read(folder, mail)
                if raw is not None:
                    yield _Message(mail, raw)
                self._watcher.advance(mail.size)
            if len(page) < _PAGE:
                return
            anchor = Anchor(page[-1].date, page[-1].date, page[-1].uid + 1)

    async def _read(self, folder: Folder, mail: Mail) -> bytes | None:
        try:
            async with self._store.read(self._account_id) as mailbox:
                content = await mailbox.contents.find(mail.content_id)
            if content is None:
                return None  # removed since the page was read
            reader = await self._store.messages.open(self._account_id, content)
            try:
                return b"".join([piece async for piece in iter_raw(reader, 0, reader.size_bytes)])
            finally:
                reader.close()
        except PostroomError as error:
            if error.kind is Kind.UNAVAILABLE:
                raise
            self.report.failed += 1
            self._watcher.report(f"{folder.name}, mail {mail.uid}", error.message)
            return None


def _require_maildir(target: Path) -> None:
    if target.exists() and not is_maildir(target) and (not target.is_dir() or any(target.iterdir())):
        raise PostroomError(Kind.CONFLICT, "conflict", f"{target} exists, and is no Maildir")


def _require_absent(target: Path) -> None:
    if target.exists():
        raise PostroomError(Kind.CONFLICT, "conflict", f"{target} exists already")


def _prepare_directory(directory: Path) -> dict[str, str]:
    """Make the directory of a folder; return the names of its messages by what they are without flags."""
    for part in ("tmp", "new", "cur"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    if directory.name.startswith("."):
        (directory / "maildirfolder").touch()
    names = os.listdir(directory / "cur")  # noqa: PTH208 (a Path for each of a million names is slow)
    return {_INFO.sub("", name): name for name in names}


def _write_file(directory: Path, name: str, content: bytes, *, date: int) -> None:
    """Write a message as the format asks for: a reader never sees half of one."""
    temporary = directory / "tmp" / name
    temporary.write_bytes(content)
    os.utime(temporary, (date, date))
    temporary.rename(directory / "cur" / name)


def name_directories(folders: Sequence[Folder]) -> dict[FolderId, str]:
    """Return the directory of each folder within a Maildir: "" for the Inbox, the others by Maildir++.

    Special folders have the names that other programs know them by, whatever the account's language.
    """
    by_id = {folder.folder_id: folder for folder in folders}
    names: dict[FolderId, str] = {}
    for folder in folders:
        if folder.folder_id == INBOX:
            names[folder.folder_id] = ""
            continue
        levels: list[str] = []
        level: Folder | None = folder
        while level is not None:
            levels.insert(0, encode_utf7(_ROLE_NAMES.get(level.role, level.name)))
            level = by_id.get(level.parent_id) if level.parent_id != ROOT else None
        name = "." + ".".join(levels)
        if len(name) > _LONGEST_DIRECTORY_BYTES or name.lower() in {
            other.lower() for other in names.values()
        }:
            name = f".Folder {folder.folder_id}"
        names[folder.folder_id] = name
    return names
