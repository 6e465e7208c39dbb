"""Record of a search folder: what a search has found, as a list that can be named like a folder.

Its number lies above those of all folders. A mail in it is named by its number in the account (ItemId), which it
keeps wherever it is moved.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq, SessionId

FIRST_SEARCH_FOLDER = 1 << 48
"""Numbers from here on are those of search folders."""
NO_SESSION = SessionId(0)
"""Owns what was asked for without a session."""


class SearchFolder(NamedTuple):
    """A search folder as stored; the columns are explained in the schema. Times are Unix milliseconds."""

    account_id: AccountId
    search_id: FolderId
    session_id: SessionId
    modseq: Modseq
    changed_modseq: Modseq
    total_items: int
    """How many mails were found."""
    shows_discarded: int
    created_at: int
    expires_at: int
    reader_id: AccountId = AccountId(0)
    """Who has searched another's folders; 0: the account itself."""


def is_search_folder(folder_id: int) -> bool:
    """Tell whether a number is that of a search folder."""
    return folder_id >= FIRST_SEARCH_FOLDER
