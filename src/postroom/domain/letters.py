"""Letters: what is asked to be written, checked and made a message.

Everything that can be refused for its own sake is refused here, before any transaction: addresses, a foreign sender,
what is answered, the files attached. Composing is work for a helper process (:mod:`postroom.content`); what comes out
is ready to be filed, and a large message is in the blob store already.
"""

import hashlib
import re
import uuid
from collections.abc import Sequence
from typing import Literal, NamedTuple

from postroom.compose.addresses import Address, parse_address, parse_address_list
from postroom.compose.finishing import read_fields
from postroom.compose.message import AttachedFile, Fields
from postroom.compose.threads import make_references, parse_message_ids
from postroom.content.digest import Digest
from postroom.content.work import ContentWork
from postroom.domain.addresses import AccountAddress, find_account_address
from postroom.domain.clock import Clock
from postroom.domain.messages import Messages
from postroom.domain.temporary_attachments import TemporaryAttachments
from postroom.errors import Kind, PostroomError, bad_parameter, not_permitted
from postroom.model.account import Caller
from postroom.model.ids import AccountId, MailRef
from postroom.model.upload import WantedAttachment
from postroom.store import Store
from postroom.store.sql.drafts import Reference

Importance = Literal["low", "normal", "high"]

RE, FW = "re", "fw"
_INJECTION = re.compile("[\r\n\0]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BASE64_GROWTH = 1.37


class Letter(NamedTuple):
    """A mail as its writer gives it; address fields hold address lists as people write them."""

    from_: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    reply_to: str = ""
    subject: str = ""
    body_text: str | None = None
    body_html: str | None = None
    importance: Importance = "normal"
    refw_type: str = ""
    refw: MailRef | None = None
    """What it answers or forwards; there is one where there is a type."""
    attachments: tuple[WantedAttachment, ...] = ()


class Stamp(NamedTuple):
    """What a message is marked with: the seed of its Message-ID ("" for a random one), its Date in Unix seconds."""

    seed: str
    date: int


class Written(NamedTuple):
    """A letter made a message, ready to be filed."""

    digest: Digest
    sender: str
    """The reverse-path."""
    recipients: tuple[Address, ...]
    reference: Reference | None
    needs_smtputf8: bool
    is_8bit: bool
    attachments: tuple[WantedAttachment, ...] = ()
    """The files of the session that are in it."""


class Sender(NamedTuple):
    """Who sends: as the header shows it, and as the envelope has it."""

    shown: Address
    path: str


class Letters:
    """Makes letters messages."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        temporary_attachments: TemporaryAttachments,
        *,
        work: ContentWork | None = None,
        clock: Clock | None = None,
        max_message_bytes: int = 0,
    ) -> None:
        self._store = store
        self._messages = messages
        self.temporary_attachments = temporary_attachments
        self._work = work or ContentWork()
        self._max_message_bytes = max_message_bytes
        self.clock = clock or Clock()

    async def write(
        self,
        caller: Caller,
        letter: Letter,
        *,
        stamp: Stamp | None = None,
        wants_receipt: bool = False,
        holder: AccountId | None = None,
    ) -> Written:
        """Make a letter a message.

        Args:
            caller: who writes.
            letter: what is written.
            stamp: what it is marked with, if not with the present time.
            wants_receipt: whether a receipt is asked for when it is read.
            holder: the account that is to have the message, if not the one who writes.

        Raises: badParameter; notPermitted; notFound; payloadTooLarge; unavailable.
        """
        _check_lines(letter)
        sender = await self.find_sender(caller, letter.from_)
        lists = {name: tuple(parse_address_list(getattr(letter, name), parameter=name)) for name in _LISTS}
        reply_to = tuple(parse_address_list(letter.reply_to, parameter="replyTo"))
        reference, answered, references = await self._refer(caller, letter)
        files = (
            await self.temporary_attachments.take(caller, letter.attachments) if letter.attachments else []
        )
        self._check_size(letter, files)
        stamp = stamp or Stamp("", int(self.clock.now()))
        fields = Fields(
            from_=sender.shown,
            to=lists["to"],
            cc=lists["cc"],
            bcc=lists["bcc"],
            reply_to=reply_to,
            subject=letter.subject,
            body_text=letter.body_text,
            body_html=letter.body_html,
            importance=letter.importance,
            message_id=make_message_id(caller.account_id, stamp.seed, sender.path),
            date=stamp.date,
            in_reply_to=answered,
            references=references,
            read_receipt_to=sender.shown if wants_receipt else None,
            extra=(),
        )
        composed = await self._work.compose(fields, files)
        digest = await self.keep(holder or caller.account_id, composed.raw, composed.digest)
        recipients = (*lists["to"], *lists["cc"], *lists["bcc"])
        return Written(
            digest=digest,
            sender=sender.path,
            recipients=recipients,
            reference=reference,
            needs_smtputf8=composed.needs_smtputf8,
            is_8bit=composed.is_8bit,
            attachments=letter.attachments,
        )

    async def digest(self, account_id: AccountId, raw: bytes) -> Digest:
        """Return a raw message ready to be filed. Raises: payloadTooLarge; unavailable."""
        return await self.keep(account_id, raw, await self._work.digest(raw))

    async def keep(self, account_id: AccountId, raw: bytes, digest: Digest) -> Digest:
        """Put a message that is too large for its row into the blob store. Raises: payloadTooLarge; unavailable."""
        if self._max_message_bytes and len(raw) > self._max_message_bytes:
            raise _too_large(self._max_message_bytes)
        if self._store.messages.fits_inline(digest.data):
            return digest
        await self._store.messages.put_blob(account_id, digest.sha256, raw)
        return digest._replace(data=None)

    async def find_sender(self, caller: Caller, text: str) -> Sender:
        """Return who sends: an address of the caller's, by default the main one with the full name.

        Raises: badParameter; notPermitted for the address of somebody else; unavailable.
        """
        if not text.strip():
            local_part, _, domain = caller.address.rpartition("@")
            return Sender(Address(" ".join(caller.full_name.split()), local_part, domain), caller.address)
        shown = parse_address(text, parameter="from")
        address = find_account_address(f"{shown.local_part}@{shown.domain}")
        if address is None or not await self._owns(caller, address):
            raise not_permitted(f"{shown.addr_spec} is not an address of this account")
        return Sender(shown, str(address))

    async def _owns(self, caller: Caller, address: AccountAddress) -> bool:
        if str(address) == caller.address:
            return True
        async with self._store.directory() as directory:
            found = await directory.directory.find_by_address(*address, now=self.clock.now_ms())
        return found is not None and found.account.account_id == caller.account_id

    async def _refer(self, caller: Caller, letter: Letter) -> tuple[Reference | None, str, tuple[str, ...]]:
        """Return what a letter answers or forwards, with its In-Reply-To and References."""
        if not letter.refw_type or letter.refw is None:
            return None, "", ()
        async with self._messages.opened(caller, letter.refw) as message:
            fields = read_fields(await message.header_block())
            mail = message.mail
        assert mail is not None  # noqa: S101 (it is a mail that was opened)
        message_id = next(iter(parse_message_ids(fields.get("message-id", ""))), "")
        references = make_references(
            message_id, fields.get("references", ""), in_reply_to=fields.get("in-reply-to", "")
        )
        answered = message_id if letter.refw_type == RE else ""
        if letter.refw.owner != caller.account_id:
            # Only what lies in the account itself is kept with a draft, and marked when it is sent.
            return None, answered, references
        return Reference(letter.refw_type, mail.item_id), answered, references

    def _check_size(self, letter: Letter, files: Sequence[AttachedFile]) -> None:
        """Refuse what will be too large before it is put together."""
        size = sum(len(file.content) for file in files) * _BASE64_GROWTH
        size += len(letter.body_text or "") + len(letter.body_html or "")
        if self._max_message_bytes and size > self._max_message_bytes:
            raise _too_large(self._max_message_bytes)


_LISTS = ("to", "cc", "bcc")
_LINES = {
    "from_": "from",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "reply_to": "replyTo",
    "subject": "subject",
}
_TEXTS = {**_LINES, "body_text": "bodyText", "body_html": "bodyHtml"}


def _check_lines(letter: Letter) -> None:
    """Refuse line ends where a header field is made of a text, and what is no text at all."""
    for name, parameter in _LINES.items():
        if _INJECTION.search(getattr(letter, name)):
            raise bad_parameter(parameter, f"{parameter} must be one line")
    for name, parameter in _TEXTS.items():
        if _LONE_SURROGATE.search(getattr(letter, name) or ""):
            raise bad_parameter(parameter, f"{parameter} has half a character (a lone surrogate)")
    for wanted in letter.attachments:
        if _INJECTION.search(wanted.content_id or ""):
            raise bad_parameter("temporaryAttachments", "contentId must be one line")


def make_message_id(account_id: AccountId, seed: str, path: str) -> str:
    """Return a Message-ID: of equal seeds of an account the same one, of "" one that was never there.

    Args:
        account_id: who writes.
        seed: what it is made from.
        path: the sender's address, whose domain it has.
    """
    unique = hashlib.sha256(f"{account_id}:{seed}".encode()).hexdigest()[:40] if seed else uuid.uuid4().hex
    return f"<{unique}@{path.rpartition('@')[2]}>"


def _too_large(limit_bytes: int) -> PostroomError:
    return PostroomError(Kind.TOO_LARGE, "payloadTooLarge", f"a message may have at most {limit_bytes} bytes")
