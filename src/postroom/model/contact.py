"""Records of contacts."""

from typing import NamedTuple

from postroom.model.ids import FolderId, ItemId, Modseq, Uid


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
    name_key: bytes
    email_key: bytes
