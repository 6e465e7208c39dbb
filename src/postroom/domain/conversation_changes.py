"""Changing single conversations: what is done to one is done to its mails.

The mails of a conversation are changed in one transaction if they are as many as a slice of a job at most. A larger
one is given to a job, so that nobody else waits long, and its caller waits for that.
"""

from postroom.domain.access import INSERT, lock_folders, require, require_own
from postroom.domain.actions import (
    DESTINATION,
    Action,
    Delete,
    MoveTo,
    SetFlags,
    SetLabel,
    check_action,
    find_target,
    perform,
)
from postroom.domain.conversation_batches import spare_own
from postroom.domain.history import folder_of, write_down
from postroom.domain.jobs import SLICE, Jobs, Target
from postroom.domain.mail_changes import Policies
from postroom.domain.shared_changes import (
    check_shared_action,
    needs_of,
    perform_for,
    write_down_shared,
)
from postroom.domain.shared_conversations import list_members, list_rights
from postroom.errors import Kind, PostroomError, bad_parameter, not_found, not_permitted
from postroom.model.account import Caller
from postroom.model.conversation import ConversationRef
from postroom.model.ids import AccountId, FolderId, FolderRef, LabelRef
from postroom.store import Store
from postroom.store.sql.conversation_lists import MemberPlace
from postroom.store.tx import Transaction


class ConversationChanges:
    """Changes of the conversations a caller sees. Each raises notFound where there is none, and unavailable."""

    def __init__(self, store: Store, policies: Policies, jobs: Jobs) -> None:
        self._store = store
        self._policies = policies
        self._jobs = jobs

    async def set_flags(
        self, caller: Caller, ref: ConversationRef, *, is_unread: bool | None, is_flagged: bool | None
    ) -> None:
        """Set flags of all mails; None leaves one as it is. What is in Sent and Drafts stays read or unread."""
        await self._change(caller, ref, SetFlags(is_unread, is_flagged), kind="conversations.update")

    async def move(self, caller: Caller, ref: ConversationRef, target: FolderRef) -> bool:
        """Move the mails to a folder; those in Sent and Drafts stay, unless it goes to Spam or Trash.

        Returns whether it is still a conversation. Raises: badParameter for a folder of another type.
        """
        if target.owner != ref.owner:
            await self._refuse_target(caller, ref, target)
        await self._change(caller, ref, MoveTo(target.folder), kind="conversations.move")
        async with self._store.peek(ref.owner) as mailbox:
            folder = await mailbox.folders.find(target.folder)
        return folder is None or bool(folder.is_threaded)

    async def delete(self, caller: Caller, ref: ConversationRef) -> None:
        """Move the mails to Trash, or remove them if that is not wanted."""
        await self._change(caller, ref, Delete(), kind="conversations.delete")

    async def set_label(self, caller: Caller, ref: ConversationRef, label: LabelRef, *, is_on: bool) -> None:
        """Put a label on all mails, or take it off. Raises: notFound for a label that is not there."""
        if ref.owner == caller.account_id:
            require_own(caller, label.owner, "the label")
        await self._change(caller, ref, SetLabel(label.label, is_on), kind="conversations.label")

    async def spam(self, caller: Caller, ref: ConversationRef) -> None:
        """Move all mails to Spam."""
        await self._change(caller, ref, None, kind="conversations.spam")

    async def _change(
        self, caller: Caller, ref: ConversationRef, action: Action | None, *, kind: str
    ) -> None:
        if ref.owner != caller.account_id:
            await self._change_shared(caller, ref, action, kind=kind)
            return
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            found = await tx.conversation_lists.list_members([ref.conversation])
            members = found.get(ref.conversation, [])
            if not members:
                raise not_found("the conversation")
            if action is None:
                action = MoveTo(await _find_spam(tx))
            await check_action(tx, action)
            action = await spare_own(tx, action)
            if len(members) <= SLICE:
                await self._perform(tx, action, members, caller=caller, kind=kind)
                return
        await self._do_as_job(caller, action, [Target(*one, ref.conversation) for one in members], kind=kind)

    async def _refuse_target(self, caller: Caller, ref: ConversationRef, target: FolderRef) -> None:
        """Refuse a folder of another owner. Raises: notFound; notPermitted; badParameter."""
        async with self._store.read(ref.owner) as mailbox:
            if ref.owner != caller.account_id:
                await list_members(mailbox, caller, ref.conversation)
            there = mailbox.at(target.owner)
            await require(there, caller, target.folder, needs=INSERT, what="the destination folder")
            await find_target(there, target.folder)
        raise bad_parameter(DESTINATION, "a conversation can be moved among the folders of its owner alone")

    async def _change_shared(
        self, caller: Caller, ref: ConversationRef, action: Action | None, *, kind: str
    ) -> None:
        """Do to those of its mails what a caller may do to them."""
        async with self._store.transaction(ref.owner) as tx:
            await lock_folders(tx)
            members = await list_members(tx, caller, ref.conversation)
            if action is None:
                raise not_permitted("another's mails can be moved, but not to Spam as such")
            rights = await list_rights(tx, caller)
            needs = set(needs_of(action))
            members = [one for one in members if needs <= set(rights[one.folder_id])]
            if not members:
                raise not_permitted("your permissions in the folders of this conversation do not allow this")
            await check_shared_action(tx, caller, action)
            await check_action(tx, action)
            action = await spare_own(tx, action)
            if len(members) <= SLICE:
                located = await tx.mails.locate_items([one.item_id for one in members])
                items = [located[one.item_id] for one in members if one.item_id in located]
                policy = await self._policies.read_for_reader(tx, caller.account_id)
                steps = (await perform_for(tx, caller, action, items=items, policy=policy)).steps
                folder_id = FolderId(folder_of(steps[0]) if steps else 0)
                await write_down_shared(tx, kind, steps, folder_id=folder_id)
                return
        targets = [Target(*one, ref.conversation) for one in members]
        await self._do_as_job(caller, action, targets, kind=kind, owner=ref.owner)

    async def _perform(
        self, tx: Transaction, action: Action, members: list[MemberPlace], *, caller: Caller, kind: str
    ) -> None:
        located = await tx.mails.locate_items([member.item_id for member in members])
        items = [located[member.item_id] for member in members if member.item_id in located]
        policy = await self._policies.read_for(action, tx, caller.class_name)
        steps = (await perform(tx, action, items, policy=policy)).steps
        if steps:
            await write_down(tx, kind, steps, folder_id=FolderId(folder_of(steps[0])))
            self._policies.note(tx, kind, steps)

    async def _do_as_job(
        self,
        caller: Caller,
        action: Action,
        targets: list[Target],
        *,
        kind: str,
        owner: AccountId | None = None,
    ) -> None:
        state = await self._jobs.start_batch(
            caller, kind, action, targets=targets, failed=[], waits=True, owner=owner
        )
        if state.failed:
            raise PostroomError(
                Kind.CONFLICT,
                "conflict",
                "it could not be done to all mails, because something has changed since",
            )


async def _find_spam(tx: Transaction) -> FolderId:
    folder_id = await tx.folders.find_role("junk")
    if folder_id is None:
        raise not_found("the folder")
    return folder_id
