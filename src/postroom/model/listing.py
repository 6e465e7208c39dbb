"""What a list of mails is asked for and what comes back."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from postroom.model.folder import Folder
from postroom.model.ids import ItemId, MailRef
from postroom.model.mail import Mail


class SortField(Enum):
    """Fields that mails sort by; the value is the wire name."""

    DATE = "date"
    SUBJECT = "subject"
    FROM = "from"
    TO = "to"
    SIZE = "size"
    IS_UNREAD = "isUnread"
    IS_FLAGGED = "isFlagged"
    IMPORTANCE = "importance"
    HAS_ATTACHMENTS = "hasAttachments"
    FOLDER_NAME = "folderName"
    """Where the mails are; in search folders alone."""


class Sort(NamedTuple):
    """An order of mails: total and stable; ties break by date (whole seconds), then uid, the same way."""

    field: SortField = SortField.DATE
    descending: bool = True


class MailPage(NamedTuple):
    """A page of a folder's mails."""

    folder: Folder
    sort: Sort
    active_row: int
    """Row of the asked mail in the whole list, -1 if it is not there or none was asked."""
    mails: Sequence[Mail]
    originals: Mapping[ItemId, MailRef] = {}
    """In a search folder: where each of the mails is."""


class MailListRequest(NamedTuple):
    """A page asked for; ``sort`` and ``descending`` are None where the client gave none."""

    field: SortField | None = None
    descending: bool | None = None
    start: int = 0
    limit: int | None = None
    active: MailRef | None = None
