"""Makes ``postroom.client`` from the OpenAPI document: shapes, methods, and all that is not asyncio.

``python tools/make_client.py`` writes the modules; a test compares them with what would be written. Members that
answers may gain in later versions are passed over by old clients, and values of enumerations are not checked in
answers, so that a client goes on working with a newer server.
"""

import keyword
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from postroom.api.build import build_router
from postroom.api.openapi import make_document

JSON = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "src" / "postroom" / "client"
NOTE = "Made by ``make client`` from the OpenAPI document: do not change it by hand."
LEFT_OUT = frozenset({"getPartData", "streamEvents", "getOpenAPI"})
"""Calls that are done otherwise: a GET with a body, and the stream (``iter_events``)."""
SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "dict[str, Any]"}
SYNC_WORDS = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(Iterator|Download|Core|Client|Calls)\b", r"\1"),
    (r"\bAsyncBaseTransport\b", "BaseTransport"),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\ba(close|read|iter_lines|iter_bytes)\b", r"\1"),
    (r"\basyncio\b(?!:)", "time"),
    (r"\basync_(core|calls)\b", r"sync_\1"),
)


def main() -> None:
    """Write the modules."""
    for name, text in make_modules().items():
        (FOLDER / name).write_text(text, "utf-8")


def make_modules() -> dict[str, str]:
    """Return the text of each module by its file name."""
    document = make_document(build_router().routes)
    calls = "\n".join(_iter_calls(document))
    core = (FOLDER / "async_core.py").read_text("utf-8")
    made = {
        "structs.py": "\n".join(_iter_structs(document["components"]["schemas"])),
        "async_calls.py": calls,
        "sync_calls.py": to_sync(calls),
        "sync_core.py": _without_docstring(
            to_sync(core), "Sending calls, without asyncio. Made from ``async_core.py``."
        ),
    }
    return {name: _tidy(name, text) for name, text in made.items()}


def to_sync(text: str) -> str:
    """Return a module without asyncio."""
    for pattern, replacement in SYNC_WORDS:
        text = re.sub(pattern, replacement, text)
    return text


def _without_docstring(text: str, instead: str) -> str:
    return f'"""{instead}\n\n{NOTE}\n"""\n' + text.split('"""\n', 1)[1]


def _tidy(name: str, text: str) -> str:
    ruff = [sys.executable, "-m", "ruff"]
    sorted_text = subprocess.run(  # noqa: S603
        [
            *ruff,
            "check",
            "--quiet",
            "--fix-only",
            "--select",
            "I,F401",
            "--stdin-filename",
            str(FOLDER / name),
            "-",
        ],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return subprocess.run(  # noqa: S603
        [*ruff, "format", "--quiet", "--stdin-filename", str(FOLDER / name), "-"],
        input=sorted_text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def to_snake(name: str) -> str:
    """Return a name of the wire as one of Python."""
    snake: str = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def _to_kind(schema: JSON, *, prefix: str = "", is_asked: bool = False) -> str:
    """Return the annotation of a schema; enumerations are named where they are asked for."""
    if "$ref" in schema:
        return prefix + str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        kinds = [_to_kind(one, prefix=prefix, is_asked=is_asked) for one in schema["anyOf"]]
        return " | ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        if is_asked:
            return f"Literal[{', '.join(map(repr, schema['enum']))}]"
        return " | ".join(sorted({type(value).__name__ for value in schema["enum"]}))
    if schema.get("type") == "array":
        items = schema.get("items") or schema["prefixItems"][0]
        return f"list[{_to_kind(items, prefix=prefix, is_asked=is_asked)}]"
    if schema.get("contentEncoding") == "base64":
        return "bytes"
    return "None" if schema.get("type") == "null" else SIMPLE.get(schema.get("type", ""), "Any")


def _iter_structs(schemas: JSON) -> Iterator[str]:
    yield f'"""The shapes of bodies and answers.\n\n{NOTE}\n"""\n\nfrom typing import Any, Literal'
    yield "from msgspec import UNSET, Struct, UnsetType\nfrom msgspec import field as member\n"
    plain = {name: schema for name, schema in schemas.items() if "enum" in schema}
    for name, schema in plain.items():
        yield f"{name} = str\n" + f'"""{_sentence(schema, name)}"""\n'
    for name, schema in schemas.items():
        if name not in plain:
            yield from _iter_struct(name, schema)


def _iter_struct(name: str, schema: JSON) -> Iterator[str]:
    members = dict(schema.get("properties", {}))
    event = members.get("eventType", {}).get("enum", [])
    tag = f', tag_field="eventType", tag={event[0]!r}' if len(event) == 1 else ""
    yield f"class {name}(Struct, kw_only=True{tag}):"
    yield f'    """{_sentence(schema, name)}"""\n'
    for wire, member in members.items():
        if tag and wire == "eventType":
            continue
        kind, default = _to_kind(member), []
        if wire not in schema.get("required", ()):
            kind, default = f"{kind} | UnsetType", ["default=UNSET"]
        snake = to_snake(wire)
        if snake != wire:
            default.append(f'name="{wire}"')
        quoted = (
            f'"{kind}"'
            if re.search(r"\b[A-Z]\w+", kind.replace("UnsetType", "").replace("Any", ""))
            else kind
        )
        yield f"    {snake}: {quoted}" + (f" = member({', '.join(default)})" if default else "")
    yield "\n"


def _sentence(schema: JSON, otherwise: str) -> str:
    return " ".join(schema.get("description", otherwise).split()).replace("\\", "\\\\")


class Argument(NamedTuple):
    """A parameter of a method: its name here and on the wire."""

    name: str
    wire: str
    kind: str
    is_required: bool

    def declare(self) -> str:
        """Return it as it stands in the signature."""
        return f"{self.name}: {self.kind}" + ("" if self.is_required else " | UnsetType = UNSET")


def _iter_calls(document: JSON) -> Iterator[str]:
    yield f'"""The calls of the API, a method for each.\n\n{NOTE}\n"""\n'
    yield "from collections.abc import AsyncIterator, Sequence\nfrom typing import Any, Literal"
    yield "from msgspec import UNSET, UnsetType\nfrom postroom.client import structs"
    yield "from postroom.client.async_core import AsyncCore, AsyncDownload"
    yield "from postroom.client.call import Call, File, fill\n\n"
    yield 'class AsyncCalls(AsyncCore):\n    """Every call, by its operation id."""\n'
    for path, item in document["paths"].items():
        for method, described in item.items():
            number = described["operationId"]
            if method != "head" and number not in LEFT_OUT and not number.endswith("2"):
                yield from Method(path, method, described, document["components"]["schemas"]).write()


class Method:
    """One call of the document, and the methods that are made of it."""

    def __init__(self, path: str, method: str, described: JSON, schemas: JSON) -> None:
        self.path, self.method, self.described = path, method.upper(), described
        self.name = to_snake(described["operationId"])
        self.references = {one.get("$ref", "").rpartition("/")[2] for one in described["parameters"]}
        self.path_names = re.findall(r"\{(\w+)\}", path)
        self.query = [
            Argument(
                to_snake(one["name"]),
                one["name"],
                _to_kind(one["schema"], prefix="structs.", is_asked=True),
                one["required"],
            )
            for one in described["parameters"]
            if one.get("in") == "query"
        ]
        content = described.get("requestBody", {}).get("content", {})
        self.takes_files = "multipart/form-data" in content
        shape = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        body = schemas.get(shape, {})
        self.has_body = bool(shape)
        self.body = [
            Argument(
                to_snake(wire),
                wire,
                _to_kind(member, prefix="structs.", is_asked=True),
                wire in body["required"],
            )
            for wire, member in body.get("properties", {}).items()
        ]

        # Where a parameter may stand in either place, it goes into the body.
        in_body = {one.wire for one in self.body}
        self.query = [one for one in self.query if one.wire not in in_body]

    def write(self) -> Iterator[str]:
        """Yield the method, that for the token alone, and those that go through pages."""
        token = [one for one in self.query if one.wire == "syncTokenOnly"]
        answer, how = self._answer()
        query = [one for one in self.query if one not in token]
        yield from self._write(self.name, query, answer, how)
        if token:
            name = self.name.removeprefix("list_").removeprefix("get_") + "_sync_token"
            wanted = [one for one in query if one.is_required]
            how = "_json"
            yield from self._write(
                f"get_{name}", wanted, "structs.SyncToken", how, fixed='"syncTokenOnly": True'
            )
        names = {one.wire for one in query}
        if {"start", "limit"} <= names and self.method == "GET":
            yield from self._write_pages(query, answer)
        if self.name.endswith("_delta") and "limit" in names:
            yield from self._write_delta(query, answer)

    def _answer(self) -> tuple[str, str]:
        responses = self.described["responses"]
        contents = [responses[status].get("content", {}) for status in ("200", "201") if status in responses]
        shapes = [one["application/json"]["schema"] for one in contents if "application/json" in one]
        if not shapes:
            return ("AsyncDownload", "_open") if any(contents) else ("None", "_bytes")
        shape = shapes[0].get("anyOf", [shapes[0]])[0]
        kind = _to_kind(shape, prefix="structs.")
        may_be_empty = len(shapes) < len(contents) or self.name == "move_conversation"
        return (f"{kind} | None", "_json_or_none") if may_be_empty else (kind, "_json")

    def _write(
        self, name: str, query: list[Argument], answer: str, how: str, *, fixed: str = ""
    ) -> Iterator[str]:
        named = sorted([*query, *self.body], key=lambda one: not one.is_required)
        declared = [one.declare() for one in named]
        given = [f'"{one.wire}": {one.name}' for one in query] + ([fixed] if fixed else [])
        parts = [f'method="{self.method}"', f"path={self._path()}"]
        parts += [f"query={{{', '.join(given)}}}"] if given else []
        if self.has_body:
            parts.append("body={" + ", ".join(f'"{one.wire}": {one.name}' for one in self.body) + "}")
        if self.takes_files:
            declared.insert(0, "files: Sequence[File]")
            parts.append("files=tuple(files)")
        if "X-Axigen-Security-Token" in self.references:
            declared.append("security_token: str | None = None")
            parts.append("security_token=security_token")
        if "Idempotency-Key" in self.references:
            declared.append("idempotency_key: str | None = None")
            parts += ["idempotency_key=idempotency_key", "is_keyed=True"]
        yield f"    async def {name}({self._signature(declared)}) -> {answer}:"
        yield f'        """{_sentence({"description": self.described["summary"]}, name)}."""'
        call = f"Call({', '.join(parts)})"
        if how == "_bytes":
            yield f"        await self._bytes({call})\n"
        else:
            kind = "" if how == "_open" else f", {answer.removesuffix(' | None')}"
            yield f"        return await self.{how}({call}{kind})\n"

    def _path(self) -> str:
        if not self.path_names:
            return f'"{self.path}"'
        names = ", ".join(to_snake(name) for name in self.path_names)
        pattern = re.sub(r"\{\w+\}", "{}", self.path)
        return f'fill("{pattern}", {names})'

    def _signature(self, declared: list[str]) -> str:
        positional = ["self", *(f"{to_snake(name)}: str" for name in self.path_names)]
        return ", ".join(positional + (["*", *declared] if declared else []))

    def _passed(self, query: list[Argument]) -> str:
        return ", ".join([*map(to_snake, self.path_names), *(f"{one.name}={one.name}" for one in query)])

    def _write_pages(self, query: list[Argument], answer: str) -> Iterator[str]:
        kept = sorted((one for one in query if one.wire != "start"), key=lambda one: not one.is_required)
        name = self.name.removeprefix("list_").removeprefix("get_")
        signature = self._signature([one.declare() for one in kept])
        yield f"    async def iter_{name}_pages({signature}) -> AsyncIterator[{answer}]:"
        yield f'        """{self.described["summary"]}, page by page until the end."""'
        yield "        start = 0\n        while True:"
        yield f"            page = await self.{self.name}({self._passed(kept)}, start=start)"
        yield "            yield page\n            start += len(page.items)"
        yield "            if not page.items or start >= page.total_items:\n                return\n"

    def _write_delta(self, query: list[Argument], answer: str) -> Iterator[str]:
        ordered = sorted(query, key=lambda one: not one.is_required)
        signature = self._signature([one.declare() for one in ordered])
        yield f"    async def iter_{self.name.removeprefix('get_')}({signature}) -> AsyncIterator[{answer}]:"
        yield f'        """{self.described["summary"]}, answer by answer until there is no more to come."""'
        yield "        while True:"
        yield f"            delta = await self.{self.name}({self._passed(query)})"
        yield "            yield delta\n            sync_token = delta.sync_token"
        yield "            if not delta.more_available:\n                return\n"


if __name__ == "__main__":
    main()
