"""Thumbnails: small images of image attachments, made by Pillow, which is loaded only when the first is asked for.

An image larger than asked for in both directions is scaled down so that it just covers the box, aspect kept; any
other keeps its size, and none exceeds MAX_SIDE in either direction. The size of a picture is read from its header
and bombs are refused before anything is decoded.
"""

import io
import warnings
from typing import TYPE_CHECKING, NamedTuple

from postroom.errors import Kind, PostroomError

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 1024
MAX_PIXELS = 64_000_000
MAX_DECODED_PIXELS = 24_000_000
"""Of what is held in memory: JPEG pictures are decoded at a fraction of their size, others whole."""
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO")
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
"""Exif orientations by which width and height change places."""


class Thumbnail(NamedTuple):
    """An image: its type, and the file."""

    content_type: str
    data: bytes


def too_large() -> PostroomError:
    """Return the error for an image that is too large to be decoded."""
    return PostroomError(Kind.TOO_LARGE, "payloadTooLarge", "the image is too large to make a thumbnail of")


def thumbnail_size(size: tuple[int, int], *, width: int, height: int) -> tuple[int, int]:
    """Return the size of the thumbnail of an image of ``size`` for a box of ``width`` × ``height``."""
    scale = max(width / size[0], height / size[1]) if size[0] > width and size[1] > height else 1.0
    scale = min(scale, MAX_SIDE / size[0], MAX_SIDE / size[1])
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def make_thumbnail(data: bytes, *, width: int, height: int) -> Thumbnail | None:
    """Return the thumbnail of an image file, None for what is no image. Raises: payloadTooLarge."""
    from PIL import Image  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; the limit here is our own.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > (MAX_PIXELS if _is_jpeg(image) else MAX_DECODED_PIXELS):
                raise too_large()
            return _save(_shrink(image, width=width, height=height))
    except PostroomError:
        raise
    except Image.DecompressionBombError as error:
        raise too_large() from error
    except Exception:  # noqa: BLE001 - a decoder may fail in any way on a hostile file; then it is no image
        return None


def _shrink(image: "Image.Image", *, width: int, height: int) -> "Image.Image":
    """Return an image, scaled down and upright (Exif 2.32 §4.6.4, Orientation)."""
    from PIL.Image import Resampling, Transpose  # noqa: PLC0415

    upright = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    if not _is_jpeg(image):
        image.load()  # A TIFF picture comes out upright, and says so afterwards.
    orientation = image.getexif().get(_ORIENTATION)
    if orientation in _TURNED:
        width, height = height, width
    target = thumbnail_size(image.size, width=width, height=height)
    image.draft("RGB", target)
    if image.width * image.height > MAX_DECODED_PIXELS:
        raise too_large()
    small = _plain(image)
    if small.size != target:
        small = small.resize(target, Resampling.LANCZOS, reducing_gap=3.0)
    return small.transpose(upright[orientation]) if orientation in upright else small


def _is_jpeg(image: "Image.Image") -> bool:
    return image.format == "JPEG"


def _plain(image: "Image.Image") -> "Image.Image":
    """Return an image without palette or odd modes: RGBA where it has transparency, else RGB."""
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def _save(image: "Image.Image") -> Thumbnail:
    out = io.BytesIO()
    if image.mode == "RGBA":
        image.save(out, "PNG", optimize=False)
        return Thumbnail("image/png", out.getvalue())
    image.save(out, "JPEG", quality=82)
    return Thumbnail("image/jpeg", out.getvalue())
