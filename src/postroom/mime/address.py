"""Address lists (RFC 5322 §3.4, with the obsolete forms of §4.4), read tolerantly.

Structure first, encoded words second: a comma inside an encoded word separates nothing. A small machine walks over
tokens (quoted strings, comments, domain literals, encoded words, specials, atoms), so the time is linear and no input
fails. Semicolons separate as commas do, as Outlook writes them. Groups are flattened. A source route is dropped.
What holds no address at all gives its text as the display name.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from postroom.mime.encoded_words import clean_text, decode_words
from postroom.mime.headers import unfold
from postroom.patterns import compile_pattern

_TOKEN = compile_pattern(
    r"""(?P<word>=\?[^?\s]{1,130}\?[bBqQ]\?[^?]*+\?=)
    |"(?P<quoted>(?:[^"\\]|\\.)*+)(?:"|\\?\Z)
    |(?P<literal>\[[^\[\]<>,;]*+\])
    |(?P<space>\s++)
    |(?P<special>[(),;:<>])
    |(?P<atom>(?:(?!=\?)[^\s"(),;:<>\[])++|.)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = compile_pattern(r"\\.|[()]", re.DOTALL)
_ADDR_SPEC = r"""[^<>\s"(),;:\\\[\]@]++@[^<>\s"(),;:\\\[\]@]++"""
_BARE = compile_pattern(_ADDR_SPEC)
_SIMPLE = compile_pattern(r"""(?:"([^"\\]*+)"\s*+|([^"<>,;:@()\\\[\]]*+))<(""" + _ADDR_SPEC + ")>")
_SHORT_CHARS = 200
_QUOTED_PAIR = compile_pattern(r"\\(.)", re.DOTALL)


class Address(NamedTuple):
    """A mailbox: decoded display name ("" if none) and addr-spec as written ("" if none)."""

    display: str
    address: str


def parse_addresses(value: str | bytes) -> list[Address]:
    """Return the mailboxes of an address list, groups flattened, in order. ``value`` is raw, or already text."""
    text = unfold(value) if isinstance(value, bytes) else value.strip()
    return list(_parse_short(text) if len(text) <= _SHORT_CHARS else _parse(text))


def _parse(text: str) -> list[Address]:
    if "=?" not in text:
        match = _SIMPLE.fullmatch(text)
        if match:
            return [Address(_decode(match[1] or match[2] or ""), clean_text(match[3]))]
        if _BARE.fullmatch(text):
            return [Address("", clean_text(text))]
    return _ListParser(text).parse()


# The same few addresses come again and again, and one list is read for several purposes.
_parse_short = lru_cache(maxsize=512)(_parse)


class _ListParser:
    """Walks over the tokens of a list; holds the mailbox that is being read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: list[Address] = []
        self._reset()

    def parse(self) -> list[Address]:
        text, position = self._text, 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                break
            position = match.end()
            if match["special"] == "(":
                position = self._read_comment(position)
            elif match["special"]:
                self._take_special(match["special"])
            else:
                self._take_text(match)
        self._finish()
        return self._found

    def _reset(self) -> None:
        self._phrase: list[str] = []
        self._angle: list[str] | None = None
        self._is_closed = False
        self._tokens_at_close = 0
        self._comment = ""
        self._spec: list[str] = []
        self._has_at = False

    def _take_special(self, special: str) -> None:
        if special == "<":
            self._open_angle()
        elif special == ">":
            self._is_closed = self._angle is not None
            self._tokens_at_close = len(self._phrase)
        elif self._angle is not None and not self._is_closed:
            # Inside angle brackets only a route has separators: <@a,@b:user@c>.
            self._take_route(special)
        elif special == ":" and not self._has_at:
            self._reset()
        elif special == ":":
            self._add(":", ":")
        else:
            self._finish()

    def _open_angle(self) -> None:
        """Begin an address; behind one that is closed, the comma between two mailboxes is missing."""
        if self._is_closed:
            phrase = self._phrase[self._tokens_at_close :]
            self._finish()
            self._phrase = phrase
        if self._angle is None:
            self._angle = []

    def _take_route(self, special: str) -> None:
        angle = self._angle or []
        if special == ":" and angle and angle[0].startswith("@"):
            angle.clear()
        elif special in ",;" and angle and not angle[0].startswith("@"):
            # A bracket that was never closed.
            self._finish()

    def _take_text(self, match: re.Match[str]) -> None:
        quoted = match["quoted"]
        if quoted is not None:
            self._add(_QUOTED_PAIR.sub(r"\1", quoted) if "\\" in quoted else quoted, match[0])
        elif match["space"]:
            self._phrase.append(" ")
            self._spec.append(" ")
        else:
            self._has_at = self._has_at or "@" in match[0]
            self._add(match[0], match[0])

    def _add(self, text: str, written: str) -> None:
        """Add a token: its text to the phrase, as it is written to what may be an address."""
        if self._angle is not None and not self._is_closed:
            self._angle.append(written)
            return
        self._phrase.append(text)
        self._spec.append(written)

    def _read_comment(self, position: int) -> int:
        """Read the comment that begins before ``position``, and return where it ends."""
        depth, start = 1, position
        for match in _COMMENT_MARK.finditer(self._text, position):
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth == 0:
                self._comment = self._comment or self._text[start : match.start()]
                return match.end()
        self._comment = self._comment or self._text[start:]
        return len(self._text)

    def _finish(self) -> None:
        """Add what has been read as a mailbox, if it is anything."""
        if self._is_closed and self._tokens_at_close:
            # Words behind the address are no part of the name, unless it has no other.
            self._phrase = self._phrase[: self._tokens_at_close]
        phrase = _decode("".join(self._phrase))
        if self._angle is not None:
            address = clean_text("".join(self._angle))
            display = phrase or (_decode(self._comment) if address else "")
            if not address and "@" in phrase and " " not in phrase:
                display, address = "", phrase
        else:
            display, address = self._split_bare(phrase)
        if display or address:
            self._found.append(Address(display, address))
        self._reset()

    def _split_bare(self, phrase: str) -> tuple[str, str]:
        """Return display name and address of a mailbox without angle brackets."""
        if not self._has_at:
            return (
                ("", phrase) if phrase == "".join(self._spec).strip() and " " not in phrase else (phrase, "")
            )
        compact = _SPACE_AROUND_MARKS.sub(r"\1", clean_text("".join(self._spec)))
        words = compact.split()
        if len(words) <= 1 or compact.startswith('"'):
            return _decode(self._comment), compact
        index = next((i for i, word in enumerate(words) if "@" in word), 0)
        return _decode(" ".join(words[:index])), words[index]


_SPACE_AROUND_MARKS = compile_pattern(r"\s*+([@.])\s*+")


def _decode(text: str) -> str:
    text = " ".join(text.split())
    return clean_text(decode_words(text) if "=?" in text else text)
