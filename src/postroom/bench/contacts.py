"""Measurements of contacts: an address book taken in as vCards, its lists at several places, finding as one types.

Names are made of some hundred first and last names, so that a letter or two find very many; some contacts are written
to, so that the most used come first. Calls are made one after the other, and the time is that of the whole call.
"""

import http.client
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from urllib.parse import urlencode

import msgspec

from postroom.bench.processor import read_usage
from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Scene
from postroom.errors import Kind, PostroomError

CONTACTS = 50_000
_IN_A_FILE = 5_000
_TIMES = 60
_SYLLABLES = (
    "an",
    "be",
    "chri",
    "da",
    "el",
    "fri",
    "ge",
    "hil",
    "in",
    "jo",
    "ka",
    "lu",
    "ma",
    "no",
    "pe",
    "ro",
)
_LIST_GOAL = Goal(5, at_most=True)
_COMPLETE_GOAL = Goal(2, at_most=True)


def measure_contacts(scene: Scene) -> None:
    """Take all figures of this group."""
    count = min(CONTACTS, 50 * scene.mailbox.size)
    _import(scene, count)
    for sort in ("name", "email"):
        for name, start in (("first", 0), ("middle", count // 2), ("last", count - 50)):
            query = {"sort": sort, "dir": "ASC", "start": start, "limit": 50}
            label = f"list of {count:,} by {sort}, {name} page"
            _measure(scene, label, [f"/api/v1/contacts?{urlencode(query)}"], goal=_LIST_GOAL)
    for label, queries in (
        ("one letter", list("abcdefghij")),
        ("three letters", [text[:3] for text in _SYLLABLES if len(text) > 2]),
        ("a first and a last name", [f"{_first(number)} {_last(number)[:3]}" for number in range(20)]),
        ("two letters", [f"{one} {other}" for one in "abcdefgh" for other in "ijklm"]),
        ("three letters that nobody has together", ["a b c", "d e f", "g h i", "j k l", "m n p"]),
        ("three words of two letters that nobody has together", ["an be ch", "da el fr", "jo ka lu"]),
        ("an address", [_address(number)[:12] for number in range(20)]),
        ("nobody", ["xyz", "qq", "zz"]),
    ):
        paths = [f"/api/v1/contacts/autocomplete?{urlencode({'query': query})}" for query in queries]
        _measure(scene, f"autocomplete among {count:,}, {label}", paths, goal=_COMPLETE_GOAL)


def _first(number: int) -> str:
    return (_SYLLABLES[number % 16] + _SYLLABLES[number // 16 % 16]).title()


def _last(number: int) -> str:
    return (
        _SYLLABLES[number * 7 % 16] + _SYLLABLES[number // 5 % 16] + _SYLLABLES[number // 80 % 16]
    ).title()


def _address(number: int) -> str:
    return f"{_first(number)}.{_last(number)}{number}@example.org".lower()


def _make_cards(start: int, end: int) -> Iterator[str]:
    for number in range(start, end):
        first, last = _first(number), _last(number)
        yield (
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{number}\r\nFN:{first} {last}\r\nN:{last};{first};;;\r\n"
            f"EMAIL;TYPE=INTERNET:{_address(number)}\r\nTEL:+49 {number}\r\nEND:VCARD\r\n"
        )


def _import(scene: Scene, count: int) -> None:
    rates: list[float] = []
    connection = http.client.HTTPConnection(scene.server.host, scene.server.port, timeout=600)
    for start in range(0, count, _IN_A_FILE):
        end = min(start + _IN_A_FILE, count)
        body = "".join(_make_cards(start, end)).encode()
        began = time.perf_counter()
        connection.request("POST", "/api/v1/contacts/import", body=body, headers=dict(scene.api.headers))
        response = connection.getresponse()
        answer = response.read().decode()
        rates.append((end - start) / (time.perf_counter() - began))
        if response.status != 200 or f'"imported":{end - start}' not in answer:
            raise PostroomError(Kind.INTERNAL, "benchmarkFailed", f"the import answered {answer[:200]}")
    connection.close()
    scene.take(make_figure("contacts", "vCards taken in", unit="/s", repeats=rates))


def _measure(scene: Scene, name: str, paths: Sequence[str], *, goal: Goal) -> None:
    times: list[float] = []
    before = read_usage(scene.server.pid)
    for path in islice(cycle(paths), _TIMES):
        began = time.perf_counter()
        scene.api.call("GET", path)
        times.append((time.perf_counter() - began) * 1000)
    used = read_usage(scene.server.pid).since(before)
    figure = make_figure("contacts", name, unit="ms", repeats=times, goal=goal)
    scene.take(msgspec.structs.replace(figure, cpu_us=used.server / _TIMES * 1_000_000))
