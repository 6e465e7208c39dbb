"""Fixtures that all tests share: both store engines, and a domain over them.

Where the machine has a file system in memory, the tests' files lie there: they commit many thousands of
transactions, and what is tested is that each is synced, not how long a disk takes for it.

What collecting the tests has made (some 20,000 of them, the framework's and Hypothesis' tables) stays until the end.
It is taken out of the garbage collector's sight: each full collection in the middle of a test would walk through it.
"""

import gc
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests.fixtures.factories import (  # noqa: F401
    add_owner,
    config,
    directory,
    domain,
    hasher,
    owner,
)
from tests.fixtures.postgres import postgres_server, postgres_url  # noqa: F401
from tests.fixtures.s3 import s3_config, s3_port  # noqa: F401
from tests.fixtures.stores import sqlite_template, store, store_url  # noqa: F401

MEMORY = Path("/dev/shm")  # noqa: S108
NEEDED_BYTES = 2 << 30
_GROUPS = ("api", "browser", "protocol", "store", "unit/app", "unit/bench", "unit/cli", "unit/demo")
WITH_OTHERS = [Path(__file__).parent / group for group in _GROUPS]
"""The groups whose tests wait for other processes, connections or threads."""


def pytest_configure(config: pytest.Config) -> None:  # noqa: F811
    """Choose the place of the tests' files, once for all workers."""
    # What is run in the background ignores Ctrl-C, and so would all programs that tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or config.option.basetemp or not MEMORY.is_dir():
        return
    if shutil.disk_usage(MEMORY).free >= NEEDED_BYTES:
        config.option.basetemp = tempfile.mkdtemp(prefix="postroom-tests-", dir=MEMORY)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what depends on others a second try.

    What failed first is told with its traceback at the end, and a sixth such test of a worker's fails the run
    (pyproject.toml): no fault is passed over in silence.
    """
    for item in items:
        if any(item.path.is_relative_to(group) for group in WITH_OTHERS):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish() -> None:
    """Leave what was collected for tests out of what is looked through for garbage."""
    gc.collect()
    gc.freeze()
