"""Pictures made anew: of hostile files nothing comes, and of no file anything but a small picture."""

import asyncio
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from postroom.content import pictures
from postroom.content.picture import JPEG, MAX_SIDE, NO_IMAGE, PNG, TOO_LARGE, remake
from postroom.content.pictures import Failure, PictureMaker
from postroom.model.profile import Picture


def image(size: tuple[int, int] = (40, 30), *, mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 1).save(out, kind, **options)
    return out.getvalue()


SEEDS = [
    image(),
    image(mode="RGBA"),
    image(mode="P", kind="GIF"),
    image(kind="JPEG"),
    image(kind="JPEG", progressive=True),
    image(kind="WEBP"),
    image(kind="WEBP", lossless=True, mode="RGBA"),
    image(kind="BMP"),
    image(mode="1", kind="BMP"),
]


def check(answer: bytes) -> None:
    kind, data = answer[:1], answer[1:]
    if kind in {PNG, JPEG}:
        found = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        found.load()
        assert max(found.size) <= MAX_SIDE
        assert found.format == ("PNG" if kind == PNG else "JPEG")
        assert not found.getexif()
        assert not {"comment", "icc_profile", "exif", "xmp"} & set(found.info)
    else:
        assert answer in {NO_IMAGE, TOO_LARGE}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(0, 2000),
    st.binary(max_size=20),
)
def test_changed_files(seed: bytes, changes: list[tuple[int, int]], cut: int, tail: bytes) -> None:
    data = bytearray(seed)
    for place, value in changes:
        data[place % len(data)] = value
    check(remake(bytes(data[:cut] if cut < 800 else data) + tail))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF", b"BM"]),
    st.binary(max_size=300),
)
def test_any_bytes(head: bytes, tail: bytes) -> None:
    check(remake(head + tail))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (512, 512), (513, 512), (4000, 3000)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_sizes(size: tuple[int, int], mode: str) -> None:
    answer = remake(image(size, mode=mode))
    assert answer[:1] == (JPEG if mode == "RGB" else PNG)
    check(answer)
    width, height = Image.open(io.BytesIO(answer[1:])).size
    if max(size) <= MAX_SIDE:
        assert (width, height) == size
    else:
        assert max(width, height) == MAX_SIDE


def test_large_photographs_are_taken() -> None:
    """A JPEG file is decoded at a fraction of its size."""
    answer = remake(image((8000, 7000), kind="JPEG"))
    assert answer[:1] == JPEG
    assert remake(image((9000, 9000), kind="JPEG")) == TOO_LARGE


def test_what_is_seen_through_stays_so() -> None:
    palette = Image.new("P", (4, 4), 0)
    out = io.BytesIO()
    palette.save(out, "GIF", transparency=0)
    answer = remake(out.getvalue())
    assert Image.open(io.BytesIO(answer[1:])).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]


async def test_the_process() -> None:
    made = await PictureMaker().make(image((600, 300)))
    assert isinstance(made, Picture)
    assert made.media_type == "image/jpeg"
    assert await PictureMaker().make(b"hello") is Failure.NO_IMAGE
    assert await PictureMaker().make(b"") is Failure.NO_IMAGE


async def test_it_has_little_memory() -> None:
    data = image((4500, 4500), mode="RGBA")
    assert isinstance(await PictureMaker().make(data), Picture)
    assert await PictureMaker(memory_bytes=120 << 20).make(data) in {Failure.TOO_LARGE, Failure.NO_IMAGE}


async def test_it_has_little_time() -> None:
    data = image((4500, 4500), mode="RGBA")
    assert await PictureMaker(computed_seconds=0.02).make(data) is Failure.NO_IMAGE


async def test_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_WAITING", 3)
    maker = PictureMaker()
    made = await asyncio.gather(*(maker.make(image()) for _ in range(5)))
    assert made[3:] == [Failure.BUSY] * 2
    assert all(isinstance(one, Picture) for one in made[:3])
    assert isinstance(await maker.make(image()), Picture)


async def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    assert await PictureMaker().make(image()) is Failure.UNAVAILABLE
