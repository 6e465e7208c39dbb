"""Brings mail from files into an account.

A source is read message by message; what is found is filed in slices of a few dozen messages at a time, whose
transactions share a commit. A message that cannot be read or filed is reported, and the rest goes on; what concerns
all further messages too (quota, a store that cannot be reached) ends it. What the folder has already is left out,
so an import that was interrupted is simply repeated.

Folders of the source become folders of the account: the well-known names (Sent, Trash, Junk, …) the special ones,
others are made where they are missing.
"""

import asyncio
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from postroom.content.digest import hash_message
from postroom.domain.actions import make_folder
from postroom.domain.folder_names import name_key
from postroom.domain.ingest import Ingest
from postroom.domain.mail_files import iter_mail_files
from postroom.domain.mail_source import FoundMessage, Unusable
from postroom.domain.steps import Record, Step
from postroom.errors import Kind, PostroomError
from postroom.model.folder import INBOX, ROOT, Folder
from postroom.model.ids import AccountId, FolderId
from postroom.store import Store

SLICE_MESSAGES = 32
SLICE_BYTES = 8 << 20
MAX_DEPTH = 32
MAX_NAME_CHARACTERS = 255
_ENDING = frozenset((Kind.DENIED, Kind.UNAVAILABLE, Kind.NOT_FOUND))
"""Kinds of failure that the next message would meet too."""

_ROLES = {
    "inbox": "inbox",
    "drafts": "drafts",
    "draft": "drafts",
    "sent": "sent",
    "sent items": "sent",
    "sent messages": "sent",
    "sent mail": "sent",
    "trash": "trash",
    "bin": "trash",
    "deleted items": "trash",
    "deleted messages": "trash",
    "junk": "junk",
    "junk e-mail": "junk",
    "junk email": "junk",
    "spam": "junk",
    "bulk mail": "junk",
}
"""Roles that other programs' folder names mean, in lower case."""


class Watcher(Protocol):
    """Who is told how a transfer goes on."""

    def advance(self, read_bytes: int) -> None:
        """So many more bytes of the source are done."""

    def report(self, origin: str, reason: str) -> None:
        """A message could not be transferred."""


class ImportOptions(NamedTuple):
    """How an import goes about."""

    folder: str = ""
    """Folder for the mail, levels separated by ``/``; "" for the Inbox. It is made if it is missing."""
    duplicates: bool = False
    """File what the folder has already once more."""
    mark_read: bool = False


@dataclass
class TransferReport:
    """What became of the messages of a transfer."""

    done: int = 0
    skipped: int = 0
    """They were there already."""
    failed: int = 0


class Importer:
    """One import into one account."""

    def __init__(
        self, store: Store, ingest: Ingest, account_id: AccountId, *, options: ImportOptions, watcher: Watcher
    ) -> None:
        self._store = store
        self._ingest = ingest
        self._account_id = account_id
        self._options = options
        self._watcher = watcher
        self._folders: dict[tuple[str, ...], FolderId] = {}
        self.report = TransferReport()
        """Stands for what was done so far, also after a failure or an interruption."""

    async def run(self, sources: Iterable[Path]) -> TransferReport:
        """Import all messages of the sources, in order.

        Raises: messageQuotaExceeded, sizeQuotaExceeded, notFound, unavailable; what was filed before stays.
        """
        waiting: list[FoundMessage] = []
        size = 0
        for source in sources:
            for found in iter_mail_files(source):
                if isinstance(found, Unusable):
                    self._fail(found.origin, found.reason)
                    self._watcher.advance(found.read_bytes)
                    continue
                waiting.append(found)
                size += len(found.raw)
                if len(waiting) >= SLICE_MESSAGES or size >= SLICE_BYTES:
                    await self._file_slice(waiting)
                    waiting, size = [], 0
        await self._file_slice(waiting)
        return self.report

    def _fail(self, origin: str, reason: str) -> None:
        self.report.failed += 1
        self._watcher.report(origin, reason)

    async def _file_slice(self, messages: Sequence[FoundMessage]) -> None:
        for message in messages:
            await self._find_folder(message.folder)
        outcomes = await asyncio.gather(*map(self._file, messages), return_exceptions=True)
        ending: BaseException | None = None
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, PostroomError) and outcome.kind not in _ENDING:
                self._fail(message.origin, outcome.message)
            elif isinstance(outcome, Exception) and not isinstance(outcome, PostroomError):
                self._fail(message.origin, f"unexpected {type(outcome).__name__}: {outcome}")
            elif isinstance(outcome, BaseException):
                ending = ending or outcome
                continue
            elif outcome:
                self.report.done += 1
            else:
                self.report.skipped += 1
            self._watcher.advance(message.read_bytes)
        if ending is not None:
            raise ending

    async def _file(self, message: FoundMessage) -> bool:
        """File one message; False if it was there already."""
        folder_id = await self._find_folder(message.folder)
        flags = message.flags
        if self._options.mark_read:
            flags = flags._replace(is_unread=False)
        if not self._options.duplicates and await self._is_known(folder_id, message.raw):
            return False
        filed = await self._ingest.file_message(
            self._account_id,
            folder_id,
            message.raw,
            date=message.date,
            flags=flags,
            duplicates=self._options.duplicates,
        )
        return filed.mail is not None

    async def _is_known(self, folder_id: FolderId, raw: bytes) -> bool:
        """Say quickly whether the folder has that content, before it is digested."""
        async with self._store.read(self._account_id) as mailbox:
            content_id = await mailbox.contents.find_by_hash(hash_message(raw))
            return (
                content_id is not None
                and await mailbox.mails.find_content_in(folder_id, content_id) is not None
            )

    # Folders

    async def _find_folder(self, names: tuple[str, ...]) -> FolderId:
        """Return the folder for a folder of the source, made if it is missing."""
        if names not in self._folders:
            base = tuple(name for name in self._options.folder.split("/") if name.strip())
            self._folders[names] = await self._find_or_make((*base, *names)[:MAX_DEPTH])
        return self._folders[names]

    async def _find_or_make(self, names: Sequence[str]) -> FolderId:
        async with self._store.read(self._account_id) as mailbox:
            folders = {folder.folder_id: folder for folder in await mailbox.folders.list_all()}
        place = INBOX
        for depth, name in enumerate(map(clean_name, names)):
            parent = folders[place] if depth else None
            if parent is not None and not parent.takes_subfolders:
                return place
            existing = find_child(folders.values(), parent, name)
            if existing is not None and existing.folder_type != "mails":
                name = clean_name(f"{name} (mail)")  # noqa: PLW2901 (the name it has from here on)
                existing = find_child(folders.values(), parent, name)
            place = existing.folder_id if existing is not None else await self._make_folder(parent, name)
            async with self._store.read(self._account_id) as mailbox:
                folders = {folder.folder_id: folder for folder in await mailbox.folders.list_all()}
        return place

    async def _make_folder(self, parent: Folder | None, name: str) -> FolderId:
        parent_id = ROOT if parent is None else parent.folder_id
        async with self._store.transaction(self._account_id) as tx:
            await tx.lock()
            known = await tx.folders.find_named(parent_id, name_key(name))
            if known is not None:
                return known
            await tx.advance()
            steps: list[Step] = []
            folder_id = await make_folder(tx, parent_id, name, steps=steps)
            await tx.log("import", Record(steps), modseq=tx.modseq)
        return folder_id


def find_child(folders: Iterable[Folder], parent: Folder | None, name: str) -> Folder | None:
    """Return the folder of that name below ``parent``; at the top, well-known names mean the special folders."""
    parent_id = ROOT if parent is None else parent.folder_id
    children = [folder for folder in folders if folder.parent_id == parent_id]
    role = _ROLES.get(name.lower()) if parent is None else None
    if role is not None:
        return next((folder for folder in children if folder.role == role), None)
    return next((folder for folder in children if name_key(folder.name) == name_key(name)), None)


def clean_name(name: str) -> str:
    """Return a name that a folder may have, as near as possible to the given one."""
    name = unicodedata.normalize("NFC", name).replace("/", "-")
    name = "".join(letter for letter in name if unicodedata.category(letter) not in {"Cc", "Cs"}).strip()
    return name[:MAX_NAME_CHARACTERS].strip() or "Folder"
