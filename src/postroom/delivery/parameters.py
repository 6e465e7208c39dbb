"""Parameters of MAIL and RCPT (RFC 5321 §4.1.2: esmtp-param): taken one by one by those who know them.

Pure. What nobody has taken in the end is refused. Raises ``badArgument`` and ``unknownParameter``.
"""

import re
from collections.abc import Container
from typing import Final

from postroom.errors import Kind, PostroomError

_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20\x7f=]+))?")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")


class Parameters:
    """The parameters of one command."""

    __slots__ = ("_values",)

    def __init__(self, text: str) -> None:
        """Read ``text``, what follows the path. Raises: badArgument."""
        self._values: dict[str, str | None] = {}
        for word in text.split():
            match = _PARAMETER.fullmatch(word)
            if match is None:
                raise bad_argument("Bad parameter syntax")
            name = match[1].upper()
            if name in self._values:
                raise bad_argument(f"Parameter {name} given twice")
            self._values[name] = match[2]

    def take_text(self, name: str) -> str | None:
        """Return a value; None where the parameter is not given."""
        if name not in self._values:
            return None
        value = self._values.pop(name)
        if value is None:
            raise bad_argument(f"{name} needs a value")
        return value

    def take_number(self, name: str) -> int | None:
        """Return a number of octets; None where the parameter is not given."""
        value = self.take_text(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise bad_argument(f"{name} needs a number of octets")
        return int(value)

    def take_word(self, name: str, words: tuple[str, ...]) -> str:
        """Return one of ``words``, which have no case; "" where the parameter is not given."""
        value = self.take_text(name)
        if value is None:
            return ""
        return self._one_of(name, value, words)

    def take_words(self, name: str, words: tuple[str, ...], *, alone: Container[str]) -> tuple[str, ...]:
        """Return a list of ``words`` with commas between, each once; those of ``alone`` suffer no others."""
        value = self.take_text(name)
        if value is None:
            return ()
        found = tuple(dict.fromkeys(self._one_of(name, word, words) for word in value.split(",")))
        if len(found) > 1 and any(word in alone for word in found):
            raise bad_argument(f"{name} contradicts itself")
        return found

    def take_flag(self, name: str) -> bool:
        """Tell whether a parameter without value is given."""
        if name not in self._values:
            return False
        if self._values.pop(name) is not None:
            raise bad_argument(f"{name} takes no value")
        return True

    def refuse_rest(self) -> None:
        """Refuse what nobody has taken. Raises: unknownParameter."""
        for name in self._values:
            raise PostroomError(
                Kind.INVALID, "unknownParameter", f"Parameter {name} not recognised or not implemented"
            )

    def _one_of(self, name: str, value: str, words: tuple[str, ...]) -> str:
        if value.upper() not in words:
            raise bad_argument(f"{name} must be {' or '.join(words)}")
        return value.upper()


def bad_argument(message: str) -> PostroomError:
    """Return the error for a parameter that is wrong."""
    return PostroomError(Kind.INVALID, "badArgument", message)
