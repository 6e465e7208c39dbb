"""Learning: what somebody marks as spam or as no spam is taught to the spam filter (rspamd).

Only marking teaches; a mail that is moved, archived or deleted tells nothing of what it is. It is taught behind the
transaction that marked it, from a queue in memory: marking never waits for the filter. Of a mail that is marked
again before its turn the last counts. While the filter does not answer, it is tried again at growing intervals. The
queue is bounded, and what is in it at the end of the process is lost: a filter learns by numbers, and one mail more
or less makes no difference to it.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog

from postroom.content.traits import FILTER_FIELD
from postroom.domain.steps import Move, Step
from postroom.errors import PostroomError
from postroom.model.ids import AccountId, ItemId
from postroom.store import Store
from postroom.store.tx import Transaction

MOST_WAITING = 1000
"""Mails that wait to be taught; of more, the oldest are given up."""
MAX_MESSAGE_BYTES = 8 << 20
"""Larger messages are not taught."""
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 300.0
_IS_SPAM = {"mails.spam": True, "conversations.spam": True, "mails.notspam": False}
"""The kinds of operations that mark mails, and as what."""
_RECORD = f"{FILTER_FIELD}: ".encode("ascii")

_log = structlog.get_logger("postroom.learning")


class Teacher(Protocol):
    """Somebody who teaches the filter. No method ever raises."""

    async def teach(self, content: bytes, *, is_spam: bool) -> bool:
        """Teach what a message is; False if it is worth while to try again later."""
        ...


class _Lesson(NamedTuple):
    """A mail that was marked."""

    account_id: AccountId
    item_id: ItemId


class Learning:
    """Teaches what is marked, if there is a teacher."""

    def __init__(self, store: Store, teacher: Teacher | None = None) -> None:
        self._store = store
        self._teacher = teacher
        self._waiting: dict[_Lesson, bool] = {}
        self._task: asyncio.Task[None] | None = None
        self.taught = 0
        """Mails taught so far."""
        self.given_up = 0
        """Mails that were not taught because too many waited."""

    def note(self, tx: Transaction, kind: str, steps: Sequence[Step]) -> None:
        """Note an operation; what it marked is taught once ``tx`` is durable."""
        if self._teacher is None or kind not in _IS_SPAM:
            return
        items = [moved.item_id for step in steps if isinstance(step, Move) for moved in step.mails]
        lessons = [_Lesson(tx.account_id, ItemId(item_id)) for item_id in items]
        if lessons:
            tx.after_commit(lambda: self._add(lessons, is_spam=_IS_SPAM[kind]))

    def _add(self, lessons: Sequence[_Lesson], *, is_spam: bool) -> None:
        for lesson in lessons:
            self._waiting.pop(lesson, None)
            self._waiting[lesson] = is_spam
        surplus = len(self._waiting) - MOST_WAITING
        if surplus > 0:
            for lesson in list(self._waiting)[:surplus]:
                del self._waiting[lesson]
            self.given_up += surplus
            _log.warning("too many mails wait to be taught; some are given up", count=surplus)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Teach until nothing waits."""
        wait = FIRST_WAIT_SECONDS
        while self._waiting:
            lesson, is_spam = next(iter(self._waiting.items()))
            if await self._teach(lesson, is_spam=is_spam):
                # It may have been marked again meanwhile.
                if self._waiting.get(lesson) == is_spam:
                    del self._waiting[lesson]
                wait = FIRST_WAIT_SECONDS
            else:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _teach(self, lesson: _Lesson, *, is_spam: bool) -> bool:
        """Teach one mail; False if it is to be tried again."""
        try:
            content = await self._read(lesson)
        except PostroomError as error:
            _log.warning("a mail cannot be read, and is not taught", error=str(error), private=error.private)
            return True
        if self._teacher is None or not content:
            return True
        is_done = await self._teacher.teach(content, is_spam=is_spam)
        self.taught += is_done
        return is_done

    async def _read(self, lesson: _Lesson) -> bytes:
        """Return a message as it came in; nothing if it is gone, or too large."""
        async with self._store.read(lesson.account_id) as mailbox:
            located = (await mailbox.mails.locate_items([lesson.item_id])).get(lesson.item_id)
            content = None if located is None else await mailbox.contents.find(located.mail.content_id)
        if content is None or content.size_bytes > MAX_MESSAGE_BYTES:
            return b""
        reader = await self._store.messages.open(lesson.account_id, content)
        try:
            raw = await reader.read(0, content.size_bytes)
        finally:
            reader.close()
        # What the filters have recorded would be learned as a mark of spam.
        return raw[raw.index(b"\n") + 1 :] if raw.startswith(_RECORD) else raw

    async def close(self) -> None:
        """Stop teaching; what still waits is lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._waiting:
            _log.info("mails that were marked have not been taught", count=len(self._waiting))
