"""What the statements of transactions cost SQLite, counted instead of timed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw
from tests.fixtures.factories import Owner

from postroom.store.engine.sqlite import SQLiteEngine

_NOT_COUNTED = ("fulltext", "order_chunk")


class Cost(NamedTuple):
    """What some transactions took."""

    statements: int
    steps: int


class Meter:
    """Counts what the write connection does, but for the full-text index and the counting of chunks."""

    def __init__(self, owner: Owner, *, leaving_out: Sequence[str] = ()) -> None:
        """``leaving_out`` are parts of the texts of more statements that are not counted."""
        self._not_counted = (*_NOT_COUNTED, *leaving_out)
        self._texts: dict[int, str] = {}
        self._cost = Cost(0, 0)
        engine = owner.store.engine
        assert isinstance(engine, SQLiteEngine)
        engine._writer.trace_v2(apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_PROFILE, self._note)

    def _note(self, event: dict[str, Any]) -> None:
        status = event.get("stmt_status")
        if status is None:
            self._texts[event["id"]] = event["sql"]
        elif not any(name in self._texts.get(event["id"], "") for name in self._not_counted):
            steps = self._cost.steps + status["SQLITE_STMTSTATUS_VM_STEP"]
            self._cost = Cost(self._cost.statements + 1, steps)

    def take(self) -> Cost:
        """Return the cost of what was done since the last time."""
        cost, self._cost = self._cost, Cost(0, 0)
        return cost
