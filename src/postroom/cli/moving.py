"""`postroom migrate-store`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.cli.backups import make_place
from postroom.cli.meter import shown
from postroom.cli.options import DEFAULTS, Options
from postroom.cli.queue import say_held
from postroom.cli.terminal import say, warn

if TYPE_CHECKING:
    from postroom.domain.store_move import Moved

Flag = Annotated[bool, Parameter(negative=())]

_FOUND = 1


def migrate_store(from_: str, to: str, /, *, cancel: Flag = False, options: Options = DEFAULTS) -> int:
    """Move the store from one database into another; large messages and keys stay in the data folder.

    Stop the server first. While it goes on, and after it is done, nobody can open the old database. It may be
    interrupted and repeated. The exit status is 1 if the check of the new database found something.

    Args:
        from_: The URL of the database that has the store: sqlite: or postgresql://user@host/database.
        to: The URL of an empty database.
        cancel: Give the move up, or take it back: the old database can be opened again, as it was.
        options: Where the configuration is.
    """
    from postroom.domain.store_move import cancel_move, move_store  # noqa: PLC0415 (commands start quickly)

    config = options.load().config
    source, target = make_place(config, from_), make_place(config, to)
    if cancel:
        cancelled = asyncio.run(cancel_move(source))
        say("the old database can be opened again" if cancelled.was_closed else "there was nothing to cancel")
        if cancelled.held:
            say_held(cancelled.held)
        return 0

    async def work() -> "Moved":
        with shown() as show:
            return await move_store(source, target, progress=show)

    done = asyncio.run(work())
    for finding in done.findings:
        warn(f"{finding.account}: {finding.what} ({finding.kind})" if finding.account else finding.what)
    say(
        f"{'the interrupted move is done: ' if done.was_resumed else ''}{done.rows} rows of {done.accounts} accounts "
        f"moved and compared, {done.messages} messages indexed; now set store.url to the new database"
    )
    return _FOUND if done.findings else 0
