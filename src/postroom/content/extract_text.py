"""A bounded place where the text of documents is gathered."""

import math
import time


class Enough(Exception):  # noqa: N818 - it is no error: there is as much text as is wanted
    """No more text is wanted."""


class Late(Enough):
    """No more text of this document is wanted: it takes too long."""


class TextSink:
    """Takes pieces of text, up to a number of characters."""

    def __init__(self, chars: int) -> None:
        self._left = chars
        self._pieces: list[str] = []
        self._deadline = math.inf

    def begin(self, *, deadline: float) -> None:
        """Begin a document, which must come to its end when the process has computed for that time."""
        self._pieces.append("\n")
        self._deadline = deadline

    def add(self, text: str) -> None:
        """Add a piece. Raises: Enough, once nothing more fits; Late."""
        if len(text) >= self._left:
            self._pieces.append(text[: max(self._left, 0)])
            self._left = 0
            raise Enough
        self._left -= len(text)
        self._pieces.append(text)
        if time.process_time() > self._deadline:
            raise Late

    @property
    def left(self) -> int:
        """How many characters still fit."""
        return self._left

    def text(self) -> str:
        """Return what was added."""
        return "".join(self._pieces)
