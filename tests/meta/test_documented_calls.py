"""What users are told to type can be typed: commands and options, and calls of the API with their parameters.

Looked at are the code and the code spans of all documents. Commands are parsed by the program itself; a call is
compared with the OpenAPI document, once the variables of the shell in it are replaced (``$A``, set above it).
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from cyclopts import App, CoercionError, CycloptsError, MissingArgumentError
from tests.meta.test_documents import DOCUMENTS, ROOT

from postroom.api.build import build_router
from postroom.api.openapi import make_document
from postroom.cli.app import build_app

CODE = [*DOCUMENTS, *sorted(path for path in (ROOT / "contrib").rglob("*") if path.is_file())]
DOCUMENT = make_document(build_router().routes)
PATHS: dict[str, dict[str, Any]] = DOCUMENT["paths"]

_BLOCK = re.compile(r"^( *)```\w*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
# The program, not the user or the group of that name.
_COMMAND = re.compile(r"(?:.*[\s/])?(?<!-[gou] )postroom ([a-z][a-z-]*\b(?!\.).*)")
_COMMENT = re.compile(r"\s(?:#|→).*$|\s(?:\||&&|;|>).*$")
_VARIABLE = re.compile(r"\b(\w+)=\"?(?:https?://[\w.:-]+)(/api/v1[\w/.-]*)")
_METHOD = re.compile(r"^(GET|POST|PUT|PATCH|DELETE|HEAD) (\S+)$")
_USED = re.compile(r"(?:https?://[\w.:-]+)?(/api/v1(?:/[^\s\"'`]*)?)(?=[\s\"'`]|$)")


class Call(NamedTuple):
    """A call of the API as a document has it; ``method`` is "" where it does not say."""

    method: str
    path: str


def read(path: Any) -> str:
    text: str = path.read_text("utf-8")
    return text.replace("\\\n", " ")


def iter_lines(text: str) -> Iterator[str]:
    """Yield the lines of all blocks of code; a call that goes on within quotes is one line."""
    for block in _BLOCK.finditer(text):
        yield from re.sub(r"(?<=[,{])\n +", " ", block[2]).splitlines()


def iter_spans(text: str) -> Iterator[str]:
    return (span[1] for span in _SPAN.finditer(_BLOCK.sub("", text)))


# Commands


def make_app() -> App:
    app = build_app()
    app.command("postroom.bench.command:bench", name="bench")
    return app


def parse(text: str, *, is_whole: bool) -> str:
    """Return what is wrong with the arguments ``text``; a command that is only named may lack arguments."""
    tokens = shlex.split(_COMMENT.sub("", text))
    try:
        make_app().parse_args(tokens, exit_on_error=False, print_error=False)
    except (MissingArgumentError, CoercionError) as error:
        # Placeholders such as NUMBER stand for what differs.
        return f"{text}: {error}" if is_whole and isinstance(error, MissingArgumentError) else ""
    except CycloptsError as error:
        return f"{text}: {error}"
    return ""


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_can_be_typed(path: Any) -> None:
    text = read(path)
    lines = [(line, True) for line in iter_lines(text)] if path.suffix == ".md" else []
    named = (
        iter_spans(text) if path.suffix == ".md" else re.findall(r"`([^`\n]+)`|^#   (.*)", text, re.MULTILINE)
    )
    lines += [("".join(span), False) for span in named]
    found = [(command[1], is_whole) for line, is_whole in lines if (command := _COMMAND.match(line))]
    assert [wrong for text, is_whole in found if (wrong := parse(text, is_whole=is_whole))] == []


def test_the_readme_names_every_command() -> None:
    named = set()
    for cell in re.findall(r"^\| (`postroom .*?) \|", read(ROOT / "README.md"), re.MULTILINE):
        group = ""
        for span in _SPAN.findall(cell):
            words = span.removeprefix("postroom ").split()
            group = words[0] if span.startswith("postroom ") else group
            named.add(" ".join(words if span.startswith("postroom ") else [group, *words]))
    app = make_app()
    groups = {"domain", "account", "folder", "public", "queue", "dkim", "keys", "config"}
    there = {name for name in app if not name.startswith("-") and name not in groups}
    there |= {f"{group} {name}" for group in groups for name in app[group] if not name.startswith("-")}
    # This one is for who changes the program.
    assert named == there - {"config manual"}


# Calls of the API


def iter_calls(text: str) -> Iterator[Call]:
    variables: dict[str, str] = {}
    for line in iter_lines(text):
        variables |= dict(_VARIABLE.findall(line))
        whole = _expand(_VARIABLE.sub("", line), variables)
        if re.search(r"\bcurl\b|\$C\b", line) and (used := _USED.search(whole)):
            yield Call(_find_method(whole), used[1])
    for span in iter_spans(text):
        if (told := _METHOD.match(span)) and "=" not in told[2].partition("?")[0]:
            yield Call(told[1], told[2])


def _expand(line: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: variables.get(found[1], found[0]), line)


def _find_method(line: str) -> str:
    if given := re.search(r"-X ([A-Z]+)", line):
        return given[1]
    return "POST" if re.search(r" (-d|-F|--json|--data-binary) ", line) else "GET"


def explain(call: Call) -> str:
    """Return what is wrong with a call."""
    path, _, query = call.path.partition("?")
    if "…" in path or not path.startswith("/api"):
        tail = path.rpartition("…")[2].strip("/")
        matches = [known for known in PATHS if _is_like(known.rsplit("/", tail.count("/") + 1), tail)]
    else:
        matches = [known for known in PATHS if _is_like(["", known.strip("/")], path.strip("/"))]
    described = [
        PATHS[known][call.method.lower()] for known in matches if call.method.lower() in PATHS[known]
    ]
    if not described:
        return f"{call.method} {call.path}"
    names = {name for item in described for name in _iter_query(item)}
    # What every call takes: the session of a browser's call.
    wrong = set(re.findall(r"(?:^|&)(\w+)", query)) - names - {"_h"}
    return f"{call.path}: no parameter {', '.join(sorted(wrong))}" if wrong else ""


def _iter_query(operation: dict[str, Any]) -> Iterator[str]:
    for one in operation.get("parameters", ()):
        name = one.get("$ref", "").rpartition("/")[2]
        parameter = DOCUMENT["components"]["parameters"][name] if name else one
        if parameter["in"] == "query":
            yield parameter["name"]


def _is_like(known: list[str], wanted: str) -> bool:
    """Say whether the last parts of a known path are those that are wanted; placeholders stand for anything."""
    parts, others = "/".join(known[1:]).split("/"), wanted.split("/")
    return len(parts) == len(others) and all(
        part == other or part.startswith("{") for part, other in zip(parts, others, strict=True)
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_calls_can_be_made(path: Any) -> None:
    calls = set(iter_calls(read(path)))
    assert [wrong for call in sorted(calls) if (wrong := explain(call))] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("domain list", ""),
        ("account remove", ""),
        ("domains list", "domains"),
        ("account add anna@example.com --aliases info@example.com", "--aliases"),
        ("queue list 1", "1"),
    ],
)
def test_wrong_commands_are_noticed(text: str, wrong: str) -> None:
    said = parse(text, is_whole=False)
    assert wrong in said
    assert bool(said) == bool(wrong)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("curl -s $A/mails/counters", ""),
        ("$C -X PATCH -d '{}' $A/mails/MAILID", ""),
        ("$C -X PUT $A/mails/counters", "PUT /api/v1/mails/counters"),
        ("$C $A/mail", "GET /api/v1/mail"),
        ('$C "$A/mails?folder=1_2"', "no parameter folder"),
    ],
)
def test_wrong_calls_are_noticed(line: str, wrong: str) -> None:
    (call,) = iter_calls(f"```sh\nA=http://127.0.0.1:8080/api/v1\n{line}\n```\n")
    assert wrong in explain(call)
    assert bool(explain(call)) == bool(wrong)
