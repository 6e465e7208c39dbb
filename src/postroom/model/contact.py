"""Records of contacts, and what a list of them is asked for."""

from enum import Enum
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, ItemId, Modseq, Uid


class ContactRef(NamedTuple):
    """A contact, named across accounts."""

    owner: AccountId
    folder: FolderId
    uid: Uid


class Contact(NamedTuple):
    """A contact or a distribution list, as stored, but for its avatar; the columns are explained in the schema."""

    folder_id: FolderId
    uid: Uid
    item_id: ItemId
    modseq: Modseq
    entered_modseq: Modseq
    is_list: int
    name: str
    first_name: str
    last_name: str
    nick_name: str
    email: str
    business_email: str
    home_email: str
    phone: str
    organization: str
    notes: str
    members: str
    card_uid: str
    uses: int
    has_avatar: int
    name_key: bytes
    email_key: bytes

    @property
    def main_email(self) -> str:
        """The address that lists show."""
        return self.email or self.business_email or self.home_email

    @property
    def reversed_name(self) -> str:
        """The name, the last name first."""
        if self.first_name and self.last_name:
            return f"{self.last_name}, {self.first_name}"
        return self.name


class Avatar(NamedTuple):
    """A picture: its media type, and the file."""

    content_type: str
    data: bytes


class ContactField(Enum):
    """Fields that contacts sort by; the value is the wire name."""

    NAME = "name"
    EMAIL = "email"


class ContactSort(NamedTuple):
    """An order of contacts; ties break by uid (in all folders together: by the contact's number) the same way."""

    field: ContactField = ContactField.NAME
    descending: bool = False
