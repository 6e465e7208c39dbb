"""Ingest: mail comes in and is filed, for LMTP, for imports, and for whatever else receives mail.

A delivery resolves its recipients first; the message is then digested once, stored once in each account and filed
for all recipients in one transaction. A recipient who cannot have it (quota, account gone) fails alone. Nothing is
acknowledged before that transaction is durable; what is too large for its row is in the blob store before.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from postroom.config.classes import DEFAULT_CLASS, AccountClass, class_of
from postroom.content.digest import Digest
from postroom.content.heading import Headed, put_on_top
from postroom.content.work import ContentWork
from postroom.domain.addresses import find_account_address
from postroom.domain.bimi import Bimi, Pending
from postroom.domain.combining import Combiner
from postroom.domain.filing import Filing, Flags, file_mail, file_mails
from postroom.domain.folder_names import name_key
from postroom.domain.quota import Quota
from postroom.domain.quota_notices import note_usage
from postroom.domain.reactions import Reaction, Reactions, is_answer, react
from postroom.domain.routing import Routing
from postroom.domain.spam_filters import SpamFilters, Verdict
from postroom.domain.steps import Deliver, Listed, Record
from postroom.errors import Kind, PostroomError
from postroom.mime.raw import Raw
from postroom.model.account import ACTIVE, Account
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import INBOX, ROOT, SPAM
from postroom.model.ids import AccountId, FolderId, Uid
from postroom.model.mail import Mail
from postroom.store import Store
from postroom.store.tx import Transaction


class Filed(NamedTuple):
    """Where an imported message is; ``mail`` is None where it was there already."""

    mail: Mail | None
    uid: Uid


_REHEADED_HERE_BYTES = 64 << 10
"""A larger message that gets fields on top gets them in a thread."""


class _Delivery(NamedTuple):
    """A message on its way to one folder."""

    account_id: AccountId
    folder_id: FolderId
    """The folder of the recipients."""
    target: FolderId
    """Where it goes: that folder, or Spam."""
    digest: Digest
    date: int
    limits: AccountClass
    sender: str
    reaction: Reaction | None
    """What it brings about there, beside the mail."""
    pending: Pending | None = None
    """What is to be looked up behind the delivery."""


class _Outcome(NamedTuple):
    """What became of a delivery that did not fail: why the mail cannot be there, None where it is."""

    refusal: PostroomError | None


class Arrival(NamedTuple):
    """A message with the places it goes to."""

    envelope: Envelope
    deliveries: Sequence[_Delivery]

    @property
    def account_ids(self) -> list[AccountId]:
        """Whose it becomes; an account with several places several times."""
        return [delivery.account_id for delivery in self.deliveries]

    def by_recipient(self, outcomes: Sequence[PostroomError | None]) -> list[PostroomError | None]:
        """Return the outcome for each recipient of the envelope, given those of the places."""
        places = [(delivery.account_id, delivery.folder_id) for delivery in self.deliveries]
        found = dict(zip(places, outcomes, strict=True))
        return [found[recipient.account_id, recipient.folder_id] for recipient in self.envelope.recipients]


class Ingest:
    """The use cases of incoming mail."""

    def __init__(
        self,
        store: Store,
        classes: Mapping[str, AccountClass],
        *,
        max_message_bytes: int = 0,
        work: ContentWork | None = None,
        routing: Routing | None = None,
        filters: SpamFilters | None = None,
        bimi: Bimi | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take what a delivery needs.

        Without ``routing`` no absence notices are sent and no bounces noted; without ``filters`` nothing goes to
        Spam; without ``bimi`` mails show no logos of senders.
        """
        self._store = store
        self._classes = classes
        self._max_message_bytes = max_message_bytes
        self._work = work or ContentWork()
        self.filters = filters
        self._bimi = bimi
        self._now = now
        self._combiner: Combiner[_Delivery, _Outcome] = Combiner(self._deliver_together, key=id)
        self._reactions = Reactions(store, routing, prepare=self.prepare) if routing is not None else None

    # Recipients

    async def resolve_recipient(self, address: str, *, size_bytes: int | None) -> Recipient:
        """Return where mail for an address goes: the Inbox, or the top folder named by its detail (RFC 5233).

        Args:
            address: the forward-path.
            size_bytes: the declared size of the message, None if none was declared.

        Raises: unknownRecipient; recipientDisabled; messageQuotaExceeded; sizeQuotaExceeded; payloadTooLarge;
            unavailable.
        """
        account, detail = await self._find_account(address)
        if account.state != ACTIVE:
            raise PostroomError(Kind.DENIED, "recipientDisabled", "the mailbox is disabled")
        if self._max_message_bytes and (size_bytes or 0) > self._max_message_bytes:
            raise PostroomError(Kind.TOO_LARGE, "payloadTooLarge", "the message is too large for this server")
        account_class = class_of(self._classes, account.class_name)
        quota = Quota.of(account_class)
        if any(quota):
            async with self._store.peek(account.account_id) as mailbox:
                await quota.check(mailbox, more_messages=1, more_bytes=size_bytes or 1)
        folder_id = await self._find_folder(account.account_id, detail) if detail else INBOX
        return Recipient(address=address, account_id=account.account_id, folder_id=folder_id, detail=detail)

    async def _find_account(self, address: str) -> tuple[Account, str]:
        local_part, _, domain = address.rpartition("@")
        base, _, detail = local_part.partition("+")
        normalised = find_account_address(f"{base}@{domain}")
        if normalised is not None:
            async with self._store.directory() as directory:
                found = await directory.directory.find_by_address(*normalised, now=int(self._now() * 1000))
            if found is not None:
                return found.account, detail
        raise PostroomError(Kind.NOT_FOUND, "unknownRecipient", "there is no such mailbox here")

    async def _find_folder(self, account_id: AccountId, detail: str) -> FolderId:
        if not detail.isprintable():  # controls and what is no valid Unicode are in no folder's name
            return INBOX
        async with self._store.read(account_id) as mailbox:
            folder_id = await mailbox.folders.find_named(ROOT, name_key(detail))
            folder = await mailbox.folders.find(folder_id) if folder_id is not None else None
        if folder is None or folder.is_special or folder.folder_type != "mails":
            return INBOX
        return folder.folder_id

    # Delivery

    async def deliver(self, envelope: Envelope, content: Raw) -> Sequence[PostroomError | None]:
        """File a message for all recipients of an envelope; return one outcome each, in order, None for success.

        Two recipients that are the same folder of the same account get one mail. Returns when all is durable.

        Raises: unavailable, when nothing was stored for anybody.
        """
        arrival = await self.receive(envelope, content)
        if self._bimi is not None:
            arrival = await _show_logo(self._bimi, arrival, content)
        if len(arrival.deliveries) == 1:
            [delivery] = arrival.deliveries
            outcomes = [(await self._combiner.do(delivery.account_id, delivery)).refusal]
        else:
            async with self._store.transactions(arrival.account_ids) as transactions:
                outcomes = await _deliver_to_all(arrival.deliveries, transactions)
        return arrival.by_recipient(outcomes)

    async def receive(self, envelope: Envelope, content: Raw) -> Arrival:
        """Prepare a message for :meth:`deliver_within`, or to be filed by itself. Raises: unavailable."""
        places = sorted({(recipient.account_id, recipient.folder_id) for recipient in envelope.recipients})
        digest = await self._work.digest(content, with_traits=self.filters is not None)
        verdicts = await self._judge(envelope, content, digest, places=places)
        date = int(self._now())
        classes = await self._classes_of(envelope.recipients)
        reactions: Mapping[AccountId, Reaction] = {}
        if self._reactions is not None:
            reactions = await self._reactions.prepare(
                envelope, content, structure=digest.structure, now=date * 1000
            )
        deliveries = []
        for place in places:
            account_id, folder_id = place
            verdict = verdicts.get(place)
            reaction = reactions.get(account_id)
            if verdict is not None and is_answer(reaction):
                reaction = None  # Spam is never answered.
            headed = await self._head(content, digest, verdict)
            deliveries.append(
                _Delivery(
                    account_id,
                    folder_id,
                    folder_id if verdict is None else SPAM,
                    await self._keep(headed, [account_id]),
                    date,
                    classes[account_id],
                    envelope.sender,
                    reaction,
                )
            )
        return Arrival(envelope, deliveries)

    async def _judge(
        self,
        envelope: Envelope,
        content: Raw,
        digest: Digest,
        *,
        places: Sequence[tuple[AccountId, FolderId]],
    ) -> Mapping[tuple[AccountId, FolderId], Verdict]:
        """Return why a message goes to Spam, for the Inboxes where it does: what goes elsewhere stays there."""
        account_ids = [account_id for account_id, folder_id in places if folder_id == INBOX]
        if self.filters is None or not account_ids:
            return {}
        verdicts = await self.filters.judge(envelope, content, digest, account_ids=account_ids)
        return {(account_id, INBOX): verdict for account_id, verdict in verdicts.items()}

    async def _head(self, content: Raw, digest: Digest, verdict: Verdict | None) -> Headed:
        """Return a message with the record of the filters, and without one that its sender wrote."""
        traits = digest.traits
        is_forged = self.filters is not None and (traits is None or traits.has_filter_field)
        if verdict is None and not is_forged:
            return Headed(content, digest)
        fields = b"" if verdict is None else verdict.render()
        if len(content) <= _REHEADED_HERE_BYTES:
            return put_on_top(content, digest, fields)
        return await asyncio.to_thread(put_on_top, content, digest, fields)

    async def deliver_within(
        self, arrival: Arrival, transactions: Sequence[Transaction]
    ) -> Sequence[PostroomError | None]:
        """File a message inside one transaction of the caller; return one outcome for each recipient, in order.

        Args:
            arrival: the message.
            transactions: one for each of ``arrival.account_ids``, of the same database transaction, with the
                mailboxes locked in the order of their numbers.
        """
        return arrival.by_recipient(await _deliver_to_all(arrival.deliveries, transactions))

    async def prepare(self, content: Raw, account_ids: Sequence[AccountId]) -> Digest:
        """Return a message ready to be filed in those accounts; a large one is in the blob store for each.

        Raises: unavailable.
        """
        return await self._keep(Headed(content, await self._work.digest(content)), account_ids)

    async def _keep(self, message: Headed, account_ids: Sequence[AccountId]) -> Digest:
        """Put a large message into the blob store for each account; return the digest as it is filed."""
        digest = message.digest
        if self._store.messages.fits_inline(digest.data):
            return digest
        for account_id in dict.fromkeys(account_ids):
            await self._store.messages.put_blob(account_id, digest.sha256, message.raw)
        return digest._replace(data=None)

    async def _classes_of(self, recipients: Sequence[Recipient]) -> dict[AccountId, AccountClass]:
        if not any(item.messages or item.quota_kb for item in self._classes.values()):
            default = self._classes[DEFAULT_CLASS]
            return {recipient.account_id: default for recipient in recipients}
        found: dict[AccountId, AccountClass] = {}
        async with self._store.directory() as directory:
            for recipient in recipients:
                account = await directory.directory.find(recipient.account_id)
                found[recipient.account_id] = class_of(self._classes, account.class_name if account else "")
        return found

    async def _deliver_together(
        self, account_id: AccountId, deliveries: Sequence[_Delivery]
    ) -> list[_Outcome | Exception]:
        """File messages of one account in one transaction; if something keeps one of them out, each in its own.

        What fails in the commit has failed for all of them: nobody may know then whether they are there.
        """
        if len(deliveries) > 1 and await self._try_together(account_id, deliveries):
            return [_Outcome(None)] * len(deliveries)
        done = await asyncio.gather(*map(self._deliver_alone, deliveries), return_exceptions=True)
        outcomes: list[_Outcome | Exception] = []
        for outcome in done:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
                raise outcome
            outcomes.append(outcome)
        return outcomes

    async def _try_together(self, account_id: AccountId, deliveries: Sequence[_Delivery]) -> bool:
        """File messages of one account in one transaction; return whether they are there.

        Raises: unavailable, which each of them would meet alone, too.
        """
        is_filed = False
        try:
            async with self._store.transaction(account_id) as tx:
                tx.step_for_each()
                await _file(tx, deliveries)
                is_filed = True
        except Exception as error:
            if is_filed or (isinstance(error, PostroomError) and error.kind is Kind.UNAVAILABLE):
                raise
        return is_filed

    async def _deliver_alone(self, delivery: _Delivery) -> _Outcome:
        """File a message in one place. No savepoint is needed: if it cannot be there, all is taken back."""
        refusal: PostroomError | None = None
        try:
            async with self._store.transaction(delivery.account_id) as tx:
                try:
                    await _file(tx, [delivery])
                except PostroomError as error:
                    refusal = error
                    raise
        except PostroomError as error:
            if error is not refusal:
                raise
        return _Outcome(refusal)

    # Imports

    async def file_message(
        self,
        account_id: AccountId,
        folder_id: FolderId,
        raw: Raw,
        *,
        date: int,
        flags: Flags,
        duplicates: bool = True,
    ) -> Filed:
        """File one message as it is, in its own transaction.

        Args:
            account_id: whose it becomes.
            folder_id: where it goes; it must exist.
            raw: the message.
            date: Unix seconds.
            flags: its flags.
            duplicates: False leaves the folder as it is if it has a mail of the same content.

        Raises: notFound; messageQuotaExceeded; sizeQuotaExceeded; unavailable.
        """
        digest = await self.prepare(raw, [account_id])
        async with self._store.directory() as directory:
            account = await directory.directory.find(account_id)
        limits = class_of(self._classes, account.class_name if account is not None else "default")
        async with self._store.transaction(account_id) as tx:
            await tx.lock()
            if not duplicates:
                known = await _find_same(tx, folder_id, digest.sha256)
                if known is not None:
                    return Filed(None, known)
            mail = await file_mail(tx, digest, folder_id, date=date, flags=flags, fallback=folder_id)
            await Quota.of(limits).check(tx)
            step = Deliver(mail.folder_id, [Listed(mail.item_id, mail.uid)])
            await tx.log("import", Record([step]), modseq=mail.modseq)
        return Filed(mail, mail.uid)


async def _show_logo(bimi: Bimi, arrival: Arrival, content: Raw) -> Arrival:
    """Return a message from outside with what it shows of its sender's logo, but in Spam. Raises: unavailable."""
    shown_in = [delivery for delivery in arrival.deliveries if delivery.target != SPAM]
    if not shown_in:
        return arrival
    # What does not go to Spam is the same for all.
    shown = await bimi.prepare(shown_in[0].digest, content)
    return arrival._replace(
        deliveries=[
            delivery
            if delivery.target == SPAM
            else delivery._replace(digest=shown.digest, pending=shown.pending)
            for delivery in arrival.deliveries
        ]
    )


async def _find_same(tx: Transaction, folder_id: FolderId, sha256: bytes) -> Uid | None:
    content_id = await tx.contents.find_by_hash(sha256)
    if content_id is None:
        return None
    return await tx.mails.find_content_in(folder_id, content_id)


async def _deliver_to_all(
    deliveries: Sequence[_Delivery], transactions: Sequence[Transaction]
) -> list[PostroomError | None]:
    """File a message in several places; return for each why it cannot be there, since each fails alone."""
    outcomes: list[PostroomError | None] = []
    for tx, delivery in zip(transactions, deliveries, strict=True):
        try:
            async with tx.savepoint():
                await _file(tx, [delivery])
        except PostroomError as error:
            outcomes.append(error)
        else:
            outcomes.append(None)
    return outcomes


async def _file(tx: Transaction, deliveries: Sequence[_Delivery]) -> None:
    """File messages of one account and log them. Raises: what keeps one of them out."""
    folders: dict[FolderId, list[_Delivery]] = {}
    for delivery in deliveries:
        folders.setdefault(delivery.target, []).append(delivery)
    for folder_id, some in folders.items():
        mails = await file_mails(tx, [Filing(each.digest, each.date) for each in some], folder_id)
        for delivery, mail in zip(some, mails, strict=True):
            step = Deliver(mail.folder_id, [Listed(mail.item_id, mail.uid)])
            await tx.log("deliver", Record([step], sender=delivery.sender), modseq=mail.modseq)
            if delivery.pending is not None:
                await delivery.pending.note(tx, mail.content_id)
            if delivery.reaction is not None:
                await react(tx, delivery.reaction, now=delivery.date * 1000)
    # The account may have filled up since the recipients were accepted.
    state = await Quota.of(deliveries[0].limits).check(tx)
    if state is not None:
        added = [each.digest.size_bytes for each in deliveries]
        await note_usage(tx, deliveries[0].limits, state, added=added, now=deliveries[-1].date * 1000)
