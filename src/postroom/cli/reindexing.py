"""`postroom reindex`."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import say, warn
from postroom.errors import bad_parameter

if TYPE_CHECKING:
    from postroom.config import Config
    from postroom.domain.search_rebuild import Progress, Rebuilt
    from postroom.domain.thread_rebuild import Rethreaded
    from postroom.model.ids import AccountId
    from postroom.store import Store

Flag = Annotated[bool, Parameter(negative=())]

_SOME_FAILED = 1
_STEPS = 10


def reindex(
    *,
    search: Flag = False,
    from_scratch: Flag = False,
    conversations: Flag = False,
    account: str = "",
    options: Options = DEFAULTS,
) -> int:
    """Rebuild what is computed from the messages. The server may run meanwhile, and nothing is missed by anyone.

    The exit status is 0 if all is well, 1 if some messages could not be read. It may be interrupted and run again.

    Args:
        search: Rebuild the full-text index, the text of attached documents included.
        from_scratch: Empty the full-text index first, for one that is damaged; searches find little until the end.
        conversations: Find anew which mails belong together.
        account: Only for the account with this address.
        options: Where the configuration is.
    """
    if not (search or conversations):
        raise bad_parameter("search", "say what is to be rebuilt: --search, --conversations")
    if from_scratch and (account or not search):
        raise bad_parameter("from-scratch", "--from-scratch is for --search of all accounts")
    problems: list[str] = []
    if conversations:
        rethreaded = asyncio.run(_reindex_conversations(options.load_for_store(), account))
        problems += rethreaded.problems
        say(
            f"{rethreaded.messages} messages of {rethreaded.accounts} accounts threaded, "
            f"{rethreaded.corrected} faults set right"
        )
    if search:
        rebuilt = asyncio.run(
            _reindex_search(options.load_for_store(), account, is_from_scratch=from_scratch)
        )
        problems += rebuilt.problems
        say(
            f"{rebuilt.messages} messages of {rebuilt.accounts} accounts indexed, "
            f"{rebuilt.documents} documents read, "
            f"{rebuilt.removed} entries of messages that are gone removed"
        )
    for problem in problems:
        warn(problem)
    return _SOME_FAILED if problems else 0


async def _reindex_conversations(config: "Config", address: str) -> "Rethreaded":
    from postroom.content.pool import HelperPool, count_helpers  # noqa: PLC0415 (commands start quickly)
    from postroom.content.work import ContentWork  # noqa: PLC0415
    from postroom.domain.thread_rebuild import ThreadRebuild  # noqa: PLC0415

    async with opened_store(config) as store:
        only = await _find_account(store, config, address) if address else None
        helpers = HelperPool(count_helpers(config.helpers))
        try:
            with _shown() as show:
                return await ThreadRebuild(store, ContentWork(helpers), on_progress=show).run(only=only)
        finally:
            await helpers.close()


async def _reindex_search(config: "Config", address: str, *, is_from_scratch: bool) -> "Rebuilt":
    from postroom.content.pool import HelperPool, count_helpers  # noqa: PLC0415 (commands start quickly)
    from postroom.content.work import ContentWork  # noqa: PLC0415
    from postroom.domain.extraction import make_extractor  # noqa: PLC0415
    from postroom.domain.search_rebuild import SearchRebuild  # noqa: PLC0415

    async with opened_store(config) as store:
        only = await _find_account(store, config, address) if address else None
        helpers = HelperPool(count_helpers(config.helpers))
        extractor = make_extractor(config.extraction) if config.extraction.enabled else None
        try:
            with _shown() as show:
                rebuild = SearchRebuild(store, ContentWork(helpers), extractor, on_progress=show)
                return await rebuild.run(only=only, is_from_scratch=is_from_scratch)
        finally:
            await helpers.close()
            if extractor is not None:
                await extractor.close()


async def _find_account(store: "Store", config: "Config", address: str) -> "AccountId":
    from postroom.auth.passwords import PasswordHasher  # noqa: PLC0415 (commands start quickly)
    from postroom.domain.directory import Directory  # noqa: PLC0415

    hasher = PasswordHasher(config.auth)
    try:
        directory = Directory(store, hasher, config.classes, primary_domain=config.primary_domain)
        return (await directory.get_account(address)).account.account_id
    finally:
        hasher.close()


@contextmanager
def _shown() -> "Iterator[Callable[[Progress], None]]":
    """Show how it goes on: in place on a terminal, else a line for each tenth of an account."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    from rich.console import Console  # noqa: PLC0415 (only where there is a terminal)

    with Console(stderr=True).status("") as status:
        yield lambda progress: status.update(
            f"{progress.address}: {progress.done} of {progress.total} messages"
        )


class _Lines:
    """A line for each tenth of an account's messages."""

    def __init__(self) -> None:
        self._told = ("", 0)

    def show(self, progress: "Progress") -> None:
        """Write a line, if it is time for one."""
        step = progress.done * _STEPS // max(progress.total, 1)
        if progress.done and (progress.address, step) != self._told:
            self._told = (progress.address, step)
            sys.stderr.write(f"{progress.address}: {progress.done} of {progress.total} messages\n")
