"""The measurements of one filled mailbox, each a function from :class:`Scene` to figures.

Requests rotate over many mails wherever content is asked for, so that the server's work is measured and not a
cache's. Goals are given where the project has set itself one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

import msgspec

from postroom.bench.api_client import APIClient, mail_path, mails_path
from postroom.bench.corpus import find_kind
from postroom.bench.load import HTTPLoad, LoadResult, run_http
from postroom.bench.mailbox import BenchMailbox, Fill
from postroom.bench.options import BenchOptions
from postroom.bench.processor import Usage, read_usage
from postroom.bench.results import Goal, Measurement
from postroom.bench.server import ServerProcess
from postroom.errors import Kind, PostroomError

SORT_FIELDS = (
    "date",
    "subject",
    "from",
    "to",
    "size",
    "isUnread",
    "isFlagged",
    "importance",
    "hasAttachments",
)
_DEEP_ROWS = 20
_BODY_MIN_BYTES, _BODY_MAX_BYTES = 15_000, 25_000
_MAX_CONTENT_MAILS = 20_000
_MAX_FLAGGED_MAILS = 6_000


@dataclass
class Scene:
    """A running server with a filled mailbox, and how to measure it."""

    options: BenchOptions
    mailbox: BenchMailbox
    server: ServerProcess
    api: APIClient
    inbox_id: str
    take: Callable[[Measurement], None]
    """Called with each figure as soon as it is there."""
    mails: list[dict[str, Any]] = field(default_factory=list)

    def measure(self, question: "Question") -> None:
        """Take one figure."""
        self.take(measure_http(self, question))

    def list_mails(self) -> list[dict[str, Any]]:
        """Return all mails of Inbox, newest first; asked for once."""
        if not self.mails:
            self.mails = list(self.api.iter_mails(self.inbox_id))
        return self.mails


@dataclass(frozen=True, kw_only=True)
class Question:
    """What to ask the API, and how the figure is called; ``headers`` are the session's if None."""

    group: str
    name: str
    paths: Sequence[str] = ()
    headers: Mapping[str, str] | None = None
    fresh: bool = False
    expected: str = "200"
    goal: Goal | None = None
    p99_goal_ms: float | None = None
    note: str = ""


def measure_http(scene: Scene, question: Question) -> Measurement:
    """Return requests per second: the median of the repeats, each going on in the paths where the last ended."""
    options = scene.options
    warmup_seconds = min(0.3, options.seconds / 4)
    runs: list[LoadResult] = []
    used: list[Usage] = []
    first = 0
    for _ in range(options.repeats):
        before = read_usage(scene.server.pid)
        load = HTTPLoad(
            paths=question.paths,
            connections=options.connections,
            seconds=options.seconds,
            warmup_seconds=warmup_seconds,
            fresh=question.fresh,
            first=first,
            headers=scene.api.headers if question.headers is None else question.headers,
        )
        runs.append(run_http(scene.server.host, scene.server.port, load))
        used.append(read_usage(scene.server.pid).since(before))
        first += runs[-1].finished
    # What was answered before the counting began cost processor time too.
    counted = options.seconds / (options.seconds + warmup_seconds)
    return add_usage(make_measurement(runs, question), runs, used, counted=counted)


def add_usage(
    measurement: Measurement, runs: Sequence[LoadResult], used: Sequence[Usage], *, counted: float = 1.0
) -> Measurement:
    """Return ``measurement`` with processor times; ``counted`` is the share of the work that ``runs`` counted."""
    finished = sum(run.finished for run in runs)
    server = sum(one.server for one in used)
    others = sum(one.busy for one in used) - server - sum(run.client_cpu_seconds for run in runs)
    return msgspec.structs.replace(
        measurement,
        cpu_us=server * counted / finished * 1_000_000 if finished else None,
        other_cores=max(0.0, others / sum(one.clock for one in used)),
    )


def make_measurement(runs: Sequence[LoadResult], question: Question) -> Measurement:
    """Return the figure of several runs of one ``question``; answers with another status are failures."""
    rates = [run.per_second for run in runs]
    middle = min(runs, key=lambda run: abs(run.per_second - median(rates)))
    failures = sum(run.unexpected(question.expected) for run in runs)
    note = question.note
    if failures:
        statuses = {status: count for run in runs for status, count in run.statuses.items()}
        note = f"{note} {failures} failures: {statuses} {runs[0].first_refusal}".strip()
    return Measurement(
        group=question.group,
        name=question.name,
        unit="/s",
        value=median(rates),
        repeats=tuple(rates),
        p50_ms=middle.latency.p50 / 1000,
        p99_ms=middle.latency.p99 / 1000,
        max_ms=max(run.latency.max for run in runs) / 1000,
        goal=question.goal,
        p99_goal_ms=question.p99_goal_ms,
        failures=failures,
        note=note,
    )


def make_delivery_figures(fill: Fill) -> Iterator[Measurement]:
    """Yield the figures of filling the mailbox: all of it, its last batch alone, and one connection."""
    parallel = fill.parallel
    accepted = sum(run.statuses.get("250", 0) for run in parallel)
    seconds = sum(run.seconds for run in parallel)
    asked = Question(group="deliveries", name="8 connections", expected="250", goal=Goal(700))
    # Not the median of the batches: the rate over the whole filling is what a user would see.
    whole = msgspec.structs.replace(make_measurement(parallel, asked), value=accepted / seconds)
    yield add_usage(whole, parallel, fill.parallel_used)
    last = Question(group="deliveries", name="8 connections, last messages", expected="250")
    yield add_usage(make_measurement(parallel[-1:], last), parallel[-1:], fill.parallel_used[-1:])
    alone = Question(group="deliveries", name="1 connection", expected="250")
    yield add_usage(make_measurement([fill.single], alone), [fill.single], [fill.single_used])


def measure_flags(scene: Scene) -> None:
    """Change flags: a third of the mails (at most some thousand) become read, a tenth flagged."""
    mails = scene.list_mails()
    for name, step, body in (
        ("mark as read", 3, '{"isUnread":false}'),
        ("flag", 10, '{"isFlagged":true}'),
    ):
        paths = [mail_path(mail["id"]) for mail in mails[::step][:_MAX_FLAGGED_MAILS]]
        load = HTTPLoad(
            paths=paths,
            connections=8,
            requests=len(paths),
            method="PATCH",
            body=body,
            headers={**scene.api.headers, "Content-Type": "application/json"},
        )
        before = read_usage(scene.server.pid)
        result = run_http(scene.server.host, scene.server.port, load)
        used = read_usage(scene.server.pid).since(before)
        asked = Question(group="flags", name=f"{name}, 8 connections")
        scene.take(add_usage(make_measurement([result], asked), [result], [used]))
        _check_flags(scene, name, len(paths))


def _check_flags(scene: Scene, name: str, changed: int) -> None:
    if name != "mark as read":
        return
    unread = scene.api.call("GET", "/api/v1/mails/counters")["unreadCount"]
    if unread != scene.mailbox.size - changed:
        raise PostroomError(
            Kind.INTERNAL,
            "benchmarkFailed",
            f"{changed} of {scene.mailbox.size} mails were marked as read, but {unread} are counted as unread",
        )


def measure_counter(scene: Scene) -> None:
    """Poll the unread counter: kept connections with and without session, and a new connection for each poll."""
    paths = ["/api/v1/mails/counters"]
    basic = {"Authorization": scene.api.headers["Authorization"]}
    kept = Question(group="counter", name="", paths=paths, goal=Goal(20_000), p99_goal_ms=5)
    scene.measure(replace(kept, name="kept connections, session"))
    scene.measure(replace(kept, name="kept connections, no session", headers=basic))
    scene.measure(
        Question(
            group="counter",
            name="new connection each time, no session",
            paths=paths,
            headers=basic,
            fresh=True,
            goal=Goal(4_000),
        )
    )


def measure_lists(scene: Scene) -> None:
    """List 50 mails in each order, at the start of the mailbox and at nine tenths of it."""
    size = scene.mailbox.size
    depth = min(int(size * 0.9), max(0, size - 50 - _DEEP_ROWS))
    for sort in SORT_FIELDS:
        query: dict[str, str | int] = {"sort": sort, "dir": "DESC", "limit": 50}
        newest = [mails_path(scene.inbox_id, **query, start=0)]
        deep = [mails_path(scene.inbox_id, **query, start=depth + row) for row in range(_DEEP_ROWS)]
        goal = Goal(2_000) if sort == "date" else None
        scene.measure(Question(group="list", name=f"{sort}, newest", paths=newest, goal=goal))
        scene.measure(Question(group="list", name=f"{sort}, deep", paths=deep))


def measure_content(scene: Scene) -> None:
    """Open mails of about 20 KB: the mail object, the HTML body made safe, the text, the raw source."""
    mails = scene.list_mails()
    chosen = [
        mail["id"]
        for mail in mails
        if find_kind(mail["messageId"]) == "newsletter" and _BODY_MIN_BYTES <= mail["size"] <= _BODY_MAX_BYTES
    ]
    note = f"{min(len(chosen), _MAX_CONTENT_MAILS):,} different newsletters of 15 to 25 KB in turn"
    if not chosen:
        chosen = [mail["id"] for mail in mails]
        note = "no newsletter of about 20 KB in so small a mailbox: all mails in turn"
    # Spread over the whole mailbox, and in an order that no page of a database follows.
    ids = sorted(chosen[:: -(-len(chosen) // _MAX_CONTENT_MAILS)], key=_shuffled)
    for name, what, goal in (
        ("mail object", "", None),
        ("HTML body made safe", "body?type=html", Goal(1_500)),
        ("text body", "body?type=text", None),
        ("raw source", "source", Goal(5_000)),
    ):
        paths = [mail_path(mail_id, what) for mail_id in ids]
        scene.measure(Question(group="content", name=name, paths=paths, goal=goal, note=note))


def _shuffled(mail_id: str) -> str:
    # Read backwards, an id says little of its mail's place; unlike hash() this is the same in each run.
    return mail_id[::-1]
