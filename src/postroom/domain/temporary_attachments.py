"""Temporary attachments: files that a session uploads, or takes from a mail, to attach them to what it writes.

They belong to the session: no other has them, not even one of the same account, and they go when it goes. Saving a
draft copies them, so that it can be saved again; sending takes them, in the transaction that sends, and so does
sending the draft that was saved with them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from postroom.auth.credentials import not_authenticated
from postroom.compose.message import AttachedFile
from postroom.config.classes import AccountClass, class_of
from postroom.domain.clock import Clock
from postroom.domain.messages import Messages, read_summary
from postroom.domain.uploads import FileHead, StagedFile, Staging, remove_files, too_much
from postroom.errors import Kind, PostroomError, bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.ids import ItemId, MailRef, SessionId
from postroom.model.upload import TemporaryAttachment, TemporaryAttachmentId, WantedAttachment
from postroom.store import Store
from postroom.store.blobs.base import BlobReader
from postroom.store.messages import iter_raw
from postroom.store.sql.temporary_attachments import RemovedFile
from postroom.store.tx import DirectoryTransaction, Transaction

MAX_FILES_OF_SESSION = 1000
MAX_STAGINGS = 8
"""Calls of one account, at the same time and in one process, whose files are on their way."""
_WHAT = "the temporary attachment"
_PARAMETER = "temporaryAttachments"


class OpenUpload(NamedTuple):
    """A temporary attachment and its content, which is closed by whoever asked for it."""

    attachment: TemporaryAttachment
    reader: BlobReader

    def iter_span(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes ``[start:end]`` in pieces."""
        return iter_raw(self.reader, start, end)

    def close(self) -> None:
        """Let go of the content."""
        self.reader.close()


class TemporaryAttachments:
    """The temporary attachments of all sessions. Every method raises sessionRequired and unavailable."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        classes: Mapping[str, AccountClass],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._messages = messages
        self._classes = classes
        self._clock = clock or Clock()
        self._stagings: Counter[int] = Counter()
        self._removals: set[asyncio.Task[None]] = set()

    # Coming in

    def begin(
        self, caller: Caller, *, max_files: int = MAX_FILES_OF_SESSION, max_bytes: int | None = None
    ) -> Staging:
        """Return where the files of a call go until they are kept; the limits are those of that call alone.

        Raises: tooManyRequests.
        """
        _require_session(caller)
        owner = caller.account_id
        if self._stagings[owner] >= MAX_STAGINGS:
            raise PostroomError(
                Kind.LIMITED,
                "tooManyRequests",
                f"an account uploads at most {MAX_STAGINGS} times at the same time",
                retry_after_seconds=5,
            )
        self._stagings[owner] += 1
        limit = self._limit_bytes(caller)
        return Staging(
            self._store,
            owner,
            max_files=max_files,
            max_bytes=limit if max_bytes is None else min(limit, max_bytes),
            on_close=partial(self._ended, owner),
        )

    def _ended(self, owner: int) -> None:
        self._stagings[owner] -= 1
        if not self._stagings[owner]:
            del self._stagings[owner]

    async def keep(self, caller: Caller, staging: Staging) -> list[TemporaryAttachment]:
        """Make the files of a call the session's own, all or none. Raises: payloadTooLarge; notAuthenticated."""
        session_id = _require_session(caller)
        async with self._store.directory_transaction() as tx:
            # Calls of a session take turns from here on, and it does not end meanwhile.
            if not await tx.sessions.lock(session_id):
                raise not_authenticated()
            await self._check_room(tx, caller, session_id, staging=staging)
            staging.hand_over()
            return [await self._create(tx, caller, session_id, file=file) for file in staging.files]

    async def _check_room(
        self, tx: DirectoryTransaction, caller: Caller, session_id: SessionId, *, staging: Staging
    ) -> None:
        count, size_bytes = await tx.temporary_attachments.measure(caller.account_id, session_id)
        limit = self._limit_bytes(caller)
        if size_bytes + staging.size_bytes > limit:
            raise too_much(f"the temporary attachments of a session have at most {limit} bytes", limit)
        if count + len(staging.files) > MAX_FILES_OF_SESSION:
            message = f"a session has at most {MAX_FILES_OF_SESSION} temporary attachments"
            raise too_much(message, MAX_FILES_OF_SESSION)

    async def _create(
        self, tx: DirectoryTransaction, caller: Caller, session_id: SessionId, *, file: StagedFile
    ) -> TemporaryAttachment:
        now = self._clock.now()
        row = TemporaryAttachment(
            account_id=caller.account_id,
            # Microseconds: later files have higher numbers, and 53 bits hold them for two centuries.
            attachment_id=TemporaryAttachmentId(int(now * 1_000_000)),
            session_id=session_id,
            blob_name=file.blob_name,
            name=file.head.name,
            content_type=file.head.content_type,
            content_id=file.head.content_id,
            is_inline=int(file.head.is_inline),
            size_bytes=file.size_bytes,
            created_at=int(now * 1000),
        )
        while not await tx.temporary_attachments.create(row):
            row = row._replace(attachment_id=TemporaryAttachmentId(row.attachment_id + 1))
        return row

    def _limit_bytes(self, caller: Caller) -> int:
        account_class = class_of(self._classes, caller.class_name)
        return account_class.temporary_attachments_kb * 1024

    async def store(self, caller: Caller, ref: MailRef) -> list[TemporaryAttachment]:
        """Make copies of a mail's attachments the session's own, inline ones with their content ids.

        Raises: notFound; payloadTooLarge; tooManyRequests; blobMissing; blobDamaged.
        """
        staging = self.begin(caller)
        try:
            async with self._messages.opened(caller, ref) as message:
                attachments = read_summary(message.mail).attachments if message.mail is not None else ()
                for one in attachments:
                    staging.begin()
                    async for piece in message.iter_part(message.get_part(one.part_id)):
                        await staging.write(piece)
                    await staging.end(FileHead(one.name, one.content_type, one.content_id, one.is_inline))
            return await self.keep(caller, staging)
        finally:
            await staging.close()

    # Reading

    async def open(self, caller: Caller, attachment_id: int) -> OpenUpload:
        """Open a temporary attachment of the session. Raises: notFound; blobDamaged."""
        found = await self._find(caller, attachment_id)
        try:
            return OpenUpload(found, await self._store.uploads.open(found.account_id, found.blob_name))
        except PostroomError:
            # It may have been removed at this very moment.
            await self._find(caller, attachment_id)
            raise

    async def take(self, caller: Caller, wanted: Sequence[WantedAttachment]) -> list[AttachedFile]:
        """Return files of the session with their contents, to be attached; they stay where they are.

        Raises: notFound; badParameter for one that is named twice; blobDamaged.
        """
        if len({one.attachment_id for one in wanted}) < len(wanted):
            raise bad_parameter(_PARAMETER, f"{_PARAMETER} names a file more than once")
        # Nothing is read until it is known that all are there.
        for one in wanted:
            await self._find(caller, one.attachment_id)
        return [await self._read(caller, one) for one in wanted]

    async def _read(self, caller: Caller, wanted: WantedAttachment) -> AttachedFile:
        found, reader = await self.open(caller, wanted.attachment_id)
        try:
            content = await reader.read(0, reader.size_bytes)
        finally:
            reader.close()
        return AttachedFile(
            name=found.name,
            content_type=found.content_type,
            content_id=found.content_id if wanted.content_id is None else wanted.content_id,
            is_inline=bool(found.is_inline) if wanted.is_inline is None else wanted.is_inline,
            content=content,
        )

    async def _find(self, caller: Caller, attachment_id: int) -> TemporaryAttachment:
        session_id = _require_session(caller)
        async with self._store.directory() as directory:
            found = await directory.temporary_attachments.find(
                caller.account_id, session_id, TemporaryAttachmentId(attachment_id)
            )
        if found is None:
            raise not_found(_WHAT)
        return found

    # Going

    async def delete(self, caller: Caller, attachment_id: int) -> None:
        """Remove a temporary attachment of the session. Raises: notFound."""
        session_id = _require_session(caller)
        async with self._store.directory_transaction() as tx:
            files = await tx.temporary_attachments.delete(
                caller.account_id, session_id, TemporaryAttachmentId(attachment_id)
            )
            if not files:
                raise not_found(_WHAT)
            tx.after_commit(partial(self._begin_removal, files))

    async def save_with(
        self, tx: Transaction, caller: Caller, wanted: Sequence[WantedAttachment], *, draft: ItemId
    ) -> None:
        """Note the files of the session that a transaction saves a draft with, all that it has."""
        if caller.session_id is not None:
            await tx.tables.temporary_attachments.save_with(
                caller.account_id,
                caller.session_id,
                attachment_ids=[one.attachment_id for one in wanted],
                draft=draft,
            )

    async def spend(
        self,
        tx: Transaction,
        caller: Caller,
        wanted: Sequence[WantedAttachment],
        *,
        draft: ItemId | None = None,
    ) -> None:
        """Remove files of the session that are sent by a transaction, by themselves or with a draft.

        Some may be gone by now.
        """
        if caller.session_id is None:
            return
        files = [
            file
            for one in wanted
            for file in await tx.tables.temporary_attachments.delete(
                caller.account_id, caller.session_id, one.attachment_id
            )
        ]
        if draft is not None:
            files += await tx.tables.temporary_attachments.delete_of_draft(
                caller.account_id, caller.session_id, draft
            )
        if files:
            tx.after_commit(partial(self._begin_removal, files))

    def _begin_removal(self, files: Sequence[RemovedFile]) -> None:
        task = asyncio.create_task(remove_files(self._store, files))
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    async def close(self) -> None:
        """Wait for the removals that are under way."""
        await asyncio.gather(*self._removals)


def _require_session(caller: Caller) -> SessionId:
    if caller.session_id is None:
        raise PostroomError(
            Kind.UNAUTHENTICATED,
            "sessionRequired",
            "temporary attachments need a session: name the one that they belong to",
        )
    return caller.session_id
