"""mbox files: separators, quoting, flags, dates, line ends, and what is written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.filing import Flags
from postroom.domain.mail_source import FoundMessage, Unusable, with_crlf, without_crlf
from postroom.domain.mbox import iter_mbox, render_mbox_message

SEPARATOR = b"From anna@example.test Sat Jan  3 01:05:34 1998\n"


def read(tmp_path: Path, content: bytes) -> list[FoundMessage]:
    path = tmp_path / "mail.mbox"
    path.write_bytes(content)
    found = list(iter_mbox(path))
    messages = [entry for entry in found if isinstance(entry, FoundMessage)]
    assert messages == found
    assert sum(message.read_bytes for message in messages) == len(content)
    return messages


def test_messages_are_split(tmp_path: Path) -> None:
    one, two = read(
        tmp_path,
        SEPARATOR
        + b"Subject: 1\n\nFrom here on\n\nFrom now on: 12 things\n\n"
        + SEPARATOR
        + b"Subject: 2\n\nx\n\n",
    )
    assert one.raw == b"Subject: 1\r\n\r\nFrom here on\r\n\r\nFrom now on: 12 things\r\n"
    assert two.raw == b"Subject: 2\r\n\r\nx\r\n"
    assert one.date == 883789534
    assert one.origin.endswith("mail.mbox, message 1")
    assert one.flags == Flags()


def test_a_separator_needs_an_empty_line_before(tmp_path: Path) -> None:
    (one,) = read(tmp_path, SEPARATOR + b"Subject: 1\n\ntext\n" + SEPARATOR + b"more\n")
    assert one.raw.count(b"\r\n") == 5


def test_quoting_is_taken_off(tmp_path: Path) -> None:
    (one,) = read(tmp_path, SEPARATOR + b"Subject: 1\n\n>From a\n>>From b\n> From c\n>Frome\n\n")
    assert one.raw == b"Subject: 1\r\n\r\nFrom a\r\n>From b\r\n> From c\r\n>Frome\r\n"


def test_the_last_message_may_lack_its_empty_line(tmp_path: Path) -> None:
    (one,) = read(tmp_path, SEPARATOR + b"Subject: 1\n\nx")
    assert one.raw == b"Subject: 1\r\n\r\nx"


def test_a_first_separator_without_a_date(tmp_path: Path) -> None:
    (one,) = read(tmp_path, b"From ???@???\nDate: Thu, 1 Jan 1970 00:01:40 +0000\n\nx\n")
    assert one.date == 100


def test_crlf_files(tmp_path: Path) -> None:
    content = (SEPARATOR + b"Subject: 1\n\nx\n\n" + SEPARATOR + b"Subject: 2\n\ny\n\n").replace(
        b"\n", b"\r\n"
    )
    assert [message.raw for message in read(tmp_path, content)] == [
        b"Subject: 1\r\n\r\nx\r\n",
        b"Subject: 2\r\n\r\ny\r\n",
    ]


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (b"Status: RO\n", Flags(is_unread=False)),
        (b"Status: O\nX-Status: AFT\n", Flags(is_flagged=True, is_draft=True, refw=1)),
        (b"Status: R\nX-Status: D\n", Flags(is_unread=False, is_deleted=True)),
    ],
)
def test_status_is_read_and_taken_off(tmp_path: Path, header: bytes, flags: Flags) -> None:
    (one,) = read(tmp_path, SEPARATOR + b"Subject: 1\n" + header + b"To: x\n\nStatus: body\n\n")
    assert one.flags == flags
    assert one.raw == b"Subject: 1\r\nTo: x\r\n\r\nStatus: body\r\n"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (b"X-Mozilla-Status: 1007\n", Flags(is_unread=False, is_flagged=True, refw=3)),
        (b"X-Mozilla-Status: zz\n", Flags()),
        (b"X-Gmail-Labels: Inbox,Starred\n", Flags(is_unread=False, is_flagged=True)),
        (b"X-Gmail-Labels: Unread, Sent\n", Flags()),
    ],
)
def test_flags_of_other_programs(tmp_path: Path, header: bytes, flags: Flags) -> None:
    (one,) = read(tmp_path, SEPARATOR + header + b"\nx\n")
    assert one.flags == flags
    assert one.raw.startswith(header.replace(b"\n", b"\r\n"))


def test_bad_messages_do_not_end_it(tmp_path: Path) -> None:
    path = tmp_path / "mail.mbox"
    deleted = b"X-Mozilla-Status: 0009\n\nx\n\n"
    path.write_bytes(SEPARATOR + b"\n" + SEPARATOR + deleted + SEPARATOR + b"Subject: 3\n\nx\n")
    empty, gone, last = list(iter_mbox(path))
    assert isinstance(empty, Unusable)
    assert empty.reason == "empty"
    assert isinstance(gone, Unusable)
    assert gone.reason.startswith("deleted")
    assert isinstance(last, FoundMessage)


def test_a_message_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.domain.mbox.MAX_MESSAGE_BYTES", 100)
    path = tmp_path / "mail.mbox"
    path.write_bytes(SEPARATOR + b"x" * 200 + b"\n\n" + SEPARATOR + b"y\n")
    large, small = list(iter_mbox(path))
    assert isinstance(large, Unusable)
    assert isinstance(small, FoundMessage)
    assert small.raw == b"y\r\n"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (found,) = iter_mbox(tmp_path / "none")
    assert isinstance(found, Unusable)
    assert found.reason == "cannot be read: No such file or directory"


lines = st.lists(
    st.one_of(
        st.sampled_from(
            [b"", b"From x", b">From x", b">>From x", SEPARATOR.strip(), b"Subject: x", b"\xff\x00"]
        ),
        st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")),
    ),
    max_size=8,
).map(lambda parts: b"".join(part + b"\r\n" for part in parts))
flag_sets = st.builds(
    Flags,
    is_unread=st.booleans(),
    is_flagged=st.booleans(),
    is_draft=st.booleans(),
    is_deleted=st.booleans(),
    refw=st.sampled_from([0, 1]),
)


@given(st.lists(st.tuples(lines, flag_sets, st.integers(0, 4_000_000_000)), min_size=1, max_size=4))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[bytes, Flags, int]]
) -> None:
    path = tmp_path_factory.mktemp("mbox") / "x"
    wanted = [(b"Subject: x\r\n\r\n" + body, flags, date) for body, flags, date in messages]
    path.write_bytes(
        b"".join(render_mbox_message(raw, date=date, flags=flags) for raw, flags, date in wanted)
    )
    found = [entry for entry in iter_mbox(path) if isinstance(entry, FoundMessage)]
    assert [(entry.raw, entry.flags, entry.date) for entry in found] == wanted


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"\n\n"])).map(b"".join))
def test_line_ends_lose_nothing(raw: bytes) -> None:
    wire = with_crlf(raw)
    assert with_crlf(wire) == wire
    assert with_crlf(without_crlf(wire)) == wire
