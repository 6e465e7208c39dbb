"""The content of a mail: body, parts, source."""

import base64
from typing import Any

import pytest

from tests.api.world import User, make_message

PATH = "/api/v1/mails"
HTML = "<html><body><p>Hello</p><script>bad()</script><img src='https://example.org/x.png'></body></html>\n"
TEXT = "Hello, Größe.\n\n> quoted\n"
NESTED = make_message(subject="Inner", text="inner text\n", attachments=(("image/png", "p.png", b"png"),))


def decode(data: str) -> str:
    return base64.b64decode(data, validate=True).decode("utf-8")


async def deliver(user: User, **extra: Any) -> str:
    return await user.deliver(make_message(text=TEXT, html=HTML, **extra))


@pytest.mark.parametrize(
    ("query", "media_type", "word"),
    [
        ({}, "text/html", "<p>"),
        ({"type": "html"}, "text/html", "<p>"),
        ({"type": "text"}, "text/plain", "Größe"),
    ],
)
async def test_body(ann: User, query: dict[str, str], media_type: str, word: str) -> None:
    mail = await deliver(ann)
    body = await ann.get(f"{PATH}/{mail}/body", **query)
    assert {name: type(value) for name, value in body.items()} == {
        "id": int,
        "contentType": str,
        "estimatedSize": int,
        "hasExternalImages": bool,
        "isTruncated": bool,
        "data": str,
    }
    assert body["contentType"] == media_type
    assert body["isTruncated"] is False
    assert word in decode(body["data"])
    assert "bad()" not in decode(body["data"])
    full = await ann.client.get(f"{PATH}/{mail}/body/full", params=query)
    assert full.text == decode(body["data"])
    assert full.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert full.headers["content-security-policy"] == "sandbox"
    assert full.headers["x-content-type-options"] == "nosniff"


async def test_external_images(ann: User) -> None:
    mail = await deliver(ann)
    shown = await ann.get(f"{PATH}/{mail}/body", showExternalImages="yes")
    hidden = await ann.get(f"{PATH}/{mail}/body", showExternalImages="no")
    assert ' src="https://example.org/x.png' in decode(shown["data"])
    assert ' src="https://example.org/x.png' not in decode(hidden["data"])
    assert hidden["hasExternalImages"] is True


async def test_cid_images_lead_to_attachments(ann: User) -> None:
    raw = (
        b'Content-Type: multipart/related; boundary="b"\r\n\r\n'
        b'--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:logo@example.org">\r\n'
        b"--b\r\nContent-Type: image/png\r\nContent-ID: <logo@example.org>\r\n\r\npng\r\n--b--\r\n"
    )
    mail = await ann.deliver(raw)
    body = decode((await ann.get(f"{PATH}/{mail}/body"))["data"])
    assert f"/api/v1/mails/{mail}/attachments/0" in body
    image = await ann.client.get(f"/api/v1/mails/{mail}/attachments/0")
    assert image.content == b"png"


async def test_long_body_is_cut_and_whole_in_full(ann: User) -> None:
    html = "<p>" + "<b>word</b> " * 250_000 + "</p>\n"
    raw = b"Content-Type: text/html\r\n\r\n" + html.encode()
    mail = await ann.deliver(raw)
    body = await ann.get(f"{PATH}/{mail}/body")
    assert body["isTruncated"] is True
    assert len(decode(body["data"])) <= 2 * 1024 * 1024 + 100
    full = await ann.client.get(f"{PATH}/{mail}/body/full")
    assert full.text.count("word") == 250_000


async def test_parts(ann: User) -> None:
    mail = await deliver(ann, attachments=(("application/pdf", "a.pdf", b"pdf"),))
    root = await ann.get(f"{PATH}/{mail}/parts")
    assert list(root) == ["contentType", "id", "parts", "headers", "estimatedSize"]
    assert root["contentType"] == "multipart/mixed"
    assert {"name": "Subject", "value": " Subject\r\n"} in root["headers"]
    alternative, pdf = root["parts"]
    assert [part["contentType"] for part in alternative["parts"]] == ["text/plain", "text/html"]
    assert pdf["filename"] == "a.pdf"
    assert "filename" not in alternative
    numbers = [root["id"], alternative["id"], *(part["id"] for part in alternative["parts"]), pdf["id"]]
    assert numbers == [0, 1, 2, 3, 4]


async def test_attached_message_has_its_root_as_part(ann: User) -> None:
    raw = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'
    mail = await ann.deliver(raw + NESTED + b"\r\n--b--\r\n")
    root = await ann.get(f"{PATH}/{mail}/parts")
    [message] = root["parts"]
    assert message["contentType"] == "message/rfc822"
    [inner] = message["parts"]
    assert {"name": "Subject", "value": " Inner\r\n"} in inner["headers"]


@pytest.mark.parametrize("way", ["query", "commas", "post", "get"])
async def test_part_data(ann: User, way: str) -> None:
    mail = await deliver(ann, attachments=(("application/pdf", "a.pdf", b"\x00pdf"),))
    path = f"{PATH}/{mail}/parts/details"
    if way == "query":
        response = await ann.client.get(path, params={"partIds": ["2", "4"]})
    elif way == "commas":
        response = await ann.client.post(path, params={"partIds": "2,4"})
    else:
        response = await ann.client.request(way.upper(), path, json={"partIds": [2, 4]})
    assert response.status_code == 200
    text, pdf = response.json()["items"]
    for one in (text, pdf):
        assert list(one) == [
            "id",
            "data",
            "isTruncated",
            "hasExternalImages",
            "quotedOffset",
            "quotedPartsOffsets",
        ]
    assert (text["id"], pdf["id"]) == (2, 4)
    assert decode(text["data"]).startswith("Hello, Größe.")
    start = decode(text["data"]).index("> quoted")
    assert text["quotedOffset"] == start
    assert text["quotedPartsOffsets"][0][0] == start
    assert base64.b64decode(pdf["data"]) == b"\x00pdf"
    assert (pdf["quotedOffset"], pdf["quotedPartsOffsets"]) == (-1, [])


async def test_part_data_converted(ann: User) -> None:
    mail = await deliver(ann)
    path = f"{PATH}/{mail}/parts/details"
    [as_text] = (await ann.get(path, partIds=2, convertTo="text"))["items"]
    [as_html] = (await ann.get(path, partIds=1, convertTo="html"))["items"]
    assert "<" not in decode(as_text["data"])
    assert "<" in decode(as_html["data"])
    body = {"partIds": [2], "convertTo": "text"}
    assert (await ann.client.post(path, json=body)).json()["items"] == [as_text]
    both = await ann.client.post(
        path, params={"partIds": "1", "convertTo": "html"}, json={"partIds": [2], "convertTo": "text"}
    )
    assert both.json()["items"] == [as_text]


@pytest.mark.parametrize(
    ("query", "body", "parameter"),
    [
        ({}, None, "partIds"),
        ({"partIds": ""}, None, "partIds"),
        ({"partIds": "x"}, None, "partIds"),
        ({"partIds": "-1"}, None, "partIds"),
        ({"partIds": "99"}, None, "partIds"),
        ({"partIds": "0", "convertTo": "pdf"}, None, "convertTo"),
        ({}, {"partIds": []}, "partIds"),
        ({}, {"partIds": "0"}, "partIds"),
        ({}, {"partIds": [-1]}, "partIds"),
        ({}, {"partIds": [2**64]}, "partIds"),
        ({}, {"partIds": [0], "convertTo": "pdf"}, "convertTo"),
        ({}, {"partIds": [0], "showExternalImages": "yes"}, "showExternalImages"),
        ({}, {"partIds": [0], "parts": 1}, "parts"),
    ],
)
async def test_bad_part_data(ann: User, query: dict[str, str], body: Any, parameter: str) -> None:
    mail = await deliver(ann)
    for method in ("GET", "POST"):
        response = await ann.client.request(method, f"{PATH}/{mail}/parts/details", params=query, json=body)
        assert response.status_code == 400, response.text
        assert response.json()["details"] == {"parameter": parameter}


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("text/plain; charset=iso-8859-2", b"\xb1", "ą"),
        ("text/plain", "ü".encode(), "ü"),
        ("text/plain; charset=nonsense", b"\xff", "ÿ"),
        ('text/plain; charset="a\\"b"', b"x", "x"),
    ],
)
async def test_text_part_is_utf8(ann: User, header: str, body: bytes, expected: str) -> None:
    mail = await ann.deliver(f"Content-Type: {header}\r\n\r\n".encode() + body)
    response = await ann.client.get(f"{PATH}/{mail}/parts/0/details/full")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.content.decode("utf-8").rstrip("\r\n") == expected


async def test_long_text_part_keeps_its_charset(ann: User) -> None:
    text = b"\xe4\r\n" * 500_000
    mail = await ann.deliver(b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" + text)
    response = await ann.client.get(f"{PATH}/{mail}/parts/0/details/full")
    assert response.headers["content-type"] == "text/plain; charset=iso-8859-1"
    assert response.content == text


async def test_source(ann: User) -> None:
    raw = make_message(subject='Größe "ü"/../x', text=TEXT)
    mail = await ann.deliver(raw)
    source = await ann.client.get(f"{PATH}/{mail}/source")
    assert source.content.endswith(raw)
    assert source.headers["content-type"] == "text/plain"
    download = await ann.client.get(f"{PATH}/{mail}/source/download")
    assert download.content == source.content
    assert download.headers["content-type"] == "message/rfc822"
    assert download.headers["content-disposition"].startswith('attachment; filename="Gr__e __')
    for path in ("source/headers", "headers", "headers/"):
        headers = await ann.client.get(f"{PATH}/{mail}/{path}")
        assert headers.text == source.text[: source.text.index("\r\n\r\n") + 4]
        assert headers.headers["content-type"] == "text/plain"


async def test_source_without_a_subject(ann: User) -> None:
    mail = await ann.deliver(b"X: y\r\n\r\ntext\r\n")
    response = await ann.client.get(f"{PATH}/{mail}/source/download")
    assert response.headers["content-disposition"] == 'attachment; filename="message.eml"'


@pytest.mark.parametrize("path", ["body", "body?type=text", "parts", "parts/details?partIds=0"])
async def test_etags(ann: User, path: str) -> None:
    mail = await deliver(ann)
    first = await ann.client.get(f"{PATH}/{mail}/{path}")
    tag = {"If-None-Match": first.headers["etag"]}
    unchanged = await ann.client.get(f"{PATH}/{mail}/{path}", headers=tag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    other = await deliver(ann)
    assert (await ann.client.get(f"{PATH}/{other}/{path}", headers=tag)).status_code == 200


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("body?type=pdf", "type"),
        ("body?showExternalImages=x", "showExternalImages"),
        ("body/full?type=", "type"),
        ("parts/x/details/full", "partId"),
        ("parts/-1/details/full", "partId"),
        ("parts/00/details/full", "partId"),
        (f"parts/{2**63}/details/full", "partId"),
    ],
)
async def test_bad_parameters(ann: User, path: str, parameter: str) -> None:
    mail = await deliver(ann)
    response = await ann.client.get(f"{PATH}/{mail}/{path}")
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": parameter}


async def test_unknown_part(ann: User) -> None:
    mail = await deliver(ann)
    assert (await ann.client.get(f"{PATH}/{mail}/parts/99/details/full")).status_code == 404
