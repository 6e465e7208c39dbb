"""Shapes of event streams and their tickets."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.schemas.fields import DateText, FolderText, Number, Shape, TokenText
from postroom.domain.event_feed import Change, Event, Figures, Progress
from postroom.domain.tickets import Issued

EventKind = Literal["counters", "folders", "mails", "labels", "contacts", "job"]


class EventsQuery(msgspec.Struct, frozen=True, rename="camel"):
    """What a stream is to tell, and who asks where headers cannot say so."""

    folders: (
        Annotated[
            Literal["all"], Meta(description="Tell the counters of every mail folder, not the Inbox alone.")
        ]
        | None
    ) = None
    kinds: Annotated[list[EventKind], Meta(description="Only these kinds of events.")] | None = None
    ticket: Annotated[str, Meta(description="A ticket, in place of credentials.")] | None = None


class TicketQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Of :class:`EventsQuery`, who asks."""

    ticket: str | None = None


class CountersEvent(Shape, frozen=True):
    """Data of a ``counters`` event."""

    folder_id: FolderText
    role: str
    unread_count: Number
    total_items: Number


class ChangeEvent(Shape, frozen=True, kw_only=True):
    """Data of an event that says that a list has changed, with its token as it is then."""

    folder_id: FolderText | UnsetType = UNSET
    sync_token: TokenText


class JobEvent(Shape, frozen=True):
    """Data of a ``job`` event."""

    job_key: str
    status: str
    progress: Number


class Ticket(Shape, frozen=True):
    """A ticket, good for one stream until it expires."""

    ticket: Annotated[str, Meta(examples=["Vq3dKJmZ0c1Jb8sY4uQn2w0pXxT7eRlA"])]
    expire_date: DateText


def render_ticket(issued: Issued) -> Ticket:
    """Return a ticket as it is answered."""
    return Ticket(issued.ticket, str(issued.expires_at))


def render_data(event: Event) -> bytes:
    """Return the JSON of an event's data."""
    return msgspec.json.encode(_shape(event.data))


def _shape(data: Figures | Change | Progress | None) -> object:
    match data:
        case Figures():
            counted = ids.render_folder(data.account_id, data.folder_id)
            return CountersEvent(counted, data.role, data.unread_items, data.total_items)
        case Change(account_id, folder_id, sync_token):
            folder = UNSET if folder_id is None else ids.render_folder(account_id, folder_id)
            return ChangeEvent(folder_id=folder, sync_token=sync_token)
        case Progress():
            return JobEvent(data.job_key, "completed" if data.is_done else "inProgress", data.progress)
        case None:
            return {}
