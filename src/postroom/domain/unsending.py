"""Taking back what was sent, within the undo window, and what is scheduled, before its time.

The message is withdrawn from the queue first, by compare and set: who comes too late has changed nothing. Its copy
then becomes a draft, wherever its owner has put it; where there is none, a draft is made from the message, without
the Bcc that nobody but the copy showed.
"""

from postroom.compose.outbound import without_bcc
from postroom.content.digest import Digest
from postroom.domain.access import refuse_shared
from postroom.domain.filing import Flags, file_mail, locate_mail
from postroom.domain.history import write_down
from postroom.domain.letters import Letters
from postroom.domain.outbox import read_content, withdraw
from postroom.domain.references import restore_reference, unmark_referred
from postroom.domain.rewriting import make_draft
from postroom.domain.sending import conflict
from postroom.domain.steps import Insert, Listed, Move, Moved, Replace, Step
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.folder import DRAFTS
from postroom.model.folder import SCHEDULED as SCHEDULED_FOLDER
from postroom.model.ids import MailRef
from postroom.model.mail import Mail
from postroom.model.outgoing import SCHEDULED, SENT, Outgoing, ProcessingId
from postroom.store import Store
from postroom.store.sql.mails import Located
from postroom.store.tx import Transaction


class Unsending:
    """Taking back for a caller."""

    def __init__(self, store: Store, letters: Letters) -> None:
        self._store = store
        self._letters = letters
        self._clock = letters.clock

    async def undo(self, caller: Caller, processing_id: ProcessingId, ref: MailRef | None) -> Mail:
        """Take back a mail that was sent; return the draft that it is then.

        Args:
            caller: who has sent it.
            processing_id: its number in the queue.
            ref: its copy, as far as the caller knows.

        Raises: notFound; badParameter (``mailId``) for a mail that is no copy of it; conflict where it is too late;
            unavailable.
        """
        if ref is not None:
            await refuse_shared(self._store, caller, ref, what="the mail")
        raw = await self._read(caller, processing_id)
        digest = await self._letters.digest(caller.account_id, without_bcc(raw))
        now = self._clock.now_ms()
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            message = await withdraw(tx, processing_id, now=now, released_after=now)
            if message is None:
                raise _too_late()
            copy = await _find_copy(tx, message, ref)
            steps: list[Step] = []
            draft = await self._make_draft(tx, copy, digest, steps=steps)
            await restore_reference(tx, message, draft.item_id, raw=raw)
            await unmark_referred(tx, message, steps)
            await write_down(tx, "mails.undoSend", steps, folder_id=DRAFTS)
        return draft

    async def _read(self, caller: Caller, processing_id: ProcessingId) -> bytes:
        """Return a message that can be taken back, so far. Raises: notFound; conflict; unavailable."""
        async with self._store.directory() as directory:
            message = await directory.outgoing.find(processing_id)
        if message is None or message.account_id != caller.account_id:
            raise not_found("the sent mail")
        if message.kind != SENT or message.started_at or message.finished_at:
            raise _too_late()
        if message.release_at <= self._clock.now_ms():
            raise _too_late()
        async with self._store.peek(caller.account_id) as mailbox:
            raw = await read_content(self._store, mailbox, message)
        if raw is None:  # It was taken back or sent just now.
            raise _too_late()
        return raw

    async def cancel(self, caller: Caller, ref: MailRef) -> Mail:
        """Take a scheduled mail out of the queue; return the draft that it is then.

        Raises: notFound; conflict where it is too late; unavailable.
        """
        await refuse_shared(self._store, caller, ref, what="the scheduled mail")
        now = self._clock.now_ms()
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            item = await locate_mail(tx, ref.folder, ref.uid)
            message = await tx.outgoing.find_by_item(caller.account_id, item.mail.item_id)
            if ref.folder != SCHEDULED_FOLDER or message is None or message.kind != SCHEDULED:
                raise not_found("the scheduled mail")
            raw = await read_content(self._store, tx, message) or b""
            message = await withdraw(tx, message.processing_id, now=now, released_after=0)
            if message is None:
                raise conflict("the mail is being sent already, or is no longer scheduled")
            steps: list[Step] = []
            draft = await self._draft_of(tx, item, steps=steps)
            await restore_reference(tx, message, draft.item_id, raw=raw)
            await unmark_referred(tx, message, steps)
            await write_down(tx, "mails.cancelSchedule", steps, folder_id=SCHEDULED_FOLDER)
        return draft

    async def _make_draft(
        self, tx: Transaction, copy: Located | None, digest: Digest, *, steps: list[Step]
    ) -> Mail:
        """Make a draft of the copy, or of the message where there is none; add the step."""
        if copy is not None:
            return await self._draft_of(tx, copy, steps=steps)
        flags = Flags(is_unread=False, is_draft=True)
        date = int(self._clock.now())
        draft = await file_mail(tx, digest, DRAFTS, date=date, flags=flags, fallback=DRAFTS)
        steps.append(Insert(DRAFTS, [Listed(draft.item_id, draft.uid)]))
        return draft

    async def _draft_of(self, tx: Transaction, item: Located, *, steps: list[Step]) -> Mail:
        before = item.mail
        draft = await make_draft(tx, item, date=int(self._clock.now()))
        if before.folder_id == DRAFTS:
            steps.append(Replace(DRAFTS, [Listed(draft.item_id, draft.uid)]))
        else:
            steps.append(Move(before.folder_id, DRAFTS, [Moved(draft.item_id, before.uid, draft.uid)]))
        return draft


async def _find_copy(tx: Transaction, message: Outgoing, ref: MailRef | None) -> Located | None:
    """Return the copy of a message, wherever it is now. Raises: badParameter for another mail."""
    if ref is not None:
        named = await tx.mails.locate(ref.folder, ref.uid)
        if named is not None and named.mail.item_id != message.item_id:
            raise bad_parameter("mailId", "mailId is not the copy of the mail with that processingId")
    if not message.item_id:
        return None
    return (await tx.mails.locate_items([message.item_id])).get(message.item_id)


def _too_late() -> Exception:
    return conflict("the mail can no longer be taken back")
