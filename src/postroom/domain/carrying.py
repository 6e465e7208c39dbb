"""Carrying mails from one account to another: a copy, or a move, between folders of different owners.

The message is digested anew for the account that it comes to, as if it had been delivered there, before any
transaction; what is large lies in the blob store by then. One transaction over both mailboxes then files the mail
and, if it moves, removes it; it takes the mailboxes in the order of their numbers, so that no two can block each
other. Flags and date stay; labels do not, which belong to their owner. The mail counts against the quota of whose
folder it comes to. Where it comes to, it is written down as put there; where it came from, as removed.
"""

from collections.abc import Mapping

from postroom.config.classes import AccountClass, class_of
from postroom.domain.access import INSERT, READ, TAKE, lock_folders, require, see_mails
from postroom.domain.actions import find_target
from postroom.domain.filing import Flags, file_mail, locate_mail, remove_mails
from postroom.domain.history import write_down
from postroom.domain.letters import Letters
from postroom.domain.messages import Messages
from postroom.domain.quota import Quota
from postroom.domain.reader_marks import mark_seen
from postroom.domain.steps import Insert, Listed, Remove
from postroom.errors import Kind, PostroomError
from postroom.model.account import Caller
from postroom.model.ids import FolderId, FolderRef, MailRef
from postroom.model.mail import Mail
from postroom.store import Store
from postroom.store.tx import Transaction

_DESTINATION = "the destination folder"


class Carrying:
    """Moves and copies of mails between accounts."""

    def __init__(
        self, store: Store, messages: Messages, letters: Letters, classes: Mapping[str, AccountClass]
    ) -> None:
        self._store = store
        self._messages = messages
        self._letters = letters
        self._classes = classes

    async def carry(
        self, caller: Caller, ref: MailRef, target: FolderRef, *, kind: str, is_move: bool
    ) -> Mail:
        """Move or copy a mail to a folder of another owner; return it as it is there.

        Raises: notFound; notPermitted; badParameter; conflict where it has changed meanwhile; payloadTooLarge;
            messageQuotaExceeded; sizeQuotaExceeded; unavailable.
        """
        needs = READ + TAKE if is_move else READ
        async with self._store.read(ref.owner) as mailbox:
            await require(mailbox, caller, ref.folder, needs=needs, what="the mail")
            there = mailbox.at(target.owner)
            await require(there, caller, target.folder, needs=INSERT, what=_DESTINATION)
            await find_target(there, target.folder)
        async with self._messages.opened(caller, ref) as message:
            raw = await message.read(0, message.size)
        digest = await self._letters.digest(target.owner, raw)
        async with self._store.transactions([ref.owner, target.owner]) as (source, place):
            for tx in sorted((source, place), key=lambda one: one.account_id):
                await lock_folders(tx)
            await require(source, caller, ref.folder, needs=needs, what="the mail")
            await require(place, caller, target.folder, needs=INSERT, what=_DESTINATION)
            await find_target(place, target.folder)
            item = await locate_mail(source, ref.folder, ref.uid)
            content = await source.contents.find_head(item.mail.content_id)
            if content is None or content.sha256 != digest.sha256:
                raise PostroomError(Kind.CONFLICT, "conflict", "the mail has changed meanwhile")
            mail = item.mail
            if ref.owner != caller.account_id:
                [mail] = await see_mails(source, caller.account_id, [mail])
            copy = await file_mail(
                place,
                digest,
                target.folder,
                date=mail.date,
                flags=_flags_of(mail),
                fallback=target.folder,
            )
            await self._check_quota(place)
            inserted = Insert(target.folder, [Listed(copy.item_id, copy.uid)])
            await _write_down(place, caller, kind, step=inserted)
            if is_move:
                await remove_mails(source, [item])
                removed = Remove(ref.folder, [Listed(item.mail.item_id, item.mail.uid)])
                await _write_down(source, caller, kind, step=removed)
            if target.owner != caller.account_id:
                if not mail.is_unread:
                    await mark_seen(place, caller.account_id, [copy], is_unread=False)
                [copy] = await see_mails(place, caller.account_id, [copy])
        return copy

    async def _check_quota(self, place: Transaction) -> None:
        owner = await place.accounts.find(place.account_id)
        name = "" if owner is None else owner.class_name
        await Quota.of(class_of(self._classes, name)).check(place)


def _flags_of(mail: Mail) -> Flags:
    return Flags(
        is_unread=bool(mail.is_unread),
        is_flagged=bool(mail.is_flagged),
        is_draft=bool(mail.is_draft),
        is_deleted=bool(mail.is_deleted),
        refw=mail.refw,
    )


async def _write_down(tx: Transaction, caller: Caller, kind: str, *, step: Insert | Remove) -> None:
    session_id = caller.session_id if tx.account_id == caller.account_id else None
    await write_down(tx, kind, [step], folder_id=FolderId(step.folder_id), session_id=session_id)
