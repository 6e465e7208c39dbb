"""Regular expressions with possessive groups, which mean the same on every Python.

Pythons before 3.11.5 are wrong about a possessive group, ``(...)*+``, whose last repetition fails on its way: what
that has passed counts as matched (CPython's issue 106052). Where it may be empty instead of failing, ``(...|)*+``,
they are right, since what passes nothing is the last repetition. Where a group captures something that would not do:
the same as a greedy group in an atomic one, ``(?>(...)*)``, is right, too, but takes memory for each repetition.
"""

import re
from functools import lru_cache
from typing import AnyStr

_HAS_FAULT = re.compile(r"a(?: b++)*+").match("a c").end() != 1  # type: ignore[union-attr]
_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P<|:)?)?|\)(?:(?:[*+?]|\{\d*,?\d*\})\+)?|.",
    re.DOTALL,
)
"""What is escaped, a set of characters, the beginning of a group, its end with its quantifier, or a character."""
_CAPTURING = {"(", "(?P<"}


def compile_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what ``re.compile`` returns for a pattern, with its possessive groups right. Raises: re.error."""
    if not _HAS_FAULT:
        return re.compile(pattern, flags)
    if isinstance(pattern, str):
        return re.compile(avoid_fault(pattern), flags)
    return re.compile(avoid_fault(pattern.decode("latin-1")).encode("latin-1"), flags)


@lru_cache(maxsize=128)
def avoid_fault(pattern: str) -> str:
    """Return a pattern that matches the same, without possessive groups that can fail on their way."""
    pieces: list[str] = []
    starts: list[int] = []
    for piece in _PIECE.findall(pattern):
        if piece.startswith("("):
            starts.append(len(pieces))
            pieces.append(piece)
        elif piece.startswith(")"):
            start = starts.pop()
            pieces[start:] = _end_group(pieces[start:], piece[1:])
        else:
            pieces.append(piece)
    return "".join(pieces)


def _end_group(pieces: list[str], quantifier: str) -> list[str]:
    """Return the pieces of a group with its end and its possessive quantifier, if it has one."""
    if not quantifier:
        return [*pieces, ")"]
    if _CAPTURING.isdisjoint(pieces) and pieces[0] == "(?:" and quantifier in {"*+", "++"}:
        first = ["(?>", *pieces[1:], ")"] if quantifier == "++" else []
        return [*first, *pieces, "|)*+"]
    return ["(?>", *pieces, ")", quantifier[:-1], ")"]
