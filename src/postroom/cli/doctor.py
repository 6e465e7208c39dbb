"""`postroom doctor`."""

import json as json_module
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options
from postroom.cli.terminal import say
from postroom.errors import PostroomError, bad_parameter

if TYPE_CHECKING:
    from postroom.app.doctor import Finding

Flag = Annotated[bool, Parameter(negative=())]

_FOUND, _IMPOSSIBLE = 1, 2
_COLOURS = {"ok": "green", "skipped": "dim", "warning": "yellow", "problem": "bold red"}
_MAX_SECONDS = 600


def doctor(*, json: Flag = False, timeout: float = 20.0, options: Options = DEFAULTS) -> int:
    """Look at what the server needs: files, ports, database, relay, DNS and more; it may run meanwhile.

    The exit status is 0 if all is well, 1 if something was found, 2 if the configuration cannot be read. Run it as
    the user that the server runs as.

    Args:
        json: Write JSON.
        timeout: Seconds that each check may take; all run at the same time.
        options: Where the configuration is.
    """
    if not 0 < timeout <= _MAX_SECONDS:
        raise bad_parameter("timeout", f"timeout must be more than 0 and at most {_MAX_SECONDS} seconds")
    from postroom.app.doctor import examine  # noqa: PLC0415 (commands start quickly)
    from postroom.app.doctor.finding import ok, problem  # noqa: PLC0415

    try:
        config = options.load().config
    except PostroomError as error:
        remedy = "correct it; postroom config manual explains all options"
        _tell([problem("configuration", line, remedy) for line in error.message.splitlines()], json=json)
        return _IMPOSSIBLE
    report = examine(config, seconds=timeout)
    _tell([ok("configuration", "can be used"), *report.findings], json=json)
    status = _FOUND if any(finding.is_trouble for finding in report.findings) else 0
    if not report.is_complete:
        # What hangs would keep the interpreter from ending.
        sys.stdout.flush()
        os._exit(status)
    return status


def _tell(findings: "Sequence[Finding]", *, json: bool) -> None:
    if not json:
        _say_words(findings)
        return
    listed = [
        {"check": one.check, "level": one.level.value, "what": one.what, "remedy": one.remedy}
        for one in findings
    ]
    is_well = not any(finding.is_trouble for finding in findings)
    say(json_module.dumps({"ok": is_well, "findings": listed}, indent=2, ensure_ascii=False))


def _say_words(findings: "Sequence[Finding]") -> None:
    from rich.console import Console  # noqa: PLC0415 (commands start quickly)
    from rich.text import Text  # noqa: PLC0415

    # Lines are as long as they are: what is to be done can be copied, and other programs find it.
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    for finding in findings:
        level = Text(f"{finding.level.value:8} ", style=_COLOURS[finding.level.value])
        console.print(level + Text(f"{finding.check:13} {finding.what}", style="default"))
        if finding.remedy:
            console.print(Text(f"{'':22} → {finding.remedy}", style="cyan"))
    troubles = sum(finding.is_trouble for finding in findings)
    console.print(f"{troubles} to be looked at" if troubles else "all is well")
