"""The forms in which senders are compared: with contacts, and with the entries of white and black lists."""

from collections.abc import Iterable

from postroom.compose.addresses import parse_address
from postroom.domain.addresses import normalise_domain
from postroom.domain.contact_cards import address_key
from postroom.errors import PostroomError, bad_parameter
from postroom.patterns import compile_pattern

MAX_PATTERN_CHARS = 320
"""RFC 5321 §4.5.3.1: 64 of the local part, 255 of the domain."""
_NEEDLESS_QUOTES = compile_pattern(r"\"([^\s\"\\()<>\[\]:;@,.]++(?:\.[^\s\"\\()<>\[\]:;@,.]++)*+)\"(?=@)")


def pattern_key(pattern: str, *, parameter: str) -> str:
    """Return the key of an entry of a list. Raises: badParameter for what is no address, nor ``@domain``."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise bad_parameter(parameter, f"{parameter} has at most {MAX_PATTERN_CHARS} characters")
    if pattern.startswith("@"):
        try:
            return f"@{normalise_domain(pattern[1:])}"
        except PostroomError:
            raise bad_parameter(
                parameter, f"{parameter} must be an address, or a domain as @domain"
            ) from None
    address = parse_address(pattern, parameter=parameter)
    if address.name or "<" in pattern:
        raise bad_parameter(parameter, f"{parameter} must be an address without a name")
    return sender_key(address.addr_spec)


def sender_key(address: str) -> str:
    """Return the key of an address: case does not matter, nor which form its domain has, nor needless quotes."""
    return address_key(_NEEDLESS_QUOTES.sub(r"\1", address))


def keys_of(addresses: Iterable[str]) -> list[str]:
    """Return the keys by which any of the addresses may be in a list: its own, and that of its domain."""
    found: dict[str, None] = {}
    for address in addresses:
        if "@" in address:
            key = sender_key(address)
            found[key] = found[key[key.rindex("@") :]] = None
    return list(found)
