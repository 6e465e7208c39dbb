"""Changing single mails: move, copy, delete, label, archive, spam.

Clients send one call a mail, and often many at once. Those for one account that wait at the same time are done as
one (:mod:`postroom.domain.combining`): mails to which the same is done are changed together, each still by an
operation and a step of history of its own.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from postroom.config.classes import AccountClass, class_of
from postroom.domain.access import lock_folders, refuse_shared, require, require_own, see_mails
from postroom.domain.actions import (
    Action,
    Archive,
    CopyTo,
    Delete,
    MoveTo,
    OnMarked,
    Policy,
    SetFlags,
    SetLabel,
    perform,
    tell_nobody,
)
from postroom.domain.carrying import Carrying
from postroom.domain.combining import Combiner
from postroom.domain.filing import locate_mail
from postroom.domain.history import write_down
from postroom.domain.learning import Learning
from postroom.domain.quota import Quota
from postroom.domain.settings import read_settings
from postroom.domain.shared_changes import (
    needs_of,
    perform_for,
    read_policy_for,
    write_down_shared,
)
from postroom.domain.steps import Step, split_step
from postroom.errors import PostroomError, not_found
from postroom.model.account import Caller
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId, FolderRef, LabelRef, MailRef
from postroom.model.mail import Mail
from postroom.store import Store
from postroom.store.sql.mails import Located
from postroom.store.tx import Snapshot, Transaction


class Policies:
    """What actions go by, for each account."""

    def __init__(
        self,
        classes: Mapping[str, AccountClass],
        *,
        on_marked: OnMarked = tell_nobody,
        learning: Learning | None = None,
    ) -> None:
        """``on_marked`` is told of mails whose flags their owner has set, ``learning`` of what was done to mails."""
        self._classes = classes
        self._on_marked = on_marked
        self._learning = learning

    def note(self, tx: Transaction, kind: str, steps: Sequence[Step]) -> None:
        """Note what was done to mails, for those who learn from it."""
        if self._learning is not None:
            self._learning.note(tx, kind, steps)

    async def read_for(self, action: Action, mailbox: Snapshot, class_name: str) -> Policy:
        """Return the policy of a mailbox's owner, so far as an action goes by it."""
        if isinstance(action, Delete | CopyTo | Archive):
            return await self.read(mailbox, class_name)
        return Policy(on_marked=self._on_marked)

    async def read_for_reader(self, mailbox: Snapshot, reader_id: AccountId) -> Policy:
        """Return what a reader's actions go by in another's mailbox."""
        return await read_policy_for(mailbox, reader_id, self._classes)

    async def read(self, mailbox: Snapshot, class_name: str) -> Policy:
        """Return the policy of a mailbox's owner."""
        account_class = class_of(self._classes, class_name)
        settings = await read_settings(mailbox, self._classes)
        return Policy(
            delete_to_trash=settings.delete_to_trash,
            archiving=settings.archiving_policy,
            timezone=settings.timezone,
            quota=Quota.of(account_class),
        )


class _Change(NamedTuple):
    """What somebody wants to be done to a mail; without an action, it is to be moved to the folder with a role."""

    caller: Caller
    ref: MailRef
    kind: str
    action: Action | None
    role: str


class _Wish(NamedTuple):
    """What changes that can be done together have in common."""

    action: Action | None
    role: str
    class_name: str


class MailChanges:
    """Changes of the mails a caller sees. Each raises notFound where the mail is not there, and unavailable."""

    def __init__(self, store: Store, policies: Policies, carrying: Carrying) -> None:
        self._store = store
        self._policies = policies
        self._carrying = carrying
        self._combiner: Combiner[_Change, Mail] = Combiner(
            self._change_together, key=lambda change: change.ref
        )

    async def set_flags(
        self, caller: Caller, ref: MailRef, *, is_unread: bool | None, is_flagged: bool | None
    ) -> Mail:
        """Set flags of a mail; None leaves one as it is. Returns the mail as it is then."""
        return await self._change(caller, ref, SetFlags(is_unread, is_flagged), kind="mails.update")

    async def move(self, caller: Caller, ref: MailRef, target: FolderRef) -> Mail:
        """Move a mail to another folder; return it as it is there. Raises: badParameter for one of another type."""
        if target.owner != ref.owner:
            return await self._carrying.carry(caller, ref, target, kind="mails.move", is_move=True)
        return await self._change(caller, ref, MoveTo(target.folder), kind="mails.move")

    async def copy(self, caller: Caller, ref: MailRef, target: FolderRef | None) -> Mail:
        """Copy a mail, by default into the folder where it is; return the copy.

        Raises: badParameter for another type of folder; messageQuotaExceeded; sizeQuotaExceeded.
        """
        if target is not None and target.owner != ref.owner:
            return await self._carrying.carry(caller, ref, target, kind="mails.copy", is_move=False)
        return await self._change(
            caller, ref, CopyTo(0 if target is None else target.folder), kind="mails.copy"
        )

    async def delete(self, caller: Caller, ref: MailRef, *, permanent: bool) -> None:
        """Move a mail to Trash, or remove it: if it is there, if that is not wanted, or if ``permanent``."""
        await self._change(caller, ref, Delete(permanent), kind="mails.delete")

    async def set_label(self, caller: Caller, ref: MailRef, label: LabelRef, *, is_on: bool) -> None:
        """Put a label on a mail, or take it off. Raises: notFound for a label that is not there."""
        if ref.owner == caller.account_id:
            require_own(caller, label.owner, "the label")
        await self._change(caller, ref, SetLabel(label.label, is_on), kind="mails.label")

    async def archive(self, caller: Caller, ref: MailRef) -> Mail:
        """Move a mail to the Archive, by the account's policy; return it as it is there."""
        return await self._change(caller, ref, Archive(), kind="mails.archive")

    async def spam(self, caller: Caller, ref: MailRef) -> Mail:
        """Move a mail to Spam; return it as it is there."""
        await refuse_shared(self._store, caller, ref, what="the mail")
        return await self._change(caller, ref, None, kind="mails.spam", role="junk")

    async def not_spam(self, caller: Caller, ref: MailRef, target: FolderRef | None) -> Mail:
        """Move a mail that is no spam, by default to the Inbox; return it as it is there."""
        if target is not None and target.owner != ref.owner:
            return await self._carrying.carry(caller, ref, target, kind="mails.notspam", is_move=True)
        if target is None:
            await refuse_shared(self._store, caller, ref, what="the mail")
        folder_id = INBOX if target is None else target.folder
        return await self._change(caller, ref, MoveTo(folder_id), kind="mails.notspam")

    async def _change(
        self, caller: Caller, ref: MailRef, action: Action | None, *, kind: str, role: str = ""
    ) -> Mail:
        if ref.owner != caller.account_id and action is not None:
            return await self._change_shared(caller, ref, action, kind=kind)
        change = _Change(caller, ref, kind, action, role)
        # An archive may make folders, which belong to the operation of one mail.
        if isinstance(action, Archive) or self._store.is_joined():
            return await self._change_alone(change)
        return await self._combiner.do(ref.owner, change)

    async def _change_shared(self, caller: Caller, ref: MailRef, action: Action, *, kind: str) -> Mail:
        async with self._store.transaction(ref.owner) as tx:
            await lock_folders(tx)
            await require(tx, caller, ref.folder, needs=needs_of(action), what="the mail")
            item = await locate_mail(tx, ref.folder, ref.uid)
            policy = await self._policies.read_for_reader(tx, caller.account_id)
            outcome = await perform_for(tx, caller, action, items=[item], policy=policy)
            await write_down_shared(tx, kind, outcome.steps, folder_id=ref.folder)
            [mail] = await see_mails(tx, caller.account_id, [outcome.mails[item.mail.item_id]])
        return mail

    async def _change_alone(self, change: _Change) -> Mail:
        ref, caller = change.ref, change.caller
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            item = await locate_mail(tx, ref.folder, ref.uid)
            action = change.action or MoveTo(await _find_role(tx, change.role))
            policy = await self._policies.read_for(action, tx, caller.class_name)
            outcome = await perform(tx, action, [item], policy=policy)
            await write_down(tx, change.kind, outcome.steps, folder_id=ref.folder)
            self._policies.note(tx, change.kind, outcome.steps)
        return outcome.mails[item.mail.item_id]

    async def _change_together(
        self, account_id: AccountId, changes: Sequence[_Change]
    ) -> list[Mail | Exception]:
        """Do changes of different mails of an account in one transaction; what fails there is tried alone."""
        done: dict[MailRef, Mail | Exception] = {}
        if len(changes) > 1:
            async with self._store.transaction(account_id) as tx:
                await tx.lock()
                tx.step_for_each()
                for wish, group in _by_wish(changes).items():
                    done.update(await self._try_group(tx, wish, group))
        rest = [change for change in changes if change.ref not in done]
        results = await asyncio.gather(*map(self._change_alone, rest), return_exceptions=True)
        for change, result in zip(rest, results, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, Exception):
                raise result
            done[change.ref] = result
        return [done[change.ref] for change in changes]

    async def _try_group(
        self, tx: Transaction, wish: _Wish, changes: Sequence[_Change]
    ) -> dict[MailRef, Mail | Exception]:
        """Do the same to several mails; return what was done, nothing if it cannot be done to all that are there."""
        found: list[tuple[_Change, Located]] = []
        done: dict[MailRef, Mail | Exception] = {}
        for change in changes:
            item = await tx.mails.locate(change.ref.folder, change.ref.uid)
            if item is None:
                done[change.ref] = not_found("the mail")
            else:
                found.append((change, item))
        try:
            async with tx.savepoint():
                done |= await self._do_group(tx, wish, found)
        except PostroomError:
            return {}
        return done

    async def _do_group(
        self, tx: Transaction, wish: _Wish, found: Sequence[tuple[_Change, Located]]
    ) -> dict[MailRef, Mail]:
        action = wish.action or MoveTo(await _find_role(tx, wish.role))
        policy = await self._policies.read_for(action, tx, wish.class_name)
        outcome = await perform(tx, action, [item for _, item in found], policy=policy)
        steps = {item_id: step for whole in outcome.steps for item_id, step in split_step(whole)}
        done: dict[MailRef, Mail] = {}
        for change, item in found:
            mail = outcome.mails[item.mail.item_id]
            done[change.ref] = mail
            if (step := steps.get(item.mail.item_id)) is not None:
                await write_down(
                    tx,
                    change.kind,
                    [step],
                    folder_id=change.ref.folder,
                    modseq=mail.modseq,
                    session_id=change.caller.session_id,
                )
                self._policies.note(tx, change.kind, [step])
        return done


def _by_wish(changes: Sequence[_Change]) -> dict[_Wish, list[_Change]]:
    groups: dict[_Wish, list[_Change]] = defaultdict(list)
    for change in changes:
        groups[_Wish(change.action, change.role, change.caller.class_name)].append(change)
    return groups


async def _find_role(tx: Transaction, role: str) -> FolderId:
    folder_id = await tx.folders.find_role(role)
    if folder_id is None:
        raise not_found("the folder")
    return folder_id
