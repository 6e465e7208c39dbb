"""Sending: letters and drafts go into the outgoing queue, at once or at a time, and can be taken back for a while.

What belongs to a send happens in one transaction: the copy in Sent (or Scheduled), the message in the queue, the flag
of the mail that is answered, the removal of the draft, the contacts that are collected, the entry of the log. Checks,
composing and routing come before it, so that nobody waits for them.

Invariants:
- a message is withdrawn only while nothing of it has begun (compare and set in the queue); whoever comes first, undo
  or the first attempt, the mail is a draft and was not sent, or was sent and is none;
- the copy in the folder is the message that is sent, byte for byte but for Bcc;
- a transaction takes the mailbox's turn before it touches the queue, as whoever works on the queue does.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from postroom.compose.addresses import Address, parse_address_list
from postroom.compose.finishing import finish_draft, has_utf8_header, read_fields
from postroom.compose.outbound import is_8bit
from postroom.config.classes import AccountClass, class_of
from postroom.content.digest import Digest
from postroom.domain.access import refuse_shared
from postroom.domain.collected import collect
from postroom.domain.contents import hold_content
from postroom.domain.drafts import check_draft, unschedule
from postroom.domain.filing import Flags, file_mail, locate_mail, remove_mails, set_label
from postroom.domain.history import write_down
from postroom.domain.letters import Letter, Letters, Stamp, Written, make_message_id
from postroom.domain.messages import Messages
from postroom.domain.outbox import Addressee, Message, enqueue, read_message_id
from postroom.domain.queue_room import QueueRoom
from postroom.domain.quota import Quota
from postroom.domain.references import mark_referred
from postroom.domain.routing import Route, Routing
from postroom.domain.settings import Settings
from postroom.domain.steps import Insert, Label, Listed, Record, Remove, Step
from postroom.errors import Kind, PostroomError, bad_parameter
from postroom.model.account import Caller
from postroom.model.folder import SCHEDULED as SCHEDULED_FOLDER
from postroom.model.folder import SENT as SENT_FOLDER
from postroom.model.ids import ContentId, FolderId, ItemId, MailRef
from postroom.model.mail import Mail
from postroom.model.outgoing import SCHEDULED, SENT, ProcessingId
from postroom.model.settings import AccountSettings
from postroom.store import Store
from postroom.store.tx import Transaction

GRACE_SECONDS = 60
"""A time that is past by no more is as good as now, and one that is too far ahead by no more is near enough."""
_NOTIFY = "SUCCESS,FAILURE,DELAY"
_RECIPIENTS = ("to", "cc", "bcc")


class Receipts(NamedTuple):
    """Whether receipts are asked for: when the mail is read, when it is delivered. None: as the account has set."""

    read: bool | None = None
    delivery: bool | None = None


class Sent(NamedTuple):
    """A mail that was sent: its copy, if one is kept, and its number in the queue."""

    copy: Mail | None
    processing_id: ProcessingId


class _Source(NamedTuple):
    """The draft that is sent."""

    ref: MailRef
    content_id: ContentId


class _Parcel(NamedTuple):
    """A message and all that it takes to send it. ``folder_id`` None: no copy is kept; ``at``: Unix seconds."""

    written: Written
    addressees: Sequence[Addressee]
    folder_id: FolderId | None
    kind: str
    at: int
    source: _Source | None
    collects: bool


class _Wishes(NamedTuple):
    """How something is to be sent: at a time (None: now), with which receipts, and a seed for its Message-ID."""

    at: int | None
    receipts: Receipts
    seed: str


class Sending:
    """Sending for a caller."""

    def __init__(
        self,
        store: Store,
        letters: Letters,
        routing: Routing,
        *,
        messages: Messages,
        settings: Settings,
        classes: Mapping[str, AccountClass],
        undo_seconds: int,
    ) -> None:
        self._store = store
        self._letters = letters
        self._routing = routing
        self._messages = messages
        self._settings = settings
        self._classes = classes
        self._room = QueueRoom(classes)
        self._undo_seconds = undo_seconds
        self._clock = letters.clock

    async def send(
        self, caller: Caller, letter: Letter, *, receipts: Receipts | None = None, key: str = ""
    ) -> Sent:
        """Send a letter.

        Args:
            caller: who sends.
            letter: what is sent.
            receipts: which receipts are asked for.
            key: what the Message-ID is made from, "" for a random one.

        Raises: badParameter; notPermitted; notFound; payloadTooLarge; messageQuotaExceeded; sizeQuotaExceeded;
            tooManyRequests; unavailable.
        """
        return await self._send_letter(caller, letter, _Wishes(None, receipts or Receipts(), key))

    async def schedule(
        self,
        caller: Caller,
        letter: Letter,
        *,
        at: int,
        receipts: Receipts | None = None,
        key: str = "",
    ) -> Mail:
        """Have a letter sent at a time (Unix seconds); return the mail in Scheduled. Raises as :meth:`send`."""
        at = self._check_time(at)
        return _copy_of(await self._send_letter(caller, letter, _Wishes(at, receipts or Receipts(), key)))

    async def send_draft(self, caller: Caller, ref: MailRef, *, key: str = "") -> Sent:
        """Send a draft, which is gone then. Raises as :meth:`send`; conflict where it is changed meanwhile."""
        return await self._send_draft(caller, ref, _Wishes(None, Receipts(), key))

    async def schedule_draft(self, caller: Caller, ref: MailRef, *, at: int, key: str = "") -> Mail:
        """Have a draft sent at a time (Unix seconds); return the mail in Scheduled. Raises as :meth:`send_draft`."""
        at = self._check_time(at)
        return _copy_of(await self._send_draft(caller, ref, _Wishes(at, Receipts(), key)))

    def _check_time(self, at: int) -> int:
        now = int(self._clock.now())
        if at < now - GRACE_SECONDS:
            raise bad_parameter("deliveryTime", "deliveryTime is in the past")
        if at > _a_year_after(now) + GRACE_SECONDS:
            raise bad_parameter("deliveryTime", "deliveryTime is more than a year ahead")
        return max(at, now)

    # What is sent

    async def _send_letter(self, caller: Caller, letter: Letter, wishes: _Wishes) -> Sent:
        settings = await self._settings.find(caller)
        wants_receipt = _either(wishes.receipts.read, settings.receipts.request_read_receipts)
        stamp = Stamp(wishes.seed, self._date(wishes))
        written = await self._letters.write(caller, letter, stamp=stamp, wants_receipt=wants_receipt)
        return await self._send(caller, written, wishes, settings=settings)

    async def _send_draft(self, caller: Caller, ref: MailRef, wishes: _Wishes) -> Sent:
        await refuse_shared(self._store, caller, ref, what="the draft")
        settings = await self._settings.find(caller)
        async with self._messages.opened(caller, ref) as message:
            assert message.mail is not None  # noqa: S101 (it is a mail that was opened)
            draft = check_draft(message.mail)
            raw = await message.read(0, message.size)
        async with self._store.peek(caller.account_id) as mailbox:
            reference = await mailbox.drafts.find(draft.item_id)
        fields = read_fields(raw)
        sender = await self._letters.find_sender(caller, fields.get("from", ""))
        raw = finish_draft(
            raw,
            message_id=make_message_id(caller.account_id, wishes.seed, sender.path),
            date=self._date(wishes),
            read_receipt_to=sender.shown if settings.receipts.request_read_receipts else None,
        )
        recipients = [
            address
            for name in _RECIPIENTS
            for address in parse_address_list(fields.get(name, ""), parameter=name)
        ]
        written = Written(
            digest=await self._letters.digest(caller.account_id, raw),
            sender=sender.path,
            recipients=tuple(recipients),
            reference=reference,
            needs_smtputf8=has_utf8_header(raw),
            is_8bit=is_8bit(raw),
        )
        source = _Source(ref, draft.content_id)
        return await self._send(caller, written, wishes, settings=settings, source=source)

    def _date(self, wishes: _Wishes) -> int:
        return int(self._clock.now()) if wishes.at is None else wishes.at

    async def _send(
        self,
        caller: Caller,
        written: Written,
        wishes: _Wishes,
        *,
        settings: AccountSettings,
        source: _Source | None = None,
    ) -> Sent:
        wants_delivery = _either(wishes.receipts.delivery, settings.receipts.request_delivery_receipts)
        is_scheduled = wishes.at is not None
        parcel = _Parcel(
            written=written,
            addressees=await self._address(caller, written.recipients, wants_delivery=wants_delivery),
            folder_id=SCHEDULED_FOLDER if is_scheduled else SENT_FOLDER if settings.save_to_sent else None,
            kind=SCHEDULED if is_scheduled else SENT,
            at=int(self._clock.now()) if wishes.at is None else wishes.at,
            source=source,
            collects=settings.auto_add_recipients,
        )
        return await self._post(caller, parcel)

    async def _address(
        self, caller: Caller, recipients: Sequence[Address], *, wants_delivery: bool
    ) -> list[Addressee]:
        """Return the recipients, each once, with the way to each."""
        by_spec = {recipient.addr_spec: recipient for recipient in recipients}
        if not by_spec:
            raise bad_parameter("to", "there is no recipient: to, cc and bcc are empty")
        limit = class_of(self._classes, caller.class_name).max_recipients
        if len(by_spec) > limit:
            raise bad_parameter("to", f"there are {len(by_spec)} recipients, and may be at most {limit}")
        routes: dict[str, Route] = {}
        addressees: list[Addressee] = []
        for spec, recipient in by_spec.items():
            known = routes.get(recipient.domain)
            if known is None:
                known = routes[recipient.domain] = await self._routing.find(spec)
            domain = known.address.rpartition("@")[2]
            route = Route(f"{spec.rpartition('@')[0]}@{domain}", known.destination)
            addressees.append(
                Addressee(route, _NOTIFY, _original(spec)) if wants_delivery else Addressee(route)
            )
        return addressees

    # The transaction

    async def _post(self, caller: Caller, parcel: _Parcel) -> Sent:
        written, steps = parcel.written, list[Step]()
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await self._room.take(tx, caller)
            draft = await self._take_draft(tx, parcel.source, steps=steps)
            copy, content_id = await self._file_copy(tx, parcel, steps=steps)
            if copy is not None and draft is not None:
                await _label_copy(tx, copy, draft, steps=steps)
            refw = await mark_referred(tx, written.reference, steps)
            message = self._make_message(parcel, copy, content_id=content_id, refw=refw)
            processing_id = await enqueue(tx, message, parcel.addressees, now=self._clock.now_ms())
            if copy is None:
                await tx.contents.release(content_id)  # The queue has its own reference now.
            elif written.digest.size_bytes > (0 if draft is None else draft.size):
                await Quota.of(class_of(self._classes, caller.class_name)).check(tx)
            if parcel.collects:
                await collect(tx, written.recipients, now=self._clock.now_ms())
            await self._letters.temporary_attachments.spend(
                tx, caller, written.attachments, draft=None if draft is None else draft.item_id
            )
            kind = "mails.send" if parcel.kind == SENT else "mails.schedule"
            await _write_down(tx, kind, steps, folder_id=parcel.folder_id)
        return Sent(copy, processing_id)

    async def _take_draft(self, tx: Transaction, source: _Source | None, *, steps: list[Step]) -> Mail | None:
        """Remove the draft that is sent, and return it."""
        if source is None:
            return None
        item = await locate_mail(tx, source.ref.folder, source.ref.uid)
        if item.mail.content_id != source.content_id:
            raise conflict("the draft was changed meanwhile")
        await unschedule(tx, item.mail.item_id, steps, now=self._clock.now_ms())
        await remove_mails(tx, [item])
        steps.append(Remove(item.mail.folder_id, [Listed(item.mail.item_id, item.mail.uid)]))
        return item.mail

    async def _file_copy(
        self, tx: Transaction, parcel: _Parcel, *, steps: list[Step]
    ) -> tuple[Mail | None, ContentId]:
        digest: Digest = parcel.written.digest
        if parcel.folder_id is None:
            return None, await hold_content(tx, digest)
        copy = await file_mail(
            tx,
            digest,
            parcel.folder_id,
            date=parcel.at,
            flags=Flags(is_unread=False),
            fallback=parcel.folder_id,
        )
        steps.append(Insert(copy.folder_id, [Listed(copy.item_id, copy.uid)]))
        return copy, copy.content_id

    def _make_message(
        self, parcel: _Parcel, copy: Mail | None, *, content_id: ContentId, refw: int
    ) -> Message:
        written = parcel.written
        reference = written.reference
        release_at = parcel.at * 1000
        if parcel.kind == SENT:
            release_at = self._clock.now_ms() + self._undo_seconds * 1000
        return Message(
            sender=written.sender,
            content_id=content_id,
            size_bytes=written.digest.size_bytes,
            release_at=release_at,
            kind=parcel.kind,
            item_id=ItemId(0) if copy is None else copy.item_id,
            refw_item_id=ItemId(0) if reference is None else reference.refw_item_id,
            refw=refw,
            needs_smtputf8=written.needs_smtputf8,
            is_8bit=written.is_8bit,
            ret="HDRS" if parcel.addressees[0].notify else "",
            message_id=read_message_id(written.digest),
        )


async def _label_copy(tx: Transaction, copy: Mail, draft: Mail, *, steps: list[Step]) -> None:
    """Put the labels of a draft on its copy."""
    for label_id in draft.label_ids():
        if await tx.labels.find(label_id) is None:
            continue  # It is being taken off all mails.
        item = await locate_mail(tx, copy.folder_id, copy.uid)
        await set_label(tx, [item], label_id, is_on=True)
        steps.append(Label(copy.folder_id, label_id, True, [Listed(copy.item_id, copy.uid)]))


async def _write_down(tx: Transaction, kind: str, steps: list[Step], *, folder_id: FolderId | None) -> None:
    """Log what a transaction did, if it made a step of history."""
    if steps:
        await write_down(tx, kind, steps, folder_id=folder_id or SENT_FOLDER)
    elif tx.modseq:  # Contacts alone were added.
        await tx.log(kind, Record(), modseq=tx.modseq)


def _copy_of(sent: Sent) -> Mail:
    """Return the copy of a scheduled mail; there always is one."""
    assert sent.copy is not None  # noqa: S101
    return sent.copy


def _either(asked: bool | None, default: bool) -> bool:
    return default if asked is None else asked


def _original(spec: str) -> str:
    """Return the ORCPT of an address (RFC 3461 §4.2), "" for one that is not in ASCII."""
    if not spec.isascii():
        return ""
    encoded = "".join(
        char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in spec
    )
    return f"rfc822;{encoded}"


def _a_year_after(seconds: int) -> int:
    day = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    try:
        return int(day.replace(year=day.year + 1).timestamp())
    except ValueError:  # the 29th of February
        return int(day.replace(year=day.year + 1, month=3, day=1).timestamp())


def conflict(message: str) -> PostroomError:
    """Return the error for what the state of things forbids."""
    return PostroomError(Kind.CONFLICT, "conflict", message)
