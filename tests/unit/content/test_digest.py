"""What is computed once, at arrival: the same from memory and from a mapped file, whatever a message contains."""

import hashlib
import mmap
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.factories import make_message

from postroom.content import digest
from postroom.content.digest import Digest, digest_message
from postroom.model.mail import Part, Summary

HTML = [("Content-Type", "text/html; charset=utf-8")]


def digested(raw: bytes) -> Digest:
    return digest_message(raw)


def test_what_a_filing_holds() -> None:
    raw = make_message(
        subject="Re: Lunch",
        from_="Berta Ä <berta@other.test>",
        headers=[("Importance", "high"), ("Cc", "c@x.test")],
    )
    filing = digested(raw)
    assert (filing.sha256, filing.size_bytes) == (hashlib.sha256(raw).digest(), len(raw))
    assert (filing.importance, filing.has_attachments) == (2, False)
    assert (filing.sort_subject, filing.sort_from, filing.sort_to) == (b"lunch", b"berta a", b"anna")
    root = msgspec.msgpack.decode(filing.structure, type=Part)
    assert raw[root.body_start : root.end] == b"A short letter.\r\n"
    summary = msgspec.msgpack.decode(filing.summary, type=Summary)
    assert (summary.subject, summary.snippet) == ("Re: Lunch", "A short letter.")
    fields = filing.index_terms
    assert fields.cc == "c x test"
    assert "short letter" in fields.body


def test_a_mapped_file_is_digested_alike(tmp_path: Path) -> None:
    raw = make_message(body="<p>Hello <b>world</b></p>", headers=HTML)
    (tmp_path / "raw").write_bytes(raw)
    with (tmp_path / "raw").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert digest_message(mapped) == digested(raw)


def test_html_alone_is_indexed_as_text() -> None:
    filing = digested(make_message(body="<p>Hello <b>wor</b>ld</p><script>evil()</script>", headers=HTML))
    assert "hello world" in filing.index_terms.body
    assert "evil" not in filing.index_terms.body


def test_inline_images_are_told_beside_a_plain_text() -> None:
    body = (
        '--a\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n\r\nPlain.\r\n'
        '--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:one">\r\n--b--\r\n'
        "--a\r\nContent-Type: image/png\r\nContent-ID: <one>\r\n\r\nx\r\n"
        "--a\r\nContent-Type: image/png\r\nContent-ID: <two>\r\n\r\nx\r\n--a--\r\n"
    )
    filing = digested(make_message(body=body, headers=[("Content-Type", 'multipart/related; boundary="a"')]))
    summary = msgspec.msgpack.decode(filing.summary, type=Summary)
    assert summary.snippet == "Plain."
    assert [attachment.is_inline for attachment in summary.attachments] == [True, False]


def test_a_long_body_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "MAX_BODY_BYTES", 1000)
    filing = digested(make_message(body="early " * 100 + "filler " * 1000 + "late\r\n"))
    assert "early" in filing.index_terms.body
    assert "late" not in filing.index_terms.body


@given(st.binary(max_size=600), st.booleans())
def test_any_bytes_are_digested(junk: bytes, has_head: bool) -> None:
    raw = (make_message(headers=HTML)[:200] if has_head else b"") + junk
    filing = digested(raw)
    assert filing.size_bytes == len(raw)
    assert b"\x00" not in filing.sort_subject + filing.sort_from + filing.sort_to
    msgspec.msgpack.decode(filing.summary, type=Summary)
