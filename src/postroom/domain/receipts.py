"""Automatic read receipts (RFC 8098): the sender asked to be told, and the account's setting is ``always``.

When its owner marks a mail that asks for a receipt as read, the wish is settled: by a receipt, which goes into the
queue in the same transaction, or, where the setting is ``ask`` or ``never``, by nothing at all. It is settled once
for a message, so that neither a copy nor marking the mail unread and read again makes another. Mails that ask for
nothing cost a look at their summary.

No receipt is made (RFC 8098 §2.1, §2.2, §3): where the request does not name exactly one address, or another one than
the Return-Path, as happens to forged and forwarded mail and to lists; for the null Return-Path or none; for reports,
receipts included, and automatic mail; where it asks for more than is understood here; to the account itself. Mail in
Spam, Sent, Drafts and Scheduled was not read as a recipient reads: it is left alone, and settles nothing.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec
import structlog

from postroom.compose.addresses import Address, parse_address_list
from postroom.compose.receipts import Receipt, compose_receipt
from postroom.config.classes import AccountClass
from postroom.content.digest import Digest, digest_message
from postroom.domain.automatic import (
    enqueue_automatic,
    find_named,
    is_own,
    list_recipients,
    make_message_id,
    make_own,
)
from postroom.domain.clock import Clock
from postroom.domain.filing import Change
from postroom.domain.routing import Routing
from postroom.domain.settings import read_settings
from postroom.errors import Kind, PostroomError
from postroom.mime.headers import HeaderField, decode_value, find_header, parse_headers, unfold
from postroom.mime.parse import parse_message
from postroom.mime.raw import DEFAULT_LIMITS
from postroom.model.folder import SCHEDULED
from postroom.model.ids import ContentId, FolderId
from postroom.model.mail import Mail, Part, Summary
from postroom.model.outgoing import RECEIPT
from postroom.store import Store
from postroom.store.tx import Transaction

_NOT_READ_IN = frozenset(("junk", "sent", "drafts"))
_REQUIRED = re.compile(r"=\s*required\b", re.IGNORECASE)

_log = structlog.get_logger("postroom.receipts")
_decode_part = msgspec.msgpack.Decoder(Part).decode
_decode_summary = msgspec.msgpack.Decoder(Summary).decode


def find_receiver(fields: Sequence[HeaderField]) -> Address | None:
    """Return who is to get the receipt of a message, None if there must be none (RFC 8098 §2)."""
    requests = _values(fields, "disposition-notification-to")
    paths = _values(fields, "return-path")
    if len(requests) != 1 or not paths or _is_automatic(fields):
        return None
    if any(_REQUIRED.search(value) for value in _values(fields, "disposition-notification-options")):
        # None of the parameters that there could be is known here, and it may not be passed over (§2.2).
        return None
    try:
        named = parse_address_list(requests[0], parameter="request")
        # What was added last, on top, is that of the final delivery.
        path = parse_address_list(paths[0], parameter="path")
    except PostroomError:
        return None
    receivers = {_key(address): address for address in named}
    if len(receivers) != 1 or [_key(address) for address in path] != list(receivers):
        return None
    return named[0]


def _key(address: Address) -> str:
    return address.addr_spec.casefold()


def _values(fields: Sequence[HeaderField], name: str) -> list[str]:
    return [unfold(field.value) for field in fields if field.name.lower() == name]


def _is_automatic(fields: Sequence[HeaderField]) -> bool:
    kinds = _values(fields, "content-type")
    submitted = _values(fields, "auto-submitted")
    return any(kind.lower().startswith("multipart/report") for kind in kinds) or any(
        not value.lower().startswith("no") for value in submitted
    )


class Receipts:
    """Sends the receipts of all accounts."""

    def __init__(
        self,
        store: Store,
        classes: Mapping[str, AccountClass],
        routing: Routing,
        *,
        clock: Clock,
        hostname: str = "",
    ) -> None:
        """``hostname`` is the name of this server for receipts; "" for that of the reader's domain."""
        self._store = store
        self._classes = classes
        self._routing = routing
        self._clock = clock
        self._hostname = hostname

    async def acknowledge(self, tx: Transaction, changes: Sequence[Change]) -> None:
        """Send the receipts for mails of one folder that their owner has marked; most ask for none.

        Args:
            tx: the transaction in which they were marked.
            changes: the mails before and after.
        """
        asking = [after for before, after in changes if before.is_unread and _asks(after)]
        if not asking or not await _is_read_in(tx, asking[0].folder_id):
            return
        settings = await read_settings(tx, self._classes)
        for mail in asking:
            is_first = await tx.contents.settle_receipt(mail.content_id)
            if is_first and settings.receipts.send_read_receipts == "always":
                await self._send(tx, mail)

    async def _send(self, tx: Transaction, mail: Mail) -> None:
        header = await self._read_header(tx, mail.content_id)
        fields = parse_headers(header, parse_message(header))
        receiver = find_receiver(fields)
        directory = tx.tables.directory
        account = await directory.find(tx.account_id)
        if receiver is None or account is None:
            return
        now = self._clock.now_ms()
        if await is_own(directory, tx.account_id, receiver.addr_spec, now=now):
            return
        try:
            route = await self._routing.find(receiver.addr_spec, domains=directory.domains)
        except PostroomError as error:
            if error.kind is not Kind.INVALID:
                raise
            return
        named = await find_named(directory, tx.account_id, list_recipients(fields), now=now)
        reader = make_own(account, named or account.address)
        receipt = Receipt(
            reader=reader,
            to=(receiver,),
            subject=decode_value(find_header(fields, "Subject") or b""),
            original=header,
            message_id=make_message_id(reader.domain),
            date=now // 1000,
            hostname=self._hostname or reader.domain,
            is_automatic=True,
        )
        try:
            raw = compose_receipt(receipt)
        except PostroomError as error:
            # Whatever it is, it must keep nobody from marking the mail.
            _log.warning("a receipt cannot be made", account_id=tx.account_id, error=str(error))
            return
        digest = await self._digest(tx, raw)
        await enqueue_automatic(tx, digest, route, kind=RECEIPT, is_8bit=not raw.isascii(), now=now)

    async def _read_header(self, tx: Transaction, content_id: ContentId) -> bytes:
        """Return the header of a message; none, if it cannot be read: that must keep nobody from marking it."""
        content = await tx.contents.find(content_id)
        if content is None:
            return b""
        try:
            reader = await self._store.messages.open(tx.account_id, content)
            try:
                part = _decode_part(content.structure)
                end = min(part.body_start, part.header_start + DEFAULT_LIMITS.header_block_bytes)
                return await reader.read(part.header_start, end)
            finally:
                reader.close()
        except (PostroomError, msgspec.MsgspecError) as error:
            _log.warning("a message cannot be read", account_id=tx.account_id, error=str(error))
            return b""

    async def _digest(self, tx: Transaction, raw: bytes) -> Digest:
        """Return a receipt ready to be stored; a large one, with a large header in it, is in the blob store."""
        digest = digest_message(raw)
        if self._store.messages.fits_inline(digest.data):
            return digest
        await self._store.messages.put_blob(tx.account_id, digest.sha256, raw)
        return digest._replace(data=None)


def _asks(mail: Mail) -> bool:
    return not mail.is_unread and not mail.is_draft and _decode_summary(mail.summary).return_receipt


async def _is_read_in(tx: Transaction, folder_id: FolderId) -> bool:
    folder = await tx.folders.find(folder_id)
    return folder is not None and folder_id != SCHEDULED and folder.role not in _NOT_READ_IN
