"""The web client at /: the files of ``postroom/web``, as they are.

The files are read once, when the first of them is asked for, and kept in memory with their compressed forms. A
request only looks up a name in that table, so that no path of a request ever reaches a file system. Every answer
may be kept but must be asked for again, by a strong tag of its own for each form; so a new version is seen at once.

Two policies: that of the client, which allows scripts and styles of these files alone and no text to become HTML
(Trusted Types); and that of the page in which mails are shown, which runs no script at all. The latter comes twice:
with and without pictures from elsewhere. It is a page of its own, since a document made by ``srcdoc`` would be under
the client's policy too, which a mail's own styles do not pass. Modal windows are allowed there for printing alone,
which is one to a browser.
"""

import gzip
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import zstandard
from litestar import route
from litestar.handlers import HTTPRouteHandler

from postroom.api.call import Call
from postroom.api.conditional import make_etag, matches
from postroom.api.reply import Headers, Reply
from postroom.errors import not_found

PREFIX: Final = "/web/"
MEDIA_TYPES: Final = {
    "css": b"text/css; charset=utf-8",
    "html": b"text/html; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "png": b"image/png",
    "svg": b"image/svg+xml",
    "webmanifest": b"application/manifest+json",
}
"""By the end of a file's name; files of other kinds are not served."""
_COMPRESSIBLE = frozenset({"css", "html", "js", "svg", "webmanifest"})

CLIENT_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    b"frame-src 'self' blob:; manifest-src 'self'; worker-src 'self'; font-src 'self'; form-action 'none'; "
    b"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types postroom"
)
_MAIL_POLICY = (
    b"default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data: blob:%s; form-action 'none'; "
    b"base-uri 'none'; frame-ancestors 'self'; "
    b"sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-modals"
)
_POLICIES: Final = {
    "/web/frame.html": _MAIL_POLICY % b"",
    "/web/frame-remote.html": _MAIL_POLICY % b" https: http:",
}
_ALIASES: Final = {
    "/": "/web/index.html",
    "/sw.js": "/web/sw.js",
    "/manifest.webmanifest": "/web/manifest.webmanifest",
    "/web/frame-remote.html": "/web/frame.html",
}
"""Other paths of some files. A service worker rules only what lies below its own path."""
_ZSTD_LEVEL = 19
_COMMENTS = re.compile(rb"^ */\*\*(?:[^*]|\*(?!/))*\*/ *$|^ *//.*$|/\*\* @type [^*\n]*\*/ ?", re.MULTILINE)
"""Comments of a script: types, and what has its lines for itself, a block that begins like JSDoc or one line."""
_REFUSED = re.compile(r"q\s*=\s*0(?:\.0*)?")


@dataclass(frozen=True, slots=True)
class Form:
    """A file in one encoding."""

    body: bytes
    headers: Headers
    etag: bytes


class Asset:
    """A file of the client, in each encoding that makes it smaller."""

    def __init__(self, path: str, content: bytes) -> None:
        kind = path.rpartition(".")[2]
        self.media_type = MEDIA_TYPES[kind]
        self.policy = _POLICIES.get(path, CLIENT_POLICY)
        self.plain = self._make_form(content, "")
        self.forms: dict[str, Form] = {}
        if kind in _COMPRESSIBLE:
            smaller = {
                "zstd": zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(content),
                "gzip": gzip.compress(content, compresslevel=9, mtime=0),
            }
            self.forms = {
                name: self._make_form(body, name)
                for name, body in smaller.items()
                if len(body) < len(content)
            }

    def _make_form(self, body: bytes, encoding: str) -> Form:
        etag = make_etag("web", encoding, self.policy, body)
        headers: Headers = [
            (b"cache-control", b"no-cache"),
            (b"vary", b"accept-encoding"),
            (b"content-security-policy", self.policy),
            (b"etag", etag),
        ]
        if encoding:
            headers.append((b"content-encoding", encoding.encode("ascii")))
        return Form(body, headers, etag)

    def choose(self, accepted: bytes | None) -> Form:
        """Return the form for an Accept-Encoding header (RFC 9110 §12.5.3), the smallest that it names."""
        if accepted is not None and self.forms:
            names = parse_encodings(accepted)
            known = [form for name, form in self.forms.items() if name in names]
            if known:
                return min(known, key=lambda form: len(form.body))
        return self.plain


def leave_out_comments(script: bytes) -> bytes:
    """Return a script without the comments that browsers need not fetch; each line keeps its number."""
    return _COMMENTS.sub(lambda found: b"\n" * found[0].count(b"\n"), script)


def parse_encodings(header: bytes) -> set[str]:
    """Return the codings that an Accept-Encoding header names, less those that it refuses with ``q=0``."""
    names = set()
    for part in header.decode("latin-1").lower().split(","):
        name, _, weight = part.partition(";")
        if _REFUSED.fullmatch(weight.strip()) is None:
            names.add(name.strip())
    return names


@cache
def load_assets() -> dict[str, bytes]:
    """Return the content of all files of the client, by the path that each is served at."""
    root = files("postroom").joinpath("web")
    found = dict(_iter_files(root, PREFIX))
    return found | {path: found[target] for path, target in _ALIASES.items()}


def _iter_files(folder: Traversable, prefix: str) -> "list[tuple[str, bytes]]":
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _iter_files(entry, f"{prefix}{entry.name}/")
        elif (kind := entry.name.rpartition(".")[2]) in MEDIA_TYPES:
            content = entry.read_bytes()
            found.append((prefix + entry.name, leave_out_comments(content) if kind == "js" else content))
    return found


@cache
def get_asset(path: str) -> Asset | None:
    """Return what is served at a path, None if nothing is; the cache holds no more than there are paths."""
    content = load_assets().get(path)
    return (
        None if content is None else Asset(path if path in _POLICIES else _ALIASES.get(path, path), content)
    )


def _answer(request: Call) -> Reply:
    path = request.scope["path"]
    asset = get_asset(path) if path in load_assets() else None
    if asset is None:
        raise not_found("path")
    headers = request.exchange.headers
    form = asset.choose(headers.get(b"accept-encoding"))
    if matches(headers.get(b"if-none-match"), form.etag):
        return Reply(status=304, headers=[pair for pair in form.headers if pair[0] != b"content-encoding"])
    return Reply(form.body, media_type=asset.media_type, headers=form.headers)


def make_web_routes() -> list[HTTPRouteHandler]:
    """Return the routes of the client."""

    @route(
        ["/", "/sw.js", "/manifest.webmanifest", "/web/{file_path:path}"],
        http_method=["GET", "HEAD"],
        include_in_schema=False,
    )
    async def get_web_asset(request: Call) -> Reply:
        """Get a file of the web client."""
        return _answer(request)

    return [get_web_asset]
