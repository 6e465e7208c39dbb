"""The interface described by itself: /api/openapi.json and the page at /api/docs."""

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from postroom.api.call import Call
from postroom.api.conditional import make_etag, matches
from postroom.api.docs import ASSETS, PAGE_HEADERS, load_asset
from postroom.api.openapi import make_document
from postroom.api.operation import Access, Stream, operation
from postroom.api.reply import Headers, Reply

_NO_CACHE = (b"cache-control", b"no-cache")


class _Document:
    """The document as bytes, made when it is first asked for."""

    def __init__(self) -> None:
        self.body = b""
        self.etag = b""

    def render(self, request: Call) -> None:
        """Make the document of the application that answers ``request``."""
        self.body = msgspec.json.encode(make_document(request.app.routes))
        self.etag = make_etag("openapi", self.body)


def make_openapi_route() -> HTTPRouteHandler:
    """Return the route of the OpenAPI document."""
    document = _Document()

    @get(
        "/api/openapi.json",
        **operation(
            "getOpenAPI",
            "Describe the interface",
            tag="description",
            access=Access.PUBLIC,
            returns=Stream(("application/json",), "This document.", is_download=False),
        ),
    )
    async def get_openapi(request: Call) -> Reply:
        """Get the OpenAPI 3.1 document of the interface."""
        if not document.body:
            document.render(request)
        headers: Headers = [_NO_CACHE, (b"etag", document.etag)]
        if matches(request.exchange.headers.get(b"if-none-match"), document.etag):
            return Reply(status=304, headers=headers)
        return Reply(document.body, headers=headers)

    return get_openapi


def _make_asset_route(path: str, name: str) -> HTTPRouteHandler:
    @get(path, include_in_schema=False)
    async def get_asset(request: Call) -> Reply:
        """Get a file of the page."""
        etag = make_etag(name, load_asset(name))
        headers: Headers = [*PAGE_HEADERS, (b"etag", etag)]
        if matches(request.exchange.headers.get(b"if-none-match"), etag):
            return Reply(status=304, headers=headers)
        return Reply(load_asset(name), media_type=ASSETS[name], headers=headers)

    return get_asset


def make_docs_routes() -> list[HTTPRouteHandler]:
    """Return the routes of the page and its files."""
    return [
        _make_asset_route("/api/docs", "docs.html"),
        _make_asset_route("/api/docs/docs.css", "docs.css"),
        _make_asset_route("/api/docs/docs.js", "docs.js"),
        _make_asset_route("/api/docs/try.js", "try.js"),
    ]
