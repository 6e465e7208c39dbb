"""Shapes of the counters."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.schemas.fields import FolderText, LabelText, Number, Shape
from postroom.domain.counters import FolderCount, LabelCount
from postroom.model.ids import AccountId


class CountersQuery(msgspec.Struct, frozen=True, rename="camel"):
    """What besides the unread count is asked for."""

    folders: Annotated[Literal["all"], Meta(description="Add the counters of every mail folder.")] | None = (
        None
    )
    labels: Annotated[Literal["all"], Meta(description="Add the counters of every label.")] | None = None


class FolderCounters(Shape, frozen=True):
    """Counters of a folder of type mails."""

    folder_id: FolderText
    role: str
    unread_items: Number
    total_items: Number


class LabelCounters(Shape, frozen=True):
    """Counters of a label."""

    label_id: LabelText
    unread_items: Number
    total_items: Number


class Counters(Shape, frozen=True):
    """The unread mails of the Inbox itself, and what else was asked for."""

    unread_count: Number
    folders: list[FolderCounters] | UnsetType = UNSET
    labels: list[LabelCounters] | UnsetType = UNSET


def render_folders(owner: AccountId, counts: list[FolderCount]) -> list[FolderCounters]:
    """Return the counters of folders."""
    return [
        FolderCounters(ids.render_folder(owner, one.folder_id), one.role, one.unread_items, one.total_items)
        for one in counts
    ]


def render_labels(owner: AccountId, counts: list[LabelCount]) -> list[LabelCounters]:
    """Return the counters of labels."""
    return [
        LabelCounters(ids.render_label(owner, one.label_id), one.unread_items, one.total_items)
        for one in counts
    ]
