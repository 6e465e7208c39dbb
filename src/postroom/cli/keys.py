"""`postroom keys …`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import say, say_table

if TYPE_CHECKING:
    from postroom.config import Config
    from postroom.domain.key_rotation import KeyFacts, Rotated

Flag = Annotated[bool, Parameter(negative=())]


def rotate(*, prepare: Flag = False, options: Options = DEFAULTS) -> None:
    """Make a new server key, encrypt everything in the store with it, and drop the old keys.

    Servers may run meanwhile; they read the file when they meet a key that they do not know. Where several machines
    have a data folder each, first prepare a key, copy server.key to all of them, then rotate; and copy it once more
    at the end. Backups of the store that were made before need the old keys: keep the old file with them. If it is
    interrupted, call it again.

    Args:
        prepare: Only write the new key to the file, for the next rotation to take.
        options: Where the configuration is.
    """
    config = options.load_for_store()
    if prepare:
        from postroom.domain import key_rotation  # noqa: PLC0415 (commands start quickly)

        key = asyncio.run(key_rotation.prepare(config.data_dir))
        say(f"key {key.key_id} is prepared: copy server.key to all servers, then call postroom keys rotate")
        return
    done = asyncio.run(_rotate(config))
    say(f"{'the interrupted rotation is done: ' if done.was_resumed else ''}key {done.key_id} is in use")
    say(f"secrets encrypted anew: {done.resealed}; keys dropped: {', '.join(done.dropped) or 'none'}")


def list_all(*, options: Options = DEFAULTS) -> None:
    """List the server keys, newest first, with what is encrypted with each.

    Args:
        options: Where the configuration is.
    """
    facts = asyncio.run(_list(options.load_for_store()))
    say_table(
        [
            ("KEY", "MADE", "STATE", "SECRETS"),
            *((key.key_id, key.made_on or "-", key.state, str(key.secrets)) for key in facts),
        ]
    )


async def _rotate(config: "Config") -> "Rotated":
    from postroom.domain import key_rotation  # noqa: PLC0415 (commands start quickly)

    async with opened_store(config) as store:
        return await key_rotation.rotate(store, config.data_dir)


async def _list(config: "Config") -> "list[KeyFacts]":
    from postroom.domain import key_rotation  # noqa: PLC0415 (commands start quickly)

    async with opened_store(config) as store:
        return await key_rotation.list_keys(store, config.data_dir)
