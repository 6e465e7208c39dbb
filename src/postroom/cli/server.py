"""`postroom serve` and `postroom init`."""

import asyncio
import gc
import sys

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
    _load_structlog()
    from postroom.app import serve as run_server  # noqa: PLC0415 (commands start quickly)

    run_server(config)


def _load_structlog() -> None:
    """Load structlog without rich, which it loads with itself where it is there, to colour tracebacks.

    Those of a server are plain, and rich takes a twentieth of the time to start, and 4 MB.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]


def init(*, options: Options = DEFAULTS) -> None:
    """Make the data folder, the server key and the store, or bring them up to date. It may be repeated.

    Args:
        options: Where the configuration is.
    """
    config = options.load().config

    async def work() -> None:
        from postroom.domain.server_secrets import ServerSecrets  # noqa: PLC0415 (commands start quickly)

        async with opened_store(config) as store:
            await ServerSecrets.load(store, config.data_dir)
            say(f"the store is ready ({store.engine.name}), data folder {config.data_dir.resolve()}")

    asyncio.run(work())
