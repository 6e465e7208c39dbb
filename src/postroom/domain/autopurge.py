"""Automatic purge: what has been in Trash or Spam for as long as the account's class says is removed.

When a mail came into its folder is known by ``entered_modseq``, a step of history; which step was made when, by the
marks that each daily visit leaves (:mod:`postroom.domain.visits`). So moving and delivering mails costs nothing more,
and no mail goes too early; it goes up to two days late. What was there before the first mark counts from it on.

A folder that was moved to Trash has been there since its last change of place or name, with all that was in it then:
it goes as a whole once the newest thing in it is old enough. Until then its old mails go alone, which is also how it
is with the folders in Spam (see :mod:`postroom.domain.clearing`).
"""

from collections.abc import Sequence

from postroom.config.classes import Autopurge
from postroom.domain.clearing import SPAM, TRASH, clear_later, list_tree
from postroom.domain.folder_changes import remove_folders
from postroom.domain.steps import Record
from postroom.model.folder import Folder
from postroom.model.ids import FolderId, Modseq
from postroom.store.sql.maintenance import Clearing
from postroom.store.tx import Transaction

KIND = "autopurge"


async def purge_old(tx: Transaction, policy: Autopurge, *, modseq: Modseq) -> bool:
    """Remove what was in Trash and Spam by a step of history, or note that it is to be; return whether there is any.

    The mailbox must be locked.
    """
    folders = await tx.folders.list_all()
    found = False
    for role, is_wanted in ((TRASH, policy.trash), (SPAM, policy.spam)):
        top = await tx.folders.find_role(role) if is_wanted else None
        if top is not None:
            tree = await _Tree.read(tx, list_tree(folders, top), modseq=modseq)
            found = await tree.purge(tx, removes_folders=role == TRASH) or found
    return found


class _Tree:
    """Trash or Spam, with the folders below it that were there by a step of history."""

    def __init__(self, folders: Sequence[Folder], *, modseq: Modseq) -> None:
        self._modseq = modseq
        self._settled: list[Folder] = []
        """Parents first, the top among them; what has come since is left out, with all below it."""
        self._has_old: set[FolderId] = set()
        self._keeps: set[FolderId] = {folders[0].folder_id}
        """Those that have something newer, in them or below."""
        settled: set[FolderId] = set()
        for folder in folders:
            if folder is folders[0] or (folder.parent_id in settled and folder.modseq <= modseq):
                settled.add(folder.folder_id)
                self._settled.append(folder)
            else:
                self._keeps.add(folder.parent_id)

    @classmethod
    async def read(cls, tx: Transaction, folders: Sequence[Folder], *, modseq: Modseq) -> "_Tree":
        """Look at folders, given parents first."""
        tree = cls(folders, modseq=modseq)
        for folder in reversed(tree._settled):
            await tree._look(tx, folder)
        return tree

    async def _look(self, tx: Transaction, folder: Folder) -> None:
        folder_id = folder.folder_id
        if folder.folder_type != "mails":
            is_old = folder.content_modseq <= self._modseq
        else:
            oldest, newest = await tx.upkeep.find_oldest(folder_id), await tx.upkeep.find_newest(folder_id)
            is_old = newest is None or newest <= self._modseq
            if oldest is not None and oldest <= self._modseq:
                self._has_old.add(folder_id)
        if not is_old:
            self._keeps.add(folder_id)
        if folder_id in self._keeps:
            self._keeps.add(folder.parent_id)

    async def purge(self, tx: Transaction, *, removes_folders: bool) -> bool:
        """Remove folders that are old as a whole, and note those that have old mails; return if there are any."""
        gone = [folder for folder in self._settled if removes_folders and folder.folder_id not in self._keeps]
        if gone:
            steps = await remove_folders(tx, gone)
            await tx.log(KIND, Record(steps), modseq=tx.modseq)
        removed = {folder.folder_id for folder in gone}
        cleared = [folder_id for folder_id in sorted(self._has_old) if folder_id not in removed]
        for folder_id in cleared:
            await clear_later(tx, Clearing(folder_id, self._modseq, KIND))
        return bool(gone or cleared)
