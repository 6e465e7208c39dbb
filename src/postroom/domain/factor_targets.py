"""Where codes are sent: addresses and phone numbers, as they are compared, and as they are shown."""

import hmac
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from postroom.auth.codes import CodeHasher
from postroom.compose.addresses import parse_address
from postroom.domain.addresses import normalise_domain
from postroom.domain.texts import clean_line
from postroom.errors import PostroomError, bad_parameter
from postroom.model.factor import EMAIL, Method

MAX_TARGET_CHARACTERS: Final = 320
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_FILLING: Final = re.compile(r"[\s().\-/\u00a0]")
_SHOWN_FIRST, _SHOWN_LAST, _SHOWN_DIGITS = 3, 5, 3
_STARS: Final = "***"
_LETTERS: Final = "abcdefghijklmnoprstuvwz"
_ENDINGS: Final = ("l.com", "k.com", "o.com", "e.com", "x.com", "d.com", "l.org", "t.net")


def parse_target(kind: str, text: str, *, parameter: str) -> str:
    """Return an address or phone number as it is stored and compared. Raises: badParameter."""
    return (_parse_email if kind == EMAIL else _parse_phone)(text, parameter)


def _parse_email(text: str, parameter: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    address = parse_address(clean_line(text, parameter, most=MAX_TARGET_CHARACTERS), parameter=parameter)
    if address.name or address.domain.startswith("["):
        raise bad_parameter(parameter, f"{parameter} must be an address alone, at a domain")
    try:
        domain = normalise_domain(address.domain)
    except PostroomError:
        raise bad_parameter(parameter, f"{parameter} has no valid domain") from None
    # By RFC 5321 case may matter before the @; no provider has it matter, and people do not remember it.
    return f"{address.addr_spec.rpartition('@')[0].lower()}@{domain}"


def _parse_phone(text: str, parameter: str) -> str:
    number = _FILLING.sub("", text[: MAX_TARGET_CHARACTERS + 1])
    number = f"+{number[2:]}" if number.startswith("00") else number
    if not _PHONE.fullmatch(number):
        raise bad_parameter(
            parameter, f"{parameter} must be a phone number with its country, as +491701234567"
        )
    return number


def mask(kind: str, target: str) -> str:
    """Return an address or phone number as it is shown: enough for its owner to know it, and no one else."""
    if kind != EMAIL:
        return _STARS + target[-_SHOWN_DIGITS:]
    local_part, _, domain = target.rpartition("@")
    return f"{local_part[:_SHOWN_FIRST]}{_STARS}@{_STARS}{domain[-_SHOWN_LAST:]}"


def make_plausible(hasher: CodeHasher, name: str) -> str:
    """Return a masked address for a name that has none: always the same, and like others."""
    digest = hasher.hash("plausible-target", name)
    first = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_SHOWN_FIRST])
    return f"{first}{_STARS}@{_STARS}{_ENDINGS[digest[-1] % len(_ENDINGS)]}"


def find_same(methods: Sequence[tuple[Method, str]], kind: str, target: str) -> Method | None:
    """Return the method of a kind with that target; all are compared."""
    found = None
    for method, known in methods:
        if method.kind == kind and hmac.compare_digest(known.encode(), target.encode()):
            found = method
    return found
