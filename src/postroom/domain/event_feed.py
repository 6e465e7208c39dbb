"""What has changed in one account, read once for all of its event streams.

An account's *things* are what events tell of: the counters of a folder, its mails, the list of folders, the labels,
the contacts of a folder.
Each has a position, (modseq of its last change, a number that is the thing's own), so that things are in order and
no two are in one place. Who has been told everything up to a position lacks exactly the things behind it, each in
its newest state: nothing is queued for anybody, and a stream that goes on from a position loses nothing.

A stream's beginning is one event for each folder, whose ids have the present modseq and a number from
:data:`BEGINNING` on that says which folders were told, and at last :data:`END`: "everything up to this modseq is
known". So a stream that breaks off within its beginning can go on with the rest of it. Events of jobs have that last
id too: a job's progress is no part of the account's history.

A folder's content may change while its figures stay. Then its counters have a new position, but a stream is not told
again what it has been told. So a cursor has the figures told; who was told everything shares those of the reading.

Invariants:
- a reading is one snapshot: of two readings, the later has all changes of the earlier, and what differs has a higher
  modseq than the earlier reading's;
- what is told of a reading depends on the selection and the cursor alone, so that streams in step share it.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from postroom.domain.jobs import WAITED_FOR
from postroom.domain.tokens import Tokens
from postroom.errors import PostroomError
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId, FolderRef, Modseq
from postroom.store import Store
from postroom.store.sql.feeds import FeedFolder, FeedJob, FeedState

COUNTERS, FOLDERS, MAILS, LABELS, CONTACTS, JOB, RESET = (
    "counters",
    "folders",
    "mails",
    "labels",
    "contacts",
    "job",
    "reset",
)
KINDS = frozenset({COUNTERS, FOLDERS, MAILS, LABELS, CONTACTS, JOB})

BEGINNING = 10**15
END = 2 * 10**15
_FOLDERS_NUMBER, _LABELS_NUMBER = 10**14, 10**14 + 1
_NUMBERS_A_FOLDER = 8
_FIGURES = slice(3, 5)

MAX_BATCH = 100
"""Events that a stream is given at once."""
SPACING_SECONDS = 0.01
"""Between two readings for news: what is committed meanwhile is read together."""
RETRY_SECONDS = 1.0
_MAX_SHARED = 64
_JOB_MEMORY_MILLISECONDS = 600_000
"""How long a finished job is told of."""


class Selection(NamedTuple):
    """What a stream is to be told: the kinds, and the counters of all folders or of the Inbox alone."""

    kinds: frozenset[str] = KINDS
    all_folders: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """Folders as they were told of, never changed; equal to itself alone, so that comparing costs nothing."""

    folders: Mapping[FolderId, FeedFolder]

    def knows(self, folder: FeedFolder) -> bool:
        """Tell whether a folder's figures were told."""
        known = self.folders.get(folder.folder_id)
        return known is not None and known[_FIGURES] == folder[_FIGURES]

    def add(self, folders: Iterable[FeedFolder]) -> "Told":
        """Return what is told when these folders are told too."""
        return Told({**self.folders, **{folder.folder_id: folder for folder in folders}})


NOTHING = Told({})


class Cursor(NamedTuple):
    """What a stream has been told: everything up to (modseq, number).

    Attributes:
        modseq: of the position.
        number: of the position.
        told: the figures that were told.
        jobs: the progress of jobs up to this version.
    """

    modseq: int
    number: int
    told: Told = NOTHING
    jobs: int = 0


class Figures(NamedTuple):
    """The data of a counters event."""

    account_id: AccountId
    folder_id: FolderId
    role: str
    unread_items: int
    total_items: int


class Change(NamedTuple):
    """The data of an event that names a list; ``folder_id`` where it is one of a folder's."""

    account_id: AccountId
    folder_id: FolderId | None
    sync_token: str


class Progress(NamedTuple):
    """The data of a job event; ``progress`` is percent."""

    job_key: str
    is_done: bool
    progress: int


class Event(NamedTuple):
    """One event and its id, which is the position that its reader has reached with it."""

    kind: str
    modseq: int
    number: int
    data: Figures | Change | Progress | None = None


class _Thing(NamedTuple):
    modseq: int
    number: int
    kind: str
    folder: FeedFolder | None = None


class Feed:
    """One account, as its streams are told of it."""

    def __init__(
        self, store: Store, tokens: Tokens, account_id: AccountId, *, turns: asyncio.Semaphore
    ) -> None:
        """``turns`` limits how many feeds read at once."""
        self.account_id = account_id
        self.listeners: set[Callable[[], None]] = set()
        self.state: FeedState | None = None
        self._store = store
        self._tokens = tokens
        self._turns = turns
        self._present = NOTHING
        self._contact_folders: list[FeedFolder] = []
        self._jobs: dict[str, tuple[int, Progress]] = {}
        self._jobs_version = 0
        self._reading = asyncio.Lock()
        self._readings = 0
        self._read_at = 0.0
        self._has_news = False
        self._following: asyncio.Task[None] | None = None
        self._shared: dict[tuple[Selection, Cursor], tuple[tuple[Event, ...], Cursor]] = {}

    # Reading

    def wake(self) -> None:
        """Have what has changed read, and the streams told."""
        self._has_news = True
        if self._following is None:
            self._following = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        try:
            while self._has_news and self.listeners:
                self._has_news = False
                pause = SPACING_SECONDS
                try:
                    await self.refresh()
                except PostroomError:
                    # The store cannot be reached just now; those who call it tell of that.
                    self._has_news = True
                    pause = RETRY_SECONDS
                await self._tell()
                await asyncio.sleep(pause)
        finally:
            self._following = None

    async def _tell(self) -> None:
        """Wake the streams, some at a time, so that others have a turn between them."""
        for number, listener in enumerate(tuple(self.listeners), 1):
            listener()
            if number % MAX_BATCH == 0:
                await asyncio.sleep(0)

    async def refresh(self, *, max_age_seconds: float = 0.0) -> None:
        """Read the present state, unless that was done a moment ago; who asks at the same time shares a reading.

        Raises: unavailable.
        """
        if max_age_seconds and time.monotonic() - self._read_at < max_age_seconds:
            return
        wanted = self._readings + 1
        async with self._reading:
            # A reading that began after the call will do, whoever asked for it.
            if self._readings < wanted:
                async with self._turns:
                    self._readings += 1
                    await self._read_once()

    async def _read_once(self) -> None:
        try:
            await self._read()
        except BaseException:
            self._readings -= 1
            raise

    async def _read(self) -> None:
        since = int(time.time() * 1000) - _JOB_MEMORY_MILLISECONDS
        async with self._store.read(self.account_id) as mailbox:
            state = await mailbox.feed.find()
            folders = await mailbox.feed.list_folders()
            contact_folders = await mailbox.feed.list_contact_folders()
            jobs = await mailbox.feed.list_jobs(finished_since=since)
        self.state = state
        self._present = NOTHING.add(folders)
        self._contact_folders = contact_folders
        self._note_jobs(jobs)
        self._shared.clear()
        self._read_at = time.monotonic()

    def _note_jobs(self, jobs: list[FeedJob]) -> None:
        noted: dict[str, tuple[int, Progress]] = {}
        for job in jobs:
            if job.total_items <= WAITED_FOR:
                continue  # Its caller waits for it, and is told no key.
            percent = 100 if job.finished_at else min(99, 100 * job.done_items // job.total_items)
            progress = Progress(job.job_key, bool(job.finished_at), percent)
            known = self._jobs.get(job.job_key)
            if known is None or known[1] != progress:
                self._jobs_version += 1
                known = (self._jobs_version, progress)
            noted[job.job_key] = known
        self._jobs = noted

    # Telling

    def begin(self) -> Cursor:
        """Return the cursor of a stream that begins: it is told the present counters, and what happens then."""
        modseq = self.state.modseq if self.state is not None else 0
        return Cursor(modseq, BEGINNING, jobs=self._jobs_version)

    def resume(self, modseq: int, number: int) -> Cursor | None:
        """Return the cursor of a stream that goes on from a position, None if that is no longer known, or not yet."""
        state = self.state
        if state is None or not state.forgotten_modseq <= modseq <= state.modseq:
            return None
        return Cursor(modseq, number)

    def advance(self, selection: Selection, cursor: Cursor) -> tuple[tuple[Event, ...], Cursor]:
        """Return up to :data:`MAX_BATCH` events behind a cursor, and the cursor of who has been told them.

        Where there are none the cursor is at the present.
        """
        key = (selection, cursor)
        found = self._shared.get(key)
        if found is None:
            if len(self._shared) >= _MAX_SHARED:
                self._shared.clear()
            is_beginning = BEGINNING <= cursor.number < END
            found = self._tell_counters(*key) if is_beginning else self._tell_changes(*key)
            self._shared[key] = found
        return found

    def _tell_counters(self, selection: Selection, cursor: Cursor) -> tuple[tuple[Event, ...], Cursor]:
        """Tell the present counters of the folders that were not told of yet."""
        assert self.state is not None  # noqa: S101 (a stream ends where there is no state)
        last = cursor.number - BEGINNING
        folders = self._present.folders
        left = sorted(number for number in folders if number > last and _counts(selection, number))
        batch, rest = left[:MAX_BATCH], left[MAX_BATCH:]
        events = [
            Event(COUNTERS, cursor.modseq, BEGINNING + number, self._figures(folders[number]))
            for number in batch
        ]
        after = cursor._replace(
            number=BEGINNING + batch[-1] if rest else END,
            told=cursor.told.add(folders[number] for number in batch),
        )
        if not events:
            return self._tell_changes(selection, after)
        if not rest:
            events[-1] = events[-1]._replace(number=END)
        return tuple(events), after

    def _tell_changes(self, selection: Selection, cursor: Cursor) -> tuple[tuple[Event, ...], Cursor]:
        """Tell what is behind a cursor."""
        assert self.state is not None  # noqa: S101 (a stream ends where there is no state)
        things = self._list_things(selection, cursor)
        events = [self._describe(thing) for thing in things[:MAX_BATCH]]
        if len(things) > MAX_BATCH:
            last = things[MAX_BATCH - 1]
            counted = (thing.folder for thing in things[:MAX_BATCH] if thing.kind == COUNTERS)
            told = cursor.told.add(folder for folder in counted if folder is not None)
            return tuple(events), cursor._replace(modseq=last.modseq, number=last.number, told=told)
        modseq = self.state.modseq
        if JOB in selection.kinds:
            jobs = sorted(job for job in self._jobs.values() if job[0] > cursor.jobs)
            events += [Event(JOB, modseq, END, progress) for _, progress in jobs]
        return tuple(events), Cursor(modseq, END, self._present, self._jobs_version)

    def _list_things(self, selection: Selection, cursor: Cursor) -> list[_Thing]:
        """Return the things behind a cursor, in order."""
        assert self.state is not None  # noqa: S101 (a stream ends where there is no state)
        things: list[_Thing] = []
        if FOLDERS in selection.kinds:
            things.append(_Thing(self.state.folders_modseq, _FOLDERS_NUMBER, FOLDERS))
        if LABELS in selection.kinds:
            things.append(_Thing(self.state.labels_modseq, _LABELS_NUMBER, LABELS))
        for folder in self._present.folders.values():
            modseq, number = folder.content_modseq, _NUMBERS_A_FOLDER * folder.folder_id
            if modseq < cursor.modseq:
                continue
            if _counts(selection, folder.folder_id) and not cursor.told.knows(folder):
                things.append(_Thing(modseq, number, COUNTERS, folder))
            if MAILS in selection.kinds:
                things.append(_Thing(modseq, number + 1, MAILS, folder))
        if CONTACTS in selection.kinds:
            things += [
                _Thing(folder.content_modseq, _NUMBERS_A_FOLDER * folder.folder_id + 2, CONTACTS, folder)
                for folder in self._contact_folders
            ]
        return sorted(thing for thing in things if thing[:2] > cursor[:2])

    def _describe(self, thing: _Thing) -> Event:
        return Event(thing.kind, thing.modseq, thing.number, self._find_data(thing))

    def _find_data(self, thing: _Thing) -> Figures | Change:
        if thing.folder is None:
            token = (
                self._tokens.folders_token(self.account_id, Modseq(thing.modseq), "all")
                if thing.kind == FOLDERS
                else self._tokens.labels_token(self.account_id, Modseq(thing.modseq))
            )
            return Change(self.account_id, None, token)
        if thing.kind == COUNTERS:
            return self._figures(thing.folder)
        ref = FolderRef(self.account_id, thing.folder.folder_id)
        token = self._tokens.mails_token(ref, validity=thing.folder.uid_validity, modseq=thing.modseq)
        return Change(self.account_id, thing.folder.folder_id, token)

    def _figures(self, folder: FeedFolder) -> Figures:
        return Figures(
            self.account_id, folder.folder_id, folder.role, folder.unread_items, folder.total_items
        )


def _counts(selection: Selection, folder_id: FolderId) -> bool:
    """Tell whether a stream is told a folder's counters."""
    return COUNTERS in selection.kinds and (selection.all_folders or folder_id == INBOX)
