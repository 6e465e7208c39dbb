"""Absence notices (RFC 3834): what an account answers while its owner is away, and to whom.

An answer goes into the queue in the transaction of the delivery that it answers: both or neither. What can be known
before is found out before (:meth:`Absences.prepare`), so that the transaction only looks whether the notice still
holds and whether this sender was answered lately. Where no recipient has a notice, a delivery costs one look-up for
each, outside of its transaction.

Never answered: the null reverse-path and machines' addresses, lists, bulk and automatic mail, reports, spam, mail
that does not name the account, mail from the account itself; nor a sender who was answered in the last ``age`` days,
nor more than :data:`MOST_A_DAY` in a day. An answer goes to the reverse-path, has itself the null one, and says that
it is automatic: so two accounts that are both away do not answer each other.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import structlog

from postroom.compose.absence_notice import AbsenceNotice, compose_absence_notice, make_subject
from postroom.compose.addresses import Address, parse_address
from postroom.compose.fields import clean_value
from postroom.compose.threads import make_references, parse_message_ids
from postroom.content.digest import Digest
from postroom.domain.automatic import (
    account_address,
    enqueue_automatic,
    find_named,
    is_answerable,
    is_own,
    is_person,
    list_recipients,
    make_message_id,
    make_own,
)
from postroom.domain.notices import Prepare
from postroom.domain.routing import Route, Routing
from postroom.errors import Kind, PostroomError, bad_parameter
from postroom.mime.headers import HeaderField, decode_value, find_header, parse_headers
from postroom.mime.raw import Raw
from postroom.model.account import Caller
from postroom.model.envelope import Envelope
from postroom.model.ids import AccountId
from postroom.model.mail import Part
from postroom.model.outgoing import LOCAL, VACATION
from postroom.model.vacation import Vacation
from postroom.store import Store
from postroom.store.tx import Transaction

MAX_AGE_DAYS = 3650
MAX_BODY_CHARACTERS = 32_768
MAX_SUBJECT_CHARACTERS = 500
MOST_A_DAY = 1000
"""Answers of an account in 24 hours: forged senders shall not make a flood of them."""
UNSET = Vacation(0, 7, 1, 1, 1, 0, 0, "", "")
"""What an account has that has never set one."""
_DAY_MS = 86_400_000
_MAX_ANSWERED_SUBJECT = 200

_log = structlog.get_logger("postroom.vacation")
_decode_part = msgspec.msgpack.Decoder(Part).decode


class Vacations:
    """The absence notices that callers set."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, caller: Caller) -> Vacation:
        """Return what the caller has set. Raises: unavailable."""
        async with self._store.directory() as directory:
            return await directory.vacations.find(caller.account_id) or UNSET

    async def set(self, caller: Caller, vacation: Vacation) -> None:
        """Set what is answered; all senders are answered anew.

        Raises: badParameter (``startTime``, ``endTime``, ``subject``, ``body``); notFound; unavailable.
        """
        vacation = _check(vacation)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            await tx.tables.vacations.put(caller.account_id, vacation)
            await tx.tables.vacations.forget_answered(caller.account_id)


def _check(vacation: Vacation) -> Vacation:
    """Return what can be sent, and refuse what cannot. Raises: badParameter."""
    if not vacation.applies_always:
        for name, time in (("startTime", vacation.start_at), ("endTime", vacation.end_at)):
            if not time:
                raise bad_parameter(name, f"{name} is required where applyAlways is false")
    if vacation.end_at and vacation.end_at <= vacation.start_at:
        raise bad_parameter("endTime", "endTime must be later than startTime")
    if "\0" in vacation.body:
        raise bad_parameter("body", "NUL is not possible in body")
    return vacation._replace(
        subject=clean_value(vacation.subject, parameter="subject"),
        body=vacation.body.encode("utf-8", "replace").decode(),
    )


class ReadyNotice(NamedTuple):
    """An absence notice that is ready to be sent."""

    vacation: Vacation
    sender: str
    """Who gets it, in the form in which it is remembered."""
    route: Route
    digest: Digest
    is_8bit: bool


class _Answered(NamedTuple):
    """A message that may be answered."""

    fields: list[HeaderField]
    sender: Address
    route: Route

    @property
    def key(self) -> str:
        """The sender, as remembered."""
        return self.route.address.lower()


class Absences:
    """Answers what comes in for accounts whose owners are away."""

    def __init__(self, store: Store, routing: Routing, *, prepare: Prepare) -> None:
        """``prepare`` makes an answer ready to be stored."""
        self._store = store
        self._routing = routing
        self._prepare = prepare

    async def prepare(
        self, envelope: Envelope, content: Raw, *, structure: bytes, now: int
    ) -> Mapping[AccountId, ReadyNotice]:
        """Return the notices that answer a message which is to be delivered.

        Args:
            envelope: its envelope.
            content: the message.
            structure: its part tree, packed.
            now: the present time in Unix milliseconds.

        Raises: unavailable.
        """
        if not is_person(envelope.sender):
            return {}
        absent = await self._find_absent(envelope, now)
        answered = await self._read(envelope, content, structure) if absent else None
        if answered is None:
            return {}
        notices: dict[AccountId, ReadyNotice] = {}
        for account_id, vacation in absent.items():
            applies = (
                vacation.applies_to_internal
                if answered.route.destination == LOCAL
                else vacation.applies_to_external
            )
            own = await self._find_own(account_id, envelope, answered, now=now) if applies else None
            if own is None or await self._was_answered(account_id, vacation, answered, now=now):
                continue
            try:
                raw = compose_absence_notice(_make_notice(vacation, answered, own, now=now))
            except PostroomError as error:
                # Whatever it is, the message that came in is delivered.
                _log.warning("a notice cannot be made", account_id=account_id, error=str(error))
                continue
            digest = await self._prepare(raw, [account_id])
            notices[account_id] = ReadyNotice(
                vacation, answered.key, answered.route, digest, not raw.isascii()
            )
        return notices

    async def _find_absent(self, envelope: Envelope, now: int) -> dict[AccountId, Vacation]:
        absent: dict[AccountId, Vacation] = {}
        async with self._store.directory() as directory:
            for account_id in {recipient.account_id for recipient in envelope.recipients}:
                vacation = await directory.vacations.find(account_id)
                if vacation is not None and vacation.is_active(now):
                    absent[account_id] = vacation
        return absent

    async def _read(self, envelope: Envelope, content: Raw, structure: bytes) -> _Answered | None:
        """Return what is needed of a message to answer it, None if it must not be answered."""
        fields = parse_headers(content, _decode_part(structure))
        if not is_answerable(fields):
            return None
        try:
            sender = parse_address(envelope.sender, parameter="sender")
            route = await self._routing.find(sender.addr_spec)
        except PostroomError as error:
            if error.kind is Kind.INVALID:  # What is no address cannot be answered.
                return None
            raise
        return _Answered(fields, sender, route)

    async def _find_own(
        self, account_id: AccountId, envelope: Envelope, answered: _Answered, *, now: int
    ) -> Address | None:
        """Return who answers: the account, by the address under which it was written to; None for nobody."""
        known = [
            str(address)
            for recipient in envelope.recipients
            if recipient.account_id == account_id
            and (address := account_address(recipient.address)) is not None
        ]
        async with self._store.directory() as tables:
            account = await tables.directory.find(account_id)
            if account is None:
                return None
            if await is_own(tables.directory, account_id, answered.route.address, now=now):
                return None
            named = list_recipients(answered.fields)
            found = await find_named(tables.directory, account_id, named, now=now, known=known)
        return None if found is None else make_own(account, found)

    async def _was_answered(
        self, account_id: AccountId, vacation: Vacation, answered: _Answered, *, now: int
    ) -> bool:
        async with self._store.directory() as directory:
            last = await directory.vacations.find_answered(account_id, answered.key)
        return last > now - vacation.age_days * _DAY_MS


def _make_notice(vacation: Vacation, answered: _Answered, own: Address, *, now: int) -> AbsenceNotice:
    values = {
        name: decode_value(find_header(answered.fields, name) or b"")
        for name in ("Subject", "Message-ID", "References", "In-Reply-To")
    }
    ids = parse_message_ids(values["Message-ID"])[:1]
    references = make_references("".join(ids), values["References"], in_reply_to=values["In-Reply-To"])
    return AbsenceNotice(
        from_=own,
        to=answered.sender,
        subject=make_subject(vacation.subject, values["Subject"][:_MAX_ANSWERED_SUBJECT]),
        body=vacation.body,
        message_id=make_message_id(own.domain),
        date=now // 1000,
        in_reply_to="".join(ids),
        references=references,
    )


async def send_notice(tx: Transaction, made: ReadyNotice, *, now: int) -> None:
    """Send an absence notice, unless it holds no more, or this sender was answered lately.

    Args:
        tx: the transaction of the delivery, on the mailbox that got the message.
        made: the notice.
        now: the present time in Unix milliseconds.
    """
    repo, account_id, vacation = tx.tables.vacations, tx.account_id, made.vacation
    if await repo.find(account_id) != vacation:
        return
    if await repo.find_newest(account_id, MOST_A_DAY - 1) > now - _DAY_MS:
        return
    before = now - vacation.age_days * _DAY_MS
    await repo.forget_answered(account_id, before=before)
    if await repo.remember(account_id, made.sender, now=now, before=before):
        await enqueue_automatic(tx, made.digest, made.route, kind=VACATION, is_8bit=made.is_8bit, now=now)
