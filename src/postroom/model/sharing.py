"""Records of shared folders: what others may do in them, and how a reader sees them.

The rights are those of RFC 4314, a letter each: l list, r read, s seen, w other flags, i insert, k make folders
below, x rename, move and delete the folder, t and e take mails out, a administer.
"""

from collections.abc import Iterable
from typing import NamedTuple

from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId

RIGHTS = "lrswikxtea"
"""All that may be done, in the order in which they are told and stored."""
EVERYBODY = AccountId(0)
"""Stands for all accounts of a domain, or of the store."""
PUBLIC_ADDRESS = "~public"
"""The name of the account that has the public folders: no address, so that nobody logs in to it or writes to it."""
NAMESPACE = FolderId(0)
"""In the place of a folder's number: the root below which other users' folders are."""


class Reader(NamedTuple):
    """Who may be given something: an account, with no domain; everybody of a domain; or everybody."""

    account_id: AccountId
    domain: str = ""


class Asker(NamedTuple):
    """Who asks for a folder: an account, and the domain that it is in."""

    account_id: AccountId
    domain: str


class Grant(NamedTuple):
    """What a reader may do in a folder."""

    folder_id: FolderId
    reader: Reader
    rights: str


class SharedFolder(NamedTuple):
    """A folder of another's as a reader sees it: its counters and its state are his own."""

    folder: Folder
    rights: str


class SharedOwner(NamedTuple):
    """Who shares folders with a reader, and these folders, parents first."""

    account_id: AccountId
    address: str
    full_name: str
    folders: list[SharedFolder]

    @property
    def is_public(self) -> bool:
        """These are public folders."""
        return self.address == PUBLIC_ADDRESS


def put_in_order(rights: Iterable[str]) -> str:
    """Return rights in their order, each once."""
    given = set(rights)
    return "".join(right for right in RIGHTS if right in given)
