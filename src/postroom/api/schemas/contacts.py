"""Shapes of contacts, and how stored contacts become them."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.paging import Limit, Start
from postroom.api.schemas.deltas import GivenToken, Reset
from postroom.api.schemas.fields import Base64, ContactText, FolderText, Number, Shape, TokenText
from postroom.domain.contact_cards import Card, card_of
from postroom.domain.contact_deltas import ContactDelta as StoredDelta
from postroom.domain.contacts import ContactPage, FullContact
from postroom.model.contact import Avatar, ContactField, ContactSort
from postroom.model.contact import Contact as StoredContact
from postroom.model.ids import AccountId

_AllFolders = Annotated[FolderText | None, Meta(description="By default all folders of contacts together.")]


class ContactListQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which part of which contacts is asked for, in which order."""

    folder_id: _AllFolders = None
    sort: (
        Annotated[
            ContactField, Meta(description="By default the one last asked for in this session, else name.")
        ]
        | None
    ) = None
    dir: (
        Annotated[
            Literal["ASC", "DESC"],
            Meta(
                description="By default the one last asked for in this session, else ASC.", examples=["ASC"]
            ),
        ]
        | None
    ) = None
    start: Start = 0
    limit: Limit | None = None
    sync_token_only: Annotated[bool, Meta(description="Answer with the syncToken alone.")] = False


class ContactDeltaQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which contacts, and where the client stands."""

    folder_id: _AllFolders = None
    sync_token: GivenToken | None = None
    limit: Limit | None = None


class AutocompleteQuery(msgspec.Struct, frozen=True, rename="camel"):
    """What was typed."""

    query: Annotated[
        str,
        Meta(
            min_length=0, description="Words, each the beginning of a word of the contact.", examples=["ann"]
        ),
    ]
    limit: Annotated[int, Meta(ge=1, le=50, description="Most contacts to answer with.", examples=[10])] = 10


class AvatarsWanted(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whose pictures are wanted: by address or by id, one of the two."""

    contact_email_addresses: list[str] | UnsetType = UNSET
    contact_ids: list[ContactText] | UnsetType = UNSET


class ContactChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is said of a contact; what is not given stays as it is."""

    name: (
        Annotated[str, Meta(description="By default made of the other names, or the address.")] | UnsetType
    ) = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    nick_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    business_email: str | UnsetType = UNSET
    home_email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    organization: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    folder_id: Annotated[FolderText, Meta(description="By default Contacts.")] | UnsetType = UNSET
    members: (
        Annotated[
            list[str],
            Meta(
                description="Mailboxes of a distribution list; a contact is one if it is made with members."
            ),
        ]
        | UnsetType
    ) = UNSET
    avatar: Annotated[Base64 | None, Meta(description="An image file; empty for none.")] | UnsetType = UNSET


class ImportQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Where contacts go."""

    folder_id: Annotated[FolderText | None, Meta(description="By default Contacts.")] = None


class ExportQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which contacts, in which form."""

    folder_id: Annotated[FolderText | None, Meta(description="By default Contacts.")] = None
    version: Annotated[Literal["3.0", "4.0"], Meta(description="Of the vCards.", examples=["3.0"])] = "3.0"


class ImportResult(Shape, frozen=True):
    """What became of the cards."""

    imported: Number
    updated: Number
    failed: Annotated[
        Number, Meta(description="Those that are broken or empty, or for which there is no room.")
    ]


class ListedContact(Shape, frozen=True):
    """A contact as lists show it."""

    id: ContactText
    folder_id: FolderText
    is_distribution_list: bool
    name: str
    email: Annotated[str, Meta(description="The address; else that of business, else that at home.")]
    first_name: str
    last_name: str
    nick_name: str
    reversed_name: str


class Contact(Shape, frozen=True):
    """A contact with all that is known of it."""

    id: ContactText
    folder_id: FolderText
    is_distribution_list: bool
    name: str
    email: str
    business_email: str
    home_email: str
    first_name: str
    last_name: str
    nick_name: str
    reversed_name: str
    phone: str
    organization: str
    notes: str
    members: list[str]
    avatar: Base64


class ContactSortInfo(Shape, frozen=True):
    """The order of a list."""

    field: ContactField
    direction: Literal["ASC", "DESC"]


class ContactList(Shape, frozen=True):
    """A part of a list of contacts."""

    sync_token: TokenText
    total_items: Number
    sort_info: ContactSortInfo
    items: list[ListedContact]


class FoundContacts(Shape, frozen=True):
    """What begins as was typed, the most used first."""

    total_items: Annotated[Number, Meta(description="Of the items here.")]
    items: list[ListedContact]


class ContactAvatar(Shape, frozen=True):
    """A picture of a contact."""

    id: ContactText
    email: str
    data: Base64


class ContactAvatars(Shape, frozen=True):
    """The pictures that were found."""

    items: list[ContactAvatar]


class RemovedContact(Shape, frozen=True):
    """A contact that is gone from its folder."""

    id: ContactText
    folder_id: FolderText


class ContactDelta(Shape, frozen=True):
    """What changed of contacts. No contact is in two lists."""

    sync_token: TokenText
    total_items: Number
    sort_info: ContactSortInfo
    more_available: bool
    new_items: list[ListedContact]
    replaced_items: list[ListedContact]
    removed_items: list[RemovedContact]
    reset: Reset


def render_listed(owner: AccountId, contacts: Iterable[StoredContact]) -> list[ListedContact]:
    """Return contacts of ``owner`` as lists show them."""
    return [
        ListedContact(
            ids.render_contact(owner, one.folder_id, one.uid),
            ids.render_folder(owner, one.folder_id),
            bool(one.is_list),
            one.name,
            one.main_email,
            one.first_name,
            one.last_name,
            one.nick_name,
            one.reversed_name,
        )
        for one in contacts
    ]


def render_contact(owner: AccountId, full: FullContact) -> Contact:
    """Return a contact of ``owner``."""
    one, avatar = full
    return Contact(
        ids.render_contact(owner, one.folder_id, one.uid),
        ids.render_folder(owner, one.folder_id),
        bool(one.is_list),
        one.name,
        one.email,
        one.business_email,
        one.home_email,
        one.first_name,
        one.last_name,
        one.nick_name,
        one.reversed_name,
        one.phone,
        one.organization,
        one.notes,
        list(card_of(one).members or ()),
        b"" if avatar is None else avatar.data,
    )


def render_page(owner: AccountId, page: ContactPage) -> ContactList:
    """Return a page of contacts of ``owner``."""
    items = render_listed(owner, page.contacts)
    return ContactList(page.token, page.total_items, _render_sort(page.sort), items)


def render_avatars(owner: AccountId, found: Iterable[tuple[StoredContact, Avatar]]) -> ContactAvatars:
    """Return pictures of contacts of ``owner``."""
    return ContactAvatars(
        [
            ContactAvatar(ids.render_contact(owner, one.folder_id, one.uid), one.main_email, avatar.data)
            for one, avatar in found
        ]
    )


def render_delta(owner: AccountId, delta: StoredDelta) -> ContactDelta:
    """Return a page of the changes of contacts of ``owner``."""
    return ContactDelta(
        delta.token,
        delta.total_items,
        _render_sort(delta.present.sort),
        delta.has_more,
        render_listed(owner, delta.new),
        render_listed(owner, delta.replaced),
        [
            RemovedContact(
                ids.render_contact(owner, one.folder_id, one.contact_uid),
                ids.render_folder(owner, one.folder_id),
            )
            for one in delta.removed
        ],
        delta.is_reset,
    )


def _render_sort(sort: ContactSort) -> ContactSortInfo:
    return ContactSortInfo(sort.field, "DESC" if sort.descending else "ASC")


def read_changes(given: ContactChange) -> dict[str, Any]:
    """Return what is given of a contact's card, by the names of its fields."""
    changes = {name: getattr(given, name) for name in Card._fields}
    changes = {name: value for name, value in changes.items() if value is not UNSET}
    if "members" in changes:
        changes["members"] = tuple(changes["members"])
    return changes
