"""Gathering a message in memory and on disk; failures that wait for the end."""

import errno
import mmap
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.delivery.spool import MessageSpool
from postroom.errors import Kind, PostroomError

_TRACE = b"Return-Path: <>\r\n"


def spool(directory: Path, *, memory_bytes: int = 100, max_bytes: int = 10_000) -> MessageSpool:
    return MessageSpool(_TRACE, directory=directory, memory_bytes=memory_bytes, max_bytes=max_bytes)


@pytest.mark.parametrize(
    ("written", "content"),
    [
        (b"", _TRACE),
        (b"a\r\n", _TRACE + b"a\r\n"),
        (b"a", _TRACE + b"a\r\n"),
        (b"a\n", _TRACE + b"a\n\r\n"),
        (b"a\r", _TRACE + b"a\r\r\n"),
        (b"\n", _TRACE + b"\n\r\n"),
    ],
)
def test_small(tmp_path: Path, written: bytes, content: bytes) -> None:
    gathered = spool(tmp_path)
    gathered.write(written)
    assert gathered.finish() == content
    gathered.close()


def test_large_is_a_read_only_map_without_a_name(tmp_path: Path) -> None:
    gathered = spool(tmp_path)
    for _ in range(10):
        gathered.write(b"x" * 100)
    content = gathered.finish()
    assert isinstance(content, mmap.mmap)
    assert content[:] == _TRACE + b"x" * 1000 + b"\r\n"
    with pytest.raises(TypeError):
        content[0] = 0
    assert list(tmp_path.iterdir()) == []
    gathered.close()
    assert content.closed


def test_close_while_somebody_still_looks(tmp_path: Path) -> None:
    gathered = spool(tmp_path)
    gathered.write(b"x" * 200)
    content = gathered.finish()
    with memoryview(content) as view:
        gathered.close()
        assert bytes(view[-3:]) == b"x\r\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(20, 200))
def test_content_does_not_depend_on_where_it_is_kept(
    tmp_path: Path, pieces: list[bytes], memory_bytes: int
) -> None:
    gathered = spool(tmp_path, memory_bytes=memory_bytes)
    for piece in pieces:
        gathered.write(piece)
    expected = _TRACE + b"".join(pieces)
    assert gathered.size_bytes == len(expected) - len(_TRACE)
    assert gathered.finish()[:] == expected + (b"" if expected.endswith(b"\r\n") else b"\r\n")
    gathered.close()


def test_too_large_at_one_byte_more(tmp_path: Path) -> None:
    gathered = spool(tmp_path, max_bytes=10)
    gathered.write(b"x" * 10)
    assert gathered.failure is None
    assert gathered.finish() == _TRACE + b"x" * 10 + b"\r\n"
    gathered = spool(tmp_path, max_bytes=10)
    gathered.write(b"x" * 10)
    gathered.write(b"x")
    gathered.write(b"x" * 1000)
    with pytest.raises(PostroomError) as caught:
        gathered.finish()
    assert caught.value.kind is Kind.TOO_LARGE
    gathered.close()


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    """Make the kernel refuse files beyond 4 KiB, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, previous)


def test_no_space(tmp_path: Path, file_size_limit: int) -> None:
    gathered = spool(tmp_path, max_bytes=100_000)
    for _ in range(3):
        gathered.write(b"x" * file_size_limit)
    with pytest.raises(PostroomError) as caught:
        gathered.finish()
    assert caught.value.code == "diskFull"
    assert str(errno.EFBIG) in caught.value.private
    gathered.close()


def test_no_directory(tmp_path: Path) -> None:
    gathered = spool(tmp_path / "nowhere")
    gathered.write(b"x" * 200)
    with pytest.raises(PostroomError) as caught:
        gathered.finish()
    assert caught.value.code == "unavailable"
    gathered.close()
