"""The content of a mail: raw message, parts, and the body made fit to be shown.

Opening a part slices the raw message at the offsets of the stored part tree; a message in the blob store is never
read whole for it. The parts of a transfer-encoded attached message lie in that message's decoded body.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Literal, NamedTuple

import msgspec

from postroom.content.show import BodyKind, Shown, ShowTask
from postroom.content.work import ContentWork
from postroom.domain.access import READ, require
from postroom.errors import bad_parameter, not_found
from postroom.mime.decode import decode_bytes, text_of
from postroom.mime.encoded_words import decode_8bit
from postroom.mime.headers import parse_headers
from postroom.mime.stream import body_decoder
from postroom.mime.structure import best_body, find_part
from postroom.model.account import Caller
from postroom.model.ids import MailRef
from postroom.model.mail import Mail, Part, Summary
from postroom.model.settings import AccountSettings
from postroom.store import Store
from postroom.store.messages import InlineReader, RawReader, iter_raw

Conversion = Literal["original", "text", "html"]
AttachmentURL = Callable[[int], str]
"""Gives the URL of an attachment by its id."""

MAX_BODY_CHARS = 2 << 20
"""A body shown is cut to this; the whole is got separately."""
MAX_TEXT_BYTES = 16 << 20
"""Encoded bytes of a text part that are decoded to be shown; what is beyond is not shown, only downloaded."""

_structure = msgspec.msgpack.Decoder(Part)
_summary = msgspec.msgpack.Decoder(Summary)


def read_summary(mail: Mail) -> Summary:
    """Return what lists show of a mail."""
    return _summary.decode(mail.summary)


class Body(NamedTuple):
    """A body fit to be shown: ``data`` is UTF-8, its type ``text/html`` or ``text/plain``."""

    part_id: int
    content_type: str
    estimated_size: int
    has_external_images: bool
    is_truncated: bool
    data: bytes


class PartData(NamedTuple):
    """A decoded part. Offsets are in characters; -1: nothing is quoted."""

    part_id: int
    data: bytes
    is_truncated: bool
    has_external_images: bool
    quoted_offset: int
    quoted_parts: list[tuple[int, int]]


class OpenMessage:
    """An open message. It is closed by whoever opened it."""

    def __init__(
        self, reader: RawReader, structure: Part | bytes, *, mail: Mail | None, sha256: bytes = b""
    ) -> None:
        """``structure`` is the root part, or what is stored of it."""
        self._reader = reader
        self._structure = structure
        self._decoded: dict[int, bytes] = {}
        self.mail = mail
        self.sha256 = sha256
        self.size = reader.size_bytes

    @cached_property
    def root(self) -> Part:
        """The root part."""
        known = self._structure
        return known if isinstance(known, Part) else _structure.decode(known)

    @property
    def raw(self) -> bytes | None:
        """The raw message if it lies in memory, None where it is in the blob store."""
        return self._reader.raw if isinstance(self._reader, InlineReader) else None

    def close(self) -> None:
        """Let go of the message."""
        self._reader.close()

    def get_part(self, part_id: int, *, parameter: str | None = None) -> Part:
        """Return a part. Raises: notFound, or badParameter where the number came as a parameter."""
        part = find_part(self.root, part_id)
        if part is None:
            raise (
                not_found("the part")
                if parameter is None
                else bad_parameter(parameter, f"there is no part {part_id}")
            )
        return part

    async def header_block(self) -> bytes:
        """Return the raw header block with its blank line."""
        return await self._reader.read(self.root.header_start, self.root.body_start)

    async def part_headers(self, part: Part) -> list[tuple[str, str]]:
        """Return name and raw value (with folds and line end) of each header field of a part."""
        block = await self._slice(part, part.header_start, part.body_start)
        at_start = msgspec.structs.replace(part, header_start=0, body_start=len(block), end=len(block))
        return [(field.name, decode_8bit(field.value)) for field in parse_headers(block, at_start)]

    async def read(self, start: int, end: int) -> bytes:
        """Return a slice of the raw message."""
        return await self._reader.read(start, end)

    def iter_raw(self, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the raw message, or a range of it, in pieces."""
        return iter_raw(self._reader, start, self.size if end is None else min(end, self.size))

    async def iter_part(self, part: Part) -> AsyncIterator[bytes]:
        """Yield the decoded body of a part in pieces."""
        if part.decoded_base != self.root.decoded_base:
            yield await self.decode(part)
            return
        decoder = body_decoder(part.encoding)
        async for chunk in iter_raw(self._reader, part.body_start, part.end):
            if decoded := decoder.feed(chunk):
                yield decoded
        if rest := decoder.finish():
            yield rest

    async def decode(self, part: Part, *, max_bytes: int | None = None) -> bytes:
        """Return the decoded body of a part, at most of its first ``max_bytes`` encoded bytes."""
        end = part.end if max_bytes is None else min(part.end, part.body_start + max_bytes)
        return decode_bytes(await self._slice(part, part.body_start, end), part.encoding)

    async def text(self, part: Part) -> str:
        """Return the text of a text part, of at most its first MAX_TEXT_BYTES."""
        return text_of(decode_bytes(await self.text_source(part), part.encoding), part)

    async def text_source(self, part: Part) -> bytes:
        """Return the encoded body of a text part, at most its first MAX_TEXT_BYTES."""
        return await self._slice(part, part.body_start, min(part.end, part.body_start + MAX_TEXT_BYTES))

    async def _slice(self, part: Part, start: int, end: int) -> bytes:
        if part.decoded_base == self.root.decoded_base:
            return await self._reader.read(start, end)
        base = self._decoded.get(part.decoded_base)
        if base is None:
            base = await self.decode(self.get_part(part.decoded_base))
            self._decoded[part.decoded_base] = base
        return base[start:end]


def open_raw(raw: bytes, root: Part) -> OpenMessage:
    """Return a message that lies in memory, such as one attached to another."""
    return OpenMessage(InlineReader(raw), root, mail=None)


class Messages:
    """The contents of the mails a caller sees."""

    def __init__(self, store: Store, work: ContentWork | None = None) -> None:
        self._store = store
        self._work = work or ContentWork()

    async def open(self, caller: Caller, ref: MailRef) -> OpenMessage:
        """Open the message of a mail. Raises: notFound; blobMissing; blobDamaged; unavailable."""
        # Two statements: SQLite takes twice as long for the join of both.
        async with self._store.read(ref.owner) as mailbox:
            await require(mailbox, caller, ref.folder, needs=READ, what="the mail")
            mail = await mailbox.mails.find(ref.folder, ref.uid)
            if mail is None:
                raise not_found("the mail")
            content = await mailbox.contents.find(mail.content_id)
        if content is None:
            raise not_found("the message")
        reader = await self._store.messages.open(ref.owner, content)
        return OpenMessage(reader, content.structure, mail=mail, sha256=content.sha256)

    @asynccontextmanager
    async def opened(self, caller: Caller, ref: MailRef) -> AsyncIterator[OpenMessage]:
        """Open the message of a mail for the time of a block. Raises as :meth:`open`."""
        message = await self.open(caller, ref)
        try:
            yield message
        finally:
            message.close()

    async def body(
        self,
        message: OpenMessage,
        *,
        kind: BodyKind,
        settings: AccountSettings,
        attachment_url: AttachmentURL,
        max_chars: int | None = MAX_BODY_CHARS,
    ) -> Body:
        """Return the best body of a mail as HTML (made safe) or text.

        Args:
            message: the open mail.
            kind: what is wanted; it is made from the other where the mail has only that.
            settings: say what HTML keeps.
            attachment_url: gives the URLs that stand for ``cid:`` images.
            max_chars: where the body is cut; None leaves it whole.

        Raises: blobDamaged; unavailable.
        """
        part = best_body(message.root, kind) or best_body(message.root, _OTHER[kind])
        if part is None:
            return Body(message.root.id, _TYPES[kind], 0, False, False, b"")
        shown = await self._convert(
            message,
            part,
            kind=kind,
            settings=settings,
            attachment_url=attachment_url,
            max_chars=max_chars,
        )
        return Body(
            part_id=part.id,
            content_type=_TYPES[kind],
            estimated_size=part.estimated_size,
            has_external_images=shown.has_external_images,
            is_truncated=shown.is_truncated,
            data=shown.data,
        )

    async def part_data(
        self,
        caller: Caller,
        ref: MailRef,
        part_ids: Sequence[int],
        *,
        convert_to: Conversion,
        settings: AccountSettings,
        attachment_url: AttachmentURL,
    ) -> list[PartData]:
        """Return decoded parts, texts in UTF-8, HTML made safe, in the order asked for.

        ``convert_to`` applies to text parts; others come as they are. Raises: badParameter (``partIds``) for a part
        that is not there; notFound; blobMissing; blobDamaged; unavailable.
        """
        async with self.opened(caller, ref) as message:
            parts = [message.get_part(part_id, parameter="partIds") for part_id in part_ids]
            found: list[PartData] = []
            for part in parts:
                if part.content_type not in _KINDS:
                    found.append(PartData(part.id, await message.decode(part), False, False, -1, []))
                    continue
                kind = _KINDS[part.content_type] if convert_to == "original" else convert_to
                shown = await self._convert(
                    message,
                    part,
                    kind=kind,
                    settings=settings,
                    attachment_url=attachment_url,
                    max_chars=MAX_BODY_CHARS,
                    find_quotes=True,
                )
                quoted = shown.quoted_parts
                found.append(
                    PartData(
                        part_id=part.id,
                        data=shown.data,
                        is_truncated=shown.is_truncated,
                        has_external_images=shown.has_external_images,
                        quoted_offset=quoted[0][0] if quoted else -1,
                        quoted_parts=quoted,
                    )
                )
        return found

    async def _convert(
        self,
        message: OpenMessage,
        part: Part,
        *,
        kind: BodyKind,
        settings: AccountSettings,
        attachment_url: AttachmentURL,
        max_chars: int | None,
        find_quotes: bool = False,
    ) -> Shown:
        task = ShowTask(
            source=await message.text_source(part),
            part=part,
            kind=kind,
            level=settings.body_html_filtering_level,
            show_external_images=settings.shows_external_images(),
            images=_images(message, attachment_url) if kind == "html" else {},
            max_chars=max_chars,
            find_quotes=find_quotes,
        )
        return await self._work.show(task)


_OTHER: dict[BodyKind, BodyKind] = {"html": "text", "text": "html"}
_TYPES = {"html": "text/html", "text": "text/plain"}
_KINDS: dict[str, BodyKind] = {"text/html": "html", "text/plain": "text"}


def _images(message: OpenMessage, attachment_url: AttachmentURL) -> dict[str, str]:
    """Return the URL of each attachment by its Content-ID; the first of equal ones counts."""
    if message.mail is None:
        return {}
    urls: dict[str, str] = {}
    for attachment_id, attachment in enumerate(read_summary(message.mail).attachments):
        if attachment.content_id:
            urls.setdefault(attachment.content_id, attachment_url(attachment_id))
    return urls
