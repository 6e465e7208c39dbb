"""Transactions and snapshots, as the domain sees them: repositories by name, over one connection.

A :class:`Snapshot` reads one account's mailbox at one instant. A :class:`Transaction` also writes: leaving it
normally means that what it did is durable; only then do the functions given to ``after_commit`` run, which is the
one place for events and cache changes. A :class:`DirectoryTransaction` writes directory tables and, through
``mailbox``, the mailboxes of the accounts concerned, in the same transaction.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property

from postroom.errors import not_found
from postroom.model.ids import AccountId, Modseq, SessionId
from postroom.search.terms import IndexTerms
from postroom.store.engine.base import Connection, WriteConnection
from postroom.store.sql.contents import ContentRepo
from postroom.store.sql.directory import DirectoryRepo
from postroom.store.sql.folders import FolderRepo
from postroom.store.sql.labels import LabelRepo
from postroom.store.sql.mailboxes import Advance, MailboxRepo
from postroom.store.sql.mails import MailRepo
from postroom.store.sql.meta import MetaRepo
from postroom.store.sql.operations import Operation, OperationRepo
from postroom.store.sql.orders import OrderRepo
from postroom.store.sql.removals import RemovalRepo
from postroom.store.sql.sessions import SessionRepo


class Snapshot:
    """One account's mailbox, at one instant."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self.account_id = account_id
        self._connection = connection

    @cached_property
    def mailbox(self) -> MailboxRepo:
        """The account's row: history and totals."""
        return MailboxRepo(self._connection, self.account_id)

    @cached_property
    def folders(self) -> FolderRepo:
        """The folders."""
        return FolderRepo(self._connection, self.account_id)

    @cached_property
    def labels(self) -> LabelRepo:
        """The labels."""
        return LabelRepo(self._connection, self.account_id)

    @cached_property
    def mails(self) -> MailRepo:
        """The mails."""
        return MailRepo(self._connection, self.account_id)

    @cached_property
    def orders(self) -> OrderRepo:
        """The counted chunks of the sort orders."""
        return OrderRepo(self._connection, self.account_id)

    @cached_property
    def contents(self) -> ContentRepo:
        """The messages."""
        return ContentRepo(self._connection, self.account_id)

    @cached_property
    def operations(self) -> OperationRepo:
        """The operation log and the tombstones."""
        return OperationRepo(self._connection, self.account_id)

    async def list_indexed(self) -> set[int]:
        """Return the contents that are in the full-text index."""
        return await self._connection.list_indexed(self.account_id)


class Transaction(Snapshot):
    """One account's mailbox, being changed."""

    def __init__(
        self,
        connection: WriteConnection,
        account_id: AccountId,
        *,
        session_id: SessionId | None,
    ) -> None:
        super().__init__(connection, account_id)
        self._writer = connection
        self._session_id = session_id
        self._advanced = False

    @cached_property
    def removals(self) -> RemovalRepo:
        """Removal of the whole mailbox."""
        return RemovalRepo(self._connection, self.account_id)

    async def lock(self) -> None:
        """Take this mailbox's turn to write, so that what is read from here on stays as it is.

        Raises: notFound where the account has been removed.
        """
        if (
            not self._advanced
            and await self.mailbox.advance(step=0, items=0, size_bytes=0, contents=0) is None
        ):
            raise not_found("the account")

    async def advance(self, *, items: int = 0, size_bytes: int = 0, contents: int = 0) -> Advance:
        """Enter this transaction's one step of history, and add to the mailbox's totals.

        May be called again: the step is made once. Raises: notFound where the account has been removed.
        """
        step = 0 if self._advanced else 1
        state = await self.mailbox.advance(step=step, items=items, size_bytes=size_bytes, contents=contents)
        if state is None:
            raise not_found("the account")
        self._advanced = True
        return state

    async def log(self, kind: str, data: Mapping[str, object], *, modseq: Modseq) -> None:
        """Write this transaction's entry of the operation log; once."""
        text = json.dumps(data, separators=(",", ":"))
        now = int(time.time() * 1000)
        await self.operations.log(Operation(modseq, now, self._session_id, kind, text))

    async def index(self, content_id: int, terms: IndexTerms) -> None:
        """Put a content into the full-text index."""
        await self._writer.index(self.account_id, content_id, terms)

    async def unindex(self, content_id: int) -> None:
        """Take a content out of the full-text index."""
        await self._writer.unindex(self.account_id, content_id)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Enter a nested transaction: what fails inside is taken back alone."""
        advanced = self._advanced
        try:
            async with self._writer.savepoint():
                yield
        except BaseException:
            # The step of history was taken back if it was made inside.
            self._advanced = advanced
            raise

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` once this transaction is durable; never if it, or the savepoint entered, fails."""
        self._writer.after_commit(callback)


class Directory:
    """The directory tables, at one instant."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def directory(self) -> DirectoryRepo:
        """Domains, accounts and addresses."""
        return DirectoryRepo(self._connection)

    @cached_property
    def sessions(self) -> SessionRepo:
        """The sessions of all accounts."""
        return SessionRepo(self._connection)

    @cached_property
    def meta(self) -> MetaRepo:
        """Facts about the store itself."""
        return MetaRepo(self._connection)


class DirectoryTransaction(Directory):
    """The directory tables, being changed."""

    def __init__(self, connection: WriteConnection) -> None:
        super().__init__(connection)
        self._writer = connection

    def mailbox(self, account_id: AccountId) -> Transaction:
        """Return a mailbox, to be changed in this same transaction."""
        return Transaction(self._writer, account_id, session_id=None)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` once this transaction is durable; never if it is not."""
        self._writer.after_commit(callback)
