"""How far the indexes of an account are.

Sort orders, conversations and the full-text index change in the transactions that change the mails, so that they are
always up to date but for what is done behind these: the mails of folders that came into or out of Spam or Trash are
joined to conversations, or parted from them, slice by slice, and attached documents are read. An index that is being
rebuilt stays in use, and as good as it was, until each of its entries is replaced; but for a full-text index that is
made from scratch: then ``meta`` says up to which account that has come, until it is done, also if it is interrupted.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from postroom.config.classes import AccountClass, class_of
from postroom.domain.access import refuse_shared
from postroom.errors import not_found
from postroom.model.account import Caller
from postroom.model.folder import ROOT
from postroom.model.ids import FolderRef
from postroom.store import Store

IndexName = Literal["conversation", "sort", "search"]
State = Literal["uninitialized", "initialized", "uptodate", "unavailable"]


SCRATCH = "search_from_scratch"
"""The fact in ``meta``: the last account whose full-text index has been made; "" where none is to be made."""


class IndexState(NamedTuple):
    """How far an index is; ``progress`` from 0 to 1."""

    state: State
    progress: float


_UP_TO_DATE = IndexState("uptodate", 1.0)
_UNAVAILABLE = IndexState("unavailable", 0.0)
_NOT_MADE = IndexState("uninitialized", 0.0)


class Indexes:
    """The indexes of accounts."""

    def __init__(self, store: Store, classes: Mapping[str, AccountClass]) -> None:
        self._store = store
        self._classes = classes

    async def states(self, caller: Caller, scope: FolderRef) -> dict[IndexName, IndexState]:
        """Return the state of each index, for a folder or the folder container. Raises: notFound; unavailable."""
        await refuse_shared(self._store, caller, scope)
        async with self._store.read(caller.account_id) as mailbox:
            if scope.folder != ROOT and await mailbox.folders.find(scope.folder) is None:
                raise not_found("the folder")
            backlog = await mailbox.indexing.find_backlog()
        if backlog is None:
            raise not_found("the account")
        async with self._store.directory() as directory:
            made = await directory.meta.find(SCRATCH)
        documents = _state_of(backlog.unread_documents, backlog.unread_documents, backlog.total_items)
        account_class = class_of(self._classes, caller.class_name)
        threads = _state_of(backlog.unthreaded_folders, backlog.unthreaded_items, backlog.total_items)
        return {
            "conversation": threads if account_class.allow_conversation_view else _UNAVAILABLE,
            "sort": _UP_TO_DATE,
            "search": _NOT_MADE if made and caller.account_id > int(made) else documents,
        }


def _state_of(left: int, items: int, total: int) -> IndexState:
    """Return the state of an index for which something is left to do, with so many of all mails."""
    if not left:
        return _UP_TO_DATE
    # The last of it is still to come, whatever rounding says.
    return IndexState("initialized", min(max(0.0, round(1 - items / max(total, 1), 3)), 0.999))
