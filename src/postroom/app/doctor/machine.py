"""The machine: room on the disk, file descriptors, the clock."""

import asyncio
import ctypes
import os
import resource
import shutil
from pathlib import Path
from typing import Final

from postroom.app.doctor.finding import Finding, ok, problem, skipped, warning
from postroom.config.root import Config

_MB: Final = 1_000_000
LITTLE_BYTES: Final = 2_000 * _MB
TOO_LITTLE_BYTES: Final = 200 * _MB
LITTLE_PART: Final = 0.05
CLOCK_SECONDS: Final = 5.0
"""How far clocks may be apart without anybody being told."""
_BESIDE: Final = 200
"""Descriptors for files, helpers, the database and deliveries under way."""
_TIMEX_BYTES: Final = 512
"""More than ``struct timex`` has on any machine."""
_NOT_SYNCHRONISED: Final = 5


async def check_disk(config: Config) -> list[Finding]:
    """Look at the room for mail: bytes, and files (inodes)."""
    place = _find_existing(config.data_dir)
    facts = os.statvfs(place)
    if facts.f_flag & os.ST_RDONLY:
        return [
            problem("disk", f"{place} is mounted read-only", f"mount the file system of {place} writable")
        ]
    usage = shutil.disk_usage(place)
    text = f"{usage.free / _MB:,.0f} MB of {usage.total / _MB:,.0f} MB are free below {place}"
    remedy = f"make room on the file system of {place}, or move data_dir to a larger one"
    found = []
    if usage.free < TOO_LITTLE_BYTES:
        found.append(problem("disk", text, remedy))
    elif usage.free < LITTLE_BYTES and usage.free < usage.total * LITTLE_PART:
        found.append(warning("disk", text, remedy))
    if facts.f_files and facts.f_favail < facts.f_files * LITTLE_PART:
        files = f"{facts.f_favail:,} of {facts.f_files:,} files (inodes) are left below {place}"
        found.append(
            warning("disk", files, f"remove small files from the file system of {place}, or enlarge it")
        )
    return found or [ok("disk", text)]


def _find_existing(path: Path) -> Path:
    """Return the folder, or the one above it that is there."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


async def check_descriptors(config: Config) -> list[Finding]:
    """Compare the limit of open files with what the configuration allows to be open at the same time."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    streams, mail = config.http.max_event_streams, config.lmtp.max_connections
    submission = config.submission.max_connections if config.submission.is_on else 0
    needed = streams + mail + submission + config.sending.deliveries + config.store.pool_size + _BESIDE
    if hard in {resource.RLIM_INFINITY, -1} or hard >= needed:
        return [ok("descriptors", f"{_say_limit(hard)} files may be open, {needed:,} are needed at most")]
    remedy = (
        f"set LimitNOFILE={needed + 1000} in the server's unit (here: ulimit -Hn), or lower "
        "http.max_event_streams; the limit is that of this shell, which the server's own may differ from"
    )
    text = f"{_say_limit(hard)} files may be open, and the configuration allows for {needed:,}"
    return [warning("descriptors", text, remedy)]


def _say_limit(limit: int) -> str:
    return "any number of" if limit in {resource.RLIM_INFINITY, -1} else f"{limit:,}"


async def check_clock(_: Config) -> list[Finding]:
    """Ask the kernel whether something keeps its clock right."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        state = await asyncio.to_thread(library.adjtimex, ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        state = -1
    if state < 0:
        return [skipped("clock", "the kernel does not say whether its clock is kept right")]
    if state == _NOT_SYNCHRONISED:
        text = "nothing keeps the clock of this machine right, says the kernel"
        remedy = "run chrony or systemd-timesyncd: second factors, tokens and Date fields need the right time"
        return [warning("clock", text, remedy)]
    return [ok("clock", "the clock is kept right, says the kernel")]


def compare_clocks(whose: str, seconds_ahead: float, *, tolerance: float = CLOCK_SECONDS) -> Finding:
    """Return what it means that this machine's clock is so far ahead of another one."""
    if abs(seconds_ahead) <= tolerance:
        return ok("clock", f"this clock and that of {whose} agree")
    which = "ahead of" if seconds_ahead > 0 else "behind"
    text = f"this clock is {abs(seconds_ahead):,.0f} seconds {which} that of {whose}"
    return warning("clock", text, "have both machines keep their time by NTP (chrony, systemd-timesyncd)")
