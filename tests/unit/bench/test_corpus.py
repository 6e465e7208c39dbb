import email
import email.policy
import hashlib
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from itertools import islice

import pytest

from postroom.bench.corpus import find_kind, iter_messages

FIRST_200_SHA256 = "1840ad15ed7a8eda5514d2e2722673cf5ceb1d40c9db2aa45373ebf9f486f07f"


@pytest.fixture(scope="module")
def messages() -> list[bytes]:
    return list(iter_messages(2000))


@pytest.fixture(scope="module")
def parsed(messages: list[bytes]) -> list[Message]:
    return [email.message_from_bytes(raw) for raw in messages]


def test_the_corpus_never_changes() -> None:
    digest = hashlib.sha256(b"".join(iter_messages(200))).hexdigest()
    assert digest == FIRST_200_SHA256


def test_a_longer_run_begins_with_the_shorter_one(messages: list[bytes]) -> None:
    assert list(iter_messages(100)) == messages[:100]
    assert list(islice(iter_messages(10**9), 100)) == messages[:100]


def test_the_seed_and_the_recipient_matter(messages: list[bytes]) -> None:
    assert not set(iter_messages(50, seed=2)) & set(messages)
    other = next(iter_messages(1, to="someone@example.test"))
    assert b"\r\nTo: Robin Demo <someone@example.test>\r\n" in other


def test_messages_are_about_20_kb_and_all_different(messages: list[bytes]) -> None:
    assert 18_000 <= sum(map(len, messages)) / len(messages) <= 22_000
    assert len(set(messages)) == len(messages)


def test_lines_end_in_crlf_and_are_short_enough(messages: list[bytes]) -> None:
    for raw in messages:
        lines = raw.split(b"\r\n")
        assert lines[-1] == b""
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert b"\r" not in raw.replace(b"\r\n", b"")
        assert max(map(len, lines)) <= 998


def leaves(message: Message) -> Iterator[Message]:
    return (part for part in message.walk() if not part.is_multipart())


def test_the_standard_library_finds_no_defect(parsed: list[Message]) -> None:
    for message in parsed:
        for part in message.walk():
            assert part.defects == []
            for name, value in part.items():
                assert value.isascii(), name


def test_every_text_decodes_in_its_charset(parsed: list[Message]) -> None:
    charsets = Counter[str]()
    for message in parsed:
        for part in leaves(message):
            if part.get_content_maintype() != "text":
                continue
            payload = part.get_payload(decode=True)
            charset = part.get_content_charset()
            assert isinstance(payload, bytes)
            assert charset is not None
            assert payload.decode(charset).strip()
            charsets[charset] += 1
    assert {"us-ascii", "utf-8", "koi8-r", "iso-2022-jp", "gb18030", "iso-8859-1"} < charsets.keys()
    assert {"iso-8859-2", "iso-8859-7", "iso-8859-15"} < charsets.keys()


def test_7bit_parts_are_seven_bit(parsed: list[Message]) -> None:
    for message in parsed:
        for part in leaves(message):
            if part.get("Content-Transfer-Encoding") == "7bit":
                payload = part.get_payload(decode=True)
                assert isinstance(payload, bytes)
                assert payload.isascii()


def test_headers_decode(messages: list[bytes]) -> None:
    subjects = set()
    for raw in messages[:500]:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        assert message["From"].addresses[0].display_name
        assert message["From"].addresses[0].domain.endswith((".org", ".com", ".net", ".example"))
        assert parsedate_to_datetime(message["Date"]).year >= 2024
        subjects.add(str(make_header(decode_header(message["Subject"]))))
    assert any("会議" in subject or "資料" in subject for subject in subjects)
    assert any(subject.startswith("Re: ") for subject in subjects)


def test_all_kinds_and_headers_occur(messages: list[bytes], parsed: list[Message]) -> None:
    kinds = Counter(find_kind(message["Message-ID"]) for message in parsed)
    assert kinds.keys() == {
        "plain",
        "alternative",
        "newsletter",
        "attachment",
        "inline",
        "list",
        "invitation",
    }
    assert kinds["newsletter"] > 300
    for name in ("List-Id", "Importance", "Disposition-Notification-To", "Cc", "In-Reply-To"):
        assert sum(name in message for message in parsed) > 10, name
    methods = [part.get_param("method") for message in parsed for part in leaves(message)]
    assert methods.count("REQUEST") == kinds["invitation"]


def test_answers_refer_to_earlier_messages(parsed: list[Message]) -> None:
    seen: set[str] = set()
    answers = 0
    for message in parsed:
        if "In-Reply-To" in message:
            references = message["References"].split()
            assert references[-1] == message["In-Reply-To"]
            assert set(references) <= seen
            assert len(references) <= 10
            assert message["Subject"].startswith("Re: ")
            answers += 1
        seen.add(message["Message-ID"])
    assert 0.3 < answers / len(parsed) < 0.5
    assert len(seen) == len(parsed)


def test_attachments_have_names_and_are_whole(parsed: list[Message]) -> None:
    types = Counter[str]()
    names = []
    for message in parsed:
        for part in leaves(message):
            if part.get_content_disposition() == "attachment":
                payload = part.get_payload(decode=True)
                assert isinstance(payload, bytes)
                assert len(payload) > 1000
                assert part.get_content_type() != "application/pdf" or payload.startswith(b"%PDF-1.4")
                types[part.get_content_type()] += 1
                names.append(part.get_filename())
    assert len(types) == 5
    assert all(names)


def test_inline_images_are_real_and_referred_to(parsed: list[Message]) -> None:
    images = 0
    for message in parsed:
        if find_kind(message["Message-ID"]) != "inline":
            continue
        html, *pictures = leaves(message)
        text = html.get_payload(decode=True)
        assert isinstance(text, bytes)
        for picture in pictures:
            data = picture.get_payload(decode=True)
            assert isinstance(data, bytes)
            assert b"cid:" + picture["Content-ID"].strip("<>").encode() in text
            check_png(data)
            images += 1
    assert images > 20


def check_png(data: bytes) -> None:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    offset, chunks = 8, []
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8 : offset + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", data, offset + 8 + length)[0]
        chunks.append((kind, body))
        offset += 12 + length
    width, height = struct.unpack_from(">II", chunks[0][1])
    assert len(zlib.decompress(chunks[1][1])) == height * (3 * width + 1)
    assert chunks[-1] == (b"IEND", b"")


def test_find_kind_knows_only_our_own() -> None:
    assert find_kind("<00000001.plain.0001@x.example>") == "plain"
    assert find_kind("00000001.newsletter.0001@x.example") == "newsletter"
    assert find_kind("<abc@x.example>") == ""
    assert find_kind("") == ""
