"""Header fields as text: what may stand in them, encoded words (RFC 2047), folding (RFC 5322 §2.2.3).

A field is folded at white space, before 77 characters where there is any. Text that is not plain ASCII becomes
encoded words as a whole: that is read right by everyone, and unfolding it gives back what went in. A line with an
encoded word has at most 76 characters, as RFC 2047 §2 asks; no other line comes near 998, because what is too long to
be folded is encoded, too.

No value reaches a header but through :func:`clean_value`, which refuses line ends, or from here.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Final

from postroom.errors import bad_parameter

LINE_CHARS: Final = 76
LONGEST_WORD_CHARS: Final = 900
"""A longer run of ASCII without a space is written as encoded words: no line may have more than 998 characters."""

_WORD_CHARS = 75
_FRAME_CHARS = len("=?utf-8?B??=")
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/ ")
"""What stands for itself in the Q encoding wherever the word is (RFC 2047 §5 rule 3); a space becomes ``_``."""
_Q_SAFE_BYTES = bytes(sorted(_Q_SAFE))
_Q = ["_" if byte == 0x20 else chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in range(256)]
_LINE_END = re.compile("[\r\n\0]")
_SPACING = re.compile("[\t\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_PIECE = re.compile(r" *[^ ]+")
_NAME = re.compile(r"[!-9;-~]{1,76}")


def clean_value(text: str, *, parameter: str) -> str:
    """Return what may stand in a field of a text: one line, white space as spaces, other controls left out.

    Raises: badParameter (``parameter``) for a line end or NUL.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    if _LINE_END.search(text):
        raise bad_parameter(parameter, "line ends and NUL are not possible here")
    text = _CONTROL.sub("", _SPACING.sub(" ", text))
    return text.encode("utf-8", "replace").decode().strip()


def is_plain(text: str) -> bool:
    """Tell whether a cleaned text can stand in a field as it is, and be read as nothing else."""
    return text.isascii() and "=?" not in text


def encode_words(text: str, *, name: str) -> list[str]:
    """Return a cleaned text as encoded words, each of which fits on the line of the field ``name``."""
    room = min(_WORD_CHARS, LINE_CHARS - len(name) - 2) - _FRAME_CHARS
    data = text.encode()
    size = len(data)
    q_size = size + 2 * len(data.translate(None, _Q_SAFE_BYTES))
    if q_size <= (size + 2) // 3 * 4:
        return [f"=?utf-8?Q?{_encode_q(part)}?=" for part in _split(text, room, q_size, is_q=True)]
    return [
        f"=?utf-8?B?{b2a_base64(part, newline=False).decode()}?="
        for part in _split(text, room // 4 * 3, size, is_q=False)
    ]


def _encode_q(data: bytes) -> str:
    return "".join(map(_Q.__getitem__, data))


def _split(text: str, room: int, size: int, *, is_q: bool) -> Iterable[bytes]:
    """Yield a text in parts between characters, each of at most ``room`` bytes as they are counted."""
    if size <= room:
        yield text.encode()
        return
    part: list[bytes] = []
    used = 0
    for char in text:
        data = char.encode()
        cost = len(data) if not is_q or data[0] in _Q_SAFE else 3 * len(data)
        if used + cost > room:
            yield b"".join(part)
            part, used = [], 0
        part.append(data)
        used += cost
    yield b"".join(part)


def render_text(name: str, text: str) -> str:
    """Return an unstructured field (RFC 5322 §3.6.5) of a cleaned text, with its line end."""
    if is_plain(text):
        if len(name) + 2 + len(text) <= LINE_CHARS:
            return f"{name}: {text}\r\n"
        pieces = _PIECE.findall(" " + text)
        if max(map(len, pieces)) <= LONGEST_WORD_CHARS:
            return fold(name, pieces)
    return render_tokens(name, encode_words(text, name=name))


def render_tokens(name: str, tokens: Sequence[str]) -> str:
    """Return a field of tokens that a space may stand between, with its line end."""
    return fold(name, [" " + token for token in tokens])


def fold(name: str, pieces: Iterable[str]) -> str:
    """Return a field of pieces that each begin with the white space before which a line may end."""
    lines: list[str] = []
    line = name + ":"
    is_empty = True
    for piece in pieces:
        if is_empty or len(line) + len(piece) <= LINE_CHARS:
            line += piece
        else:
            lines.append(line)
            line = piece
        is_empty = False
    lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def render_extra(name: str, value: str) -> str:
    """Return a field that somebody else has made up; what is wrong with it is a badParameter of that name."""
    if not _NAME.fullmatch(name):
        raise bad_parameter(name, "this is not the name of a header field")
    return render_text(name, clean_value(value, parameter=name))


@lru_cache(maxsize=16)
def render_date(unix_seconds: int) -> str:
    """Return a date-time (RFC 5322 §3.3) in UTC."""
    # The library writes "-0000", which says that the sender's zone is not known.
    return formatdate(unix_seconds).replace("-0000", "+0000")
