"""The command line of the benchmark: ``postroom bench`` and ``python -m postroom.bench``."""

from typing import Annotated

from cyclopts import Parameter

from postroom.bench.options import BenchOptions
from postroom.bench.run import run_bench

_DEFAULTS = BenchOptions()


def bench(options: Annotated[BenchOptions, Parameter(name="*")] = _DEFAULTS) -> int:
    """Measure a server of its own under load, for several mailbox sizes; needs a C compiler."""
    return run_bench(options)
