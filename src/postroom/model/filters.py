"""Records of an account's filters: what it has set, its white and black lists, and the filters that are on or off."""

from typing import Final, Literal, NamedTuple

from postroom.model.ids import AccountId

ListName = Literal["white", "black"]
Preset = Literal["off", "weak", "strong"]

SPAM_SCORE, FAILED_AUTHENTICATION, FORGED_SENDER, DANGEROUS_ATTACHMENT, REMOTE_IMAGES, BULK = range(1, 7)
"""Numbers of the on/off filters, in the order in which they are asked."""
FILTER_NAMES: Final = {
    SPAM_SCORE: "Spam score",
    FAILED_AUTHENTICATION: "Failed authentication",
    FORGED_SENDER: "Forged sender",
    DANGEROUS_ATTACHMENT: "Dangerous attachments",
    REMOTE_IMAGES: "Unknown sender with remote images only",
    BULK: "Bulk mail without unsubscribe",
}


def bits_of(*numbers: int) -> int:
    """Return the set of on/off filters as the store has it."""
    return sum(1 << (number - 1) for number in numbers)


PRESETS: Final[dict[Preset, int]] = {
    "off": 0,
    "weak": bits_of(SPAM_SCORE, DANGEROUS_ATTACHMENT),
    "strong": bits_of(*FILTER_NAMES),
}


class FilterSetting(NamedTuple):
    """What an account has set; the columns are explained in the schema."""

    includes_address_book: int = 1
    excludes_address_book: int = 1
    enabled_filters: int = PRESETS["weak"]

    def is_on(self, number: int) -> bool:
        """Tell whether an on/off filter is enabled."""
        return bool(self.enabled_filters & bits_of(number))


class FilterEntry(NamedTuple):
    """An entry of a list: an address, or a whole domain as ``@domain``."""

    entry_id: int
    pattern: str


class EntryRef(NamedTuple):
    """An entry, by the account that has it and its number."""

    owner: AccountId
    entry_id: int


class Standing(NamedTuple):
    """What an account has to say of the senders of a message."""

    setting: FilterSetting = FilterSetting()
    is_white: bool = False
    is_black: bool = False
    is_known: bool = False
    """One of them is in the address book."""
