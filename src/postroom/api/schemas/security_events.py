"""Wire shapes of the security log."""

from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api.paging import Limit, Start
from postroom.api.schemas.fields import DateText, Number, Shape
from postroom.model.security import SecurityDetails, SecurityEvent, SecurityEventKind

_details = msgspec.json.Decoder(SecurityDetails)


class SecurityEventsQuery(msgspec.Struct, rename="camel"):
    """Which part of the log."""

    start: Start = 0
    limit: Limit | None = None


class SecurityEventEntry(Shape, frozen=True):
    """Something that happened."""

    id: Number
    date: DateText
    kind: Annotated[SecurityEventKind, Meta(description="What happened.")]
    client: Annotated[
        str,
        Meta(
            description="The address it was done from; empty where there is none, as by the server's operator.",
            examples=["192.0.2.1"],
        ),
    ]
    details: SecurityDetails


class SecurityEventList(Shape, frozen=True):
    """A part of the log, the newest first."""

    total_items: Number
    items: list[SecurityEventEntry]


def render_security_event(event: SecurityEvent) -> SecurityEventEntry:
    """Return an entry as it is answered."""
    return SecurityEventEntry(
        id=event.event_id,
        date=str(event.happened_at // 1000),
        kind=SecurityEventKind(event.kind),
        client=event.client,
        details=_details.decode(event.details),
    )
