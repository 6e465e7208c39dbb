"""Addresses of accounts: what is a valid one, and the one form that all spellings of it have in the store.

Local parts are dot-atoms (RFC 5322 §3.2.3, with UTF-8 by RFC 6532 §3.2), in NFC and lower-case: unlike RFC 5321
§2.4 allows, ``Anna@`` and ``anna@`` are one mailbox here, as everybody expects. A ``+`` begins a detail (RFC 5233)
and so is no part of an account's address. Domains are host names, internationalised ones as A-labels (RFC 5890), in
lower-case, so that mail finds its account whichever form the sender's server used.
"""

import re
import unicodedata
from typing import NamedTuple

import idna

from postroom.errors import PostroomError, bad_parameter

MAX_LOCAL_PART_BYTES = 64
"""RFC 5321 §4.5.3.1.1."""
MAX_DOMAIN_BYTES = 253

_ATOM = r"[A-Za-z0-9!#$%&'*/=?^_`{|}~\x80-\U0010ffff-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*\Z")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_UNWANTED = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"))
"""Unicode categories with no place in an address: controls, formats, surrogates, private use, separators."""


class AccountAddress(NamedTuple):
    """A normalised address."""

    local_part: str
    domain: str

    def __str__(self) -> str:
        """Return ``local_part@domain``."""
        return f"{self.local_part}@{self.domain}"


def normalise_domain(text: str) -> str:
    """Return the form of a domain that the store has. Raises: badParameter (``domain``)."""
    name = text.strip().rstrip(".")
    try:
        name = (
            name.lower()
            if name.isascii()
            else idna.encode(name, uts46=True, transitional=False).decode("ascii")
        )
    except UnicodeError:
        raise bad_parameter("domain", f"{text!r} is not a domain name") from None
    if len(name) > MAX_DOMAIN_BYTES or not all(_LABEL.match(label) for label in name.split(".")):
        raise bad_parameter("domain", f"{text!r} is not a domain name")
    return name


def normalise_local_part(text: str) -> str:
    """Return the form of a local part that the store has. Raises: badParameter (``address``)."""
    name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    if "+" in name:
        raise bad_parameter(
            "address", f"{text!r} is not possible: what follows a + names a folder, not an account"
        )
    if any(unicodedata.category(character) in _UNWANTED for character in name) or not _LOCAL_PART.match(name):
        raise bad_parameter("address", f"{text!r} is not the local part of an address")
    if len(name.encode()) > MAX_LOCAL_PART_BYTES:
        raise bad_parameter("address", f"{text!r} is longer than {MAX_LOCAL_PART_BYTES} bytes")
    return name


def parse_account_address(text: str, *, primary_domain: str = "") -> AccountAddress:
    """Return the normalised form of an account's address.

    Args:
        text: ``user@domain``; ``user`` alone where there is a primary domain.
        primary_domain: the domain of addresses without one, "" if there is none.

    Raises: badParameter (``address``, ``domain``).
    """
    local_part, at, domain = text.strip().rpartition("@")
    if not at:
        local_part, domain = domain, primary_domain
    if not local_part or not domain:
        raise bad_parameter("address", f"{text!r} is not an address of the form user@domain")
    return AccountAddress(normalise_local_part(local_part), normalise_domain(domain))


def find_account_address(text: str, *, primary_domain: str = "") -> AccountAddress | None:
    """Return the normalised form of what may be an account's address, None where no account can have it."""
    try:
        return parse_account_address(text, primary_domain=primary_domain)
    except PostroomError:
        return None
