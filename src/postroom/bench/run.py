"""The benchmark: for each mailbox size a fresh server process, filled over LMTP and then asked over HTTP.

Order for one size: an empty server is started (start-up time); it is filled over 8 connections and over one (the
deliveries); it is started again on the filled store (start-up time, idle memory); then flags, counter, lists and
content are measured, the most memory so far is read, and the large attachment comes last. Every filling is checked
against the server's own counts: a benchmark that lost mail fails.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from postroom.bench.attachment import measure_attachment
from postroom.bench.changes import measure_changes
from postroom.bench.contacts import measure_contacts
from postroom.bench.filtering import measure_filters
from postroom.bench.finding import measure_finding
from postroom.bench.guessing import measure_guessing
from postroom.bench.load import compile_client
from postroom.bench.mailbox import BenchMailbox
from postroom.bench.options import BenchOptions
from postroom.bench.outgoing_queue import measure_queue
from postroom.bench.processor import measure_speed
from postroom.bench.report import print_report, render_json, render_markdown, render_number
from postroom.bench.results import Goal, Measurement, Report, SizeResult, describe_machine, make_figure
from postroom.bench.scenarios import (
    Scene,
    make_delivery_figures,
    measure_content,
    measure_counter,
    measure_flags,
    measure_lists,
)
from postroom.bench.sending import measure_sending
from postroom.bench.server import disk_bytes, interrupted_by_sigterm
from postroom.errors import PostroomError

_MEGABYTE = 1_000_000
_IDLE_SECONDS = 1.0
_PLAIN_COLUMNS = 140
_GROUP_SIZE_METRIC = "postroom_commit_transactions"
_STEPS: dict[str, Callable[[Scene], None]] = {
    "flags": measure_flags,
    "counter": measure_counter,
    "list": measure_lists,
    "content": measure_content,
}


def run_bench(options: BenchOptions, console: Console | None = None) -> int:
    """Run the benchmark, print the report and write it where ``options`` say; return the exit code.

    0: done; 1: done, and some answers were wrong; 2: it could not run; 130: interrupted, with what there was.
    """
    console = console or Console(width=None if sys.stdout.isatty() else _PLAIN_COLUMNS)
    try:
        options = options.checked()
        compile_client()
    except PostroomError as error:
        console.print(f"postroom bench: {error.message}", markup=False)
        return 2
    run = _Run(options, console)
    code = run.measure_all()
    report = run.report()
    print_report(report, console)
    if options.json_path:
        options.json_path.write_bytes(render_json(report))
    if options.markdown_path:
        options.markdown_path.write_text(render_markdown(report), encoding="utf-8")
    failed = any(one.failures for result in report.sizes for one in result.measurements)
    return code or int(failed)


class _Run:
    """The figures taken so far, and how to tell of them."""

    def __init__(self, options: BenchOptions, console: Console) -> None:
        self._options = options
        self._console = console
        self._sizes: list[SizeResult] = []
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._complete = False

    def report(self) -> Report:
        options = self._options
        return Report(
            command=options.command(),
            started_at=self._started_at,
            store=options.store_kind,
            seconds=options.seconds,
            repeats=options.repeats,
            machine=describe_machine(),
            sizes=self._sizes,
            complete=self._complete,
        )

    def measure_all(self) -> int:
        try:
            with interrupted_by_sigterm(), _directory(self._options) as directory:
                for size in self._options.sizes:
                    self._sizes.append(SizeResult(size, []))
                    self._tell(f"{size:,} mails")
                    self._measure_size(BenchMailbox(directory / f"size-{size}", self._options, size=size))
        except KeyboardInterrupt:
            return 130
        except PostroomError as error:
            self._tell(f"postroom bench: {error.message}")
            return 2
        self._complete = True
        return 0

    def _tell(self, text: str) -> None:
        at = time.strftime("%H:%M:%S")
        self._console.print(f"{at} {text}", markup=False, highlight=False)

    def _take(self, measurement: Measurement) -> None:
        if not self._options.wants(measurement.group):
            return
        if self._options.store_kind != "sqlite":
            # The goals are set for SQLite.
            measurement = msgspec.structs.replace(measurement, goal=None, p99_goal_ms=None)
        self._sizes[-1].measurements.append(measurement)
        p99 = "" if measurement.p99_ms is None else f", p99 {measurement.p99_ms:.1f} ms"
        cpu = (
            "" if measurement.cpu_us is None else f", {measurement.cpu_us:,.0f} µs of the server's processor"
        )
        failed = f", {measurement.failures} FAILED" if measurement.failures else ""
        figure = f"{render_number(measurement.value)} {measurement.unit}{p99}{cpu}{failed}"
        self._tell(f"  {measurement.group}: {measurement.name}: {figure}")

    def _measure_size(self, mailbox: BenchMailbox) -> None:
        speeds = [measure_speed()]
        mailbox.create()
        self._measure_starts(mailbox, "start-up, empty")
        filling_peak = self._fill(mailbox)
        self._measure_starts(mailbox, "start-up, filled")
        with mailbox.serve() as server:
            time.sleep(_IDLE_SECONDS)
            self._take_memory("memory, idle", server.resident_bytes(), Goal(90, at_most=True))
            api = mailbox.connect(server)
            api.login()
            inbox_id = api.get_folder("inbox")["id"]
            scene = Scene(self._options, mailbox, server, api, inbox_id, self._take)
            for group, step in _STEPS.items():
                if self._options.wants(group):
                    step(scene)
            peak = max(filling_peak, server.peak_resident_bytes())
            self._take_memory("memory, most under load", peak, Goal(200, at_most=True))
            if self._options.wants("deliveries"):
                measure_filters(scene)
            if self._options.wants("attachment"):
                measure_attachment(scene)
            if self._options.wants("finding"):
                measure_finding(scene)
            if self._options.wants("sending"):
                measure_sending(scene)
                measure_queue(scene)
            if self._options.wants("changes"):
                measure_changes(scene)
            if self._options.wants("contacts"):
                measure_contacts(scene)
            if self._options.wants("guessing"):
                measure_guessing(scene)
            api.close()
        speeds.append(measure_speed())
        self._take(
            make_figure("server", "machine: steps of a loop in Python", unit="million/s", repeats=speeds)
        )

    def _measure_starts(self, mailbox: BenchMailbox, name: str) -> None:
        if not self._options.wants("server"):
            return
        seconds = []
        for _ in range(self._options.repeats):
            with mailbox.serve() as server:
                seconds.append(server.start_seconds)
        self._take(make_figure("server", name, unit="s", repeats=seconds, goal=Goal(1, at_most=True)))

    def _fill(self, mailbox: BenchMailbox) -> int:
        with mailbox.serve() as server:
            fill = mailbox.fill(server, lambda text: self._tell(f"  {text}"))
            for measurement in make_delivery_figures(fill):
                self._take(measurement)
            group_size = read_mean(server.get_text("/metrics"), _GROUP_SIZE_METRIC)
            if group_size is not None:
                self._take(
                    make_figure("deliveries", "transactions in a commit, mean", unit="", repeats=[group_size])
                )
            api = mailbox.connect(server)
            mailbox.check_filled(api)
            api.close()
            peak = server.peak_resident_bytes()
        used = disk_bytes(mailbox.data_dir)
        if self._options.store_kind == "sqlite":
            self._take(make_figure("server", "disk used", unit="MB", repeats=[used / _MEGABYTE]))
            ratio = used / fill.raw_bytes
            self._take(make_figure("server", "disk used per raw byte", unit="", repeats=[ratio]))
        return peak

    def _take_memory(self, name: str, resident_bytes: int, goal: Goal) -> None:
        self._take(make_figure("server", name, unit="MB", repeats=[resident_bytes / _MEGABYTE], goal=goal))


@contextmanager
def _directory(options: BenchOptions) -> Iterator[Path]:
    if options.data_dir:
        options.data_dir.mkdir(parents=True, exist_ok=True)
        yield options.data_dir
        return
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as name:
        yield Path(name)


def read_mean(metrics: str, name: str) -> float | None:
    """Return the mean of the histogram or summary ``name`` in ``metrics`` (Prometheus text), None if not there."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics):
        if family.name == name:
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
    count = found.get(f"{name}_count", 0.0)
    return found.get(f"{name}_sum", 0.0) / count if count else None
