"""Showing how far long work is: a bar on a terminal, a line for each tenth elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from postroom.cli.terminal import say

Show = Callable[[str, int, int], None]

_STEPS = 10


@contextmanager
def shown() -> Iterator[Show]:
    """Show how far the work in a block is: what is being done, how much of it, of how much."""
    if not sys.stdout.isatty():
        yield _Lines().show
        return
    from rich.progress import (  # noqa: PLC0415 (only where there is a terminal)
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        yield show


class _Lines:
    """A line for each tenth."""

    def __init__(self) -> None:
        self._told = ("", 0)

    def show(self, what: str, done: int, total: int) -> None:
        """Write a line, if it is time for one."""
        step = done * _STEPS // max(total, 1)
        if step and (what, step) != self._told:
            self._told = (what, step)
            say(f"{what}: {done} of {total}")
            sys.stdout.flush()
