"""The settings of an account: names, types, and what values there are.

The members go by the same names in the store (as JSON) and over the wire. :class:`AccountSettings` is what is in
force; :class:`SettingsChange` holds some of it: what an account has set, or what it asks to set.
"""

import re
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

T = TypeVar("T", bound=msgspec.Struct)

ArchivingPolicy = Literal["none", "folderPerYear", "folderPerMonth", "subfolderPerMonth"]
Theme = Literal["ocean", "breeze", "neutral"]
TimeFormat = Literal[
    "h:mm AM",
    "h:mm A.M.",
    "hh:mm AM",
    "hh:mm A.M.",
    "h.mm AM",
    "h.mm A.M.",
    "hh.mm AM",
    "hh.mm A.M.",
    "h:mm",
    "hh:mm",
    "h.mm",
    "hh.mm",
    'h"h" mm"min"',
    'hh"h" mm"min"',
]
CalendarType = Literal["gregorian", "persian"]
SendReceipts = Literal["ask", "always", "never"]
ExternalImages = Literal["byLevel", "never", "always"]
FilteringLevel = Annotated[
    int, Meta(ge=0, le=3, description="How much of HTML is dropped: 0 least, 3 most.", examples=[1])
]
Language = Literal[
    "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "is", "it", "ja", "ko", "lt", "lv", "mk", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th",
    "tr", "tk", "uk", "vi", "zh-cn", "zh-tw",
]  # fmt: skip
WeekDay = Annotated[int, Meta(ge=0, le=6, description="0 is Sunday.", examples=[1])]
WorkingDays = Annotated[
    int, Meta(ge=1, le=127, description="A sum: Sunday 1, Monday 2 to Saturday 64.", examples=[62])
]
PageSize = Annotated[
    int, Meta(ge=1, le=1000, description="Rows of a list whose call names no limit.", examples=[50])
]

_ORDERS = (("M", "D", "Y"), ("D", "M", "Y"), ("Y", "M", "D"))
_FORMS = {"M": ("M", "MM"), "D": ("D", "DD"), "Y": ("YY", "YYYY")}
DATE_FORMATS = tuple(
    separator.join((first, second, third))
    for order in _ORDERS
    for separator in "-/."
    for first in _FORMS[order[0]]
    for second in _FORMS[order[1]]
    for third in _FORMS[order[2]]
)
"""All forms of a date."""
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"

DateFormat = Annotated[str, Meta(extra_json_schema={"enum": list(DATE_FORMATS)}, examples=["YYYY-MM-DD"])]
ClockTime = Annotated[
    str, Meta(pattern=f"^{_CLOCK}$", description="Time of day, hh:mm:ss.", examples=["09:00:00"])
]
Timezone = Annotated[
    str, Meta(max_length=64, description="A name of the IANA time zone database.", examples=["UTC"])
]

MAX_OPAQUE_BYTES = 8192
"""Longest text that a program may keep with an account, in bytes of UTF-8."""


class Receipts(msgspec.Struct, frozen=True, rename="camel"):
    """Whether receipts are sent, and asked for."""

    send_read_receipts: SendReceipts
    request_read_receipts: bool
    request_delivery_receipts: bool


class AccountSettings(msgspec.Struct, frozen=True, rename="camel"):
    """All settings of an account."""

    archiving_policy: ArchivingPolicy
    conversation_view: bool
    theme: Theme
    delete_to_trash: bool
    confirm_mail_delete: bool
    auto_add_recipients: bool
    purge_trash_on_logout: bool
    purge_spam_on_logout: bool
    body_html_filtering_level: FilteringLevel
    language: Language
    timezone: Timezone
    date_format: DateFormat
    time_format: TimeFormat
    week_start_day: WeekDay
    working_days: WorkingDays
    start_working_time: ClockTime
    end_working_time: ClockTime
    calendar_type: CalendarType
    receipts: Receipts
    save_to_sent: bool
    page_size: PageSize
    external_images: ExternalImages

    def shows_external_images(self) -> bool:
        """Tell whether images of other servers are left in HTML where the call does not say."""
        if self.external_images == "byLevel":
            return self.body_html_filtering_level in {1, 2}
        return self.external_images == "always"

    def showing(self, external_images: bool | None) -> "AccountSettings":
        """Return these settings with what a call says of images of other servers; None if it says nothing."""
        if external_images is None:
            return self
        return msgspec.structs.replace(self, external_images="always" if external_images else "never")


class ReceiptsChange(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Some of :class:`Receipts`."""

    send_read_receipts: SendReceipts | UnsetType = UNSET
    request_read_receipts: bool | UnsetType = UNSET
    request_delivery_receipts: bool | UnsetType = UNSET


class SettingsChange(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Some of :class:`AccountSettings`."""

    archiving_policy: ArchivingPolicy | UnsetType = UNSET
    conversation_view: bool | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET
    delete_to_trash: bool | UnsetType = UNSET
    confirm_mail_delete: bool | UnsetType = UNSET
    auto_add_recipients: bool | UnsetType = UNSET
    purge_trash_on_logout: bool | UnsetType = UNSET
    purge_spam_on_logout: bool | UnsetType = UNSET
    body_html_filtering_level: FilteringLevel | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    date_format: DateFormat | UnsetType = UNSET
    time_format: TimeFormat | UnsetType = UNSET
    week_start_day: WeekDay | UnsetType = UNSET
    working_days: WorkingDays | UnsetType = UNSET
    start_working_time: ClockTime | UnsetType = UNSET
    end_working_time: ClockTime | UnsetType = UNSET
    calendar_type: CalendarType | UnsetType = UNSET
    receipts: ReceiptsChange | UnsetType = UNSET
    save_to_sent: bool | UnsetType = UNSET
    page_size: PageSize | UnsetType = UNSET
    external_images: ExternalImages | UnsetType = UNSET


def merge(base: T, change: msgspec.Struct) -> T:
    """Return ``base`` with what ``change`` sets, member by member."""
    given = {}
    for name in change.__struct_fields__:
        value = getattr(change, name)
        if value is UNSET:
            continue
        old = getattr(base, name)
        given[name] = merge(old, value) if isinstance(value, msgspec.Struct) and old is not UNSET else value
    return msgspec.structs.replace(base, **given)


def is_clock_time(text: str) -> bool:
    """Tell whether ``text`` is a time of day, ``hh:mm:ss``."""
    return re.fullmatch(_CLOCK, text) is not None
