"""Who may touch what: the one check between a caller and another account's data.

What is the caller's own costs a comparison. For a folder of another's its rights are looked up in the same snapshot,
or transaction, of the owner's mailbox as the work itself: who loses a permission loses it at once, in the middle of a
batch too. Who may not list a folder (``l``) is not told that it exists; who may, but lacks what the work needs, is
told that.
"""

from collections.abc import Iterable

from postroom.errors import Kind, PostroomError, not_found, not_permitted
from postroom.model.account import Account, Caller
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import AccountId, FolderId, FolderRef, MailRef, Uid
from postroom.model.mail import Mail
from postroom.model.sharing import RIGHTS, Asker
from postroom.store import Store
from postroom.store.sql.grants import as_read
from postroom.store.tx import Snapshot, Transaction

LIST, READ, SEEN, WRITE, INSERT, MAKE, REMOVE, TAKE, ADMINISTER = "l", "r", "s", "w", "i", "k", "x", "te", "a"
"""What work needs of the folder that it is done in."""


def require_own(caller: Caller, owner: AccountId, what: str) -> None:
    """Refuse what belongs to another account. Raises: notFound, since its existence is not the caller's to know."""
    if owner != caller.account_id:
        raise not_found(what)


def asker_of(caller: Caller | Account | Asker) -> Asker:
    """Return a caller, or an account, as grants know him."""
    if isinstance(caller, Asker):
        return caller
    return Asker(caller.account_id, caller.address.rpartition("@")[2])


async def lock_folders(tx: Transaction) -> None:
    """Take a mailbox's turn to write, for a call that names a folder by its owner. Raises: notFound."""
    try:
        await tx.lock()
    except PostroomError as error:
        # It is a folder that was asked for.
        raise not_found("the folder") if error.kind is Kind.NOT_FOUND else error from None


def is_own(caller: Caller, mailbox: Snapshot) -> bool:
    """Tell whether a mailbox is the caller's."""
    return mailbox.account_id == caller.account_id


async def find_rights(mailbox: Snapshot, caller: Caller, folder_id: FolderId) -> str:
    """Return what a caller may do in a folder, "" if he must not know of it; one look-up, none for his own."""
    if mailbox.account_id == caller.account_id:
        return RIGHTS
    rights = await _find_given(mailbox, caller, folder_id)
    return rights if LIST in rights else ""


async def _find_given(mailbox: Snapshot, caller: Caller | Asker, folder_id: FolderId) -> str:
    asker = asker_of(caller)
    if folder_id == ROOT:
        # The container of what an owner shares is seen by who sees something in it.
        given = await mailbox.grants.list_for(asker)
        return LIST if any(LIST in rights for rights in given.values()) else ""
    return await mailbox.grants.find_rights(folder_id, asker)


async def require(
    mailbox: Snapshot, caller: Caller | Asker, folder_id: FolderId, *, needs: str, what: str = "the folder"
) -> None:
    """Refuse work in a folder that a caller may not do.

    Args:
        mailbox: where the folder is, in the snapshot or transaction of the work.
        caller: who asks for it.
        folder_id: the folder.
        needs: the rights that the work needs, all of them.
        what: what is said not to exist to who may not list the folder.

    Raises: notFound; notPermitted.
    """
    if mailbox.account_id == caller.account_id:
        return
    check_rights(await _find_given(mailbox, caller, folder_id), needs, what)


def check_rights(rights: str, needed: str, what: str) -> None:
    """Refuse what needs more rights than there are. Raises: notFound; notPermitted."""
    if LIST not in rights:
        raise not_found(what)
    missing = [right for right in needed if right not in rights]
    if missing:
        raise not_permitted(f"your permissions in this folder lack {', '.join(missing)}")


async def refuse_shared(
    store: Store, caller: Caller, folder: FolderRef | MailRef, *, what: str = "the folder"
) -> None:
    """Refuse what can be done with one's own folders alone, and what is in them.

    Raises: notFound for a folder that the caller does not see; notPermitted for another's; unavailable.
    """
    if folder.owner == caller.account_id:
        return
    async with store.read(folder.owner) as mailbox:
        await refuse_shared_at(mailbox, caller, folder, what=what)


async def refuse_shared_at(
    mailbox: Snapshot, caller: Caller, folder: FolderRef | MailRef, *, what: str = "the folder"
) -> None:
    """Refuse as :func:`refuse_shared`, in a snapshot or transaction that there is."""
    if folder.owner != caller.account_id:
        await require(mailbox.at(folder.owner), caller, folder.folder, needs=LIST, what=what)
        raise not_permitted("this can be done with one's own folders alone, and what is in them")


async def list_readable(mailbox: Snapshot, asker: Asker) -> frozenset[FolderId]:
    """Return the folders of another's mailbox that somebody may list and read."""
    rights = await mailbox.grants.list_for(asker)
    return frozenset(folder_id for folder_id, given in rights.items() if LIST in given and READ in given)


# What a reader has seen


async def see_folder(mailbox: Snapshot, caller: Caller | Asker, folder: Folder) -> Folder:
    """Return a folder with the counter and the state that it has for a caller."""
    if mailbox.account_id == caller.account_id:
        return folder
    state = await mailbox.reader_marks.find_state(folder.folder_id, caller.account_id)
    return as_read(folder, *state)


async def see_mails(mailbox: Snapshot, reader_id: AccountId, mails: Iterable[Mail]) -> list[Mail]:
    """Return mails, of whichever folders, as a reader of another's mailbox has them.

    Whether they are unread is his own. Labels are their owner's, and not told.
    """
    seen = list(mails)
    by_folder: dict[FolderId, list[Uid]] = {}
    for mail in seen:
        by_folder.setdefault(mail.folder_id, []).append(mail.uid)
    for folder_id, uids in by_folder.items():
        marks = await mailbox.reader_marks.find(folder_id, reader_id, uids)
        seen = [
            mail
            if mail.folder_id != folder_id
            else _as_read(mail, *marks[mail.uid][1:])
            if mail.uid in marks
            else _as_read(mail, 0, 0)
            for mail in seen
        ]
    return seen


def _as_read(mail: Mail, modseq: int, is_seen: int) -> Mail:
    return without_labels(mail)._replace(
        is_unread=1 - is_seen, modseq=type(mail.modseq)(max(mail.modseq, modseq))
    )


def without_labels(mail: Mail) -> Mail:
    """Return a mail without its labels, which belong to its owner."""
    return mail._replace(labels="") if mail.labels else mail
