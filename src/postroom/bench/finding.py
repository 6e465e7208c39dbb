"""Measurements of finding: searches of each kind, one after the other, and lists of conversations under load.

Each search of a kind asks for something else, so that no answer is one that the server has given before; only the
last figure repeats one search, as clients do that show it again. What is asked for is in the corpus by design: each
message ends in a number whose first two digits are those of its place modulo 89, so that such a word is in one of
a hundred mails; subjects end in a number that some mails share. At last all kinds are searched again, with a thousand
other accounts in the store.
"""

import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from postroom.bench.indexing import measure_indexing
from postroom.bench.load import HTTPLoad, run_http
from postroom.bench.neighbours import add_neighbours
from postroom.bench.processor import read_usage
from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Question, Scene, add_usage, make_measurement
from postroom.errors import Kind, PostroomError

CONVERSATION_SORTS = (
    "date",
    "subject",
    "from",
    "to",
    "isUnread",
    "isFlagged",
    "importance",
    "hasAttachments",
)
_COMMON_WORDS = [f"{number:02d}" for number in range(40)]
_RARE = range(40)
_DEEP_ROWS = 20
_CONNECTIONS = 16
_NEIGHBOURS = 1_000
_ASKED_BESIDE_THEM = 16
"""Searches of each kind: it is the same figure once more."""
_GOALS_FROM_MAILS = 100_000
_BEGINNINGS = (
    "rec",
    "mee",
    "con",
    "bes",
    "rap",
    "not",
    "ter",
    "cli",
    "off",
    "pro",
    "ant",
    "com",
    "pre",
    "sem",
    "ver",
)

Criterion = dict[str, Any]


def measure_finding(scene: Scene) -> None:
    """Take all figures of this group."""
    measure_indexing(scene)
    measure_searches(scene)
    measure_repeated_search(scene)
    measure_conversations(scene)
    others = min(_NEIGHBOURS, scene.mailbox.size)
    add_neighbours(scene, others)
    measure_searches(scene, beside=f"beside {others:,} accounts", most=_ASKED_BESIDE_THEM)


def measure_searches(scene: Scene, *, beside: str = "", most: int | None = None) -> None:
    """Search one after the other, on one connection; the time is that of the whole call.

    Args:
        scene: what is measured.
        beside: what else there is meanwhile.
        most: searches of each kind; all by default.
    """
    words = [f'"{word}"' for word in _COMMON_WORDS]
    texts = [
        str(mail["snippet"]).split() for mail in scene.list_mails()[:: max(1, scene.mailbox.size // 200)]
    ]
    phrases = [f'"{" ".join(text[1:4])}"' for text in texts if len(text) > 4 and '"' not in " ".join(text)]
    rare = [f'"{number}"' for number in _RARE]
    for name, milliseconds, queries in (
        ("a word in 1 % of the mails", 15, [[_any(word)] for word in words]),
        ("a rare word", 3, [[{"field": "subject", "value": word}] for word in rare]),
        ("a phrase", 20, [[_any(phrase)] for phrase in phrases[:40]]),
        ("all but a word", 50, [[{**_any(word), "negate": True}] for word in words[:16]]),
        ("a beginning of three letters", 50, [[_any(text)] for text in _BEGINNINGS]),
        ("two criteria", 20, [[_any(word), {"field": "unread"}] for word in words]),
    ):
        goal = Goal(milliseconds, at_most=True) if scene.mailbox.size <= _GOALS_FROM_MAILS else None
        _measure_search(scene, f"{name}, {beside}" if beside else name, queries[:most], goal=goal)


def _any(value: str) -> Criterion:
    return {"field": "anyfield", "value": value}


def _measure_search(
    scene: Scene, name: str, queries: Sequence[Sequence[Criterion]], *, goal: Goal | None
) -> None:
    taken: list[float] = []
    found: list[int] = []
    for query in queries:
        started = time.perf_counter()
        answer = scene.api.call("POST", "/api/v1/mails/search", _search_body(scene, query))
        taken.append((time.perf_counter() - started) * 1000)
        found.append(answer["totalItems"])
    if not any(found):
        raise PostroomError(Kind.INTERNAL, "benchmarkFailed", f"searches for {name} found nothing")
    note = f"{sorted(found)[len(found) // 2]:,} found (median)"
    scene.take(make_figure("finding", f"search: {name}", unit="ms", repeats=taken, goal=goal, note=note))


def _search_body(scene: Scene, query: Sequence[Criterion]) -> dict[str, Any]:
    return {"folderIds": [scene.inbox_id], "query": list(query)}


def measure_repeated_search(scene: Scene) -> None:
    """Repeat one search over 16 connections."""
    load = HTTPLoad(
        paths=["/api/v1/mails/search"],
        connections=_CONNECTIONS,
        seconds=scene.options.seconds,
        warmup_seconds=min(0.3, scene.options.seconds / 4),
        method="POST",
        body=json.dumps(_search_body(scene, [_any(f'"{_COMMON_WORDS[0]}"')])),
        headers={**scene.api.headers, "Content-Type": "application/json"},
    )
    before = read_usage(scene.server.pid)
    result = run_http(scene.server.host, scene.server.port, load)
    used = read_usage(scene.server.pid).since(before)
    name = f"search: the same again, {_CONNECTIONS} connections"
    asked = Question(group="finding", name=name, goal=Goal(1_500))
    scene.take(add_usage(make_measurement([result], asked), [result], [used]))


def measure_conversations(scene: Scene) -> None:
    """List 50 conversations in each order, at the start and at nine tenths of the list."""
    first = _conversations_path(scene, limit=1)
    total = scene.api.call("GET", first)["totalItems"]
    depth = max(0, min(total * 9 // 10, total - 50 - _DEEP_ROWS))
    for sort in CONVERSATION_SORTS:
        newest = [_conversations_path(scene, sort=sort, limit=50)]
        deep = [
            _conversations_path(scene, sort=sort, limit=50, start=depth + row) for row in range(_DEEP_ROWS)
        ]
        for place, paths in (("newest", newest), ("deep", deep)):
            scene.measure(
                Question(group="finding", name=f"conversations: {sort}, {place}", paths=paths, goal=Goal(800))
            )


def _conversations_path(scene: Scene, **query: str | int) -> str:
    return f"/api/v1/conversations?{urlencode({'folderId': scene.inbox_id, 'dir': 'DESC', **query})}"
