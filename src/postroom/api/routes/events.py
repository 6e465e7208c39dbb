"""Live events, and the tickets by which a browser opens a stream of them."""

import msgspec
from litestar import get, post

from postroom.api.call import Call, check_caller
from postroom.api.event_reply import EventReply
from postroom.api.operation import Access, Stream, operation
from postroom.api.query import Query
from postroom.api.reply import Reply
from postroom.api.schemas.events import EventsQuery, Ticket, TicketQuery, render_ticket
from postroom.domain.event_feed import COUNTERS as COUNTERS_EVENT
from postroom.domain.event_feed import KINDS, Selection
from postroom.domain.event_streams import parse_position
from postroom.errors import not_permitted
from postroom.model.account import BADGE, COUNTERS, READ, Caller, permits

_query = Query(EventsQuery)
_ticket_query = Query(TicketQuery)


@get(
    "/api/v1/events",
    **operation(
        "streamEvents",
        "Tell of changes",
        tag="events",
        returns=Stream(
            ("text/event-stream",), "Server-sent events, without end.", is_download=False, is_endless=True
        ),
        query=EventsQuery,
        access=Access.TICKET,
        scope=BADGE,
        headers=("Last-Event-ID",),
    ),
)
async def stream_events(request: Call) -> EventReply:
    """Tell of the account's changes as they happen, as server-sent events, beginning with the present counters.

    With ``Last-Event-ID`` the stream goes on from there: what has happened since comes first, in its newest state.
    """
    ticket = request.parse_query(_ticket_query).ticket
    caller = await (request.authenticate() if ticket is None else request.domain.tickets.redeem(ticket))
    check_caller(request, caller)
    query = request.parse_query(_query)
    last = request.find_header(b"last-event-id")
    position = None if last is None else parse_position(last)
    selection = Selection(select_kinds(query, caller), query.folders is not None)
    return EventReply(request.domain.event_streams, caller, selection, position=position)


@post(
    "/api/v1/events/ticket",
    **operation("issueTicket", "Make a ticket for a stream", tag="events", scope=COUNTERS, returns=Ticket),
)
async def issue_ticket(request: Call) -> Reply:
    """Make a ticket, which opens one event stream of this account and session within a minute."""
    issued = await request.domain.tickets.issue(request.caller)
    return Reply(msgspec.json.encode(render_ticket(issued)), headers=[(b"cache-control", b"no-store")])


def select_kinds(query: EventsQuery, caller: Caller) -> frozenset[str]:
    """Return the kinds of events that are asked for; raises ``notPermitted`` where the caller may not have one."""
    allowed = KINDS if permits(caller.scope, READ) else frozenset({COUNTERS_EVENT})
    kinds = allowed if query.kinds is None else frozenset(query.kinds)
    if not kinds <= allowed:
        raise not_permitted("these credentials are for the counters alone")
    return kinds


ROUTES = [stream_events, issue_ticket]
