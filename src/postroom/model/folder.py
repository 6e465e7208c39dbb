"""Records of folders, and the folders every account has from the start."""

from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq

ROOT = FolderId(1)
"""The folder container of an account: parent of its top folders, not a folder itself."""
INBOX = FolderId(2)
"""The Inbox of every account has this number, so that the unread counter needs no look-up to find it."""
DRAFTS, SENT, SPAM, SCHEDULED = FolderId(3), FolderId(4), FolderId(6), FolderId(7)
CONTACTS, COLLECTED = FolderId(8), FolderId(9)
"""Other folders that every account has from the start, none of which can be removed."""


class Folder(NamedTuple):
    """A folder, as stored. Counters are maintained, exact, and change where the mail changes."""

    account_id: AccountId
    folder_id: FolderId
    parent_id: FolderId
    name: str
    role: str
    """"", ``inbox``, ``drafts``, ``sent``, ``trash``, ``junk`` or ``archive``."""
    folder_type: str
    """``mails``, ``events``, ``tasks``, ``notes`` or ``contacts``."""
    is_special: int
    """1: can't be deleted, moved or renamed."""
    takes_subfolders: int
    uid_validity: int
    total_items: int
    unread_items: int
    size_bytes: int
    created_modseq: Modseq
    modseq: Modseq
    """Of the last change of the folder itself (name, place)."""
    content_modseq: Modseq
    """Of the last change of anything in it."""
    is_threaded: int
    """1: its mails belong to conversations."""
    conversations: int
    """Those that have a mail in it."""
    conversations_modseq: Modseq
    """Of the last change of one of these, wherever its mails are."""


UNTHREADED_ROLES = frozenset({"trash", "junk"})
"""Mails in these folders and below them belong to no conversation."""


class FolderSpec(NamedTuple):
    """A folder every account has from the start; ``key`` names it in the tables of languages."""

    key: str
    role: str
    folder_type: str
    takes_subfolders: int


DEFAULT_FOLDERS = (
    FolderSpec("inbox", "inbox", "mails", 1),
    FolderSpec("drafts", "drafts", "mails", 0),
    FolderSpec("sent", "sent", "mails", 1),
    FolderSpec("trash", "trash", "mails", 1),
    FolderSpec("spam", "junk", "mails", 1),
    FolderSpec("scheduled", "", "mails", 0),
    FolderSpec("contacts", "", "contacts", 1),
    FolderSpec("collected", "", "contacts", 0),
    FolderSpec("calendar", "", "events", 0),
    FolderSpec("tasks", "", "tasks", 0),
    FolderSpec("notes", "", "notes", 0),
)
"""In the order of their numbers, Inbox first: :data:`INBOX` and on."""
