"""`postroom serve` and `postroom init`."""

import asyncio
import gc

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import say


def serve(*, options: Options = DEFAULTS) -> None:
    """Run the server until it is told to stop (SIGTERM, SIGINT).

    Args:
        options: Where the configuration is.
    """
    # What starting makes stays, so that looking through it for garbage is in vain: a tenth of the time to start. The
    # server collects again once it runs.
    gc.disable()
    config = options.load().config
    from postroom.app import serve as run_server  # noqa: PLC0415 (commands start quickly)

    run_server(config)


def init(*, options: Options = DEFAULTS) -> None:
    """Make the data folder and the store, or bring them up to date. It may be repeated.

    Args:
        options: Where the configuration is.
    """
    config = options.load().config

    async def work() -> None:
        async with opened_store(config) as store:
            say(f"the store is ready ({store.engine.name}), data folder {config.data_dir.resolve()}")

    asyncio.run(work())
