"""The web client's files: how they are served, and that they hold together."""

import gzip
import json
import re

import httpx
import pytest
import zstandard

from postroom.api.build import build_api
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.api.web import (
    CLIENT_POLICY,
    MEDIA_TYPES,
    get_asset,
    leave_out_comments,
    load_assets,
    parse_encodings,
)
from tests.api.world import World

ASSETS = load_assets()
TEXTS = {
    path: content.decode("utf-8")
    for path, content in ASSETS.items()
    if path.rpartition(".")[2] in {"css", "html", "js", "svg", "webmanifest"} or path == "/"
}
SCRIPTS = {path: text for path, text in TEXTS.items() if path.startswith("/web/js/")}
LANGUAGES = sorted(path for path in SCRIPTS if path.startswith("/web/js/i18n/"))
MOST_BYTES = 150 * 1024
_IMPORT = re.compile(r'(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)"([^"]+)"')


def resolve(base: str, name: str) -> str:
    """Return the path that an import of ``name`` in the file at ``base`` leads to."""
    assert name.startswith("."), name
    parts = base.split("/")[:-1]
    for part in name.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def statically_imported(path: str, found: set[str] | None = None) -> set[str]:
    """Return all files that are fetched before the module at ``path`` runs."""
    found = set() if found is None else found
    for name in re.findall(r'^(?:import|export)\s(?:[^;]*?\sfrom\s+)?"([^"]+)"', SCRIPTS[path], re.MULTILINE):
        target = resolve(path, name)
        if target not in found:
            found.add(target)
            statically_imported(target, found)
    return found


async def test_each_file_is_served(world: World) -> None:
    for path in sorted(ASSETS):
        await check_served(world.connect(), path)


async def check_served(client: httpx.AsyncClient, path: str) -> None:
    """Check what is answered for a file."""
    response = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert response.status_code == 200
    assert response.content == ASSETS[path]
    kind = "html" if path == "/" else path.rpartition(".")[2]
    assert response.headers["content-type"].encode() == MEDIA_TYPES[kind]
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in response.headers["content-security-policy"] or path.startswith("/web/frame")
    etag = response.headers["etag"]
    assert etag.startswith('"')
    again = await client.get(path, headers={"Accept-Encoding": "identity", "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    head = await client.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", etag)


@pytest.mark.parametrize(("name", "decompress"), [("gzip", gzip.decompress), ("zstd", zstandard.decompress)])
async def test_compressed_forms(world: World, name: str, decompress: object) -> None:
    path = "/web/js/api.js"
    client = world.connect()
    async with client.stream("GET", path, headers={"Accept-Encoding": name}) as response:
        raw = b"".join([part async for part in response.aiter_raw()])
    assert response.headers["content-encoding"] == name
    assert response.headers["vary"] == "accept-encoding"
    assert callable(decompress)
    assert decompress(raw) == ASSETS[path]
    assert len(raw) < len(ASSETS[path]) / 2
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.headers["etag"] != response.headers["etag"]
    unchanged = await client.get(
        path, headers={"Accept-Encoding": name, "If-None-Match": response.headers["etag"]}
    )
    assert unchanged.status_code == 304


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"gzip, br", {"gzip", "br"}),
        (b"GZIP;q=0.5", {"gzip"}),
        (b"gzip;q=0", set()),
        (b"gzip; q=0.000, zstd", {"zstd"}),
        (b"", {""}),
    ],
)
def test_accepted_encodings(header: bytes, expected: set[str]) -> None:
    assert parse_encodings(header) == expected


NOT_SERVED = [
    "/web/",
    "/web/js",
    "/web/js/",
    "/web/nothing.js",
    "/web/../api/web.py",
    "/web/%2e%2e/api/web.py",
    "/web/..%2fapi%2fweb.py",
    "/web//etc/passwd",
    "/web/js/../../../../../../etc/passwd",
    "/web/js\\api.js",
    "/web/js/api.js%00",
    "/index.html",
]


async def test_nothing_else_is_served(world: World) -> None:
    client = world.connect()
    for path in NOT_SERVED:
        response = await client.get(path)
        assert response.status_code == 404, path
        assert response.json()["errorCode"] == "notFound"


async def test_reading_is_all_that_can_be_done(world: World) -> None:
    assert (await world.connect().post("/web/js/api.js")).status_code == 405


async def test_it_can_be_switched_off(world: World) -> None:
    app = build_api(world.domain, APISettings(web_client=False), APIStats())
    world.app = app
    client = world.connect()
    for path in ("/", "/sw.js", "/web/js/api.js"):
        assert (await client.get(path)).status_code == 404
    assert (await client.get("/api/")).status_code == 200


async def test_policies(world: World) -> None:
    client = world.connect()
    assert (await client.get("/")).headers["content-security-policy"].encode() == CLIENT_POLICY
    closed = (await client.get("/web/frame.html")).headers["content-security-policy"]
    remote = (await client.get("/web/frame-remote.html")).headers["content-security-policy"]
    for policy in (closed, remote):
        assert policy.startswith("default-src 'none'; ")
        assert "script-src" not in policy
        assert "allow-scripts" not in policy
        assert "sandbox" in policy
    assert "http" not in closed
    assert closed.replace("blob:", "blob: https: http:") == remote


def test_the_whole_is_small() -> None:
    files = [path for path in ASSETS if path.startswith("/web/")]
    total = 0
    for path in files:
        asset = get_asset(path)
        assert asset is not None
        total += len(asset.choose(b"gzip").body)
    assert total < MOST_BYTES


def test_comments_stay_here_and_lines_keep_their_numbers() -> None:
    script = (
        b'/**\n * About it.\n */\nconst a = "// kept"; // kept\n  // gone\n'
        b"  /** @type {number} */ (a).b();\n  /** @type {number} */\nlet b;\n"
    )
    assert leave_out_comments(script) == (b'\n\n\nconst a = "// kept"; // kept\n\n  (a).b();\n\nlet b;\n')


@pytest.mark.parametrize("path", [path for path in TEXTS if path.endswith(".html") or path == "/"])
def test_no_script_and_no_style_is_inline(path: str) -> None:
    text = TEXTS[path]
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|<style|\sstyle=|javascript:", text)


@pytest.mark.parametrize(
    "path", [path for path in TEXTS if path.endswith((".html", ".webmanifest")) or path == "/"]
)
def test_what_pages_name_is_there(path: str) -> None:
    for link in re.findall(r'(?:href|src)"?[=:]\s*"([^"]+)"', TEXTS[path]):
        assert link in ASSETS, link


def test_what_the_service_worker_names_is_there() -> None:
    shell = re.search(r"const SHELL = \[([^\]]*)\]", TEXTS["/sw.js"])
    assert shell is not None
    names = json.loads(f"[{shell[1]}]")
    assert names
    assert set(names) <= set(ASSETS)


@pytest.mark.parametrize("path", sorted(SCRIPTS))
def test_scripts_import_what_is_there(path: str) -> None:
    for name in _IMPORT.findall(SCRIPTS[path]):
        assert resolve(path, name) in ASSETS


@pytest.mark.parametrize("path", [*sorted(SCRIPTS), "/sw.js"])
def test_scripts_parse_no_text(path: str) -> None:
    text = TEXTS[path]
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTMLUnsafe"
    assert not re.search(banned, text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    if path != "/web/js/dom.js":
        assert "DOMParser" not in text


def test_first_modules_are_named_by_the_page() -> None:
    named = set(re.findall(r'rel="modulepreload" href="([^"]+)"', TEXTS["/"]))
    first = statically_imported("/web/js/main.js") | statically_imported("/web/js/components/app.js")
    first.add("/web/js/components/app.js")
    assert named == first


def read_table(path: str) -> dict[str, set[str] | None]:
    """Return the messages of a table: the plural forms of each, None where it has none."""
    found: dict[str, set[str] | None] = {}
    for match in re.finditer(r'^  "([\w.]+)":\s*(.*),$', SCRIPTS[path], re.MULTILINE):
        value = match[2]
        assert match[1] not in found, match[1]
        forms = set(re.findall(r"\b(zero|one|two|few|many|other):", value))
        found[match[1]] = forms if value.startswith("{") else None
    return found


FORMS = {
    "en": {"one", "other"},
    "de": {"one", "other"},
    "fr": {"one", "many", "other"},
    "ro": {"one", "few", "other"},
    "ja": {"other"},
}
"""The plural forms of whole numbers in each language (CLDR)."""


@pytest.mark.parametrize("path", LANGUAGES)
def test_tables_say_the_same(path: str) -> None:
    table, english = read_table(path), read_table("/web/js/i18n/en.js")
    assert len(english) > 100
    assert set(table) == set(english)
    language = path.rpartition("/")[2].removesuffix(".js")
    for name, forms in table.items():
        assert (forms is None) == (english[name] is None), name
        assert forms is None or forms == FORMS[language], name


def test_each_message_is_there() -> None:
    english = set(read_table("/web/js/i18n/en.js"))
    used = {
        name
        for text in SCRIPTS.values()
        for name in re.findall(r'\bt\(\s*(?:\w+(?:\.\w+)?\s*\?\s*)?"([\w.]+)"', text)
    }
    assert used <= english


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (b"/** A. */\nlet a;\n", b"let a;"),
        (b"/** @type {A} */ (a).b();\n/** B */\nc();\n", b"(a).b();c();"),
        (b'a("/** b */");\n', b'a("/** b */");'),
    ],
)
def test_only_comments_are_left_out(script: bytes, expected: bytes) -> None:
    assert leave_out_comments(script).replace(b"\n", b"") == expected
