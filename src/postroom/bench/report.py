"""Show a benchmark's report: a table for people (Markdown or terminal), JSON for programs."""

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from postroom.bench.results import Machine, Measurement, Report, size_ratio

_GROUP_TITLES = {
    "deliveries": "Deliveries over LMTP",
    "flags": "Flag changes",
    "counter": "Unread counter",
    "list": "List of 50 mails",
    "content": "Content of a mail",
    "attachment": "Attachment of 50 MB",
    "finding": "Finding",
    "sending": "Sending",
    "changes": "Changes",
    "server": "Server",
}
_IDLE_CORES = 0.25
"""Less than this is what any system does beside."""
_WITHIN = "Compared within the largest mailbox"


def render_json(report: Report) -> bytes:
    """Return the report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def render_markdown(report: Report) -> str:
    """Return the report as a Markdown document: machine, command, one table for each group."""
    lines = ["# Benchmarks", "", *(f"- {fact}" for fact in describe(report)), ""]
    lines += [
        "Each figure is the median of its repeats; p99 and CPU are those of the largest mailbox. The load comes from "
        "one compiled client on the same machine. “CPU” is the server's processor time an answer. “Ratio” is the "
        "largest mailbox's figure divided by the smallest's. Goals are for 2 cores and SQLite; **bold** figures miss "
        "theirs. How fast the machine itself was is the last line of “Server”: runs of different hours are compared "
        "by it.",
        "",
    ]
    header = _header(report)
    for group, rows in _grouped(report):
        lines += [f"## {_GROUP_TITLES.get(group, group)}", ""]
        lines += [_row(header), _row(["---", *["---:"] * (len(header) - 1)])]
        lines += [_row(_cells(report, name, found, bold="**")) for name, found in rows]
        lines.append("")
    comparison = compare_within(report)
    if comparison:
        lines += [f"## {_WITHIN}", "", _row(["", "Ratio", "Goal"]), _row(["---", "---:", "---:"])]
        lines += [_row([name, f"{ratio:.2f}", f"≥ {goal:.2f}"]) for name, ratio, goal in comparison]
        lines.append("")
    notes = _notes(report)
    if notes:
        lines += ["## Notes", "", *(f"- {note}" for note in notes), ""]
    return "\n".join(lines)


def print_report(report: Report, console: Console) -> None:
    """Print the report: a table in colour on a terminal, aligned plain text elsewhere."""
    for fact in describe(report):
        console.print(fact, highlight=False, soft_wrap=True)
    header = _header(report)
    table = Table(*header, title_justify="left", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for group, rows in _grouped(report):
        table.add_row(f"[bold]{_GROUP_TITLES.get(group, group)}[/bold]")
        for name, found in rows:
            missed = any(one.goal_met is False for one in found.values())
            table.add_row(*_cells(report, f"  {name}", found), style="red" if missed else None)
    if table.rows:
        console.print()
        console.print(table)
    for name, ratio, goal in compare_within(report):
        console.print(f"{name}: {ratio:.2f} (goal ≥ {goal:.2f})", style=None if ratio >= goal else "red")
    for note in _notes(report):
        console.print(note, highlight=False, soft_wrap=True)


def describe(report: Report) -> list[str]:
    """Return what the figures belong to: command, time, store, machine and versions, a line each."""
    machine: Machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    busy = [
        one.other_cores
        for result in report.sizes
        for one in result.measurements
        if one.other_cores is not None
    ]
    others = []
    if busy and max(busy) > _IDLE_CORES:
        database = "" if report.store == "sqlite" else " (the database's server among them)"
        others.append(
            f"Other programs{database} were running: {sum(busy) / len(busy):.1f} of {machine.cores} cores, "
            f"{max(busy):.1f} at most during one measurement. Rates and latencies are worse for it"
        )
    unfinished = [] if report.complete else ["Interrupted: figures that were not taken are missing"]
    return [
        *unfinished,
        f"Command: `{report.command}` ({report.repeats} repeats of {report.seconds:g} s)",
        f"Started: {report.started_at}",
        f"Store: {report.store}",
        f"Machine: {machine.cores} cores ({machine.processor}), {machine.memory_bytes / 2**30:.0f} GiB, "
        f"{machine.system}",
        f"Software: {machine.python}, {versions}",
        *others,
    ]


def compare_within(report: Report) -> list[tuple[str, float, float]]:
    """Return how lists by each order compare with the newest by date, in the largest mailbox: name, ratio, goal."""
    if not report.sizes:
        return []
    largest = max(report.sizes, key=lambda result: result.size)
    lists = {one.name: one.value for one in largest.measurements if one.group == "list"}
    base = lists.pop("date, newest", 0.0)
    return [(f"{name} / date, newest", value / base, 0.7) for name, value in lists.items()] if base else []


def _grouped(report: Report) -> list[tuple[str, list[tuple[str, dict[int, Measurement]]]]]:
    groups: dict[str, list[tuple[str, dict[int, Measurement]]]] = {}
    for group, name, found in report.iter_rows():
        groups.setdefault(group, []).append((name, found))
    order = list(_GROUP_TITLES)
    return sorted(groups.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def _header(report: Report) -> list[str]:
    sizes = [f"{result.size:,} mails" for result in report.sizes]
    return ["", *sizes, "Unit", "p99", "CPU", *(["Ratio"] if len(sizes) > 1 else []), "Goal"]


def _cells(report: Report, name: str, found: dict[int, Measurement], *, bold: str = "") -> list[str]:
    last = found[max(found)]
    values = [_value(found.get(result.size), bold) for result in report.sizes]
    ratio = size_ratio(found)
    ratios = [f"{ratio:.2f}" if ratio is not None else ""] if len(report.sizes) > 1 else []
    return [
        name,
        *values,
        last.unit,
        _milliseconds(last.p99_ms),
        _microseconds(last.cpu_us),
        *ratios,
        _goal(last),
    ]


def _value(one: Measurement | None, bold: str) -> str:
    if one is None:
        return "–"
    text = render_number(one.value)
    if one.failures:
        text += f" ({one.failures} failed)"
    return f"{bold}{text}{bold}" if one.goal_met is False else text


def _goal(one: Measurement) -> str:
    parts = [f"{'≤' if one.goal.at_most else '≥'} {one.goal.bound:,g}"] if one.goal else []
    if one.p99_goal_ms is not None:
        parts.append(f"p99 ≤ {one.p99_goal_ms:g} ms")
    return ", ".join(parts)


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} ms"


def _microseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f} µs"


def render_number(value: float) -> str:
    """Return ``value`` with as many digits as say something: 24,374, 312.5, 0.734."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _notes(report: Report) -> list[str]:
    places: dict[str, list[str]] = {}
    for group, name, found in report.iter_rows():
        note = found[max(found)].note
        if note:
            places.setdefault(note, []).append(f"{_GROUP_TITLES.get(group, group)}, {name}")
    return [f"{'; '.join(names)}: {note}" for note, names in places.items()]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
