"""The format of blobs: any range is the slice, and damage is noticed."""

import struct

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PostroomError
from postroom.store.blobs.frames import (
    FRAME_BYTES,
    MAGIC,
    TRAILER_BYTES,
    iter_blob,
    open_frame,
    parse_index,
    parse_trailer,
)


def read_blob(blob: bytes, start: int, end: int) -> bytes:
    """Read a range as a reader does: trailer, index, the frames touched."""
    trailer = parse_trailer(blob[-TRAILER_BYTES:])
    place = len(blob) - TRAILER_BYTES - trailer.index_bytes
    index = parse_index(trailer, blob[max(place, 0) : len(blob) - TRAILER_BYTES], frames_end=place)
    start, end = max(start, 0), min(end, index.size_bytes)
    if start >= end:
        return b""
    first, last = start // index.frame_bytes, (end - 1) // index.frame_bytes
    raw = b"".join(
        open_frame(
            blob[index.offsets[number] : index.offsets[number + 1]], raw_bytes=index.raw_bytes_of(number)
        )
        for number in range(first, last + 1)
    )
    begin = start - first * index.frame_bytes
    return raw[begin : begin + end - start]


raws = st.binary(max_size=400) | st.text(max_size=100).map(lambda text: text.encode() * 4)


@given(raw=raws, frame_bytes=st.integers(1, 130), start=st.integers(0, 450), end=st.integers(0, 450))
def test_any_range_is_the_slice(raw: bytes, frame_bytes: int, start: int, end: int) -> None:
    blob = b"".join(iter_blob(raw, frame_bytes=frame_bytes))
    assert read_blob(blob, start, end) == raw[start:end]
    assert read_blob(blob, 0, len(raw)) == raw


@given(raw=st.binary(min_size=1, max_size=300), frame_bytes=st.integers(20, 130), data=st.data())
def test_a_changed_byte_is_noticed_or_harmless(raw: bytes, frame_bytes: int, data: st.DataObject) -> None:
    blob = bytearray(b"".join(iter_blob(raw, frame_bytes=frame_bytes)))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    try:
        assert read_blob(bytes(blob), 0, len(raw) + 1000) == raw
    except PostroomError as error:
        assert error.code == "blobDamaged"  # noqa: PT017


@given(raw=st.binary(min_size=1, max_size=300), frame_bytes=st.integers(20, 130), data=st.data())
def test_a_cut_blob_is_noticed(raw: bytes, frame_bytes: int, data: st.DataObject) -> None:
    blob = b"".join(iter_blob(raw, frame_bytes=frame_bytes))
    cut = data.draw(st.integers(1, len(blob)))
    for rest in (blob[:-cut], blob[cut:]):
        with pytest.raises(PostroomError) as caught:
            read_blob(rest, 0, len(raw))
        assert caught.value.code == "blobDamaged"


def test_the_format_stays_as_it_is() -> None:
    """Blobs outlive programs: these bytes must be readable for ever."""
    blob = bytes.fromhex(
        "28b52ffd24108100004669727374206c696e650d0a616e6420a4fe900328b52ffd2409490000616e6f746865720d0ad6"
        "eba8031d00000016000000020000001000000019000000000000005052424c4f423031"
    )
    raw = b"First line\r\nand another\r\n"
    assert read_blob(blob, 0, 100) == raw
    frames, frame_bytes, size_bytes, magic = struct.unpack("<IIQ8s", blob[-24:])
    assert (frames, frame_bytes, size_bytes, magic) == (2, 16, len(raw), b"PRBLOB01")
    lengths = struct.unpack("<2I", blob[-32:-24])
    assert zstandard.ZstdDecompressor().decompress(blob[: lengths[0]]) == raw[:16]
    assert sum(lengths) == len(blob) - 32
    assert FRAME_BYTES == 1 << 20


@pytest.mark.parametrize("claimed", [0, 1 << 20, 1 << 62])
def test_a_frame_that_claims_another_size_asks_for_no_memory(claimed: int) -> None:
    # Magic number, a header with an 8-byte content size (RFC 8878 §3.1.1.1), an empty last block.
    frame = bytes.fromhex("28b52ffde0") + claimed.to_bytes(8, "little") + bytes.fromhex("010000")
    with pytest.raises(PostroomError) as caught:
        open_frame(frame, raw_bytes=100)
    assert caught.value.code == "blobDamaged"


@pytest.mark.parametrize(
    "trailer",
    [
        b"",
        b"x" * TRAILER_BYTES,
        struct.pack("<IIQ8s", 1, 0, 1, MAGIC),
        struct.pack("<IIQ8s", 2, 16, 16, MAGIC),
        struct.pack("<IIQ8s", 0, 16, 1, MAGIC),
    ],
)
def test_a_trailer_that_cannot_be(trailer: bytes) -> None:
    with pytest.raises(PostroomError) as caught:
        parse_trailer(trailer)
    assert caught.value.code == "blobDamaged"


def test_an_index_that_does_not_fit() -> None:
    trailer = parse_trailer(struct.pack("<IIQ8s", 2, 16, 32, MAGIC))
    for data, end in ((b"1234567", 10), (struct.pack("<II", 5, 5), 11)):
        with pytest.raises(PostroomError) as caught:
            parse_index(trailer, data, frames_end=end)
        assert caught.value.code == "blobDamaged"
    assert parse_index(trailer, struct.pack("<II", 5, 6), frames_end=11).offsets == (0, 5, 11)
