"""Zip archives that are sent while they are written."""

import io
import zipfile
from collections.abc import AsyncIterator
from functools import partial

import pytest

from postroom.api.archive import Entry, iter_archive, measure_archive, number_names


async def read(content: bytes, step: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), step):
        yield content[start : start + step]


@pytest.mark.parametrize(
    ("names", "numbered"),
    [
        (["a.txt", "b.txt"], ["a.txt", "b.txt"]),
        (["a.txt", "a.txt", "a.txt"], ["a.txt", "a (2).txt", "a (3).txt"]),
        (["a.txt", "A.TXT"], ["a.txt", "A (2).TXT"]),
        (["a", "a (2)", "a"], ["a", "a (2)", "a (3)"]),
        ([".profile", ".profile"], [".profile", ".profile (2)"]),
        (["a.tar.gz", "a.tar.gz"], ["a.tar.gz", "a.tar (2).gz"]),
        ([], []),
    ],
)
def test_equal_names_get_a_number(names: list[str], numbered: list[str]) -> None:
    assert number_names(names) == numbered


def test_very_many_of_one_name_take_no_time() -> None:
    numbered = number_names(["a.txt", "A.TXT"] * 50_000)
    assert numbered[:3] == ["a.txt", "A (2).TXT", "a (3).txt"]
    assert numbered[-1] == "A (100000).TXT"


@pytest.mark.parametrize("date", [-1, 0, 1_744_407_421, 2**40])
@pytest.mark.parametrize(
    "files",
    [
        {},
        {"empty": b""},
        {"a.txt": b"text" * 1000, "größe.bin": bytes(range(256)) * 40, "empty": b""},
    ],
)
async def test_archive(files: dict[str, bytes], date: int) -> None:
    entries = [Entry(name, len(content), partial(read, content)) for name, content in files.items()]
    chunks = [chunk async for chunk in iter_archive(entries, date=date)]
    data = b"".join(chunks)
    assert len(data) == measure_archive(entries)
    assert max(map(len, chunks)) < 2000
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files


@pytest.mark.parametrize("count", [0xFFFF, 0x10000])
async def test_more_entries_than_16_bits_count(count: int) -> None:
    entries = [Entry(str(number), 0, partial(read, b"")) for number in range(count)]
    data = b"".join([chunk async for chunk in iter_archive(entries, date=0)])
    assert len(data) == measure_archive(entries)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.infolist()) == count
