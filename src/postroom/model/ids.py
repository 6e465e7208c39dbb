"""Typed identifiers, as the store counts them. Their wire forms are the business of :mod:`postroom.api.ids`."""

from typing import NamedTuple, NewType

AccountId = NewType("AccountId", int)
FolderId = NewType("FolderId", int)
"""Number of a folder within its owner's account; also numbers the folder container (the root)."""
Uid = NewType("Uid", int)
"""Number of a mail within its folder; never used twice there."""
ItemId = NewType("ItemId", int)
"""Number of a mail within its account, which it keeps wherever it is moved; a copy has its own."""
LabelId = NewType("LabelId", int)
ContentId = NewType("ContentId", int)
"""Number of a message content within its account; shared by all copies of a mail."""
SessionId = NewType("SessionId", int)
Modseq = NewType("Modseq", int)
"""Position in an account's history; every committed change takes the next one."""


class FolderRef(NamedTuple):
    """A folder, named across accounts."""

    owner: AccountId
    folder: FolderId


class MailRef(NamedTuple):
    """A mail, named across accounts."""

    owner: AccountId
    folder: FolderId
    uid: Uid


class LabelRef(NamedTuple):
    """A label, named across accounts."""

    owner: AccountId
    label: LabelId
