"""A memory-mapped message of any size is read with little memory of our own."""

import base64
import mmap
import tempfile
import tracemalloc
from collections.abc import Iterator

import pytest

from postroom.mime.index_text import index_fields
from postroom.mime.parse import parse_message
from postroom.mime.structure import best_body
from postroom.mime.summary import summarise
from tests.unit.mime.messages import crlf, iter_decoded, iter_slices

ATTACHMENT_BYTES = 24 << 20
ALLOWED_BYTES = 6 << 20


@pytest.fixture(scope="module")
def mapped() -> Iterator[mmap.mmap]:
    with tempfile.TemporaryFile() as file:
        file.write(crlf("Subject: large\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n"))
        file.write(b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n")
        line = base64.b64encode(bytes(range(57))) + b"\r\n"
        file.write(line * (ATTACHMENT_BYTES // 57) + b"--b--\r\n")
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            yield whole


def test_digesting_takes_little_memory(mapped: mmap.mmap) -> None:
    tracemalloc.start()
    try:
        root = parse_message(mapped)
        summary = summarise(mapped, root, body_text="text", html=None)
        index_fields(mapped, root, "text")
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [attachment.size for attachment in summary.attachments] == [ATTACHMENT_BYTES // 57 * 57]
    body = best_body(root, "text")
    assert body is not None
    assert mapped[body.body_start : body.end] == b"text"
    assert peak_bytes < ALLOWED_BYTES


def test_streaming_takes_little_memory(mapped: mmap.mmap) -> None:
    part = parse_message(mapped).parts[1]
    tracemalloc.start()
    try:
        pieces = iter_slices(mapped, part.body_start, end=part.end, slice_bytes=256 << 10)
        decoded_bytes = sum(map(len, iter_decoded(pieces, part.encoding)))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert decoded_bytes == ATTACHMENT_BYTES // 57 * 57
    assert peak_bytes < ALLOWED_BYTES
