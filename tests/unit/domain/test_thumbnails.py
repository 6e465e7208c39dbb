"""Thumbnails: sizes, upright pictures, odd modes, and what is refused."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from postroom.domain import thumbnails
from postroom.domain.thumbnails import MAX_SIDE, make_thumbnail, thumbnail_size
from postroom.errors import Kind, PostroomError

ORIENTATION = 0x0112
RED, BLUE = (250, 0, 0), (0, 0, 250)


def encode(image: Image.Image, form: str, orientation: int | None = None) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
        image.save(out, form, exif=exif)
    else:
        image.save(out, form)
    return out.getvalue()


def thumbnail(data: bytes, width: int, height: int) -> Image.Image:
    made = make_thumbnail(data, width=width, height=height)
    assert made is not None
    image = Image.open(io.BytesIO(made.data))
    assert made.content_type == {"PNG": "image/png", "JPEG": "image/jpeg"}[str(image.format)]
    return image


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((1000, 500), (100, 100), (200, 100)),
        ((500, 1000), (100, 100), (100, 200)),
        ((100, 1000), (100, 100), (100, 1000)),
        ((90, 80), (100, 100), (90, 80)),
        ((3000, 90), (100, 100), (1024, 31)),
        ((2000, 2000), (1024, 1024), (1024, 1024)),
        ((60_000, 1), (10, 10), (1024, 1)),
        ((4000, 3000), (400, 100), (400, 300)),
    ],
)
def test_sizes(size: tuple[int, int], box: tuple[int, int], expected: tuple[int, int]) -> None:
    assert thumbnail_size(size, width=box[0], height=box[1]) == expected


@given(*[st.integers(1, 20_000)] * 2, *[st.integers(10, 1024)] * 2)
def test_a_thumbnail_covers_its_box_and_no_more(
    image_width: int, image_height: int, width: int, height: int
) -> None:
    made = thumbnail_size((image_width, image_height), width=width, height=height)
    assert 1 <= made[0] <= min(MAX_SIDE, image_width)
    assert 1 <= made[1] <= min(MAX_SIDE, image_height)
    if image_width > width and image_height > height and MAX_SIDE not in made:
        assert made[0] == width or made[1] == height
        assert made[0] >= width - 1
        assert made[1] >= height - 1


def halves(size: tuple[int, int]) -> Image.Image:
    """Return a picture, its left half red, its right half blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def colour_at(image: Image.Image, x: float, y: float) -> str:
    pixel = image.convert("RGB").getpixel((int(image.width * x), int(image.height * y)))
    assert isinstance(pixel, tuple)
    return "red" if pixel[0] > pixel[2] else "blue"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [
        (None, (0.1, 0.5)),
        (1, (0.1, 0.5)),
        (2, (0.9, 0.5)),
        (3, (0.9, 0.5)),
        (4, (0.1, 0.5)),
        (5, (0.5, 0.1)),
        (6, (0.5, 0.1)),
        (7, (0.5, 0.9)),
        (8, (0.5, 0.9)),
        (99, (0.1, 0.5)),
    ],
)
def test_pictures_are_upright(form: str, orientation: int | None, red_at: tuple[float, float]) -> None:
    data = encode(halves((800, 600)), form, orientation)
    made = thumbnail(data, 400, 100)
    turned = orientation in {5, 6, 7, 8}
    assert made.size == ((400, 533) if turned else (400, 300))
    assert colour_at(made, *red_at) == "red"
    assert colour_at(made, 1 - red_at[0], 1 - red_at[1]) == "blue"
    assert ORIENTATION not in made.getexif()


def list_forms() -> list[tuple[str, str]]:
    """Return the modes of pictures, each with the formats that have it."""
    found = []
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "I;16", "I", "F"):
        for form in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "ICO"):
            try:
                encode(Image.new(mode, (2, 2)), form)
            except (OSError, KeyError, ValueError):
                continue
            found.append((mode, form))
    return found


@pytest.mark.parametrize(("mode", "form"), list_forms())
def test_modes(mode: str, form: str) -> None:
    made = thumbnail(encode(Image.new(mode, (120, 90)), form), 40, 40)
    assert made.mode in {"RGB", "RGBA"}
    assert min(made.size) == 40


def test_transparency_stays() -> None:
    for image in (Image.new("RGBA", (100, 100), (1, 2, 3, 0)), Image.new("LA", (100, 100), (1, 0))):
        made = thumbnail(encode(image, "PNG"), 20, 20)
        assert made.mode == "RGBA"
        assert made.getpixel((5, 5))[3] == 0  # type: ignore[index]
    palette = Image.new("P", (100, 100))
    palette.info["transparency"] = 0
    assert thumbnail(encode(palette, "GIF"), 20, 20).mode == "RGBA"


def test_an_animation_shows_its_first_picture() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (60, 60), colour) for colour in (RED, BLUE)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert colour_at(thumbnail(out.getvalue(), 20, 20), 0.5, 0.5) == "red"


@pytest.mark.parametrize(
    "data", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"P6 9 9 255 " + bytes(300)]
)
def test_what_is_no_image(data: bytes) -> None:
    assert make_thumbnail(data, width=100, height=100) is None


@given(st.binary(max_size=200), st.integers(0, 400))
def test_damaged_images(junk: bytes, place: int) -> None:
    whole = encode(halves((40, 30)), "PNG")
    data = whole[:place] + junk + whole[place + len(junk) :]
    made = make_thumbnail(data, width=20, height=20)
    assert made is None or made.data


def png_of(width: int, height: int) -> bytes:
    """Return a PNG file that says it is large, and has hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(5000, 5000), (8001, 8000), (20_000, 20_000), (60_000, 60_000)])
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(PostroomError) as caught:
        make_thumbnail(png_of(*size), width=100, height=100)
    assert (caught.value.kind, caught.value.code) == (Kind.TOO_LARGE, "payloadTooLarge")


def test_a_large_photograph_is_decoded_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MAX_DECODED_PIXELS", 100_000)
    assert thumbnail(encode(halves((2000, 1500)), "JPEG"), 100, 100).size == (133, 100)
    with pytest.raises(PostroomError):
        make_thumbnail(encode(halves((2000, 1500)), "PNG"), width=100, height=100)
