"""Shapes of what an account says of itself, and of the addresses it has."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api import ids
from postroom.api.schemas.fields import AliasText, DateText, Shape
from postroom.domain.accounts import AliasKind
from postroom.domain.accounts import OwnAddress as StoredAddress
from postroom.domain.profiles import MAX_NAME_CHARACTERS
from postroom.model import profile
from postroom.model.ids import AccountId

NamePart = Annotated[
    str, Meta(max_length=MAX_NAME_CHARACTERS, description="One line; empty for none.", examples=["Ann"])
]
EmailText = Annotated[str, Meta(description="An address.", examples=["ann@example.com"])]


class ContactInfo(Shape, frozen=True, forbid_unknown_fields=True):
    """Who the owner of the account is."""

    title: NamePart = ""
    first_name: NamePart = ""
    middle_name: NamePart = ""
    last_name: NamePart = ""
    suffix: NamePart = ""
    personal_email_address: Annotated[
        str,
        Meta(description="An address of the owner elsewhere; empty for none.", examples=["ann@example.org"]),
    ] = ""


class OwnAddress(Shape, frozen=True):
    """An address that mail for the account may have."""

    email_address: EmailText
    type: AliasKind


class AddressList(Shape, frozen=True):
    """The addresses of the account; temporary ones have a list of their own."""

    items: list[OwnAddress]


class TemporaryAlias(Shape, frozen=True):
    """An address that the account has for a while."""

    id: AliasText
    email_address: EmailText
    expire_date: DateText


class TemporaryAliasList(Shape, frozen=True):
    """The temporary aliases that work now."""

    items: list[TemporaryAlias]


def read_contact_info(given: ContactInfo) -> profile.ContactInfo:
    """Return contact information as the domain takes it."""
    return profile.ContactInfo(*msgspec.structs.astuple(given))


def render_contact_info(info: profile.ContactInfo) -> ContactInfo:
    """Return contact information as it is answered."""
    return ContactInfo(*info)


def render_addresses(addresses: Iterable[StoredAddress]) -> AddressList:
    """Return the addresses of an account as they are answered."""
    return AddressList([OwnAddress(*address) for address in addresses])


def render_alias(owner: AccountId, alias: profile.TemporaryAlias) -> TemporaryAlias:
    """Return a temporary alias as it is answered."""
    date = str(alias.expires_at // 1000)
    return TemporaryAlias(ids.render_alias(owner, alias.alias_id), alias.address, date)
