"""`postroom serve` and `postroom init`."""

import asyncio
import gc
import sys
from typing import Final

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import complain, say
from postroom.errors import PostroomError

CONFIGURATION: Final = 78
"""EX_CONFIG of sysexits(3). The unit for systemd names it: after that the server is not started again."""
_PASSING: Final = frozenset(("unavailable", "addressInUse"))
"""Failures that starting once more may help against: a database comes back, an address becomes free."""


def serve(*, options: Options = DEFAULTS) -> int:
    """Run the server until it is told to stop (SIGTERM, SIGINT).

    The exit status is 78 if it cannot start before somebody puts something right, such as the configuration.

    Args:
        options: Where the configuration is.
    """
    # What starting makes stays, so that looking through it for garbage is in vain: a tenth of the time to start. The
    # server collects again once it runs.
    gc.disable()
    try:
        config = options.load().config
        _load_structlog()
        from postroom.app import serve as run_server  # noqa: PLC0415 (commands start quickly)

        run_server(config)
    except PostroomError as error:
        if error.code in _PASSING:
            raise
        complain(error.message, error.private)
        return CONFIGURATION
    return 0


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
