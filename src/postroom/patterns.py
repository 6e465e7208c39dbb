"""Regular expressions with possessive groups, which mean the same on every Python.

Pythons before 3.11.5 are wrong about a possessive group, ``(...)*+``, whose last repetition fails on its way: what
that has passed counts as matched (CPython's issue 106052). The same as a greedy group in an atomic one,
``(?>(...)*)``, is right there. It takes memory for each repetition, so it is no more than a way out.
"""

import re
from functools import lru_cache
from typing import AnyStr

_HAS_FAULT = re.compile(r"a(?: b++)*+").match("a c").end() != 1  # type: ignore[union-attr]
_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\)(?:(?:[*+?]|\{\d*,?\d*\})\+)?|.",
    re.DOTALL,
)
"""What is escaped, a set of characters, the end of a group with a possessive quantifier, or a character."""


def compile_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what ``re.compile`` returns for a pattern, with its possessive groups right. Raises: re.error."""
    if not _HAS_FAULT:
        return re.compile(pattern, flags)
    if isinstance(pattern, str):
        return re.compile(make_atomic(pattern), flags)
    return re.compile(make_atomic(pattern.decode("latin-1")).encode("latin-1"), flags)


@lru_cache(maxsize=128)
def make_atomic(pattern: str) -> str:
    """Return a pattern that matches the same, with atomic groups in place of possessive quantifiers of groups."""
    pieces: list[str] = []
    starts: list[int] = []
    for piece in _PIECE.findall(pattern):
        if piece == "(":
            starts.append(len(pieces))
            pieces.append(piece)
        elif piece.startswith(")"):
            start = starts.pop()
            if len(piece) > 1:
                pieces[start] = "(?>" + pieces[start]
                piece = piece[:-1] + ")"  # noqa: PLW2901
            pieces.append(piece)
        else:
            pieces.append(piece)
    return "".join(pieces)
