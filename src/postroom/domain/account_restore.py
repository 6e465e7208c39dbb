"""Restoring one account from a backup into a store that has others, while the server runs.

The account gets a new number, so that nothing of it can be mixed up with what is there. Its rows are written under
that number, some at a time; nobody sees them, since an account is there when its own row and that of its mailbox are.
These come last, in one transaction with its addresses and all rows that background work looks for. Then the full-text
index is filled, and what other rows had counted (references of messages in the outgoing queue) is set right.

What does not come back: rights that others have in its folders, sessions, second steps and passwords of programs,
webhooks, and mail that waited to be sent; :data:`postroom.store.backups.catalogue.IN_ACCOUNT` says why.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from postroom.domain.addresses import AccountAddress
from postroom.domain.backup import Progress
from postroom.domain.blob_hold import held
from postroom.domain.clock import Clock
from postroom.domain.copying import RowCopy, Rows, State, damaged, drop_state, find_state, put_state
from postroom.domain.examination import repair_faults
from postroom.domain.index_filling import fill_index
from postroom.domain.mailbox import remove_mailbox
from postroom.domain.restoring import open_snapshot
from postroom.errors import not_found
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.backups.catalogue import IN_ACCOUNT, Fate
from postroom.store.backups.objects import BackupFolder, DamagedError, refuse
from postroom.store.backups.rows import insert_rows
from postroom.store.backups.snapshots import SnapshotFile, iter_rows
from postroom.store.migrations import list_migrations
from postroom.store.sql.directory import ALIAS, MAIN, Address
from postroom.store.sql.lost_history import LostHistoryRepo
from postroom.store.tx import DirectoryTransaction

_ACCOUNT: Final = "account"
_ADDRESS: Final = "address"
_MAILBOX: Final = "mailbox"
_INDEX: Final = "index"
_NOT_RESTORED: Final = {
    "two_factor": "2-step verification is off: it must be set up anew",
    "access_token": "passwords of programs must be made anew",
    "webhook": "webhooks must be set up anew",
    "folder_grant": "nobody else has rights in its folders",
}
"""What is said where the account had rows in a table that are left out."""


@dataclass
class RestoredAccount:
    """What a restore of an account has done."""

    name: str
    account_id: AccountId
    messages: int = 0
    notes: list[str] = field(default_factory=list)


async def restore_account(
    store: Store,
    root: Path,
    old: AccountAddress,
    *,
    new: AccountAddress,
    wanted: str = "",
    progress: Progress = lambda _, __, ___: None,
) -> RestoredAccount:
    """Restore the account that had the address ``old``, as ``new``, from a snapshot.

    For "" it is the newest one of everything, or of that account alone.

    Raises: notFound, notABackup, backupTooNew, backupDamaged, schemaTooNew, schemaOlder, conflict, blobLost,
    unavailable; OSError.
    """
    folder, name, snapshot = open_snapshot(root, wanted, account=str(old))
    with closing(folder):
        if snapshot.schema != list_migrations(store.engine.name)[-1].version:
            raise refuse(
                "schemaOlder",
                f"the backup {name} is of the older schema {snapshot.schema}: restore all of it into an empty store, "
                "make a backup of the account there, and restore that",
            )
        try:
            number = _find_account(folder, snapshot, str(old))
            if number is None:
                raise not_found(f"account {old} in the snapshot {name}")
            if next(iter_rows(folder, snapshot.tables[_MAILBOX], account_id=number), None) is None:
                raise not_found(f"the mailbox of {old}, which was being removed, in the snapshot {name}")
        except DamagedError as error:
            raise damaged(error) from error
        restore = _AccountRestore(store, folder, snapshot, number)
        return await restore.run(f"{name} {number}", new, progress)


def _find_account(folder: BackupFolder, snapshot: SnapshotFile, address: str) -> int | None:
    """Return the number of an account in a snapshot. Raises: DamagedError."""
    table = snapshot.tables[_ADDRESS]
    place, owner = table.columns.index("address"), table.columns.index("account_id")
    for row in iter_rows(folder, table):
        if row[place] == address:
            return int(row[owner])
    return None


class _AccountRestore:
    """One restore of an account."""

    def __init__(self, store: Store, folder: BackupFolder, snapshot: SnapshotFile, number: int) -> None:
        """``number`` is that of the account in the snapshot."""
        self._store = store
        self._folder = folder
        self._snapshot = snapshot
        self._number = number
        self._new_number = AccountId(0)

    async def run(self, source: str, new: AccountAddress, progress: Progress) -> RestoredAccount:
        state_name = f"account_copy:{new}"
        state = await self._begin(state_name, source, new)
        self._new_number = AccountId(state.account_id)
        done = RestoredAccount(source.partition(" ")[0], self._new_number)
        if state.stage != _INDEX:
            copy = RowCopy(
                self._folder,
                self._snapshot,
                self._store.engine,
                self._store.blobs,
                name=state_name,
                convert=self._convert,
                only=self._number,
                progress=progress,
            )
            # Large messages are there before the rows that name them, or still are after an interruption.
            async with held(self._store):
                await copy.run(
                    [name for name, fate in sorted(IN_ACCOUNT.items()) if fate is Fate.KEPT], state
                )
            try:
                done.notes = await self._show(copy, state_name, state, new=new)
            except DamagedError as error:
                raise damaged(error) from error
        what = f"messages of {new} indexed"
        done.messages = await fill_index(self._store, self._new_number, progress=partial(progress, what))
        async with self._store.transaction(self._new_number) as tx:
            await repair_faults(tx, str(new), self._store.messages)
        async with self._store.engine.write() as connection:
            await drop_state(connection, state_name)
        return done

    async def _begin(self, state_name: str, source: str, new: AccountAddress) -> State:
        """Return how far this restore is; what another one into the same address has left is removed.

        Raises: notFound, conflict, unavailable.
        """
        state = await find_state(self._store.engine, state_name)
        if state is not None and state.source == source:
            return state
        async with self._store.directory() as tables:
            found = await tables.directory.find_by_address(*new, now=Clock().now_ms())
        if found is not None:
            raise refuse(
                "conflict", f"address {new} is taken: remove that account, or restore under another address"
            )
        if state is not None:
            await remove_mailbox(self._store, AccountId(state.account_id), progress=lambda _: None)
        async with self._store.directory_transaction() as tx:
            await self._check_domain(tx, new)
            state = State(source, account_id=await tx.directory.take_account_id())
            await put_state(tx.writer, state_name, state)
        return state

    @staticmethod
    async def _check_domain(tx: DirectoryTransaction, new: AccountAddress) -> None:
        domain = await tx.directory.domains.find(new.domain)
        if domain is None or domain.alias_of:
            raise not_found(f"domain {new.domain} (postroom domain add)")

    def _convert(self, _: str, columns: Sequence[str], rows: Rows) -> Rows:
        """Give rows the new number."""
        place = columns.index("account_id")
        for row in rows:
            row[place] = self._new_number
        return rows

    async def _show(self, copy: RowCopy, state_name: str, state: State, *, new: AccountAddress) -> list[str]:
        """Write the rows that make the account visible; return what people should know.

        Raises: conflict, notFound, backupDamaged, unavailable.
        """
        tables = {
            name: await self._read_last(copy, name) for name, fate in IN_ACCOUNT.items() if fate is Fate.LAST
        }
        (account,) = tables.pop(_ACCOUNT)
        columns = self._snapshot.tables[_ACCOUNT].columns
        place = columns.index("address")
        is_same, account[place] = account[place] == str(new), str(new)
        addresses = tables.pop(_ADDRESS)
        notes = [text for name, text in _NOT_RESTORED.items() if self._had_rows(name)]
        async with self._store.directory_transaction() as tx:
            await self._check_domain(tx, new)
            if not await tx.directory.create_address(self._new_number, Address(str(new), MAIN)):
                raise refuse("conflict", f"address {new} is taken")
            if is_same:
                notes += await self._give_aliases(tx, addresses)
            await insert_rows(tx.writer, _ACCOUNT, columns, rows=[account])
            for name, rows in tables.items():
                await insert_rows(tx.writer, name, self._snapshot.tables[name].columns, rows=rows)
            # Positions in history do not say whose they are everywhere: those of the old account end here.
            await LostHistoryRepo(tx.writer).leap(self._new_number, now_ms=Clock().now_ms())
            state.stage = _INDEX
            await put_state(tx.writer, state_name, state)
        return notes

    async def _read_last(self, copy: RowCopy, name: str) -> Rows:
        table = self._snapshot.tables[name]
        rows = [row for chunk in table.chunks for row in copy.read(table, chunk)]
        return await copy.prepare(name, table.columns, rows)

    async def _give_aliases(self, tx: DirectoryTransaction, rows: list[list[Any]]) -> list[str]:
        columns = self._snapshot.tables[_ADDRESS].columns
        place, kind = columns.index("address"), columns.index("kind")
        notes: list[str] = []
        for row in rows:
            if row[kind] != ALIAS:
                continue
            if not await tx.directory.create_address(self._new_number, Address(row[place], ALIAS)):
                notes.append(f"alias {row[place]} is taken: it was left out")
        return notes

    def _had_rows(self, name: str) -> bool:
        table = self._snapshot.tables.get(name)
        if table is None:
            return False
        return next(iter(iter_rows(self._folder, table, account_id=self._number)), None) is not None
