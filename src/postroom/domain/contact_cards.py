"""What a contact says: its fields, checked and limited, and what it is found by.

A name that nobody gave is made of what else there is, and follows it. Addresses are kept as they are written, the
domain as A-labels. The members of a distribution list are mailboxes, with names or without.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from postroom.compose.addresses import parse_address
from postroom.domain.addresses import normalise_domain
from postroom.errors import PostroomError, bad_parameter
from postroom.mime.summary import sort_key
from postroom.model.contact import Contact

MAX_CHARS = 255
"""Of a name, a phone number, an organization."""
MAX_NOTES_CHARS = 10_000
MAX_MEMBERS = 500
MAX_MEMBER_CHARS = 500
MAX_WORDS = 48
"""Words that a contact is found by."""
_WORD_BYTES = 64

_NOT_WORD = re.compile(r"[\W_]+")
_encode = msgspec.json.Encoder().encode
_decode_members = msgspec.json.Decoder(list[str]).decode


class Card(NamedTuple):
    """What a contact says; ``members`` is None where it is no distribution list."""

    name: str = ""
    first_name: str = ""
    last_name: str = ""
    nick_name: str = ""
    email: str = ""
    business_email: str = ""
    home_email: str = ""
    phone: str = ""
    organization: str = ""
    notes: str = ""
    members: tuple[str, ...] | None = None


_LINES = {
    "name": "name",
    "first_name": "firstName",
    "last_name": "lastName",
    "nick_name": "nickName",
    "phone": "phone",
    "organization": "organization",
}
_ADDRESSES = {"email": "email", "business_email": "businessEmail", "home_email": "homeEmail"}


def card_of(contact: Contact) -> Card:
    """Return what a stored contact says."""
    members = tuple(_decode_members(contact.members)) if contact.is_list else None
    return Card(*contact[6:16], members)


def check_card(card: Card) -> Card:
    """Return a card as it is kept. Raises: badParameter."""
    fields = {name: _check_line(getattr(card, name), shown) for name, shown in _LINES.items()}
    fields |= {name: _check_email(getattr(card, name), shown) for name, shown in _ADDRESSES.items()}
    notes = unicodedata.normalize("NFC", card.notes).replace("\r\n", "\n")
    if len(notes) > MAX_NOTES_CHARS or _has_controls(notes, but="\n\r\t"):
        raise bad_parameter(
            "notes", f"notes must have at most {MAX_NOTES_CHARS} characters, and no control characters"
        )
    members = None if card.members is None else _check_members(card.members)
    checked = Card(**fields, notes=notes, members=members)
    checked = checked if checked.name else checked._replace(name=made_up_name(checked))
    if not checked.name:
        raise bad_parameter("name", "a contact must have a name or an address")
    return checked


def made_up_name(card: Card) -> str:
    """Return the name of a card that says none, "" if there is nothing to make it of."""
    whole = f"{card.first_name} {card.last_name}".strip()
    name = (
        whole or card.nick_name or card.organization or card.email or card.business_email or card.home_email
    )
    return name[:MAX_CHARS].strip()


def change_card(before: Card, changes: dict[str, object]) -> Card:
    """Return a card with other fields; a name that was made up is made up anew. Raises: badParameter."""
    if changes.get("members") is not None and before.members is None:
        raise bad_parameter("members", "only a distribution list has members")
    after = before._replace(**changes)  # type: ignore[arg-type]
    if "name" not in changes and before.name == made_up_name(before):
        after = after._replace(name="")
    return check_card(after)


def _check_line(text: str, parameter: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MAX_CHARS:
        raise bad_parameter(parameter, f"{parameter} must have at most {MAX_CHARS} characters")
    if _has_controls(text, but=""):
        raise bad_parameter(parameter, f"{parameter} must have no control characters")
    return text


def _has_controls(text: str, *, but: str) -> bool:
    return not text.isprintable() and any(
        unicodedata.category(char) in {"Cc", "Cs"} and char not in but for char in text
    )


def _check_email(text: str, parameter: str) -> str:
    if not text.strip():
        return ""
    address = parse_address(text, parameter=parameter)
    if address.name:
        raise bad_parameter(parameter, f"{parameter} must be an address alone")
    return address.addr_spec


def _check_members(members: Sequence[str]) -> tuple[str, ...]:
    if len(members) > MAX_MEMBERS:
        raise bad_parameter("members", f"a distribution list has at most {MAX_MEMBERS} members")
    found: dict[str, str] = {}
    for text in members:
        if len(text) > MAX_MEMBER_CHARS:
            raise bad_parameter("members", f"a member has at most {MAX_MEMBER_CHARS} characters")
        address = parse_address(text, parameter="members")
        found.setdefault(address_key(address.addr_spec), str(address))
    return tuple(found.values())


def store_card(contact: Contact, card: Card) -> Contact:
    """Return a contact that says what a card does."""
    members = "" if card.members is None else _encode(card.members).decode()
    contact = contact._replace(
        **card._asdict() | {"is_list": int(card.members is not None), "members": members}
    )
    return contact._replace(name_key=sort_key(contact.name), email_key=sort_key(contact.main_email))


# What a contact is found by


def address_key(addr_spec: str) -> str:
    """Return the form of an address that contacts are compared by."""
    local_part, _, domain = addr_spec.rpartition("@")
    try:
        domain = normalise_domain(domain)
    except PostroomError:  # A domain literal.
        domain = domain.lower()
    return f"{unicodedata.normalize('NFC', local_part.casefold())}@{domain}"


def addresses_of(contact: Contact) -> list[str]:
    """Return the keys of a contact's addresses."""
    given = (contact.email, contact.business_email, contact.home_email)
    return list(dict.fromkeys(address_key(one) for one in given if one))


def words_of(contact: Contact) -> list[bytes]:
    """Return what a contact is found by as one types: its words, each with what follows it in the same piece."""
    found: dict[bytes, None] = {}
    for text in (contact.name, contact.first_name, contact.last_name, contact.nick_name):
        for piece in text.split():
            found |= dict.fromkeys(_beginnings(piece, len(piece)))
    for address in (contact.email, contact.business_email, contact.home_email):
        if address:
            found |= dict.fromkeys(_beginnings(address, address.rindex("@")))
    return list(found)[:MAX_WORDS]


def words_of_query(text: str) -> list[bytes]:
    """Return the words that are asked for, the longest first; none that another begins with."""
    words = {sort_key(_trim(piece))[:_WORD_BYTES] for piece in text.split()} - {b""}
    needed = [one for one in words if not any(other != one and other.startswith(one) for other in words)]
    return sorted(needed, key=lambda word: (-len(word), word))


def _beginnings(piece: str, last: int) -> Iterator[bytes]:
    """Yield the folded rest of a piece of text from each word of it that begins before ``last``."""
    position = 0
    while position < last:
        separator = _NOT_WORD.match(piece, position)
        start = separator.end() if separator else position
        if start >= last:
            return
        yield sort_key(piece[start:])[:_WORD_BYTES]
        following = _NOT_WORD.search(piece, start)
        if following is None:
            return
        position = following.start()


def _trim(piece: str) -> str:
    """Return a piece of a query without what stands before its first word."""
    separator = _NOT_WORD.match(piece)
    return piece[separator.end() :] if separator else piece
