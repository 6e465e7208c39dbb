"""Sharing: who may do what in whose folders, as owners, administrators of folders and operators say it.

A grant is of one folder. A new subfolder takes over those of its parent, and has its own from then on; a folder that
is moved keeps its own. Giving and taking is a step of the owner's history, so that whatever remembers a state of the
mailbox looks again; but nothing of what the owner himself sees has changed.

Public folders belong to an account of the store's own, which nobody logs in to and no mail is delivered to. It is
made with the first of them.
"""

import time
from collections.abc import Iterable
from typing import NamedTuple

from postroom.domain.access import ADMINISTER, lock_folders, require
from postroom.domain.actions import make_folder
from postroom.domain.addresses import find_account_address, normalise_domain
from postroom.domain.doomed import remove_doomed
from postroom.domain.folder_changes import (
    MAX_FOLDERS,
    TYPES,
    check_depth,
    check_free,
    check_name,
    remove_tree,
)
from postroom.domain.folder_names import name_key
from postroom.domain.history import write_down
from postroom.domain.shared_folders import MOST_OF_READER
from postroom.domain.steps import Record, Step
from postroom.errors import bad_parameter, not_found, not_permitted
from postroom.model.account import DISABLED, Account, Caller
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import AccountId, FolderId, FolderRef
from postroom.model.sharing import EVERYBODY, PUBLIC_ADDRESS, RIGHTS, Grant, Reader, put_in_order
from postroom.store import Store
from postroom.store.sql.directory import ALIAS, MAIN
from postroom.store.tx import GRANTS, Directory, DirectoryTransaction, Snapshot, Transaction

MOST_OF_FOLDER = 100
"""Grants of one folder."""
ALL = "*"
"""Everybody of the store, as a reader is written."""


class GrantView(NamedTuple):
    """What a reader may do in a folder; he is written as an address, ``@domain`` or ``*``."""

    account: str
    rights: str


def parse_rights(rights: Iterable[str]) -> str:
    """Return permissions as they are kept; "" takes all away. Raises: badParameter."""
    given = list(rights)
    if unknown := [right for right in given if right not in RIGHTS or len(right) != 1]:
        raise bad_parameter("permissions", f"{unknown[0]!r} is none of {', '.join(RIGHTS)}")
    if given and "l" not in given:
        raise bad_parameter("permissions", "without l nothing else can be used")
    return put_in_order(given)


class Sharing:
    """The grants of all folders."""

    def __init__(self, store: Store, *, primary_domain: str = "") -> None:
        self._store = store
        self._primary_domain = primary_domain

    # By whoever may administer a folder

    async def show(self, caller: Caller, ref: FolderRef) -> list[GrantView]:
        """Return who may do what in a folder. Raises: notFound; notPermitted; unavailable."""
        async with self._store.read(ref.owner) as mailbox:
            await require(mailbox, caller, ref.folder, needs=ADMINISTER)
            return await _list(mailbox, ref.folder)

    async def put(self, caller: Caller, ref: FolderRef, account: str, *, rights: Iterable[str]) -> GrantView:
        """Say what a reader may do in a folder; no rights take all away.

        Raises: badParameter; notFound; notPermitted; unavailable.
        """
        wanted = parse_rights(rights)
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(ref.owner)
            await lock_folders(mailbox)
            await require(mailbox, caller, ref.folder, needs=ADMINISTER)
            reader = await self._find_reader(tx, account)
            await _check_reach(tx, ref.owner, reader)
            return await _put(mailbox, Grant(ref.folder, reader, wanted), account)

    async def delete(self, caller: Caller, ref: FolderRef, account: str) -> None:
        """Take from a reader all that he was given. Raises as :meth:`put`; notFound if that was nothing."""
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(ref.owner)
            await lock_folders(mailbox)
            await require(mailbox, caller, ref.folder, needs=ADMINISTER)
            await _delete(mailbox, ref.folder, await self._find_reader(tx, account))

    # By the operator, who names folders by their path

    async def list_named(self, owner: str, path: str) -> list[GrantView]:
        """Return who may do what in a folder. Raises: badParameter; notFound; unavailable."""
        async with self._store.directory() as tables:
            account_id = await self._find_owner(tables, owner)
        async with self._store.read(account_id) as mailbox:
            return await _list(mailbox, await find_path(mailbox, path))

    async def put_named(self, owner: str, path: str, account: str, *, rights: Iterable[str]) -> GrantView:
        """Say what a reader may do in a folder. Raises: badParameter; notFound; unavailable."""
        wanted = parse_rights(rights)
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(await self._find_owner(tx, owner))
            await lock_folders(mailbox)
            folder_id = await find_path(mailbox, path)
            reader = await self._find_reader(tx, account)
            return await _put(mailbox, Grant(folder_id, reader, wanted), account)

    async def delete_named(self, owner: str, path: str, account: str) -> None:
        """Take from a reader all that he was given. Raises: badParameter; notFound; unavailable."""
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(await self._find_owner(tx, owner))
            await lock_folders(mailbox)
            await _delete(mailbox, await find_path(mailbox, path), await self._find_reader(tx, account))

    # Public folders

    async def add_public(
        self, path: str, *, account: str, rights: Iterable[str], kind: str = "mails"
    ) -> None:
        """Make a public folder, below others if its path says so, and give it to a reader.

        Raises: badParameter; folderNameTooLong; folderExists; notFound for a parent; unavailable.
        """
        wanted = parse_rights(rights)
        if kind not in TYPES:
            raise bad_parameter("type", f"type must be one of {', '.join(sorted(TYPES))}")
        parent_path, _, name = path.rpartition("/")
        name = check_name(name)
        async with self._store.directory_transaction() as tx:
            mailbox = await _open_public(tx)
            parent_id = await find_path(mailbox, parent_path) if parent_path else ROOT
            if parent_id != ROOT:
                kind = (await _get(mailbox, parent_id)).folder_type
            if len(await mailbox.folders.list_all()) >= MAX_FOLDERS:
                raise not_permitted(f"there are at most {MAX_FOLDERS} public folders")
            await check_depth(mailbox, parent_id)
            await check_free(mailbox, parent_id, name)
            steps: list[Step] = []
            folder_id = await make_folder(mailbox, parent_id, name, steps=steps, kind=kind)
            await write_down(mailbox, "folders.create", steps, folder_id=folder_id)
            reader = await self._find_reader(tx, account)
            if wanted:
                await _put(mailbox, Grant(folder_id, reader, wanted), account)

    async def remove_public(self, path: str) -> None:
        """Remove a public folder with all that is in it and below it. Raises: notFound; unavailable."""
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(await self._find_owner(tx, PUBLIC_ADDRESS))
            await mailbox.lock()
            folder = await _get(mailbox, await find_path(mailbox, path))
            steps = await remove_tree(mailbox, folder)
            await write_down(mailbox, "folders.delete", steps, folder_id=folder.folder_id)
        await remove_doomed(self._store, mailbox.account_id)

    async def list_public(self) -> list[tuple[str, Folder]]:
        """Return the public folders with their paths, by path. Raises: unavailable."""
        account_id = await self.find_public()
        if account_id is None:
            return []
        async with self._store.read(account_id) as mailbox:
            folders = {folder.folder_id: folder for folder in await mailbox.folders.list_all()}
        return sorted((_path_of(folder, folders), folder) for folder in folders.values())

    async def find_public(self) -> AccountId | None:
        """Return the account that has the public folders, None if there are none. Raises: unavailable."""
        async with self._store.directory() as tables:
            return await tables.directory.find_number(PUBLIC_ADDRESS)

    # Steps

    async def _find_owner(self, tables: Directory, text: str) -> AccountId:
        if text == PUBLIC_ADDRESS:
            found = await tables.directory.find_number(PUBLIC_ADDRESS)
            if found is None:
                raise not_found("a public folder")
            return found
        return (await self._find_reader(tables, text, parameter="owner")).account_id

    async def _find_reader(self, tables: Directory, text: str, *, parameter: str = "account") -> Reader:
        """Return who is meant by an address, ``@domain`` or ``*``. Raises: badParameter."""
        if parameter == "account" and text == ALL:
            return Reader(EVERYBODY)
        if parameter == "account" and text.startswith("@"):
            name = normalise_domain(text[1:])
            domain = await tables.directory.domains.find(name)
            if domain is None:
                raise bad_parameter(parameter, f"there is no domain {name}")
            return Reader(EVERYBODY, domain.alias_of or domain.name)
        parsed = find_account_address(text, primary_domain=self._primary_domain)
        now = int(time.time() * 1000)
        found = None if parsed is None else await tables.directory.find_by_address(*parsed, now=now)
        # Whose a temporary alias is, is nobody's to know.
        if found is None or found.kind not in {MAIN, ALIAS}:
            raise bad_parameter(parameter, f"{parameter} must be the address of an account here")
        return Reader(found.account.account_id)


async def _check_reach(tx: DirectoryTransaction, owner: AccountId, reader: Reader) -> None:
    """Leave to the operator what is given to others than those of the owner's own domain, as a whole."""
    if reader.account_id != EVERYBODY:
        return
    account = await tx.directory.find(owner)
    if account is None or account.address.rpartition("@")[2] != reader.domain:
        raise not_permitted("a folder can be given as a whole to its owner's own domain alone")


async def _get(mailbox: Snapshot, folder_id: FolderId) -> Folder:
    folder = await mailbox.folders.find(folder_id)
    if folder is None:
        raise not_found("the folder")
    return folder


async def _list(mailbox: Snapshot, folder_id: FolderId) -> list[GrantView]:
    await _get(mailbox, folder_id)
    return [
        GrantView(address or (f"@{grant.reader.domain}" if grant.reader.domain else ALL), grant.rights)
        for grant, address in await mailbox.grants.list_of_folder(folder_id)
    ]


async def _put(mailbox: Transaction, grant: Grant, account: str) -> GrantView:
    folder_id, reader, rights = grant
    await _get(mailbox, folder_id)
    if reader.account_id == mailbox.account_id:
        raise bad_parameter("account", "an owner may do everything in his folders anyway")
    if not rights:
        if await mailbox.grants.delete(folder_id, reader):
            await _note(mailbox, reader)
        return GrantView(account, rights)
    grants = {grant.reader: grant for grant, _ in await mailbox.grants.list_of_folder(folder_id)}
    if reader not in grants:
        if len(grants) >= MOST_OF_FOLDER:
            raise not_permitted(f"a folder can be given to at most {MOST_OF_FOLDER}")
        if await mailbox.grants.count_of_reader(reader) >= MOST_OF_READER:
            raise not_permitted(f"this reader has {MOST_OF_READER} folders of others already")
    if grants.get(reader) != grant:
        await mailbox.grants.put(grant)
        await _note(mailbox, reader)
    return GrantView(account, rights)


async def _delete(mailbox: Transaction, folder_id: FolderId, reader: Reader) -> None:
    await _get(mailbox, folder_id)
    if not await mailbox.grants.delete(folder_id, reader):
        raise not_found("the permission")
    await _note(mailbox, reader)


async def _note(mailbox: Transaction, reader: Reader) -> None:
    """Make it a step of the owner's history, if it is not part of one; and tell who is concerned."""
    if not mailbox.modseq:
        state = await mailbox.advance(folders=False)
        await mailbox.log("folders.grant", Record(), modseq=state.modseq)
    await mailbox.grants.set_modseq(mailbox.modseq)
    mailbox.tell(GRANTS if reader.account_id == EVERYBODY else reader.account_id)


async def _open_public(tx: DirectoryTransaction) -> Transaction:
    """Return the mailbox with the public folders, made if there is none, and locked."""
    account_id = await tx.directory.find_number(PUBLIC_ADDRESS)
    if account_id is None:
        account_id = await tx.directory.take_account_id()
        await tx.directory.create(
            Account(
                account_id=account_id,
                address=PUBLIC_ADDRESS,
                full_name="Public Folders",
                class_name="default",
                language="en",
                state=DISABLED,
                password_hash="",
                must_change_password=0,
                auth_version=1,
                session_version=1,
                created_at=int(time.time() * 1000),
                login_count=0,
            )
        )
        await tx.mailbox(account_id).mailbox.create(next_folder_id=ROOT + 1)
        await tx.visits.create(account_id, 0)
    mailbox = tx.mailbox(account_id)
    await mailbox.lock()
    return mailbox


async def find_path(mailbox: Snapshot, path: str) -> FolderId:
    """Return the folder at a path of names joined by ``/``, with no regard to case. Raises: notFound."""
    folder_id = ROOT
    for name in path.split("/"):
        found = await mailbox.folders.find_named(folder_id, name_key(name.strip()))
        if found is None:
            raise not_found(f"folder {path!r}")
        folder_id = found
    return folder_id


def _path_of(folder: Folder, folders: dict[FolderId, Folder]) -> str:
    names = [folder.name]
    parent = folders.get(folder.parent_id)
    while parent is not None:
        names.append(parent.name)
        parent = folders.get(parent.parent_id)
    return "/".join(reversed(names))
