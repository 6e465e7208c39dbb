"""Drafts: mails that are being written. They are saved, saved anew under the same id, and inserted elsewhere.

A draft is a mail with that flag, or one that lies in Drafts: what an owner moves there is to be gone on with. What a
draft answers or forwards is kept beside it, and shown as long as that mail is there.
"""

from collections.abc import Mapping, Sequence

from postroom.config.classes import AccountClass, class_of
from postroom.domain.access import INSERT, lock_folders, refuse_shared, require, see_mails
from postroom.domain.filing import Flags, file_mail, locate_mail
from postroom.domain.history import write_down
from postroom.domain.letters import Letter, Letters, Written
from postroom.domain.outbox import withdraw
from postroom.domain.quota import Quota
from postroom.domain.reader_marks import mark_seen
from postroom.domain.references import unmark_referred
from postroom.domain.rewriting import replace_mail
from postroom.domain.shared_changes import read_policy_for
from postroom.domain.steps import Insert, Listed, Replace, Step
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.folder import DRAFTS
from postroom.model.ids import AccountId, FolderId, FolderRef, ItemId, MailRef
from postroom.model.mail import Mail
from postroom.model.outgoing import SCHEDULED
from postroom.store import Store
from postroom.store.sql.drafts import Reference, ShownReference
from postroom.store.sql.mails import Located
from postroom.store.tx import Snapshot, Transaction


class Drafts:
    """The drafts of a caller."""

    def __init__(self, store: Store, letters: Letters, classes: Mapping[str, AccountClass]) -> None:
        self._store = store
        self._letters = letters
        self._classes = classes

    async def create(
        self,
        caller: Caller,
        letter: Letter,
        *,
        folder: FolderRef | None = None,
        is_unread: bool = False,
        is_flagged: bool = False,
    ) -> Mail:
        """Save a letter: in Drafts, where it is a draft, or as a mail in another folder.

        Raises: badParameter; notPermitted; notFound; payloadTooLarge; messageQuotaExceeded; sizeQuotaExceeded;
            unavailable.
        """
        folder_id = DRAFTS
        if folder is not None:
            folder_id = folder.folder
            async with self._store.read(folder.owner) as mailbox:
                await require(mailbox, caller, folder_id, needs=INSERT)
                await _check_folder(mailbox, folder_id)
            if folder.owner != caller.account_id:
                flags = Flags(is_unread=is_unread, is_flagged=is_flagged)
                return await self._create_shared(caller, letter, folder, flags=flags)
        written = await self._letters.write(caller, letter)
        is_draft = folder_id == DRAFTS
        flags = Flags(is_unread=is_unread, is_flagged=is_flagged, is_draft=is_draft)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            date = int(self._letters.clock.now())
            mail = await file_mail(tx, written.digest, folder_id, date=date, flags=flags, fallback=folder_id)
            await Quota.of(class_of(self._classes, caller.class_name)).check(tx)
            if is_draft and written.reference is not None:
                await tx.drafts.put(mail.item_id, written.reference)
            if is_draft and written.attachments:
                await self._save_files(tx, caller, written, draft=mail.item_id)
            steps: list[Step] = [Insert(folder_id, [Listed(mail.item_id, mail.uid)])]
            await write_down(tx, "mails.create", steps, folder_id=folder_id)
        return mail

    async def _create_shared(
        self, caller: Caller, letter: Letter, folder: FolderRef, *, flags: Flags
    ) -> Mail:
        """Save a letter as a mail in another's folder, where it counts against the owner's quota."""
        written = await self._letters.write(caller, letter, holder=folder.owner)
        async with self._store.transaction(folder.owner) as tx:
            await lock_folders(tx)
            await require(tx, caller, folder.folder, needs=INSERT)
            await _check_folder(tx, folder.folder)
            date = int(self._letters.clock.now())
            mail = await file_mail(
                tx, written.digest, folder.folder, date=date, flags=flags, fallback=folder.folder
            )
            policy = await read_policy_for(tx, caller.account_id, self._classes)
            await policy.quota.check(tx)
            steps: list[Step] = [Insert(folder.folder, [Listed(mail.item_id, mail.uid)])]
            await write_down(tx, "mails.create", steps, folder_id=folder.folder)
            if not flags.is_unread:
                await mark_seen(tx, caller.account_id, [mail], is_unread=False)
            [seen] = await see_mails(tx, caller.account_id, [mail])
        return seen

    async def replace(
        self,
        caller: Caller,
        ref: MailRef,
        letter: Letter,
        *,
        is_unread: bool = False,
        is_flagged: bool = False,
    ) -> Mail:
        """Save a draft anew, as a whole; its id stays.

        Raises: badParameter; notPermitted; notFound; payloadTooLarge; sizeQuotaExceeded; unavailable.
        """
        await refuse_shared(self._store, caller, ref, what="the draft")
        async with self._store.peek(caller.account_id) as mailbox:
            check_draft(await mailbox.mails.find(ref.folder, ref.uid))
        written = await self._letters.write(caller, letter)
        flags = Flags(is_unread=is_unread, is_flagged=is_flagged, is_draft=True)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            item = await locate_mail(tx, ref.folder, ref.uid)
            check_draft(item.mail)
            steps: list[Step] = []
            await unschedule(tx, item.mail.item_id, steps, now=self._letters.clock.now_ms())
            mail = await self._replace(tx, item, written, flags=flags)
            if mail.size > item.mail.size:
                await Quota.of(class_of(self._classes, caller.class_name)).check(tx)
            await self._save_files(tx, caller, written, draft=mail.item_id)
            steps.append(Replace(mail.folder_id, [Listed(mail.item_id, mail.uid)]))
            await write_down(tx, "mails.replace", steps, folder_id=mail.folder_id)
        return mail

    async def _replace(self, tx: Transaction, item: Located, written: Written, *, flags: Flags) -> Mail:
        date = int(self._letters.clock.now())
        mail = await replace_mail(tx, item, written.digest, date=date, flags=flags)
        await put_reference(tx, mail.item_id, written.reference)
        return mail

    async def _save_files(self, tx: Transaction, caller: Caller, written: Written, *, draft: ItemId) -> None:
        files = self._letters.temporary_attachments
        await files.save_with(tx, caller, written.attachments, draft=draft)

    async def find_references(
        self, account_id: AccountId, mails: Sequence[Mail]
    ) -> dict[ItemId, ShownReference]:
        """Return what those of the mails that are drafts answer or forward; nothing is read where none is one.

        Raises: unavailable.
        """
        item_ids = [mail.item_id for mail in mails if mail.is_draft]
        if not item_ids:
            return {}
        async with self._store.peek(account_id) as mailbox:
            return await mailbox.drafts.list_shown(item_ids)


def check_draft(mail: Mail | None) -> Mail:
    """Return a draft. Raises: notFound for a mail that is none, or is not there."""
    if mail is None or not (mail.is_draft or mail.folder_id == DRAFTS):
        raise not_found("the draft")
    return mail


async def put_reference(tx: Transaction, item_id: ItemId, reference: Reference | None) -> None:
    """Store what a draft answers or forwards, None for nothing."""
    if reference is None:
        await tx.drafts.delete([item_id])
    else:
        await tx.drafts.put(item_id, reference)


async def unschedule(tx: Transaction, item_id: ItemId, steps: list[Step], *, now: int) -> None:
    """See that a mail is not sent at a time that was given for it, if it still waits for that; add the steps."""
    message = await tx.outgoing.find_by_item(tx.account_id, item_id)
    if message is None or message.kind != SCHEDULED or message.finished_at:
        return
    message = await withdraw(tx, message.processing_id, now=now, released_after=0)
    if message is not None:
        await unmark_referred(tx, message, steps)


async def _check_folder(mailbox: Snapshot, folder_id: FolderId) -> None:
    found = await mailbox.folders.find(folder_id)
    if found is None:
        raise not_found("the folder")
    if found.folder_type != "mails":
        raise bad_parameter("folderId", "folderId must be a folder of mails")
