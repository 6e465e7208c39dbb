"""Programs and scripts among attachments, however they are named, wrapped and hidden."""

import base64
import io
import struct
import time
import zipfile
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mime import dangerous
from postroom.mime.dangerous import has_dangerous, is_dangerous_name, is_program
from postroom.mime.parse import parse_message

EXE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + b"\0" * 100
Member = tuple[str, bytes]


def make_zip(*members: Member, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def make_message(
    content: bytes, *, name: str = "a.bin", kind: str = "application/octet-stream", encoding: str = "base64"
) -> bytes:
    body = base64.encodebytes(content).replace(b"\n", b"\r\n") if encoding == "base64" else content
    return (
        b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
        + f'Content-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'.encode()
        + body
        + b"\r\n--b--\r\n"
    )


def is_dangerous(raw: bytes) -> bool:
    return has_dangerous(raw, parse_message(raw))


@pytest.mark.parametrize(
    "name",
    [
        "a.exe",
        "A.EXE",
        "a.pdf.exe",
        "a.exe ",
        "a.exe.",
        "a.exe . .",
        "dir/a.js",
        "dir\\a.vbs",
        "a\u202egpj.exe",
        "a.e\u200bxe",
        "a.exe:stream",
        "a.exe::$DATA",
        "ａ.ｅｘｅ",
        ".bat",
        "a.sh",
        "a.lnk",
        "a.jar",
        "a.ps1",
    ],
)
def test_names(name: str) -> None:
    assert is_dangerous_name(name)


@pytest.mark.parametrize(
    "name", ["", "a", "exe", "a.pdf", "a.exe.pdf", "a.exe/b.txt", "a.docx", "a.zip", ".", "a.", "a.exec"]
)
def test_harmless_names(name: str) -> None:
    assert not is_dangerous_name(name)


@pytest.mark.parametrize(
    "head",
    [
        EXE,
        b"\x7fELF\x02",
        b"#!/bin/sh\n",
        b"\xef\xbb\xbf#! /usr/bin/env x",
        b"\xca\xfe\xba\xbe\0\0",
        b"L\0\0\0\x01\x14\x02\0",
    ],
)
def test_beginnings(head: bytes) -> None:
    assert is_program(head)
    assert is_dangerous(make_message(head, name="a.pdf"))


@pytest.mark.parametrize(
    "head", [b"", b"MZ", b"MZ is a text that begins so", b"#! no path", b"%PDF-1.4", b"PK\x03\x04"]
)
def test_harmless_beginnings(head: bytes) -> None:
    assert not is_program(head)
    assert not is_dangerous(make_message(head, name="a.pdf"))


@pytest.mark.parametrize("encoding", ["base64", "8bit"])
def test_encodings(encoding: str) -> None:
    assert is_dangerous(make_message(EXE, encoding=encoding))


def test_kinds() -> None:
    assert is_dangerous(make_message(b"x", kind="application/x-msdownload"))
    assert is_dangerous(make_message(b"x", kind="text/javascript", name="a"))
    assert not is_dangerous(b"Content-Type: text/plain\r\n\r\n#!/bin/sh\r\n")
    assert is_dangerous(b"Content-Type: text/plain; name=a.sh\r\n\r\necho\r\n")
    assert is_dangerous(b"Content-Disposition: attachment\r\n\r\n#!/bin/sh\r\n")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("a.txt", b"x"), ("b.exe", b"")], True),
        ([("a.txt", b"x"), ("b.pdf", EXE)], True),
        ([("a.txt", b"x"), ("b.pdf", b"%PDF")], False),
        ([("dir/b.js", b"")], True),
        ([], False),
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_archives(members: Sequence[Member], expected: bool, method: int) -> None:
    archive = make_zip(*members, method=method)
    assert is_dangerous(make_message(archive, name="a.zip")) == expected
    # Whatever it is called.
    assert is_dangerous(make_message(archive, name="a.dat")) == expected or not members
    # A self-extracting archive, whose beginning is something else.
    assert is_dangerous(make_message(b"x" * 99 + archive, name="a.zip")) == expected


def test_what_is_packed_in_another_way_is_told_by_its_name() -> None:
    archive = make_zip(("a.exe", EXE), method=zipfile.ZIP_BZIP2)
    assert is_dangerous(make_message(archive, name="a.zip"))
    archive = make_zip(("a.pdf", EXE), method=zipfile.ZIP_BZIP2)
    assert not is_dangerous(make_message(archive, name="a.zip"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_archives_in_archives(method: int) -> None:
    archive = make_zip(("x.scr", b"x"), method=method)
    for _ in range(dangerous.DEPTH - 1):
        archive = make_zip(("inner.dat", archive), method=method)
        assert is_dangerous(make_message(archive, name="a.zip"))
    deeper = make_zip(("inner.dat", archive), method=method)
    # What is not packed is seen at any depth.
    assert is_dangerous(make_message(deeper, name="a.zip")) == (method == zipfile.ZIP_STORED)


def test_encrypted_archives_are_told_by_names() -> None:
    archive = bytearray(make_zip(("a.pdf", EXE)))
    archive[6] |= 1
    assert not is_dangerous(make_message(bytes(archive), name="a.zip"))
    archive = bytearray(make_zip(("a.exe", b"noise")))
    archive[6] |= 1
    assert is_dangerous(make_message(bytes(archive), name="a.zip"))


def test_a_directory_that_lies() -> None:
    """The name before a member counts, and that in the directory; so does what the directory leaves out."""
    archive = make_zip(("aa.exe", b"x"))
    assert is_dangerous(make_message(archive.replace(b"aa.exe", b"aa.txt", 1), name="a.zip"))
    local = make_zip(("bb.exe", b"x"))
    assert is_dangerous(
        make_message(local.replace(b"bb.exe", b"bb.txt").replace(b"bb.txt", b"bb.exe", 1), name="a.zip")
    )
    assert is_dangerous(make_message(archive[: archive.index(b"PK\x01\x02")], name="a.zip"))


def test_attached_messages() -> None:
    inner = make_message(EXE, name="a.pdf")
    raw = b"Content-Type: message/rfc822\r\n\r\n" + inner
    assert is_dangerous(raw)
    raw = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(
        inner
    )
    assert is_dangerous(raw)


def _took_little(raw: bytes) -> bool:
    root = parse_message(raw)
    started = time.process_time()
    found = has_dangerous(raw, root)
    assert time.process_time() - started < 3
    return found


def test_bombs() -> None:
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = zeros.compress(b"\0" * (200 << 20)) + zeros.flush()
    bomb = make_zip(("a.txt", b"x"))
    header = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), 0, 5, 0) + b"a.txt"
    assert not _took_little(make_message((header + packed) * 20 + bomb, name="a.zip"))
    # Archives that unpack to archives, many of them.
    inner = make_zip(*((f"{number}.txt", b"\0" * 1000) for number in range(50)))
    assert not _took_little(make_message(make_zip(*((f"{n}.dat", inner) for n in range(500))), name="a.zip"))
    many = b"".join([header + b"\x03\0"] * 200_000)
    assert not _took_little(make_message(many, name="a.zip"))
    overlapping = header.replace(b"a.txt", b"") * 50_000
    assert not _took_little(make_message(overlapping, name="a.zip"))


def test_many_attachments() -> None:
    part = b"--b\r\nContent-Type: application/zip\r\n\r\nPK\x03\x04\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 9_000 + b"--b--\r\n"
    assert not _took_little(raw)


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_anything_is_searched_without_failure(tail: bytes, place: int, value: int) -> None:
    archive = bytearray(make_zip(("a.txt", b"x"), ("b.dat", make_zip(("c.txt", b"y")))) + tail)
    archive[place % len(archive)] = value
    is_dangerous(make_message(bytes(archive), name="a.zip"))
