"""Shapes of an account's filters."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.paging import Limit, Start
from postroom.api.schemas.fields import EntryText, FilterNumber, Number, Shape
from postroom.domain.filter_settings import EntryPage, preset_of
from postroom.domain.sender_keys import MAX_PATTERN_CHARS
from postroom.model.filters import FILTER_NAMES, PRESETS, FilterEntry, FilterSetting, Preset
from postroom.model.ids import AccountId

Included = Annotated[bool, Meta(description="Mail from addresses of contacts never goes to Spam.")]
Excluded = Annotated[bool, Meta(description="Addresses of contacts count as not being on the black list.")]
Pattern = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_PATTERN_CHARS,
        description="An address, or a whole domain as @domain.",
        examples=["bea@example.org"],
    ),
]


class FilterOptions(Shape, frozen=True):
    """What the address book means for the lists."""

    whitelist_include_address_book: Included
    blacklist_exclude_address_book: Excluded


class FilterOptionsChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be changed; any of them."""

    whitelist_include_address_book: Included | UnsetType = UNSET
    blacklist_exclude_address_book: Excluded | UnsetType = UNSET


class EntryListQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which part of a list."""

    start: Start = 0
    limit: Limit | None = None


class NewEntry(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be on a list."""

    email_address: Pattern


class Entry(Shape, frozen=True):
    """An entry of a list."""

    id: EntryText
    email_address: Annotated[str, Meta(examples=["bea@example.org"])]


class EntryList(Shape, frozen=True):
    """A part of a list, oldest first."""

    total_items: Number
    items: list[Entry]


class PresetList(Shape, frozen=True):
    """The names of all presets."""

    items: list[Preset]


class PresetName(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A preset."""

    preset: Preset


class CurrentPreset(Shape, frozen=True):
    """The preset that is in force."""

    preset: Annotated[
        Literal["off", "weak", "strong", "custom"],
        Meta(description="custom: the filters match no preset.", examples=["weak"]),
    ]


class OnOffFilter(Shape, frozen=True):
    """A filter that is on or off."""

    id: FilterNumber
    name: Annotated[str, Meta(examples=["Spam score"])]
    enabled: bool


class OnOffFilterList(Shape, frozen=True):
    """All of them, in the order in which they are asked."""

    items: list[OnOffFilter]


class Switch(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whether a filter is to be on."""

    enabled: bool


def render_options(setting: FilterSetting) -> FilterOptions:
    """Return what the address book means."""
    return FilterOptions(bool(setting.includes_address_book), bool(setting.excludes_address_book))


def render_entry(owner: AccountId, entry: FilterEntry) -> Entry:
    """Return an entry of ``owner``."""
    return Entry(ids.render_entry(owner, entry.entry_id), entry.pattern)


def render_page(owner: AccountId, page: EntryPage) -> EntryList:
    """Return a part of a list of ``owner``."""
    return EntryList(page.total_items, [render_entry(owner, entry) for entry in page.entries])


def render_presets() -> PresetList:
    """Return the names of all presets."""
    return PresetList(list(PRESETS))


def render_preset(setting: FilterSetting) -> CurrentPreset:
    """Return the preset in force."""
    return CurrentPreset(preset_of(setting) or "custom")


def render_filters(setting: FilterSetting) -> OnOffFilterList:
    """Return the filters with what is set."""
    return OnOffFilterList(
        [OnOffFilter(number, name, setting.is_on(number)) for number, name in FILTER_NAMES.items()]
    )
