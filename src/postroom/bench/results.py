"""What a benchmark yields: figures with their units, and the machine and command they belong to."""

import os
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median

import msgspec

_PACKAGES = ("postroom", "apsw", "asyncpg", "uvicorn", "uvloop", "litestar", "msgspec", "nh3")


class Goal(msgspec.Struct, frozen=True):
    """What a figure should reach on 2 cores with SQLite: at least ``bound``, or at most where ``at_most``."""

    bound: float
    at_most: bool = False

    def is_met_by(self, value: float) -> bool:
        """Return whether ``value`` is good enough."""
        return value <= self.bound if self.at_most else value >= self.bound


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. ``value`` is the median of ``repeats``, in ``unit``; latencies are those of the median run.

    ``failures`` counts answers that were not what was asked for, over all repeats: where it is not 0, the figure
    says nothing.
    """

    group: str
    name: str
    unit: str
    value: float
    repeats: tuple[float, ...]
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    cpu_us: float | None = None
    """Processor time of the server for one answer, in microseconds."""
    other_cores: float | None = None
    """Cores that were busy with other programs meanwhile, on average."""
    p99_goal_ms: float | None = None
    goal: Goal | None = None
    failures: int = 0
    note: str = ""

    @property
    def goal_met(self) -> bool | None:
        """Whether every goal of this figure is met; None if it has none."""
        if self.failures:
            return False
        checks = [self.goal.is_met_by(self.value)] if self.goal else []
        if self.p99_goal_ms is not None and self.p99_ms is not None:
            checks.append(self.p99_ms <= self.p99_goal_ms)
        return all(checks) if checks else None


def make_figure(
    group: str, name: str, *, unit: str, repeats: Sequence[float], goal: Goal | None = None, note: str = ""
) -> Measurement:
    """Return a measurement without latencies; its value is the median of ``repeats``."""
    return Measurement(
        group=group, name=name, unit=unit, value=median(repeats), repeats=tuple(repeats), goal=goal, note=note
    )


class SizeResult(msgspec.Struct, frozen=True):
    """All figures of one mailbox size (mails in Inbox), in the order in which they were taken."""

    size: int
    measurements: list[Measurement]


class Machine(msgspec.Struct, frozen=True):
    """What the figures were taken on."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    versions: dict[str, str]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. ``store`` is the kind of engine; the address of a database server stays out."""

    command: str
    started_at: str
    store: str
    seconds: float
    repeats: int
    machine: Machine
    sizes: list[SizeResult]
    complete: bool = True

    def iter_rows(self) -> Iterator[tuple[str, str, dict[int, Measurement]]]:
        """Yield group, name and the measurement of each size that has it, in the order of the first size."""
        names = {(one.group, one.name): None for result in self.sizes for one in result.measurements}
        for group, name in names:
            found = {
                result.size: one
                for result in self.sizes
                for one in result.measurements
                if (one.group, one.name) == (group, name)
            }
            yield group, name, found


def size_ratio(found: dict[int, Measurement]) -> float | None:
    """Return the value at the largest mailbox divided by that at the smallest; None with fewer than two."""
    if len(found) < 2:
        return None
    smallest, largest = found[min(found)].value, found[max(found)].value
    return largest / smallest if smallest else None


def describe_machine() -> Machine:
    """Return what this machine is; 0 or "" for what the system does not tell."""
    return Machine(
        processor=_read_field("/proc/cpuinfo", "model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions={name: version for name in _PACKAGES if (version := _find_version(name))},
    )


def _find_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _read_field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
