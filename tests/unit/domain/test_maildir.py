"""Maildirs: flags, dates, folders and their names."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.filing import Flags
from postroom.domain.mail_files import count_bytes, iter_mail_files
from postroom.domain.mail_source import FoundMessage, Unusable
from postroom.domain.maildir import decode_utf7, encode_utf7, iter_maildir, parse_flags, render_flags


def make(folder: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True)
    return folder


def put(path: Path, content: bytes = b"Subject: x\n\nx\n", *, modified: int = 2_000_000_000) -> None:
    path.write_bytes(content)
    os.utime(path, (modified, modified))


def test_flags_dates_and_folders(tmp_path: Path) -> None:
    top = make(tmp_path / "mail")
    put(top / "cur" / "1000000002.M1.host:2,RS")
    put(top / "cur" / "1000000001.M2.host,S=12:2,", modified=999_999_999)
    put(top / "cur" / "noname")
    put(top / "cur" / ".hidden")
    put(top / "tmp" / "1000000009.half")
    put(top / "new" / "1000000003.M3.host:2,S")
    put(make(top / ".Archiv.B&APw-cher") / "cur" / "1000000004.M4.host:2,DFPT")
    (top / ".notmail").mkdir()
    found = [entry for entry in iter_maildir(top) if isinstance(entry, FoundMessage)]
    assert [(entry.date, entry.flags, entry.folder) for entry in found] == [
        (999_999_999, Flags(), ()),
        (1_000_000_002, Flags(is_unread=False, refw=1), ()),
        (2_000_000_000, Flags(), ()),
        (1_000_000_003, Flags(), ()),
        (
            1_000_000_004,
            Flags(is_flagged=True, is_draft=True, is_deleted=True, refw=2),
            ("Archiv", "Bücher"),
        ),
    ]
    assert all(entry.raw == b"Subject: x\r\n\r\nx\r\n" for entry in found)


def test_a_bad_file_does_not_end_it(tmp_path: Path) -> None:
    top = make(tmp_path / "mail")
    put(top / "cur" / "1.empty:2,S", b"\n")
    (top / "cur" / "2.dangling").symlink_to(tmp_path / "gone")
    put(top / "cur" / "3.good:2,S")
    empty, dangling, good = list(iter_maildir(top))
    assert isinstance(empty, Unusable)
    assert isinstance(dangling, Unusable)
    assert isinstance(good, FoundMessage)


def test_directories_of_maildirs_and_of_messages(tmp_path: Path) -> None:
    put(make(tmp_path / "box" / "Work" / "2020") / "cur" / "1.a:2,S")
    put(make(tmp_path / "box" / "INBOX") / "cur" / "2.b:2,S")
    plain = tmp_path / "box" / "letters" / "deep"
    plain.mkdir(parents=True)
    put(plain / "a.eml", b"Date: Thu, 1 Jan 1970 00:01:40 +0000\r\n\r\nx\n")
    put(
        plain / "b.EML",
        b"Received: by x; Thu, 1 Jan 1970\n 00:03:20 +0000\nDate: Thu, 1 Jan 1970 00:01:40 +0000\n\n",
    )
    put(plain / "c.txt")
    put(plain / "Inbox", b"From x Thu Jan  1 00:05:00 1970\nSubject: y\n\nz\n")
    put(plain / "d.eml", b"")
    (plain / "up").symlink_to(tmp_path)
    found = list(iter_mail_files(tmp_path / "box"))
    messages = [entry for entry in found if isinstance(entry, FoundMessage)]
    assert [(entry.folder, entry.date) for entry in messages] == [
        (("INBOX",), 2_000_000_000),
        (("Work", "2020"), 2_000_000_000),
        ((), 300),
        ((), 100),
        ((), 200),
    ]
    assert messages[3].raw.endswith(b"\r\n\r\nx\n"), "a message in wire format is kept byte for byte"
    assert [Path(entry.origin).name for entry in found if isinstance(entry, Unusable)] == ["d.eml"]
    assert count_bytes(tmp_path / "box") >= sum(entry.read_bytes for entry in found)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mbox", b"no separator", "not an mbox file: it does not begin with a From line"),
        ("a.eml", b"\r\n\r\n", "empty"),
        ("gone", None, "does not exist"),
    ],
)
def test_single_files_that_are_no_mail(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (found,) = iter_mail_files(tmp_path / name)
    assert isinstance(found, Unusable)
    assert found.reason == reason


def test_special_files_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.eml")
    assert list(iter_mail_files(tmp_path)) == []
    (found,) = iter_mail_files(tmp_path / "pipe.eml")
    assert isinstance(found, Unusable)


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("Bücher", "B&APw-cher"),
        ("a&b", "a&-b"),
        ("é&é", "&AOk-&-&AOk-"),
        ("v1.2", "v1&AC4-2"),
        ("日本語", "&ZeVnLIqe-"),
        ("😀", "&2D3eAA-"),
    ],
)
def test_folder_names(name: str, encoded: str) -> None:
    assert encode_utf7(name) == encoded
    assert decode_utf7(encoded) == name


@pytest.mark.parametrize("broken", ["&AO", "&A-", "a&b", "&!-", "&2D0-"])
def test_broken_folder_names_are_taken_as_they_stand(broken: str) -> None:
    assert decode_utf7(broken) == broken


@given(st.text())
def test_all_folder_names_come_back(name: str) -> None:
    encoded = encode_utf7(name)
    assert encoded.isascii()
    assert "." not in encoded
    assert decode_utf7(encoded) == name


@given(st.builds(Flags, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 3)))
def test_all_flags_come_back(flags: Flags) -> None:
    assert parse_flags(render_flags(flags)) == flags
