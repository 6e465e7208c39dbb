"""The short way of calls that only read: the framework's routes, without what our handlers do not need of it.

The handlers here take the request and nothing else, and nothing but :func:`~postroom.api.call.prepare` comes before
one that reads. So all that the framework could do on the way (fill in arguments, run guards, caches and
dependencies) comes to nothing, and is a third of a small answer's cost. Here the handler of such a call is looked up
and called.

Algorithm: all routes are put in a tree by the parts of their paths, a name before a parameter, as the framework has
it. Whatever is not plainly one of them (another method, an odd path or Host, a path that there is not) goes the
framework's way, which alone decides what is refused.

Invariant: a call is answered as the framework would have it answered.
"""

import re
from typing import Any, NamedTuple, cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope, Receive, Scope, Send

from postroom.api.call import Call, get_exchange, prepare

_READS = ("GET", "HEAD")
_PLAIN_HOST = re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]+)?")


class _Way(NamedTuple):
    """A handler, and what the scope says of its route."""

    handler: HTTPRouteHandler
    template: str
    names: tuple[str, ...]
    """Of the parameters in the path."""


class _Node:
    """What may come after some parts of a path, and what they lead to by themselves."""

    __slots__ = ("children", "parameter", "ways")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.ways: dict[str, _Way] = {}


class ReadingWay:
    """The ASGI application over a router that answers calls that only read by the short way."""

    def __init__(self, router: Litestar) -> None:
        self.router = router
        self._root = _Node()
        for route in router.routes:
            if isinstance(route, HTTPRoute):
                self._add(route)

    def _add(self, route: HTTPRoute) -> None:
        node = self._root
        for part in route.path_components:
            if isinstance(part, str):
                node = node.children.setdefault(part, _Node())
            else:
                node.parameter = node = node.parameter or _Node()
        if any(one.type is not str for one in route.path_parameters.values()):
            return
        for handler in route.route_handlers:
            if handler.opt.get("operation") is not None and not handler.middleware:
                way = _Way(handler, route.path_format, tuple(route.path_parameters))
                node.ways.update({method: way for method in _READS if method in handler.http_methods})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        found = self.find(scope) if scope["type"] == ScopeType.HTTP else None
        if found is None:
            await self.router(scope, receive, send)
            return
        way, values = found
        open_scope = cast("dict[str, Any]", scope)
        open_scope["app"] = open_scope["litestar_app"] = self.router
        open_scope["route_handler"] = way.handler
        open_scope["path_template"] = way.template
        open_scope["path_params"] = dict(zip(way.names, values, strict=True))
        call = Call(scope, receive, send)
        await prepare(call)
        reply = await way.handler.fn(call)
        await reply(scope, receive, send)

    def find(self, scope: HTTPScope) -> tuple[_Way, list[str]] | None:
        """Return the way of a call and the parameters in its path, None if it is the framework's."""
        host = get_exchange(scope).headers.get(b"host")
        if scope["method"] not in _READS or scope.get("root_path") or host is None:
            return None
        if _PLAIN_HOST.fullmatch(host) is None:
            return None
        node, values = self._root, []
        for part in scope["path"].split("/")[1:]:
            child = node.children.get(part)
            if child is None:
                child = node.parameter
                if child is None or not part:
                    return None
                values.append(part)
            node = child
        way = node.ways.get(scope["method"])
        return None if way is None else (way, values)
