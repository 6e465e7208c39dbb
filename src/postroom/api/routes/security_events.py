"""The security log: what happened to the security of the account."""

from litestar import get

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.security_events import (
    SecurityEventList,
    SecurityEventsQuery,
    render_security_event,
)

_query = Query(SecurityEventsQuery)


@get(
    "/api/v1/account/security/events",
    **operation(
        "listSecurityEvents",
        "List what happened to the account's security",
        tag="account",
        returns=SecurityEventList,
        query=SecurityEventsQuery,
        has_etag=True,
    ),
)
async def list_security_events(request: Call) -> Reply:
    """List logins from new addresses, changes of passwords and methods, and the like, newest first."""
    query, owner = request.parse_query(_query), request.caller.account_id
    limit = await request.domain.settings.page_size(request.caller, query.limit)
    logs = request.domain.security_logs
    span = await logs.find_span(owner)
    etag = make_etag("securityevents", owner, span, query.start, limit)
    if (unchanged := request.find_not_modified(etag)) is not None:
        return unchanged
    events = await logs.list(owner, span, start=query.start, limit=limit)
    return json_reply(
        SecurityEventList(span.total, [render_security_event(one) for one in events]), etag=etag
    )


ROUTES = [list_security_events]
