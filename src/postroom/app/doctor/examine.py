"""Runs the checks: all at once, each in a thread and an event loop of its own, each for a limited time.

A thread of its own bounds what no event loop can: a file system or a name service that hangs. Such a thread is left
behind; it is a daemon, but those that it has started itself may keep the interpreter from ending, so that whoever
gets :attr:`Report.is_complete` false should leave by ``os._exit``.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from postroom.app.doctor.files import check_certificates, check_permissions
from postroom.app.doctor.finding import Finding, Level, problem
from postroom.app.doctor.listeners import check_listeners
from postroom.app.doctor.machine import check_clock, check_descriptors, check_disk
from postroom.app.doctor.names import check_names
from postroom.app.doctor.relay import check_relay
from postroom.app.doctor.storage import check_blobs, check_database
from postroom.config.root import Config
from postroom.errors import PostroomError

Check = Callable[[Config], Coroutine[Any, Any, list[Finding]]]

CHECKS: Mapping[str, Check] = {
    "permissions": check_permissions,
    "disk": check_disk,
    "descriptors": check_descriptors,
    "clock": check_clock,
    "listeners": check_listeners,
    "certificates": check_certificates,
    "database": check_database,
    "blobs": check_blobs,
    "relay": check_relay,
    "dns": check_names,
}
_LEAVE_SECONDS = 1.0
"""How long a check that was told to end may take for it."""


class Report(NamedTuple):
    """What all checks have found, in the order of :data:`CHECKS`."""

    findings: list[Finding]
    is_complete: bool
    """All threads have ended."""


def examine(config: Config, *, seconds: float, checks: Mapping[str, Check] = CHECKS) -> Report:
    """Run the checks, each for at most so many seconds."""
    results: queue.SimpleQueue[tuple[str, list[Finding]]] = queue.SimpleQueue()

    def work(name: str, check: Check) -> None:
        results.put((name, _run(name, check, config, seconds=seconds)))

    for name, check in checks.items():
        threading.Thread(target=work, args=(name, check), name=f"doctor-{name}", daemon=True).start()
    found: dict[str, list[Finding]] = {}
    until = time.monotonic() + seconds + _LEAVE_SECONDS
    while len(found) < len(checks):
        try:
            name, findings = results.get(timeout=max(until - time.monotonic(), 0.001))
        except queue.Empty:
            break
        found[name] = findings
    listed = [finding for name in checks for finding in found.get(name) or [_too_slow(name, seconds)]]
    return Report(listed, len(found) == len(checks))


def _run(name: str, check: Check, config: Config, *, seconds: float) -> list[Finding]:
    async def bounded() -> list[Finding]:
        try:
            async with asyncio.timeout(seconds):
                return await check(config)
        finally:
            # Closed transports let go of their sockets in the next round of the event loop.
            await asyncio.sleep(0)

    try:
        return asyncio.run(bounded())
    except TimeoutError:
        return [_too_slow(name, seconds)]
    except PostroomError as error:
        text = error.message + (f" ({error.private})" if error.private else "")
        return [problem(name, text, "put right what is said there, and look again")]
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return [problem(name, text, "put right what is said there, and look again")]
    except Exception as error:  # noqa: BLE001 - what one check stumbles over must not hide what the others find
        text = f"the check itself failed: {type(error).__name__}: {error}"
        return [Finding(name, Level.PROBLEM, text, "report this as a fault of Postroom")]


def _too_slow(name: str, seconds: float) -> Finding:
    return problem(
        name,
        f"not done within {seconds:g} seconds",
        "see whether what it looks at hangs (a network file system, a name server, a firewall that drops packets); "
        "--timeout gives it longer",
    )
