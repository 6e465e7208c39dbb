"""Making a picture anew from an image file: decoded, upright, scaled down, without what else was in the file.

This decodes what strangers made, and is for a process of its own (:mod:`postroom.content.picture_process`). The size
of an image is read from its header, and bombs are refused before anything is decoded. Of an animation the first image
is taken. What comes out is a PNG file where something can be seen through, else a JPEG file.
"""

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 512
MAX_PIXELS = 64_000_000
MAX_DECODED_PIXELS = 24_000_000
"""Of what is held in memory: JPEG pictures are decoded at a fraction of their size, others whole."""
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
PNG, JPEG, TOO_LARGE, NO_IMAGE = b"P", b"J", b"L", b"-"
"""How an answer begins."""
MEDIA_TYPES = {PNG: "image/png", JPEG: "image/jpeg"}


class TooLargeError(Exception):
    """The image has too many pixels."""


def remake(data: bytes) -> bytes:
    """Return an answer: how it begins, and a picture if there is one. Raises: whatever the decoder raises."""
    from PIL import Image  # noqa: PLC0415

    try:
        # Pillow warns of large pictures; the limit here is our own.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _save(_shrink(Image.open(io.BytesIO(data), formats=FORMATS)))
    except (TooLargeError, MemoryError, Image.DecompressionBombError):
        return TOO_LARGE
    except Exception:  # noqa: BLE001 - a decoder may fail in any way on a hostile file; then it is no image
        return NO_IMAGE


def _shrink(image: "Image.Image") -> "Image.Image":
    from PIL import ImageOps  # noqa: PLC0415

    is_jpeg = image.format == "JPEG"
    if image.width * image.height > (MAX_PIXELS if is_jpeg else MAX_DECODED_PIXELS):
        raise TooLargeError
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))
    if image.width * image.height > MAX_DECODED_PIXELS:
        raise TooLargeError
    image.load()
    has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    ImageOps.exif_transpose(image, in_place=True)
    small = image.convert("RGBA" if has_alpha else "RGB")
    small.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=3.0)
    small.info.clear()  # Comments and profiles would be saved.
    return small


def _save(image: "Image.Image") -> bytes:
    out = io.BytesIO()
    if image.mode == "RGBA":
        image.save(out, "PNG", optimize=True)
        return PNG + out.getvalue()
    image.save(out, "JPEG", quality=85)
    return JPEG + out.getvalue()
