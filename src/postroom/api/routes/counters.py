"""The unread counter, where the short way did not answer, and the counters of folders and labels.

A client that has the figures already may have the answer held back until they differ (``Prefer: wait``).
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple

import msgspec
from litestar import HttpMethod, route
from msgspec import UNSET

from postroom.api.call import Call
from postroom.api.conditional import make_etag, matches
from postroom.api.counter import ROUTE, render_figure
from postroom.api.operation import operation
from postroom.api.prefer import find_wait
from postroom.api.query import Query
from postroom.api.reply import STATE_HEADERS, Headers, Reply
from postroom.api.schemas.counters import Counters, CountersQuery, render_folders, render_labels
from postroom.api.stream import wait_for_disconnect
from postroom.model.account import BADGE, Caller

_query = Query(CountersQuery)


@route(
    ROUTE,
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    **operation(
        "getCounters",
        "Count the unread",
        tag="counters",
        scope=BADGE,
        returns=Counters,
        query=CountersQuery,
        has_etag=True,
        headers=("Prefer",),
    ),
)
async def get_counters(request: Call) -> Reply:
    """Count the unread mails of the Inbox itself, subfolders aside. No session is needed and none is left behind.

    With ``Prefer: wait=N`` and ``If-None-Match`` the answer is held back until the figures differ, or the time is
    over.
    """
    query = request.parse_query(_query)
    known = request.exchange.headers.get(b"if-none-match")
    seconds = find_wait(request.find_header(b"prefer")) if known is not None else None
    answer = await _look(request, query, request.caller)
    if seconds is None:
        return answer.reply(known)
    if matches(known, answer.etag):
        answer = await _wait(request, query, answer, known=known, seconds=seconds)
    return answer.reply(known, [(b"preference-applied", b"wait=%d" % seconds)])


class _Answer(NamedTuple):
    """The figures, not rendered yet."""

    etag: bytes
    render: Callable[[], bytes]

    def reply(self, known: bytes | None, headers: Headers | None = None) -> Reply:
        """Return the 304 where the client has them, else the figures."""
        headers = [*STATE_HEADERS, (b"etag", self.etag), *(headers or ())]
        if matches(known, self.etag):
            return Reply(status=304, headers=headers)
        return Reply(self.render(), headers=headers)


async def _look(request: Call, query: CountersQuery, caller: Caller) -> _Answer:
    domain = request.domain.counters
    unread = await domain.unread(caller)
    if query.folders is None and query.labels is None:
        figure = render_figure(unread)
        return _Answer(figure.etag, lambda: figure.body)
    folders = await domain.folders(caller) if query.folders else None
    labels = await domain.labels(caller) if query.labels else None

    def render() -> bytes:
        return msgspec.json.encode(
            Counters(
                unread,
                UNSET if folders is None else render_folders(caller.account_id, folders),
                UNSET if labels is None else render_labels(caller.account_id, labels),
            )
        )

    return _Answer(make_etag("counters", caller.account_id, unread, folders, labels), render)


async def _wait(
    request: Call, query: CountersQuery, answer: _Answer, *, known: bytes | None, seconds: int
) -> _Answer:
    """Return the figures as soon as they are others than the client knows, or when the time is over."""
    caller = request.caller
    gone = asyncio.ensure_future(wait_for_disconnect(request.receive))
    news = request.domain.counters.iter_news(caller, seconds=seconds, gone=gone)
    try:
        async with aclosing(news):
            async for _ in news:
                if not await request.domain.logins.is_current(caller):
                    caller = await request.authenticate()
                answer = await _look(request, query, caller)
                if not matches(known, answer.etag):
                    break
    finally:
        gone.cancel()
    return answer


ROUTES = [get_counters]
