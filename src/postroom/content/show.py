"""Making a text part fit to be shown: decoded, converted to what was asked for, HTML made safe, and cut."""

from typing import Literal

import msgspec

from postroom.mime.decode import decode_bytes, text_of
from postroom.mime.text import quoted_parts
from postroom.model.mail import Part
from postroom.sanitise.text import html_to_text, text_to_html

BodyKind = Literal["html", "text"]


class ShowTask(msgspec.Struct, array_like=True, tag="show", frozen=True, kw_only=True):
    """What is to be shown, and how.

    Attributes:
        source: the part's body, still transfer-encoded.
        part: the part; its offsets do not matter.
        kind: what is wanted; it is made from the other if the part is that.
        level: filtering level of HTML, 0 to 3.
        show_external_images: whether images from elsewhere keep their address.
        images: the URL that stands for each Content-ID.
        max_chars: where the text is cut; None leaves it whole.
        find_quotes: whether to look for what is quoted.
    """

    source: bytes
    part: Part
    kind: BodyKind
    level: int
    show_external_images: bool
    images: dict[str, str]
    max_chars: int | None
    find_quotes: bool


class Shown(msgspec.Struct, array_like=True, frozen=True):
    """A text fit to be shown, in UTF-8. ``quoted_parts`` are offsets in characters."""

    data: bytes
    has_external_images: bool
    is_truncated: bool
    quoted_parts: list[tuple[int, int]]


def show(task: ShowTask) -> Shown:
    """Return what a task asks for. Nothing here fails because of what the part contains."""
    text = text_of(decode_bytes(task.source, task.part.encoding), task.part)
    return _show_html(task, text) if task.kind == "html" else _show_text(task, text)


def _show_text(task: ShowTask, text: str) -> Shown:
    shown = html_to_text(text) if task.part.content_type == "text/html" else text
    cut = len(shown) if task.max_chars is None else task.max_chars
    quoted = quoted_parts(shown[:cut]) if task.find_quotes else []
    return Shown(_encode(shown[:cut]), False, len(shown) > cut, quoted)


def _show_html(task: ShowTask, text: str) -> Shown:
    # Most processes never do this: it is for the helpers.
    from postroom.sanitise.cut import cut_html  # noqa: PLC0415
    from postroom.sanitise.html import make_safe  # noqa: PLC0415
    from postroom.sanitise.quotes import quoted_parts_html  # noqa: PLC0415

    html = text if task.part.content_type == "text/html" else text_to_html(text)
    is_truncated = False
    if task.max_chars is not None and len(html) > task.max_chars:
        html, is_truncated = cut_html(html, task.max_chars)
    safe = make_safe(
        html,
        level=task.level,
        show_external_images=task.show_external_images,
        rewrite_cid=task.images.get,
    )
    quoted = quoted_parts_html(safe.html) if task.find_quotes else []
    return Shown(_encode(safe.html), safe.has_external_images, is_truncated, quoted)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
