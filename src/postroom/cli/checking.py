"""`postroom check`."""

import asyncio
import json as json_module
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import say

if TYPE_CHECKING:
    from postroom.config import Config
    from postroom.domain.check import Report

Flag = Annotated[bool, Parameter(negative=())]

_FOUND = 1


def check(*, repair: Flag = False, json: Flag = False, options: Options = DEFAULTS) -> int:
    """Verify the store. The exit status is 0 if all is well, 1 if something was found (repaired or not).

    Args:
        repair: Repair what can be repaired.
        json: Write JSON.
        options: Where the configuration is.
    """
    report = asyncio.run(_check(options.load_for_store(), repair=repair))
    if json:
        _say_json(report)
    else:
        _say_words(report)
    return _FOUND if report.findings else 0


async def _check(config: "Config", *, repair: bool) -> "Report":
    from postroom.domain.check import check_store  # noqa: PLC0415 (commands start quickly)

    async with opened_store(config) as store:
        if not sys.stderr.isatty():
            return await check_store(store, repair=repair)
        from rich.console import Console  # noqa: PLC0415 (only where there is a terminal)

        with Console(stderr=True).status("") as status:
            return await check_store(
                store, repair=repair, progress=lambda what: status.update(f"checking {what}")
            )


def _say_words(report: "Report") -> None:
    for finding in report.findings:
        place = f"{finding.account}: " if finding.account else ""
        say(f"{place}{finding.what} ({finding.kind}{', repaired' if finding.repaired else ''})")
    looked_at = f"{report.accounts} accounts, {report.mails} mails, {report.contents} messages"
    if not report.findings:
        say(f"all is well: {looked_at}")
        return
    repaired = sum(finding.repaired for finding in report.findings)
    say(f"{len(report.findings)} findings, {repaired} of them repaired: {looked_at}")


def _say_json(report: "Report") -> None:
    findings = [finding._asdict() for finding in report.findings]
    counts = {"accounts": report.accounts, "mails": report.mails, "contents": report.contents}
    say(json_module.dumps({"ok": not findings, **counts, "findings": findings}, indent=2, ensure_ascii=False))
