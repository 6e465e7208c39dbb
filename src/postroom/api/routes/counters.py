"""The unread counter, where the short way did not answer, and the counters of folders and labels."""

from litestar import HttpMethod, route
from msgspec import UNSET

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.counter import ROUTE, reply_figure
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.counters import Counters, CountersQuery, render_folders, render_labels

_query = Query(CountersQuery)


@route(
    ROUTE,
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    **operation(
        "getCounters",
        "Count the unread",
        tag="counters",
        returns=Counters,
        query=CountersQuery,
        has_etag=True,
    ),
)
async def get_counters(request: Call) -> Reply:
    """Count the unread mails of the Inbox itself, subfolders aside. No session is needed and none is left behind."""
    query = request.parse_query(_query)
    unread = await request.domain.counters.unread(request.caller)
    if query.folders is None and query.labels is None:
        return reply_figure(unread, request.exchange.headers.get(b"if-none-match"))
    return await _reply_details(request, query, unread)


async def _reply_details(request: Call, query: CountersQuery, unread: int) -> Reply:
    domain, caller = request.domain.counters, request.caller
    folders = await domain.folders(caller) if query.folders else None
    labels = await domain.labels(caller) if query.labels else None
    etag = make_etag("counters", caller.account_id, unread, folders, labels)
    return request.find_not_modified(etag) or json_reply(
        Counters(
            unread,
            UNSET if folders is None else render_folders(caller.account_id, folders),
            UNSET if labels is None else render_labels(caller.account_id, labels),
        ),
        etag=etag,
    )


ROUTES = [get_counters]
