"""Transactions and snapshots, as the domain sees them: repositories by name, over one connection.

A :class:`Snapshot` reads one account's mailbox at one instant. A :class:`Transaction` also writes: leaving it
normally means that what it did is durable; only then do the functions given to ``after_commit`` run, which is the
one place for events and cache changes. A :class:`DirectoryTransaction` writes directory tables and, through
``mailbox``, the mailboxes of the accounts concerned, in the same transaction.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property, partial
from typing import NamedTuple

import msgspec

from postroom.errors import not_found
from postroom.model.ids import AccountId, Modseq, SessionId
from postroom.search.terms import IndexTerms
from postroom.store.account_tables import AccountTables
from postroom.store.bimi_tables import BimiTables
from postroom.store.chunk_edges import ChunkEdges
from postroom.store.conversation_tables import ConversationTables
from postroom.store.directory_tables import DirectoryTables
from postroom.store.engine.base import Connection, WriteConnection
from postroom.store.factor_tables import FactorTables
from postroom.store.search_tables import SearchTables
from postroom.store.sql.contents import ContentRepo
from postroom.store.sql.deltas import DeltaRepo
from postroom.store.sql.directory import DirectoryRepo
from postroom.store.sql.drafts import DraftRepo
from postroom.store.sql.extractions import ExtractionWork
from postroom.store.sql.feeds import FeedRepo
from postroom.store.sql.folders import FolderRepo
from postroom.store.sql.jobs import JobRepo
from postroom.store.sql.labels import LIST_ACCOUNTS as LIST_WITH_DOOMED_LABELS
from postroom.store.sql.labels import DoomedLabelRepo, LabelRepo
from postroom.store.sql.mailboxes import Advance, MailboxRepo
from postroom.store.sql.mails import MailRepo
from postroom.store.sql.maintenance import LIST_CLEARED_ACCOUNTS, LIST_NOTIFIED_ACCOUNTS
from postroom.store.sql.meta import MetaRepo
from postroom.store.sql.operations import Operation, OperationRepo
from postroom.store.sql.orders import OrderRepo
from postroom.store.sql.outgoing import OutgoingRepo
from postroom.store.sql.recounts import RecountRepo
from postroom.store.sql.released_blobs import ReleasedBlobRepo
from postroom.store.sql.remembered_calls import RememberedCallRepo
from postroom.store.sql.removals import RemovalRepo
from postroom.store.sql.search_folders import SearchFolderRepo
from postroom.store.sql.security_events import LIST_TOLD_ACCOUNTS
from postroom.store.sql.sessions import SessionRepo
from postroom.store.sql.temporary_attachments import TemporaryAttachmentRepo
from postroom.store.sql.tickets import TicketRepo
from postroom.store.sql.traces import LIST_ACCOUNTS as LIST_WITH_DOOMED_FOLDERS
from postroom.store.sql.traces import LIST_RETHREADED_ACCOUNTS, TraceRepo
from postroom.store.sql.vacations import VacationRepo
from postroom.store.sql.webhooks import WebhookRepo, WebhookWork

_encode = msgspec.json.Encoder().encode
UNDO_DEPTH = 16
"""Operations on the undo stack of a session; the oldest falls off."""


class Head(NamedTuple):
    """What people see of an operation; ``state`` is running or done."""

    folder_id: int
    mail_count: int
    state: str = "done"
    is_stacked: bool = False
    is_reversible: bool = False


NO_HEAD = Head(0, 0, "")
QUEUE = AccountId(0)
"""No account: the name under which the store tells of messages in the outgoing queue that are due at once."""
GRANTS = AccountId(-1)
"""No account: the name under which the store tells that something was given to everybody of a domain, or to all."""


class Snapshot(AccountTables, ConversationTables, SearchTables):
    """One account's mailbox, at one instant."""

    def at(self, account_id: AccountId) -> "Snapshot":
        """Return another account's mailbox at the same instant."""
        return Snapshot(self._connection, account_id)

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
    def doomed_labels(self) -> DoomedLabelRepo:
        """The labels that are gone, and the mails that still have them."""
        return DoomedLabelRepo(self._connection, self.account_id)

    @cached_property
    def mails(self) -> MailRepo:
        """The mails."""
        return MailRepo(self._connection, self.account_id)

    @cached_property
    def drafts(self) -> DraftRepo:
        """What drafts answer or forward."""
        return DraftRepo(self._connection, self.account_id)

    @cached_property
    def orders(self) -> OrderRepo:
        """The counted chunks of the sort orders of mails."""
        return OrderRepo(self._connection, self.account_id, edges=self._edges)

    @cached_property
    def contents(self) -> ContentRepo:
        """The messages."""
        return ContentRepo(self._connection, self.account_id)

    @cached_property
    def operations(self) -> OperationRepo:
        """The operation log and the tombstones."""
        return OperationRepo(self._connection, self.account_id)

    @cached_property
    def traces(self) -> TraceRepo:
        """Where folders were before, and those that are gone."""
        return TraceRepo(self._connection, self.account_id)

    @cached_property
    def deltas(self) -> DeltaRepo:
        """What changed since a position."""
        return DeltaRepo(self._connection, self.account_id)

    @cached_property
    def feed(self) -> FeedRepo:
        """What events are made of."""
        return FeedRepo(self._connection, self.account_id)

    @cached_property
    def recounts(self) -> RecountRepo:
        """The mails, counted anew."""
        return RecountRepo(self._connection, self.account_id)


class Transaction(Snapshot):
    """One account's mailbox, being changed."""

    def __init__(
        self,
        connection: WriteConnection,
        account_id: AccountId,
        *,
        session_id: SessionId | None,
        tell: Callable[[AccountId], None],
        edges: ChunkEdges,
        follow_up: Callable[[AccountId], None] = lambda _: None,
    ) -> None:
        super().__init__(connection, account_id)
        self._edges = edges
        self.follow_up = follow_up
        """To be told of the account, once this is durable, if something is to follow behind it."""
        self._writer = connection
        self._tell = tell
        self._session_id = session_id
        self._advanced = False
        self._each_alone = False
        self._modseq = Modseq(0)

    @cached_property
    def outgoing(self) -> OutgoingRepo:
        """The outgoing queue, into which a transaction puts what it sends."""
        return OutgoingRepo(self._connection)

    @cached_property
    def tables(self) -> "Directory":
        """The tables that know all accounts: a transaction must not wait for a second connection to read them."""
        return Directory(self._connection)

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
            and await self.mailbox.advance(step=0, items=0, size_bytes=0, contents=0, item_ids=0, folders=0)
            is None
        ):
            raise not_found("the account")

    async def advance(
        self,
        *,
        items: int = 0,
        size_bytes: int = 0,
        contents: int = 0,
        item_ids: int = 0,
        folders: bool = True,
        mails: int = 1,
    ) -> Advance:
        """Enter this transaction's one step of history, add to the mailbox's totals and reserve numbers.

        May be called again: the step is made once, but see :meth:`step_for_each`. ``folders`` is False where neither
        a folder nor what is in one changes; ``mails`` are those that change. Raises: notFound where the account has
        been removed.
        """
        step = mails if self._each_alone else 0 if self._advanced else 1
        state = await self.mailbox.advance(
            step=step,
            items=items,
            size_bytes=size_bytes,
            contents=contents,
            item_ids=item_ids,
            folders=int(folders),
        )
        if state is None:
            raise not_found("the account")
        self._advanced = True
        self._modseq = state.modseq
        return state

    def step_for_each(self) -> None:
        """Make a step of history for each mail from now on: each was changed by an operation of its own."""
        self._each_alone = True

    def stamp(self, mails: int) -> Sequence[Modseq]:
        """Return the step of each of the ``mails`` for which history was moved on last."""
        if self._each_alone:
            return [Modseq(self._modseq - mails + number) for number in range(1, mails + 1)]
        return [self._modseq] * mails

    @property
    def modseq(self) -> Modseq:
        """This transaction's step of history, once it was entered."""
        return self._modseq

    @property
    def session_id(self) -> SessionId | None:
        """The session that this is done for."""
        return self._session_id

    async def log(
        self,
        kind: str,
        data: object,
        *,
        modseq: Modseq,
        head: Head | None = None,
        history_id: int = 0,
        session_id: SessionId | None = None,
    ) -> None:
        """Write the entry of a step into the operation log; once.

        Args:
            kind: what was done.
            data: what is needed to take it back, and to tell others of it; it is kept as JSON.
            modseq: the step of history.
            head: what people see of it, where this is the first step of what somebody did.
            history_id: the first step, where this is a later one; 0 where it is none.
            session_id: the session it was done for, where the transaction is not that of one session.
        """
        shown = head or NO_HEAD
        session_id = session_id or self._session_id
        await self.operations.log(
            Operation(
                modseq=modseq,
                done_at=int(time.time() * 1000),
                session_id=session_id,
                kind=kind,
                history_id=modseq if head is not None else history_id,
                is_head=int(head is not None),
                is_stacked=int(shown.is_stacked and session_id is not None),
                is_reversible=int(shown.is_reversible),
                state=shown.state,
                folder_id=shown.folder_id,
                mail_count=shown.mail_count,
                data=_encode(data).decode(),
            )
        )
        # What has fallen off is only seen by an undo, which looks first; so now and then is enough.
        if shown.is_stacked and session_id is not None and modseq % UNDO_DEPTH == 0:
            await self.operations.drop_beyond(session_id, keep=UNDO_DEPTH)

    async def index(self, content_id: int, terms: IndexTerms) -> None:
        """Put a content into the full-text index."""
        await self._writer.index(self.account_id, content_id, terms)

    async def unindex(self, content_id: int) -> None:
        """Take a content out of the full-text index."""
        await self._writer.unindex(self.account_id, content_id)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Enter a nested transaction: what fails inside is taken back alone."""
        advanced, modseq = self._advanced, self._modseq
        try:
            async with self._writer.savepoint():
                yield
        except BaseException:
            # The step of history was taken back if it was made inside.
            self._advanced, self._modseq = advanced, modseq
            raise

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` once this transaction is durable; never if it, or the savepoint entered, fails."""
        self._writer.after_commit(callback)

    def tell(self, name: AccountId) -> None:
        """Tell who listens to another account's news, or to :data:`QUEUE`, once this transaction is durable."""
        self.after_commit(partial(self._tell, name))


class Directory(BimiTables, DirectoryTables, FactorTables):
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
    def remembered_calls(self) -> RememberedCallRepo:
        """Calls that are done once."""
        return RememberedCallRepo(self._connection)

    async def list_accounts_with_doomed(self) -> list[AccountId]:
        """Return some accounts for which something is to follow: mails to be removed or threaded anew, labels to
        be taken off mails, notices to be filed."""
        statements = (
            LIST_WITH_DOOMED_FOLDERS,
            LIST_WITH_DOOMED_LABELS,
            LIST_RETHREADED_ACCOUNTS,
            LIST_CLEARED_ACCOUNTS,
            LIST_NOTIFIED_ACCOUNTS,
            LIST_TOLD_ACCOUNTS,
        )
        rows = [row for statement in statements for row in await self._connection.fetch_all(statement)]
        return sorted({AccountId(row[0]) for row in rows})

    @cached_property
    def jobs(self) -> JobRepo:
        """The jobs of all accounts."""
        return JobRepo(self._connection)

    @cached_property
    def outgoing(self) -> OutgoingRepo:
        """The outgoing queue of all accounts."""
        return OutgoingRepo(self._connection)

    @cached_property
    def vacations(self) -> VacationRepo:
        """The absence notices of all accounts."""
        return VacationRepo(self._connection)

    @cached_property
    def temporary_attachments(self) -> TemporaryAttachmentRepo:
        """The files that sessions have uploaded."""
        return TemporaryAttachmentRepo(self._connection)

    @cached_property
    def search_folders(self) -> SearchFolderRepo:
        """What searches have found, for all sessions."""
        return SearchFolderRepo(self._connection)

    @cached_property
    def released_blobs(self) -> ReleasedBlobRepo:
        """The blobs whose content was deleted."""
        return ReleasedBlobRepo(self._connection)

    @cached_property
    def tickets(self) -> TicketRepo:
        """Tickets for event streams."""
        return TicketRepo(self._connection)

    @cached_property
    def meta(self) -> MetaRepo:
        """Facts about the store itself."""
        return MetaRepo(self._connection)

    @cached_property
    def webhooks(self) -> WebhookRepo:
        """The webhooks of all accounts."""
        return WebhookRepo(self._connection)

    @cached_property
    def extraction_work(self) -> ExtractionWork:
        """The messages of all accounts whose documents are still to be read."""
        return ExtractionWork(self._connection)

    @cached_property
    def webhook_work(self) -> WebhookWork:
        """The webhooks, for those who work on them."""
        return WebhookWork(self._connection)


class DirectoryTransaction(Directory):
    """The directory tables, being changed; ``tell`` is called with each account concerned, once it is durable."""

    def __init__(
        self,
        connection: WriteConnection,
        tell: Callable[[AccountId], None],
        *,
        edges: ChunkEdges,
        follow_up: Callable[[AccountId], None] = lambda _: None,
    ) -> None:
        super().__init__(connection)
        self.follow_up = follow_up
        """To be told of an account, once this is durable, if something is to follow behind it."""
        self._writer = connection
        self._tell = tell
        self._edges = edges

    @property
    def writer(self) -> WriteConnection:
        """The connection, for rows that are copied as they are."""
        return self._writer

    @cached_property
    def directory(self) -> DirectoryRepo:
        """Domains, accounts and addresses."""
        return DirectoryRepo(self._connection, on_change=self._will_tell)

    def _will_tell(self, account_id: AccountId) -> None:
        self.after_commit(partial(self._tell, account_id))

    def mailbox(self, account_id: AccountId) -> Transaction:
        """Return a mailbox, to be changed in this same transaction."""
        self._will_tell(account_id)
        return Transaction(self._writer, account_id, session_id=None, tell=self._tell, edges=self._edges)

    async def clear_index(self) -> None:
        """Take everything of all accounts out of the full-text index, however damaged it is."""
        await self._writer.clear_index()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` once this transaction is durable; never if it is not."""
        self._writer.after_commit(callback)
