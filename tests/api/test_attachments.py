"""Attachments."""

import io
import zipfile

import pytest
from PIL import Image

from postroom.api.schemas.mails import MAX_SHOWN
from postroom.api.stream import UNTOUCHED_POLICY
from tests.api.world import User, make_message

PATH = "/api/v1/mails"
PDF = ("application/pdf", "report.pdf", b"%PDF-1.4 \x00\xff not really")
OTHER = ("application/pdf", "report.pdf", b"another")
INNER = make_message(subject="Inner", attachments=(("image/png", "größe.png", b"png"),))


def image(size: tuple[int, int], kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


def attached(raw: bytes) -> bytes:
    return (
        b'Subject: Outer\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n'
        b"Content-Type: message/rfc822\r\n\r\n" + raw + b"\r\n--b--\r\n"
    )


async def test_list(ann: User) -> None:
    mail = await ann.deliver(make_message(attachments=(PDF, OTHER)))
    listed = await ann.get(f"{PATH}/{mail}/attachments")
    assert listed == {"items": (await ann.get(f"{PATH}/{mail}"))["attachments"]}
    assert [one["id"] for one in listed["items"]] == [0, 1]
    assert list(listed["items"][0]) == [
        "id",
        "mailId",
        "name",
        "contentId",
        "contentType",
        "size",
        "isInline",
    ]
    plain = await ann.deliver(make_message())
    assert await ann.get(f"{PATH}/{plain}/attachments") == {"items": []}


async def test_content(ann: User) -> None:
    mail = await ann.deliver(make_message(attachments=(PDF,)))
    for path, disposition in [("0", "inline"), ("0/download", "attachment")]:
        response = await ann.client.get(f"{PATH}/{mail}/attachments/{path}")
        assert response.content == PDF[2]
        assert response.headers["content-type"] == "application/pdf"
        assert response.headers["content-disposition"] == f'{disposition}; filename="report.pdf"'
        assert response.headers["content-length"] == str(len(PDF[2]))
        assert response.headers["content-security-policy"] == UNTOUCHED_POLICY.decode()
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_content_of_a_stranger_is_harmless(ann: User) -> None:
    raw = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        b"Content-Type: text/html; charset=utf-8\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%0d%0aX%3a%20y%2f..%2f%22%e2%80%aea.html\r\n\r\n"
        b"<script>x</script>\r\n--b--\r\n"
    )
    mail = await ann.deliver(raw)
    response = await ann.client.get(f"{PATH}/{mail}/attachments/0")
    assert response.headers["content-security-policy"] == UNTOUCHED_POLICY.decode()
    assert "x" not in {name.lower() for name in response.headers}
    assert "/" not in response.headers["content-disposition"]
    assert "\u202e" not in response.headers["content-disposition"]


async def test_archive(ann: User) -> None:
    inline = ("image/png", "größe.png", image((20, 20)))
    mail = await ann.deliver(make_message(attachments=(PDF, OTHER, inline)))
    response = await ann.client.get(f"{PATH}/{mail}/attachments/download")
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == 'attachment; filename="attachments.zip"'
    assert response.headers["content-length"] == str(len(response.content))
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "report.pdf": PDF[2],
            "report (2).pdf": OTHER[2],
            "größe.png": inline[2],
        }


async def test_archive_leaves_inline_attachments_out(ann: User) -> None:
    raw = (
        b'Content-Type: multipart/related; boundary="b"\r\n\r\n'
        b'--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:i">\r\n'
        b"--b\r\nContent-Type: image/png\r\nContent-ID: <i>\r\n\r\npng\r\n--b--\r\n"
    )
    mail = await ann.deliver(raw)
    [one] = (await ann.get(f"{PATH}/{mail}/attachments"))["items"]
    assert (one["isInline"], one["contentId"]) == (True, "i")
    assert (await ann.get(f"{PATH}/{mail}"))["hasAttachments"] is False
    response = await ann.client.get(f"{PATH}/{mail}/attachments/download")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == []


@pytest.mark.parametrize(
    ("size", "query", "expected"),
    [
        ((1024, 512), {"width": 64, "height": 64}, (128, 64)),
        ((1024, 30), {"width": 64, "height": 64}, (1024, 30)),
        ((2048, 30), {"width": 64, "height": 64}, (1024, 15)),
        ((30, 1024), {"width": 64, "height": 64}, (30, 1024)),
        ((500, 300), {}, (213, 128)),
        ((50, 40), {}, (50, 40)),
    ],
)
async def test_thumbnail(
    ann: User, size: tuple[int, int], query: dict[str, int], expected: tuple[int, int]
) -> None:
    mail = await ann.deliver(make_message(attachments=(("image/png", "a.png", image(size)),)))
    response = await ann.client.get(f"{PATH}/{mail}/attachments/0/thumbnail", params=query)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("image/")
    assert Image.open(io.BytesIO(response.content)).size == expected
    tag = {"If-None-Match": response.headers["etag"]}
    unchanged = await ann.client.get(f"{PATH}/{mail}/attachments/0/thumbnail", params=query, headers=tag)
    assert unchanged.status_code == 304


async def test_no_thumbnail_of_what_is_no_image(ann: User) -> None:
    broken = ("image/png", "a.png", b"no png")
    mail = await ann.deliver(make_message(attachments=(PDF, broken)))
    for index in (0, 1):
        response = await ann.client.get(f"{PATH}/{mail}/attachments/{index}/thumbnail")
        assert (response.status_code, response.content) == (200, b"")


async def test_thumbnail_of_a_bomb(ann: User) -> None:
    out = io.BytesIO()
    Image.new("1", (9000, 9000)).save(out, "PNG")
    mail = await ann.deliver(make_message(attachments=(("image/png", "a.png", out.getvalue()),)))
    response = await ann.client.get(f"{PATH}/{mail}/attachments/0/thumbnail")
    assert response.status_code == 413
    assert response.json()["errorCode"] == "payloadTooLarge"


async def test_attached_mail(ann: User) -> None:
    mail = await ann.deliver(attached(INNER))
    outer = await ann.get(f"{PATH}/{mail}")
    [message] = outer["attachments"]
    assert message["contentType"] == "message/rfc822"
    inner = await ann.get(f"{PATH}/{mail}/attachments/0/eml")
    assert list(inner) == list(outer)
    assert inner["subject"] == "Inner"
    assert inner["date"] == "1744407421"
    [png] = inner["attachments"]
    assert (png["name"], png["size"], png["id"]) == ("größe.png", 3, 0)
    response = await ann.client.get(f"{PATH}/{mail}/attachments/0/eml/attachments/0")
    assert (response.content, response.headers["content-type"]) == (b"png", "image/png")
    again = await ann.client.get(
        f"{PATH}/{mail}/attachments/0/eml/attachments/0", headers={"If-None-Match": response.headers["etag"]}
    )
    assert again.status_code == 304


async def test_what_is_not_there(ann: User) -> None:
    plain = await ann.deliver(make_message(attachments=(PDF,)))
    nested = await ann.deliver(attached(INNER))
    for path in [
        f"{plain}/attachments/1",
        f"{plain}/attachments/1/download",
        f"{plain}/attachments/1/thumbnail",
        f"{plain}/attachments/1/eml",
        f"{plain}/attachments/0/eml",
        f"{plain}/attachments/0/eml/attachments/0",
        f"{nested}/attachments/0/eml/attachments/1",
    ]:
        response = await ann.client.get(f"{PATH}/{path}")
        assert (response.status_code, response.json()["errorCode"]) == (404, "notFound"), path


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("attachments/x", "attachmentId"),
        ("attachments/-1/download", "attachmentId"),
        ("attachments/01/eml", "attachmentId"),
        ("attachments/0/eml/attachments/x", "innerAttachmentId"),
        ("attachments/0/thumbnail?width=9", "width"),
        ("attachments/0/thumbnail?height=1025", "height"),
        ("attachments/0/thumbnail?height=a", "height"),
    ],
)
async def test_bad_parameters(ann: User, path: str, parameter: str) -> None:
    mail = await ann.deliver(make_message(attachments=(PDF,)))
    response = await ann.client.get(f"{PATH}/{mail}/{path}")
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": parameter}


async def test_very_many_make_no_list_long(ann: User) -> None:
    parts = [
        f'--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="{number}.png"\r\n\r\nx\r\n'
        for number in range(MAX_SHOWN + 5)
    ]
    head = "From: a@x.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    mail = await ann.deliver("".join([head, *parts, "--b--\r\n"]).encode())
    whole = (await ann.get(f"{PATH}/{mail}/attachments"))["items"]
    assert [one["name"] for one in whole] == [f"{number}.png" for number in range(MAX_SHOWN + 5)]
    [row] = (await ann.get(PATH, folderId=ann.inbox))["items"]
    assert row["attachments"] == (await ann.get(f"{PATH}/{mail}"))["attachments"] == whole[:MAX_SHOWN]
    assert (await ann.get(f"{PATH}/{mail}/conversation"))["attachments"] == whole[:MAX_SHOWN]
    last = await ann.client.get(f"{PATH}/{mail}/attachments/{whole[-1]['id']}")
    assert last.content == b"x"
