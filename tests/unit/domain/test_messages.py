"""The content of mails: raw, part by part, wherever it lies."""

import base64
import hashlib
import quopri
import random
import tracemalloc
from pathlib import Path

import pytest
from tests.fixtures.factories import Owner, make_message

from postroom.domain import Domain
from postroom.domain.messages import OpenMessage
from postroom.errors import Kind, PostroomError
from postroom.model.ids import ContentId, MailRef
from postroom.model.mail import Part
from postroom.store import Store

NOISE = random.Random(3)  # noqa: S311


def multipart(*parts: tuple[str, bytes], boundary: str = "cut") -> bytes:
    """Return a message of parts, each given by its header fields and its encoded body."""
    body = b"".join(
        b"--" + boundary.encode() + b"\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n"
        for head, data in parts
    )
    head = (
        "From: berta@other.test\r\nTo: anna@example.test\r\nSubject: parts\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'
    )
    return head.encode() + body + b"--" + boundary.encode() + b"--\r\n"


def base64_part(
    data: bytes, name: str = "a.bin", kind: str = "application/octet-stream"
) -> tuple[str, bytes]:
    head = (
        f'Content-Type: {kind}; name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment"
    )
    return head, base64.encodebytes(data).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


async def opened(owner: Owner, raw: bytes) -> OpenMessage:
    ref = await owner.add_mail(raw)
    return await owner.domain.messages.open(await owner.caller(), ref)


async def streamed(message: OpenMessage, part: Part) -> bytes:
    return b"".join([piece async for piece in message.iter_part(part)])


@pytest.mark.parametrize("size", [10, 3000, 200_000])
async def test_parts_are_the_same_by_every_way(owner: Owner, store: Store, size: int) -> None:
    data, text = NOISE.randbytes(size), ("Grüße = €\r\n" * (size // 10)).encode()
    quoted = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    plain = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit"
    raw = multipart(
        (quoted, quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")),
        (plain, text),
        base64_part(data),
    )
    message = await opened(owner, raw)
    assert message.size == len(raw)
    assert message.sha256 == hashlib.sha256(raw).digest()
    assert await message.read(0, 1 << 40) == raw
    assert b"".join([piece async for piece in message.iter_raw()]) == raw
    assert b"".join([piece async for piece in message.iter_raw(5, 50)]) == raw[5:50]
    assert await message.header_block() == raw[: raw.index(b"--cut")]
    for number, expected in enumerate((text, text, data), start=1):
        part = message.get_part(number)
        decoded = await message.decode(part)
        assert decoded.rstrip(b"\r\n") == expected.rstrip(b"\r\n") if number < 3 else decoded == expected
        assert await streamed(message, part) == decoded
    assert (await message.text(message.get_part(1))).startswith("Grüße = €")
    headers = await message.part_headers(message.get_part(3))
    assert headers[0] == ("Content-Type", ' application/octet-stream; name="a.bin"\r\n')
    message.close()
    blobs = [info async for info in store.blobs.iter_all()]
    assert len(blobs) == (1 if size == 200_000 else 0)


async def test_unknown_parts(owner: Owner) -> None:
    message = await opened(owner, make_message())
    for parameter, kind in ((None, Kind.NOT_FOUND), ("partIds", Kind.INVALID)):
        with pytest.raises(PostroomError) as caught:
            message.get_part(1, parameter=parameter)
        assert caught.value.kind is kind
    message.close()


async def test_an_attached_message_that_is_encoded(owner: Owner, domain: Domain) -> None:
    inner = multipart(
        ("Content-Type: text/plain", b"inner text"),
        base64_part(b"inner data", "inner.bin"),
        boundary="inside",
    )
    raw = multipart(("Content-Type: text/plain", b"outer"), base64_part(inner, "m.eml", "message/rfc822"))
    ref = await owner.add_mail(raw)
    caller = await owner.caller()
    async with domain.messages.opened(caller, ref) as message:
        decoded = {}
        waiting = [message.root]
        while waiting:
            part = waiting.pop()
            waiting.extend(part.parts)
            if part.content_type in {"text/plain", "application/octet-stream"}:
                decoded[await message.decode(part)] = await streamed(message, part)
    assert decoded == {data: data for data in (b"outer", b"inner text", b"inner data")}
    mail = await domain.attachments.inner_mail(caller, ref, 0)
    assert (mail.summary.subject, mail.size, mail.date) == ("parts", len(inner), 0)
    attachment = await domain.attachments.open_inner(caller, ref, 0, inner_id=0)
    assert attachment.attachment.name == "inner.bin"
    assert await attachment.message.decode(attachment.part) == b"inner data"
    attachment.message.close()
    with pytest.raises(PostroomError) as caught:
        await domain.attachments.open_inner(caller, ref, 0, inner_id=1)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_an_attachment_that_is_no_message(owner: Owner, domain: Domain) -> None:
    ref = await owner.add_mail(multipart(("Content-Type: text/plain", b"x"), base64_part(b"data")))
    caller = await owner.caller()
    with pytest.raises(PostroomError) as caught:
        await domain.attachments.inner_mail(caller, ref, 0)
    assert caught.value.kind is Kind.NOT_FOUND
    for number in (-1, 1, 1 << 40):
        with pytest.raises(PostroomError) as caught:
            await domain.attachments.open(caller, ref, number)
        assert caught.value.kind is Kind.NOT_FOUND
    assert await domain.attachments.thumbnail(caller, ref, 0, width=10, height=10) is None


async def spoil(owner: Owner, ref: MailRef, how: str, folder: Path) -> None:
    if how == "missing":
        [path] = [path for path in (folder / "data" / "blobs").rglob("*") if path.is_file()]
        path.unlink()
    elif how == "damaged":
        [path] = [path for path in (folder / "data" / "blobs").rglob("*") if path.is_file()]
        data = path.read_bytes()
        path.write_bytes(data[:100] + b"\x00" * 50 + data[150:])
    else:
        async with owner.store.transaction(owner.account_id) as tx:
            mail = await tx.mails.find(ref.folder, ref.uid)
            assert mail is not None
            await tx.contents.delete(ContentId(mail.content_id))


@pytest.mark.parametrize(
    ("how", "code"), [("missing", "blobMissing"), ("damaged", "blobDamaged"), ("no row", "notFound")]
)
async def test_what_is_lost_or_damaged(
    owner: Owner, domain: Domain, tmp_path: Path, how: str, code: str
) -> None:
    ref = await owner.add_mail(multipart(base64_part(NOISE.randbytes(200_000))))
    await spoil(owner, ref, how, tmp_path)
    caller = await owner.caller()

    async def read_all() -> None:
        async with domain.messages.opened(caller, ref) as message:
            await message.read(0, message.size)

    with pytest.raises(PostroomError) as caught:
        await read_all()
    assert caught.value.code == code
    assert (await domain.mails.get(caller, ref)).size > 0


async def test_a_large_attachment_is_streamed(owner: Owner, domain: Domain) -> None:
    """24 MB come out piece by piece: neither the message nor the attachment is ever held whole."""
    piece = NOISE.randbytes(57 * 1024)
    head, _ = base64_part(b"")
    body = base64.encodebytes(piece).replace(b"\n", b"\r\n") * 420
    ref = await owner.add_mail(multipart((head, body.removesuffix(b"\r\n"))))
    caller = await owner.caller()
    digest, size = hashlib.sha256(), 0
    tracemalloc.start()
    try:
        attachment = await domain.attachments.open(caller, ref, 0)
        async for chunk in attachment.message.iter_part(attachment.part):
            digest.update(chunk)
            size += len(chunk)
        attachment.message.close()
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == len(piece) * 420 == attachment.attachment.size
    assert digest.digest() == hashlib.sha256(piece * 420).digest()
    assert peak_bytes < 10 << 20
