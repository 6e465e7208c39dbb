import email
import email.policy
import io
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from PIL import Image

from postroom.demo.mailbox import DemoMessage, demo_messages

NOW = datetime(2025, 5, 20, 12, 0, tzinfo=UTC)
OLD_FORM = {"<odd-plain-1985@mail.demo.example>", "<odd-raw-latin1@mail.demo.example>"}


@pytest.fixture(scope="module")
def messages() -> list[DemoMessage]:
    return demo_messages("demo@example.test", now=NOW)


@pytest.fixture(scope="module")
def parsed(messages: list[DemoMessage]) -> dict[str, EmailMessage]:
    found = {}
    for message in messages:
        one = email.message_from_bytes(message.raw, policy=email.policy.default)
        assert isinstance(one, EmailMessage)
        found[message.message_id] = one
    return found


def test_about_200_mails_oldest_first(messages: list[DemoMessage]) -> None:
    assert 180 <= len(messages) <= 220
    ages = [message.age_seconds for message in messages]
    assert ages == sorted(ages, reverse=True)
    assert len({message.message_id for message in messages}) == len(messages)
    assert 15 <= sum(message.is_unread for message in messages) <= 50
    assert 5 <= sum(message.is_flagged for message in messages) <= 20


def test_they_are_the_same_each_time(messages: list[DemoMessage]) -> None:
    assert demo_messages("demo@example.test", now=NOW) == messages


def test_lines_are_fit_for_lmtp(messages: list[DemoMessage]) -> None:
    for message in messages:
        assert message.raw.endswith(b"\r\n")
        lines = message.raw.split(b"\r\n")
        assert not any(b"\n" in line or b"\r" in line for line in lines), message.message_id
        assert max(map(len, lines)) <= 998, message.message_id


def test_the_standard_library_finds_no_defect(parsed: dict[str, EmailMessage]) -> None:
    for key, message in parsed.items():
        assert message["Message-ID"] == key
        if key not in OLD_FORM:
            assert [part.defects for part in message.walk() if part.defects] == [], key
            assert message["From"].addresses
            assert message["To"].addresses[0].addr_spec == "demo@example.test"


def test_dates_count_back_from_now(messages: list[DemoMessage], parsed: dict[str, EmailMessage]) -> None:
    for message in messages:
        if message.message_id not in OLD_FORM:
            date = parsedate_to_datetime(parsed[message.message_id]["Date"])
            assert abs(NOW - timedelta(seconds=message.age_seconds) - date) < timedelta(seconds=1)
            assert date < NOW


def test_addresses_are_in_reserved_domains(parsed: dict[str, EmailMessage]) -> None:
    for key, message in parsed.items():
        if key in OLD_FORM:
            continue
        for name in ("From", "To", "Cc", "Reply-To"):
            for address in message[name].addresses if name in message else ():
                assert address.domain.endswith((".example", ".test")), address


def test_answers_refer_to_what_came_before(
    messages: list[DemoMessage], parsed: dict[str, EmailMessage]
) -> None:
    seen: set[str] = set()
    answers = 0
    for message in messages:
        references = str(parsed[message.message_id].get("References", "")).split()
        assert set(references) <= seen
        answers += bool(references)
        seen.add(message.message_id)
    assert answers > 60


def test_texts_keep_their_script(parsed: dict[str, EmailMessage]) -> None:
    words = {
        "ja": ("来週の", "打ち合わせ", "iso-2022-jp"),
        "zh": ("报价单", "报价单已经收到", "gb18030"),
        "ko": ("회의록", "회의록", "euc-kr"),
        "ar-1256": ("القطار", "الرصيف", "windows-1256"),
        "hi": ("बैठक", "रिपोर्ट", "utf-8"),
        "el": ("φωτογραφίες", "φάκελο", "iso-8859-7"),
        "ru": ("Отчёт", "таблицу", "koi8-r"),
        "emoji": ("🎂", "👩‍👩‍👧‍👦", "utf-8"),
    }
    for key, (in_subject, in_text, charset) in words.items():
        message = parsed[f"<script-{key}@mail.demo.example>"]
        assert message.get_content_charset() == charset
        assert in_text in message.get_content()
        assert in_subject in message["Subject"]


def test_files_are_real(parsed: dict[str, EmailMessage]) -> None:
    kinds = Counter[str]()
    for message in parsed.values():
        for part in message.walk():
            if part.get_content_maintype() == "image":
                with Image.open(io.BytesIO(part.get_content())) as image:
                    image.load()
                    assert image.get_format_mimetype() == part.get_content_type()
            elif part.get_content_type() == "application/pdf":
                data = part.get_content()
                start = int(data.split(b"startxref\n")[1].split()[0])
                assert data[start:].startswith(b"xref\n")
            elif part.get_content_type() == "application/zip":
                assert zipfile.ZipFile(io.BytesIO(part.get_content())).testzip() is None
            kinds[part.get_content_type()] += 1
    assert kinds["image/jpeg"] >= 6
    assert kinds["application/pdf"] >= 3
    for kind in ("image/png", "application/zip", "text/csv", "audio/wav", "text/vcard", "text/calendar"):
        assert kinds[kind], kind
    assert kinds["message/rfc822"] >= 7
    assert kinds["multipart/report"] == 4
    assert kinds["message/delivery-status"] == 3


def test_inline_images_are_referred_to(parsed: dict[str, EmailMessage]) -> None:
    message = parsed["<file-inline@mail.demo.example>"]
    html = message.get_body(("html",))
    assert html is not None
    ids = [part["Content-ID"].strip("<>") for part in message.walk() if "Content-ID" in part]
    assert len(ids) == 2
    assert all(f"cid:{one}" in html.get_content() for one in ids)


def test_what_flags_and_receipts_are_shown_for_occurs(parsed: dict[str, EmailMessage]) -> None:
    for name in (
        "Disposition-Notification-To",
        "Importance",
        "X-Priority",
        "Priority",
        "List-Id",
        "Reply-To",
        "Cc",
    ):
        assert any(name in message for message in parsed.values()), name
    methods = {part.get_param("method") for message in parsed.values() for part in message.walk()}
    assert {"REQUEST", "CANCEL", "REPLY"} <= methods
