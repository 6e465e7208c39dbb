"""What messages are joined by."""

import pytest

from postroom.content.digest import read_summary
from postroom.mime.parse import parse_message
from postroom.mime.threading import (
    MOST_AT_EACH_END,
    MOST_PARTICIPANTS,
    find_answered,
    make_key,
    thread_subject,
    threading_of,
)
from postroom.model.thread import Threading


def read(*fields: str) -> Threading:
    raw = ("\r\n".join(fields) + "\r\n\r\nText.\r\n").encode()
    root = parse_message(raw)
    summary, _ = read_summary(raw, root)
    return threading_of(raw, root, summary, sha256=b"\x01" * 32)


def answered(*fields: str) -> list[str]:
    raw = ("\r\n".join(fields) + "\r\n\r\n").encode()
    return find_answered(raw, parse_message(raw))


@pytest.mark.parametrize(
    ("text", "subject", "is_reply"),
    [
        ("Lunch", b"lunch", False),
        ("  LUNCH \t today ", b"lunch today", False),
        ("Re: Lunch", b"lunch", True),
        ("AW: Re[3]: Fwd: Lunch", b"lunch", True),
        ("[list] Lunch", b"lunch", False),
        ("[list] Re: [list] [other] Lunch", b"lunch", True),
        ("Lunch (fwd)", b"lunch", True),
        ("[3] Lunch", b"lunch", False),
        ("[list]", b"[list]", False),
        ("Ré: Äpfel", b"re: apfel", False),
        ("回复：午餐", "午餐".encode(), True),
        ("", b"", False),
        ("Re:", b"", True),
        ("Re: " * 5000, b"", True),
        ("[a]" * 5000, None, False),
        ("x" * 100_000, b"x" * 400, False),
    ],
)
def test_subjects(text: str, subject: bytes | None, is_reply: bool) -> None:
    found = thread_subject(text)
    assert found[1] == is_reply
    if subject is not None:
        assert found[0] == subject


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (["References: <a@x> <b@x>"], ["a@x", "b@x"]),
        (["References: <a@x>\r\n\t<b@x>", "In-Reply-To: <b@x>"], ["b@x", "a@x"]),
        (["references: <a@x>", "References: <b@x>"], ["a@x"]),
        (["References: a@x, b@x"], ["a@x", "b@x"]),
        (["In-Reply-To: Your message of Monday"], []),
        (["In-Reply-To: Your message <a@x> of Monday"], ["a@x"]),
        (["References: <>< ><<a@x>>"], ["a@x"]),
        (["References: <a\r\n @x>"], ["a@x"]),
        (["References: <" + "a" * 2000 + "@x> <b@x>"], ["b@x"]),
        (["References: " + "<" * 30_000], []),
        (["X-References: <a@x>"], []),
        (["References: \x00\xff<a@x>\xfe"], ["a@x"]),
    ],
)
def test_what_is_answered(fields: list[str], names: list[str]) -> None:
    assert answered(*fields) == names


def test_thousands_of_references() -> None:
    names = answered("References: " + "\r\n ".join(f"<{number}@x>" for number in range(5000)))
    assert len(names) == 2 * MOST_AT_EACH_END
    assert (names[0], names[-1]) == ("0@x", "4999@x")


def test_a_message_without_identification_is_named_by_its_hash() -> None:
    first, second = read("Subject: Lunch"), read("Subject: Lunch", "Message-ID: <>")
    assert len(first.references) == 1
    assert first.references == second.references
    assert first.references != read("Subject: Lunch", "Message-ID: <a@x>").references


def test_the_subject_is_part_of_a_key() -> None:
    first = read("Subject: Lunch", "Message-ID: <a@x>")
    assert first.references == (make_key("a@x", b"lunch"),)
    assert read("Subject: Re: Lunch", "References: <a@x>").references[1:] == first.references
    assert read("Subject: Dinner", "References: <a@x>").references[1:] != first.references


def test_who_takes_part() -> None:
    found = read("Subject: Lunch", "From: A <Anna@X.test>", "To: b@x.test, anna@x.test", "Cc: junk, c@x.test")
    assert [one.address for one in found.participants] == ["anna@x.test", "b@x.test", "c@x.test"]
    assert found.participants[1].key == make_key("b@x.test", b"lunch")
    assert read("From: a@x.test", "Subject: Re:").participants == ()
    many = read("Subject: Lunch", "To: " + ", ".join(f"user{number}@x.test" for number in range(3000)))
    assert len(many.participants) == MOST_PARTICIPANTS


def test_which_replies_join_by_their_subject() -> None:
    assert read("Subject: Re: Lunch").is_reply
    assert not read("Subject: Lunch").is_reply
    assert not read("Subject: Re: Lunch", "References: <a@x>").is_reply
    assert not read("Subject: Re: Lunch", "In-Reply-To: <a@x>").is_reply
    assert read("Subject: Re: Lunch", "In-Reply-To: what you said").is_reply
